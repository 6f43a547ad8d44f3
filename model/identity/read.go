package identity

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Read returns what the sightings say of hit i.
func (d *Device) Read(i int) Reading {
	h := &d.hits[i]
	r := Reading{Jars: d.jars}
	d.readBefore(h, &r)
	d.readAfter(h, &r)
	r.Verdicts = make([]Verdict, len(h.Candidates))
	for c := range h.Candidates {
		d.readCandidate(h, &h.Candidates[c], &r, &r.Verdicts[c])
	}
	d.readStranger(i, &r)
	d.conclude(i, &r)
	return r
}

// readBefore finds the recipient's own session: the last one presented surely
// before the hit on its connection or under its device id, else by its device if
// that is one jar, else the first one presented about the time of the hit.
func (d *Device) readBefore(h *Hit, r *Reading) {
	var sure, open, same *Sighting
	if !h.Conn.IsZero() {
		sure, open = d.lastOwn(d.byConn[h.Conn], h, idle)
	}
	if !h.jar.IsZero() {
		same, _ = d.lastOwn(d.byJar[h.jar], h, ever)
	}
	switch {
	case same != nil && (sure == nil || same.left != sure.left && same.Start.Lo > sure.Start.Lo):
		r.own(same, LinkDeviceID)
		return
	case sure != nil:
		r.own(sure, LinkConnection)
		return
	}
	for n := d.before(h) - 1; n >= 0 && !d.shared(); n-- {
		s := &d.sightings[n]
		if !s.empty() && s.Start.Hi <= h.Start.Lo && !d.maybeBrought(s) {
			r.own(s, LinkDevice)
			return
		}
	}
	if open != nil {
		r.own(open, LinkConnection)
		r.OwnOpen = true
	}
}

// own names the recipient by what its jar held once s was answered.
func (r *Reading) own(s *Sighting, link Link) {
	r.Own, r.OwnUser, r.OwnLink, r.whose = s.holds(), s.left.user, link, s.left
}

// holds returns the session that the jar held once s was answered.
func (s *Sighting) holds() model.ID {
	if !s.Issued.IsZero() {
		return s.Issued
	}
	return s.Session
}

// before returns how many sightings surely precede h.
func (d *Device) before(h *Hit) int {
	n, _ := slices.BinarySearchFunc(d.sightings, h.Start.Lo, func(s Sighting, at model.Instant) int {
		return cmp.Compare(s.Start.Lo, at)
	})
	return n
}

// ever is longer than any log.
const ever = time.Duration(math.MaxInt64)

// lastOwn returns the last sighting of list that surely precedes h and whose session no delivery brought; and the earliest of the later ones that
// may precede it. Of two sessions seen within one second the earlier is the
// recipient's own, the later what it was handed.
func (d *Device) lastOwn(list []int, h *Hit, reach time.Duration) (sure, open *Sighting) {
	for n := d.after(list, h.Available.Hi) - 1; n >= 0; n-- {
		s := &d.sightings[list[n]]
		if gap(s.Start, h.Start) > reach {
			break
		}
		if s.empty() || apart(s.jar, h.jar) || d.maybeBrought(s) || d.broughtOver(s) {
			continue
		}
		if s.Start.Hi <= h.Start.Lo {
			return s, open
		}
		open = s
	}
	return nil, open
}

// after returns the index in list, which holds sightings in order, of the
// first one that cannot have started before t.
func (d *Device) after(list []int, t model.Instant) int {
	n, _ := slices.BinarySearchFunc(list, t, func(i int, t model.Instant) int {
		return cmp.Compare(d.sightings[i].Start.Lo, t)
	})
	return n
}

// readAfter finds whether the device came back, and with its own session.
func (d *Device) readAfter(h *Hit, r *Reading) {
	r.Again = d.again(h)
	r.Bare = h.Cookie == model.No && d.signedIn(h)
	if r.OwnLink == LinkNone {
		d.readEmpty(h, r)
		return
	}
	own := d.byWho[r.whose]
	for _, n := range own[d.after(own, h.Available.Lo.Add(-slowest)):] {
		s := &d.sightings[n]
		if s.Sets > 0 && s.Start.Lo < h.Available.Hi && s.Done.Hi > h.Available.Lo && !apart(s.jar, h.jar) {
			r.Racing = true
		}
		if s.Start.Lo < h.Available.Hi || d.loginBetween(h, s) {
			continue
		}
		if l := d.link(s, h); l > r.KeptLink {
			r.Kept, r.KeptLink = s, l
		}
		if r.KeptLink == LinkConnection || gap(s.Start, h.Start) > idle && r.Kept != nil {
			return
		}
	}
}

// again reports whether the client of h was seen after it.
func (d *Device) again(h *Hit) bool {
	if !d.shared() {
		last := len(d.sightings) - 1
		return last >= 0 && d.sightings[last].Start.Lo >= h.Available.Hi
	}
	for _, list := range [...][]int{d.byConn[h.Conn], d.byJar[h.jar]} {
		if n := len(list); n > 0 && d.sightings[list[n-1]].Start.Lo >= h.Available.Hi {
			return true
		}
	}
	return false
}

// readEmpty finds whether the first that the client showed after the hit, on
// its connection, was an empty jar. Of a client that had a session before, an
// empty jar says that it lost one, not which.
func (d *Device) readEmpty(h *Hit, r *Reading) {
	list := d.byConn[h.Conn]
	if h.Conn.IsZero() {
		list = nil
	}
	if n := d.after(list, h.Available.Hi); n < len(list) {
		if s := &d.sightings[list[n]]; gap(s.Start, h.Start) <= idle && s.empty() && !s.Blank {
			r.Empty = s
		}
	}
}

// loginBetween reports whether the jar got a session by itself between h and s.
func (d *Device) loginBetween(h *Hit, s *Sighting) bool {
	until := s.Start.Lo
	if s.Told { // which may as well be later
		until = s.Start.Hi
	}
	for _, n := range d.logins[d.after(d.logins, h.Available.Lo.Add(-slowest)):] {
		l := &d.sightings[n]
		if l.Start.Lo >= until {
			return false
		}
		if l.Done.Hi > h.Available.Lo && !apart(l.jar, s.jar) && (l.left == s.who || d.oneJar(l, s)) {
			return true
		}
	}
	return false
}
