package parquet_test

import (
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/scan/internal/decode/parquet/parquettest"
)

const (
	required = parquet.Repetition(0)
	optional = parquet.Repetition(1)
	repeated = parquet.Repetition(2)
)

func group(name string, rep parquet.Repetition, logical schema.LogicalType, fields ...schema.Node) schema.Node {
	return schema.MustGroup(schema.NewGroupNodeLogical(name, rep, fields, logical, -1))
}

func text(name string, rep parquet.Repetition) schema.Node {
	return schema.MustPrimitive(schema.NewPrimitiveNodeLogical(name, rep, schema.StringLogicalType{}, parquet.Types.ByteArray, -1, -1))
}

// TestNested reads rows whose levels were worked out by hand, after the
// format's own example of records shredded into columns.
func TestNested(t *testing.T) {
	list, dict := schema.NewListLogicalType(), schema.MapLogicalType{}
	words := func(s ...string) (out []parquet.ByteArray) {
		for _, v := range s {
			out = append(out, parquet.ByteArray(v))
		}
		return out
	}
	for _, c := range []struct {
		name   string
		node   schema.Node
		leaves []parquettest.Leaf
		bound  []string
		want   []string
	}{
		{"struct", group("user", optional, nil, schema.NewInt64Node("id", required, -1), group("home", optional, nil, text("city", optional))),
			// {1, {"Ulm"}}, null, {2, null}, {3, {null}}
			[]parquettest.Leaf{{Values: []int64{1, 2, 3}, Def: []int16{1, 0, 1, 1}}, {Values: words("Ulm"), Def: []int16{3, 0, 1, 2}}},
			[]string{"user.id", "user.home.city"}, []string{"1|Ulm", "∅|∅", "2|∅", "3|∅"}},
		{"list", group("tags", optional, list, group("list", repeated, nil, text("element", optional))),
			// ["a", null, "<b>"], null, [], ["c"]
			[]parquettest.Leaf{{Values: words("a", "<b>", "c"), Def: []int16{3, 2, 3, 0, 1, 3}, Rep: []int16{0, 1, 1, 0, 0, 0}}},
			[]string{"tags"}, []string{`["a",null,"\u003cb\u003e"]`, "∅", "[]", `["c"]`}},
		{"list of the older form", group("n", optional, list, schema.NewInt32Node("array", repeated, -1)),
			[]parquettest.Leaf{{Values: []int32{1, 2}, Def: []int16{2, 2, 0, 1}, Rep: []int16{0, 1, 0, 0}}},
			[]string{"n"}, []string{"[1,2]", "∅", "[]"}},
		{"repeated", schema.NewInt32Node("n", repeated, -1),
			[]parquettest.Leaf{{Values: []int32{1, 2, 3}, Def: []int16{1, 1, 0, 1}, Rep: []int16{0, 1, 0, 0}}},
			[]string{"n"}, []string{"[1,2]", "[]", "[3]"}},
		{"map", group("m", optional, dict, group("key_value", repeated, nil, text("key", required), schema.NewBooleanNode("value", optional, -1))),
			// {"a": true, "b": null}, {}, null
			[]parquettest.Leaf{{Values: words("a", "b"), Def: []int16{2, 2, 1, 0}, Rep: []int16{0, 1, 0, 0}},
				{Values: []bool{true}, Def: []int16{3, 2, 1, 0}, Rep: []int16{0, 1, 0, 0}}},
			[]string{"m"}, []string{`{"a":true,"b":null}`, "{}", "∅"}},
		{"map with numbers for keys", group("m", required, dict, group("key_value", repeated, nil, schema.NewInt64Node("key", required, -1), schema.NewFloat64Node("value", required, -1))),
			[]parquettest.Leaf{{Values: []int64{7, 8}, Def: []int16{1, 1}, Rep: []int16{0, 1}}, {Values: []float64{0.5, math.NaN()}, Def: []int16{1, 1}, Rep: []int16{0, 1}}},
			[]string{"m"}, []string{`{"7":0.5,"8":"NaN"}`}},
		{"list of lists in a struct", group("s", optional, nil, group("l", required, list, group("list", repeated, nil,
			group("element", required, list, group("list", repeated, nil, schema.NewInt32Node("element", required, -1)))))),
			// [[1,2],[3]], [[],[4]], [], null
			[]parquettest.Leaf{{Values: []int32{1, 2, 3, 4}, Def: []int16{3, 3, 3, 2, 3, 1, 0}, Rep: []int16{0, 2, 1, 0, 1, 0, 0}}},
			[]string{"s.l"}, []string{"[[1,2],[3]]", "[[],[4]]", "[]", "∅"}},
		{"list of structs", group("items", required, list, group("list", repeated, nil, group("element", optional, nil, text("sku", required), schema.NewInt32Node("n", optional, -1)))),
			// [{x,1},null,{y,null}], []
			[]parquettest.Leaf{{Values: words("x", "y"), Def: []int16{2, 1, 2, 0}, Rep: []int16{0, 1, 1, 0}},
				{Values: []int32{1}, Def: []int16{3, 1, 2, 0}, Rep: []int16{0, 1, 1, 0}}},
			[]string{"items"}, []string{`[{"sku":"x","n":1},null,{"sku":"y","n":null}]`, "[]"}},
	} {
		b := parquettest.File(t, schema.FieldList{c.node}, [][]parquettest.Leaf{c.leaves})
		got := &table{}
		if _, _, err := read(t, b, got); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.bound, got.bound); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if diff := cmp.Diff(c.want, got.rows); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
