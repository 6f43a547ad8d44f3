package scan_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
)

// These tests are of what lets a reader check an answer (design.md 9). Their
// window is 18:21:00 to 18:31:00 on 7 March 2023; second 0 is its start.

// of returns the findings of one type.
func of[T model.Finding](f *findings) []T {
	var out []T
	for _, x := range f.all {
		if x, ok := x.(T); ok {
			out = append(out, x)
		}
	}
	return out
}

const timeline = `case: synthetic-1
timeline: [{at: 2023-03-07T18:21:30Z, what: revert}, {at: 2023-03-07T18:21:00Z, what: change}, {at: 2023-03-07T18:25:00Z, what: shutdown}, {at: 2023-03-07T20:00:00Z, what: restart}]`

// revertLate leaks before and, at one location, 25 seconds after the revert.
const revertLate = `
user ann acme
user bob zeta
b0  -5.00  bob  SEA19-C1  /library           Miss  sid=bob
f1   1.000 ann  SEA19-C1  /static/js/app.js  Miss  sid=ann
h1   1.420 bob  SEA19-C1  /static/js/app.js  Hit   of=f1
b1   4.000 bob  SEA19-C1  /api/videos/v_1    Miss  sid=ann
f2  55.000 ann  SFO5-P2   /static/js/app.js  Miss  sid=ann
h2  55.400 cyd  SFO5-P2   /static/js/app.js  Hit   of=f2
f3 300.000 dan  SFO5-P2   /static/js/app.js  Miss
h3 300.400 eve  SFO5-P2   /static/js/app.js  Hit   of=f3
b2 310.000 bob  SEA19-C1  /api/videos/v_2    Miss  sid=ann
`

func TestPhases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	perform(t, dir, revertLate)
	f := run(t, inputOf(t, dir, "case: synthetic-1", timeline))
	var got []string
	for _, p := range f.manifest.Phases {
		got = append(got, fmt.Sprintf("%s: judged %v, %d requests, %d fills, %d deliveries at %d, %d used, %d as holder, last %.19s",
			p.Phase, p.Judged, p.Requests, p.SessionFills, p.Deliveries, p.Locations, p.Used, p.AccessRows, p.LastDelivery))
	}
	want := []string{
		"before change: judged true, 0 requests, 0 fills, 0 deliveries at 0, 0 used, 0 as holder, last ",
		"after change: judged true, 2 requests, 1 fills, 1 deliveries at 1, 1 used, 1 as holder, last 2023-03-07T18:21:01",
		"after revert: judged true, 2 requests, 1 fills, 1 deliveries at 1, 0 used, 0 as holder, last 2023-03-07T18:21:55",
		"after shutdown: judged true, 2 requests, 0 fills, 0 deliveries at 0, 0 used, 1 as holder, last ",
		"after restart: judged false, 0 requests, 0 fills, 0 deliveries at 0, 0 used, 0 as holder, last ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("phases\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	minutes := of[model.PhaseMinute](f)
	sum, split := 0, 0
	for _, m := range minutes {
		sum += m.Deliveries
		if m.Minute.String() == "2023-03-07T18:21:00.000Z" {
			split++
		}
	}
	if sum != 2 || split != 2 {
		t.Errorf("%d deliveries in phases.csv, the first minute in %d records; want 2 and 2: %+v", sum, split, minutes)
	}
}

// TestOutside: what lies in the margin is listed and in no other count.
func TestOutside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	perform(t, dir, revertLate)
	whole := run(t, inputOf(t, dir))
	f := run(t, inputOf(t, dir, "from: 2023-03-07T18:21:00Z, to: 2023-03-07T18:31:00Z", "from: 2023-03-07T18:21:30Z, to: 2023-03-07T18:21:50Z"))
	outside := of[model.OutsideDelivery](f)
	var ids []string
	for _, o := range outside {
		ids = append(ids, o.ID)
	}
	var want []string
	for _, d := range whole.deliveries {
		if d.Tier != model.TierSetAside {
			want = append(want, d.ID)
		}
	}
	if !slices.Equal(ids, want) || len(ids) != 2 {
		t.Errorf("outside are %v, want %v", ids, want)
	}
	h := f.manifest.Headline
	if len(f.deliveries) != 0 || h.Deliveries.Upper != 0 || h.DeliveriesOutside != 2 {
		t.Errorf("%d deliveries inside, headline %+v", len(f.deliveries), h)
	}
	if o := h.Outside; o.Before != 1 || o.After != 1 || o.First != "2023-03-07T18:21:01.000Z" || o.Last != "2023-03-07T18:21:55.000Z" {
		t.Errorf("outside %+v", o)
	}
}

