package reconstruct_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// world is a cache simulated in milliseconds, with what a log would show of it.
type world struct {
	events []*reconstruct.Event
	served map[string]string // hit → fill
}

// simulate runs one object in one cache, with requests at rate a second.
// expires says when a response that arrived at a is no longer fresh.
func simulate(seed uint64, rate float64, seconds int, expires func(a int64) int64) world {
	rnd := rand.New(rand.NewPCG(seed, 9))
	w := world{served: map[string]string{}}
	type stored struct {
		id      string
		arrived int64
	}
	var flights, done []stored // fills under way, by arrival; fills arrived
	for now, n := int64(1e9), 0; now < int64(1e9)+int64(seconds)*1000; n++ {
		now += 1 + int64(rnd.ExpFloat64()/rate*1000)
		slices.SortFunc(flights, func(a, b stored) int { return int(a.arrived - b.arrived) })
		for len(flights) > 0 && flights[0].arrived <= now {
			done, flights = append(done, flights[0]), flights[1:]
		}
		id := fmt.Sprintf("r%06d", n)
		if last := len(done) - 1; last >= 0 && now < expires(done[last].arrived) {
			w.served[id] = done[last].id
			w.log(id, now, now+2, now+2+rnd.Int64N(30), -1)
			continue
		}
		first := now + 40 + int64(80*math.Exp(rnd.NormFloat64()*0.4))
		flights = append(flights, stored{id, first})
		w.log(id, now, first, first+rnd.Int64N(20), now+15)
	}
	return w
}

// log adds the row that a log with whole-second END stamps would hold.
func (w *world) log(id string, start, first, end, origin int64) {
	stamp := model.Instant(end/1000*1000) * 1e6
	ended := model.Interval{Lo: stamp, Hi: stamp.Add(time.Second)}
	e := &reconstruct.Event{
		ID: id, End: ended,
		Start:     ended.Shift(-time.Duration(end-start) * time.Millisecond),
		Available: ended.Shift(-time.Duration(end-first) * time.Millisecond),
		Recipient: origin < 0, Fill: origin >= 0, Miss: origin >= 0,
	}
	if origin >= 0 {
		at := model.Instant(origin) * 1e6
		e.Origin = model.Interval{Lo: at, Hi: at.Add(time.Millisecond)}
	}
	w.events = append(w.events, e)
}

func (w *world) sweep(p reconstruct.Policy, emit func(*reconstruct.Event, []reconstruct.Candidate)) {
	slices.SortFunc(w.events, func(a, b *reconstruct.Event) int { return int(a.Start.Lo - b.Start.Lo) })
	s := reconstruct.NewSweep(p, emit)
	for _, e := range w.events {
		s.Add(e)
	}
	s.Close()
}

var second = model.TTL{Min: time.Second, Default: time.Second, Max: time.Second}

var rules = map[string]func(a int64) int64{
	"real":  func(a int64) int64 { return a + 1000 },
	"floor": func(a int64) int64 { return a/1000*1000 + 1000 },
	"ceil":  func(a int64) int64 { return a/1000*1000 + 2000 },
}

// TestTruthIsCandidate checks the invariant on which all else rests.
func TestTruthIsCandidate(t *testing.T) {
	for name, expires := range rules {
		for _, rate := range []float64{0.3, 1, 3, 10} {
			for _, expiry := range []model.Expiry{model.ExpiryAny, model.Expiry(name)} {
				w := simulate(uint64(rate*10), rate, 600, expires)
				hits := 0
				w.sweep(reconstruct.Policy{TTL: second, Expiry: expiry}, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
					if !e.Recipient {
						return
					}
					hits++
					if !slices.ContainsFunc(cs, func(c reconstruct.Candidate) bool { return c.Fill.ID == w.served[e.ID] }) {
						t.Errorf("%s at %g/s, policy %s: %s was served from %s, not among %d candidates", name, rate, expiry, e.ID, w.served[e.ID], len(cs))
					}
				})
				if hits != len(w.served) {
					t.Errorf("%s at %g/s: %d hits emitted, %d happened", name, rate, hits, len(w.served))
				}
			}
		}
	}
}

