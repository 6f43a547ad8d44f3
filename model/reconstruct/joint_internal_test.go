package reconstruct

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
)

// someRows makes up the traffic of a moment: so many fills, and some hits.
func someRows(rnd *rand.Rand, rule model.Expiry, caches, fills int) []item {
	type stored struct {
		at    model.Instant
		cache int
	}
	var inside []stored
	var fresh, rows []item
	var cs []Candidate
	now := model.Instant(1_700_000_000e9) + model.Instant(rnd.Int64N(1e9))
	for len(inside) < fills || len(fresh) < 2 {
		now = now.Add(time.Duration(rnd.Int64N(6e8)))
		k, latest := rnd.IntN(caches), model.Instant(0)
		for _, s := range inside {
			if s.cache == k && s.at <= now {
				latest = max(latest, s.at)
			}
		}
		e := &Event{ID: fmt.Sprint("r", len(inside)+len(fresh)), Recipient: cache.Fresh(rule, latest, now, time.Second)}
		taken := time.Millisecond
		if !e.Recipient {
			if len(inside) == fills {
				return someRows(rnd, rule, caches, fills) // it went on without them
			}
			taken = time.Duration(80+rnd.Int64N(100)) * time.Millisecond
			inside = append(inside, stored{now.Add(taken), k})
		}
		end := now.Add(taken) / 1e9 * 1e9
		e.End = model.Interval{Lo: end, Hi: end.Add(time.Second)}
		e.Start, e.Available = e.End.Shift(-taken), e.End
		if e.Recipient {
			fresh = append(fresh, item{event: e})
			continue
		}
		e.Fill, e.Miss = true, true
		rows, cs = append(rows, item{event: e}), append(cs, Candidate{Fill: e})
	}
	for i := range fresh {
		fresh[i].candidates = append([]Candidate(nil), cs...)
	}
	return append(rows, fresh...)
}

// suppose lays out items and returns a chain over them.
func suppose(items []item, rule model.Expiry, caches int, p *Params) *chain {
	ttl := model.TTL{Min: time.Second, Default: time.Second, Max: time.Second}
	return newChain(newProblem(items, Policy{TTL: ttl}, p, 1), rule, caches, 1)
}

// shares returns what was credited to each source for each group.
func (c *chain) shares(noted float64) []float64 {
	out := append(append([]float64(nil), c.known...), c.unknown...)
	for i := range out {
		out[i] /= noted
	}
	return out
}

func furthest(a, b []float64) float64 {
	most := 0.0
	for i := range a {
		most = max(most, math.Abs(a[i]-b[i]))
	}
	return most
}

// TestChainAgreesWithEnumeration: sampling and trying everything say the same
// of small problems, lost fills and followers included.
func TestChainAgreesWithEnumeration(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	total, n := 0.0, 0
	for trial := range 60 {
		p := &Params{Loss: 0.05 * float64(trial%2), Collapse: float64(trial % 3 / 2)}
		rule, caches := cache.Rules[trial%3], 1+trial/3%2
		items := someRows(rnd, rule, caches, 1+trial%2)

		sampled := suppose(items, rule, caches, p)
		const sweeps = 20_000
		sampled.run(sweeps)
		all := suppose(items, rule, caches, p)
		points := make([][]point, len(all.sources))
		for i := range points {
			points[i] = all.points(i, 20)
			if all.sources[i].event == nil {
				points[i] = all.points(i, 8)
			}
		}
		weight := all.each(points, 0, 0, false)

		d := furthest(sampled.shares(sweeps), all.shares(weight))
		total, n = total+d, n+1
		if d > 0.06 {
			t.Errorf("trial %d: %s, %d caches, loss %g, collapsing %g: sampled %.3f, enumerated %.3f", trial, rule, caches, p.Loss, p.Collapse, sampled.shares(sweeps), all.shares(weight))
		}
	}
	t.Logf("the largest difference is %.4f on average", total/float64(n))
	if total/float64(n) > 0.02 {
		t.Errorf("the largest difference is %.4f on average", total/float64(n))
	}
}

