package calibrate

import (
	"math"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// Rules counts, for one cache, how well each expiry formula explains its hits
// and its misses. The zero Rules is empty and ready to use.
type Rules struct {
	fit     fit
	events  int64
	all     int64 // hits in the window
	orphans int64 // of them, without any candidate
}

// fit is a log-likelihood by formula and number of caches, in millionths, so
// that sums do not depend on their order. The two are asked together: behind
// two caches every second lookup misses what the other one holds, which looks
// like a shorter life.
type fit [len(cache.Rules)][len(reconstruct.Sizes)]int64

// doubt bounds what one event can say against a formula: its fill may be lost.
const doubt = 0.02

// Event notes one hit or miss with its candidates; clock brings the offset.
func (r *Rules) Event(e *reconstruct.Event, cs []reconstruct.Candidate, policy reconstruct.Policy, clock *reconstruct.Params) {
	r.events++
	grid := reconstruct.NewGrid(e, cs, policy, clock)
	for k, n := range reconstruct.Sizes {
		for i, ws := range grid.Explain(0, n) {
			fresh := 0.0
			for _, w := range ws {
				fresh += w
			}
			likelihood := min(fresh, 1)
			if e.Miss {
				likelihood = 1 - likelihood
			}
			r.fit[i][k] += int64(math.Round(1e6 * math.Log(doubt+float64((1-doubt)*likelihood))))
		}
	}
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
	for i := range r.fit {
		for k := range r.fit[i] {
			r.fit[i][k] += o.fit[i][k]
		}
	}
	r.events += o.events
	r.all += o.all
	r.orphans += o.orphans
}

// borrowed is how many events of the average cache stand beside a cache's own:
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
	Events int64                           `json:"events"`
}

// enough is the number of hits from which their orphans say something.
const enough = 50

// Params turns the counts of one cache into parameters. pool holds the sum
// over all caches; lost is the share of edge rows known to be missing. Hits
// that nothing explains say at least as much: what serves them serves others
// too.
func (r *Rules) Params(policy reconstruct.Policy, pool *Rules, lost float64) reconstruct.Params {
	var p reconstruct.Params
	p.Rules, p.Caches = r.posterior(policy, pool)
	p.Loss = round(min(0.5, max(lost, r.orphanShare(), 0.0005)))
	p.Collapse = map[model.Tri]float64{model.Yes: 1, model.No: 0, model.Unknown: 0.05}[policy.Collapsing]
	return p
}

// orphanShare returns the share of hits without a candidate, or nothing if
// there were too few hits to tell.
func (r *Rules) orphanShare() float64 {
	if r.all < enough {
		return 0
	}
	return (float64(r.orphans) + 0.5) / float64(r.all+1)
}

// posterior weighs the formulas and the numbers of caches that policy leaves open.
func (r *Rules) posterior(policy reconstruct.Policy, pool *Rules) (rules [len(cache.Rules)]float64, caches [len(reconstruct.Sizes)]float64) {
	var logs [len(cache.Rules)][len(reconstruct.Sizes)]float64
	top := math.Inf(-1)
	for i, rule := range cache.Rules {
		for k, size := range reconstruct.Sizes {
			logs[i][k] = rare[k] + float64(r.fit[i][k])/1e6 + float64(borrowed*float64(pool.fit[i][k]))/1e6/float64(max(pool.events, 1))
			if policy.Expiry != model.ExpiryAny && policy.Expiry != "" && policy.Expiry != rule ||
				policy.CachesPerScope != 0 && nearest(policy.CachesPerScope) != size {
				logs[i][k] = math.Inf(-1)
			}
			top = max(top, logs[i][k])
		}
	}
	total := 0.0
	for i := range logs {
		for k := range logs[i] {
			w := math.Exp(logs[i][k] - top)
			total += w
			rules[i] += w
			caches[k] += w
		}
	}
	for i := range rules {
		rules[i] = round(rules[i] / total)
	}
	for k := range caches {
		caches[k] = round(caches[k] / total)
	}
	return rules, caches
}

// rare is the log of how likely each number of caches is before a row is read.
// Where a cache serves stale responses there are no Misses, and hits alone
// hardly tell one cache from two.
var rare = [len(reconstruct.Sizes)]float64{0, -3, -4, -4, -4}

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
	return Posterior{name, p.Rules[0], p.Rules[1], p.Rules[2], p.Caches, p.Loss, r.events}
}

// round keeps four digits, so that the last bits of a CPU never reach a case.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }
