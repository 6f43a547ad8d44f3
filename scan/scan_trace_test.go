package scan_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
)

var cfID = regexp.MustCompile(`"cf_id":"([^"]*)"`)

// TestTraces parts the application's log in two that share a trace id: a proxy
// that logs the request id, and an application that logs the session. The
// findings are those of the one log, whichever knows what.
func TestTraces(t *testing.T) {
	t.Parallel()
	cfg := dense(0.35, 2*time.Minute)
	dir, _ := simulate(t, cfg)
	want := told(run(t, inputOf(t, dir)))
	n := 0
	for _, name := range glob(t, filepath.Join(dir, "origin", "*.gz")) {
		var app, proxy strings.Builder
		for line := range strings.Lines(readFile(t, name)) {
			n++
			id := cfID.FindStringSubmatch(line)[1]
			trace := fmt.Sprintf(`"trace":"Root=1-%08x-%024x"`, n, n)
			_, at, _ := strings.Cut(line, `"ts":"`)
			at = strings.Replace(at[:len("2023-03-07T18:21:00")], "T", " ", 1)
			fmt.Fprintf(&app, "%s\n", cfID.ReplaceAllString(strings.TrimSpace(line), trace))
			fmt.Fprintf(&proxy, "{\"ts\":%q,\"id\":%q,%s}\n", at, id, trace)
		}
		writeFile(t, name, app.String())
		writeFile(t, filepath.Join(dir, "proxy", filepath.Base(name)), proxy.String())
	}
	f := run(t, inputOf(t, dir, "map: {time: ts, request_id: cf_id,", "map: {time: ts, trace_id: trace,",
		"directory:\n", "  - {kind: origin, uri: proxy/*.jsonl.gz, format: jsonl, time_zone: UTC, map: {time: ts, request_id: id, trace_id: trace}}\ndirectory:\n"))
	balanced(t, f)
	if got := told(f); got != want {
		t.Errorf("in two logs: %s", firstDifference(want, got))
	}
	if strings.Count(want, "\n") < 200 {
		t.Errorf("only %d lines to compare", strings.Count(want, "\n"))
	}
	also := 0
	for _, c := range f.cited {
		if c.Orig != nil && len(c.Orig.Also) > 0 {
			also++
		}
	}
	if also < 100 {
		t.Errorf("only %d cited rows name the row of the other log", also)
	}
	if n, by := f.manifest.Joins.EdgeMisses, f.manifest.Joins.MissesAtOrigin; by*100 < n*99 {
		t.Errorf("%d of %d Misses joined", by, n)
	}
}

// told is what a case says of its deliveries.
func told(f *findings) string {
	var b strings.Builder
	for _, d := range f.deliveries {
		fmt.Fprintf(&b, "%s %s %s %v %v %.3f %.3f %.3f\n", d.Hit.RequestID, d.Fill.RequestID, d.HolderUser, d.Rung, d.Tier, d.PDelivered, d.PApplied, d.PUsed)
	}
	return b.String()
}

// TestTornTraces gives two requests one trace: it leads nowhere, and the rows
// without a request id are placed as if they had no trace.
func TestTornTraces(t *testing.T) {
	t.Parallel()
	cfg := dense(0.35, time.Minute)
	cfg.Rows = 4000
	dir, _ := simulate(t, cfg)
	for _, name := range glob(t, filepath.Join(dir, "origin", "*.gz")) {
		var b strings.Builder
		n := 0
		for line := range strings.Lines(readFile(t, name)) {
			n++
			trace := fmt.Sprintf(`,"trace":"Root=1-%08x-%024x"`, n/3, n/3)
			if n%3 == 0 {
				line = cfID.ReplaceAllString(line, `"cf_id":null`)
			}
			b.WriteString(strings.TrimSuffix(strings.TrimSpace(line), "}") + trace + "}\n")
		}
		writeFile(t, name, b.String())
	}
	f := run(t, inputOf(t, dir, "request_id: cf_id,", "request_id: cf_id, trace_id: trace,"))
	balanced(t, f)
	said := false
	for _, w := range f.manifest.Warnings {
		said = said || strings.Contains(w, "trace ids name several request ids each")
	}
	if !said {
		t.Errorf("nothing is said of torn traces: %q", f.manifest.Warnings)
	}
	rungs := map[model.Rung]int{}
	for _, d := range f.deliveries {
		rungs[d.Rung]++
	}
	if rungs[model.RungPlaced] < 20 || rungs[model.RungOriginRow] < 20 {
		t.Errorf("holders by %v", rungs)
	}
	r := compare(t, dir, f)
	if len(r.Missed) > 0 {
		t.Errorf("true fill not among the candidates: %v", r.Coverage)
	}
}
