package calibrate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
)

var (
	noon  = model.InstantOf(time.Date(2023, 3, 7, 12, 0, 0, 0, time.UTC))
	hour  = model.Span{From: noon, To: noon.Add(time.Hour)}
	sites = []string{"LHR61-C2", "SEA19-C1", "SYD62-P1"}
)

// traffic is an hour of requests in both logs.
type traffic struct {
	seed     uint64
	lost     func(at model.Instant) float64 // share of origin rows
	lostEdge float64
	tier     float64 // share of suspect Misses that an upper tier answers
	silent   bool    // the origin logs no suspect route
	foreign  int     // requests of a route that another service answers
	direct   int     // origin rows that never passed the edge
}

func evenly(share float64) func(model.Instant) float64 {
	return func(model.Instant) float64 { return share }
}

// rows plays the traffic into so many statistics in turn.
func (tr traffic) rows(parts int) []*calibrate.Loss {
	out := make([]*calibrate.Loss, parts)
	for i := range out {
		out[i] = new(calibrate.Loss)
	}
	rnd := rand.New(rand.NewPCG(tr.seed, 3))
	at := func() model.Instant { return noon.Add(time.Duration(rnd.Int64N(int64(time.Hour)))) }
	for n := range 12_000 {
		l, t := out[n%parts], at()
		kept := rnd.Float64() >= tr.lost(t)
		switch n % 4 {
		case 0:
			l.Forwarded("/api/videos/*", "GET", t, kept)
		case 1:
			l.Forwarded("/library", "POST", t, kept)
		case 2: // cached elsewhere: its Misses prove nothing
			l.Cached("/img/*.png")
			l.Forwarded("/img/*.png", "GET", t, n%3 == 0)
		case 3:
			up := rnd.Float64() < tr.tier
			l.Miss(sites[n/4%3], 0, t, kept && !up && !tr.silent)
		}
		l.Origin(fmt.Sprintf("%056d", n), t, rnd.Float64() >= tr.lostEdge)
	}
	for n := range tr.foreign {
		out[n%parts].Forwarded("/blog/*", "GET", at(), false)
	}
	for n := range tr.direct {
		out[n%parts].Origin(fmt.Sprintf("health-%d", n%10), at(), false)
	}
	return out
}

// TestLossTellsTierFromLostRows: a Miss without an origin row is one or the
// other; on routes that no cache answers it is lost for certain (semantics.md A2.16).
func TestLossTellsTierFromLostRows(t *testing.T) {
	burst := func(at model.Instant) float64 { // one file of the origin's is missing
		if at >= noon.Add(20*time.Minute) && at < noon.Add(25*time.Minute) {
			return 1
		}
		return 0.001
	}
	for _, c := range []struct {
		name         string
		tr           traffic
		loss, edge   float64
		tier, share  float64 // wanted
		unlogged     int
		own, ownSlop float64 // of a Miss at half past twelve without an origin row
	}{
		{"nothing is missing", traffic{lost: evenly(0)}, 0, 0, 0, 0, 0, 1, 0.05},
		{"one row in a hundred", traffic{lost: evenly(0.01), lostEdge: 0.002}, 0.01, 0.002, 0, 0, 0, 1, 0.05},
		{"one in four", traffic{lost: evenly(0.25)}, 0.25, 0, 0, 0, 0, 1, 0.1},
		{"a lost file", traffic{lost: burst}, 0.084, 0, 0, 0, 0, 1, 0.05},
		{"a tier that answers 30 %", traffic{lost: evenly(0.01), tier: 0.3}, 0.01, 0, 1, 0.3, 0, 0.03, 0.03},
		{"a tier that answers 5 %", traffic{lost: evenly(0.001), tier: 0.05}, 0.001, 0, 1, 0.05, 0, 0.02, 0.03},
		{"a tier and many lost rows", traffic{lost: evenly(0.2), tier: 0.4}, 0.2, 0, 1, 0.4, 0, 0.37, 0.07},
		{"static files are not logged", traffic{lost: evenly(0.01), silent: true}, 0.01, 0, 0.3, 0, 1, 1, 0},
		{"a route of another service", traffic{lost: evenly(0.01), foreign: 900}, 0.01, 0, 0, 0, 0, 1, 0.05},
		{"requests past the edge", traffic{lost: evenly(0.01), direct: 5000}, 0.01, 0, 0, 0, 0, 1, 0.05},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.tr.rows(1)[0].Settle(hour, 0, model.Unknown)
			near := func(what string, got, want, slop float64) {
				t.Helper()
				if math.Abs(got-want) > slop {
					t.Errorf("%s %.4f, want %.4f ± %.4f", what, got, want, slop)
				}
			}
			near("origin rows lost", got.Origin.Share, c.loss, 0.004+c.loss/10)
			near("edge rows lost", got.Edge.Share, c.edge, 0.002)
			near("upper tier", got.Tier, c.tier, 0.1)
			near("its share", got.Share, c.share, 0.03)
			near("own response", got.Own("SEA19-C1", 0, noon.Add(30*time.Minute)), c.own, c.ownSlop)
			if len(got.Unlogged) != c.unlogged {
				t.Errorf("routes not logged: %v", got.Unlogged)
			}
			if n := int64(c.tr.foreign); got.Origin.SetAside != n || got.Edge.SetAside != int64(c.tr.direct) {
				t.Errorf("set aside %d and %d", got.Origin.SetAside, got.Edge.SetAside)
			}
		})
	}
}

