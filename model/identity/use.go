package identity

import (
	"slices"

	"github.com/spillscope/spillscope/model"
)

// readCandidate looks for the candidate's session on the device.
func (d *Device) readCandidate(h *Hit, c *Candidate, r *Reading, v *Verdict) {
	switch {
	case c.sameConn(h):
		v.Self = LinkConnection
	case together(c.jar, h.jar):
		v.Self = LinkDeviceID
	case apart(c.jar, h.jar): // a neighbour
	case c.Device == h.Device && d.shared():
		v.Self = LinkShared
	case c.Device == h.Device:
		v.Self = LinkDevice
	}
	if c.who == (who{}) {
		return
	}
	v.Same = !r.OwnOpen && r.OwnLink != LinkNone && c.who == r.whose
	if v.Same {
		return
	}
	if c.Device == h.Device && (r.OwnLink == LinkNone || r.OwnOpen && c.who == r.whose) && d.opensWith(h, c.who) {
		return
	}
	v.Use, v.UseLink = d.use(h, c)
	if v.UseLink == LinkShared && r.KeptLink >= LinkDeviceID {
		v.Use, v.UseLink = nil, LinkNone // another jar behind the same address; this one went on as itself
	}
}

// opensWith reports whether session was first seen here within the
// uncertainty of h itself: whether before or after it is open, so on a device
// of which nothing else is known it may as well be the recipient's own.
func (d *Device) opensWith(h *Hit, w who) bool {
	seen := d.byWho[w]
	return len(seen) > 0 && d.sightings[seen[0]].Start.Overlaps(h.Start)
}

// use returns the first sighting of session after h that speaks for a
// delivery: not on a device, or a connection, where it was at home before.
func (d *Device) use(h *Hit, c *Candidate) (*Sighting, Link) {
	list := d.byWho[c.who]
	if len(list) == 0 {
		return nil, LinkNone
	}
	first := &d.sightings[list[0]]
	home := first.Start.Hi <= h.Start.Lo && !d.maybeBrought(first)
	if home && d.hadBefore(h, list) {
		return nil, LinkNone
	}
	var best *Sighting
	link := LinkNone
	for _, n := range list[d.after(list, h.Start.Lo.Add(-d.widest)):] {
		s := &d.sightings[n]
		if best != nil && gap(s.Start, h.Start) > idle {
			break
		}
		l := d.link(s, h)
		if l == LinkNone || !s.follows(h) || d.loginBetween(h, s) {
			continue
		}
		if d.overtaken(h, s, l) {
			break
		}
		if (home || !c.Conn.IsZero() && s.Conn == c.Conn) && l < LinkDeviceID { // the holder, over the connection that filled
			continue
		}
		if l > link {
			best, link = s, l
		}
		if link == LinkConnection {
			break
		}
	}
	return best, link
}

// hadBefore reports whether one of list was seen surely before h on its
// connection or under its device id.
func (d *Device) hadBefore(h *Hit, list []int) bool {
	return slices.ContainsFunc(list[:d.after(list, h.Start.Lo)], func(n int) bool {
		s := &d.sightings[n]
		return (s.Conn == h.Conn || together(s.jar, h.jar)) && !apart(s.jar, h.jar) && s.Start.Hi <= h.Start.Lo
	})
}

// follows reports whether s may be later than h. A record is only if it surely
// is: its stamp may be that of an upload.
func (s *Sighting) follows(h *Hit) bool {
	if s.Told {
		return s.Start.Lo >= h.Available.Hi
	}
	return s.Start.Hi > h.Available.Lo
}

// overtaken reports whether s speaks for a later hit than h: one that may have
// brought the same session after the client was seen with another again.
func (d *Device) overtaken(h *Hit, s *Sighting, link Link) bool {
	last := d.lastBringer(s, link)
	if last < 0 || d.hits[last].Start.Lo <= h.Available.Hi {
		return false
	}
	for n := d.after(d.own, h.Available.Hi); n < len(d.own); n++ {
		x := &d.sightings[d.own[n]]
		if x.Start.Hi > d.hits[last].Start.Lo {
			return false
		}
		if x.who != s.who && d.oneJar(x, s) {
			return true
		}
	}
	return false
}

// Trail returns what the device did with a session of user after hit i, up to the next
// login, tied to it by at least link. A request belongs to the last hit before
// it that may have brought the session, so that none is told twice.
func (d *Device) Trail(i int, session model.ID, user string, link Link) []*Sighting {
	h := &d.hits[i]
	var out []*Sighting
	list := d.byWho[d.whoIs(session, user)]
	for _, n := range list[d.after(list, h.Start.Lo.Add(-d.widest)):] {
		s := &d.sightings[n]
		if !s.follows(h) || d.loginBetween(h, s) || d.link(s, h) < link {
			continue
		}
		if d.lastBringer(s, link) == i {
			out = append(out, s)
		}
	}
	return out
}

func (d *Device) lastBringer(s *Sighting, link Link) int {
	last := -1
	for _, i := range d.brought[s.who] {
		if d.hits[i].Start.Lo < s.Start.Hi && d.link(s, &d.hits[i]) >= link {
			last = i
		}
	}
	return last
}
