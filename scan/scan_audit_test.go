package scan_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan"
)

// audit runs an audit of dir over span.
func audit(t *testing.T, dir string, span model.Span, replace ...string) (*scan.Audit, error) {
	t.Helper()
	in := inputOf(t, dir, replace...)
	return scan.RunAudit(context.Background(), scan.AuditInput{
		Incident: in.Incident, Key: in.Key, Base: in.Base, Span: span, Workers: 2, TempDir: t.TempDir(),
	})
}

// TestAudit looks at the incident itself, which leaks, at the hours before and
// after it, which do not, and at logs that could not show it.
func TestAudit(t *testing.T) {
	t.Parallel()
	dir, _ := simulate(t, dense(0.35, 3*time.Minute))
	w := inputOf(t, dir).Incident.Window.Span
	leaky := model.Span{From: w.From, To: w.To}
	before := model.Span{From: w.From.Add(-30 * time.Minute), To: w.From.Add(-5 * time.Second)}

	t.Run("still leaking", func(t *testing.T) {
		// The routes of the incident are of no account: a leak elsewhere is one too.
		a, err := audit(t, dir, leaky, "/static/js/*", "/nowhere/*")
		if err != nil {
			t.Fatal(err)
		}
		if !a.Leaks() || len(a.Partial) > 0 || a.Routes[0].Hits == 0 || a.Routes[0].Set == 0 {
			t.Fatalf("%+v", a)
		}
		for _, r := range a.Routes {
			if !strings.HasPrefix(r.Pattern, "/static/") {
				t.Errorf("%s is said to leak", r.Pattern)
			}
			for i, row := range r.Rows {
				if !strings.Contains(row.Evidence, "edge/") || row.Request == "" || i > 0 && row.Time < r.Rows[i-1].Time {
					t.Errorf("row %+v", row)
				}
			}
		}
	})
	t.Run("mended", func(t *testing.T) {
		a, err := audit(t, dir, before)
		if err != nil {
			t.Fatal(err)
		}
		if a.Leaks() || len(a.Partial) > 0 || a.EdgeRows == 0 || a.Fills == 0 {
			t.Errorf("%+v", a)
		}
	})
	for _, c := range []struct {
		name string
		span model.Span
		edit []string
		want string
	}{
		{"nothing in the span", model.Span{From: w.To.Add(240 * time.Hour)}, nil, "0 edge rows"},
		{"no origin log", leaky, []string{originSource(t, dir), ""}, "say whether they met a session"},
		{"a sample", before, []string{"uri: edge/*.gz, format: auto", "uri: edge/*.gz, format: auto, sampled: 10%"}, "10 % of the requests"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := audit(t, dir, c.span, c.edit...)
			if err != nil {
				t.Fatal(err)
			}
			if a.Leaks() || !strings.Contains(strings.Join(a.Partial, "\n"), c.want) {
				t.Errorf("%+v", a)
			}
		})
	}
	t.Run("a real-time log", func(t *testing.T) {
		cfg := sim.Bench(2000, 5)
		cfg.EdgeForms = []sim.EdgeForm{sim.Realtime}
		dir, _ := simulate(t, cfg)
		a, err := audit(t, dir, before)
		if err != nil || !strings.Contains(strings.Join(a.Partial, "\n"), "what it does not show may have happened") {
			t.Errorf("%+v, %v", a, err)
		}
	})
	t.Run("no edge log", func(t *testing.T) {
		if _, err := audit(t, dir, leaky, "edge/*.gz", filepath.Join("later", "*")); err == nil || !strings.Contains(err.Error(), "only the CDN's log") {
			t.Errorf("error %v", err)
		}
	})
}
