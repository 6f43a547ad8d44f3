package scan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode/parquet/parquettest"
)

// appColumn is a column of the application's log as a warehouse exports it:
// typed, nothing but the request id required.
type appColumn struct {
	name string
	node schema.Node
	leaf parquettest.Leaf
}

func appColumns() []*appColumn {
	var out []*appColumn
	add := func(name string, logical schema.LogicalType, typ parquet.Type, values any) {
		node := schema.MustPrimitive(schema.NewPrimitiveNodeLogical(name, parquet.Repetitions.Optional, logical, typ, -1, -1))
		out = append(out, &appColumn{name: name, node: node, leaf: parquettest.Leaf{Values: values}})
	}
	add("ts", schema.NewTimestampLogicalType(true, schema.TimeUnitMillis), parquet.Types.Int64, []int64(nil))
	add("status", nil, parquet.Types.Int32, []int32(nil))
	add("set_cookie", nil, parquet.Types.Boolean, []bool(nil))
	for _, name := range []string{"cf_id", "method", "path", "sid_hash", "user_id", "set_sid_hash", "ua", "xff"} {
		add(name, schema.StringLogicalType{}, parquet.Types.ByteArray, []parquet.ByteArray(nil))
	}
	return out
}

// add puts a value as JSON has it into the column.
func (c *appColumn) add(t *testing.T, v any) {
	t.Helper()
	if v == nil {
		c.leaf.Def = append(c.leaf.Def, 0)
		return
	}
	c.leaf.Def = append(c.leaf.Def, 1)
	switch c.leaf.Values.(type) {
	case []int64:
		at, err := time.Parse(time.RFC3339Nano, v.(string))
		if err != nil {
			t.Fatal(err)
		}
		push(c, at.UnixMilli())
	case []int32:
		push(c, int32(v.(float64)))
	case []bool:
		push(c, v.(bool))
	case []parquet.ByteArray:
		push(c, parquet.ByteArray(fmt.Sprint(v)))
	}
}

func push[T any](c *appColumn, v T) { c.leaf.Values = append(c.leaf.Values.([]T), v) }

// toParquet writes the application's log of a simulated incident once more, as
// Parquet files of several row groups, and returns their names.
func toParquet(t *testing.T, dir string) (names []string) {
	t.Helper()
	for _, name := range glob(t, filepath.Join(dir, "origin", "*.jsonl.gz")) {
		var fields schema.FieldList
		var groups [][]parquettest.Leaf
		lines := strings.Split(strings.TrimSpace(readFile(t, name)), "\n")
		for part := range slices.Chunk(lines, 1+len(lines)/3) {
			cols := appColumns()
			fields = nil
			var leaves []parquettest.Leaf
			for _, line := range part {
				var row map[string]any
				if err := json.Unmarshal([]byte(line), &row); err != nil {
					t.Fatal(err)
				}
				for _, c := range cols {
					c.add(t, row[c.name])
				}
			}
			for _, c := range cols {
				fields, leaves = append(fields, c.node), append(leaves, c.leaf)
			}
			groups = append(groups, leaves)
		}
		out := filepath.Join(dir, "warehouse", strings.TrimSuffix(filepath.Base(name), ".jsonl.gz")+".parquet")
		writeFile(t, out, string(parquettest.WithChecksums(t, parquettest.File(t, fields, groups))))
		names = append(names, out)
	}
	return names
}

// asWarehouse points the incident at what toParquet wrote.
var asWarehouse = []string{"origin/*.jsonl.gz", "warehouse/*.parquet", "format: jsonl", "format: auto"}

// TestOriginParquet reads one application's log as JSON lines and as Parquet.
func TestOriginParquet(t *testing.T) {
	computes(t)
	t.Parallel()
	cfg := demo(5)
	cfg.Rows = 12_000
	dir, _ := simulate(t, cfg)
	text := run(t, inputOf(t, dir))
	toParquet(t, dir)
	cols := run(t, inputOf(t, dir, asWarehouse...))
	want, got := deliveryLines(text), deliveryLines(cols)
	if len(want) < 10 || !slices.Equal(want, got) {
		t.Errorf("%d and %d deliveries; %s", len(want), len(got), firstDifference(strings.Join(want, "\n"), strings.Join(got, "\n")))
	}
	in := cols.input(t, "warehouse/")
	if in.Format != "parquet" || in.Lines == 0 || !in.Holds() || in.SHA256 == "" || in.Problem != "" {
		t.Errorf("input %+v", in)
	}
	var groups [3]int
	for _, c := range cols.cited {
		if c.Kind == "origin" {
			groups[c.Ref.Offset]++
		}
	}
	if slices.Contains(groups[:], 0) {
		t.Errorf("rows cited by row group: %v", groups)
	}
}

