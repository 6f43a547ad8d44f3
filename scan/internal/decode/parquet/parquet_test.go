package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	reader "github.com/spillscope/spillscope/scan/internal/decode/parquet"
	"github.com/spillscope/spillscope/scan/internal/decode/parquet/parquettest"
)

// table keeps the rows it is given as text.
type table struct {
	want  []string // names; none: all
	rows  []string
	refs  []model.Ref
	bound []string
	only  string // of the first column; other rows are filtered
	bad   string // of the first column: rejected
}

func (t *table) Bind(names []string) ([]int, error) {
	t.bound = slices.Clone(names)
	var places []int
	for i, name := range names {
		if len(t.want) == 0 || slices.Contains(t.want, name) {
			places = append(places, i)
		}
	}
	if len(t.want) > len(places) {
		return nil, errors.New("a column is missing")
	}
	return places, nil
}

func (t *table) Row(ref model.Ref, values [][]byte) (decode.Outcome, string) {
	switch first := string(values[0]); {
	case t.only != "" && first != t.only:
		return decode.Filtered, ""
	case t.bad != "" && first == t.bad:
		return decode.Rejected, "bad"
	}
	var cells []string
	for _, v := range values {
		if v == nil {
			cells = append(cells, "∅")
			continue
		}
		cells = append(cells, string(v))
	}
	t.rows, t.refs = append(t.rows, strings.Join(cells, "|")), append(t.refs, ref)
	return decode.Parsed, ""
}

// pruned is a table that only wants rows whose first column is `only`.
type pruned struct{ *table }

func (p pruned) Outside(column string, least, greatest []byte) bool {
	return column == p.bound[0] && (p.only < string(least) || p.only > string(greatest))
}

func read(t testing.TB, b []byte, d decode.Columnar) (model.Balance, []model.Reject, error) {
	t.Helper()
	var rejects []model.Reject
	balance, err := reader.Read(bytes.NewReader(b), int64(len(b)), 7, d, func(r model.Reject) { rejects = append(rejects, r) })
	if !balance.Holds() || balance.Rejected != int64(len(rejects)) {
		t.Errorf("balance %+v with %d rejects does not hold", balance, len(rejects))
	}
	return balance, rejects, err
}

func leaf(name string, logical schema.LogicalType, typ parquet.Type, length int) schema.Node {
	return schema.MustPrimitive(schema.NewPrimitiveNodeLogical(name, parquet.Repetitions.Optional, logical, typ, length, -1))
}

// flat is one row group of optional columns: values, and then a null.
func flat(values ...any) []parquettest.Leaf {
	var out []parquettest.Leaf
	for _, v := range values {
		out = append(out, parquettest.Leaf{Values: v, Def: []int16{1, 1, 0}})
	}
	return out
}

