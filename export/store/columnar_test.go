package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/export/internal/smallcase"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/model"
)

// TestColumnar writes a case whose edge log was Parquet: its rows are cited by
// row group and row, never by a line, and are found again by that.
func TestColumnar(t *testing.T) {
	var object uint32
	var findings []model.Finding
	for _, f := range smallcase.Findings() {
		if in, ok := f.(model.Input); ok && in.Kind == "edge" && !in.Pruned {
			in.Format, object = "cloudfront-v2-parquet", in.Object
			f = in
		}
		findings = append(findings, f)
	}
	findings = append(findings, model.Reject{Ref: model.Ref{Object: object, Offset: 2, Line: 1234}, Reason: "row group 2: its last rows are lost"})
	dir := filepath.Join(t.TempDir(), "case")
	c := smallcase.Write(t, dir, findings, smallcase.Manifest())
	if d := cmp.Diff(smallcase.Deliveries(), all(t, c.Deliveries()), plain); d != "" {
		t.Errorf("deliveries (-put +read):\n%s", d)
	}
	cited := 0
	for _, want := range smallcase.Rows() {
		rows, err := c.RowsOf(want.RequestID)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if want.Ref.Object != object || r.Kind != want.Kind || r.Evidence != c.Cite(want.Ref) {
				continue
			}
			cited++
			place := store.Group{RowGroup: want.Ref.Offset, Row: want.Ref.Line}
			if r.Group == nil || *r.Group != place || r.Line != 0 || r.Offset != 0 ||
				!strings.HasSuffix(r.Evidence, ":"+want.Ref.In("parquet")) || !strings.HasPrefix(r.Place(), "row group ") {
				t.Errorf("row %+v at %s, want %+v", r, r.Place(), place)
			}
		}
	}
	if cited == 0 {
		t.Error("no row of the edge log is cited")
	}
	rejects, err := os.ReadFile(filepath.Join(dir, "privileged", "rejects.jsonl"))
	if want := `"line":0,"offset":0,"row_group":2,"row":1234,"reason"`; err != nil || !strings.Contains(string(rejects), want) {
		t.Errorf("%v: %s\nlacks %s", err, rejects, want)
	}
}
