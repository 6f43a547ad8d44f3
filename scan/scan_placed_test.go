package scan_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
	flag "github.com/spillscope/spillscope/model/verdict"
)

// stripped rewrites the application's log in dir: of the rows that of picks by
// their minute the fields are nulled.
func stripped(t *testing.T, dir string, of func(minute string) bool, fields ...string) {
	t.Helper()
	cut := regexp.MustCompile(`"(` + strings.Join(fields, "|") + `)":"[^"]*"`)
	for _, name := range glob(t, filepath.Join(dir, "origin", "*.gz")) {
		var b strings.Builder
		for line := range strings.Lines(readFile(t, name)) {
			if at := strings.Index(line, `"ts":"`) + len(`"ts":"2023-03-07T`); of(line[at : at+len("18:21")]) {
				line = cut.ReplaceAllString(line, `"$1":null`)
			}
			b.WriteString(line)
		}
		writeFile(t, name, b.String())
	}
}

func always(string) bool { return true }

// TestNoRequestIDs scans one incident with request ids in the application's log,
// with a part of them, and with none. The truth stays among the candidates, and
// what is called probable stays right; what is lost is how much is called so,
// and nothing is confirmed but by use.
func TestNoRequestIDs(t *testing.T) {
	computes(t)
	t.Parallel()
	before := func(minute string) bool { return minute < "18:23" }
	offices := func(c *sim.Config) { c.Office, c.Mobile = 0.85, 0.15 }
	lossy := func(c *sim.Config) { c.DropEdge, c.DropOrigin = 0.02, 0.02 }
	for _, c := range []struct {
		name      string
		set       func(*sim.Config) // the world, with ids and without
		none      bool              // no row has one, nor a place for it in the incident file
		when      func(minute string) bool
		cut       []string // fields that rows lack then
		precision float64  // at least as good as with ids, less this
		recall    float64  // at least this share of what it is with ids
		rung      string   // that names holders
	}{
		{"none", nil, true, nil, nil, 0.02, 0.95, "address, path and time"},
		{"offices", offices, true, nil, nil, 0.02, 0.95, "address, path and time"},
		{"rows lost", lossy, true, nil, nil, 0.03, 0.93, "address, path and time"},
		{"a deploy added them", nil, false, before, []string{"cf_id"}, 0.02, 0.95, "address, path and time"},
		{"no addresses before a deploy", nil, false, before, []string{"cf_id", "xff"}, 0.02, 0.15, "origin row"},
		{"no addresses", nil, false, always, []string{"cf_id", "xff"}, 1, 0, "address, path and time"},
		{"nor user agents", nil, false, always, []string{"cf_id", "xff", "ua"}, 1, 0, "address, path and time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := dense(0.35, 4*time.Minute)
			if c.set != nil {
				c.set(&cfg)
			}
			dir, _ := simulate(t, cfg)
			with := compare(t, dir, run(t, inputOf(t, dir)))
			if c.none {
				cfg.NoRequestID = true
				dir, _ = simulate(t, cfg)
			} else {
				stripped(t, dir, c.when, c.cut...)
			}
			f := run(t, inputOf(t, dir))
			r := compare(t, dir, f)
			covers(t, &r)
			sumsToOne(t, f)
			balanced(t, f)
			honest(t, f, c.rung)
			a, b := with.Case.Rows, r.Case.Rows
			if b.Precision.Of > 0 && b.Precision.Share() < a.Precision.Share()-c.precision {
				t.Errorf("precision of rows %v, with ids %v", b.Precision, a.Precision)
			}
			if b.Recall.Share() < a.Recall.Share()*c.recall {
				t.Errorf("recall of rows %v, with ids %v", b.Recall, a.Recall)
			}
			t.Logf("precision %v, with ids %v; recall %v, with ids %v; covered %v\n%s", b.Precision, a.Precision, b.Recall, a.Recall, r.Coverage, r.String())
		})
	}
}

// honest checks what the rows of a case say that rests on placed rows.
func honest(t *testing.T, f *findings, rung string) {
	t.Helper()
	rungs := map[string]int{}
	for _, d := range f.deliveries {
		if d.Tier > model.TierSetAside {
			rungs[d.Rung.String()]++
		}
		placed := slices.IndexFunc(d.Flags, func(x model.Flag) bool { return x.Name == flag.OriginPlaced })
		if (placed >= 0) != (d.Rung == model.RungPlaced) {
			t.Errorf("hit %s: rung %v, flags %v", d.Hit.RequestID, d.Rung, d.Flags)
		}
		if d.Rung != model.RungPlaced {
			continue
		}
		used := slices.ContainsFunc(d.Flags, func(x model.Flag) bool { return x.Name == flag.UseSeen })
		if d.Tier == model.TierConfirmed && !used {
			t.Errorf("hit %s is confirmed by a place", d.Hit.RequestID)
		}
		if d.Tier == model.TierProbable && strings.Contains(d.Flags[placed].Evidence, "path and time alone") {
			t.Errorf("hit %s is probable by the path alone", d.Hit.RequestID)
		}
	}
	if rungs[rung] < 100 {
		t.Errorf("only %d rows by %s: %v", rungs[rung], rung, rungs)
	}
}