func TestTypes(t *testing.T) {
	stamp := schema.NewTimestampLogicalType
	clock := func(u schema.TimeUnitType) schema.LogicalType { return schema.NewTimeLogicalType(true, u) }
	bytesOf := func(s ...string) (out []parquet.ByteArray) {
		for _, v := range s {
			out = append(out, parquet.ByteArray(v))
		}
		return out
	}
	fixed := func(s ...string) (out []parquet.FixedLenByteArray) {
		for _, v := range s {
			out = append(out, parquet.FixedLenByteArray(v))
		}
		return out
	}
	const at = int64(1678213260) // 2023-03-07T18:21:00Z
	types := parquet.Types
	for _, c := range []struct {
		name    string
		logical schema.LogicalType
		typ     parquet.Type
		length  int
		values  any
		want    []string
	}{
		{"text", schema.StringLogicalType{}, types.ByteArray, -1, bytesOf("a|b", ""), []string{"a|b", ""}},
		{"bytes", nil, types.ByteArray, -1, bytesOf("GET", "\xff"), []string{"GET", "\xff"}},
		{"fixed", nil, types.FixedLenByteArray, 3, fixed("GET", "PUT"), []string{"GET", "PUT"}},
		{"bool", nil, types.Boolean, -1, []bool{true, false}, []string{"true", "false"}},
		{"int32", nil, types.Int32, -1, []int32{-1, 200}, []string{"-1", "200"}},
		{"int64", nil, types.Int64, -1, []int64{-1 << 63, 1<<63 - 1}, []string{"-9223372036854775808", "9223372036854775807"}},
		{"uint8", schema.NewIntLogicalType(8, false), types.Int32, -1, []int32{255, 0}, []string{"255", "0"}},
		{"uint32", schema.NewIntLogicalType(32, false), types.Int32, -1, []int32{-1, 0}, []string{"4294967295", "0"}},
		{"uint64", schema.NewIntLogicalType(64, false), types.Int64, -1, []int64{-1, 0}, []string{"18446744073709551615", "0"}},
		{"float", nil, types.Float, -1, []float32{0.1, 16777216}, []string{"0.1", "16777216"}},
		{"double", nil, types.Double, -1, []float64{1678213260.123, 1e21}, []string{"1678213260.123", "1000000000000000000000"}},
		{"half", schema.Float16LogicalType{}, types.FixedLenByteArray, 2, fixed("\x00\x3c", "\x00\xc4"), []string{"1", "-4"}},
		{"date", schema.DateLogicalType{}, types.Int32, -1, []int32{19423, -1}, []string{"2023-03-07", "1969-12-31"}},
		{"millis of the day", clock(schema.TimeUnitMillis), types.Int32, -1, []int32{66060123, -5}, []string{"18:21:00.123", "-5"}},
		{"micros of the day", clock(schema.TimeUnitMicros), types.Int64, -1, []int64{66060123456, 0}, []string{"18:21:00.123456", "00:00:00.000000"}},
		{"nanos of the day", clock(schema.TimeUnitNanos), types.Int64, -1, []int64{66060123456789, 86400e9}, []string{"18:21:00.123456789", "86400000000000"}},
		{"ms, UTC", stamp(true, schema.TimeUnitMillis), types.Int64, -1, []int64{at*1e3 + 7, -1}, []string{"2023-03-07T18:21:00.007Z", "1969-12-31T23:59:59.999Z"}},
		{"µs, UTC", stamp(true, schema.TimeUnitMicros), types.Int64, -1, []int64{at*1e6 + 7, 0}, []string{"2023-03-07T18:21:00.000007Z", "1970-01-01T00:00:00.000000Z"}},
		{"ns, UTC", stamp(true, schema.TimeUnitNanos), types.Int64, -1, []int64{at*1e9 + 7, 0}, []string{"2023-03-07T18:21:00.000000007Z", "1970-01-01T00:00:00.000000000Z"}},
		{"ms, local", stamp(false, schema.TimeUnitMillis), types.Int64, -1, []int64{at * 1e3, 0}, []string{"2023-03-07T18:21:00.000", "1970-01-01T00:00:00.000"}},
		{"int96", nil, types.Int96, -1, []parquet.Int96{parquet.NewInt96([3]uint32{5, 0, 2440588 + 19423}), {}}, []string{"2023-03-07T00:00:00.000000005", "-4713-11-24T00:00:00.000000000"}},
		{"decimal of 4 bytes", schema.NewDecimalLogicalType(9, 2), types.Int32, -1, []int32{1250, -5}, []string{"12.50", "-0.05"}},
		{"decimal of 8 bytes", schema.NewDecimalLogicalType(18, 0), types.Int64, -1, []int64{12, -5}, []string{"12", "-5"}},
		{"decimal of any bytes", schema.NewDecimalLogicalType(38, 3), types.ByteArray, -1, bytesOf("\x01\x00", "\xff"), []string{"0.256", "-0.001"}},
		{"decimal of fixed bytes", schema.NewDecimalLogicalType(4, 1), types.FixedLenByteArray, 2, fixed("\x7f\xff", "\x80\x00"), []string{"3276.7", "-3276.8"}},
		{"uuid", schema.UUIDLogicalType{}, types.FixedLenByteArray, 16, fixed("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", strings.Repeat("\x00", 16)),
			[]string{"00112233-4455-6677-8899-aabbccddeeff", "00000000-0000-0000-0000-000000000000"}},
		{"json", schema.JSONLogicalType{}, types.ByteArray, -1, bytesOf(`{"a":1}`, `[]`), []string{`{"a":1}`, `[]`}},
	} {
		b := parquettest.File(t, schema.FieldList{leaf("x", c.logical, c.typ, c.length)}, [][]parquettest.Leaf{flat(c.values)})
		got := &table{}
		if _, _, err := read(t, b, got); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(append(c.want, "∅"), got.rows); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

var people = [][]string{
	{"2023-03-07", "alice", "a"}, {"2023-03-07", "bob", parquettest.Null}, {"2023-03-07", "carol", ""},
	{"2023-03-08", "dave", parquettest.Null}, {"2023-03-08", "erin", parquettest.Null}, {"2023-03-09", "frank", "f"},
}

var peopleNames = []string{"date", "User_Name", "note"}

func TestRead(t *testing.T) {
	b := parquettest.Strings(t, peopleNames, people, 3)
	all := &table{}
	balance, _, err := read(t, b, all)
	if err != nil || balance != (model.Balance{Lines: 6, Parsed: 6}) {
		t.Errorf("balance %+v, %v", balance, err)
	}
	want := []string{"2023-03-07|alice|a", "2023-03-07|bob|∅", "2023-03-07|carol|", "2023-03-08|dave|∅", "2023-03-08|erin|∅", "2023-03-09|frank|f"}
	if diff := cmp.Diff(want, all.rows); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]model.Ref{{Object: 7, Line: 1}, {Object: 7, Line: 2}, {Object: 7, Line: 3},
		{Object: 7, Line: 1, Offset: 1}, {Object: 7, Line: 2, Offset: 1}, {Object: 7, Line: 3, Offset: 1}}, all.refs); diff != "" {
		t.Error(diff)
	}
	names, rows, err := reader.Columns(bytes.NewReader(b), int64(len(b)))
	if err != nil || rows != 6 || !slices.Equal(names, peopleNames) || !slices.Equal(all.bound, peopleNames) {
		t.Errorf("columns %q, %d rows, %v; bound %q", names, rows, err, all.bound)
	}
}