// TestReports has a report for each outcome.
func TestReports(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	perform(t, dir, `
user ann acme
user bob zeta
user cyd coda
user dan delta
user eve echo
user fay foxtrot
user gil golf
b0  -5.00  bob  SEA19-C1  /library            Miss  sid=bob
c0  -4.00  cyd  SEA19-C1  /library            Miss  sid=cyd
d0  -4.00  dan  SEA19-C1  /library            Miss  sid=dan
e0  -4.00  eve  SEA19-C1  /library            Miss  sid=eve
g0  -4.00  gil  SEA19-C1  /library            Miss  sid=gil
f1   1.000 ann  SEA19-C1  /static/js/app.js   Miss  sid=ann
h1   1.420 bob  SEA19-C1  /static/js/app.js   Hit   of=f1
b1   4.000 bob  SEA19-C1  /api/videos/v_1     Miss  sid=ann
f2  20.000 ann  SEA19-C1  /static/css/app.css Miss  sid=ann
a2  20.300 ann  SEA19-C1  /static/css/app.css Hit   of=f2
f3 100.000 x    SFO5-P2   /static/js/app.js   Miss
h3 100.300 dan  SFO5-P2   /static/js/app.js   Hit   of=f3
h4  20.600 gil  SEA19-C1  /static/js/new.js   Hit
f5 640.000 ann  SFO5-P2   /static/css/app.css Miss  sid=ann
h5 640.300 eve  SFO5-P2   /static/css/app.css Hit   of=f5
`)
	lines := []struct{ at, user, workspace, outcome, by, words string }{
		{"2023-03-07T18:19:00Z", "bob", "", "before the window", "", "before the window begins"},
		{"2023-03-07T18:50:00Z", "bob", "", "explained", "recipient", "1 delivery before"},
		{"2023-03-07T18:51:00Z", "ann", "", "explained", "holder", "confirmed"},
		{"2023-03-07T18:52:00Z", "", "zeta", "explained", "workspace", ""},
		{"2023-03-07T18:53:00Z", "nobody", "", "not in the directory", "", "same kind"},
		{"2023-03-07T18:54:00Z", "fay", "", "not seen", "", "no request"},
		{"2023-03-07T18:55:00Z", "cyd", "", "no hit", "", "nothing came from the cache"},
		{"2023-03-07T18:56:00Z", "dan", "", "no session in the cache", "", "1 hit"},
		{"2023-03-07T18:57:00Z", "gil", "", "unattributed", "", "1 hit"},
		{"2023-03-07T18:58:00Z", "eve", "echo", "outside the window", "", "2023-03-07T18:31:40"},
		{"2023-03-09T18:58:00Z", "bob", "", "too late", "", "24h"},
	}
	table := "reported_at,user_id,workspace_id,note\n"
	for _, l := range lines {
		table += l.at + "," + l.user + "," + l.workspace + ",\"=HYPERLINK(\"\"http://note.example\"\")\"\n"
	}
	writeFile(t, filepath.Join(dir, "reports.csv"), table)
	f := run(t, inputOf(t, dir, "case: synthetic-1", "case: synthetic-1\nreports: {uri: reports.csv}"))
	got := of[model.ReportMatch](f)
	if len(got) != len(lines) {
		t.Fatalf("%d reports, want %d", len(got), len(lines))
	}
	for i, l := range lines {
		g := got[i]
		if g.Outcome != l.outcome || g.MatchedBy != l.by || !strings.Contains(g.Explanation, l.words) || g.User != l.user {
			t.Errorf("report of %s%s at %s: %s by %q: %s; want %s by %q", l.user, l.workspace, l.at, g.Outcome, g.MatchedBy, g.Explanation, l.outcome, l.by)
		}
		if (l.outcome == "explained") != (len(g.DeliveryIDs) > 0) {
			t.Errorf("report of %s%s: %s with deliveries %v", l.user, l.workspace, g.Outcome, g.DeliveryIDs)
		}
	}
	if r := f.manifest.Reports; r == nil || r.Total != len(lines) || r.Explained != 3 || r.Outcomes["not seen"] != 1 {
		t.Errorf("manifest says %+v", r)
	}
	if strings.Contains(f.text(t), "note.example") {
		t.Error("a report's note is in the findings")
	}
	if run(t, inputOf(t, dir)).manifest.Reports != nil {
		t.Error("without a table there is nothing to say of reports")
	}
}

