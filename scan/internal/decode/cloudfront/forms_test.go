package cloudfront_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/cloudfront"
	"github.com/spillscope/spillscope/scan/internal/decode/decodetest"
	"github.com/spillscope/spillscope/scan/internal/join"
	"github.com/spillscope/spillscope/scan/internal/spill"
)

// written are the same five requests in each form of the log, with broken rows
// behind them.
func written(t testing.TB) []struct {
	file string
	o    cloudfront.Options
} {
	return []struct {
		file string
		o    cloudfront.Options
	}{
		{"legacy.log", cloudfront.Options{}},
		{"v2.w3c", cloudfront.Options{}},
		{"v2.plain", cloudfront.Options{Fields: fields(t, "v2.fields"), Delimiter: " "}},
		{"v2.json", cloudfront.Options{Fields: fields(t, "v2.fields")}}, // JSON names its own
		{"realtime.log", cloudfront.Options{Fields: fields(t, "realtime.fields"), Realtime: true}},
	}
}

func fields(t testing.TB, name string) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

func TestForms(t *testing.T) {
	for _, f := range written(t) {
		t.Run(f.file, func(t *testing.T) {
			in := read(t, "testdata/"+f.file)
			dropping := f.o
			dropping.Spans = []model.Span{{From: 1, To: 2}}
			decodetest.Case{New: maker(t, f.o), Dropped: maker(t, dropping), Input: in, Secrets: []string{secret}}.Run(t)
			got := decodetest.Read(bytes.NewReader(in), 0, maker(t, f.o))
			decodetest.NoSecret(t, got, secret, "token")
			golden := "testdata/" + f.file + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.Golden()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, golden)), got.Golden()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// table gives the rows of a JSON log as values of columns, as Parquet would.
type table struct {
	names []string
	rows  [][][]byte
}

func tableOf(t testing.TB) table {
	t.Helper()
	lines := strings.Split(string(read(t, "testdata/legacy.log")), "\n")
	names := strings.Fields(lines[1])[1:]
	tab := table{names: append([]string{"partition"}, names...)}
	for i, name := range tab.names { // as real exports spell them
		tab.names[i] = strings.NewReplacer("-", "_", "(", "_", ")", "").Replace(name)
	}
	tab.names = append(tab.names, "timestamp_ms", "origin_fbl")
	for i, line := range lines[2:7] {
		row := [][]byte{[]byte("x")}
		for _, v := range strings.Split(line, "\t") {
			if v == "-" {
				row = append(row, nil)
				continue
			}
			row = append(row, []byte(v))
		}
		ms := []string{"1678213265017", "1678213265492", "1678213265999", "1678213266001", "1678213266500"}[i]
		row = append(row, []byte(ms), []byte("-"))
		tab.rows = append(tab.rows, row)
	}
	return tab
}

// feed gives the wanted values of each row to d.
func (tab table) feed(t testing.TB, d *cloudfront.Decoder, object uint32) {
	t.Helper()
	places, err := d.Bind(tab.names)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range tab.rows {
		var values [][]byte
		for _, at := range places {
			values = append(values, row[at])
		}
		if got, reason := d.Row(model.Ref{Object: object, Line: uint64(i + 1)}, values); got == decode.Rejected {
			t.Fatal(reason)
		}
	}
}

// TestOneRequestInAllForms brings the rows of all forms together: each request
// becomes one row, with the finest stamp and the cookie that one log cut off.
func TestOneRequestInAllForms(t *testing.T) {
	s := spill.New(t.TempDir(), 0)
	defer s.Close()
	w := join.NewWriter(s)
	keep := func(r *model.EdgeRow) bool {
		if err := w.Edge(r); err != nil {
			t.Fatal(err)
		}
		return true
	}
	for i, f := range written(t) {
		d := cloudfront.New(newContext(t), f.o, keep)
		_, err := decode.Lines(bytes.NewReader(read(t, "testdata/"+f.file)), uint32(i), d, func(model.Reject) {})
		if err != nil {
			t.Fatal(err)
		}
	}
	tableOf(t).feed(t, cloudfront.New(newContext(t), cloudfront.Options{}, keep), 9)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	requests := 0
	err := join.Requests(s, func(r *join.Request) error {
		if r.ID > "id-5==" {
			return nil
		}
		requests++
		if len(r.Edges) != 1 || len(r.Edges[0].Also) < 5 || len(r.Duplicates) != len(r.Edges[0].Also) {
			t.Errorf("%s: %d rows, the first cited %d times besides", r.ID, len(r.Edges), len(r.Edges[0].Also))
		}
		e := r.Edges[0]
		if e.End.Hi.Sub(e.End.Lo) != time.Millisecond {
			t.Errorf("%s: stamp %v to %v", r.ID, e.End.Lo, e.End.Hi)
		}
		if has := r.ID == "id-2==" || r.ID == "id-4=="; e.Session.IsZero() == has {
			t.Errorf("%s: session %q", r.ID, e.Session)
		}
		if e.Host != "app.example.com" || e.Distribution != "d1.cloudfront.net" || e.Asked == model.Unknown {
			t.Errorf("%s: %+v", r.ID, e)
		}
		return nil
	})
	if err != nil || requests != 5 {
		t.Errorf("%d requests, %v", requests, err)
	}
}

func TestFilteredForms(t *testing.T) {
	elsewhere := []model.Span{span("2023-03-07T20:00:00Z", "2023-03-07T21:00:00Z")}
	for _, f := range written(t) {
		for _, by := range []string{"span", "keep"} {
			o := f.o
			if by == "span" {
				o.Spans = elsewhere
			}
			d := cloudfront.New(newContext(t), o, func(*model.EdgeRow) bool { return false })
			var line []byte
			for one := range bytes.Lines(read(t, "testdata/"+f.file)) {
				if line = bytes.TrimSpace(one); line[0] != '#' {
					break
				}
				d.Line(model.Ref{}, line)
			}
			n := testing.AllocsPerRun(500, func() {
				if got, reason := d.Line(model.Ref{Line: 2}, line); got != decode.Filtered {
					t.Fatalf("%s: outcome %d %s", f.file, got, reason)
				}
			})
			// The request id is kept before keep is asked: one arena block in a thousand rows.
			if n != 0 {
				t.Errorf("%s by %s: %v allocations a row", f.file, by, n)
			}
		}
	}
	tab := tableOf(t)
	d := cloudfront.New(newContext(t), cloudfront.Options{Spans: elsewhere}, nil)
	places, err := d.Bind(tab.names)
	if err != nil {
		t.Fatal(err)
	}
	values := make([][]byte, len(places))
	for i, at := range places {
		values[i] = tab.rows[0][at]
	}
	if n := testing.AllocsPerRun(500, func() {
		if got, _ := d.Row(model.Ref{Line: 1}, values); got != decode.Filtered {
			t.Fatal("not filtered")
		}
	}); n != 0 {
		t.Errorf("columns: %v allocations a row", n)
	}
}

// text is the table as the conformance suite wants it.
func (tab table) text() []byte {
	var b bytes.Buffer
	b.WriteString(strings.Join(tab.names, "\t"))
	for _, row := range tab.rows {
		b.WriteByte('\n')
		for i, v := range row {
			if i > 0 {
				b.WriteByte('\t')
			}
			if v == nil {
				v = []byte(`\N`)
			}
			b.Write(v)
		}
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func TestColumnsConform(t *testing.T) {
	columns := func(o cloudfront.Options) decodetest.NewColumns {
		ctx := newContext(t)
		return func(emit func(decodetest.Row)) decode.Columnar {
			return cloudfront.New(ctx, o, func(r *model.EdgeRow) bool {
				rest := *r
				rest.Ref = model.Ref{}
				emit(decodetest.Row{Ref: r.Ref, Text: fmt.Sprintf("%+v", rest)})
				return true
			})
		}
	}
	decodetest.Case{Columns: columns(cloudfront.Options{}), DroppedColumns: columns(cloudfront.Options{Spans: []model.Span{{From: 1, To: 2}}}),
		Input: tableOf(t).text(), Secrets: []string{secret}}.Run(t)
}

func TestColumns(t *testing.T) {
	var got []model.EdgeRow
	d := cloudfront.New(newContext(t), cloudfront.Options{}, func(r *model.EdgeRow) bool { got = append(got, *r); return true })
	tableOf(t).feed(t, d, 0)
	if len(got) != 5 || d.Format() != "cloudfront-v2-parquet" || !got[0].CookieLogged || got[0].Session != (model.ID{}) ||
		got[1].Session != key().Digest("session", []byte(secret)) || got[0].Asked != model.No {
		t.Errorf("%s: %+v", d.Format(), got)
	}
	if _, err := cloudfront.New(newContext(t), cloudfront.Options{}, nil).Bind([]string{"time", "user"}); err == nil ||
		!strings.Contains(err.Error(), "has no date and time") {
		t.Errorf("error %v", err)
	}
	if _, err := cloudfront.New(newContext(t), cloudfront.Options{}, nil).Bind([]string{"timestamp"}); err == nil ||
		!strings.Contains(err.Error(), "x-edge-location") {
		t.Errorf("error %v", err)
	}
}

func TestOutside(t *testing.T) {
	d := cloudfront.New(newContext(t), cloudfront.Options{Spans: []model.Span{span("2023-03-07T18:00:00Z", "2023-03-07T19:00:00Z")}}, nil)
	for _, c := range []struct {
		column, least, greatest string
		want                    bool
	}{
		{"date", "2023-03-06", "2023-03-06", true},
		{"date", "2023-03-06", "2023-03-07", false},
		{"date", "2023-03-06", "2023-03-09", false},
		{"timestamp", "1678204800", "1678208399", true}, // 16:00:00 to 16:59:59
		{"timestamp", "1678204800", "1678212000", false},
		{"timestamp", "167820480", "1678208399", false},
		{"timestamp_ms", "1678204800000", "1678208399999", true},
		{"timestamp_ms", "1678204800000", "1678212000000", false},
		{"timestamp_ms", "-", "-", false},
		{"x_edge_location", "A", "B", false},
		{"time", "03:00:00", "03:00:01", false},
	} {
		if got := d.Outside(c.column, []byte(c.least), []byte(c.greatest)); got != c.want {
			t.Errorf("%s from %s to %s: %v", c.column, c.least, c.greatest, got)
		}
	}
	if cloudfront.New(newContext(t), cloudfront.Options{}, nil).Outside("date", []byte("2023-03-06"), []byte("2023-03-06")) {
		t.Error("pruned although everything is asked for")
	}
}

// TestStamps: of several stamps the finest counts.
func TestStamps(t *testing.T) {
	const head, row = "#Fields: x-edge-location c-ip cs-method cs-uri-stem sc-status x-edge-result-type ", "SEA19-C1\t192.0.2.1\tGET\t/x\t200\tHit\t"
	for _, c := range []struct {
		fields, values, want string // instant and width, or the reason
	}{
		{"date time", "2023-03-07\t18:21:05", "18:21:05.000 1s"},
		{"timestamp", "1678213265", "18:21:05.000 1s"},
		{"timestamp", "1678213265.25", "18:21:05.250 10ms"},
		{"timestamp", "1678213265.937", "18:21:05.937 1ms"},
		{"timestamp(ms)", "1678213265492", "18:21:05.492 1ms"},
		{"date time timestamp(ms)", "2023-03-07\t18:21:05\t1678213265492", "18:21:05.492 1ms"},
		{"date time timestamp timestamp(ms)", "2023-03-07\t18:21:05\t1678213265\t-", "18:21:05.000 1s"},
		{"date time timestamp", "-\t-\t1678213265", "18:21:05.000 1s"},
		{"timestamp", "1678213265492", "timestamp is not a number of seconds since 1970"},
		{"timestamp(ms)", "1678213265", "timestamp(ms) is not a number of milliseconds since 1970"},
		{"timestamp(ms)", "99999999999999999", "timestamp(ms) is not a number of milliseconds since 1970"},
		{"date time", "-\t-", "date and time are not YYYY-MM-DD HH:MM:SS"},
		{"date", "2023-03-07", "the list of columns names no date and time, and no timestamp"},
	} {
		got, reasons, _ := rows(t, cloudfront.Options{}, head+c.fields+"\n"+row+c.values+"\n")
		text := strings.Join(reasons, "; ")
		if len(got) == 1 {
			text = fmt.Sprintf("%s %v", got[0].End.Lo.Time().Format("15:04:05.000"), got[0].End.Hi.Sub(got[0].End.Lo))
		}
		if text != c.want {
			t.Errorf("%s = %q: got %s, want %s", c.fields, c.values, text, c.want)
		}
	}
}

// TestRefused: what cannot be read says what to do about it.
func TestRefused(t *testing.T) {
	realtime := strings.SplitN(string(read(t, "testdata/realtime.log")), "\n", 2)[0]
	for _, c := range []struct {
		name, text string
		o          cloudfront.Options
		want       string
	}{
		{"real-time as auto", realtime, cloudfront.Options{}, "format: cloudfront-realtime and its fields"},
		{"real-time without fields", realtime, cloudfront.Options{Realtime: true}, "give the source its fields"},
		{"a field too few", realtime, cloudfront.Options{Realtime: true, Fields: fields(t, "realtime.fields")[:31]}, "more columns than the 31"},
		{"a field too many", realtime, cloudfront.Options{Realtime: true, Fields: append(fields(t, "realtime.fields"), "asn")}, "32 columns instead of the 33"},
		{"plain without fields", "SEA19-C1 192.0.2.1 GET /x 200", cloudfront.Options{}, "give the source its fields"},
		{"unusual delimiter", "2023-03-07~18:21:05~SEA19-C1~192.0.2.1~GET~/x~200", cloudfront.Options{Fields: strings.Fields("date time x-edge-location c-ip cs-method cs-uri-stem sc-status")}, "give delimiter"},
	} {
		_, reasons, _ := rows(t, c.o, c.text+"\n")
		if len(reasons) != 1 || !strings.Contains(reasons[0], c.want) {
			t.Errorf("%s: %q", c.name, reasons)
		}
	}
}

func TestDelimiters(t *testing.T) {
	const names = "date time x-edge-location c-ip cs-method cs-uri-stem sc-status x-edge-result-type"
	row := strings.Fields("2023-03-07 18:21:05 SEA19-C1 192.0.2.1 GET /x 200 Hit")
	for given, delim := range map[string]string{"": ",", "tab": "\t", "||": "||", "::": "::", ";": ";"} {
		for _, head := range []string{"", "#Fields: " + names + "\n", "#Fields: " + strings.Join(strings.Fields(names), delim) + "\n"} {
			o := cloudfront.Options{Delimiter: given}
			if head == "" {
				o.Fields = strings.Fields(names)
			}
			got, reasons, _ := rows(t, o, head+strings.Join(row, delim)+"\n")
			if len(got) != 1 || got[0].Result != "Hit" {
				t.Errorf("delimiter %q, given as %q, header %q: %v", delim, given, head, reasons)
			}
		}
	}
}

// TestEscapes holds the escapes of JSON to what encoding/json reads.
func TestEscapes(t *testing.T) {
	for _, text := range []string{`abc`, `\u0061bc`, `a\/b`, `\ud83d\ude00`, `\ud83d`, `\ud83dx`, `\ud83d\u0041`, `\n\t\b\f\r\\\"`, `\u00E9\u00e9`, `\u00`, `\x`, `\u+123`, `\u00g0`, `a\`} {
		row := `{"timestamp":"1678213265","x-edge-location":"SEA19-C1","c-ip":"192.0.2.1","cs-method":"` + text + `","cs-uri-stem":"/x","sc-status":"200","x-edge-result-type":"Hit"}`
		got, reasons, _ := rows(t, cloudfront.Options{}, row+"\n")
		var want struct {
			Method string `json:"cs-method"`
		}
		if err := json.Unmarshal([]byte(row), &want); (err != nil) != (len(reasons) == 1) {
			t.Errorf("%s: %v, and %v of encoding/json", text, reasons, err)
		}
		if len(got) == 1 && got[0].Method != want.Method {
			t.Errorf("%s: %q, want %q", text, got[0].Method, want.Method)
		}
	}
}

// TestCutCookie: a value that may have been cut off is none.
func TestCutCookie(t *testing.T) {
	fields := strings.Fields("timestamp x-edge-location c-ip cs-method cs-uri-stem sc-status cs-cookie")
	fill := func(n int, end string) string { return strings.Repeat("x", n-len(end)-len("a=")) + end }
	for _, c := range []struct {
		name, cookie, session string
		logged                bool
	}{
		{"short", "sid=abc", "abc", true},
		{"long enough to be cut, whole", "sid=abc;%20a=" + fill(795, ""), "abc", true},
		{"last of a full column", "a=" + fill(800, ";%20sid=abc"), "", false},
		{"its name cut", "a=" + fill(800, ";%20si"), "", false},
		{"an escape not torn apart", "a=" + fill(798, ";%20sid=abc"), "", false},
		{"not full", "a=" + fill(797, ";%20sid=abc"), "abc", true},
		{"alone", "sid=" + strings.Repeat("y", 796), "", false},
	} {
		row := "1678213265.937\tSEA19-C1\t192.0.2.1\tGET\t/x\t200\t" + c.cookie + "\n"
		got, reasons, d := rows(t, cloudfront.Options{Realtime: true, Fields: fields}, row)
		if len(got) != 1 {
			t.Fatalf("%s: %v", c.name, reasons)
		}
		var want model.ID
		if c.session != "" {
			want = key().Digest("session", []byte(c.session))
		}
		if got[0].Session != want || got[0].CookieLogged != c.logged {
			t.Errorf("%s: session %q, logged %v", c.name, got[0].Session, got[0].CookieLogged)
		}
		if full := len(c.cookie) >= 798; (len(d.Warnings()) == 2) != full { // the other: no result column
			t.Errorf("%s: warnings %q", c.name, d.Warnings())
		}
	}
}

func TestRealtimeQuery(t *testing.T) {
	inc := &model.Incident{Routes: []model.Route{{Path: "/x"}}, Cookie: model.Cookie{Names: []string{"sid"}}, Cache: model.CachePolicy{Query: model.QueryKey{All: true}}}
	ctx, err := decode.NewContext(inc, key())
	if err != nil {
		t.Fatal(err)
	}
	one := func(o cloudfront.Options, text string) (out model.EdgeRow) {
		d := cloudfront.New(ctx, o, func(r *model.EdgeRow) bool { out = *r; return true })
		if _, err := decode.Lines(strings.NewReader(text), 0, d, func(r model.Reject) { t.Error(r.Reason) }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	const names = "date time x-edge-location c-ip cs-method cs(Host) x-host-header sc-status cs-uri-stem cs-uri-query"
	standard := one(cloudfront.Options{}, "#Fields: "+names+"\n2023-03-07\t18:21:05\tSEA19-C1\t192.0.2.1\tGET\td1.cloudfront.net\tapp.example.com\t200\t/x\tv=%2520\n")
	fields := strings.Fields("date time x-edge-location c-ip cs-method x-host-header cs-host sc-status cs-uri-stem cs-uri-query")
	for _, query := range []string{"v=%2520", "-"} {
		got := one(cloudfront.Options{Realtime: true, Fields: fields}, "2023-03-07\t18:21:05\tSEA19-C1\t192.0.2.1\tGET\td1.cloudfront.net\tapp.example.com\t200\t/x?v=%2520\t"+query+"\n")
		if got.Key != standard.Key || got.Key.IsZero() || got.Host != "app.example.com" || got.Path != standard.Path || got.Shared != standard.Shared {
			t.Errorf("query %q: %+v, want %+v", query, got, standard)
		}
	}
}

func TestDistributionID(t *testing.T) {
	const head = "#Fields: timestamp x-edge-location c-ip cs-method cs-uri-stem sc-status x-edge-result-type"
	const row = "1678213265\tSEA19-C1\t192.0.2.1\tGET\t/x\t200\tHit"
	for _, c := range []struct{ object, head, row, want string }{
		{"v2/E1NAME.2023-03-07-18.0a1b2c3d.gz", head, row, "E1NAME"},
		{"v2/E1NAME.2023-03-07-18.0a1b2c3d.gz", head + " DistributionId", row + "\tE2COLUMN", "E2COLUMN"},
		{"v2/DistributionId=E3PATH/year=2023/month=03/day=07/hour=18/part-0.gz", head, row, "E3PATH"},
		{"v2/DistributionId=E3PATH/x.gz", head + " DistributionId cs(Host)", row + "\tE2COLUMN\td1.cloudfront.net", "d1.cloudfront.net"},
	} {
		got, _, _ := rows(t, cloudfront.Options{Object: c.object}, c.head+"\n"+c.row+"\n")
		if len(got) != 1 || got[0].Distribution != c.want {
			t.Errorf("%s: %+v", c.object, got)
		}
	}
}