func TestOutcomes(t *testing.T) {
	b := parquettest.Strings(t, peopleNames, people, 3)
	one := &table{want: []string{"date", "note"}, only: "2023-03-09"}
	if balance, _, err := read(t, b, one); err != nil || balance != (model.Balance{Lines: 6, Parsed: 1, Filtered: 5}) || one.rows[0] != "2023-03-09|f" {
		t.Errorf("one day: %+v, %v, %q", balance, err, one.rows)
	}
	bad := &table{bad: "2023-03-08"}
	balance, rejects, err := read(t, b, bad)
	if err != nil || balance != (model.Balance{Lines: 6, Parsed: 4, Rejected: 2}) {
		t.Errorf("rejected rows: %+v, %v", balance, err)
	}
	if diff := cmp.Diff([]model.Reject{{Ref: model.Ref{Object: 7, Offset: 1, Line: 1}, Reason: "bad"}, {Ref: model.Ref{Object: 7, Offset: 1, Line: 2}, Reason: "bad"}}, rejects); diff != "" {
		t.Error(diff)
	}
	if balance, _, err := read(t, b, &table{want: []string{"nothing"}}); err == nil || balance != (model.Balance{}) {
		t.Errorf("a missing column: %+v, %v", balance, err)
	}
}

func TestPeek(t *testing.T) {
	b := parquettest.Strings(t, peopleNames, people, 3)
	for most, want := range map[int64]int64{2: 2, 3: 3, 5: 5, 100: 6} {
		some := &table{}
		balance, err := reader.Peek(bytes.NewReader(b), int64(len(b)), 0, most, some, func(model.Reject) {})
		if err != nil || balance != (model.Balance{Lines: want, Parsed: want}) || int64(len(some.rows)) != want {
			t.Errorf("%d rows: %+v, %v", most, balance, err)
		}
	}
}

// counting counts the bytes that are read.
type counting struct {
	*bytes.Reader
	n int
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(p, off)
	c.n += n
	return n, err
}

func TestPrune(t *testing.T) {
	var rows [][]string
	for i := range 4000 {
		rows = append(rows, []string{fmt.Sprintf("2023-03-%02d", 1+i/1000), fmt.Sprintf("%032x", i*i), "x"})
	}
	b := parquettest.Strings(t, peopleNames, rows, 1000)
	var cost [2]int
	for i, d := range []decode.Columnar{&table{only: "2023-03-03"}, pruned{&table{only: "2023-03-03"}}} {
		r := &counting{Reader: bytes.NewReader(b)}
		balance, err := reader.Read(r, int64(len(b)), 0, d, func(model.Reject) {})
		if err != nil || balance != (model.Balance{Lines: 4000, Parsed: 1000, Filtered: 3000}) {
			t.Errorf("%T: %+v, %v", d, balance, err)
		}
		cost[i] = r.n
	}
	if cost[1]*2 > cost[0] {
		t.Errorf("with pruning %d bytes were read, without %d", cost[1], cost[0])
	}
	rows[0][0] = parquettest.Null // what becomes of a row without a date is for the decoder to say
	b = parquettest.Strings(t, peopleNames, rows, 1000)
	d := pruned{&table{only: "2023-03-03", bad: ""}}
	r := &counting{Reader: bytes.NewReader(b)}
	if _, err := reader.Read(r, int64(len(b)), 0, d, func(model.Reject) {}); err != nil || r.n <= cost[1] {
		t.Errorf("a row group with a null was pruned: %v, %d bytes", err, r.n)
	}
}

