package scan_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/fixtures/score"
	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
)

// edgeForms are the forms that stamp milliseconds and say the same besides.
var edgeForms = []sim.EdgeForm{sim.V2JSON, sim.V2W3C, sim.V2Plain, sim.V2Parquet, sim.Realtime}

// formed is a busy incident whose edge log is delivered in the given forms.
func formed(forms ...sim.EdgeForm) sim.Config {
	cfg := sim.Small(0.5, 5)
	lasts(&cfg, 12*time.Minute)
	cfg.EdgeForms, cfg.LogCookie = forms, true
	cfg.DropEdge, cfg.DropOrigin = 0.005, 0.005
	return cfg
}

// stated says that a real-time log holds every request.
var stated = []string{"format: cloudfront-realtime", "format: cloudfront-realtime, sampled: 100%"}

// scanned scans the incident of cfg. That a real-time log is no sample is said
// where all is true.
func scanned(t *testing.T, cfg sim.Config, all bool) (string, *findings) {
	t.Helper()
	dir, _ := simulate(t, cfg)
	var edits []string
	if all && strings.Contains(fmt.Sprint(cfg.EdgeForms), string(sim.Realtime)) {
		edits = stated
	}
	return dir, run(t, inputOf(t, dir, edits...))
}

// verdicts is what f says happened, without where the rows stand.
func verdicts(t *testing.T, f *findings) string {
	t.Helper()
	var b strings.Builder
	for _, x := range f.all {
		switch x.(type) {
		case model.Delivery, model.UserFinding, model.WorkspaceFinding, model.Access, model.Revocation, model.Unattributed:
			v := reflect.New(reflect.TypeOf(x)).Elem()
			v.Set(reflect.ValueOf(x))
			clearRefs(v)
			text, err := json.Marshal(v.Interface())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%T %s\n", x, text)
		}
	}
	return b.String()
}

