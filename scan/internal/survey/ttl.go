package survey

import (
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// slot is the stretch of time whose rows are kept together. Lifetimes beyond
// maxLife cannot be measured within it.
const (
	slot    = 10 * time.Minute
	maxLife = 300
)

// lifetimes samples objects at locations, a slot of time each, with all their
// hits and fills, since a lifetime shows only between rows of one object.
type lifetimes struct {
	shift  uint
	events int
	units  map[uint64]*unit
}

type unit struct {
	pattern string
	from    model.Instant
	rows    []uint16 // second within the slot, times two, plus one for a hit
}

func newLifetimes() lifetimes { return lifetimes{units: map[uint64]*unit{}} }

func (l *lifetimes) takes(h uint64) bool { return h>>(64-l.shift) == 0 }

func (l *lifetimes) add(r *model.EdgeRow, how cache.Handling) {
	from := floor(r.End.Lo, slot)
	h := decode.Hash(uint64(from), r.Path[:])
	h = decode.Hash(h, []byte(r.Location))
	if !l.takes(h) {
		return
	}
	u := l.units[h]
	if u == nil {
		u = &unit{pattern: r.Pattern, from: from}
		l.units[h] = u
	}
	row := uint16(r.End.Lo.Sub(from)/time.Second) << 1
	if how == cache.Hit {
		row |= 1
	}
	u.rows = append(u.rows, row)
	l.events++
	for l.events > maxEvents {
		l.thin(l.shift + 1)
	}
}

func (l *lifetimes) thin(shift uint) {
	l.shift = shift
	for h, u := range l.units {
		if !l.takes(h) {
			l.events -= len(u.rows)
			delete(l.units, h)
		}
	}
}

func (l *lifetimes) merge(o *lifetimes) {
	if o.shift > l.shift {
		l.thin(o.shift)
	}
	for h, u := range o.units {
		if !l.takes(h) {
			continue
		}
		if have := l.units[h]; have != nil {
			have.rows = append(have.rows, u.rows...)
		} else {
			l.units[h] = u
		}
		l.events += len(u.rows)
	}
	for l.events > maxEvents {
		l.thin(l.shift + 1)
	}
}

// TTL is how long responses of a route seem to have lived, in whole seconds.
type TTL struct {
	About  int  `json:"about_s"`
	Low    int  `json:"low_s"`
	High   int  `json:"high_s"`
	Longer bool `json:"longer,omitempty"` // longer than can be measured; About is a lower bound
	Hits   int  `json:"hits"`             // that the estimate rests on
}

// minHits is how many hits an estimate needs.
const minHits = 5

// ttl estimates the lifetime of a route's responses within span. It looks at
// how many seconds after the last fill of the same object at the same
// location a request was still a hit: nearly all before the lifetime is over,
// hardly any after. Stamps of whole seconds blur the edge by one. The longest
// gap seen was rejected: a lost row makes it as long as one likes.
func (l *lifetimes) ttl(is func(pattern string) bool, span model.Span) *TTL {
	var hits, fills [maxLife + 1]int
	n := 0
	for _, u := range l.units {
		if is(u.pattern) && u.from <= span.To && u.from.Add(slot) > span.From {
			n += u.gaps(span, &hits, &fills)
		}
	}
	if n < minHits {
		return nil
	}
	t := lifetime(&hits, &fills)
	t.Hits = n
	return &t
}

// lifetime reads a lifetime off what requests were, by seconds since the last
// fill.
func lifetime(hits, fills *[maxLife + 1]int) (t TTL) {
	half := -1.0 // gap at which every second request is still a hit
	last, lastAt := 1.0, 0
	for g := range hits {
		all := hits[g] + fills[g]
		if all == 0 {
			continue
		}
		share := float64(hits[g]) / float64(all)
		if share < 0.5 && half < 0 {
			half = float64(lastAt) + (last-0.5)/(last-share)*float64(g-lastAt)
			t.High = g
		}
		if half >= 0 && share < 0.1 {
			break // what hits come later are noise: rows are lost, caches differ
		}
		if share >= 0.75 {
			t.Low = g
		}
		if hits[g] > 0 {
			t.High = g
		}
		last, lastAt = share, g
	}
	if half < 0 {
		longest := max(1, t.High)
		return TTL{About: longest, Low: longest, High: longest, Longer: true}
	}
	t.About = max(1, int(math.Round(half)))
	t.Low = min(max(1, t.Low), t.About)
	t.High = max(t.High, t.About+1)
	return t
}

// gaps counts, by seconds since the last fill, which requests were hits and
// which were fills. Order within a second is unknown: a hit goes with a fill
// of its own second, a second fill in it tells nothing.
func (u *unit) gaps(span model.Span, hits, fills *[maxLife + 1]int) int {
	slices.Sort(u.rows) // fills before hits within a second
	filled, n := -1, 0
	for _, row := range u.rows {
		second := int(row >> 1)
		if !span.Contains(u.from.Add(time.Duration(second) * time.Second)) {
			continue
		}
		gap := second - filled
		known := filled >= 0 && gap <= maxLife
		switch hit := row&1 == 1; {
		case hit && known:
			hits[gap]++
			n++
		case !hit && known && gap > 0:
			fills[gap]++
		}
		if row&1 == 0 {
			filled = second
		}
	}
	return n
}

// sessionHash is the hash under which a session is counted.
func sessionHash(id model.ID) uint64 { return binary.BigEndian.Uint64(id[:8]) }
