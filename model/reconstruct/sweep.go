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
	"cmp"
	"slices"
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

// refresh bounds how long after the hit that set it off a background refresh
// may arrive: as long as CloudFront waits for an origin. The origin's own
// stamp does not bound it, because its clock may be hours off.
const refresh = 30 * time.Second

// arrival returns when the response of fill e may have entered the cache: at
// its first byte or at its last. A background refresh is logged as the hit
// that set it off, and arrives when the origin has answered.
func (e *Event) arrival() model.Interval {
	v := model.Interval{Lo: e.Available.Lo, Hi: e.End.Hi}
	if e.Recipient {
		v.Hi = v.Hi.Add(refresh)
	}
	return v
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
	arrived := e.arrival().Hi.Add(Slack)
	last := arrived
	for _, r := range p.rules() {
		last = max(last, cache.Expires(r, arrived, p.life(e)))
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
	tidy    int      // number of fills from which forgetting is worth its time
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
	for n < len(s.pending) && s.horizon(s.pending[n]) <= now {
		s.emit(s.pending[n], s.candidates(s.pending[n]))
		n++
	}
	s.pending = drop(s.pending, n)
	oldest := now
	if len(s.pending) > 0 {
		oldest = min(oldest, s.pending[0].Start.Lo)
	}
	s.forget(oldest)
}

// horizon returns the latest start of a fill that h can have met. A follower
// waits for a fill that was asked for before it, so lookup order decides.
func (s *Sweep) horizon(h *Event) model.Instant { return h.Start.Hi.Add(Slack) }

// forget drops the fills that no event from oldest on can meet. It looks at
// all of them, since one slow download must not hold back those behind it, and
// so only once they have doubled.
func (s *Sweep) forget(oldest model.Instant) {
	if len(s.fills) < max(s.tidy, minTidy) {
		return
	}
	s.fills = slices.DeleteFunc(s.fills, func(f *Event) bool { return s.policy.lastUse(f) < oldest })
	if s.policy.TTL.Max > longLife {
		gone := s.policy.replaced(s.fills, oldest)
		n := -1
		s.fills = slices.DeleteFunc(s.fills, func(*Event) bool { n++; return gone[n] })
	}
	s.tidy = 2 * len(s.fills)
}

// minTidy keeps sweeps over quiet objects from tidying at every row.
const minTidy = 64

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
	if s.policy.TTL.Max > longLife {
		s.dropReplaced(h)
	}
	return s.found
}

// dropReplaced drops the candidates that were certainly replaced before h.
func (s *Sweep) dropReplaced(h *Event) {
	fills := make([]*Event, len(s.found))
	for i, c := range s.found {
		fills[i] = c.Fill
	}
	gone := s.policy.replaced(fills, h.Start.Lo)
	n := -1
	s.found = slices.DeleteFunc(s.found, func(Candidate) bool { n++; return gone[n] })
}

// allows returns the rules under which h can have been served from f.
func (s *Sweep) allows(f, h *Event) uint8 {
	seen := h.Start.Hi
	if s.policy.Collapsing != model.No {
		seen = max(seen, h.Available.Hi) // a follower waits until the fill is there
	}
	if f.arrival().Lo.Add(-Slack) >= seen || f.Start.Lo.Add(-Slack) >= h.Start.Hi {
		return 0
	}
	var rules uint8
	for i, r := range cache.Rules {
		if s.policy.Expiry != model.ExpiryAny && s.policy.Expiry != "" && s.policy.Expiry != r {
			continue
		}
		if h.Start.Lo.Add(-Slack) < cache.Expires(r, f.arrival().Hi.Add(Slack), s.policy.life(f)) {
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

// replaced tells which of fills, in the order of their starts, are certainly
// no longer stored at now. While a response is fresh, its cache logs no Miss;
// so Misses that follow one another, each after the one before had arrived,
// are of as many caches, or the response is gone. Simultaneous Misses may all
// be of one cache, an error may leave the stored response in place, and a
// revalidation keeps it: none of these counts.
func (p *Policy) replaced(fills []*Event, now model.Instant) []bool {
	caches := p.CachesPerScope
	if caches == 0 {
		caches = manyCaches
	}
	gone := make([]bool, len(fills))
	chain := make([]int, len(fills)+1) // longest sequence of Misses among fills[i:]
	for i := len(fills) - 1; i >= 0; i-- {
		f := fills[i]
		next, _ := slices.BinarySearchFunc(fills, f.arrival().Hi.Add(Slack), func(g *Event, t model.Instant) int {
			return cmp.Compare(g.Start.Lo, t)
		})
		after := chain[max(next, i+1)]
		gone[i] = after >= caches
		chain[i] = chain[i+1]
		if f.Miss && !f.Error && !f.Head && f.arrival().Hi.Add(Slack) <= now {
			chain[i] = max(chain[i], after+1)
		}
	}
	return gone
}
