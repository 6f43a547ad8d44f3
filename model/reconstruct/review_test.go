package reconstruct_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/reconstruct"
)

const ms = time.Millisecond

// exact is a row of a log with millisecond stamps; times count from minute 0.
func exact(id string, start, ttfb, taken time.Duration) *reconstruct.Event {
	at := func(d time.Duration) model.Interval {
		lo := model.Instant(time.Hour).Add(d)
		return model.Interval{Lo: lo, Hi: lo.Add(ms)}
	}
	return &reconstruct.Event{ID: id, Start: at(start), Available: at(start + ttfb), End: at(start + taken)}
}

func miss(id string, start, ttfb, taken time.Duration) *reconstruct.Event {
	e := exact(id, start, ttfb, taken)
	e.Fill, e.Miss = true, true
	return e
}

func hit(id string, start time.Duration) *reconstruct.Event {
	e := exact(id, start, ms, 2*ms)
	e.Recipient = true
	return e
}

// candidates returns the fills listed for hit id, after rows in any order.
func candidates(p reconstruct.Policy, id string, rows ...*reconstruct.Event) []string {
	var out []string
	w := world{events: rows}
	w.sweep(p, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
		if e.ID != id {
			return
		}
		for _, c := range cs {
			out = append(out, c.Fill.ID)
		}
	})
	return out
}

// TestBackgroundRefreshArrivesLate: a background refresh is logged as the Hit
// that set it off (design.md 2, "fill"). That row ends at once; the response
// it brought arrives when the origin has answered, and lives from then.
func TestBackgroundRefreshArrivesLate(t *testing.T) {
	refresh := hit("refresh", 0)
	refresh.Fill = true
	refresh.Origin = exact("", 2390*ms, 0, 0).Start // logged when the origin was done
	got := candidates(reconstruct.Policy{TTL: second}, "hit", refresh, hit("hit", 3350*ms))
	if !slices.Contains(got, "refresh") {
		t.Errorf("candidates %v: the object that arrived at 2.4 s was fresh at 3.35 s", got)
	}
}

// TestForgetAgreesWithMembership: the fill ends at 0.95 s by its own host's
// clock, 1.01 s by the cache's, and so lives to 2 s by whole seconds. Slack
// allows it as long as some other row happens to keep it in memory.
func TestForgetAgreesWithMembership(t *testing.T) {
	policy := reconstruct.Policy{TTL: second, Expiry: model.ExpiryFloor}
	fill := func() *reconstruct.Event { return miss("fill", 900*ms, 40*ms, 50*ms) }
	waiting := exact("waiting", 1100*ms, ms, 700*ms)
	waiting.Start.Hi = waiting.Start.Lo.Add(time.Second) // a whole-second row among the others
	waiting.Recipient = true
	with := candidates(policy, "hit", fill(), waiting, hit("hit", 1900*ms))
	without := candidates(policy, "hit", fill(), hit("hit", 1900*ms))
	if !slices.Equal(with, without) {
		t.Errorf("candidates %v beside a row that waits, %v without it", with, without)
	}
}

// TestLongLifeKeepsTruth: under a long TTL fills are dropped once they are
// certainly replaced. They are not in these cases.
func TestLongLifeKeepsTruth(t *testing.T) {
	minute := model.TTL{Min: time.Minute, Default: time.Minute, Max: time.Minute}
	burst := func(n int) []*reconstruct.Event { // simultaneous misses at one of several caches (semantics.md A2.5)
		rows := []*reconstruct.Event{miss("true", 0, 100*ms, 110*ms)}
		for i := range n {
			rows = append(rows, miss(fmt.Sprint("other", i), time.Second+time.Duration(i)*ms, 100*ms, 110*ms))
		}
		return append(rows, hit("hit", 5*time.Second))
	}
	failed := miss("failed", time.Second, 100*ms, 110*ms) // a stale object goes on being served (A2.21)
	failed.Error = true
	head := miss("head", time.Second, 100*ms, 110*ms) // whether it is stored for GET is not documented (A2.18)
	head.Head = true
	skewed := miss("skewed", 5*ms, 100*ms, 110*ms) // 0.105 s by a clock that is 10 ms fast: it was replaced, not "true"
	for _, c := range []struct {
		name   string
		caches int
		rows   []*reconstruct.Event
	}{
		{"two caches, two simultaneous misses at the other one", 2, burst(2)},
		{"an unknown number of caches, eight simultaneous misses", 0, burst(8)},
		{"followed by an error", 1, []*reconstruct.Event{miss("true", 0, 100*ms, 110*ms), failed, hit("hit", 5*time.Second)}},
		{"followed by a HEAD", 1, []*reconstruct.Event{miss("true", 0, 100*ms, 110*ms), head, hit("hit", 5*time.Second)}},
		{"two hosts' clocks a few milliseconds apart", 1, []*reconstruct.Event{miss("true", 0, 95*ms, 100*ms), skewed, hit("hit", 5*time.Second)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := candidates(reconstruct.Policy{TTL: minute, CachesPerScope: c.caches}, "hit", c.rows...)
			if !slices.Contains(got, "true") {
				t.Errorf("candidates %v: the true fill may still be stored", got)
			}
		})
	}
}