// plain says the same as enumerate by brute force, for two fills and no lost
// rows: it walks through every pair of instants, and through every millisecond
// of each hit, and asks who would have served it.
func plain(items []item, rule model.Expiry, caches int, tail float64) []float64 {
	const width, reach, grain = 1000, 200, 20 // ms
	inside := func(ms int) float64 {          // density of a lookup
		if 0 <= ms && ms < width {
			return 1 + tail
		}
		return tail
	}
	arrives := func(ms int) float64 { // density of an arrival
		if 0 <= ms && ms < width {
			return (1 - tail) / width
		}
		return tail / 2 / reach
	}
	f, g := items[0].event, items[1].event
	hits := items[2:]
	type stored struct {
		at    model.Instant
		cache int
	}
	fresh := func(s stored, k int, x model.Instant) bool {
		return s.cache == k && s.at <= x && cache.Fresh(rule, s.at, x, time.Second)
	}
	serves := func(s [2]stored, k int, x model.Instant) int {
		a, b := s[0].cache == k && s[0].at <= x, s[1].cache == k && s[1].at <= x
		switch {
		case a && (!b || s[0].at > s[1].at):
			if fresh(s[0], k, x) {
				return 0
			}
		case b && fresh(s[1], k, x):
			return 1
		}
		return -1
	}
	out := make([]float64, 2*len(hits))
	total := 0.0
	for i := -reach + grain/4; i < width+reach; i += grain {
		for j := -reach + grain/4 + grain/2; j < width+reach; j += grain {
			for k := range caches {
				at := func(e *Event, ms int) model.Instant { return e.Available.Lo.Add(time.Duration(ms) * time.Millisecond) }
				s := [2]stored{{at(f, i), 0}, {at(g, j), k}}
				w := arrives(i) * arrives(j)
				if serves(s, 0, s[0].at.Add(-f.ttfb())) >= 0 {
					w *= 1 - usualProof
				}
				if serves(s, k, s[1].at.Add(-g.ttfb())) >= 0 {
					w *= 1 - usualProof
				}
				parts := make([]float64, 0, len(out))
				for _, h := range hits {
					served := [2]float64{}
					for ms := -reach; ms < width+reach; ms += 4 {
						for k := range caches {
							x := h.event.Start.Lo.Add(time.Duration(ms) * time.Millisecond)
							if n := serves(s, k, x); n >= 0 {
								served[n] += inside(ms) * 4
							}
						}
					}
					whole := (width + tail*(width+2*reach)) * float64(caches) / shares
					sum := served[0] + served[1] + whole
					w *= sum
					parts = append(parts, served[0]/sum, served[1]/sum)
				}
				total += w
				for n, p := range parts {
					out[n] += w * p
				}
			}
		}
	}
	for n := range out {
		out[n] /= total
	}
	return out
}

// TestChainAgreesWithBruteForce compares sampling with plain.
func TestChainAgreesWithBruteForce(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for trial := range 9 {
		rule, caches := cache.Rules[trial%3], 1+trial/3%2
		items := someRows(rnd, rule, caches, 2)
		c := suppose(items, rule, caches, &Params{})
		const sweeps = 20_000
		c.run(sweeps)
		want := plain(items, rule, caches, c.tail)
		for h := range len(items) - 2 {
			g := c.groups[c.groupOf[2+h]]
			for f := range 2 {
				n := c.index[items[f].event]
				if got := c.known[g.base+n-g.first] / sweeps; math.Abs(got-want[2*h+f]) > 0.025 {
					t.Errorf("trial %d: %s, %d caches: hit %d was served by fill %d with %.3f, want %.3f", trial, rule, caches, h, f, got, want[2*h+f])
				}
			}
		}
	}
}

// TestTolerance: a move that loses l is taken with probability e^−l.
func TestTolerance(t *testing.T) {
	rnd := rand.NewPCG(1, 1)
	const n = 1_000_000
	var taken [8]int
	for range n {
		x := tolerance(rnd)
		for l := range taken {
			if x >= nats(l)*nat {
				taken[l]++
			}
		}
	}
	for l, got := range taken {
		want := math.Exp(-float64(l)) * n
		if off := math.Abs(float64(got) - want); off > 4*math.Sqrt(want)+0.003*want {
			t.Errorf("a loss of %d nats is taken %d times of %d, want %.0f", l, got, n, want)
		}
	}
}
