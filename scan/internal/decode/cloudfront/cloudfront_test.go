package cloudfront_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/cloudfront"
	"github.com/spillscope/spillscope/scan/internal/decode/decodetest"
)

var update = flag.Bool("update", false, "rewrite the goldens")

const secret = "planted-secret-value"

func key() model.Key { return model.NewKey([]byte("0123456789abcdef0123456789abcdef")) }

func newContext(t testing.TB) *decode.Context {
	t.Helper()
	c, err := decode.NewContext(&model.Incident{
		Routes: []model.Route{{Path: "/static/js/*"}, {Host: "d19xqa3lc3clo8.cloudfront.net", Path: "/crates/**"}},
		Cookie: model.Cookie{Names: []string{"sid"}},
	}, key())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// maker returns a conformance constructor for o.
func maker(t testing.TB, o cloudfront.Options) decodetest.New {
	ctx := newContext(t)
	return func(emit func(decodetest.Row)) decode.Decoder {
		return cloudfront.New(ctx, o, func(r *model.EdgeRow) bool {
			row := decodetest.Row{Ref: r.Ref}
			rest := *r
			rest.Ref = model.Ref{}
			row.Text = fmt.Sprintf("%+v", rest)
			emit(row)
			return true
		})
	}
}

func span(from, to string) model.Span {
	a, _ := time.Parse(time.RFC3339, from)
	b, _ := time.Parse(time.RFC3339, to)
	return model.Span{From: model.InstantOf(a), To: model.InstantOf(b)}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestConformance(t *testing.T) {
	decodetest.Case{
		New:     maker(t, cloudfront.Options{}),
		Dropped: maker(t, cloudfront.Options{Spans: []model.Span{{From: 1, To: 2}}}),
		Input:   read(t, "testdata/rows.log"), Secrets: []string{secret},
	}.Run(t)
}

func TestGolden(t *testing.T) {
	o := cloudfront.Options{Spans: []model.Span{span("2023-03-07T18:00:00Z", "2023-03-07T19:00:00Z")}}
	got := decodetest.Read(bytes.NewReader(read(t, "testdata/rows.log")), 0, maker(t, o))
	decodetest.NoSecret(t, got, secret, "token")
	if *update {
		if err := os.WriteFile("testdata/rows.golden", []byte(got.Golden()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, "testdata/rows.golden")), got.Golden()); diff != "" {
		t.Error(diff)
	}
}

// rows decodes text and returns copies of its rows and the reasons.
func rows(t *testing.T, o cloudfront.Options, text string) ([]model.EdgeRow, []string, *cloudfront.Decoder) {
	t.Helper()
	var out []model.EdgeRow
	var reasons []string
	d := cloudfront.New(newContext(t), o, func(r *model.EdgeRow) bool { out = append(out, *r); return true })
	_, err := decode.Lines(strings.NewReader(text), 0, d, func(r model.Reject) { reasons = append(reasons, r.Reason) })
	if err != nil {
		t.Fatal(err)
	}
	return out, reasons, d
}

const twelve = "2012-05-25\t22:01:30\tAMS1\t4448\t192.0.2.1\tGET\td1.cloudfront.net\t/static/js/a.js\t200\t-\tcurl/7.1\t-"

func TestTimes(t *testing.T) {
	const fields = "#Fields: date time x-edge-location c-ip cs-method cs-uri-stem sc-status x-edge-result-type time-taken time-to-first-byte\n"
	for in, want := range map[string][2]time.Duration{
		"0.017\t0.016":      {17 * time.Millisecond, 16 * time.Millisecond},
		"12.5\t-":           {12500 * time.Millisecond, -1},
		"3\t0.000":          {3 * time.Second, 0},
		"0.0000000019\t1.0": {1, time.Second},
	} {
		got, reasons, _ := rows(t, cloudfront.Options{}, fields+"2023-03-07\t18:21:05\tSEA19-C1\t192.0.2.1\tGET\t/x\t200\tHit\t"+in+"\n")
		if len(got) != 1 {
			t.Fatalf("%q: %v", in, reasons)
		}
		if got[0].Taken != want[0] || got[0].FirstByte != want[1] {
			t.Errorf("%q: %v and %v, want %v", in, got[0].Taken, got[0].FirstByte, want)
		}
		if s := span("2023-03-07T18:21:05Z", "2023-03-07T18:21:06Z"); got[0].End != (model.Interval{Lo: s.From, Hi: s.To}) {
			t.Errorf("End is %v", got[0].End)
		}
	}
	for _, bad := range []string{"x\t-", "1.\t-", ".5\t-", "-1\t-", "1.2.3\t-", "1e3\t-", "99999999999\t-"} {
		if got, _, _ := rows(t, cloudfront.Options{}, fields+"2023-03-07\t18:21:05\tSEA19-C1\t192.0.2.1\tGET\t/x\t200\tHit\t"+bad+"\n"); len(got) != 0 {
			t.Errorf("%q was read as %v", bad, got[0].Taken)
		}
	}
}

func TestWithoutHeader(t *testing.T) {
	got, reasons, d := rows(t, cloudfront.Options{}, twelve+"\na\tb\tc\n"+twelve+"\n")
	if len(got) != 2 || len(reasons) != 1 || !strings.Contains(reasons[0], "number of columns") {
		t.Fatalf("%d rows, rejects %v", len(got), reasons)
	}
	r := got[0]
	if !strings.HasPrefix(r.ID, "line-") || len(r.ID) != len("line-")+16 || got[1].ID != r.ID {
		t.Errorf("id %q, then %q", r.ID, got[1].ID)
	}
	if r.Result != "" || r.Taken != -1 || r.Kind != model.ClientTool || r.CookieLogged || r.Host != "d1.cloudfront.net" {
		t.Errorf("row %+v", r)
	}
	if want := cache.Key(key(), model.QueryKey{}, "d1.cloudfront.net", "/static/js/a.js", ""); r.Key != want {
		t.Error("object key differs from cache.Key")
	}
	if len(d.Warnings()) != 1 {
		t.Errorf("warnings %q", d.Warnings())
	}
}

func TestDistributionFromName(t *testing.T) {
	const text = "#Fields: date time x-edge-location c-ip cs-method cs-uri-stem sc-status\n2023-03-07\t18:21:05\tSEA19-C1\t192.0.2.1\tGET\t/x\t200\n"
	for name, want := range map[string]string{
		"logs/E2EXAMPLE.2023-03-07-18.ab12.gz": "E2EXAMPLE",
		"logs/access.log.gz":                   "",
	} {
		got, _, _ := rows(t, cloudfront.Options{Object: name}, text)
		if len(got) != 1 || got[0].Distribution != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestCookie(t *testing.T) {
	const fields = "#Fields: date time x-edge-location c-ip cs-method cs-uri-stem sc-status cs(Cookie)\n2023-03-07\t18:21:05\tSEA19-C1\t192.0.2.1\tGET\t/x\t200\t"
	form := model.SessionForm{Decode: []string{"percent"}, StripPrefix: "s:", CutAt: "."}
	for cookie, want := range map[string]string{
		"sid=abc":                    "abc",
		"a=1;%20sid=abc;%20sid=def":  "abc",
		"xsid=no;%20sidx=no;sid=abc": "abc",
		"sid=%22abc%22":              "abc",
		"sid=s%253Aabc.sig":          "abc", // the client sent s%3Aabc.sig
		"SID=abc":                    "",
		"-":                          "",
		"sid":                        "",
		";;;=;sid=":                  "",
		"a=%3Bsid%3Dabc":             "abc", // the log's encoding hides a separator that the client sent
	} {
		got, reasons, _ := rows(t, cloudfront.Options{Form: form}, fields+cookie+"\n")
		if len(got) != 1 {
			t.Fatalf("%q: %v", cookie, reasons)
		}
		var id model.ID
		if want != "" {
			id = key().Digest("session", []byte(want))
		}
		if got[0].Session != id || !got[0].CookieLogged {
			t.Errorf("%q: session is not that of %q", cookie, want)
		}
	}
}

func TestHashes(t *testing.T) {
	head := "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id\n"
	line := func(cookie, bytes string) string {
		return "2023-03-07\t18:21:05\tSEA19-C1\t" + bytes + "\t192.0.2.1\tGET\td1.cloudfront.net\t/x\t200\t-\t-\t-\t" + cookie + "\tHit\tid\n"
	}
	got, _, _ := rows(t, cloudfront.Options{}, head+line("-", "10")+line("-", "10")+line("a=1", "10")+line("-", "11"))
	if got[0].Line != got[1].Line || got[0].Shared != got[1].Shared {
		t.Error("equal rows hash differently")
	}
	if got[0].Line == got[2].Line || got[0].Shared != got[2].Shared {
		t.Error("cookie logging decides what counts as the same row")
	}
	other, _, _ := rows(t, cloudfront.Options{}, head+strings.Replace(line("-", "10"), "/x", "/y", 1))
	if got[0].Shared == other[0].Shared {
		t.Error("other path, same Shared")
	}
	if got[0].Columns == 0 || got[0].Columns != got[3].Columns {
		t.Error("Columns")
	}
}

func TestFiltered(t *testing.T) {
	line := []byte(strings.Repeat("2023-03-07\t18:21:05\tSEA19-C1\t10\t192.0.2.1\tGET\td1.cloudfront.net\t/static/js/a.js\t200\t-\tMozilla/5.0%20Chrome/1\t-\ta=1;%20b=2\tHit\tVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVQ==", 1))
	line = append(line, "\tapp.example.com\thttps\t100\t0.010"...)
	head := []byte("#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken")
	for _, tt := range []struct {
		name string
		span model.Span
		want decode.Outcome
	}{
		{"by span", span("2023-03-07T19:00:00Z", "2023-03-07T20:00:00Z"), decode.Filtered},
		{"by keep", span("2023-03-07T18:21:05Z", "2023-03-07T18:21:05Z"), decode.Filtered},
		{"second before", span("2023-03-07T18:21:06Z", "2023-03-07T18:22:05Z"), decode.Filtered},
	} {
		kept := 0
		d := cloudfront.New(newContext(t), cloudfront.Options{Spans: []model.Span{tt.span}}, func(*model.EdgeRow) bool { kept++; return false })
		d.Line(model.Ref{}, head)
		n := testing.AllocsPerRun(1000, func() {
			if got, reason := d.Line(model.Ref{Line: 2}, line); got != tt.want {
				t.Fatalf("%s: outcome %d %s", tt.name, got, reason)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations a row", tt.name, n)
		}
		if (kept > 0) != (tt.name == "by keep") {
			t.Errorf("%s: %d rows reached keep", tt.name, kept)
		}
		if first, last := d.Extent(); first == 0 || first != last {
			t.Errorf("%s: extent %v to %v", tt.name, first, last)
		}
	}
	// A stamp within the last second of a span may have ended inside it.
	o := cloudfront.Options{Spans: []model.Span{{From: span("2023-03-07T18:21:05Z", "2023-03-07T18:21:05Z").From.Add(900 * time.Millisecond), To: 1 << 62}}}
	if got, _, _ := rows(t, o, string(head)+"\n"+string(line)+"\n"); len(got) != 1 {
		t.Error("a row that may lie in the span was filtered")
	}
}

// TestSamples reads logs by others, where they are at hand.
func TestSamples(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "..", "shared", "samples", "cloudfront")
	for name, want := range map[string]model.Balance{
		"crates-io-basic.log":              {Lines: 22, Parsed: 20, Comment: 2},
		"crates-io-percent-encoding.log":   {Lines: 5, Parsed: 3, Comment: 2},
		"crates-io-unknown-version.log":    {Lines: 3, Parsed: 1, Comment: 2},
		"crates-io-unrelated-traffic.log":  {Lines: 7, Parsed: 5, Comment: 2},
		"crates-io-recoverable-errors.log": {Lines: 20, Rejected: 9, Comment: 11},
	} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Skip("no samples here")
		}
		var last model.EdgeRow
		d := cloudfront.New(newContext(t), cloudfront.Options{}, func(r *model.EdgeRow) bool { last = *r; return true })
		got, err := decode.Lines(bytes.NewReader(b), 0, d, func(model.Reject) {})
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
		if (len(d.Warnings()) > 0) != (name == "crates-io-unknown-version.log" || name == "crates-io-recoverable-errors.log") {
			t.Errorf("%s: warnings %q", name, d.Warnings())
		}
		if name == "crates-io-percent-encoding.log" {
			if last.Route != 1 || last.Host != "static.crates.io" || last.Port != 59518 || last.ContentLength != 736270 ||
				last.Path != key().Digest("path", []byte("/crates/zstd-sys/zstd-sys-2.0.8+zstd.1.5.5.crate")) || last.Kind != model.ClientTool {
				t.Errorf("last row %+v", last)
			}
		}
	}
}

func FuzzDecoder(f *testing.F) {
	seed, err := os.ReadFile("testdata/rows.log")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(twelve))
	for _, form := range written(f) {
		f.Add(read(f, "testdata/"+form.file))
	}
	ctx := newContext(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		got := decodetest.Read(bytes.NewReader(in), 0, func(emit func(decodetest.Row)) decode.Decoder {
			return cloudfront.New(ctx, cloudfront.Options{}, func(r *model.EdgeRow) bool {
				emit(decodetest.Row{Ref: r.Ref, Text: fmt.Sprintf("%+v", *r)})
				return true
			})
		})
		decodetest.Account(t, in, got)
		for _, form := range written(t) {
			decodetest.Account(t, in, decodetest.Read(bytes.NewReader(in), 0, maker(t, form.o)))
		}

		// Whatever cookie the rows are given, it does not come out again.
		got = decodetest.Read(strings.NewReader("#Fields: date time x-edge-location c-ip cs-method cs-uri-stem sc-status cs(Cookie)\n"+
			"2023-03-07\t18:21:05\tSEA19-C1\t192.0.2.1\tGET\t/x\t200\tsid="+secret+strings.ReplaceAll(string(in), "\n", "")), 0,
			func(emit func(decodetest.Row)) decode.Decoder {
				return cloudfront.New(ctx, cloudfront.Options{}, func(r *model.EdgeRow) bool {
					emit(decodetest.Row{Ref: r.Ref, Text: fmt.Sprintf("%+v", *r)})
					return true
				})
			})
		decodetest.NoSecret(t, got, secret)
		quoted, err := json.Marshal("sid=" + secret + string(in))
		if err != nil {
			t.Fatal(err)
		}
		got = decodetest.Read(strings.NewReader(`{"timestamp":"1678213265","x-edge-location":"SEA19-C1","c-ip":"192.0.2.1","cs-method":"GET","cs-uri-stem":"/x","sc-status":"200","cs(Cookie)":`+string(quoted)+"}"), 0, maker(t, cloudfront.Options{}))
		if len(got.Rows) != 1 {
			t.Errorf("a JSON row was rejected: %v", got.Rejects)
		}
		decodetest.NoSecret(t, got, secret)
	})
}

func BenchmarkDecoder(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end\n")
	for i := range 20_000 {
		fmt.Fprintf(&text, "2023-03-07\t18:%02d:05\tSEA19-C1\t2214\t192.0.2.%d\tGET\td1.cloudfront.net\t/static/js/app%d.js\t200\thttps://www.example.com/w/%d\tMozilla/5.0%%20(X11;%%20Linux%%20x86_64)%%20Chrome/%d.0\t-\ttheme=dark;%%20sid=%064x\tHit\t%055d=\tapp.example.com\thttps\t120\t0.017\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tHit\tHTTP/2.0\t-\t-\t%d\t0.016\tHit\tapplication/javascript\t1800\t-\t-\n",
			i%60, i%256, i%50, i%300, i%100, i, i, 1024+i%60000)
	}
	for name, spans := range map[string][]model.Span{"kept": nil, "filtered": {{From: 1, To: 2}}} {
		b.Run(name, func(b *testing.B) {
			ctx := newContext(b)
			memo := ctx.NewMemo()
			b.SetBytes(int64(text.Len()))
			b.ReportAllocs()
			for b.Loop() {
				d := cloudfront.New(ctx, cloudfront.Options{Spans: spans, Memo: memo}, func(*model.EdgeRow) bool { return true })
				if bal, err := decode.Lines(bytes.NewReader(text.Bytes()), 0, d, nil); err != nil || !bal.Holds() {
					b.Fatal(bal, err)
				}
			}
		})
	}
}
