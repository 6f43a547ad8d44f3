package scan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/model"
)

// TestRevalidationIsRead: nobody says whether a 304 keeps or replaces the stored
// Set-Cookie; what recipients presented says it, and hits are judged by that.
func TestRevalidationIsRead(t *testing.T) {
	computes(t)
	for _, c := range []struct {
		does, words string
		low, high   float64
	}{
		{"kept", "the cache keeps it", 0.95, 1},
		{"replaced", "the cache replaces it", 0, 0.05},
	} {
		t.Run(c.does, func(t *testing.T) {
			t.Parallel()
			cfg := kinds()[c.does+", 0.3/s"]
			dir, _ := simulate(t, cfg)
			f := run(t, inputOf(t, dir))
			if p := keeps(t, f.manifest); p < c.low || p > c.high {
				t.Errorf("kept with probability %v", p)
			}
			if said := strings.Join(f.manifest.Assumptions, "\n"); !strings.Contains(said, c.words) {
				t.Errorf("the manifest does not say that %s:\n%s", c.words, said)
			}
			if r := compare(t, dir, f); r.Case.Top1.Share() < 0.9 || r.Case.Rows.Precision.Share() < 0.95 {
				t.Errorf("likeliest right %v, precision %v", r.Case.Top1, r.Case.Rows.Precision)
			}
			for _, d := range f.deliveries {
				if d.Hit.RequestID == d.Fill.RequestID && (d.Tier != model.TierSetAside || d.PDelivered != 0) {
					t.Fatalf("a client was delivered its own response: %+v", d)
				}
			}
		})
	}
}

// keeps returns the probability that 304s keep the stored Set-Cookie.
func keeps(t *testing.T, m model.Manifest) float64 {
	t.Helper()
	text, err := json.Marshal(m.Params)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Revalidation []struct {
			Cache string  `json:"cache"`
			Kept  float64 `json:"p_304_keeps_stored_cookie"`
		} `json:"revalidation"`
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Revalidation) < 2 || p.Revalidation[0].Cache != "all" {
		t.Fatalf("revalidation: %+v", p.Revalidation)
	}
	return p.Revalidation[0].Kept
}
