package reconstruct

import (
	"math"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
)

// Params are what the log taught about the cache; package calibrate makes them.
type Params struct {
	Rules    [len(cache.Rules)]float64 // posterior of each expiry formula; sums to 1
	Caches   [len(Sizes)]float64       // posterior of how many caches stand behind the name; sums to 1
	Loss     float64                   // share of hits whose fill is not in the log
	Collapse float64                   // share of waiting requests that were collapsed
	Proof    float64                   // how far a Miss proves that nothing fresh was in its cache; 0: not known

	// An origin row stamped o belongs to a fill that became available near
	// o + Lag + (time to first byte if FromStart). Spread is how near; 0 says
	// that origin stamps cannot be used.
	Lag       time.Duration
	Spread    time.Duration
	FromStart bool
}

// Sizes lists how many caches may stand behind one name, in the order that
// weights are kept in.
var Sizes = [...]int{1, 2, 3, 4, 8}

// usualProof is how far a Miss proves that nothing fresh was in its cache,
// where the log was not asked; another variant of the object may have been
// asked for.
const usualProof = 0.97

func (p *Params) proof() float64 {
	if p.Proof > 0 {
		return p.Proof
	}
	return usualProof
}

// step is the grid on which unknown phases are summed. A finer grid costs
// more than it tells: request and lookup are some milliseconds apart.
const step = model.Instant(25 * time.Millisecond)

// phase is a distribution of an instant over grid cells.
type phase struct {
	first int64
	mass  []float64
	sum   []float64 // sum[i] = mass[0] + … + mass[i]
}

func cell(i model.Instant) int64 {
	c := int64(i / step)
	if i < 0 && i%step != 0 {
		c--
	}
	return c
}

// last returns the last cell that the instant may lie in.
func (p *phase) last() int64 { return p.first + int64(len(p.mass)) - 1 }

// below returns the probability that the instant lies in cell c or before.
func (p *phase) below(c int64) float64 {
	switch i := c - p.first; {
	case i < 0:
		return 0
	case i >= int64(len(p.sum)):
		return 1
	default:
		return p.sum[i]
	}
}

// uniform spreads v evenly over its cells.
func uniform(v model.Interval) phase {
	return weighted(v, func(model.Instant) float64 { return 1 })
}

// weighted spreads v over its cells by weight, which is asked at their middle.
func weighted(v model.Interval, weight func(model.Instant) float64) phase {
	first, last := cell(v.Lo), cell(max(v.Lo, v.Hi-1))
	p := phase{first: first, mass: make([]float64, last-first+1)}
	total := 0.0
	for i := range p.mass {
		p.mass[i] = weight(model.Instant(first+int64(i))*step + step/2)
		total += p.mass[i]
	}
	p.sum = make([]float64, len(p.mass))
	acc := 0.0
	for i := range p.mass {
		p.mass[i] /= total
		acc += p.mass[i]
		p.sum[i] = acc
	}
	return p
}

// longest bounds the instants that are tried for one fill. Only a response
// whose first byte is not logged can be that uncertain.
const longest = time.Minute

// stray keeps an origin stamp from ruling anything out: it may belong to a
// retry, or its clock may have jumped.
const stray = 1e-3

// availability returns the distribution of the instant at which f could be
// used, sharpened by its origin row.
func (p *Params) availability(f *Event) phase {
	v := f.Available
	if f.background() || !f.Arrived.IsZero() {
		v = f.arrival()
	}
	v.Hi = min(v.Hi, v.Lo.Add(longest)) // in a long download the first byte leaves early
	if f.Origin.IsZero() || p.Spread <= 0 {
		return uniform(v)
	}
	centre := f.Origin.Lo.Add(p.Lag)
	if p.FromStart {
		centre = centre.Add(f.ttfb())
	}
	scale := float64(p.Spread)
	return weighted(v, func(at model.Instant) float64 {
		return stray + math.Exp(-math.Abs(float64(at.Sub(centre)))/scale)
	})
}

