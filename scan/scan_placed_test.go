package scan_test

import (
	"fmt"
	"math/rand/v2"
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
	before := func(minute string) bool { return minute < "18:22" }
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
			cfg := dense(0.35, 3*time.Minute)
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

// TestBalancer adds the load balancer's log, which knows no session, by trace
// ids to an application's log with request ids and without: it takes nothing
// away, and where it stands alone it names nobody and clears nobody.
func TestBalancer(t *testing.T) {
	computes(t)
	t.Parallel()
	for _, c := range []struct {
		name string
		set  func(*sim.Config)
		best model.Tier
	}{
		{"beside ids", func(*sim.Config) {}, model.TierConfirmed},
		{"beside no ids", func(c *sim.Config) { c.NoRequestID = true }, model.TierConfirmed},
		{"alone", func(c *sim.Config) { c.NoOrigin = true }, model.TierPossible},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := dense(0.35, 2*time.Minute)
			cfg.ALB = true
			c.set(&cfg)
			dir, _ := simulate(t, cfg)
			f := run(t, inputOf(t, dir))
			balanced(t, f)
			r := compare(t, dir, f)
			covers(t, &r)
			best := model.TierSetAside
			for _, d := range f.deliveries {
				best = max(best, d.Tier)
			}
			if best != c.best {
				t.Errorf("the best row is %v, want %v", best, c.best)
			}
			if rows := r.Case.Rows; c.best == model.TierConfirmed && rows.Precision.Share() < 0.95 || rows.Recall.Share() < 0.9 && c.best == model.TierConfirmed {
				t.Errorf("precision %v, recall %v", rows.Precision, rows.Recall)
			}
			if n, by := f.manifest.Joins.EdgeMisses, f.manifest.Joins.MissesAtOrigin; by*100 < n*90 {
				t.Errorf("%d of %d Misses were seen at the origin", by, n)
			}
			t.Logf("%q\n%s", f.manifest.Warnings, r.String())
		})
	}
}

// TestPlacingIsTheSame compares findings of a log without request ids for
// numbers of workers, budgets of memory and orders of rows.
func TestPlacingIsTheSame(t *testing.T) {
	computes(t)
	t.Parallel()
	cfg := dense(0.35, 90*time.Second)
	cfg.ALB, cfg.Instances, cfg.OriginJitter, cfg.Office, cfg.Duplicates = true, true, 300*time.Millisecond, 0.8, 0.02
	dir, _ := simulate(t, cfg)
	stripped(t, dir, func(minute string) bool { return minute < "18:22" }, "cf_id")
	stripped(t, dir, func(minute string) bool { return minute == "18:21" }, "xff")
	var want, bare string
	for _, how := range []struct {
		workers int
		memory  int64
	}{{1, 1 << 30}, {8, 8 << 20}, {3, 1}} {
		in := inputOf(t, dir)
		in.Workers, in.Memory = how.workers, how.memory
		f := run(t, in)
		got := f.text(t)
		if want == "" {
			want, bare = got, evidenceFree(t, f)
			honest(t, f, "address, path and time")
		}
		if got != want {
			t.Errorf("%d workers, %d bytes of memory: %s", how.workers, how.memory, firstDifference(want, got))
		}
	}
	for seed := range uint64(2) {
		for _, folder := range []string{"edge", "origin"} {
			shuffle(t, filepath.Join(dir, folder), rand.New(rand.NewPCG(seed, 7)))
		}
		if got := evidenceFree(t, run(t, inputOf(t, dir))); got != bare {
			t.Errorf("shuffled: %s", firstDifference(bare, got))
		}
	}
}

// TestBalancerByContent: under format auto a load balancer's log needs no map
// either, and says the same; what needs one is told by the line of its source.
func TestBalancerByContent(t *testing.T) {
	t.Parallel()
	cfg := dense(0.35, time.Minute)
	cfg.ALB, cfg.NoOrigin = true, true
	dir, _ := simulate(t, cfg)
	stated, found := run(t, inputOf(t, dir)), run(t, inputOf(t, dir, "format: alb", "format: auto"))
	if a, b := evidenceFree(t, stated), evidenceFree(t, found); a != b {
		t.Errorf("stated and found out differ: %s", firstDifference(a, b))
	}
	write(t, dir, map[string]string{"alb/app.log.gz": gz(`{"ts":"2023-03-07T18:21:05Z","path":"/"}` + "\n")})
	f := run(t, inputOf(t, dir, "format: alb", "format: auto"))
	if got := f.input(t, "app.log.gz").Problem; !strings.Contains(got, "(line ") || !strings.Contains(got, "has no map") {
		t.Errorf("problem %q", got)
	}
}

// TestCrowdedPath: where more requests for one path are under way than are
// matched at once, a row that is alone among the last of them is nobody's for
// sure, since it may be that of an earlier one.
func TestCrowdedPath(t *testing.T) {
	t.Parallel()
	anonymous := regexp.MustCompile(`"(cf_id|xff)":"[^"]*"`)
	for _, x := range []struct {
		name   string
		others int
		want   model.Rung
	}{
		{"alone", 0, model.RungPlaced},
		{"as many as are matched at once", 512, model.RungUnknown},
	} {
		dir := leaking(t)
		edit(t, filepath.Join(dir, "edge", "*-07-18.*.gz"), func(log string) string {
			for line := range strings.Lines(log) {
				if strings.Contains(line, sim.RequestID("f1")) {
					log += pending(t, line, x.others)
				}
			}
			return log
		})
		edit(t, filepath.Join(dir, "origin", "*-18.jsonl.gz"), func(log string) string { return anonymous.ReplaceAllString(log, `"$1":null`) })
		f := run(t, inputOf(t, dir))
		balanced(t, f)
		found := false
		for _, d := range f.deliveries {
			if d.Hit.RequestID == sim.RequestID("h1") && d.Fill.RequestID == sim.RequestID("f1") {
				found = true
				if d.Rung != x.want {
					t.Errorf("%s: the holder is known by %v", x.name, d.Rung)
				}
			}
		}
		if !found {
			t.Errorf("%s: the fill is no candidate", x.name)
		}
	}
}

// pending is n requests like that of line which were asked for a little before
// it and took longer.
func pending(t *testing.T, line string, n int) string {
	t.Helper()
	const timeTaken = 18
	f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
	if len(f) < 33 || !strings.Contains(f[timeTaken], ".") {
		t.Fatalf("%d columns, no time-taken", len(f))
	}
	f[timeTaken] = "5.000"
	slow := strings.Join(f, "\t") + "\n"
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(slow, sim.RequestID("f1"), sim.RequestID(fmt.Sprint("p", i))))
	}
	return b.String()
}