// held feeds rows and returns how many the sweep still holds at the end.
func held(p reconstruct.Policy, rows func(yield func(*reconstruct.Event) bool)) int {
	var seen []weak.Pointer[reconstruct.Event]
	s := reconstruct.NewSweep(p, func(*reconstruct.Event, []reconstruct.Candidate) {})
	for e := range rows {
		seen = append(seen, weak.Make(e))
		s.Add(e)
	}
	runtime.GC()
	n := 0
	for _, p := range seen {
		if p.Value() != nil {
			n++
		}
	}
	runtime.KeepAlive(s)
	return n
}

// traffic is a hot key: a miss and a hit every 100 ms.
func traffic(d time.Duration, yield func(*reconstruct.Event) bool) {
	for at := time.Duration(0); at < d; at += 100 * ms {
		if !yield(miss(fmt.Sprint("m", at), at, 80*ms, 90*ms)) || !yield(hit(fmt.Sprint("h", at), at+10*ms)) {
			return
		}
	}
}

// TestMemoryIsBounded: what a sweep holds is some seconds of traffic, whatever
// single rows and time to live are like (design.md 4).
func TestMemoryIsBounded(t *testing.T) {
	const most = 200 // 100 events are 5 s
	for _, c := range []struct {
		name  string
		ttl   model.TTL
		first *reconstruct.Event
	}{
		{"nothing odd", second, nil},
		{"behind a download of two hours", second, miss("download", -ms, 80*ms, 2*time.Hour)},
		{"a day to live, one cache", model.TTL{Min: time.Second, Default: 24 * time.Hour, Max: 24 * time.Hour}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := held(reconstruct.Policy{TTL: c.ttl, CachesPerScope: 1}, func(yield func(*reconstruct.Event) bool) {
				if c.first != nil && !yield(c.first) {
					return
				}
				traffic(5*time.Minute, yield)
			})
			if n > most {
				t.Errorf("%d of 6000 events are held after five minutes, want at most %d", n, most)
			}
		})
	}
}

// TestWeighTwice: Weigh sets P, whatever stood there.
func TestWeighTwice(t *testing.T) {
	policy := reconstruct.Policy{TTL: second}
	p := reconstruct.Params{Rules: [3]float64{1, 0, 0}, Loss: 0.01}
	h := hit("hit", time.Second)
	cs := []reconstruct.Candidate{{Fill: miss("a", 0, 100*ms, 110*ms)}, {Fill: miss("b", 500*ms, 100*ms, 110*ms)}}
	reconstruct.Weigh(h, cs, policy, &p)
	once := slices.Clone(cs)
	reconstruct.Weigh(h, cs, policy, &p)
	if !slices.Equal(once, cs) {
		t.Errorf("first %v and %v, then %v and %v", once[0].P, once[1].P, cs[0].P, cs[1].P)
	}
}

// TestWeighIsAProbability tries odd rows and odd parameters.
func TestWeighIsAProbability(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	pick := func(of ...float64) float64 { return of[rnd.IntN(len(of))] }
	for n := range 3000 {
		policy := reconstruct.Policy{TTL: second, ErrorTTL: 10 * time.Second}
		p := reconstruct.Params{
			Loss: pick(0, 0.0005, 0.5, 1), Collapse: pick(0, 0.05, 1),
			Spread: time.Duration(pick(0, 1, 2e7, 1e12)), Lag: time.Duration(pick(0, -15e6, 1e15)), FromStart: rnd.IntN(2) == 0,
		}
		p.Rules = [][3]float64{{1, 0, 0}, {0, 0, 1}, {0.3333, 0.3333, 0.3333}, {}}[rnd.IntN(4)]
		p.Caches = [][5]float64{{1}, {0, 1}, {0.5, 0, 0, 0, 0.5}, {}}[rnd.IntN(4)]
		h := hit("hit", time.Second)
		h.Start.Hi = h.Start.Hi.Add(time.Duration(pick(0, 1e6, 1e9, 31e9)))
		h.Available.Hi = h.Available.Hi.Add(time.Duration(pick(0, 1e9)))
		cs := make([]reconstruct.Candidate, 1+rnd.IntN(6))
		for i := range cs {
			f := miss(fmt.Sprint(i), time.Duration(rnd.IntN(2000)-500)*ms, time.Duration(rnd.IntN(300))*ms, 300*ms)
			f.Available.Hi = f.Available.Hi.Add(time.Duration(pick(0, 1e9, 31e9)))
			f.Miss, f.Error, f.Head = rnd.IntN(2) == 0, rnd.IntN(4) == 0, rnd.IntN(4) == 0
			if rnd.IntN(2) == 0 {
				f.Origin = f.Available
			}
			cs[i].Fill = f
		}
		total := reconstruct.Weigh(h, cs, policy, &p)
		if total < 0 || total > 1 {
			t.Fatalf("case %d: unknown %v", n, total)
		}
		for _, c := range cs {
			total += c.P
			if !(c.P >= 0 && c.P <= 1) || c.P == 0 && p.Loss < 1 {
				t.Fatalf("case %d: P %v with %+v", n, c.P, p)
			}
		}
		if !(math.Abs(total-1) < 1e-9) {
			t.Fatalf("case %d: probabilities add up to %v with %+v", n, total, p)
		}
	}
	if got := reconstruct.Weigh(hit("h", 0), nil, reconstruct.Policy{}, &reconstruct.Params{}); got != 1 {
		t.Errorf("an orphan is of an unknown fill with %v, want 1", got)
	}
}