// Grid is the evidence of one hit or miss, ready to be asked under any rule.
type Grid struct {
	lookup phase
	end    int64 // cell in which the hit's own first byte left
	fills  []phase
	waits  []int64 // cells from lookup to availability, of each fill
	misses []bool  // which fills are Misses and so prove an empty cache
	lives  []time.Duration
	fit    []float64 // how well status and method of fill and hit agree
}

// NewGrid lays out h and its candidates.
func NewGrid(h *Event, cs []Candidate, policy Policy, p *Params) *Grid {
	start := h.Start
	start.Lo = max(start.Lo, start.Hi.Add(-longest))
	g := &Grid{lookup: uniform(start), end: cell(h.Available.Hi) - cell(h.Start.Hi)}
	for _, c := range cs {
		g.fills = append(g.fills, p.availability(c.Fill))
		g.waits = append(g.waits, int64(model.Instant(c.Fill.ttfb())/step))
		g.misses = append(g.misses, c.Fill.Miss)
		g.lives = append(g.lives, usualLife(policy, c.Fill))
		g.fit = append(g.fit, agreement(c.Fill, h))
	}
	return g
}

// usualLife is the TTL that likelihoods assume; membership assumed the longest.
func usualLife(policy Policy, f *Event) time.Duration {
	switch {
	case f.Error:
		return max(policy.TTL.Min, policy.ErrorTTL)
	case policy.TTL.Default > 0:
		return policy.TTL.Default
	}
	return policy.TTL.Max
}

// lookups bounds how many phases of the lookup are tried; where many fills
// compete, fewer phases blur no more than their number does.
func (g *Grid) lookups() int {
	if len(g.fills) > manyFills {
		return 4
	}
	return 10
}

const manyFills = 16

// Explain returns, for each formula of cache.Rules and each candidate, the
// probability that its response was the stored one and fresh when the lookup
// came: it had arrived, had not expired, and no other fill had arrived since.
// With several caches behind the name, another fill replaces and another Miss
// disproves only if it went to the same one. single says how far a Miss counts
// as proof that its cache was empty.
func (g *Grid) Explain(single float64, caches int) (w [len(cache.Rules)][]float64) {
	for r := range w {
		w[r] = make([]float64, len(g.fills))
	}
	n := g.lookups()
	stride := max(1, (len(g.lookup.mass)+n-1)/n)
	supposed := world{single, 1 / float64(caches)}
	var all memo
	tried := 0.0
	for i := stride / 2; i < len(g.lookup.mass); i += stride {
		tried++
		all.reset()
		for f := range g.fills {
			g.at(f, g.lookup.first+int64(i), supposed, &all, &w)
		}
	}
	for r := range w {
		for f := range w[r] {
			w[r][f] /= tried * float64(caches)
		}
	}
	return w
}

// at adds to w what one lookup cell says of one candidate.
func (g *Grid) at(f int, x int64, supposed world, all *memo, w *[len(cache.Rules)][]float64) {
	p := &g.fills[f]
	now := model.Instant(x)*step + step/2
	if !fresh(min(p.last(), x), now, g.lives[f]) { // nor is it if it came sooner
		return
	}
	for i, m := range p.mass {
		a := p.first + int64(i)
		if a > x {
			return
		}
		if a == x {
			m /= 2 // same cell: the order within it is open
		}
		left := -1.0
		for r, rule := range cache.Rules {
			if !cache.Fresh(rule, model.Instant(a)*step+step/2, now, g.lives[f]) {
				continue
			}
			if left < 0 { // the costly part, and the same for each formula
				left = g.undisturbed(f, a, x, supposed, all)
			}
			w[r][f] += float64(m * left)
		}
	}
}

// fresh reports whether any formula calls what arrived in cell a fresh.
func fresh(a int64, now model.Instant, life time.Duration) bool {
	for _, rule := range cache.Rules {
		if cache.Fresh(rule, model.Instant(a)*step+step/2, now, life) {
			return true
		}
	}
	return false
}

// world is what Explain supposes besides the formula.
type world struct {
	single float64 // how far a Miss proves that its cache was empty
	share  float64 // how likely another request went to the same cache
}

// memo keeps, for one lookup cell x, what all fills together say of cell x−i.
// Without it a hit costs the square of its candidates, of which a hot key has
// thousands.
type memo struct{ values []float64 }

