package reconstruct_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// BenchmarkWeigh gives the cost of one hit. Candidates grow with the arrivals.
func BenchmarkWeigh(b *testing.B) {
	for _, rate := range []float64{1, 3, 10, 100} {
		b.Run(fmt.Sprintf("%g arrivals a second", rate), func(b *testing.B) {
			w := simulate(7, rate, int(200/rate)+20, rules["real"])
			policy := reconstruct.Policy{TTL: second}
			p := reconstruct.Params{Rules: [3]float64{0.98, 0.01, 0.01}, Caches: [5]float64{1}, Loss: 0.001, Collapse: 0.05,
				Lag: -15 * time.Millisecond, Spread: 20 * time.Millisecond, FromStart: true}
			type question struct {
				hit *reconstruct.Event
				cs  []reconstruct.Candidate
			}
			var asked []question
			total := 0
			w.sweep(policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
				if e.Recipient {
					asked = append(asked, question{e, append([]reconstruct.Candidate(nil), cs...)})
					total += len(cs)
				}
			})
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				q := asked[n%len(asked)]
				for i := range q.cs {
					q.cs[i].P = 0
				}
				reconstruct.Weigh(q.hit, q.cs, policy, &p)
				n++
			}
			b.ReportMetric(float64(total)/float64(len(asked)), "candidates/hit")
		})
	}
}

// BenchmarkSweep gives the cost of one row of a hot key, and what is held.
// Without collapsing every expiry lets through as many misses as arrive until
// the first is answered; one row in a hundred here.
func BenchmarkSweep(b *testing.B) {
	for _, rate := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("%d rows a second", rate), func(b *testing.B) {
			listed, most := 0, uint64(0)
			for b.Loop() {
				s := reconstruct.NewSweep(reconstruct.Policy{TTL: second}, func(_ *reconstruct.Event, cs []reconstruct.Candidate) { listed += len(cs) })
				for i := range rate * 5 {
					at := model.Instant(time.Hour) + model.Instant(i)*model.Instant(time.Second)/model.Instant(rate)
					v := model.Interval{Lo: at, Hi: at.Add(time.Second)}
					e := &reconstruct.Event{Start: v, Available: v.Shift(time.Millisecond), End: v.Shift(2 * time.Millisecond), Recipient: true}
					if i%100 == 0 {
						e.Recipient, e.Fill, e.Miss = false, true, true
					}
					s.Add(e)
				}
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
				runtime.KeepAlive(s)
			}
			rows := float64(b.N * rate * 5)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/rows, "ns/row")
			b.ReportMetric(float64(listed)/rows, "candidates/row")
			b.ReportMetric(float64(most)/(1<<20), "MiB")
		})
	}
}

// BenchmarkJoint gives the cost of one hit weighed together with others.
func BenchmarkJoint(b *testing.B) {
	for _, rate := range []float64{0.3, 1, 3, 10, 100} {
		b.Run(fmt.Sprintf("%g arrivals a second", rate), func(b *testing.B) {
			w := simulate(7, rate, int(1000/rate)+20, rules["real"])
			policy := reconstruct.Policy{TTL: second}
			p := reconstruct.Params{Rules: [3]float64{1}, Caches: [5]float64{1}, Loss: 0.001, Collapse: 0.05,
				Lag: -15 * time.Millisecond, Spread: 20 * time.Millisecond, FromStart: true}
			type emitted struct {
				event *reconstruct.Event
				cs    []reconstruct.Candidate
			}
			var rows []emitted
			w.sweep(policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
				rows = append(rows, emitted{e, append([]reconstruct.Candidate(nil), cs...)})
			})
			b.ReportAllocs()
			hits := 0
			for b.Loop() {
				j := reconstruct.NewJoint(policy, &p, func(reconstruct.Weighed) { hits++ })
				for _, r := range rows {
					j.Add(r.event, r.cs)
				}
				j.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(hits), "µs/hit")
		})
	}
}
