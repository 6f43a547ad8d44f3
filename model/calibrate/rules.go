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
	fit     [len(cache.Rules)]int64 // log-likelihood in millionths, so that sums do not depend on their order
	hits    [len(cache.Rules)]int64 // hits while something was almost certainly fresh
	misses  [len(cache.Rules)]int64 // misses then: several caches, or a shorter life
	events  int64
	all     int64 // hits in the window
	orphans int64 // of them, without any candidate
}

// doubt bounds what one event can say against a formula: its fill may be lost.
const doubt = 0.02

// sure is when something fresh is taken to have been there.
const sure = 0.95

// Event notes one hit or miss with its candidates; clock brings the offset.
func (r *Rules) Event(e *reconstruct.Event, cs []reconstruct.Candidate, policy reconstruct.Policy, clock *reconstruct.Params) {
	r.events++
	grid := reconstruct.NewGrid(e, cs, policy, clock)
	for i, rule := range cache.Rules {
		fresh := 0.0
		for _, w := range grid.Explain(rule, 0) {
			fresh += w
		}
		fresh = min(fresh, 1)
		likelihood := fresh
		if e.Miss {
			likelihood = 1 - fresh
		}
		r.fit[i] += int64(math.Round(1e6 * math.Log(doubt+(1-doubt)*likelihood)))
		if fresh <= sure {
			continue
		}
		if e.Miss {
			r.misses[i]++
		} else {
			r.hits[i]++
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
		r.fit[i] += o.fit[i]
		r.hits[i] += o.hits[i]
		r.misses[i] += o.misses[i]
	}
	r.events += o.events
	r.all += o.all
	r.orphans += o.orphans
}

// borrowed is the weight that the mean of all caches has beside a cache's own
// rows: caches of one CDN run the same code, but their rows decide.
const borrowed = 0.25

// Posterior is what a cache's rows say, as the manifest prints it.
type Posterior struct {
	Cache  string  `json:"cache"`
	Real   float64 `json:"p_real"`
	Floor  float64 `json:"p_floor"`
	Ceil   float64 `json:"p_ceil"`
	Single float64 `json:"miss_is_proof"`
	Loss   float64 `json:"p_fill_row_lost"`
	Events int64   `json:"events"`
}

// enough is the number of events from which a cache speaks for itself.
const enough = 50

// Params turns the counts of one cache into parameters. pool holds the sum
// over all caches, n their number; lost is the share of edge rows known to be
// missing. Hits that nothing explains say at least as much: what serves them
// serves others too.
func (r *Rules) Params(policy reconstruct.Policy, pool *Rules, n int, lost float64) reconstruct.Params {
	var p reconstruct.Params
	p.Rules = r.posterior(policy, pool, n)
	best := 0
	for i, w := range p.Rules {
		if w > p.Rules[best] {
			best = i
		}
	}
	p.Single = single(policy.CachesPerScope, pool.hits[best], pool.misses[best])
	if r.hits[best]+r.misses[best] >= enough {
		p.Single = single(policy.CachesPerScope, r.hits[best], r.misses[best])
	}
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

// posterior weighs the formulas that policy leaves open.
func (r *Rules) posterior(policy reconstruct.Policy, pool *Rules, n int) [len(cache.Rules)]float64 {
	var logs, out [len(cache.Rules)]float64
	top := math.Inf(-1)
	for i, rule := range cache.Rules {
		logs[i] = float64(r.fit[i])/1e6 + borrowed*float64(pool.fit[i]/int64(max(n, 1)))/1e6
		if policy.Expiry != model.ExpiryAny && policy.Expiry != "" && policy.Expiry != rule {
			logs[i] = math.Inf(-1)
		}
		top = max(top, logs[i])
	}
	total := 0.0
	for i := range logs {
		out[i] = math.Exp(logs[i] - top)
		total += out[i]
	}
	for i := range out {
		out[i] = round(out[i] / total)
	}
	return out
}

// single says how far a Miss proves that nothing fresh was there. With one
// cache, misses in the presence of a fresh response are but the noise of
// whole-second stamps; behind K caches they are (K−1)/K of all lookups.
func single(caches int, hits, misses int64) float64 {
	const most = 0.97 // another variant of the object may have been asked for
	switch {
	case caches == 1:
		return most
	case caches > 1 || hits+misses == 0:
		return 0
	}
	share := float64(misses) / float64(hits+misses)
	return round(most * (1 - min(1, 3*max(0, share-0.03))))
}

// Report returns p as the manifest prints it.
func (r *Rules) Report(name string, p reconstruct.Params) Posterior {
	return Posterior{name, p.Rules[0], p.Rules[1], p.Rules[2], p.Single, p.Loss, r.events}
}

// round keeps four digits, so that the last bits of a CPU never reach a case.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }
