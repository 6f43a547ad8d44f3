package scan_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"

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
	switch values := c.leaf.Values.(type) {
	case []int64:
		at, err := time.Parse(time.RFC3339Nano, v.(string))
		if err != nil {
			t.Fatal(err)
		}
		c.leaf.Values = append(values, at.UnixMilli())
	case []int32:
		c.leaf.Values = append(values, int32(v.(float64)))
	case []bool:
		c.leaf.Values = append(values, v.(bool))
	case []parquet.ByteArray:
		text, ok := v.(string)
		if !ok {
			text = fmt.Sprint(v)
		}
		c.leaf.Values = append(values, parquet.ByteArray(text))
	}
}

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
	if in.Format != "parquet" || in.Balance.Lines == 0 || !in.Balance.Holds() || in.SHA256 == "" || in.Problem != "" {
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
	if !strings.Contains(in.Problem, "rows are lost") || in.Rejected != 1 || in.Parsed == 0 || !in.Balance.Holds() {
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