// TestReportsSetAside: a report whose only rows a rule has set aside doubts the rule.
func TestReportsSetAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	perform(t, dir, `
user ann acme
user bob zeta
a0  -5.00  ann@office  SEA19-C1  /library            Miss  sid=ann port=50001
f1   1.000 ann@office  SEA19-C1  /static/js/app.js   Miss  sid=ann port=50001
h1   1.420 ann@office  SEA19-C1  /static/js/app.js   Hit   of=f1 port=50001
`)
	writeFile(t, filepath.Join(dir, "reports.csv"), "reported_at,user_id\n2023-03-07T18:50:00Z,ann\n")
	f := run(t, inputOf(t, dir, "case: synthetic-1", "case: synthetic-1\nreports: {uri: reports.csv}"))
	got := of[model.ReportMatch](f)[0]
	if got.Outcome != "only set aside" || !strings.Contains(got.Explanation, "SELF_HIT") || strings.Contains(got.Explanation, "NEVER_SEEN_AGAIN") {
		t.Errorf("%s: %s", got.Outcome, got.Explanation)
	}
}

// TestSecondMethod: ann's session is presented by bob, who was handed it, and
// in clean hours gil walks from one network to the other. fay's session is on
// two devices for no reason that a cache explains.
func TestSecondMethod(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	perform(t, dir, `
user ann acme
user bob zeta
user fay foxtrot
user gil golf
g0 -480.0 gil@home   SEA19-C1  /library           Miss  sid=gil
g1 -400.0 gil@train  SEA19-C1  /library           Miss  sid=gil
b0 -300.0 bob        SEA19-C1  /library           Miss  sid=bob
a0 -300.0 ann        SEA19-C1  /library           Miss  sid=ann
y0 -300.0 fay        SEA19-C1  /library           Miss  sid=fay
f1   1.000 ann       SEA19-C1  /static/js/app.js  Miss  sid=ann
h1   1.420 bob       SEA19-C1  /static/js/app.js  Hit   of=f1
b1   4.000 bob       SEA19-C1  /api/videos/v_1    Miss  sid=ann
y1  30.000 fay       SEA19-C1  /library           Miss  sid=fay
y2  90.000 eve       SEA19-C1  /library           Miss  sid=fay agent=safari
`)
	f := run(t, inputOf(t, dir))
	var got []string
	for _, x := range of[model.TwoDevices](f) {
		got = append(got, fmt.Sprintf("%s: %d devices in %d steps from %s, other agent %v, tier %q", x.User, x.Devices, x.Steps, x.First, x.OtherAgent, x.Tier))
	}
	slices.Sort(got)
	want := []string{
		`ann: 2 devices in 1 steps from 2023-03-07T18:20:00.000Z, other agent false, tier "confirmed"`,
		`fay: 2 devices in 1 steps from 2023-03-07T18:20:00.000Z, other agent true, tier ""`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("two devices: %q, want %q", got, want)
	}
	s := f.manifest.Second
	if s.Baseline != "lookback" || s.Sessions != 2 || s.Agents != 1 || s.OnlySecond != 1 || s.OnlySecondA != 1 || s.Overlap[0] != (model.TierShare{Tier: "confirmed", Sessions: 1, Shown: 1}) {
		t.Errorf("manifest says %+v", s)
	}
	if clean := (model.StepCount{Steps: 4, TwoDevices: 1, Sessions: 4, SessionsTD: 1}); s.InClean != clean {
		t.Errorf("clean hours: %+v, want %+v", s.InClean, clean)
	}
	if s.Expected != 0.5 { // 1 of 4 steps, and two in the window
		t.Errorf("expected %v", s.Expected)
	}
}

