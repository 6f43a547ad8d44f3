package reconstruct

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
)

// Policy is what the cache was told to do with one object.
type Policy struct {
	TTL            model.TTL     // with Stale
	Stale          time.Duration // how much of TTL is beyond the life of a response
	ErrorTTL       time.Duration
	Expiry         model.Expiry
	Collapsing     model.Tri
	CachesPerScope int

	// Keeps says that what is past its life stays stored, to be confirmed by
	// the origin or sent in its place.
	Keeps bool

	// Transit is how long a request or a response may be on its way between
	// this cache and the one that logs.
	Transit time.Duration
}

// life returns the TTL that membership of e must assume: the longest.
func (p *Policy) life(e *Event) time.Duration {
	if e.Error || e.Failing {
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

func (p *Policy) slack() time.Duration { return Slack + p.Transit }

// lastUse returns the end of the last moment at which e can be served.
// An object may count as arrived at its first byte or at its last.
func (p *Policy) lastUse(e *Event) model.Instant {
	arrived := e.arrival().Hi.Add(p.slack())
	last := arrived
	for _, r := range p.rules() {
		last = max(last, cache.Expires(r, arrived, p.life(e)))
	}
	return last.Add(p.slack())
}

// horizon returns the latest start of a fill that h can have met. Of requests
// that wait for one another any may be the next to be forwarded, so one that
// waited can have met a fill asked for later.
func (p *Policy) horizon(h *Event) model.Instant { return p.asked(h).Add(p.slack()) }

func (p *Policy) asked(h *Event) model.Instant {
	if p.Collapsing == model.No || h.Miss && p.Transit == 0 {
		return h.Start.Hi
	}
	return h.answered()
}

// allows returns the rules under which h can have been served from f.
func (p *Policy) allows(f, h *Event, old bool) uint8 {
	seen := h.Start.Hi
	if p.Collapsing != model.No {
		seen = max(seen, h.Available.Hi) // a follower waits until the fill is there
	}
	if f.arrival().Lo.Add(-p.slack()) >= seen || f.Start.Lo.Add(-p.slack()) >= p.asked(h) {
		return 0
	}
	var rules uint8
	for i, r := range cache.Rules {
		if p.Expiry != model.ExpiryAny && p.Expiry != "" && p.Expiry != r {
			continue
		}
		if old || h.Start.Lo.Add(-p.slack()) < cache.Expires(r, f.arrival().Hi.Add(p.slack()), p.life(f)) {
			rules |= 1 << i
		}
	}
	return rules
}

// longLife is the TTL past which replaced fills are told apart from live ones.
// Below it the sub-second phases leave almost every order open, and keeping
// them all is cheap.
const longLife = 10 * time.Second

// forever is a life past the end of any log.
const forever = 100 * 365 * 24 * time.Hour

// prunes reports whether fills live long enough for it to matter which of them
// were replaced.
func (p *Policy) prunes() bool { return p.Keeps || p.TTL.Max > longLife }

// manyCaches is assumed behind one name where the number is unknown.
const manyCaches = 8

// spared is how many replacements a stored response is supposed to escape.
// Requests spread over the caches behind a name, so each replacement finds it
// with probability 1/caches: of eight caches one is passed over 64 times in a
// row with probability 0.0002, of three 48 times with 0.000000004.
func (p *Policy) spared() int {
	switch p.CachesPerScope {
	case 0:
		return 64
	case 1:
		return 1
	}
	return 16 * p.CachesPerScope
}

// dropReplaced drops the candidates that were certainly replaced before h.
func (p *Policy) dropReplaced(cs []Candidate, h *Event, old bool) []Candidate {
	fills := make([]*Event, len(cs))
	for i, c := range cs {
		fills[i] = c.Fill
	}
	gone := p.replaced(fills, h.Start.Lo, old)
	n := -1
	return slices.DeleteFunc(cs, func(Candidate) bool { n++; return gone[n] })
}

// replaced tells which of fills, in the order of their starts, are certainly
// no longer stored at now.
//
// While a response is fresh, its cache logs no Miss and confirms nothing; so
// Misses that follow one another, each after the one before had arrived, are
// of as many caches, or the response is gone. Simultaneous Misses may all be
// of one cache, and an error may leave the stored response in place: neither
// counts. Where what is stale may be served too (old), that says nothing, and
// only numbers help: among so many replacements one will have met its cache.
func (p *Policy) replaced(fills []*Event, now model.Instant, old bool) []bool {
	caches := cmp.Or(p.CachesPerScope, manyCaches)
	count := p.replacements(fills, now)
	gone := make([]bool, len(fills))
	chain := make([]int, len(fills)+1) // longest sequence of Misses among fills[i:]
	for i := len(fills) - 1; i >= 0; i-- {
		f := fills[i]
		next := p.after(fills, i)
		fresh := !old && (p.Stale == 0 || now < cache.Expires(model.ExpiryAny, f.arrival().Lo, p.life(f)-p.Stale))
		gone[i] = fresh && chain[next] >= caches || count[i] >= p.spared()
		chain[i] = chain[i+1]
		if f.Miss && p.replaces(f, now) {
			chain[i] = max(chain[i], chain[next]+1)
		}
	}
	return gone
}

// replacements counts, for each of fills, how many others were asked for after
// it had arrived, and arrived before now.
func (p *Policy) replacements(fills []*Event, now model.Instant) []int {
	out := make([]int, len(fills))
	count := make([]int, len(fills)+1) // among fills[i:]
	for i := len(fills) - 1; i >= 0; i-- {
		out[i] = count[p.after(fills, i)]
		count[i] = count[i+1]
		if p.replaces(fills[i], now) {
			count[i]++
		}
	}
	return out
}

// replaces reports whether f surely replaced, before now, what its cache held.
func (p *Policy) replaces(f *Event, now model.Instant) bool {
	return !f.Error && !f.Head && f.Doubt == 0 && !f.Failing && f.arrival().Hi.Add(p.slack()) <= now
}

// after returns the first of fills that was asked for once fills[i] had arrived.
func (p *Policy) after(fills []*Event, i int) int {
	next, _ := slices.BinarySearchFunc(fills, fills[i].arrival().Hi.Add(p.slack()), func(g *Event, t model.Instant) int {
		return cmp.Compare(g.Start.Lo, t)
	})
	return max(next, i+1)
}

// escapes is the probability below which a response is taken to have been
// replaced, by what the log taught of the number of caches.
const escapes = 1e-6

// Prune drops the candidates that so many others have replaced before h that,
// behind as many caches as p holds possible, none is left; and those that were
// as good as never stored. It changes cs.
func Prune(cs []Candidate, h *Event, policy Policy, p *Params) []Candidate {
	cs = slices.DeleteFunc(cs, func(c Candidate) bool { return c.Fill.Doubt > 1-1e-3 })
	limit := p.spared()
	if !policy.prunes() || len(cs) <= limit || policy.CachesPerScope != 0 {
		return cs
	}
	slices.SortStableFunc(cs, func(a, b Candidate) int { return cmp.Compare(a.Fill.Start.Lo, b.Fill.Start.Lo) })
	fills := make([]*Event, len(cs))
	for i, c := range cs {
		fills[i] = c.Fill
	}
	count := policy.replacements(fills, h.Start.Lo)
	n := -1
	return slices.DeleteFunc(cs, func(Candidate) bool { n++; return count[n] >= limit })
}

// spared is the number of replacements after which a response is gone.
func (p *Params) spared() int {
	n := 1
	for k, size := range Sizes {
		if size > 1 && p.Caches[k] > escapes {
			n = max(n, int(math.Ceil(math.Log(escapes/p.Caches[k])/math.Log(1-1/float64(size)))))
		}
	}
	return n
}
