package identity

import (
	"cmp"
	"slices"

	"github.com/spillscope/spillscope/model"
)

// A device id is what an application or its analytics keeps in a browser's
// storage, beside the cookies and as long as they. A login does not change it,
// a delivery does not, nor does another address: requests that show one id come
// out of one jar, and such as show two come out of two. Behind a shared egress
// that is what parts the jars, and of a telephone what survives the way from
// one network to the next.
//
// The edge logs none. A hit has the id that its connection showed just before
// and just after it.

// showing is a device id that a connection showed.
type showing struct {
	at model.Instant
	id model.ID
}

// label finds out which jar each sighting, hit and fill is of, as far as
// device ids tell.
func (d *Device) label() {
	d.same = d.unite()
	shown := map[model.ID][]showing{}
	for i := range d.sightings {
		s := &d.sightings[i]
		if s.jar = d.canonical(s.DeviceID); !s.jar.IsZero() && !s.Conn.IsZero() {
			shown[s.Conn] = append(shown[s.Conn], showing{s.Start.Lo, s.jar})
		}
	}
	ids, all := map[model.ID]bool{}, true
	for i := range d.sightings {
		s := &d.sightings[i]
		if s.jar.IsZero() {
			s.jar = shownAt(shown[s.Conn], s.Start.Lo)
		}
		ids[s.jar] = true
		all = all && (!s.jar.IsZero() || s.empty())
	}
	delete(ids, model.ID{})
	d.ids, d.labelled = len(ids), all
	for i := range d.hits {
		h := &d.hits[i]
		h.jar = shownAt(shown[h.Conn], h.Start.Lo)
		for n := range h.Candidates {
			c := &h.Candidates[n]
			if c.jar = d.canonical(c.DeviceID); c.jar.IsZero() {
				c.jar = shownAt(shown[c.Conn], cmp.Or(c.Filled, h.Start.Lo))
			}
		}
	}
}

// shownAt returns the id that a connection showed about t: the one before and
// the one after, if both are known they must agree. A proxy that sends several
// clients' requests over one connection shows several.
func shownAt(list []showing, t model.Instant) model.ID {
	n, _ := slices.BinarySearchFunc(list, t, func(x showing, t model.Instant) int { return cmp.Compare(x.at, t) })
	var was, will model.ID
	if n > 0 && t.Sub(list[n-1].at) <= idle {
		was = list[n-1].id
	}
	if n < len(list) && list[n].at.Sub(t) <= idle {
		will = list[n].id
	}
	switch {
	case was.IsZero():
		return will
	case will.IsZero() || was == will:
		return was
	}
	return model.ID{}
}

// canonical returns the id by which the jar of id is known.
func (d *Device) canonical(id model.ID) model.ID {
	for {
		next, ok := d.same[id]
		if !ok {
			return id
		}
		id = next
	}
}

// term is when an id was seen, and with whom.
type term struct {
	id          model.ID
	first, last model.Instant
	who         who
	several     bool // users
}

// unite finds ids that replaced each other in one jar: some are drawn anew
// every day, or whenever storage is cleared. Two ids are of one jar if they
// showed the same session, and no delivery can have brought it; or if each
// showed one user, the same, and one ended before the other began. A jar that
// is parted in two by mistake loses evidence, two that are united by mistake
// invent some, so nothing less will do.
func (d *Device) unite() map[model.ID]model.ID {
	d.same = map[model.ID]model.ID{}
	brought := map[who]bool{}
	for i := range d.hits {
		for _, c := range d.hits[i].Candidates {
			brought[c.who] = brought[c.who] || c.Bears
		}
	}
	bySession := map[model.ID]model.ID{}
	for i := range d.sightings {
		s := &d.sightings[i]
		if s.DeviceID.IsZero() || s.Session.IsZero() || brought[s.who] {
			continue
		}
		if first, ok := bySession[s.Session]; ok {
			d.join(first, s.DeviceID)
		} else {
			bySession[s.Session] = s.DeviceID
		}
	}
	last := map[who]term{}
	for _, t := range d.terms() {
		if t.several || brought[t.who] {
			continue
		}
		if was, ok := last[t.who]; ok && was.last < t.first {
			d.join(was.id, t.id)
		}
		if was, ok := last[t.who]; !ok || was.last < t.last {
			last[t.who] = t
		}
	}
	return d.same
}

// join makes two ids one. The lesser stays, so that order does not matter.
func (d *Device) join(a, b model.ID) {
	a, b = d.canonical(a), d.canonical(b)
	switch a.Compare(b) {
	case -1:
		d.same[b] = a
	case 1:
		d.same[a] = b
	}
}

// terms returns the device ids with the users that they showed, by time.
func (d *Device) terms() []term {
	at := map[model.ID]int{}
	var out []term
	for i := range d.sightings {
		s := &d.sightings[i]
		if s.DeviceID.IsZero() || s.empty() {
			continue
		}
		n, ok := at[s.DeviceID]
		if !ok {
			n = len(out)
			at[s.DeviceID] = n
			out = append(out, term{id: s.DeviceID, first: s.Start.Lo, who: s.who})
		}
		t := &out[n]
		t.last = max(t.last, s.Start.Hi)
		t.several = t.several || t.who != s.who
	}
	return out
}

// place is what tells one jar of the device from another: a device id, or less
// surely a connection. Zero: nothing does.
func (s *Sighting) place() model.ID { return place(s.jar, s.Conn) }

func (h *Hit) place() model.ID { return place(h.jar, h.Conn) }

func place(jar, conn model.ID) model.ID {
	if jar.IsZero() {
		return conn
	}
	return jar
}

// apart reports whether two device ids are known and differ.
func apart(a, b model.ID) bool { return !a.IsZero() && !b.IsZero() && a != b }

// together reports whether two device ids are known and equal.
func together(a, b model.ID) bool { return !a.IsZero() && a == b }

// oneJar reports whether two sightings are of one jar, as far as can be told.
func (d *Device) oneJar(a, b *Sighting) bool {
	switch {
	case apart(a.jar, b.jar):
		return false
	case together(a.jar, b.jar):
		return true
	}
	return !d.shared() || a.Conn == b.Conn
}
