// Package reconstruct works out which fill a hit may have been served from.
//
// A Sweep walks the events of one object in one cache in the order in which
// they may have started, and lists for every hit all the fills that could have
// produced it (semantics.md D1, F4–F10). Membership is a matter of what is
// possible: a fill is left out only if no reading of the whole-second stamps,
// no expiry formula and no rounding allows it. How likely each one is, Weigh
// says afterwards; a small likelihood never removes a candidate.
//
// The package knows no users, no cookies' values and no files.
package reconstruct

import (
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
)

// Slack widens every comparison of membership: hosts of one cache differ by
// some milliseconds, time-taken is rounded, a lookup comes a little after the
// request.
const Slack = 100 * time.Millisecond

// Event is one row of a suspect route. Its intervals may overlap those of
// others by a second; only likelihoods order them.
type Event struct {
	ID        string
	Start     model.Interval // the request arrived: the lookup
	Available model.Interval // the first byte left: a stored response can be used
	End       model.Interval // the last byte left

	// Origin is the instant of the fill's origin row, precise to milliseconds
	// and on the origin's clock; zero if it has none.
	Origin model.Interval

	Recipient bool // answered from the cache
	Fill      bool // may have entered the cache
	Miss      bool // says that nothing fresh was there
	Error     bool // status 4xx or 5xx
	Head      bool

	Payload any // the caller's, passed through
}

// ttfb returns the time from lookup to availability.
func (e *Event) ttfb() time.Duration { return e.Available.Lo.Sub(e.Start.Lo) }

// Candidate is one possible fill of a hit.
type Candidate struct {
	Fill  *Event
	Rules uint8   // bit i: cache.Rules[i] allows it
	P     float64 // set by Weigh
}

// Policy is what the cache was told to do with one object.
type Policy struct {
	TTL            model.TTL
	ErrorTTL       time.Duration
	Expiry         model.Expiry
	Collapsing     model.Tri
	CachesPerScope int
}

// life returns the TTL that membership of e must assume: the longest.
func (p *Policy) life(e *Event) time.Duration {
	if e.Error {
		return max(p.TTL.Max, p.ErrorTTL)
	}
	return p.TTL.Max
}

// rules returns the formulas that the policy allows.
func (p *Policy) rules() []model.Expiry {
	if p.Expiry == model.ExpiryAny || p.Expiry == "" {
		return cache.Rules[:]
	}
	return []model.Expiry{p.Expiry}
}

// lastUse returns the end of the last moment at which e can be served.
// An object may count as arrived at its first byte or at its last.
func (p *Policy) lastUse(e *Event) model.Instant {
	last := e.End.Hi
	for _, r := range p.rules() {
		last = max(last, cache.Expires(r, e.End.Hi, p.life(e)))
	}
	return last.Add(Slack)
}

// Sweep holds the fills that can still be served and the events that still
// wait for a fill to be read: some seconds of one object's traffic, however
// long the log is.
type Sweep struct {
	policy  Policy
	emit    func(*Event, []Candidate)
	fills   []*Event // by Start.Lo
	pending []*Event // hits and misses, by Start.Lo
	found   []Candidate
}

// NewSweep returns a sweep over one object in one cache. It calls emit for
// each hit with every fill that may have produced it, and for each miss with
// every fill that a single cache should have had, in the order of their
// starts. The slice is reused.
func NewSweep(p Policy, emit func(*Event, []Candidate)) *Sweep {
	return &Sweep{policy: p, emit: emit}
}

// Add takes the next event; they come in the order of Start.Lo.
func (s *Sweep) Add(e *Event) {
	s.settle(e.Start.Lo)
	if e.Fill {
		s.fills = append(s.fills, e)
	}
	if e.Recipient || e.Miss {
		s.pending = append(s.pending, e)
	}
}

// Close settles what is left.
func (s *Sweep) Close() {
	s.settle(model.Instant(1<<63 - 1))
	s.fills = nil
}

// settle emits every pending event whose lookup is past before now can add a
// fill to it, then forgets the fills that nobody can meet any more.
func (s *Sweep) settle(now model.Instant) {
	n := 0
	for n < len(s.pending) && s.horizon(s.pending[n]) <= now {
		s.emit(s.pending[n], s.candidates(s.pending[n]))
		n++
	}
	s.pending = drop(s.pending, n)
	oldest := now
	if len(s.pending) > 0 {
		oldest = min(oldest, s.pending[0].Start.Lo)
	}
	s.forget(oldest.Add(-Slack))
}

// horizon returns the latest start of a fill that h can have met. A follower
// waits for a fill that was asked for before it, so lookup order decides.
func (s *Sweep) horizon(h *Event) model.Instant { return h.Start.Hi.Add(Slack) }

// forget drops fills from the front. One long-lived fill holds back those
// behind it, which costs memory but no truth.
func (s *Sweep) forget(before model.Instant) {
	n := 0
	for n < len(s.fills) && s.policy.lastUse(s.fills[n]) < before {
		n++
	}
	s.fills = drop(s.fills, n)
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

// candidates lists the fills that h may have been served from.
func (s *Sweep) candidates(h *Event) []Candidate {
	s.found = s.found[:0]
	for _, f := range s.fills {
		if f == h {
			continue
		}
		if rules := s.allows(f, h); rules != 0 {
			s.found = append(s.found, Candidate{Fill: f, Rules: rules})
		}
	}
	if s.policy.life(h) > longLife {
		s.found = withoutReplaced(s.found, h, s.policy.CachesPerScope)
	}
	return s.found
}

// allows returns the rules under which h can have been served from f.
func (s *Sweep) allows(f, h *Event) uint8 {
	seen := h.Start.Hi
	if s.policy.Collapsing != model.No {
		seen = max(seen, h.Available.Hi) // a follower waits until the fill is there
	}
	if f.Available.Lo.Add(-Slack) >= seen || f.Start.Lo.Add(-Slack) >= h.Start.Hi {
		return 0
	}
	var rules uint8
	for i, r := range cache.Rules {
		if s.policy.Expiry != model.ExpiryAny && s.policy.Expiry != "" && s.policy.Expiry != r {
			continue
		}
		if h.Start.Lo.Add(-Slack) < cache.Expires(r, f.End.Hi.Add(Slack), s.policy.life(f)) {
			rules |= 1 << i
		}
	}
	return rules
}

// longLife is the TTL past which replaced fills are told apart from live ones.
// Below it the sub-second phases leave almost every order open, and keeping
// them all is cheap.
const longLife = 10 * time.Second

// manyCaches is assumed behind one name where the number is unknown.
const manyCaches = 8

// withoutReplaced drops fills that were certainly overwritten before h in
// every one of the caches that may stand behind the name.
func withoutReplaced(cs []Candidate, h *Event, caches int) []Candidate {
	if caches == 0 {
		caches = manyCaches
	}
	kept := cs[:0]
	for i, c := range cs {
		later := 0
		for _, g := range cs[i+1:] {
			if c.Fill.End.Hi <= g.Fill.Available.Lo && g.Fill.End.Hi.Add(Slack) <= h.Start.Lo {
				later++
			}
		}
		if later < caches {
			kept = append(kept, c)
		}
	}
	return kept
}
