package scan

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/identity"
	"github.com/spillscope/spillscope/model/verdict"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// identify walks hits and sightings by device, and judges.
func (s *state) identify() error {
	if err := s.study(); err != nil {
		return err
	}
	if !s.countsOnly {
		s.heldOut = newHeldOut(s.hits.Len())
	}
	j := newJudge(s)
	err := s.eachDevice(func(model.ID) bool { return true }, j.device)
	err = errors.Join(err, j.close(), s.hits.Close(), s.release(&s.sightings))
	s.hits = nil
	return err
}

// study learns from the devices how the case's clients behave.
func (s *state) study() error {
	s.habits, s.confirms = (&identity.Stats{}).Estimate(), confirms{}
	var stats identity.Stats
	seen := confirms{by: map[string]*calibrate.Confirms{}}
	err := s.eachDevice(s.studied, func(group []*hit, known []identity.Sighting) error {
		d := s.timeline(group, known)
		d.Observe(&stats)
		seen.device(d)
		return nil
	})
	s.habits, s.confirms = stats.Estimate(), seen
	return err
}

// studies bounds the hits that are studied: beyond some thousands they only
// repeat what is known.
const studies = 20_000

// studied picks devices by their name, so that the choice does not depend on order.
func (s *state) studied(device model.ID) bool {
	return uint64(binary.BigEndian.Uint32(device[:4]))%uint64(s.hits.Len()/studies+1) == 0
}

// eachDevice calls do with the hits and the sightings of one device after the
// other, of those that pick names.
func (s *state) eachDevice(pick func(model.ID) bool, do func([]*hit, []identity.Sighting) error) error {
	seen, err := s.sightings.Iterator()
	if err != nil {
		return err
	}
	hits, err := s.hits.Iterator()
	if err != nil {
		return err
	}
	all := deviceHits{it: hits, dec: wire.NewDecoder(), pick: pick}
	sights := deviceSightings{it: seen, dec: wire.NewDecoder(), more: seen.Next()}
	for all.more = hits.Next(); all.more; {
		device, group, err := all.next()
		if err != nil {
			return err
		}
		if len(group) == 0 {
			break
		}
		known, err := sights.of(device, s, connections(group))
		if err != nil {
			return err
		}
		for _, h := range group {
			h.mix(s.confirms.kept(h.Row.Cache))
			s.headerRatios.weigh(h)
		}
		if err := do(group, known); err != nil {
			return err
		}
	}
	return errors.Join(hits.Err(), seen.Err())
}

// deviceHits reads the hits of one device after the other.
type deviceHits struct {
	pick func(model.ID) bool // others are passed over
	it   *spill.Iterator
	dec  *wire.Decoder
	more bool
}

func (d *deviceHits) next() (device model.ID, group []*hit, err error) {
	picked := d.pick(device)
	for d.more {
		key, val := d.it.Record()
		if of := model.ID(key); of != device {
			if len(group) > 0 {
				break
			}
			device, picked = of, d.pick(of)
		}
		if picked {
			h := new(hit)
			if err := d.dec.Decode(val, h.fields); err != nil {
				return device, nil, err
			}
			group = append(group, h)
		}
		d.more = d.it.Next()
	}
	return device, group, nil
}

// deviceSightings reads the sightings of chosen devices, in order.
type deviceSightings struct {
	it   *spill.Iterator
	dec  *wire.Decoder
	more bool
}

// crowd is the number of sightings of one address and User-Agent beyond which
// only those are kept that can speak for a hit: of its connection, of a device
// id that its connection showed, or the first of their session, by which it is
// known to be at home there. So many are an
// office or a carrier behind one address; what other connections show is weak
// evidence there, and memory must not grow with them.
const crowd = 50_000

// connections returns those of the hits.
func connections(group []*hit) map[model.ID]bool {
	conns := map[model.ID]bool{}
	for _, h := range group {
		if !h.Row.Conn.IsZero() {
			conns[h.Row.Conn] = true
		}
	}
	return conns
}

// of returns the sightings of device and passes over those of lesser ones. Of a
// crowd it returns those that matter to conns.
func (d *deviceSightings) of(device model.ID, s *state, conns map[model.ID]bool) ([]identity.Sighting, error) {
	var out []identity.Sighting
	seen, ids, told := map[model.ID]bool{}, map[model.ID]bool{}, false
	for ; d.more; d.more = d.it.Next() {
		key, val := d.it.Record()
		switch c := bytes.Compare(key[:len(device)], device[:]); {
		case c < 0:
			continue
		case c > 0:
			return inOrder(out, told), nil
		}
		x := new(sighting)
		if err := d.dec.Decode(val, x.fields); err != nil {
			return nil, err
		}
		if conns[x.Conn] && !x.DeviceID.IsZero() {
			ids[x.DeviceID] = true
		}
		if len(out) >= crowd && !conns[x.Conn] && !ids[x.DeviceID] && seen[x.Session] {
			continue
		}
		seen[x.Session] = true
		y := s.sighted(x)
		if x.told() {
			at, ok := s.toldTime(x)
			if !ok {
				continue
			}
			y.Start, y.Done, told = at, at, true
		}
		out = append(out, y)
	}
	return inOrder(out, told), nil
}

// inOrder puts sightings in the order of their times again, where those of told
// ones were corrected.
func inOrder(list []identity.Sighting, told bool) []identity.Sighting {
	if told {
		slices.SortStableFunc(list, func(a, b identity.Sighting) int { return cmp.Compare(a.Start.Lo, b.Start.Lo) })
	}
	return list
}