// TestWeigh checks that probabilities are ones, and that the likeliest
// candidate is right about as often as it claims, and oftener than the rule
// that takes the latest Miss by stamp.
func TestWeigh(t *testing.T) {
	for name, expires := range rules {
		for _, rate := range []float64{0.3, 1, 3} {
			t.Run(fmt.Sprintf("%s %g/s", name, rate), func(t *testing.T) {
				w := simulate(5, rate, 6000, expires)
				policy := reconstruct.Policy{TTL: second, Expiry: model.Expiry(name)}
				p := reconstruct.Params{Caches: [5]float64{1}, Loss: 0.001, Lag: -15 * time.Millisecond, Spread: 20 * time.Millisecond, FromStart: true}
				p.Rules = map[string][3]float64{"real": {1, 0, 0}, "floor": {0, 1, 0}, "ceil": {0, 0, 1}}[name]
				var hits, right, naive, claimed float64
				w.sweep(policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
					if !e.Recipient {
						return
					}
					unknown := reconstruct.Weigh(e, cs, policy, &p)
					total, best, latest := unknown, reconstruct.Candidate{}, reconstruct.Candidate{}
					for _, c := range cs {
						total += c.P
						if c.P > best.P {
							best = c
						}
						if c.Fill.End.Lo <= e.End.Lo && (latest.Fill == nil || c.Fill.End.Lo >= latest.Fill.End.Lo) {
							latest = c
						}
					}
					if math.Abs(total-1) > 1e-9 {
						t.Fatalf("probabilities of %s add up to %v", e.ID, total)
					}
					hits++
					claimed += best.P
					if best.Fill.ID == w.served[e.ID] {
						right++
					}
					if latest.Fill != nil && latest.Fill.ID == w.served[e.ID] {
						naive++
					}
				})
				t.Logf("%5.0f hits: right %.3f, claimed %.3f, latest Miss by stamp %.3f", hits, right/hits, claimed/hits, naive/hits)
				if right < naive {
					t.Errorf("right %.3f, the latest Miss by stamp %.3f", right/hits, naive/hits)
				}
				if math.Abs(right-claimed)/hits > 0.05 {
					t.Errorf("right %.3f of the time, claims %.3f", right/hits, claimed/hits)
				}
			})
		}
	}
}

// TestOrderWithinStamp checks that events whose starts tie may come in any
// order.
func TestOrderWithinStamp(t *testing.T) {
	tell := func(reverse bool) map[string]int {
		w := simulate(2, 5, 200, rules["real"])
		if reverse {
			slices.Reverse(w.events)
		}
		out := map[string]int{}
		w.sweep(reconstruct.Policy{TTL: second}, func(e *reconstruct.Event, cs []reconstruct.Candidate) { out[e.ID] = len(cs) })
		return out
	}
	a, b := tell(false), tell(true)
	for id, n := range a {
		if b[id] != n {
			t.Errorf("%s: %d candidates, %d when the log is read backwards", id, n, b[id])
		}
	}
}