// TestCeilings counts each user and client once, however often they come.
func TestCeilings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	perform(t, dir, revertLate)
	f := run(t, inputOf(t, dir))
	// ann alone reached the routes with a session; bob, cyd and eve were served
	// by a cache, ann and dan by the origin.
	if c, want := f.manifest.Headline.Ceilings, (model.Ceilings{Users: 1, Workspaces: 1, Clients: 3}); c != want {
		t.Errorf("ceilings %+v, want %+v", c, want)
	}
}

// TestCeilingsHold: no estimate of a whole incident exceeds them.
func TestCeilingsHold(t *testing.T) {
	t.Parallel()
	dir := mixed(t, 8_000)
	h := run(t, inputOf(t, dir)).manifest.Headline
	c := h.Ceilings
	for _, x := range []struct {
		what           string
		upper, ceiling int
	}{
		{"holders", h.HolderUsers.Upper, c.Users + c.UnknownSessions},
		{"workspaces of holders", h.HolderWorkspaces.Upper, c.Workspaces},
		{"recipient devices", h.RecipientDevices.Upper, c.Clients},
	} {
		if x.upper == 0 || x.upper > x.ceiling {
			t.Errorf("%s: upper %d, ceiling %d", x.what, x.upper, x.ceiling)
		}
	}
}

// TestHeldOut: bob's first use of ann's session is hidden and was foretold; cyd
// keeps his own.
func TestHeldOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	perform(t, dir, `
user ann acme
user bob zeta
user cyd coda
b0  -5.00  bob  SEA19-C1  /library            Miss  sid=bob
c0  -4.00  cyd  SEA19-C1  /library            Miss  sid=cyd
f1   1.000 ann  SEA19-C1  /static/js/app.js   Miss  sid=ann
h1   1.420 bob  SEA19-C1  /static/js/app.js   Hit   of=f1
b1   4.000 bob  SEA19-C1  /api/videos/v_1     Miss  sid=ann
b2   5.000 bob  SEA19-C1  /api/videos/v_1     Miss  sid=ann
f2  20.000 ann  SEA19-C1  /static/css/app.css Miss  sid=ann
h2  20.300 cyd  SEA19-C1  /static/css/app.css Hit   of=f2 applied=0
c2  25.300 cyd  SEA19-C1  /library            Miss  sid=cyd
h3  80.000 eve  SEA19-C1  /static/css/app.css Hit   of=f2
`)
	f := run(t, inputOf(t, dir))
	h := f.manifest.HeldOut
	if h == nil || h.Hits != 2 || h.Pairs != 2 || h.Held != 1 || h.RankedTop != 1 || h.AsideHeld != 0 {
		t.Fatalf("held out: %+v", h)
	}
	// Both were foretold alike, as nothing told them apart; one came true.
	b := h.Bins[len(h.Bins)-1]
	if len(h.Bins) != 1 || b.N != 2 || b.Foretold < 0.8 || b.Found < 0.5 || b.Found > 0.7 || math.Abs(h.ECE-(b.Foretold-b.Found)) > 0.001 {
		t.Errorf("bins %+v, error %v", h.Bins, h.ECE)
	}
}

// TestSensitivity judges a whole incident again: the case itself must come out
// as it did, the alternatives must differ from it in their own direction, and
// asking must change nothing else.
func TestSensitivity(t *testing.T) {
	computes(t)
	t.Parallel()
	dir := mixed(t, 12_000) // judged a dozen times over
	plain := run(t, inputOf(t, dir))
	var text string
	for _, memory := range []int64{1 << 30, 1} {
		in := inputOf(t, dir)
		in.Sensitivity, in.Memory = true, memory
		f := run(t, in)
		if text == "" {
			text = f.text(t)
			checkSensitivity(t, plain, f)
		} else if got := f.text(t); got != text {
			t.Errorf("%d bytes of memory: %s", memory, firstDifference(text, got))
		}
	}
}