// TestLossOfABurst: within the five minutes of a lost file a phantom is a lost
// row, outside it an upper tier's answer.
func TestLossOfABurst(t *testing.T) {
	tr := traffic{tier: 0.3, lost: func(at model.Instant) float64 {
		if at >= noon.Add(20*time.Minute) && at < noon.Add(25*time.Minute) {
			return 0.9
		}
		return 0
	}}
	got := tr.rows(1)[0].Settle(hour, 0, model.Unknown)
	in, out := got.Own("SEA19-C1", 0, noon.Add(22*time.Minute)), got.Own("SEA19-C1", 0, noon.Add(40*time.Minute))
	if in < 0.9 || out > 0.15 {
		t.Errorf("own response: %.3f within, %.3f outside", in, out)
	}
	if got.Origin.WorstAt != "2023-03-07T12:20:00.000Z" || got.Origin.Worst < 0.8 {
		t.Errorf("worst five minutes: %.3f from %s", got.Origin.Worst, got.Origin.WorstAt)
	}
}

// TestLossObeysTheIncidentFile: what is stated is not estimated.
func TestLossObeysTheIncidentFile(t *testing.T) {
	l := traffic{lost: evenly(0.01), tier: 0.3}.rows(1)[0]
	for tri, want := range map[model.Tri]float64{model.Yes: 1, model.No: 0} {
		if got := l.Settle(hour, 0, tri).Tier; got != want {
			t.Errorf("stated %d: %v", tri, got)
		}
	}
	if own := l.Settle(hour, 0, model.No); own.Own("SEA19-C1", 0, noon) != 1 {
		t.Error("there is no tier, yet a response is not the origin's")
	}
}

// TestLossMerge: counted in any split and any order, the answer is one.
func TestLossMerge(t *testing.T) {
	tr := traffic{seed: 4, lost: evenly(0.03), lostEdge: 0.01, tier: 0.2, foreign: 50, direct: 50}
	want := tr.rows(1)[0].Settle(hour, 0, model.Unknown)
	for _, order := range [][]int{{0, 1, 2, 3, 4}, {3, 1, 4, 0, 2}} {
		parts, sum := tr.rows(5), new(calibrate.Loss)
		for _, i := range order {
			sum.Merge(parts[i])
		}
		if got := sum.Settle(hour, 0, model.Unknown); !reflect.DeepEqual(got, want) {
			t.Errorf("merged in order %v: %+v, want %+v", order, got, want)
		}
	}
}
