package scan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
)

// TestOriginOnly scans while the CDN's logs are not there: the ceilings hold
// what a scan with them finds, every session it finds delivered is on the list
// to revoke, and nothing is claimed that needs a reconstruction.
func TestOriginOnly(t *testing.T) {
	t.Parallel()
	dir, _ := simulate(t, dense(0.35, 3*time.Minute))
	whole := run(t, inputOf(t, dir))
	for _, c := range []struct {
		name    string
		edit    []string
		prepare func(t *testing.T, dir string)
		why     string
	}{
		{"no edge source", []string{edgeSource(t, dir), ""}, nil, "names no edge source"},
		{"edge logs not there yet", []string{"edge/*.gz", "later/*.gz"}, nil, "no file matches"},
		{"edge logs unreadable", []string{"edge/*.gz", "blob/*"}, func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, "blob", "x.bin"), strings.Repeat("\x00\xff\n", 50))
		}, "looks binary"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.prepare != nil {
				c.prepare(t, dir)
			}
			f := run(t, inputOf(t, dir, c.edit...))
			m := f.manifest
			if m.Complete || !strings.Contains(m.OriginOnly, c.why) || !strings.Contains(strings.Join(m.Partial, "\n"), "no edge log was read") {
				t.Errorf("origin only %q, partial %q", m.OriginOnly, m.Partial)
			}
			h := m.Headline
			if len(f.deliveries) > 0 || h.Deliveries != (model.Bounds{}) || h.HolderWorkspaces != (model.Bounds{}) {
				t.Errorf("something was reconstructed: %+v", h)
			}
			full := whole.manifest.Headline
			if h.Ceilings.Users < full.HolderUsers.Upper || h.Ceilings.Users+h.Ceilings.UnknownSessions > full.Ceilings.Users+full.Ceilings.UnknownSessions || h.NotACeiling {
				t.Errorf("ceilings %+v; with edge logs %+v, at most %d holders are found", h.Ceilings, full.Ceilings, full.HolderUsers.Upper)
			}
			listed := map[model.ID]bool{}
			for _, r := range f.revocations {
				listed[r.Session] = true
				if r.Basis != model.BasisReached || r.DirectoryID == "" && r.User == "" {
					t.Errorf("listed as %+v", r)
				}
			}
			for _, r := range whole.revocations {
				if r.Tier >= model.TierProbable && !listed[r.Session] {
					t.Errorf("a session of %s that is %v is not on the list", r.User, r.Tier)
				}
			}
			if m.Second == nil || m.Second.InWindow.Steps == 0 {
				t.Errorf("second method %+v", m.Second)
			}
		})
	}
}

// edgeSource returns the part of the incident file that names the edge log.
func edgeSource(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "incident.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	from, to := strings.Index(string(text), "  - {kind: edge"), strings.Index(string(text), "  - kind: origin")
	if from < 0 || to < from {
		t.Fatal("incident.yaml names no edge log before the origin log")
	}
	return string(text[from:to])
}
