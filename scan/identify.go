package scan

import (
	"bytes"
	"errors"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/identity"
	"github.com/spillscope/spillscope/model/verdict"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// identify walks hits and sightings by device, and judges.
func (s *state) identify() error {
	s.heldOut = newHeldOut(s.hits.Len())
	j := newJudge(s)
	seen, err := s.sightings.Iterator()
	if err != nil {
		return err
	}
	hits, err := s.hits.Iterator()
	if err != nil {
		return err
	}
	all := deviceHits{it: hits, dec: wire.NewDecoder()}
	sights := deviceSightings{it: seen, dec: wire.NewDecoder(), more: seen.Next()}
	for all.more = hits.Next(); all.more; {
		device, group, err := all.next()
		if err != nil {
			return err
		}
		known, err := sights.of(device, s)
		if err != nil {
			return err
		}
		if err := j.device(group, known); err != nil {
			return err
		}
	}
	err = errors.Join(hits.Err(), seen.Err(), j.close(), s.hits.Close(), s.sightings.Close())
	s.hits, s.sightings = nil, nil
	return err
}

// deviceHits reads the hits of one device after the other.
type deviceHits struct {
	it   *spill.Iterator
	dec  *wire.Decoder
	more bool
}

func (d *deviceHits) next() (device model.ID, group []*hit, err error) {
	for d.more {
		key, val := d.it.Record()
		if len(group) == 0 {
			copy(device[:], key)
		} else if !bytes.HasPrefix(key, device[:]) {
			break
		}
		h := new(hit)
		if err := d.dec.Decode(val, h.fields); err != nil {
			return device, nil, err
		}
		group = append(group, h)
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

// of returns the sightings of device and passes over those of lesser ones.
func (d *deviceSightings) of(device model.ID, s *state) ([]identity.Sighting, error) {
	var out []identity.Sighting
	for ; d.more; d.more = d.it.Next() {
		key, val := d.it.Record()
		switch c := bytes.Compare(key[:len(device)], device[:]); {
		case c < 0:
			continue
		case c > 0:
			return out, nil
		}
		x := new(sighting)
		if err := d.dec.Decode(val, x.fields); err != nil {
			return nil, err
		}
		out = append(out, s.sighted(x))
	}
	return out, nil
}

// sighted is x as package identity sees it, timed by its origin row.
func (s *state) sighted(x *sighting) identity.Sighting {
	start, done := x.Start, x.Done
	if x.Origin != nil && s.offset.Refused == "" {
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
	return identity.Sighting{
		RequestID: x.ID, Start: start, Done: done, Conn: x.Conn,
		Session: x.Session, User: x.User, Issued: x.Issued, Payload: x,
	}
}

// device reads and judges the hits of one device.
func (j *judge) device(group []*hit, known []identity.Sighting) error {
	in := make([]identity.Hit, len(group))
	for i, h := range group {
		in[i] = j.identityHit(h)
	}
	d := identity.NewDevice(known, in)
	readings := make([]identity.Reading, len(in))
	for i, h := range d.Hits() {
		readings[i] = d.Read(i)
		if err := j.hit(d, i, h.Payload.(*hit), &readings[i]); err != nil {
			return err
		}
	}
	j.tryHeldOut(d, known, readings)
	return nil
}

func (j *judge) identityHit(h *hit) identity.Hit {
	out := identity.Hit{
		RequestID: h.Row.Edge.ID, Start: h.Row.Edge.Start(), Available: h.Row.Edge.Available(),
		Conn: h.Row.Conn, Device: h.Row.Device, Unknown: h.Unknown, Payload: h,
		Jar: verdict.Jar(&h.Row.Edge, j.Incident.Cookie.SameSite),
	}
	for _, c := range h.Candidates {
		out.Candidates = append(out.Candidates, identity.Candidate{
			Prior: c.P, Bears: c.Hold.Bears, Session: c.Hold.Session, User: c.Hold.User,
			Device: c.Device, Conn: c.Conn,
		})
	}
	return out
}
