package calibrate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
)

// TestWriters reads the clocks of several instances of two sources, and what is
// to be done about each.
func TestWriters(t *testing.T) {
	type clock struct {
		source   int
		instance string
		ahead    time.Duration
		rows     int
		setBack  time.Duration // about
		zone     time.Duration
	}
	for _, c := range []struct {
		name   string
		clocks []clock
	}{
		{"all right", []clock{{0, "web-1", 0, 400, 0, 0}, {0, "web-2", 0, 400, 0, 0}}},
		{"one is late", []clock{{0, "web-1", 0, 900, 0, 0}, {0, "web-2", -700 * time.Millisecond, 400, -700 * time.Millisecond, 0}}},
		{"one is hours late", []clock{{0, "web-1", 0, 400, 0, 0}, {0, "web-3", -3 * time.Hour, 300, -3 * time.Hour, -3 * time.Hour}}},
		{"most are hours late", []clock{{0, "web-1", 0, 200, 0, 0}, {0, "web-2", -3 * time.Hour, 400, -3 * time.Hour, -3 * time.Hour}, {0, "web-3", -3 * time.Hour, 400, -3 * time.Hour, -3 * time.Hour}}},
		{"all are in local time", []clock{{0, "web-1", 2 * time.Hour, 400, 0, 2 * time.Hour}, {0, "web-2", 2 * time.Hour, 300, 0, 2 * time.Hour}}},
		{"one source is in local time", []clock{{0, "", 0, 400, 0, 0}, {1, "", 5*time.Hour + 30*time.Minute, 300, 5*time.Hour + 30*time.Minute, 5*time.Hour + 30*time.Minute}}},
		{"sources differ in what they stamp", []clock{{0, "", 0, 400, 0, 0}, {1, "", 120 * time.Millisecond, 300, 0, 0}}},
		{"too few rows", []clock{{0, "web-1", 0, 400, 0, 0}, {0, "web-2", -2 * time.Second, 5, 0, 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 6))
			var w calibrate.Writers
			for _, k := range c.clocks {
				for range k.rows {
					at := model.Instant(rng.Int64N(int64(time.Hour))) + 1e18
					second := at - at%1e9
					stamp := at.Add(k.ahead)
					w.Add(calibrate.Writer{Source: k.source, Instance: k.instance}, model.Interval{Lo: second, Hi: second + 1e9}, model.Interval{Lo: stamp, Hi: stamp + 1e6})
				}
			}
			got := w.Clocks()
			if len(got) != len(c.clocks) {
				t.Fatalf("%d clocks: %+v", len(got), got)
			}
			for i, k := range c.clocks {
				g := got[i]
				if g.Instance != k.instance || g.Source != k.source || (g.SetBack-k.setBack).Abs() > 80*time.Millisecond || g.Zone != k.zone {
					t.Errorf("%+v, want %+v", g, k)
				}
			}
		})
	}
}
