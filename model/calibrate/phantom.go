package calibrate

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/spillscope/spillscope/model"
)

// Phantoms is what the Misses without an origin row on suspect routes are:
// answers of an upper tier, lost rows, or requests that the origin never logs
// (many applications do not log static files).
type Phantoms struct {
	Misses   int64   `json:"suspect_misses"`             // on routes that the origin logs
	Seen     int64   `json:"without_origin_row"`         // of them
	Expected float64 `json:"without_origin_row_by_loss"` // that lost rows account for
	Tier     float64 `json:"p_upper_tier"`
	Share    float64 `json:"upper_tier_share"`        // of Misses that it answers, if it exists
	Unlogged []int   `json:"routes_not_logged"`       // by their place in the incident file
	Silent   int64   `json:"suspect_misses_unlogged"` // Misses on those
	Odd      []Odd   `json:"caches_apart,omitempty"`  // caches whose share differs much from the rest
	byCache  map[string]count
	expected map[string]float64
}

// Odd is a cache that an upper tier serves far more, or less, than the rest.
type Odd struct {
	Cache  string  `json:"cache"`
	Misses int64   `json:"suspect_misses"`
	Share  float64 `json:"upper_tier_share"`
}

func phantomsOf(misses map[suspectStep]count, origin *LossShare, tier model.Tri) Phantoms {
	p := Phantoms{byCache: map[string]count{}, expected: map[string]float64{}}
	p.Unlogged = unloggedRoutes(misses)
	var sum count
	for _, k := range sortedSteps(misses) {
		c := misses[k]
		if slices.Contains(p.Unlogged, k.route) {
			p.Silent += c.all
			continue
		}
		sum = sum.plus(c)
		p.byCache = added(p.byCache, k.cache, c)
		lost := float64(float64(c.all) * origin.At(k.step))
		p.expected[k.cache] += lost
		p.Expected += lost
	}
	p.Misses, p.Seen, p.Expected = sum.all, sum.alone, round(p.Expected)
	lost := p.Expected / float64(max(1, sum.all))
	p.Tier = tierPosterior(sum, lost, origin.Requests, tier)
	p.Share = round(clamp((sum.share() - lost) / (1 - lost)))
	p.Odd = p.odd()
	return p
}

// sortedSteps keeps sums of floats from depending on the order of a map.
func sortedSteps(m map[suspectStep]count) []suspectStep {
	return slices.SortedFunc(maps.Keys(m), func(a, b suspectStep) int {
		switch {
		case a.cache != b.cache:
			return cmp.Compare(a.cache, b.cache)
		case a.route != b.route:
			return cmp.Compare(a.route, b.route)
		}
		return cmp.Compare(a.step, b.step)
	})
}

// unloggedRoutes lists the routes on which hardly any Miss has an origin row. An
// upper tier cannot answer all of a route's Misses: somebody must fill it.
func unloggedRoutes(misses map[suspectStep]count) []int {
	byRoute := map[int]count{}
	for k, c := range misses {
		byRoute = added(byRoute, k.route, c)
	}
	out := []int{}
	for _, r := range slices.Sorted(maps.Keys(byRoute)) {
		c := byRoute[r]
		silent := logBetaBinomial(c, 200, 0.5) // nearly all
		if c.all >= 5 && silent > logBetaBinomial(c, 1, 1) {
			out = append(out, r)
		}
	}
	return out
}

// tiers is how likely an upper tier is before a row is read: CloudFront has
// regional caches, but not for every kind of request (semantics.md A2.7).
const tiers = 0.3

// trusted bounds how many requests loss is taken to be known from. Rows are
// lost in bunches, so a hundred thousand do not make the share certain to the
// last digit, on other routes least of all.
const trusted = 1000

// tierPosterior compares what lost rows predict with a tier of any share.
func tierPosterior(seen count, lost float64, known int64, tier model.Tri) float64 {
	switch {
	case tier != model.Unknown:
		return map[model.Tri]float64{model.Yes: 1, model.No: 0}[tier]
	case seen.all == 0:
		return tiers
	}
	n := float64(min(known, trusted))
	byLoss := logBetaBinomial(seen, 0.5+float64(n*lost), steady+float64(n*(1-lost)))
	// A tier of share t leaves no more than lost rows do if t is near 0, so
	// its prediction is even above what they explain.
	byTier := logBetaBinomial(seen, 1, 1)
	odds := tiers / (1 - tiers) * math.Exp(byTier-byLoss)
	if math.IsInf(odds, 1) {
		return 1
	}
	return round(odds / (1 + odds))
}

// logBetaBinomial is the log of the probability of c.alone among c.all where
// the share is drawn from Beta(a, b), without the binomial coefficient.
func logBetaBinomial(c count, a, b float64) float64 {
	x, n := float64(c.alone), float64(c.all)
	return logBeta(a+x, b+n-x) - logBeta(a, b)
}

func logBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}

func clamp(x float64) float64 { return max(0, min(1, x)) }

// shareAt returns the share of a cache's Misses that an upper tier answers, if
// there is one: its own, drawn towards that of all.
func (p *Phantoms) shareAt(cacheName string) float64 {
	c := p.byCache[cacheName]
	beyond := float64(c.alone) - p.expected[cacheName]
	return clamp((beyond + float64(steady*p.Share)) / (float64(c.all) - p.expected[cacheName] + steady))
}

// apart is how far a cache's share must be from that of all to be listed.
const apart = 0.2

func (p *Phantoms) odd() []Odd {
	var out []Odd
	for _, name := range slices.Sorted(maps.Keys(p.byCache)) {
		if s := p.shareAt(name); math.Abs(s-p.Share) > apart && p.Tier > 0.5 {
			out = append(out, Odd{name, p.byCache[name].all, round(s)})
		}
	}
	return out
}

// Own returns how likely the response to a Miss without an origin row was the
// origin's own, its row lost, rather than an upper tier's. Where the origin
// does not log the route, the missing row says nothing.
func (l *Losses) Own(cacheName string, route int, at model.Instant) float64 {
	if slices.Contains(l.Unlogged, route) {
		return 1
	}
	lost := l.Origin.At(at)
	answered := float64((1 - lost) * l.shareAt(cacheName))
	if answered+lost == 0 {
		return 1
	}
	return round(1 - float64(l.Tier*answered)/(answered+lost))
}
