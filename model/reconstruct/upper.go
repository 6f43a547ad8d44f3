package reconstruct

import (
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Upper holds what an upper tier may have stored of one object: the responses
// that the origin gave to whoever asked through it, at any location. What it
// answers shows in no log of its own. A Miss that the origin never saw was
// answered by it (semantics.md F11), and so may be a Hit without a fill of its
// own location, or one as slow as the way there and back (A2.8, F9).
type Upper struct {
	store
	direct Policy // for a Hit: ages in the tier and at the edge may add up (A2.9)
	params Params
}

// transit is how long the way between an edge and its tier may take.
const transit = 500 * time.Millisecond

// NewUpper returns a tier that keeps a response for ttl, above caches that
// were told edge. How many tiers share the fills of a log is not known better
// than p says.
func NewUpper(ttl model.TTL, edge Policy, p *Params) *Upper {
	tier := Policy{
		TTL: ttl, ErrorTTL: edge.ErrorTTL, Expiry: edge.Expiry, Transit: transit,
		Collapsing: model.Unknown,
	}
	direct := tier
	direct.TTL.Max += edge.TTL.Max
	direct.Stale = edge.Stale
	return &Upper{store: store{policy: tier}, direct: direct, params: *p}
}

// Add takes the next fill; they come in the order of Start.Lo.
func (u *Upper) Add(e *Event) {
	if e.Fill && (e.Own > 0 || e.Refreshed) {
		u.fills = append(u.fills, e)
	}
}

// Forget drops what no event that starts at oldest or later can have met.
func (u *Upper) Forget(oldest model.Instant) {
	if len(u.fills) < max(u.tidy, minTidy) {
		return
	}
	u.fills = slices.DeleteFunc(u.fills, func(f *Event) bool { return u.direct.lastUse(f) < oldest })
	u.tidy = 2 * len(u.fills)
}

// Ready returns the instant from which no fill can come that e may have met.
func (u *Upper) Ready(e *Event) model.Instant { return e.answered().Add(u.policy.slack()) }

// Ask returns the fills whose responses the tier may have handed e, weighed. It
// must not be called before Ready.
func (u *Upper) Ask(e *Event) (cs []Candidate, unknown float64) {
	p := &u.direct
	if e.Miss {
		p = &u.policy
	}
	cs = u.candidates(nil, e, p, false)
	// A Miss that the tier answered did not fill it: unless its origin row was
	// lost, it must neither stand as a rival nor prove the tier empty.
	slices.SortStableFunc(cs, func(a, b Candidate) int { return rank(a) - rank(b) })
	sure := slices.IndexFunc(cs, func(c Candidate) bool { return rank(c) > 0 })
	if sure < 0 {
		sure = len(cs)
	}
	unknown = Weigh(e, cs[:sure], *p, &u.params)
	left := unknown
	for i := range cs[sure:] {
		c := &cs[sure+i]
		c.P = float64(left*c.Fill.Own) / float64(len(cs)-sure)
		unknown -= c.P
	}
	return cs, max(0, unknown)
}

// likely is the probability of its own response from which a relay is weighed
// as a fill of the tier.
const likely = 0.5

func rank(c Candidate) int {
	if c.Fill.Own < likely && !c.Fill.Refreshed {
		return 1
	}
	return 0
}

// Hand sets what relay e was handed, and lowers or raises Own by what the tier
// can have held: a Miss that no fill anywhere explains was the origin's own.
func (u *Upper) Hand(e *Event) {
	cs, unknown := u.Ask(e)
	e.hand(cs, unknown)
	if !e.Miss || e.Refreshed {
		return
	}
	held := strength(unknown, &u.params)
	own := float64(e.Own * (1 - held))
	handed := float64((1 - e.Own) * (held + float64(u.params.Loss*surprise)))
	if own+handed > 0 {
		e.Own = own / (own + handed)
	}
}

// strength undoes what Weigh does to a total likelihood, from the probability
// that it left unknown.
func strength(unknown float64, p *Params) float64 {
	lost := float64(p.Loss * surprise)
	if unknown <= 0 || p.Loss >= 1 {
		return 1
	}
	return min(1, float64(lost*(1-unknown))/float64(unknown*(1-p.Loss)))
}

// Merge weighs what a hit's own cache may have handed it against what the
// upper tier may have: upward is how likely it came from there before either
// is looked at. All probabilities are of the same scale: to what both leave
// unknown.
func Merge(local []Candidate, lost float64, above []Candidate, missing, upward float64) ([]Candidate, float64) {
	const least = 1e-9
	lost, missing = max(lost, least), max(missing, least)
	here := (1 - upward) / lost
	there := upward / missing
	t := tracer{unknown: 1, at: map[*Event]int{}}
	for _, c := range local {
		c.P *= here
		t.put(c)
	}
	for _, c := range above {
		c.P *= there
		t.put(c)
	}
	total := 1.0
	for _, c := range t.out {
		total += c.P
	}
	for i := range t.out {
		t.out[i].P /= total
	}
	return t.out, 1 / total
}
