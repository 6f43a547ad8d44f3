package cache_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
)

// at is an instant of some milliseconds into a minute that begins at a whole second.
func at(ms int) model.Instant {
	return model.InstantOf(time.Date(2023, 3, 7, 18, 21, 0, 0, time.UTC)).Add(time.Duration(ms) * time.Millisecond)
}

// TestExpires holds the exact instant at which each formula of semantics.md A4
// lets go, in milliseconds of the same minute.
func TestExpires(t *testing.T) {
	for _, c := range []struct {
		ttl                    time.Duration
		arrived                int
		real, floor, ceil, any int
	}{
		// The incident's own second: real lives 1 s, floor (0, 1], ceil (1, 2].
		{time.Second, 0, 1000, 1000, 2000, 2000},
		{time.Second, 1, 1001, 1000, 2000, 2000},
		{time.Second, 400, 1400, 1000, 2000, 2000},
		{time.Second, 999, 1999, 1000, 2000, 2000},
		{time.Second, 1000, 2000, 2000, 3000, 3000},
		// Less than a second: whole-second arithmetic cannot tell 0.5 from 1 or 0.
		{500 * time.Millisecond, 0, 500, 1000, 1000, 1000},
		{500 * time.Millisecond, 400, 900, 1000, 1000, 1000},
		{500 * time.Millisecond, 999, 1499, 1000, 1000, 1499},
		// Between seconds: n < 1.5 and n ≤ 1.5 both end with n = 2.
		{1500 * time.Millisecond, 0, 1500, 2000, 2000, 2000},
		{1500 * time.Millisecond, 400, 1900, 2000, 2000, 2000},
		{1500 * time.Millisecond, 999, 2499, 2000, 2000, 2499},
		{time.Minute, 400, 60400, 60000, 61000, 61000},
		{time.Minute, 999, 60999, 60000, 61000, 61000},
	} {
		for rule, want := range map[model.Expiry]int{
			model.ExpiryReal: c.real, model.ExpiryFloor: c.floor, model.ExpiryCeil: c.ceil, model.ExpiryAny: c.any,
		} {
			if got := cache.Expires(rule, at(c.arrived), c.ttl); got != at(want) {
				t.Errorf("ttl %v, %s, arrived at %d ms: lets go at %v, want %v", c.ttl, rule, c.arrived, got, at(want))
			}
			last, first := at(want)-1, at(want)
			if !cache.Fresh(rule, at(c.arrived), last, c.ttl) || cache.Fresh(rule, at(c.arrived), first, c.ttl) {
				t.Errorf("ttl %v, %s, arrived at %d ms: fresh must end with the instant %v (RFC 9111 §4.2: strictly)", c.ttl, rule, c.arrived, first)
			}
		}
	}
}

// TestLongestAndShortest are the bounds of Expires over all arrivals.
func TestLongestAndShortest(t *testing.T) {
	for _, ttl := range []time.Duration{500 * time.Millisecond, time.Second, 1500 * time.Millisecond, time.Minute} {
		for _, rule := range []model.Expiry{model.ExpiryReal, model.ExpiryFloor, model.ExpiryCeil} {
			shortest, longest := time.Hour, time.Duration(0)
			for ms := range 1000 {
				life := cache.Expires(rule, at(ms), ttl).Sub(at(ms))
				shortest, longest = min(shortest, life), max(longest, life)
			}
			if off := shortest - cache.Shortest(rule, ttl); off < 0 || off > time.Millisecond {
				t.Errorf("ttl %v, %s: shortest %v, not %v", ttl, rule, cache.Shortest(rule, ttl), shortest)
			}
			if longest != cache.Longest(rule, ttl) || longest > cache.Longest(model.ExpiryAny, ttl) {
				t.Errorf("ttl %v, %s: longest %v, not %v", ttl, rule, cache.Longest(rule, ttl), longest)
			}
			if shortest < cache.Shortest(model.ExpiryAny, ttl) {
				t.Errorf("ttl %v, %s: %v is shorter than any", ttl, rule, shortest)
			}
		}
	}
}

// TestFresh compares Fresh with the formulas as design.md 6 writes them.
func TestFresh(t *testing.T) {
	const second = int64(time.Second)
	floor := func(i model.Instant) int64 {
		n := int64(i) / second
		if int64(i)%second < 0 {
			n--
		}
		return n
	}
	formulas := map[model.Expiry]func(a, now model.Instant, ttl time.Duration) bool{
		model.ExpiryReal:  func(a, now model.Instant, ttl time.Duration) bool { return now < a+model.Instant(ttl) },
		model.ExpiryFloor: func(a, now model.Instant, ttl time.Duration) bool { return (floor(now)-floor(a))*second < int64(ttl) },
		model.ExpiryCeil:  func(a, now model.Instant, ttl time.Duration) bool { return (floor(now)-floor(a))*second <= int64(ttl) },
	}
	formulas[model.ExpiryAny] = func(a, now model.Instant, ttl time.Duration) bool {
		return formulas["real"](a, now, ttl) || formulas["floor"](a, now, ttl) || formulas["ceil"](a, now, ttl)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	ttls := []time.Duration{1, time.Millisecond, 500 * time.Millisecond, time.Second - 1, time.Second, time.Second + 1, 1500 * time.Millisecond, 2 * time.Second, time.Minute}
	bases := []model.Instant{at(0), 0, -model.Instant(time.Hour)}
	for range 20_000 {
		ttl := ttls[rnd.IntN(len(ttls))]
		a := bases[rnd.IntN(len(bases))] + model.Instant(rnd.Int64N(3*second))
		now := a + model.Instant(rnd.Int64N(int64(ttl)+3*second))
		if rnd.IntN(3) == 0 { // close to a boundary of seconds
			now = model.Instant(floor(now)*second + rnd.Int64N(3) - 1)
			a = model.Instant(floor(a)*second + rnd.Int64N(3) - 1)
		}
		if now < a {
			continue // nothing is looked up before it has arrived
		}
		for rule, fresh := range formulas {
			if got, want := cache.Fresh(rule, a, now, ttl), fresh(a, now, ttl); got != want {
				t.Fatalf("%s, ttl %v, arrived %d, now %d: fresh %v, the formula says %v", rule, ttl, a, now, got, want)
			}
		}
	}
}
