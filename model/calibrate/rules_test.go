package calibrate_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/reconstruct"
)

var second = model.TTL{Min: time.Second, Default: time.Second, Max: time.Second}

// site is one object behind so many caches that share a name.
type site struct {
	rule      model.Expiry
	ttl       time.Duration
	caches    int
	collapses bool
	variant   float64 // share of lookups that no stored response fits
	slow      float64 // share of hits that take long by themselves
	rate      float64 // per second
	blind     bool    // no origin log
	length    int     // number of requests
}

// run returns what the log of a site with a life of one second says.
func run(seed uint64, rule model.Expiry, caches int) []*reconstruct.Event {
	return site{rule: rule, caches: caches}.run(seed)
}

func (w site) run(seed uint64) []*reconstruct.Event {
	rnd := rand.New(rand.NewPCG(seed, 1))
	ttl, rate, length := cmp.Or(w.ttl, time.Second), cmp.Or(w.rate, 1.5), cmp.Or(w.length, 3000)
	arrived := make([][]model.Instant, w.caches) // of fills, done or under way
	var out []*reconstruct.Event
	now := model.Instant(time.Hour)
	for n := range length {
		now = now.Add(time.Duration(rnd.ExpFloat64() * float64(time.Second) / rate))
		k := rnd.IntN(w.caches)
		hit, ttfb := false, 2*ms
		for _, a := range arrived[k] {
			if a <= now && now < expiry(w.rule, a, ttl) {
				hit, ttfb = true, 2*ms
				break
			}
			if w.collapses && a > now {
				hit, ttfb = true, a.Sub(now)+2*ms
			}
		}
		if hit && rnd.Float64() < w.variant {
			hit = false
		}
		if hit && w.slow > 0 && rnd.Float64() < w.slow {
			ttfb += 60 * ms
		}
		if !hit {
			ttfb = 60*ms + time.Duration(rnd.Int64N(int64(60*ms)))
			arrived[k] = append(arrived[k][max(0, len(arrived[k])-9):], now.Add(ttfb))
		}
		end := now.Add(ttfb) / model.Instant(time.Second) * model.Instant(time.Second)
		v := model.Interval{Lo: end, Hi: end.Add(time.Second)}
		e := &reconstruct.Event{ID: fmt.Sprintf("r%04d", n), Start: v.Shift(-ttfb), Available: v, End: v, Recipient: hit, Fill: !hit, Miss: !hit}
		if !hit && !w.blind { // its origin row is stamped on arrival
			e.Origin = model.Interval{Lo: now.Add(10 * ms), Hi: now.Add(11 * ms)}
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b *reconstruct.Event) int { return int(a.Start.Lo - b.Start.Lo) })
	return out
}

// expiry is written out here, so that the test does not ask the code it tests.
func expiry(rule model.Expiry, a model.Instant, ttl time.Duration) model.Instant {
	whole := a / model.Instant(time.Second) * model.Instant(time.Second)
	switch rule {
	case model.ExpiryFloor:
		return whole.Add(ttl)
	case model.ExpiryCeil:
		return whole.Add(ttl + time.Second)
	}
	return a.Add(ttl)
}

// learn counts events into so many statistics, in turn.
func learn(events []*reconstruct.Event, policy reconstruct.Policy, parts int) []*calibrate.Rules {
	out := make([]*calibrate.Rules, parts)
	for i := range out {
		out[i] = new(calibrate.Rules)
	}
	n := 0
	s := reconstruct.NewSweep(policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
		r := out[n%parts]
		n++
		if e.Recipient {
			r.Hit(len(cs) == 0)
		}
		if len(cs) > 0 {
			r.Event(e, cs, policy, &reconstruct.Params{Lag: -10 * ms, Spread: 20 * ms, FromStart: true})
		}
	})
	for _, e := range events {
		s.Add(e)
	}
	s.Close()
	return out
}

// TestRulesFindTheFormula from hits and misses with whole-second stamps
// (semantics.md D2), for each one that exists.
func TestRulesFindTheFormula(t *testing.T) {
	for i, rule := range cache.Rules {
		policy := reconstruct.Policy{TTL: second}
		r := learn(run(1, rule, 1), policy, 1)[0]
		p := r.Params(policy, r, 0)
		if p.Rules[i] < 0.99 {
			t.Errorf("%s: posterior %v", rule, p.Rules)
		}
		if p.Caches[0] < 0.8 {
			t.Errorf("%s: one cache, yet %v", rule, p.Caches)
		}
		if p.Loss > 0.01 {
			t.Errorf("%s: nothing is lost, yet %v", rule, p.Loss)
		}
		if got := r.Report("SEA19-C1", p); got.Cache != "SEA19-C1" || [3]float64{got.Real, got.Floor, got.Ceil} != p.Rules || got.Events == 0 {
			t.Errorf("reported as %+v", got)
		}
	}
}

// TestRulesObeyTheIncidentFile: what is stated is not estimated.
func TestRulesObeyTheIncidentFile(t *testing.T) {
	events := run(1, model.ExpiryCeil, 1)
	open := reconstruct.Policy{TTL: second}
	r := learn(events, open, 1)[0]
	for i, rule := range cache.Rules {
		p := r.Params(reconstruct.Policy{TTL: second, Expiry: rule}, r, 0)
		for j, w := range p.Rules {
			if (w == 1) != (i == j) {
				t.Errorf("%s is stated, posterior %v", rule, p.Rules)
			}
		}
	}
	for tri, want := range map[model.Tri]float64{model.Yes: 1, model.No: 0} {
		if got := r.Params(reconstruct.Policy{TTL: second, Collapsing: tri}, r, 0).Collapse; got != want {
			t.Errorf("collapsing %d: %v, want %v", tri, got, want)
		}
	}
	for lost, want := range map[float64]float64{0: 0.0005, 0.1: 0.1, 0.9: 0.5} {
		if got := new(calibrate.Rules).Params(open, r, lost).Loss; got != want {
			t.Errorf("%v of edge rows are missing: loss %v, want %v", lost, got, want)
		}
	}
}

// TestCachesPerScope: the number of caches behind one name, whether the
// incident file states it or the log shows it (semantics.md D2, K sub-caches).
func TestCachesPerScope(t *testing.T) {
	caches := func(stated, real int) [len(reconstruct.Sizes)]float64 {
		policy := reconstruct.Policy{TTL: second, CachesPerScope: stated}
		r := learn(run(2, model.ExpiryReal, real), policy, 1)[0]
		return r.Params(policy, r, 0).Caches
	}
	if one, four := caches(0, 1), caches(0, 4); one[0] < 0.9 || four[0] > 0.01 {
		t.Errorf("estimated: %v with one cache, %v with four", one, four)
	}
	policy := reconstruct.Policy{TTL: second}
	for k, n := range []int{1, 2, 3} {
		for _, rate := range []float64{2, 6} {
			r := learn(site{rule: model.ExpiryReal, caches: n, rate: rate}.run(5), policy, 1)[0]
			if p := r.Params(policy, r, 0); p.Caches[k] < 0.9 {
				t.Errorf("%d caches, %v requests a second: %v", n, rate, p.Caches)
			}
		}
	}
	if one, four := caches(1, 4), caches(4, 1); one[0] != 1 || four[3] != 1 {
		t.Errorf("stated: %v with one cache, %v with four", one, four)
	}
}

// TestRulesMerge: statistics are integers; splits and order do not matter.
func TestRulesMerge(t *testing.T) {
	policy := reconstruct.Policy{TTL: second}
	events := run(3, model.ExpiryReal, 2)
	whole := learn(events, policy, 1)[0]
	want := whole.Params(policy, whole, 0)
	parts := learn(events, policy, 5)
	for _, order := range [][]int{{0, 1, 2, 3, 4}, {4, 2, 0, 3, 1}} {
		sum := new(calibrate.Rules)
		for _, i := range order {
			sum.Merge(parts[i])
		}
		got := sum.Params(policy, sum, 0)
		if got.Rules != want.Rules || got.Caches != want.Caches || got.Loss != want.Loss || sum.Report("", got) != whole.Report("", want) {
			t.Errorf("merged in order %v: %+v, want %+v", order, got, want)
		}
	}
}