// TestEdgeParquet reads one CDN's log as v2 JSON, as v2 Parquet, and as an
// archive that changed from the one to the other in between; both stand in
// Hive partitions.
func TestEdgeParquet(t *testing.T) {
	t.Parallel()
	cfg := demo(5)
	cfg.Rows = 10_000
	cfg.EdgeForms, cfg.LogCookie = []sim.EdgeForm{sim.V2JSON, sim.V2Parquet}, true
	dir, _ := simulate(t, cfg)
	source := func(form string) string {
		return "  - {kind: edge, uri: edge-" + form + "/**, format: auto, session_form: {hash: sha256-hex}}\n"
	}
	json, cols := source("v2-json"), source("v2-parquet")
	want := run(t, inputOf(t, dir, cols, ""))
	whole := run(t, inputOf(t, dir, json, ""))
	if len(want.deliveries) < 10 || !slices.Equal(deliveryLines(want), deliveryLines(whole)) {
		t.Errorf("%d deliveries by JSON, %d by Parquet: %s", len(want.deliveries), len(whole.deliveries),
			firstDifference(strings.Join(deliveryLines(want), "\n"), strings.Join(deliveryLines(whole), "\n")))
	}
	in := whole.input(t, "hour=")
	if in.Format != "cloudfront-v2-parquet" || in.Parsed == 0 || in.Rejected != 0 || !in.Holds() {
		t.Errorf("input %+v", in)
	}
	objects := glob(t, filepath.Join(dir, "edge-v2-*", "*", "*", "*", "*", "*", "*"))
	hours := map[string]bool{}
	for _, name := range objects {
		hours[filepath.Dir(name)[strings.Index(name, "year="):]] = true
	}
	sorted := slices.Sorted(maps.Keys(hours))
	for _, name := range objects {
		late := slices.Index(sorted, filepath.Dir(name)[strings.Index(name, "year="):]) >= len(sorted)/2
		if late != strings.Contains(name, "v2-parquet") {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	mixed := run(t, inputOf(t, dir, json, "", cols, source("v2-*")))
	if !slices.Equal(deliveryLines(want), deliveryLines(mixed)) {
		t.Errorf("mixed: %s", firstDifference(strings.Join(deliveryLines(want), "\n"), strings.Join(deliveryLines(mixed), "\n")))
	}
	formats := map[string]bool{}
	for _, in := range mixed.inputs {
		formats[in.Format] = formats[in.Format] || in.Kind == "edge"
	}
	if !formats["cloudfront-v2-json"] || !formats["cloudfront-v2-parquet"] {
		t.Errorf("formats %v of %d hours", formats, len(sorted))
	}
}

// TestInspectParquet: both logs are surveyed whatever form they have.
func TestInspectParquet(t *testing.T) {
	computes(t)
	t.Parallel()
	cfg := sim.Small(0.5, 5)
	cfg.EdgeForms = []sim.EdgeForm{sim.V2JSON, sim.V2Parquet}
	dir, _ := simulate(t, cfg)
	toParquet(t, dir)
	text, cols := inspect(t, dir, "edge-v2-json", "origin"), inspect(t, dir, "edge-v2-parquet", "warehouse")
	if len(cols.Sources) != 2 || cols.Sources[0].Rows == 0 || cols.Sources[0].Rows != text.Sources[0].Rows || cols.Sources[0].Rejected != 0 {
		t.Fatalf("sources %+v, by JSON %+v", cols.Sources, text.Sources)
	}
	if !reflect.DeepEqual(text.Routes, cols.Routes) || !cols.Routes[0].Leaks {
		t.Errorf("routes by JSON %+v, by Parquet %+v", text.Routes[:2], cols.Routes[:2])
	}
	if a, b := text.Sources[1], cols.Sources[1]; b.Format != "Parquet table" || a.Rows != b.Rows || !maps.Equal(a.Map, b.Map) {
		t.Errorf("the application's log: %+v, by JSON %+v", b, a)
	}
	names := glob(t, filepath.Join(dir, "warehouse", "*"))
	if err := os.Truncate(names[0], 1000); err != nil {
		t.Fatal(err)
	}
	cut := inspect(t, dir, "edge-v2-parquet", "warehouse")
	if len(cut.Problems) != 1 || !strings.Contains(cut.Problems[0], "cut short") {
		t.Errorf("problems %q", cut.Problems)
	}
}

func deliveryLines(f *findings) (lines []string) {
	for _, d := range f.deliveries {
		lines = append(lines, strings.Join([]string{d.Hit.RequestID, d.Fill.RequestID, d.HolderUser, d.RecipientUser, d.Tier.String(),
			strconv.FormatFloat(d.PApplied, 'f', 3, 64)}, " "))
	}
	return lines
}

// TestDamagedParquet checks that a damaged row group is told and counted, and
// that the scan is not called complete.
func TestDamagedParquet(t *testing.T) {
	t.Parallel()
	cfg := demo(5)
	cfg.Rows = 6_000
	dir, _ := simulate(t, cfg)
	names := toParquet(t, dir)
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	writeFile(t, names[0], string(b))
	f := run(t, inputOf(t, dir, asWarehouse...))
	in := f.input(t, filepath.Base(names[0]))
	if !strings.Contains(in.Problem, "rows are lost") || in.Rejected != 1 || in.Parsed == 0 || !in.Holds() {
		t.Errorf("input %+v", in)
	}
	if len(f.rejects) != 1 || f.rejects[0].Ref.Offset != 1 || !strings.Contains(f.rejects[0].Reason, "checksum") {
		t.Errorf("rejects %+v", f.rejects)
	}
	if f.manifest.Complete || !strings.Contains(strings.Join(f.manifest.Partial, "\n"), filepath.Base(names[0])) {
		t.Errorf("complete %v, partial %q", f.manifest.Complete, f.manifest.Partial)
	}
	if err := os.Truncate(names[0], int64(len(b)-100)); err != nil {
		t.Fatal(err)
	}
	f = run(t, inputOf(t, dir, asWarehouse...))
	if in := f.input(t, filepath.Base(names[0])); !strings.Contains(in.Problem, "cut short") || in.Balance != (model.Balance{}) {
		t.Errorf("cut short: %+v", in)
	}
}
