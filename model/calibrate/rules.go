package calibrate

import (
	"math"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// Rules counts, for one cache, how well each expiry formula explains its hits
// and its misses. The zero Rules is empty and ready to use.
type Rules struct {
	fit     [worlds]int64 // log-likelihoods in millionths, so that sums do not depend on their order
	events  int64
	all     int64 // hits in the window
	orphans int64 // of them, without any candidate
	waiting waiting
}

// A world is what is asked together: the formula, how many caches stand behind
// the name, whether waiting requests are collapsed, and how often a request
// misses what is stored. Behind two caches every second lookup misses what the
// other one holds, which looks like a shorter life; and two Misses under way
// at once are of two caches, or of one that does not collapse.
type world struct{ rule, size, waits, missed int }

const worlds = len(cache.Rules) * len(reconstruct.Sizes) * 2 * len(misses)

func worldAt(j int) world {
	const m = len(misses)
	return world{j / m / 2 / len(reconstruct.Sizes), j / m / 2 % len(reconstruct.Sizes), j / m % 2, j % m}
}

// Whether waiting requests are collapsed.
const (
	apiece = iota // each asks the origin for itself
	collapsed
)

// misses lists how often a request may miss although its cache holds a fresh
// response: another variant of the object was asked for, or the cache was short
// of room. A Miss proves an empty cache to as much less.
var misses = [...]float64{0.01, 0.03, 0.1, 0.2, 0.35}

// doubt bounds what one event can say against a world: its fill may be lost.
const doubt = 0.02

// Event notes one hit or miss with its candidates; clock brings the offset.
func (r *Rules) Event(e *reconstruct.Event, cs []reconstruct.Candidate, policy reconstruct.Policy, clock *reconstruct.Params) {
	r.events++
	grid := reconstruct.NewGrid(timed(e, clock), cs, policy, clock)
	waits := 0.0
	if e.Miss || e.Available.Lo.Sub(e.Start.Lo) >= waited {
		waits = total(grid.Followers())
	}
	if e.Recipient {
		r.waiting.add(e, cs, clock)
	}
	stored := storedIn(cs, grid, policy, clock)
	for j := range r.fit {
		w := worldAt(j)
		p := stored[w.rule][w.size][w.waits]
		if w.waits == collapsed {
			p += waits / float64(reconstruct.Sizes[w.size])
		}
		p = float64(min(p, 1) * (1 - misses[w.missed]))
		if e.Miss {
			p = 1 - p
		}
		r.fit[j] += int64(math.Round(1e6 * math.Log(doubt+float64((1-doubt)*p))))
	}
}

// waited is how long a hit must have taken to have been collapsed: a quicker
// one was answered from what was there. Shorter waits are finer than the grid.
const waited = 50 * time.Millisecond

func total(ws []float64) float64 {
	sum := 0.0
	for _, w := range ws {
		sum += w
	}
	return sum
}

// timed returns e with its lookup narrowed as timing says.
func timed(e *reconstruct.Event, clock *reconstruct.Params) *reconstruct.Event {
	start, available, ok := timing(e, clock)
	if !ok {
		return e
	}
	out := *e
	out.Start, out.Available = start, available
	return &out
}

// timing returns when e was asked for and there. A Miss is timed by its origin
// row if it has one: a Miss while a response is surely fresh is what tells two
// caches from one, and a whole second hides it. ok reports whether it was.
func timing(e *reconstruct.Event, clock *reconstruct.Params) (start, available model.Interval, ok bool) {
	if !e.Miss || e.Origin.IsZero() || clock.Spread <= 0 {
		return e.Start, e.Available, false
	}
	wait := e.Available.Lo.Sub(e.Start.Lo)
	at := e.Origin.Lo.Add(clock.Lag)
	if !clock.FromStart {
		at = at.Add(-wait)
	}
	start = model.Interval{Lo: at, Hi: at}.Widen(2 * clock.Spread)
	start = model.Interval{Lo: max(start.Lo, e.Start.Lo), Hi: min(start.Hi, e.Start.Hi)}
	if start.Lo >= start.Hi { // a retry's stamp, or a clock that jumped
		return e.Start, e.Available, false
	}
	return start, start.Shift(wait), true
}

// Hit counts a hit of the window for the share of lost rows.
func (r *Rules) Hit(orphan bool) {
	r.all++
	if orphan {
		r.orphans++
	}
}

// Merge adds what o has seen.
func (r *Rules) Merge(o *Rules) {
	for j := range r.fit {
		r.fit[j] += o.fit[j]
	}
	r.events += o.events
	r.all += o.all
	r.orphans += o.orphans
	r.waiting.merge(&o.waiting)
}

// borrowed is how many events of the other caches stand beside a cache's own:
// caches of one CDN run the same code, but their own rows decide.
const borrowed = 20

// Posterior is what a cache's rows say, as the manifest prints it.
type Posterior struct {
	Cache  string                          `json:"cache"`
	Real   float64                         `json:"p_real"`
	Floor  float64                         `json:"p_floor"`
	Ceil   float64                         `json:"p_ceil"`
	Caches [len(reconstruct.Sizes)]float64 `json:"p_caches_1_2_3_4_8"`
	Loss   float64                         `json:"p_fill_row_lost"`
	Shared float64                         `json:"p_collapsing"`
	Proof  float64                         `json:"p_miss_proves_empty"`
	Events int64                           `json:"events"`
}

// enough is the number of hits from which their orphans say something.
const enough = 50

// Params turns the counts of one cache into parameters. pool holds the sum
// over all caches, this one included; lost is the share of edge rows known to be missing. Hits
// that nothing explains say at least as much: what serves them serves others
// too.
func (r *Rules) Params(policy reconstruct.Policy, pool *Rules, lost float64) reconstruct.Params {
	var p reconstruct.Params
	for j, x := range r.posterior(policy, pool) {
		w := worldAt(j)
		p.Rules[w.rule] += x
		p.Caches[w.size] += x
		p.Proof += float64(x * (1 - misses[w.missed]))
		if w.waits == collapsed {
			p.Collapse += x
		}
	}
	roundAll(p.Rules[:])
	roundAll(p.Caches[:])
	p.Loss = round(min(0.5, max(lost, r.orphanShare(), 0.0005)))
	if policy.Collapsing == model.Unknown {
		p.Collapse = corroborated(p.Collapse, r.waiting.evidence(1))
	}
	p.Collapse, p.Proof = round(p.Collapse), round(p.Proof)
	return p
}

// corroborated takes one event's worth of evidence for collapsing back: the
// hit that is about to be explained by it must not be its only witness. What
// the other slow hits say stays.
func corroborated(p, others float64) float64 {
	before, after := math.Exp(rareWaits[collapsed]+max(0, others)), p/(1-p)
	if math.IsInf(after, 1) {
		return 1
	}
	if after > before {
		after = max(before, after*doubt)
	}
	return after / (1 + after)
}

// orphanShare returns the share of hits without a candidate, or nothing if
// there were too few hits to tell.
func (r *Rules) orphanShare() float64 {
	if r.all < enough {
		return 0
	}
	return (float64(r.orphans) + 0.5) / float64(r.all+1)
}

// lent returns what the other caches say of each world. How many caches stand
// behind their names says nothing about this one's, so for each formula they
// speak for the number that suits them best.
func (r *Rules) lent(pool *Rules) [worlds]float64 {
	others := pool.events - r.events
	share := float64(min(borrowed, others)) / float64(max(others, 1)) / 1e6
	best := map[world]float64{}
	for j := range r.fit {
		w := worldAt(j)
		w.size = 0
		x := float64(share * float64(pool.fit[j]-r.fit[j]))
		if old, ok := best[w]; !ok || x > old {
			best[w] = x
		}
	}
	var out [worlds]float64
	for j := range out {
		w := worldAt(j)
		w.size = 0
		out[j] = best[w]
	}
	return out
}

// posterior weighs the worlds that policy leaves open.
func (r *Rules) posterior(policy reconstruct.Policy, pool *Rules) [worlds]float64 {
	var x [worlds]float64
	lent, slow := r.lent(pool), r.waiting.evidence(0)
	top := math.Inf(-1)
	for j := range x {
		w := worldAt(j)
		x[j] = rareSize[w.size] + rareWaits[w.waits] + rareMisses[w.missed] +
			float64(r.fit[j])/1e6 + lent[j]
		if w.waits == collapsed {
			x[j] += slow
		}
		if !w.allowed(policy) {
			x[j] = math.Inf(-1)
		}
		top = max(top, x[j])
	}
	sum := 0.0
	for j := range x {
		x[j] = math.Exp(x[j] - top)
		sum += x[j]
	}
	for j := range x {
		x[j] /= sum
	}
	return x
}

// allowed reports whether the incident file leaves w open.
func (w world) allowed(policy reconstruct.Policy) bool {
	switch {
	case policy.Expiry != model.ExpiryAny && policy.Expiry != "" && policy.Expiry != cache.Rules[w.rule],
		policy.CachesPerScope != 0 && nearest(policy.CachesPerScope) != reconstruct.Sizes[w.size]:
		return false
	case policy.Collapsing == model.Unknown:
		return true
	}
	return (policy.Collapsing == model.Yes) == (w.waits == collapsed)
}

func roundAll(xs []float64) {
	for i := range xs {
		xs[i] = round(xs[i])
	}
}

// rareSize is the log of how likely each number of caches is before a row is
// read. Where a cache serves stale responses there are no Misses, and hits
// alone hardly tell one cache from two.
var rareSize = [len(reconstruct.Sizes)]float64{0, -3, -4, -4, -4}

// rareWaits is the same of collapsing: CloudFront does without where cookies
// are forwarded, and without those there is no leak (semantics.md A2.5).
var rareWaits = [...]float64{apiece: 0, collapsed: -3}

// rareMisses is the same of misses: 0.03 is usual, the extremes take some
// dozens of requests to believe, lest they explain away a wrong formula.
var rareMisses = [len(misses)]float64{-1, 0, -3, -7, -12}

// nearest returns the listed number of caches closest to n.
func nearest(n int) int {
	best := reconstruct.Sizes[0]
	for _, s := range reconstruct.Sizes {
		if max(s-n, n-s) < max(best-n, n-best) {
			best = s
		}
	}
	return best
}

// Report returns p as the manifest prints it.
func (r *Rules) Report(name string, p reconstruct.Params) Posterior {
	return Posterior{name, p.Rules[0], p.Rules[1], p.Rules[2], p.Caches, p.Loss, p.Collapse, p.Proof, r.events}
}

// round keeps four digits, so that the last bits of a CPU never reach a case.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }
