package scan_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/spillscope/spillscope/fixtures/sim"
)

// lineHash is what a cited row keeps of its line as written.
var lineHash = regexp.MustCompile(`"Line":\d+`)

// TestOriginForms scans one incident whose application logs as JSON, CSV, TSV
// and logfmt. The truth is covered in the first, and in the others only where
// the evidence stands may differ.
func TestOriginForms(t *testing.T) {
	computes(t)
	t.Parallel()
	var want string
	for _, form := range []string{"", "csv", "tsv", "logfmt"} {
		cfg := sim.Small(2, 3)
		lasts(&cfg, 10*time.Minute)
		cfg.OriginForm, cfg.DeviceID, cfg.UnknownUsers, cfg.DropOrigin = form, true, 0.02, 0.01
		dir, _ := simulate(t, cfg)
		f := run(t, inputOf(t, dir))
		got := lineHash.ReplaceAllString(evidenceFreeFindings(t, f), "")
		if form == "" {
			want = got
			enough(t, f)
			r := compare(t, dir, f)
			covers(t, &r)
			continue
		}
		if got != want {
			t.Errorf("%s: %s", form, firstDifference(want, got))
		}
	}
}
