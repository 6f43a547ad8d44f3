// Package reconstruct works out which fill a hit may have been served from.
//
// A Sweep walks the events of one object in one cache in the order in which
// they may have started, and lists for every hit all the fills that could have
// produced it (semantics.md D1, F4–F10). Membership is a matter of what is
// possible: a fill is left out only if no reading of the whole-second stamps,
// no expiry formula and no rounding allows it. How likely each one is, Weigh
// says afterwards; a small likelihood never removes a candidate.
//
// What a cache stores need not be the origin's response to the request that
// stored it. Upper and Flatten trace such relays to the fills behind them.
//
// The package knows no users, no cookies' values and no files.
package reconstruct

import (
	"slices"

	"github.com/spillscope/spillscope/model"
)

// Sweep holds the fills that can still be served and the events that still
// wait for a fill to be read: some seconds of one object's traffic, however
// long the log is.
type Sweep struct {
	store
	emit    func(*Event, []Candidate)
	handed  func(*Event, []Candidate)
	pending []*Event // whatever asks for candidates, by Start.Lo
	found   []Candidate
}

// NewSweep returns a sweep over one object in one cache. It calls emit for
// each hit with every fill that may have produced it, and for each miss with
// every fill that a single cache should have had, in the order of their
// starts. The slice is reused.
func NewSweep(p Policy, emit func(*Event, []Candidate)) *Sweep {
	return &Sweep{store: store{policy: p}, emit: emit, handed: func(*Event, []Candidate) {}}
}

// Handed sets what is called for each event that may have been handed what was
// stored here, though the log does not call it a hit: a revalidation with
// everything that may be stored, however old; an error that the origin did not
// see with whatever is fresh. It comes after emit's call for the same event.
func (s *Sweep) Handed(call func(*Event, []Candidate)) { s.handed = call }

// Add takes the next event; they come in the order of Start.Lo.
func (s *Sweep) Add(e *Event) {
	s.settle(e.Start.Lo)
	if e.Fill {
		s.fills = append(s.fills, e)
	}
	if e.Recipient || e.Miss || e.asks() {
		s.pending = append(s.pending, e)
	}
}

// asks reports whether e may have been handed what was stored.
func (e *Event) asks() bool { return e.Refreshed || e.Error && e.Doubt > 0 }

// Advance says that every event to come starts at now or later. A cache that
// falls quiet emits what it holds, and forgets, while others of its object go on.
func (s *Sweep) Advance(now model.Instant) { s.settle(now) }

// Close settles what is left.
func (s *Sweep) Close() {
	s.settle(model.Instant(1<<63 - 1))
	s.fills = nil
}

// settle emits every pending event whose lookup is past before now can add a
// fill to it, then forgets the fills that nobody can meet any more.
func (s *Sweep) settle(now model.Instant) {
	n := 0
	for n < len(s.pending) && s.policy.horizon(s.pending[n]) <= now {
		s.release(s.pending[n])
		n++
	}
	s.pending = drop(s.pending, n)
	oldest := now
	if len(s.pending) > 0 {
		oldest = min(oldest, s.pending[0].Start.Lo)
	}
	s.forget(oldest)
}

func (s *Sweep) release(e *Event) {
	if e.Recipient || e.Miss {
		s.found = s.candidates(s.found[:0], e, &s.policy, false)
		s.emit(e, s.found)
	}
	if e.asks() {
		s.found = s.candidates(s.found[:0], e, &s.policy, e.Refreshed)
		s.handed(e, s.found)
	}
}

// drop removes the first n events. It copies down once half the slice is
// dead, so that the array does not grow with the log.
func drop(es []*Event, n int) []*Event {
	if n == 0 {
		return es
	}
	clear(es[:n])
	if n*2 < len(es) {
		return es[n:]
	}
	return append(es[:0:0], es[n:]...)
}

// store holds the fills of one object in one cache, by Start.Lo.
type store struct {
	policy Policy
	fills  []*Event
	tidy   int // number of fills from which forgetting is worth its time
}

// minTidy keeps sweeps over quiet objects from tidying at every row.
const minTidy = 64

// forget drops the fills that no event from oldest on can meet. It looks at
// all of them, since one slow download must not hold back those behind it, and
// so only once they have doubled.
func (s *store) forget(oldest model.Instant) {
	if len(s.fills) < max(s.tidy, minTidy) {
		return
	}
	p := &s.policy
	if !p.Keeps {
		s.fills = slices.DeleteFunc(s.fills, func(f *Event) bool { return p.lastUse(f) < oldest })
	}
	if p.prunes() {
		gone := p.replaced(s.fills, oldest, p.Keeps)
		n := -1
		s.fills = slices.DeleteFunc(s.fills, func(*Event) bool { n++; return gone[n] })
	}
	s.tidy = 2 * len(s.fills)
}

// candidates appends the fills that h may have been served from under p; old
// says that what was stored served although it was stale.
func (s *store) candidates(out []Candidate, h *Event, p *Policy, old bool) []Candidate {
	first := len(out)
	for _, f := range s.fills {
		if f == h {
			continue
		}
		if rules := p.allows(f, h, old); rules != 0 {
			out = append(out, Candidate{Fill: f, Rules: rules})
		}
	}
	if old || p.prunes() {
		out = append(out[:first], p.dropReplaced(out[first:], h, old)...)
	}
	return out
}