// TestMembership says which fills may have produced a hit (semantics.md D1,
// F4 to F10). Stamps are exact here, in milliseconds; Slack is 100.
func TestMembership(t *testing.T) {
	const real, floor, ceil = 1, 2, 4 // bits of Candidate.Rules
	type times struct{ start, ttfb, taken time.Duration }
	at := func(ms ...time.Duration) times {
		return times{ms[0] * time.Millisecond, ms[1] * time.Millisecond, ms[2] * time.Millisecond}
	}
	long := model.TTL{Min: time.Minute, Default: time.Minute, Max: time.Minute}
	for _, c := range []struct {
		name   string
		policy reconstruct.Policy
		spoil  func(fill *reconstruct.Event)
		fill   times
		hit    time.Duration
		want   uint8
	}{
		{name: "fresh under every formula", fill: at(200, 100, 100), hit: 500, want: real | floor | ceil},
		{name: "past its second, floor has let go", fill: at(200, 100, 100), hit: 1250, want: real | ceil},
		{name: "past one second of life", fill: at(200, 100, 100), hit: 1600, want: ceil},
		{name: "past two whole seconds", fill: at(200, 100, 100), hit: 2101, want: 0},
		{name: "a nanosecond within them and the slack", fill: at(200, 100, 100), hit: 2099, want: ceil},
		{name: "floor lives to the boundary that follows", fill: at(200, 100, 100), hit: 1099, want: real | floor | ceil},
		{name: "asked for after the hit", fill: at(700, 100, 100), hit: 500, want: 0},
		{name: "asked for just after the hit, within the slack", fill: at(550, 0, 1), hit: 500, want: real | floor | ceil},
		{name: "not yet there, and the hit did not wait", fill: at(200, 600, 600), hit: 500, want: 0},
		{name: "body still under way: arrived at its first byte or its last", fill: at(200, 100, 60_000), hit: 30_000, want: real | floor | ceil},
		{name: "life counted from the last byte", fill: at(200, 100, 60_000), hit: 60_900, want: real | floor | ceil},
		{name: "the incident file knows the formula", policy: reconstruct.Policy{Expiry: model.ExpiryReal}, fill: at(200, 100, 100), hit: 1250, want: real},
		{name: "and it excludes", policy: reconstruct.Policy{Expiry: model.ExpiryReal}, fill: at(200, 100, 100), hit: 1600, want: 0},
		{name: "an error lives by its own time (A2.21)", policy: reconstruct.Policy{ErrorTTL: 10 * time.Second},
			spoil: func(f *reconstruct.Event) { f.Error = true }, fill: at(200, 100, 100), hit: 9500, want: real | floor | ceil},
		{name: "HEAD may fill for GET (A2.18)", spoil: func(f *reconstruct.Event) { f.Head = true }, fill: at(200, 100, 100), hit: 500, want: real | floor | ceil},
		{name: "not a fill", spoil: func(f *reconstruct.Event) { f.Fill = false }, fill: at(200, 100, 100), hit: 500, want: 0},
		{name: "a refresh logged as a hit fills too", spoil: func(f *reconstruct.Event) { f.Miss, f.Recipient = false, true }, fill: at(200, 100, 100), hit: 500, want: real | floor | ceil},
		{name: "a minute's life", policy: reconstruct.Policy{TTL: long}, fill: at(200, 100, 100), hit: 59_000, want: real | floor | ceil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.policy.TTL == (model.TTL{}) {
				c.policy.TTL = second
			}
			fill := miss("fill", c.fill.start, c.fill.ttfb, c.fill.taken)
			if c.spoil != nil {
				c.spoil(fill)
			}
			w := world{events: []*reconstruct.Event{fill, hit("hit", c.hit*time.Millisecond)}}
			var got uint8
			w.sweep(c.policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
				if e.ID == "hit" && len(cs) > 0 {
					got = cs[0].Rules
				}
			})
			if got != c.want {
				t.Errorf("rules %03b allow it, want %03b", got, c.want)
			}
		})
	}
}

// TestFollower: a request that waited for one under way got its response
// (semantics.md A5, F10), unless collapsing is known to be off (A2.5).
func TestFollower(t *testing.T) {
	for collapsing, want := range map[model.Tri]int{model.Yes: 1, model.Unknown: 1, model.No: 0} {
		waited := exact("waited", 400*time.Millisecond, 450*time.Millisecond, 460*time.Millisecond)
		waited.Recipient = true
		fill := miss("fill", 200*time.Millisecond, 600*time.Millisecond, 610*time.Millisecond)
		got := candidates(reconstruct.Policy{TTL: second, Collapsing: collapsing}, "waited", fill, waited)
		if len(got) != want {
			t.Errorf("collapsing %d: candidates %v, want %d", collapsing, got, want)
		}
	}
}

// hostile is a log that is hard to read: several caches behind one name, slow
// bodies, clocks that differ, stamps of two precisions, first bytes rounded
// past the last, errors that live longer, HEAD among GET.
type hostile struct {
	world
	rnd      *rand.Rand
	lastByte bool // a response counts as arrived with its last byte, not its first
}

// stamp logs a row whose true times are in microseconds.
func (w *hostile) stamp(id string, start, first, end int64) *reconstruct.Event {
	skew := w.rnd.Int64N(40_000) - 20_000
	width := int64(1_000_000)
	if w.rnd.IntN(4) == 0 {
		width = 1000
	}
	lo := (end + skew) / width * width
	ended := model.Interval{Lo: model.Instant(lo) * 1000, Hi: model.Instant(lo+width) * 1000}
	taken := time.Duration(end-start) * time.Microsecond
	ttfb := time.Duration(first-start) * time.Microsecond
	row := model.EdgeRow{End: ended, Taken: taken.Round(time.Millisecond), FirstByte: ttfb.Round(time.Millisecond)}
	if end-first < 1000 {
		row.FirstByte = row.Taken + time.Millisecond
	}
	e := &reconstruct.Event{ID: id, Start: row.Start(), Available: row.Available(), End: row.End, Head: w.rnd.IntN(10) == 0}
	w.events = append(w.events, e)
	return e
}

