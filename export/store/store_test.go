package store_test

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/export/internal/smallcase"
	"github.com/spillscope/spillscope/export/seal"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/model"
)

func all[T any](t *testing.T, records iter.Seq2[T, error]) []T {
	t.Helper()
	var got []T
	for r, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	return got
}

// plain brings text to the form in which a case holds it.
var plain = cmp.Transformer("inert", inert.Text)

func TestRoundTrip(t *testing.T) {
	c := smallcase.Write(t, filepath.Join(t.TempDir(), "case"), smallcase.Findings(), smallcase.Manifest())
	var put struct {
		access  []model.Access
		revoke  []model.Revocation
		loose   []model.Unattributed
		unknown []model.UnresolvedUser
		joins   []model.JoinRate
		cover   []model.Coverage
		outside []model.OutsideDelivery
		phases  []model.PhaseMinute
		reports []model.ReportMatch
		second  []model.TwoDevices
		changes []model.TierChange
	}
	for _, f := range smallcase.Findings() {
		switch f := f.(type) {
		case model.Access:
			put.access = append(put.access, f)
		case model.Revocation:
			put.revoke = append(put.revoke, f)
		case model.Unattributed:
			put.loose = append(put.loose, f)
		case model.UnresolvedUser:
			put.unknown = append(put.unknown, f)
		case model.JoinRate:
			put.joins = append(put.joins, f)
		case model.Coverage:
			put.cover = append(put.cover, f)
		case model.OutsideDelivery:
			put.outside = append(put.outside, f)
		case model.PhaseMinute:
			put.phases = append(put.phases, f)
		case model.ReportMatch:
			put.reports = append(put.reports, f)
		case model.TwoDevices:
			put.second = append(put.second, f)
		case model.TierChange:
			put.changes = append(put.changes, f)
		}
	}
	check := func(what string, want, got any) {
		t.Helper()
		if d := cmp.Diff(want, got, plain); d != "" {
			t.Errorf("%s (-put +read):\n%s", what, d)
		}
	}
	check("deliveries", smallcase.Deliveries(), all(t, c.Deliveries()))
	check("users", smallcase.Users(), all(t, c.Users()))
	check("workspaces", smallcase.Workspaces(), all(t, c.Workspaces()))
	check("inputs", smallcase.Inputs(), all(t, c.Inputs()))
	check("accesses", put.access, all(t, c.Accesses()))
	check("revocations", put.revoke, all(t, c.Revocations()))
	check("unattributed", put.loose, all(t, c.Unattributed()))
	check("unresolved", put.unknown, all(t, c.UnresolvedUsers()))
	check("joins", put.joins, all(t, c.Joins()))
	check("coverage", put.cover, all(t, c.Coverage()))
	check("outside", put.outside, all(t, c.Outside()))
	check("phases", put.phases, all(t, c.Phases()))
	check("reports", put.reports, all(t, c.Reports()))
	check("second", put.second, all(t, c.TwoDevices()))
	check("sensitivity", put.changes, all(t, c.TierChanges()))
	check("headline", smallcase.Manifest().Headline, c.Manifest.Headline)
	for _, want := range smallcase.Rows() {
		rows, err := c.RowsOf(want.RequestID)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(rows, func(r store.Row) bool { return r.Line == want.Ref.Line && r.Kind == want.Kind })
		if i < 0 || rows[i].Offset != want.Ref.Offset || rows[i].Evidence != c.Cite(want.Ref) {
			t.Errorf("RowsOf(%q) = %+v, lacks line %d", want.RequestID, rows, want.Ref.Line)
		}
	}
}

// TestSameBytes: what does not vary must not, and run.json is the only file that does.
func TestSameBytes(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		smallcase.Write(t, filepath.Join(dir, name), smallcase.Findings(), smallcase.Manifest())
	}
	a, err := os.ReadFile(filepath.Join(dir, "a", seal.List))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "b", seal.List))
	if err != nil || string(a) != string(b) {
		t.Errorf("two cases of the same findings differ: %v\n%s", err, cmp.Diff(string(a), string(b)))
	}
	if strings.Contains(string(a), "run.json") {
		t.Error("the list names run.json, which varies")
	}
}

func TestRowsOfFindsEachAmongMany(t *testing.T) {
	const n = 20_000 // some 5 MB, far more than the window of the search
	findings := []model.Finding{smallcase.Inputs()[0]}
	for i := range n {
		for line := range 1 + i%3 {
			findings = append(findings, model.CitedRow{Kind: "edge", Citation: model.Citation{
				RequestID: fmt.Sprintf("r%06d", 2*i), Ref: model.Ref{Object: 1, Line: uint64(line + 1)}}})
		}
	}
	c := smallcase.Write(t, filepath.Join(t.TempDir(), "case"), findings, model.Manifest{})
	for i := 0; i < n; i += 97 {
		rows, err := c.RowsOf(fmt.Sprintf("r%06d", 2*i))
		if err != nil || len(rows) != 1+i%3 {
			t.Fatalf("row %d: %d rows, %v; want %d", i, len(rows), err, 1+i%3)
		}
	}
	for _, absent := range []string{"", "r000001", "r999999", "zz"} {
		if rows, err := c.RowsOf(absent); err != nil || len(rows) != 0 {
			t.Errorf("RowsOf(%q) = %v, %v", absent, rows, err)
		}
	}
}

