package identity

import (
	"cmp"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// group finds which places of the device are of one jar. Where it is one jar
// they all are. Behind a shared egress a device id is a jar, and connections
// without one belong together if the same user is at home on them; one on which
// nobody is at home follows the only jar that can have been handed what it
// presents.
func (d *Device) group() {
	if !d.shared() {
		return
	}
	d.groups = map[model.ID]int{}
	next := 0
	fresh := func() int { next++; return next }
	homes := d.labelledHomes(fresh)
	var adrift []*Sighting
	for i := range d.sightings {
		s := &d.sightings[i]
		if s.place().IsZero() || s.empty() || d.groups[s.place()] != 0 {
			continue
		}
		if d.maybeBrought(s) || d.broughtOver(s) {
			adrift = append(adrift, s)
			continue
		}
		if homes[s.who] <= 0 {
			homes[s.who] = fresh()
		}
		d.groups[s.place()] = homes[s.who]
	}
	for i := range d.hits {
		if h := &d.hits[i]; !h.place().IsZero() && d.groups[h.place()] == 0 && !d.heldOnly(h.Conn) {
			d.groups[h.place()] = fresh()
		}
	}
	for _, s := range adrift {
		if d.groups[s.place()] == 0 {
			d.groups[s.place()] = cmp.Or(d.onlyBringer(s), fresh())
		}
	}
	for i := range d.hits {
		if h := &d.hits[i]; !h.place().IsZero() && d.groups[h.place()] == 0 {
			d.groups[h.place()] = fresh()
		}
	}
}

// severalHomes stands for a user who is at home in several jars.
const severalHomes = -1

// labelledHomes groups the device ids, and returns in which of them each user
// is at home.
func (d *Device) labelledHomes(fresh func() int) map[who]int {
	homes := map[who]int{}
	for i := range d.sightings {
		s := &d.sightings[i]
		if s.jar.IsZero() {
			continue
		}
		if d.groups[s.jar] == 0 {
			d.groups[s.jar] = fresh()
		}
		g := d.groups[s.jar]
		switch {
		case s.empty() || d.maybeBrought(s) || d.broughtOver(s):
		case homes[s.who] == 0:
			homes[s.who] = g
		case homes[s.who] != g:
			homes[s.who] = severalHomes
		}
	}
	return homes
}

// heldOnly reports whether a connection showed sessions, if only brought ones.
func (d *Device) heldOnly(conn model.ID) bool {
	return slices.ContainsFunc(d.byConn[conn], func(n int) bool { return !d.sightings[n].empty() })
}

// onlyBringer returns the jar that alone can have been handed what s presents.
func (d *Device) onlyBringer(s *Sighting) int {
	only := 0
	for _, i := range d.brought[s.who] {
		h := &d.hits[i]
		if h.Start.Lo >= s.Start.Hi || gap(h.Start, s.Start) > slowest*30 {
			continue
		}
		g := d.groups[h.place()]
		if g == 0 || only != 0 && g != only {
			return 0
		}
		only = g
	}
	return only
}

// jarOf returns the group of a place; -1 if it is not known.
func (d *Device) jarOf(place model.ID) int {
	if d.groups == nil {
		return 0
	}
	if g := d.groups[place]; g != 0 && !place.IsZero() {
		return g
	}
	return -1
}

// A moment is something that a jar's owner was seen to do, or to get.
type moment struct {
	at   model.Interval
	what who
	sets float64 // 0: the jar was seen; else how likely it was set
	link Link    // ties a sighting to what came before

	brought bool // of a sighting: a delivery may be its cause
	home    bool // it was at home on the device before
}

// A story is what went past one jar: the moments in the order of the middle of
// their stamps, and hits, whose place among them may be open.
type story struct {
	moments []moment
	hits    []int
}

// stories parts what was seen of the device by jar.
func (d *Device) stories() []*story {
	byJar := map[int]*story{}
	var out []*story
	for i := range d.hits {
		g := d.jarOf(d.hits[i].place())
		if g < 0 {
			out = append(out, &story{hits: []int{i}})
			continue
		}
		if byJar[g] == nil {
			byJar[g] = &story{}
			out = append(out, byJar[g])
		}
		byJar[g].hits = append(byJar[g].hits, i)
	}
	last := map[model.ID]model.Instant{}
	for i := range d.sightings {
		s := &d.sightings[i]
		st := byJar[d.jarOf(s.place())]
		if st == nil {
			continue
		}
		st.add(d, s, last)
	}
	for _, st := range out {
		slices.SortStableFunc(st.moments, func(a, b moment) int { return cmp.Compare(middle(a.at), middle(b.at)) })
	}
	return out
}

// add puts s into the story: what it presented and what its response set.
func (st *story) add(d *Device, s *Sighting, last map[model.ID]model.Instant) {
	m := moment{at: s.Start.Shift(-flight), what: s.who, link: d.linkBack(s, last)}
	last[s.Conn] = s.Start.Lo
	m.brought = !s.empty() && (d.maybeBrought(s) || d.broughtOver(s))
	first := d.byWho[s.who][0]
	m.home = !m.brought && (&d.sightings[first] != s || d.sightings[first].Start.Lo < d.hits[0].Start.Lo)
	if s.Away && !m.brought && !m.home {
		m.link = LinkShared // a hit there may be its cause
	}
	if !s.Blank && !d.echoes(s) {
		st.moments = append(st.moments, m)
	}
	sets := s.Sets
	if !s.Issued.IsZero() {
		sets = 1
	}
	if sets > 0 && s.left != (who{}) {
		st.moments = append(st.moments, moment{at: s.Done.Shift(flight), what: s.left, sets: float64(sets * d.rules.Healed)})
	}
}

// linkBack returns what ties s to what its jar did before; last is when each
// connection was seen last.
func (d *Device) linkBack(s *Sighting, last map[model.ID]model.Instant) Link {
	seen, known := last[s.Conn]
	switch {
	case !s.Conn.IsZero() && (known && s.Start.Lo.Sub(seen) <= idle || d.hitBefore(s)):
		return LinkConnection
	case !s.jar.IsZero():
		return LinkDeviceID
	case d.shared():
		return LinkShared
	}
	return LinkDevice
}

// echoes reports whether s only records what a request of the same user about
// then shows better.
func (d *Device) echoes(s *Sighting) bool {
	if !s.Told {
		return false
	}
	list := d.byWho[s.who]
	for _, n := range list[d.after(list, s.Start.Lo.Add(-widest)):] {
		x := &d.sightings[n]
		if x.Start.Lo >= s.Start.Hi {
			return false
		}
		if !x.Told && x.Start.Overlaps(s.Start) && !apart(x.jar, s.jar) {
			return true
		}
	}
	return false
}

// hitBefore reports whether a hit went over the connection of s a little before.
func (d *Device) hitBefore(s *Sighting) bool {
	n, _ := slices.BinarySearchFunc(d.hits, s.Start.Lo.Add(-idle), func(h Hit, t model.Instant) int { return cmp.Compare(h.Start.Lo, t) })
	for ; n < len(d.hits) && d.hits[n].Start.Lo < s.Start.Hi; n++ {
		if d.hits[n].Conn == s.Conn {
			return true
		}
	}
	return false
}

func middle(x model.Interval) model.Instant { return x.Lo + (x.Hi-x.Lo)/2 }

// later returns how likely a, somewhere in its interval, is after b.
func later(a, b model.Interval) float64 {
	switch {
	case a.Lo >= b.Hi:
		return 1
	case a.Hi <= b.Lo:
		return 0
	}
	la, lb := seconds(a), seconds(b)
	if lb == 0 {
		return float64(a.Hi.Sub(b.Lo)) / float64(max(1, a.Hi.Sub(a.Lo)))
	}
	if la == 0 {
		return float64(a.Lo.Sub(b.Lo)) / float64(max(1, b.Hi.Sub(b.Lo)))
	}
	// The mean over a of the share of b that is earlier.
	clipped := func(x model.Instant) float64 { return float64(x.Sub(b.Lo)) / float64(time.Second) }
	lo, hi := clipped(max(a.Lo, b.Lo)), clipped(min(a.Hi, b.Hi))
	inside := 0.0
	if hi > lo {
		inside = (float64(hi*hi) - float64(lo*lo)) / (2 * lb)
	}
	beyond := max(0, float64(a.Hi.Sub(b.Hi))/float64(time.Second))
	return min(1, (inside+beyond)/la)
}

func seconds(x model.Interval) float64 { return float64(x.Hi.Sub(x.Lo)) / float64(time.Second) }
