package calibrate

import (
	"cmp"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// countless makes Explain tell of each fill whether it is fresh, whatever
// other fills there are: none went to the same of so many caches.
const countless = 1 << 20

// flight is a fill on its way: asked for at one instant, there at another, as
// well as they are known.
type flight struct {
	asked, there model.Instant
	own          float64 // how likely it went to a cache of which no earlier fill is counted
}

// storedIn returns how likely a request finds a fresh response, by formula,
// number of caches, and whether they collapse. One cache holds the last fill.
// Of several, a Miss while another fill is fresh went to one that does not
// hold it; so the fresh fills are of as many caches, save those under way at
// once. This tells two caches from one by every pair of Misses within a life.
func storedIn(cs []reconstruct.Candidate, grid *reconstruct.Grid, policy reconstruct.Policy, clock *reconstruct.Params) (out [len(cache.Rules)][len(reconstruct.Sizes)][2]float64) {
	one, each := grid.Explain(0, 1), grid.Explain(0, countless)
	flights, order := flightsOf(cs, clock)
	for i, rule := range cache.Rules {
		p := min(total(one[i]), 1)
		out[i][0] = [2]float64{p, p}
		for k, n := range reconstruct.Sizes[1:] {
			spread(flights, order, rule, policy, float64(n))
			alone, all := 0.0, 0.0
			for f, w := range each[i] {
				alone += float64(w * countless * flights[f].own)
				all += float64(w * countless)
			}
			out[i][k+1] = [2]float64{apiece: min(1, alone/float64(n)), collapsed: min(1, all/float64(n))}
		}
	}
	return out
}

// flightsOf times the candidates and puts them in the order of asking.
func flightsOf(cs []reconstruct.Candidate, clock *reconstruct.Params) (fs []flight, order []int) {
	for i, c := range cs {
		asked, there, _ := timing(c.Fill, clock)
		fs = append(fs, flight{asked: middle(asked), there: middle(there)})
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(fs[a].asked, fs[b].asked) })
	return fs, order
}

// spread sets own of each flight, if there are n caches that do not collapse:
// it went to one that held nothing fresh, maybe to one to which another flight
// was under way.
func spread(fs []flight, order []int, rule model.Expiry, policy reconstruct.Policy, n float64) {
	life := policy.TTL.Default
	if life <= 0 {
		life = policy.TTL.Max
	}
	for at, f := range order {
		held, met := 0.0, 0.0
		for _, g := range order[:at] {
			switch x := &fs[g]; {
			case x.there > fs[f].asked:
				met += x.own
			case cache.Fresh(rule, x.there, fs[f].asked, life):
				held += x.own
			}
		}
		empty := max(1, n-held)
		fs[f].own = max(0, 1-met/empty)
	}
}
