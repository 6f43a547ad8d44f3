package origin_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/decodetest"
	"github.com/spillscope/spillscope/scan/internal/decode/delimited"
	"github.com/spillscope/spillscope/scan/internal/decode/jsonl"
	"github.com/spillscope/spillscope/scan/internal/decode/logfmt"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
	"github.com/spillscope/spillscope/scan/internal/decode/origin/origintest"
)

// row is a row of the log that the formats below write; a field that is absent
// is null where the format has nulls.
type row map[string]string

var rows = []row{
	{"ts": "2023-03-07T18:21:05.123Z", "cf_id": "id-1==", "trace": "Root=1-64077f81-0123456789abcdef01234567", "method": "GET",
		"vhost": "app.example.com", "path": "/static/js/app.js?v=1", "status": "200", "sid_hash": origintest.Secret, "user_id": "u_1",
		"set_cookie": "true", "set_sid_hash": origintest.Secret2, "ua": `Mozilla/5.0 (KHTML, like "Gecko") Chrome/110.0`,
		"xff": "198.51.100.7, 192.0.2.10", "device": "dev-1", "pod": "app-1", "took": "12.5ms", "ws": "w_1"},
	{"ts": "07/Mar/2023:18:21:06 +0000", "path": "https://app.example.com/api/videos/1", "set_cookie": "theme;sid", "status": "-"},
	{"ts": "1678213267.5", "user_id": "null", "sid_hash": "undefined", "set_cookie": "-", "ua": "Amazon CloudFront", "xff": "junk"},
	{"ts": "2023-03-07 18:21:08+00", "method": "DELETE", "path": "/api/keys/9", "set_cookie": "f", "xff": "[2001:db8::1]:443"},
	{"ts": "2023-03-07T03:00:00Z", "sid_hash": origintest.Secret},
	{"ts": "Mar  7 18:21:05", "user_id": "u_2"},
	{"ts": "2023-03-07T18:21:09Z", "status": "1,200"},
	{"user_id": "u_3"},
}

// columns are all names, in some order.
func columns() []string {
	var names []string
	for _, theirs := range origintest.Source().Map {
		names = append(names, theirs)
	}
	slices.Sort(names)
	return names
}

func asJSON(t *testing.T) string {
	var out strings.Builder
	for _, r := range rows {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(b, '\n'))
	}
	return out.String()
}

func asTable(delimiter rune) string {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Comma = delimiter
	_ = w.Write(columns())
	for _, r := range rows {
		cells := make([]string, 0, len(columns()))
		for _, name := range columns() {
			cells = append(cells, r[name])
		}
		_ = w.Write(cells)
	}
	w.Flush()
	return out.String()
}

func asLogfmt() string {
	var out strings.Builder
	for _, r := range rows {
		for _, name := range columns() {
			if v, ok := r[name]; ok {
				out.WriteString(name + "=" + strconv.Quote(v) + " ")
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

// table is a Columnar driven line by line, as package parquet drives it row by
// row.
type table struct {
	*origin.Columns
	places []int
}

func (d *table) Line(ref model.Ref, line []byte) (decode.Outcome, string) {
	all := bytes.Split(line, []byte{'\t'})
	var values [][]byte
	for _, at := range d.places {
		if values = append(values, all[at]); len(all[at]) == 0 {
			values[len(values)-1] = nil
		}
	}
	return d.Row(ref, values)
}

func asColumns() string {
	var out strings.Builder
	for _, r := range rows {
		for i, name := range columns() {
			out.WriteString([]string{"", "\t"}[min(i, 1)] + r[name])
		}
		out.WriteString("\n")
	}
	return out.String()
}

func opens[D origintest.Decoder](newDecoder func(*decode.Context, origin.Options, func(*model.OriginRow) bool) (D, error)) origintest.Open {
	return func(ctx *decode.Context, o origin.Options, keep func(*model.OriginRow) bool) (origintest.Decoder, error) {
		return newDecoder(ctx, o, keep)
	}
}

func newTable(ctx *decode.Context, o origin.Options, keep func(*model.OriginRow) bool) (*table, error) {
	c, err := origin.NewColumns(ctx, o, keep)
	if err != nil {
		return nil, err
	}
	places, err := c.Bind(columns())
	return &table{c, places}, err
}

// TestFormats holds the formats to one another: the same rows give the same
// facts and the same reasons, and the sources say the same of themselves.
func TestFormats(t *testing.T) {
	type told struct {
		rows, reasons []string
		all           origin.Extent
		with, without int64
		shapes        map[decode.FormOf]int64
		filtered      int64
	}
	o := origin.Options{Source: origintest.Source(), Spans: []model.Span{origintest.Span()}}
	var want told
	for _, f := range []struct {
		name, text string
		open       origintest.Open
	}{
		{"jsonl", asJSON(t), opens(jsonl.New)},
		{"csv", asTable(','), opens(delimited.New)},
		{"tsv", asTable('\t'), opens(delimited.New)},
		{"logfmt", asLogfmt(), opens(logfmt.New)},
		{"columns", asColumns(), opens(newTable)},
	} {
		var d origintest.Decoder
		got := decodetest.Read(strings.NewReader(f.text), 0, func(emit func(decodetest.Row)) decode.Decoder {
			var err error
			if d, err = f.open(origintest.Context(t), o, func(r *model.OriginRow) bool { emit(decodetest.Row{Ref: r.Ref, Text: origintest.Text(r)}); return true }); err != nil {
				t.Fatal(err)
			}
			return d
		})
		decodetest.NoSecret(t, got, origintest.Secret, origintest.Secret2)
		s := d.Stats()
		x := told{all: s.All, with: s.WithID, without: s.WithoutID, shapes: s.Shapes, filtered: got.Balance.Filtered}
		for _, r := range got.Rows {
			x.rows = append(x.rows, r.Text)
		}
		for _, r := range got.Rejects {
			x.reasons = append(x.reasons, r.Reason)
		}
		if f.name == "jsonl" {
			want = x
			if len(want.rows) != 4 || len(want.reasons) != 3 || want.filtered != 1 {
				t.Fatalf("%d rows, %d rejects: the input shows nothing", len(want.rows), len(want.reasons))
			}
			continue
		}
		alike := cmp.Options{cmp.AllowUnexported(told{}), cmp.Comparer(func(a, b decode.FormOf) bool { return a == b })}
		if diff := cmp.Diff(want, x, alike); diff != "" {
			t.Errorf("%s: %s", f.name, diff)
		}
	}
}

// TestConformance drives the columns as decode/parquet does.
func TestConformance(t *testing.T) {
	table := func(spans []model.Span) decodetest.NewColumns {
		return func(emit func(decodetest.Row)) decode.Columnar {
			c, err := origin.NewColumns(origintest.Context(t), origin.Options{Source: origintest.Source(), Spans: spans}, func(r *model.OriginRow) bool {
				emit(decodetest.Row{Ref: r.Ref, Text: origintest.Text(r)})
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
	}
	text := strings.ReplaceAll(strings.Join(columns(), "\t")+"\n"+asColumns(), "\t\t", "\t\\N\t")
	decodetest.Case{
		Columns: table(nil), DroppedColumns: table([]model.Span{{From: 1, To: 2}}),
		Input: []byte(text), Secrets: []string{origintest.Secret, origintest.Secret2},
	}.Run(t)
}
