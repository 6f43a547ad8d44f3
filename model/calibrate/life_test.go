package calibrate_test

import (
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// livesOf counts events into so many statistics, one after the other.
func livesOf(events []*reconstruct.Event, stated time.Duration, parts int) []*calibrate.Life {
	lives := make([]*calibrate.Life, parts)
	ages := make([]*calibrate.Ages, parts)
	for i := range lives {
		lives[i] = new(calibrate.Life)
		ages[i] = lives[i].Ages()
	}
	clock := &reconstruct.Params{Lag: -10 * ms, Spread: 20 * ms, FromStart: true}
	policy := reconstruct.Policy{TTL: model.TTL{Min: stated, Default: stated, Max: stated}}
	n := 0
	s := reconstruct.NewSweep(policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
		ages[n*parts/len(events)].Event(e, cs, clock)
		n++
	})
	for _, e := range events {
		s.Add(e)
	}
	s.Close()
	return lives
}

// TestLifetime is what the log says of lives whatever the incident file does
// (semantics.md A4: the same second lasts from none to two).
func TestLifetime(t *testing.T) {
	type span struct{ lo, hi float64 }
	for _, c := range []struct {
		name          string
		site          site
		stated        time.Duration
		p10, p50, p90 span
		late          bool // the stated life cannot be true
	}{
		{"1 s", site{rule: model.ExpiryReal, caches: 1}, time.Second, span{0.8, 1}, span{0.9, 1.1}, span{0.9, 1.1}, false},
		{"1 s, no origin log", site{rule: model.ExpiryReal, caches: 1, blind: true}, time.Second, span{0, 1}, span{0.8, 1.2}, span{1, 1.6}, false},
		{"to the next second", site{rule: model.ExpiryFloor, caches: 1}, time.Second, span{0, 0.4}, span{0.4, 0.8}, span{0.7, 1}, false},
		{"to the second after", site{rule: model.ExpiryCeil, caches: 1}, time.Second, span{1, 1.4}, span{1.4, 1.7}, span{1.7, 2}, false},
		{"2 s, where 1 s was stated", site{rule: model.ExpiryReal, caches: 1, ttl: 2 * time.Second}, time.Second, span{1.8, 2}, span{1.9, 2.1}, span{1.9, 2.1}, false},
		{"60 s, where 1 s was stated", site{rule: model.ExpiryReal, caches: 1, ttl: time.Minute, rate: 0.03}, time.Second, span{46, 62}, span{46, 62}, span{46, 80}, true},
		{"a busy minute, where 1 s was stated", site{rule: model.ExpiryReal, caches: 1, ttl: time.Minute}, time.Second, span{46, 80}, span{46, 80}, span{46, 120}, true},
		{"1 s, where an hour was stated", site{rule: model.ExpiryReal, caches: 1}, time.Hour, span{0.8, 1}, span{0.9, 1.1}, span{0.9, 1.1}, false},
		{"two caches look like short lives", site{rule: model.ExpiryReal, caches: 2}, time.Second, span{0, 0.5}, span{0.5, 1}, span{0.9, 1.1}, false},
	} {
		events := c.site.run(3)
		got := livesOf(events, c.stated, 1)[0].Lifetime(cache.Longest(model.ExpiryAny, c.stated))
		for _, q := range []struct {
			name string
			got  float64
			want span
		}{{"p10", got.P10, c.p10}, {"p50", got.P50, c.p50}, {"p90", got.P90, c.p90}} {
			if q.got < q.want.lo || q.got > q.want.hi {
				t.Errorf("%s: %s is %v s, want %v: %+v", c.name, q.name, q.got, q.want, got)
			}
		}
		if late := got.Late*2 > got.Hits; late != c.late || !late && got.Late > 0 {
			t.Errorf("%s: %d of %d hits came later than the stated life allows", c.name, got.Late, got.Hits)
		}
	}
}

// TestLifeMerge: counts of parts of the log add up in any order.
func TestLifeMerge(t *testing.T) {
	events := site{rule: model.ExpiryCeil, caches: 2}.run(8)
	var want calibrate.Lifetime
	for i, order := range [][]int{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}} {
		parts, sum := livesOf(events, time.Second, 3), new(calibrate.Life)
		for _, k := range order {
			sum.Merge(parts[k])
		}
		got := sum.Lifetime(2 * time.Second)
		if i == 0 {
			want = got
		}
		if got != want || got.Requests == 0 {
			t.Errorf("merged in order %v: %+v, want %+v", order, got, want)
		}
	}
}
