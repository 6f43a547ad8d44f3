package scan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
)

// TestNoOriginLog scans without any origin log. Where the edge logged cookies
// they carry sessions through time: who was switched can still be seen. Where
// it did not, devices are all there is. In both no candidate is lost.
func TestNoOriginLog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		cookies bool
		best    model.Tier
	}{
		{"cookies logged at the edge", true, model.TierConfirmed},
		{"devices only", false, model.TierPossible},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := dense(0.35, 3*time.Minute)
			cfg.LogCookie = c.cookies
			dir, _ := simulate(t, cfg)
			f := run(t, inputOf(t, dir, originSource(t, dir), ""))
			r := compare(t, dir, f)
			if r.Coverage.Are != r.Coverage.Of || r.Coverage.Of < 50 {
				t.Errorf("true fill among the candidates %v", r.Coverage)
			}
			tiers := map[model.Tier]int{}
			for _, d := range f.deliveries {
				tiers[d.Tier]++
				if d.Rung != model.RungEdgeCookie && d.Rung != model.RungUnknown || d.Rung == model.RungUnknown && d.Tier > model.TierPossible && d.Fill.RequestID != "" {
					t.Errorf("hit %s is %v by %v", d.Hit.RequestID, d.Tier, d.Rung)
				}
				if d.Tier > c.best {
					t.Errorf("hit %s is %v", d.Hit.RequestID, d.Tier)
				}
			}
			if tiers[c.best] == 0 {
				t.Errorf("no row is %v: %v", c.best, tiers)
			}
			for _, x := range r.Tiers {
				// Stamps of a second do not order two deliveries of one page load.
				if x.Tier == "confirmed" && float64(x.Rate.Are) < 0.95*float64(x.Rate.Of) {
					t.Errorf("confirmed and true: %v", x.Rate)
				}
			}
		})
	}
}

// originSource returns the part of the incident file that names the origin log.
func originSource(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "incident.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	from, to := strings.Index(string(text), "  - kind: origin"), strings.Index(string(text), "directory:\n")
	if from < 0 || to < from {
		t.Fatal("incident.yaml names no origin log before the directory")
	}
	return string(text[from:to])
}