// against scores f against the truth alone: the naive rule reads legacy logs.
func against(t *testing.T, dir string, f *findings) score.Report {
	t.Helper()
	r, err := score.Compare(writeCase(t, f), filepath.Join(dir, "truth"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// candidate is what a delivery is told by.
type candidate struct{ hit, fill, holder string }

func candidates(f *findings) map[candidate]model.Delivery {
	out := map[candidate]model.Delivery{}
	for _, d := range f.deliveries {
		out[candidate{d.Hit.RequestID, d.Fill.RequestID, d.HolderUser}] = d
	}
	return out
}

// TestFormsSayTheSame: forms of the same content give the same verdicts, two
// of them at once those of one, and finer stamps than the legacy log's only
// narrow what it leaves open.
func TestFormsSayTheSame(t *testing.T) {
	computes(t)
	t.Parallel()
	dir, legacy := scanned(t, formed(sim.Legacy), true)
	coarse := against(t, dir, legacy)
	covers(t, &coarse)
	var want string
	var fine *findings
	for _, forms := range append(single(edgeForms), []sim.EdgeForm{sim.Legacy, sim.V2JSON}, []sim.EdgeForm{sim.V2JSON, sim.Legacy, sim.Realtime}) {
		dir, f := scanned(t, formed(forms...), true)
		r := against(t, dir, f)
		covers(t, &r)
		if want == "" {
			want, fine = verdicts(t, f), f
			continue
		}
		if got := verdicts(t, f); got != want {
			t.Errorf("%v: %s", forms, firstDifference(want, got))
		}
	}
	narrows(t, legacy, fine)
}

func single(forms []sim.EdgeForm) (out [][]sim.EdgeForm) {
	for _, f := range forms {
		out = append(out, []sim.EdgeForm{f})
	}
	return out
}

// narrows checks that what the fine stamps leave open, the coarse ones do too.
func narrows(t *testing.T, coarse, fine *findings) {
	t.Helper()
	had, has := candidates(coarse), candidates(fine)
	for c, d := range has {
		// A row without a fill is a reading of what came after, not a candidate;
		// what is set aside is listed where another fill may exist.
		if _, ok := had[c]; !ok && c.fill != "" && d.Tier > model.TierSetAside {
			t.Errorf("%v is a candidate by milliseconds and not by seconds", c)
		}
	}
	if len(has) == 0 || len(has) >= len(had) {
		t.Errorf("%d candidates by milliseconds, %d by seconds", len(has), len(had))
	}
}

// TestSampledRealtime: a real-time log of which nothing is stated counts as a
// sample, which is said once, and breaks a threshold unless another delivery
// holds all requests.
func TestSampledRealtime(t *testing.T) {
	computes(t)
	t.Parallel()
	alone, _ := simulate(t, formed(sim.Realtime))
	beside, _ := simulate(t, formed(sim.Realtime, sim.Legacy))
	whole, unsure, backed := run(t, inputOf(t, alone, stated...)), run(t, inputOf(t, alone)), run(t, inputOf(t, beside))
	for _, c := range []struct {
		name    string
		f       *findings
		flagged bool
		said    int
		verdict verdict
	}{{"stated", whole, false, 0, complete}, {"not stated", unsure, true, 1, notComplete}, {"with another", backed, false, 1, complete}} {
		if got := flagged(c.f, "SAMPLED"); got != c.flagged || len(c.f.deliveries) == 0 {
			t.Errorf("%s: flagged %v of %d", c.name, got, len(c.f.deliveries))
		}
		text := said(c.f) + strings.Join(c.f.manifest.Limits, "\n")
		if got := strings.Count(text, "cannot show absence"); got != c.said || strings.Count(text, "give it sampled: 100%") != c.said {
			t.Errorf("%s: said %d times: %s", c.name, got, text)
		}
		if got := verdictOf(c.f); got != c.verdict {
			t.Errorf("%s: verdict %d: %s", c.name, got, text)
		}
	}
	if len(unsure.deliveries) != len(whole.deliveries) {
		t.Errorf("%d deliveries of a sample, %d of all", len(unsure.deliveries), len(whole.deliveries))
	}
}

// flagged reports whether all deliveries bear the flag, rather than none.
func flagged(f *findings, name model.FlagName) bool {
	n := 0
	for i := range f.deliveries {
		for _, x := range f.deliveries[i].Flags {
			if x.Name == name {
				n++
			}
		}
	}
	return n > 0 && n == len(f.deliveries)
}

// TestTwoDeliveriesOfTheLog: each lost rows that the other has. The scan has
// all of them, says how many, and cites rows where they stand twice.
func TestTwoDeliveriesOfTheLog(t *testing.T) {
	computes(t)
	t.Parallel()
	cfg := formed(sim.Legacy, sim.V2JSON)
	cfg.DropEdge, cfg.FormLoss = 0, 0.02
	dir, f := scanned(t, cfg, true)
	r := against(t, dir, f)
	covers(t, &r)
	warnings := strings.Join(f.manifest.Warnings, "\n")
	var share float64
	var of, first, second, neither int
	for _, w := range f.manifest.Warnings {
		_, _ = fmt.Sscanf(w, "%f %% of %d edge rows were seen in both deliveries of the log, cloudfront-v2-json (edge-v2-json/**) and cloudfront (edge/*.gz):"+
			" %d only in the former, %d only in the latter. Log delivery is best effort: the former lost the %d, the latter the %d; if they lose rows independently, about %d are in neither",
			&share, &of, &first, &second, &second, &first, &neither)
	}
	if share < 95 || share > 97 || first < of/80 || second < of/80 || first > of/35 || second > of/35 || neither < 1 {
		t.Errorf("%.1f %% of %d, %d and %d, %d in neither: %s", share, of, first, second, neither, warnings)
	}
	if strings.Contains(warnings, "differing content") {
		t.Error(warnings)
	}
	twice, names := 0, map[string]bool{}
	for _, c := range f.cited {
		if c.Kind == "edge" && len(c.Edge.Also) == 1 {
			twice++
		}
	}
	for _, in := range f.inputs {
		if in.Kind == "edge" {
			names[filepath.Dir(in.URI)[:4]+" "+in.Format] = true
		}
	}
	if twice*10 < len(f.cited)*3 || len(names) != 2 {
		t.Errorf("%d of %d cited rows stand twice, formats %v", twice, len(f.cited), names)
	}
}

// TestLimits: what a form of the log cannot say stands in the manifest, and
// nothing that it can.
func TestLimits(t *testing.T) {
	computes(t)
	t.Parallel()
	for _, c := range []struct {
		forms []sim.EdgeForm
		share float64
		want  []string
	}{
		{[]sim.EdgeForm{sim.Legacy}, 0, []string{"by the second"}},
		{[]sim.EdgeForm{sim.V2Plain}, 0, nil},
		{[]sim.EdgeForm{sim.Legacy, sim.V2W3C}, 0, nil},
		{[]sim.EdgeForm{sim.Realtime}, 0.5, nil}, // that it may be a sample: TestSampledRealtime
	} {
		cfg := formed(c.forms...)
		lasts(&cfg, 4*time.Minute)
		cfg.RealtimeShare, cfg.DropEdge = c.share, 0
		_, f := scanned(t, cfg, false)
		got := f.manifest.Limits
		// Of each 200 without a body the log knows no length.
		got = slices.DeleteFunc(got, func(s string) bool { return strings.Contains(s, "sc-content-len") })
		if len(got) != len(c.want) {
			t.Errorf("%v: %q, want %q", c.forms, got, c.want)
			continue
		}
		for i := range got {
			if !strings.Contains(got[i], c.want[i]) {
				t.Errorf("%v: %q, want %q", c.forms, got[i], c.want[i])
			}
		}
	}
}

// TestOriginFirstByte: that the edge timed the origin shows a refresh behind a
// hit, of which the origin log has lost the row.
func TestOriginFirstByte(t *testing.T) {
	computes(t)
	t.Parallel()
	cfg := formed(sim.V2JSON)
	lasts(&cfg, 4*time.Minute)
	cfg.ServeStale, cfg.DropEdge, cfg.DropOrigin = 20*time.Second, 0, 0
	dir, _ := simulate(t, cfg)
	atOrigin := map[string]bool{}
	for _, name := range glob(t, filepath.Join(dir, "origin", "*.gz")) {
		for _, m := range originID.FindAllStringSubmatch(readFile(t, name), -1) {
			atOrigin[m[1]] = true
		}
	}
	behind := map[string]bool{} // requests that were answered from the cache, and refreshed
	objects := glob(t, filepath.Join(dir, "edge-v2-json", "*", "*", "*", "*", "*", "*.gz"))
	for _, name := range objects {
		for line := range strings.Lines(readFile(t, name)) {
			if m := edgeID.FindStringSubmatch(line); strings.Contains(line, `"x-edge-result-type":"Hit"`) && atOrigin[m[1]] {
				behind[m[1]] = true
			}
		}
	}
	edit(t, filepath.Join(dir, "origin", "*.gz"), func(text string) string {
		return without(text, func(line string) bool { return behind[originID.FindStringSubmatch(line)[1]] })
	})
	blind := against(t, dir, run(t, inputOf(t, dir)))
	for _, name := range objects {
		edit(t, name, func(text string) string {
			var b strings.Builder
			for line := range strings.Lines(text) {
				if behind[edgeID.FindStringSubmatch(line)[1]] {
					line = strings.Replace(line, `"origin-fbl":"-"`, `"origin-fbl":"0.113"`, 1)
				}
				b.WriteString(line)
			}
			return b.String()
		})
	}
	told := against(t, dir, run(t, inputOf(t, dir)))
	t.Logf("%d refreshes behind hits: %d true fills missed with origin-fbl, %d without, of %d", len(behind), len(told.Missed), len(blind.Missed), told.Coverage.Of)
	if len(behind) < 50 || len(told.Missed)*4 > len(blind.Missed) || len(blind.Missed) < 20 {
		t.Errorf("%d refreshes behind hits: %d true fills missed with origin-fbl, %d without, of %d", len(behind), len(told.Missed), len(blind.Missed), told.Coverage.Of)
	}
}

var (
	originID = regexp.MustCompile(`"cf_id":"([^"]+)"`)
	edgeID   = regexp.MustCompile(`"x-edge-request-id":"([^"]+)"`)
)

// without drops the lines that drop names.
func without(text string, drop func(line string) bool) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !drop(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}