// leftovers lists what is in the parent of the case.
func leftovers(t *testing.T, parent string) []string {
	t.Helper()
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestCreateRefuses(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "case")
	smallcase.Write(t, dir, smallcase.Findings(), smallcase.Manifest())
	other := filepath.Join(parent, "photos")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(other, "cat.jpg"), filepath.Join(parent, "file")} {
		if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		dir   string
		force bool
		hint  string
	}{
		{dir, false, "--force"},
		{other, false, "not a case"},
		{other, true, "not a case"}, // force replaces cases, not folders
		{filepath.Join(parent, "file"), true, "not a case"},
	} {
		_, err := store.Create(tt.dir, store.Options{Force: tt.force})
		var exists *store.ExistsError
		if !errors.As(err, &exists) || !strings.Contains(err.Error(), tt.hint) {
			t.Errorf("Create(%s, force %v) = %v, want a hint at %q", tt.dir, tt.force, err, tt.hint)
		}
	}
	if got, want := leftovers(t, parent), []string{"case", "file", "photos"}; !slices.Equal(got, want) {
		t.Errorf("left behind: %v", got)
	}
}

func TestEmptyFolderIsTaken(t *testing.T) {
	smallcase.Write(t, t.TempDir(), smallcase.Findings(), smallcase.Manifest())
}

func TestForceReplacesAtTheEnd(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "case")
	smallcase.Write(t, dir, smallcase.Findings(), smallcase.Manifest())
	w, err := store.Create(dir, store.Options{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := store.Open(dir); err != nil || c.Manifest.Case != smallcase.Manifest().Case {
		t.Fatalf("old case is gone before the new one is finished: %v", err)
	}
	if err := w.Finish(model.Manifest{Case: "new"}, smallcase.Run()); err != nil {
		t.Fatal(err)
	}
	c, err := store.Open(dir)
	if err != nil || c.Manifest.Case != "new" {
		t.Fatalf("case was not replaced: %v", err)
	}
	if got := leftovers(t, parent); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

func TestFailureLeavesNothing(t *testing.T) {
	broken := store.Output{Path: "privileged/report.html", Write: func(w io.Writer, _ *store.Case) error {
		_, err := io.WriteString(w, "half a page")
		return errors.Join(err, errors.New("no space left on device"))
	}}
	for _, tt := range []struct {
		name, want string
		outputs    []store.Output
		put        model.Finding
	}{
		{"output", "privileged/report.html: ", []store.Output{broken}, nil},
		{"evidence without input", "privileged/deliveries.csv: column hit_evidence: ", nil,
			model.Delivery{Hit: model.Citation{Ref: model.Ref{Object: 99, Line: 1}}}},
		{"rows out of order", "privileged/rows.jsonl: ", nil,
			model.CitedRow{Citation: model.Citation{RequestID: "a", Ref: model.Ref{Object: 1, Line: 1}}}},
		{"two outputs of one name", "privileged/users.csv: ", []store.Output{{Path: "privileged/users.csv"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parent := t.TempDir()
			w, err := store.Create(filepath.Join(parent, "case"), store.Options{Outputs: tt.outputs})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range smallcase.Findings() {
				if err := w.Put(f); err != nil {
					t.Fatal(err)
				}
			}
			if tt.put != nil {
				if err := w.Put(tt.put); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("Put = %v, want %q", err, tt.want)
				}
			}
			if err := w.Finish(smallcase.Manifest(), smallcase.Run()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Finish = %v, want %q", err, tt.want)
			}
			if got := leftovers(t, parent); len(got) != 0 {
				t.Errorf("left behind: %v", got)
			}
		})
	}
}

func TestAbort(t *testing.T) {
	parent := t.TempDir()
	w, err := store.Create(filepath.Join(parent, "case"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Put(smallcase.Inputs()[0]), w.Abort(), w.Abort()); err != nil {
		t.Fatal(err)
	}
	if got := leftovers(t, parent); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	if err := w.Put(smallcase.Inputs()[0]); err == nil {
		t.Error("Put after Abort succeeds")
	}
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "case")
	if _, err := store.Open(dir); err == nil || !strings.Contains(err.Error(), "not a case") {
		t.Errorf("Open of nothing = %v", err)
	}
	c := smallcase.Write(t, dir, smallcase.Findings(), smallcase.Manifest())
	path := filepath.Join(dir, "privileged", "deliveries.csv")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ old, new, want string }{
		{"probable", "likely", `privileged/deliveries.csv:3: column tier: has no value "likely"`},
		{"p_applied", "p", `privileged/deliveries.csv:1: column 17 should be "p_applied"`},
		{"edge/E2EXAMPLE", "edge/OTHER", "privileged/deliveries.csv:2: column hit_evidence"},
	} {
		if err := os.WriteFile(path, []byte(strings.Replace(string(raw), tt.old, tt.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		var got error
		for _, err := range c.Deliveries() {
			got = err
		}
		if got == nil || !strings.Contains(got.Error(), tt.want) {
			t.Errorf("with %q: %v, want %q", tt.new, got, tt.want)
		}
	}
}
