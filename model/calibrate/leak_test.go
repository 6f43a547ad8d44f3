package calibrate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
)

// leaking are fills of one cache at a rate per second, over an hour and a half
// from noon. It leaked from minute 20 to minute 60.
type leaking struct {
	rate, sessions float64 // share of clients with a session
	strays         []time.Duration
	from, to       time.Duration // of the log; zero: all
}

const leakFrom, leakTo = 20*time.Minute + 3*time.Second, 60*time.Minute + 8*time.Second

func (c leaking) counts(parts int) []*calibrate.Leak {
	out := make([]*calibrate.Leak, parts)
	for i := range out {
		out[i] = new(calibrate.Leak)
	}
	rnd := rand.New(rand.NewPCG(2, 2))
	n := 0
	for at := time.Duration(0); at < 90*time.Minute; at += time.Duration(rnd.ExpFloat64() / c.rate * float64(time.Second)) {
		bearing := at >= leakFrom && at < leakTo && rnd.Float64() < c.sessions
		if at >= c.from && (c.to == 0 || at < c.to) {
			out[n%parts].Fill(noon.Add(at), bearing)
		}
		n++
	}
	for _, at := range c.strays {
		out[n%parts].Fill(noon.Add(at), true)
	}
	return out
}

// TestLeakSpan: the ends of a leak, and how well they can be known. The first
// and the last session alone would put them where a stray stamp lies.
func TestLeakSpan(t *testing.T) {
	for _, c := range []struct {
		name    string
		leak    leaking
		within  time.Duration // how wide the ends may be
		outside int64
		open    bool // the log begins and ends within the leak
	}{
		{"busy", leaking{rate: 3, sessions: 0.8}, 15 * time.Second, 0, false},
		{"quiet", leaking{rate: 0.05, sessions: 0.8}, 3 * time.Minute, 0, false},
		{"few have a session", leaking{rate: 1, sessions: 0.2}, 90 * time.Second, 0, false},
		{"a stray before and one after", leaking{rate: 1, sessions: 0.8, strays: []time.Duration{time.Minute, 80 * time.Minute}}, 30 * time.Second, 2, false},
		{"the log is shorter", leaking{rate: 1, sessions: 0.8, from: 30 * time.Minute, to: 50 * time.Minute}, 0, 0, true},
	} {
		s, ok := c.leak.counts(1)[0].Span()
		if !ok || s.Fills == 0 || s.Outside != c.outside {
			t.Errorf("%s: %+v", c.name, s)
		}
		if c.open {
			if s.FromLo != 0 || s.ToHi != 0 {
				t.Errorf("%s: ends that the log does not reach: %v, %v", c.name, s.FromLo, s.ToHi)
			}
			continue
		}
		for _, end := range []struct {
			name   string
			lo, hi model.Instant
			want   time.Duration
		}{{"began", s.FromLo, s.FromHi, leakFrom}, {"ended", s.ToLo, s.ToHi, leakTo}} {
			if at := noon.Add(end.want); at < end.lo || at > end.hi || end.hi.Sub(end.lo) > c.within {
				t.Errorf("%s: %s between %v and %v, want %v within %v", c.name, end.name, end.lo, end.hi, at, c.within)
			}
		}
	}
	clean := new(calibrate.Leak)
	clean.Fill(noon, false)
	for name, l := range map[string]*calibrate.Leak{"no session": clean, "no fill": new(calibrate.Leak)} {
		if s, ok := l.Span(); ok {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestLeakMerge: counted in any split and any order, the answer is one.
func TestLeakMerge(t *testing.T) {
	want, _ := leaking{rate: 1, sessions: 0.5}.counts(1)[0].Span()
	for _, order := range [][]int{{0, 1, 2}, {2, 0, 1}} {
		parts, sum := leaking{rate: 1, sessions: 0.5}.counts(3), new(calibrate.Leak)
		for _, i := range order {
			sum.Merge(parts[i])
		}
		if got, _ := sum.Span(); got != want {
			t.Errorf("merged in order %v: %+v, want %+v", order, got, want)
		}
	}
}