// TestWriters reads the same rows in every form that writers give them.
func TestWriters(t *testing.T) {
	var rows [][]string
	var want []string
	for i := range 5000 {
		row := []string{fmt.Sprintf("2023-03-%02d", 1+i/1000), fmt.Sprintf("/static/js/%d.js", i*7919), parquettest.Null}
		if i%3 == 0 {
			row[2] = fmt.Sprintf("%d", i%50)
		}
		rows = append(rows, row)
		want = append(want, strings.ReplaceAll(strings.Join(row, "|"), parquettest.Null, "∅"))
	}
	codecs := compress.Codecs
	for _, codec := range []compress.Compression{codecs.Uncompressed, codecs.Snappy, codecs.Gzip, codecs.Brotli, codecs.Zstd, codecs.Lz4Raw} {
		for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
			for _, encoding := range []parquet.Encoding{parquet.Encodings.RLEDict, parquet.Encodings.Plain, parquet.Encodings.DeltaByteArray, parquet.Encodings.DeltaLengthByteArray} {
				props := []parquet.WriterProperty{parquet.WithCompression(codec), parquet.WithDataPageVersion(version),
					parquet.WithDataPageSize(8 << 10), parquet.WithDictionaryDefault(encoding == parquet.Encodings.RLEDict)}
				if encoding != parquet.Encodings.RLEDict {
					props = append(props, parquet.WithEncoding(encoding))
				}
				b := parquettest.Strings(t, peopleNames, rows, 3000, props...)
				for _, b := range [][]byte{b, parquettest.WithChecksums(t, b)} {
					got := &table{}
					_, rejects, err := read(t, b, got)
					if diff := cmp.Diff(want, got.rows); err != nil || diff != "" {
						t.Fatalf("%s, version %d, %s: %v %v %s", codec, version, encoding, err, rejects, diff)
					}
				}
			}
		}
	}
}

// TestNumbers reads numbers in the encodings that newer writers choose.
func TestNumbers(t *testing.T) {
	const rows = 3000
	var ints []int64
	var floats []float64
	var want []string
	for i := range int64(rows) {
		ints, floats = append(ints, 1678213260123+i*i), append(floats, float64(i)/8)
		want = append(want, fmt.Sprintf("%d|%v", ints[i], floats[i]))
	}
	fields := schema.FieldList{schema.NewInt64Node("n", required, -1), schema.NewFloat64Node("x", required, -1)}
	for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
		b := parquettest.File(t, fields, [][]parquettest.Leaf{{{Values: ints}, {Values: floats}}}, parquet.WithDictionaryDefault(false),
			parquet.WithDataPageVersion(version), parquet.WithDataPageSize(1000), parquet.WithCompression(compress.Codecs.Zstd),
			parquet.WithEncodingFor("n", parquet.Encodings.DeltaBinaryPacked), parquet.WithEncodingFor("x", parquet.Encodings.ByteStreamSplit))
		got := &table{}
		if _, _, err := read(t, b, got); err != nil || !slices.Equal(want, got.rows) {
			t.Errorf("version %d: %v, %d rows", version, err, len(got.rows))
		}
	}
}

// alone is a table that remembers the most goroutines there were.
type alone struct {
	table
	most int
}

func (a *alone) Row(ref model.Ref, values [][]byte) (decode.Outcome, string) {
	a.most = max(a.most, runtime.NumGoroutine())
	return a.table.Row(ref, values)
}

// TestNoGoroutine: a panic in a goroutine of the library could not be
// recovered from, so there must be none, whatever the codec.
func TestNoGoroutine(t *testing.T) {
	codecs := compress.Codecs
	for _, codec := range []compress.Compression{codecs.Uncompressed, codecs.Snappy, codecs.Gzip, codecs.Brotli, codecs.Zstd, codecs.Lz4Raw} {
		b := parquettest.Strings(t, peopleNames, people, 3, parquet.WithCompression(codec))
		before, d := runtime.NumGoroutine(), &alone{}
		if _, _, err := read(t, b, d); err != nil || d.most > before || d.most == 0 {
			t.Errorf("%s: %d goroutines, before %d; %v", codec, d.most, before, err)
		}
	}
}

func TestEmpty(t *testing.T) {
	for name, b := range map[string][]byte{
		"no row group": parquettest.Strings(t, peopleNames, nil, 1),
		"no row":       parquettest.File(t, schema.FieldList{leaf("x", nil, parquet.Types.Int64, -1)}, [][]parquettest.Leaf{{{Values: []int64{}, Def: []int16{}}}}),
	} {
		if balance, _, err := read(t, b, &table{}); err != nil || balance != (model.Balance{}) {
			t.Errorf("%s: %+v, %v", name, balance, err)
		}
	}
}
