package scan

import (
	"encoding/binary"
	"errors"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/identity"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// nameless reports whether the ladder of design.md 6 has to find the holder of
// row: a response from farther up of which neither an origin row nor a logged
// cookie shows the session. A request that carries no session by its context
// is left alone.
func nameless(row *cacheRow) bool {
	how := cache.Classify(&row.Edge)
	fetched := how == cache.Miss || how == cache.Hit && row.forwarded()
	return row.Hold.Rung == model.RungUnknown && fetched && carries(&row.Edge)
}

// keepNameless puts row aside until the sightings of its device are sorted.
func (j *joiner) keepNameless(row *cacheRow) error {
	j.key = append(j.key[:0], row.Device[:]...)
	j.key = appendInstant(j.key, row.Edge.Start().Lo)
	j.key = binary.BigEndian.AppendUint64(append(j.key, row.Edge.ID...), row.Edge.Line)
	j.val = wire.Encode(j.val[:0], row.fields)
	return j.nameless.Add(j.key, j.val)
}

// climb walks the nameless rows and the sightings side by side, names the
// holders that can be named, and hands all of them on to the cache rows.
func (j *joiner) climb(rows *spill.Sorter) error {
	if rows.Len() == 0 {
		return nil
	}
	seen, err := j.sightings.Iterator()
	if err != nil {
		return err
	}
	sights := deviceSightings{it: seen, dec: wire.NewDecoder(), more: seen.Next()}
	dec := wire.NewDecoder()
	var device model.ID
	var known []identity.Sighting
	first := true
	err = rows.Scan(func(_, val []byte) error {
		row := new(cacheRow)
		if err := dec.Decode(val, row.fields); err != nil {
			return err
		}
		if first || row.Device != device {
			first, device = false, row.Device
			if known, err = sights.of(device, j.state, nil); err != nil {
				return err
			}
			j.trials.Try(known)
		}
		j.hold(row, known)
		j.countEdge(row, j.spans.of(row.Edge.End.Lo), row.Hold.Origin || row.Hold.Placed.Contact)
		return j.keepCacheRow(row)
	})
	return errors.Join(err, seen.Err())
}

// hold puts what the ladder says into row. Of one that it finds empty the holder
// stays unknown, and is weighed as little as the rung is wrong: such a fill is
// not proved to have carried nothing.
func (j *joiner) hold(row *cacheRow, known []identity.Sighting) {
	held := identity.Climb(identity.Fill{Start: row.Edge.Start(), Conn: row.Conn}, known)
	row.Hold.Rung = held.Rung
	if held.Rung != model.RungUnknown {
		row.Hold.Session, row.Hold.User = held.Session, held.User
	}
}

// sure returns how likely the holder that a rung names is right.
func (s *state) sure(h *holding) float64 {
	if h.Rung == model.RungPlaced {
		return s.trials.PlacedReliability(h.Placed.Address)
	}
	return s.trials.Reliability(h.Rung)
}
