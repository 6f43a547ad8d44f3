package scan_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/scan"
	"github.com/spillscope/spillscope/scan/incident"
)

// TestInspectSim: from the logs alone inspect finds what leaked, when, and
// for how long responses lived.
func TestInspectSim(t *testing.T) {
	longer := sim.Bench(30_000, 3)
	longer.TTL = 5 * time.Second
	hours := sim.Demo(1) // the whole of it, with a third of its rows
	hours.Rows = 110_000
	for name, cfg := range map[string]sim.Config{
		"demo": hours, "small, seed 1": sim.Bench(20_000, 1), "small, seed 2": sim.Bench(20_000, 2), "ttl 5s": longer,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if (testing.Short() || raceEnabled) && name == "demo" {
				t.Skip("simulates 110,000 rows")
			}
			dir := t.TempDir()
			truth, err := sim.Write(dir, cfg)
			if err != nil {
				t.Fatal(err)
			}
			got := inspect(t, dir, "edge", "origin", "directory")
			checkSim(t, got, truth, cfg)
			checkSilence(t, textOf(t, got), dir)
		})
	}
}

func checkSim(t *testing.T, got *scan.Inspection, truth sim.Summary, cfg sim.Config) {
	inc, err := incident.Parse("incident.yaml", []byte("version: 1\ncase: pasted\ncookie: {names: [sid]}\n"+got.Incident))
	if err != nil {
		t.Fatalf("%v\n%s", err, got.Incident)
	}
	var paths []string
	for _, r := range inc.Routes {
		paths = append(paths, r.Path)
	}
	if want := []string{"/static/css/*", "/static/js/*"}; !slices.Equal(paths, want) {
		t.Errorf("routes %q, want %q", paths, want)
	}
	first, last, reverted := truth.Locations[0].Onset, truth.Locations[0].Onset, truth.Locations[0].Revert
	for _, l := range truth.Locations {
		if l.Onset.Before(first) {
			first = l.Onset
		}
		if l.Onset.After(last) {
			last = l.Onset
		}
		if l.Revert.After(reverted) {
			reverted = l.Revert
		}
	}
	from, to := inc.Window.Span.From.Time(), inc.Window.Span.To.Time()
	if from.Before(first.Truncate(time.Minute)) || from.After(last) {
		t.Errorf("from %v, but the first location leaked at %v and the last at %v", from, first, last)
	}
	if to.Before(reverted.Add(-time.Minute)) || to.After(reverted.Add(2*time.Minute)) {
		t.Errorf("to %v, but the last location leaked until %v", to, reverted)
	}
	for _, r := range got.Routes[:2] {
		if !r.Leaks || r.SinceStart || r.StillOn || r.TTL == nil {
			t.Errorf("%s: %+v", r.Pattern, r)
			continue
		}
		if ttl := int(cfg.TTL / time.Second); r.TTL.About < ttl-1 || r.TTL.About > ttl+1 || r.TTL.Low > ttl || r.TTL.High < ttl {
			t.Errorf("%s: ttl %+v, want %d", r.Pattern, *r.TTL, ttl)
		}
	}
	if !strings.HasPrefix(got.Answer[2], "No page or API route was ever served from the cache") {
		t.Errorf("answer %q", got.Answer)
	}
	want := map[string]string{"time": "ts", "request_id": "cf_id", "method": "method", "path": "path", "status": "status", "session": "sid_hash",
		"user": "user_id", "set_cookie": "set_cookie", "set_session": "set_sid_hash", "user_agent": "ua", "client_ip": "xff"}
	if diff := cmp.Diff(want, inc.Sources[1].Map); diff != "" {
		t.Errorf("map (-want +got):\n%s", diff)
	}
}

// checkSilence fails if any session or user of the directory is in text.
func checkSilence(t *testing.T, text, dir string) {
	for _, name := range []string{"sessions", "users"} {
		f, err := os.Open(filepath.Join(dir, "directory", name+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rows, err := csv.NewReader(f).ReadAll()
		if err != nil || len(rows) < 2 {
			t.Fatal(fmt.Errorf("%s: %d rows: %w", name, len(rows), err))
		}
		for _, r := range rows[1:] {
			if strings.Contains(text, r[0]) || strings.Contains(text, r[1]) {
				t.Errorf("a value of %s.csv is shown", name)
			}
		}
	}
}

// TestInspectPartOfTheLogs: what can be said with one kind of log only, and
// what cannot.
func TestInspectPartOfTheLogs(t *testing.T) {
	cfg := sim.Bench(10_000, 1)
	cfg.LogCookie = true
	dir := t.TempDir()
	if _, err := sim.Write(dir, cfg); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path    string
		cookies []string
		basis   string
		answer  string
		window  bool
		missing string
	}{
		{"origin", nil, "path", "2 file routes, if a CDN cached them, met sessions: /static/css/*, /static/js/*", true, "the CDN's standard logs"},
		{"edge", []string{"sid"}, "cookie", "2 cached routes were asked with a session cookie", false, "the application's log"},
		{"edge", nil, "none", "Whether a cached route met a session cannot be told", false, "give --cookie NAME"},
		{"edge", []string{"nope"}, "none", "Whether a cached route met a session cannot be told", false, "none called so"},
	} {
		t.Run(tt.path+" "+strings.Join(tt.cookies, ""), func(t *testing.T) {
			got, err := scan.Inspect(t.Context(), scan.InspectInput{Paths: []string{tt.path}, Base: dir, CookieNames: tt.cookies})
			if err != nil {
				t.Fatal(err)
			}
			if got.Basis != tt.basis || !strings.HasPrefix(got.Answer[0], tt.answer) {
				t.Errorf("basis %q, answer %q", got.Basis, got.Answer)
			}
			if strings.Contains(got.Incident, "window: {") != tt.window {
				t.Errorf("incident file\n%s", got.Incident)
			}
			if !strings.Contains(strings.Join(got.Missing, "\n"), tt.missing) {
				t.Errorf("missing %q", got.Missing)
			}
		})
	}
}