// sighted is x as package identity sees it, timed by its origin row.
func (s *state) sighted(x *sighting) identity.Sighting {
	start, done := x.Start, x.Done
	if x.Origin != nil && !x.told() && s.offset.Refused == "" {
		wait := x.Done.Lo.Sub(x.Start.Lo)
		at := x.Origin.Time.Shift(s.offset.Lag).Widen(3 * s.offset.Spread)
		if !s.offset.FromStart {
			at = at.Shift(-wait)
		}
		if at.Overlaps(start) {
			start = model.Interval{Lo: max(start.Lo, at.Lo), Hi: min(start.Hi, at.Hi)}
			done = start.Shift(wait)
		}
	}
	out := identity.Sighting{
		RequestID: x.ID, Start: start, Done: done, Conn: x.Conn, DeviceID: x.DeviceID, Away: x.Away,
		Told:    x.told() && !x.atEdge(),
		Session: x.Session, User: x.User, Issued: x.Issued, Heir: s.heir(x), Named: x.named(),
		Kind: x.Kind, Asset: x.Asset, Sets: s.sets(x), Payload: x,
	}
	if s.entrance(x) {
		out.User, out.Heir, out.Blank = "", x.User, true
		out.Issued = s.Key.Digest("entrance", []byte(x.ID))
	}
	return out
}

// entrance reports whether x is a login in a log that names users and no
// sessions. Its row names who came in; whose cookie the request bore it does
// not say, and to take that for the same user would hide every login.
func (s *state) entrance(x *sighting) bool {
	o := x.Origin
	named := o != nil && x.User != "" && x.Session.IsZero() && x.Issued.IsZero() && !s.objects[o.Ref.Object].sessions
	return named && o.Entrance && writes(o)
}

// heir returns the user of the session that x issued, if the directory knows
// it or the request presented none, so that the user in its row is the new one.
func (s *state) heir(x *sighting) string {
	if x.Origin != nil && x.Session.IsZero() {
		return s.userOf(x.Issued, x.Origin.User)
	}
	return s.userOf(x.Issued, "")
}

// named returns the user in the row of x, whose session it may be.
func (x *sighting) named() string {
	if x.Origin == nil {
		return ""
	}
	return x.Origin.User
}

// sets returns how likely the response set the session cookie: as the origin
// logged it, else as the incident file says. An answer out of the cache sets
// none of the client's own.
func (s *state) sets(x *sighting) float64 {
	switch {
	case x.Origin == nil && x.Hit, x.told():
		return 0
	case x.Origin != nil && x.Origin.SetCookie != model.Unknown:
		if x.Origin.SetCookie == model.Yes {
			return 1
		}
		return 0
	case s.Incident.Cookie.SetOn.Rule == model.SetOnEvery:
		return 1
	}
	return 0.5
}

// device reads and judges the hits of one device.
func (j *judge) device(group []*hit, known []identity.Sighting) error {
	d := j.timeline(group, known)
	readings := make([]identity.Reading, len(group))
	for i, h := range d.Hits() {
		readings[i] = d.Read(i)
		if err := j.hit(d, i, h.Payload.(*hit), &readings[i]); err != nil {
			return err
		}
	}
	j.tryHeldOut(d, known, readings)
	return nil
}

// timeline infers what became of the hits of one device.
func (s *state) timeline(group []*hit, known []identity.Sighting) *identity.Device {
	in := make([]identity.Hit, len(group))
	for i, h := range group {
		in[i] = s.identityHit(h)
	}
	return identity.NewDevice(known, in, &s.habits.Rules)
}

func (s *state) identityHit(h *hit) identity.Hit {
	e := &h.Row.Edge
	accepts := verdict.Accepts(e, s.Incident.Cookie.SameSite)
	out := identity.Hit{
		RequestID: e.ID, Start: e.Start(), Available: e.Available(),
		Conn: h.Row.Conn, Device: h.Row.Device, Unknown: h.Unknown, Payload: h,
		Kind: e.Kind, Foreign: foreign(e), Cookie: s.cookieShown(e),
		Jar: accepts * s.habits.Jar[e.Kind], Signed: accepts * s.habits.Signed[e.Kind],
	}
	for n, c := range h.Candidates {
		if h.own(n) { // whatever it set was there when its request left
			out.Candidates = append(out.Candidates, identity.Candidate{Prior: c.P, Device: c.Device, Conn: c.Conn, DeviceID: c.Hold.DeviceID})
			continue
		}
		sure := s.sure(&c.Hold)
		if c.Hold.empty() {
			sure = 1 - sure
			out.Nothing += float64(c.P * (1 - sure))
		} else {
			out.Unknown += float64(c.P * (1 - sure)) // the fill fits, and its holder is another
		}
		out.Candidates = append(out.Candidates, identity.Candidate{
			Prior: float64(c.P * sure), Bears: c.Hold.Bears, Session: c.Hold.Session, User: c.Hold.User,
			Device: c.Device, Conn: c.Conn, Filled: c.Time, DeviceID: c.Hold.DeviceID,
		})
	}
	return out
}

// own reports whether candidate n is the response to the hit's own request: of a
// client whose request refreshed what was stored.
func (h *hit) own(n int) bool { return h.Candidates[n].Fill.RequestID == h.Row.Edge.ID }

func foreign(e *model.EdgeRow) bool {
	return e.Referer == model.RefererCrossSite || e.Referer == model.RefererFramed
}

// cookieShown says whether the row shows that its request carried a session.
func (s *state) cookieShown(e *model.EdgeRow) model.Tri {
	switch {
	case !e.CookieLogged || !s.notes.edgeCookies:
		return model.Unknown
	case e.Session.IsZero():
		return model.No
	}
	return model.Yes
}