// TestFewRowsBorrow: a cache without rows of its own is judged like the rest.
func TestFewRowsBorrow(t *testing.T) {
	policy := reconstruct.Policy{TTL: second}
	pool := learn(run(4, model.ExpiryCeil, 1), policy, 1)[0]
	p := new(calibrate.Rules).Params(policy, pool, 0)
	if p.Rules[2] < 0.9 || p.Caches[0] < 0.8 {
		t.Errorf("%+v", p)
	}
	none := new(calibrate.Rules)
	p = none.Params(policy, none, 0)
	for i, w := range p.Rules {
		if math.Abs(w-1.0/3) > 1e-4 {
			t.Errorf("nothing is known, yet formula %d has %v", i, w)
		}
	}
}

// TestCollapsing from what waiting requests did: they asked for themselves, or
// were logged as hits that took as long as the fill (semantics.md A5). Two
// Misses under way at once do not show that requests are not collapsed, if
// they may be of two caches.
func TestCollapsing(t *testing.T) {
	policy := reconstruct.Policy{TTL: second}
	for _, c := range []struct {
		name   string
		site   site
		lo, hi float64
	}{
		{"each for itself", site{rule: model.ExpiryReal, caches: 1, rate: 4}, 0, 0.01},
		{"collapsed", site{rule: model.ExpiryReal, caches: 1, rate: 4, collapses: true}, 0.97, 1},
		{"collapsed in each of two caches", site{rule: model.ExpiryReal, caches: 2, rate: 6, collapses: true}, 0.9, 1},
		{"each for itself, no origin log", site{rule: model.ExpiryReal, caches: 1, rate: 4, blind: true}, 0, 0.1},
		{"hardly a request", site{rule: model.ExpiryReal, caches: 1, length: 2}, 0.02, 0.06},
		{"collapsed, few requests", site{rule: model.ExpiryReal, caches: 1, rate: 2, collapses: true, length: 250}, 0.9, 1},
		{"each for itself, few requests", site{rule: model.ExpiryReal, caches: 1, rate: 2, length: 250}, 0, 0.02},
		{"each for itself, a busy host", site{rule: model.ExpiryReal, caches: 1, rate: 2, slow: 0.1, length: 250}, 0, 0.05},
	} {
		r := learn(c.site.run(5), policy, 1)[0]
		if p := r.Params(policy, r, 0); p.Collapse < c.lo || p.Collapse > c.hi {
			t.Errorf("%s: %v, caches %v", c.name, p.Collapse, p.Caches)
		}
	}
}

// TestProof: how far a Miss proves an empty cache is read from the requests
// that came while a response surely was fresh. That a second cache misses too
// is no such case.
func TestProof(t *testing.T) {
	policy := reconstruct.Policy{TTL: second}
	for _, c := range []struct {
		name   string
		site   site
		lo, hi float64
	}{
		{"one variant", site{rule: model.ExpiryReal, caches: 1}, 0.985, 1},
		{"every fifth asks for another", site{rule: model.ExpiryReal, caches: 1, variant: 0.2, length: 6000}, 0.75, 0.87},
		{"two caches", site{rule: model.ExpiryReal, caches: 2, rate: 3}, 0.95, 1},
		{"hardly a request", site{rule: model.ExpiryReal, caches: 1, length: 2}, 0.96, 0.98},
	} {
		r := learn(c.site.run(6), policy, 1)[0]
		if p := r.Params(policy, r, 0); p.Proof < c.lo || p.Proof > c.hi {
			t.Errorf("%s: %v, caches %v, rules %v", c.name, p.Proof, p.Caches, p.Rules)
		}
	}
}
