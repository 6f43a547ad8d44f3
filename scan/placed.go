package scan

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/verdict"
	"github.com/spillscope/spillscope/scan/internal/join"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// placedBy is how an origin row without a request id came to an edge row.
type placedBy struct {
	Contact bool // the origin was asked: a row is left for this request
	Address bool
	Others  int
	Within  time.Duration

	// Sure says that the origin answered this very request: it was placed by the
	// address, and of all requests that fit the same rows each has one. A tier's
	// answer could look so only if the request that a row is of were lost.
	Sure bool
}

func (p *placedBy) fields(c *wire.Codec) {
	c.Bool(&p.Contact)
	c.Bool(&p.Address)
	wire.Number(c, &p.Others)
	c.Duration(&p.Within)
	c.Bool(&p.Sure)
}

// judged is p as package verdict sees it.
func (p *placedBy) judged() verdict.Placed {
	return verdict.Placed{Address: p.Address, Others: p.Others, Within: p.Within}
}

// placedRow is what all lanes found for one edge row.
type placedRow struct {
	by    placedBy
	says  []mayHold
	row   *model.OriginRow  // surely its own; nil: not known which is
	shows []model.OriginRow // rows that show the session of its device
}

// settlePlaced hands on what waited for a place, with what was found for it.
func (j *joiner) settlePlaced(p *placer) error {
	it, err := p.found.Iterator()
	if err != nil {
		return err
	}
	dec := wire.NewDecoder()
	more := it.Next()
	j.readsPlaced = j.clock.Offset("").Joined == 0
	return join.Requests(p.open, func(r *join.Request) error {
		found := map[uint64][]placing{} // by edge row
		for ; more; more = it.Next() {
			key, val := it.Record()
			id := key[:len(key)-9]
			if c := bytes.Compare(key[:len(id)+1], append([]byte(r.ID), 0)); c > 0 {
				break
			} else if c < 0 {
				continue
			}
			var x placing
			if err := dec.Decode(val, x.fields); err != nil {
				return err
			}
			line := binary.BigEndian.Uint64(key[len(id)+1:])
			found[line] = append(found[line], x)
		}
		for i := range r.Edges {
			e := &r.Edges[i]
			if err := j.edge(e, r.Origins, settle(e, found[e.Line], j.logOf)); err != nil {
				return err
			}
		}
		return it.Err()
	})
}

// settle brings together what the lanes found for e. What was placed by the
// address counts for more than what was placed by the path alone.
func settle(e *model.EdgeRow, found []placing, of func(uint32) join.Log) *placedRow {
	if len(found) == 0 {
		return nil
	}
	slices.SortStableFunc(found, func(a, b placing) int { return rank(&a) - rank(&b) })
	out := &placedRow{by: placedBy{Address: found[0].Address, Others: found[0].Others, Within: found[0].Within}}
	var rows []model.OriginRow
	for i := range found {
		f := &found[i]
		out.by.Contact = out.by.Contact || f.Contact
		out.by.Sure = out.by.Sure || f.Address && f.Sure
		if len(out.says) == 0 {
			out.says = f.Says
		}
		if f.Row == nil {
			continue
		}
		f.Row.RequestID = e.ID
		rows = append(rows, *f.Row)
		if f.Address {
			out.shows = append(out.shows, *f.Row)
		}
	}
	out.shows = join.Merge(out.shows, of)
	if rows = join.Merge(rows, of); len(rows) > 0 {
		out.row = &rows[len(rows)-1]
	}
	return out
}

func rank(p *placing) int {
	if p.Address {
		return 0
	}
	return 1
}

// contact reports whether a row is left for the request.
func (x *placedRow) contact() bool { return x != nil && x.by.Contact }

// hold puts what was placed into row. The holder is one only if all that fits
// says so; several stand beside each other, and what is left is unknown.
func (x *placedRow) hold(row *cacheRow) {
	if x == nil {
		return
	}
	h := &row.Hold
	h.Placed = x.by
	if x.row != nil && row.Origin == nil {
		h.Stamp, h.OriginID, row.Origin = x.row.Time, x.row.Ref, x.row
	}
	if h.known() || h.Rung == model.RungEdgeCookie {
		return // the edge shows the session itself
	}
	if len(x.says) == 1 && x.says[0].Share >= surely {
		said := x.says[0].Hold
		h.Session, h.User, h.Rung, h.Bears, h.Quiet, h.Assumed = said.Session, said.User, said.Rung, said.Bears, false, said.Assumed
		h.Placed = said.Placed
		h.Placed.Contact, h.Placed.Sure = x.by.Contact, x.by.Sure
		return
	}
	row.Alts = x.says
}

// holds calls yield with each holder that the response of row may have carried
// the session of, and its share.
func (r *cacheRow) holds(yield func(share float64, h *holding)) {
	left := 1.0
	if r.Hold.Rung == model.RungUnknown { // else a better rung was found meanwhile
		for i := range r.Alts {
			a := &r.Alts[i]
			h := a.Hold
			h.Origin, h.Stamp, h.OriginID = r.Hold.Origin, r.Hold.Stamp, r.Hold.OriginID
			yield(a.Share, &h)
			left -= a.Share
		}
	}
	if left >= 1-surely {
		yield(left, &r.Hold)
	}
}

// countPlaced counts a fill of a suspect route by what a placed row says of it.
func (j *joiner) countPlaced(row *cacheRow) {
	switch {
	case cache.Classify(&row.Edge) == cache.Hit:
	case len(row.Alts) > 0:
		j.placing.Open++
	case row.Hold.Rung == model.RungPlaced && row.Hold.known():
		j.placing.Fills++
	}
}

// isStray reports whether a row has no request id.
func isStray(row *model.OriginRow) bool { return strings.HasPrefix(row.RequestID, strayPrefix) }
