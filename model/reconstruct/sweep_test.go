package reconstruct_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
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
				p := reconstruct.Params{Single: 0.97, Loss: 0.001, Lag: -15 * time.Millisecond, Spread: 20 * time.Millisecond, FromStart: true}
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