// unknown marks a cell that was not worked out yet; a product is never below 0.
const unknown = -1

func (m *memo) reset() {
	for i := range m.values {
		m.values[i] = unknown
	}
}

// at returns the place of x−i.
func (m *memo) at(i int64) *float64 {
	for int64(len(m.values)) <= i {
		m.values = append(m.values, unknown)
	}
	return &m.values[i]
}

// undisturbed returns the probability that no other fill replaced the one that
// arrived in cell a before x, and that no Miss found the cache empty between.
func (g *Grid) undisturbed(f int, a, x int64, w world, all *memo) float64 {
	own := g.leaves(f, a, x, w)
	if own <= 1e-6 {
		return g.product(f, a, x, w)
	}
	v := all.at(x - a)
	if *v == unknown {
		*v = g.product(-1, a, x, w)
	}
	return min(1, *v/own)
}

// product multiplies what every fill but one leaves standing. A fill that is
// past before a, or to come after x, leaves everything.
func (g *Grid) product(but int, a, x int64, w world) float64 {
	p := 1.0
	for o := range g.fills {
		fill, wait := &g.fills[o], g.waits[o]
		if o == but || fill.last() < min(a, a+wait) || fill.first > max(x, x+wait) {
			continue
		}
		if p *= g.leaves(o, a, x, w); p <= 0 {
			break
		}
	}
	return p
}

// leaves returns the probability that fill o neither arrived between a and x
// in the same cache nor, being a Miss, was asked for there then.
func (g *Grid) leaves(o int, a, x int64, w world) float64 {
	fill := &g.fills[o]
	replaced := fill.below(x) - fill.below(a)
	kept := 1 - float64(w.share*replaced)
	if w.single == 0 || !g.misses[o] || replaced >= 1 {
		return max(kept, 0)
	}
	wait := g.waits[o]
	lookedUp := fill.below(x+wait) - fill.below(max(a+wait, x))
	return max(0, kept*(1-float64(w.share*w.single*lookedUp/(1-replaced))))
}

// Followers returns, for each candidate, the probability that the hit was
// collapsed onto it: asked for while the fill was under way, answered with it.
func (g *Grid) Followers() []float64 {
	w := make([]float64, len(g.fills))
	for f := range g.fills {
		p, wait := &g.fills[f], g.waits[f]
		for i, m := range g.lookup.mass {
			x := g.lookup.first + int64(i)
			until := min(x+g.end+1, x+wait)
			w[f] += float64(m * max(0, p.below(until)-p.below(x)))
		}
	}
	return w
}

// faint is the likelihood of a candidate that only the slack of membership
// allows: listed, and last.
const faint = 1e-6

// unlikely is the posterior below which a number of caches is not worked out:
// it costs as much as the likely ones and moves nothing.
const unlikely = 0.01

// surprise is the likelihood that an arbitrary lost fill would have explained
// the hit as well: about what a true candidate scores on average.
const surprise = 0.5

// Weigh sets P of each candidate and returns the probability of `unknown`:
// a fill whose row is lost, or one of a tier that does not log here. They sum to 1.
func Weigh(h *Event, cs []Candidate, policy Policy, p *Params) (unknown float64) {
	if len(cs) == 0 {
		return 1
	}
	grid := NewGrid(h, cs, policy, p)
	for j := range cs {
		cs[j].P = 0
	}
	total := 0.0
	for k, n := range Sizes {
		if p.Caches[k] < unlikely {
			continue
		}
		for i, w := range grid.Explain(p.proof(), n) {
			for j := range cs {
				cs[j].P += float64(p.Rules[i] * float64(p.Caches[k]*w[j]))
			}
		}
	}
	if p.Collapse > 0 {
		for j, w := range grid.Followers() {
			cs[j].P += float64(p.Collapse * w)
		}
	}
	for j := range cs {
		cs[j].P = max(float64(cs[j].P*grid.fit[j]), faint)
		total += cs[j].P
	}
	lost := float64(p.Loss * surprise)
	scale := (1 - p.Loss) / (lost + float64((1-p.Loss)*total))
	for j := range cs {
		cs[j].P *= scale
	}
	return lost / (lost + float64((1-p.Loss)*total))
}