// run sends requests at rate a second to one of caches; ttl in microseconds.
func (w *hostile) run(rate float64, seconds, caches int, expires func(a int64, failed bool) int64) {
	type stored struct {
		id      string
		arrived int64
		failed  bool
	}
	inside := make([][]stored, caches)
	for now, n := int64(10e9), 0; now < int64(10e9)+int64(seconds)*1e6; n++ {
		now += 1 + int64(w.rnd.ExpFloat64()/rate*1e6)
		k := w.rnd.IntN(caches)
		var best *stored
		for i := range inside[k] {
			if s := &inside[k][i]; s.arrived <= now && (best == nil || s.arrived > best.arrived) {
				best = s
			}
		}
		id := fmt.Sprintf("r%06d", n)
		if best != nil && now < expires(best.arrived, best.failed) {
			w.served[id] = best.id
			e := w.stamp(id, now, now+w.rnd.Int64N(3000), now+3000+w.rnd.Int64N(60_000))
			e.Recipient, e.Error = true, best.failed
			continue
		}
		first := now + 40_000 + int64(80_000*math.Exp(w.rnd.NormFloat64()*0.6))
		end := first + w.rnd.Int64N(20_000)
		if w.rnd.IntN(50) == 0 {
			end = first + w.rnd.Int64N(600e6) // a slow reader, up to ten minutes
		}
		e := w.stamp(id, now, first, end)
		e.Fill, e.Miss, e.Error = true, true, w.rnd.IntN(10) == 0
		arrived := first
		if w.lastByte {
			arrived = end
		}
		inside[k] = append(inside[k], stored{id, arrived, e.Error})
	}
}

// TestTruthIsCandidateInHostileLogs is TestTruthIsCandidate on them.
func TestTruthIsCandidateInHostileLogs(t *testing.T) {
	const errors = 10 * time.Second
	for _, ttl := range []time.Duration{500 * time.Millisecond, time.Second, 1500 * time.Millisecond, 10 * time.Second} {
		for rule := range rules {
			for _, lastByte := range []bool{false, true} {
				for _, caches := range []int{1, 3} {
					w := hostile{world{served: map[string]string{}}, rand.New(rand.NewPCG(uint64(ttl), uint64(caches))), lastByte}
					w.run(3, 300, caches, func(a int64, failed bool) int64 {
						life := ttl
						if failed {
							life = errors
						}
						return int64(cache.Expires(model.Expiry(rule), model.Instant(a*1000), life)) / 1000
					})
					policy := reconstruct.Policy{TTL: model.TTL{Min: ttl, Default: ttl, Max: ttl}, ErrorTTL: errors}
					seen := 0
					w.sweep(policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
						if !e.Recipient {
							return
						}
						seen++
						if !slices.ContainsFunc(cs, func(c reconstruct.Candidate) bool { return c.Fill.ID == w.served[e.ID] }) {
							t.Errorf("ttl %v, %s, last byte %v, %d caches: %s was served from %s, not among %d candidates", ttl, rule, lastByte, caches, e.ID, w.served[e.ID], len(cs))
						}
					})
					if seen != len(w.served) || seen == 0 {
						t.Errorf("%d hits emitted, %d happened", seen, len(w.served))
					}
				}
			}
		}
	}
}

// TestExplainIsOneWorld: under one formula at most one fill was the stored
// and fresh one, so what Explain returns adds up to at most one, but for what
// cells of 25 ms blur.
func TestExplainIsOneWorld(t *testing.T) {
	w := simulate(3, 5, 200, rules["ceil"])
	policy := reconstruct.Policy{TTL: second}
	w.sweep(policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
		grid := reconstruct.NewGrid(e, cs, policy, &reconstruct.Params{})
		for i, rule := range cache.Rules {
			total := 0.0
			for _, p := range grid.Explain(0, 1)[i] {
				total += p
			}
			if total > 1.05 {
				t.Fatalf("%s under %s: %v", e.ID, rule, total)
			}
		}
	})
}
