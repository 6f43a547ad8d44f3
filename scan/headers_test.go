package scan_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/fixtures/sim"
)

// TestHeaderBytes: the bytes of the hits bear out that they carried a cookie;
// where an edge function removed it, they contradict it, and the scan says so.
func TestHeaderBytes(t *testing.T) {
	dir, _ := simulate(t, sim.Bench(8000, 5))
	const words = "have larger headers than hits that carried none"
	if got := strings.Join(run(t, inputOf(t, dir)).manifest.Warnings, "\n"); strings.Contains(got, words) {
		t.Errorf("cookies came through, and the scan says: %s", got)
	}
	for _, name := range glob(t, filepath.Join(dir, "edge", "*.gz")) {
		edit(t, name, func(log string) string {
			var b strings.Builder
			for row := range strings.Lines(log) {
				b.WriteString(withoutCookie(row))
			}
			return b.String()
		})
	}
	f := run(t, inputOf(t, dir))
	if got := strings.Join(f.manifest.Warnings, "\n"); !strings.Contains(got, words) || !strings.Contains(got, "cookie.stripped") {
		t.Errorf("hits of the bare size of their headers draw no warning: %s", got)
	}
	if f.manifest.Headline.Deliveries.Upper == 0 {
		t.Error("deliveries vanished: a doubt is not a proof")
	}
}

// TestUnknownFills: of a stored response of which no row of its own says whether
// it carried a session the bytes of its hits are no measure, and whose sessions
// were not seen there bound nobody.
func TestUnknownFills(t *testing.T) {
	cfg := sim.Bench(8000, 5)
	cfg.ALB, cfg.NoRequestID, cfg.HideAssets = true, true, true
	dir, _ := simulate(t, cfg)
	f := run(t, inputOf(t, dir))
	if got := strings.Join(f.manifest.Warnings, "\n"); strings.Contains(got, "cookie.stripped") {
		t.Errorf("cookies came through, and the scan says: %s", got)
	}
	if h := &f.manifest.Headline; h.HolderUsers.Confirmed == 0 || h.Ceilings.Users+h.Ceilings.Workspaces > 0 || h.Ceilings.Clients == 0 {
		t.Errorf("%+v bounds %+v", h.Ceilings, h.HolderUsers)
	}
}

// withoutCookie gives a hit's row the bytes that it would have without Set-Cookie.
func withoutCookie(row string) string {
	f := strings.Split(row, "\t")
	if len(f) < 32 || f[22] != "Hit" {
		return row
	}
	body, err := strconv.Atoi(f[30])
	if err != nil {
		return row
	}
	f[3] = strconv.Itoa(body + 390)
	return strings.Join(f, "\t")
}