func checkSensitivity(t *testing.T, plain, f *findings) {
	t.Helper()
	by := map[string]model.Sensitivity{}
	for _, s := range f.manifest.Sensitivity {
		by[s.Alternative] = s
	}
	h, base := f.manifest.Headline, f.manifest.Sensitivity[0]
	if base.Workspaces != h.HolderWorkspaces || base.Deliveries != h.Deliveries || base.Lost != h.Unattributed || base.Appear+base.Vanish+base.Tier != 0 {
		t.Errorf("the case judged again: %+v, headline %+v", base, h)
	}
	if len(by) < 10 || by["expiry floor"].Vanish+by["expiry floor"].Tier == 0 || by["scope global"].Appear == 0 {
		t.Errorf("alternatives: %+v", f.manifest.Sensitivity)
	}
	if by["scope global"].Deliveries.Upper < base.Deliveries.Upper || by["expiry floor"].Lost <= base.Lost {
		t.Errorf("wider scope %+v, shorter life %+v, the case %+v", by["scope global"], by["expiry floor"], base)
	}
	changes := map[string]int{}
	for _, c := range of[model.TierChange](f) {
		if c.Change != "tier" {
			changes[c.Alternative+" "+c.Change]++
		}
	}
	for name, s := range by {
		if changes[name+" appears"] != s.Appear || changes[name+" vanishes"] != s.Vanish {
			t.Errorf("%s: rows %v, manifest %+v", name, changes, s)
		}
	}
	// Nothing else may change for having asked.
	f.manifest.Sensitivity = nil
	kept := slices.DeleteFunc(slices.Clone(f.all), func(x model.Finding) bool { _, is := x.(model.TierChange); return is })
	asked := findings{all: kept, manifest: f.manifest}
	if want, got := plain.text(t), asked.text(t); got != want {
		t.Errorf("asking changes the case: %s", firstDifference(want, got))
	}
}

// table reads a CSV file as maps by column.
func table(t *testing.T, name string) []map[string]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(readFile(t, name))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, cell := range row {
			m[rows[0][i]] = cell
		}
		out = append(out, m)
	}
	return out
}

// TestTrustAgainstTruth holds phases and reports of a whole incident to what
// truly happened in it. One location hears of the revert far too late.
func TestTrustAgainstTruth(t *testing.T) {
	computes(t)
	t.Parallel()
	cfg := demo(5)
	cfg.Rows = 50_000
	cfg.LateRevert, cfg.Reports, cfg.Timeline = 18*time.Minute, 30, true
	cfg.Locations[len(cfg.Locations)-1].Weight = 5 // it is the last one, and should be busy
	dir, _ := simulate(t, cfg)
	f := run(t, inputOf(t, dir))
	truth := map[string]int{}
	for _, d := range table(t, filepath.Join(dir, "truth", "deliveries.csv")) {
		if d["self"] == "0" && d["hit_row_present"] == "1" {
			truth[d["phase"]]++
		}
	}
	for _, p := range f.manifest.Phases {
		want, ok := truth[map[string]string{"after change": "before revert", "after revert": "after revert", "after shutdown": "after shutdown"}[p.Phase]]
		if off := p.Deliveries - want; ok && max(off, -off) > want/20+3 {
			t.Errorf("%s: %d deliveries, in truth %d", p.Phase, p.Deliveries, want)
		}
	}
	if truth["after revert"] < 8 {
		t.Errorf("only %v deliveries to compare", truth)
	}
	reports := of[model.ReportMatch](f)
	hidden := table(t, filepath.Join(dir, "truth", "reports.csv"))
	if len(reports) != len(hidden) || len(hidden) != cfg.Reports {
		t.Fatalf("%d reports, %d in truth", len(reports), len(hidden))
	}
	ids := map[string]string{} // delivery → hit
	for _, d := range f.deliveries {
		ids[d.ID] = d.Hit.RequestID
	}
	found, believed := 0, 0
	for i, r := range reports {
		h := hidden[i]
		if h["role"] == "" {
			if r.MatchedBy == "recipient" && r.Tier == "confirmed" {
				believed++
			}
			continue
		}
		if slices.ContainsFunc(r.DeliveryIDs, func(id string) bool { return ids[id] == h["hit_request_id"] }) && r.MatchedBy == h["role"] || r.Deliveries > 5 {
			found++
		}
	}
	if real := f.manifest.Reports.Total - 6; found < real*8/10 {
		t.Errorf("of %d true reports the delivery behind %d was found: %+v", real, found, f.manifest.Reports)
	}
	if believed > 1 {
		t.Errorf("%d of 6 mistaken reports are confirmed", believed)
	}
	if text := f.text(t); strings.Contains(text, "The name in the corner") || strings.Contains(text, "was I hacked") {
		t.Error("a note is in the findings")
	}
}
