package scan_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clock is what a manifest says of one writer's clock.
type clock struct {
	Source   string `json:"source"`
	Instance string `json:"instance"`
	Rows     int    `json:"joined_rows"`
	AheadMS  int64  `json:"ahead_ms"`
	SetBack  int64  `json:"set_back_ms"`
}

func clocksOf(t *testing.T, f *findings) (out []clock, spread int64, refused string) {
	t.Helper()
	data, err := json.Marshal(f.manifest.Params)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Clocks []clock `json:"origin_clocks"`
		Clock  struct {
			Spread  int64  `json:"spread_ms"`
			Refused string `json:"refused"`
		} `json:"origin_clock"`
	}
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return p.Clocks, p.Clock.Spread, p.Clock.Refused
}

// behind rewrites the stamps of one instance, by so much.
func behind(t *testing.T, dir, instance string, by time.Duration) {
	t.Helper()
	for _, name := range glob(t, filepath.Join(dir, "origin", "*.gz")) {
		var b strings.Builder
		for line := range strings.Lines(readFile(t, name)) {
			if strings.Contains(line, `"host":"`+instance+`"`) {
				from := strings.Index(line, `"ts":"`) + len(`"ts":"`)
				to := from + strings.IndexByte(line[from:], '"')
				at, err := time.Parse(time.RFC3339Nano, line[from:to])
				if err != nil {
					t.Fatal(err)
				}
				line = line[:from] + at.Add(-by).Format("2006-01-02T15:04:05.000Z") + line[to:]
			}
			b.WriteString(line)
		}
		writeFile(t, name, b.String())
	}
}

// TestInstanceClocks scans the log of four instances whose clocks differ: with
// the instance named, stamps are as good as those of one clock.
func TestInstanceClocks(t *testing.T) {
	computes(t)
	t.Parallel()
	cfg := dense(0.35, 3*time.Minute)
	cfg.Instances, cfg.OriginJitter = true, 700*time.Millisecond
	dir, _ := simulate(t, cfg)
	mapped := inputOf(t, dir)
	f := run(t, mapped)
	clocks, spread, refused := clocksOf(t, f)
	if len(clocks) != 4 || refused != "" {
		t.Fatalf("clocks %+v, %s", clocks, refused)
	}
	apart := int64(0)
	for _, c := range clocks {
		apart = max(apart, c.SetBack, -c.SetBack)
	}
	for i := range mapped.Incident.Sources {
		delete(mapped.Incident.Sources[i].Map, "instance")
	}
	g := run(t, mapped)
	_, blurred, _ := clocksOf(t, g)
	if apart < 200 || spread > 60 || blurred < 2*spread {
		t.Errorf("set back by up to %d ms, left ±%d ms, as one clock ±%d ms", apart, spread, blurred)
	}
	with, without := compare(t, dir, f), compare(t, dir, g)
	covers(t, &with)
	t.Logf("spread %d ms, as one clock %d ms; likeliest fill right %v, as one clock %v", spread, blurred, with.Case.Top1, without.Case.Top1)
	if with.Case.Top1.Are < without.Case.Top1.Are {
		t.Errorf("likeliest fill right %v, as one clock %v", with.Case.Top1, without.Case.Top1)
	}
}

// TestInstanceHoursOff finds the one instance whose clock is three hours behind,
// and uses its stamps all the same.
func TestInstanceHoursOff(t *testing.T) {
	computes(t)
	t.Parallel()
	cfg := dense(0.35, 2*time.Minute)
	cfg.Instances = true
	dir, _ := simulate(t, cfg)
	widen := []string{"lookback: 12s", "lookback: 4h"}
	want := run(t, inputOf(t, dir, widen...))
	behind(t, dir, "app-3", 3*time.Hour)
	f := run(t, inputOf(t, dir, widen...))
	clocks, _, refused := clocksOf(t, f)
	if refused != "" {
		t.Errorf("stamps refused: %s", refused)
	}
	for _, c := range clocks {
		off := int64(0)
		if c.Instance == "app-3" {
			off = -3 * 3600 * 1000
		}
		if d := c.AheadMS - off; d < -200 || d > 200 || c.Rows < 50 {
			t.Errorf("%+v, want %d ms ahead", c, off)
		}
	}
	a, b := compare(t, dir, want), compare(t, dir, f)
	covers(t, &b)
	if b.Case.Rows.Recall.Are*100 < a.Case.Rows.Recall.Are*98 {
		t.Errorf("recall %v, with right clocks %v", b.Case.Rows.Recall, a.Case.Rows.Recall)
	}
	said := false
	for _, w := range f.manifest.Warnings {
		said = said || strings.Contains(w, `instance "app-3"`) && strings.Contains(w, "3 h 00 min behind")
	}
	if !said {
		t.Errorf("nothing is said of it: %q", f.manifest.Warnings)
	}
}
