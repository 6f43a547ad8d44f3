package jsonl_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/decodetest"
	"github.com/spillscope/spillscope/scan/internal/decode/jsonl"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
	"github.com/spillscope/spillscope/scan/internal/decode/origin/origintest"
)

var update = flag.Bool("update", false, "rewrite the goldens")

const secret, secret2 = "planted-secret-value", "planted-secret-two"

func key() model.Key { return model.NewKey([]byte("0123456789abcdef0123456789abcdef")) }

func newContext(t testing.TB) *decode.Context {
	t.Helper()
	c, err := decode.NewContext(&model.Incident{
		Routes:         []model.Route{{Path: "/static/js/*"}, {Path: "/static/css/*"}},
		Cookie:         model.Cookie{Names: []string{"sid"}},
		DataCategories: []model.Category{{Path: "/api/videos/**", Name: "video metadata"}},
	}, key())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func source() model.Source {
	return model.Source{Kind: model.SourceOrigin, Map: map[string]string{
		"time": "ts", "request_id": "cf_id", "method": "method", "path": "path", "status": "status",
		"session": "sid_hash", "user": "user_id", "set_cookie": "set_cookie", "set_session": "set_sid_hash",
		"user_agent": "ua", "client_ip": "xff", "duration": "took"}}
}

func maker(t testing.TB, o origin.Options) decodetest.New {
	ctx := newContext(t)
	return func(emit func(decodetest.Row)) decode.Decoder {
		d, err := jsonl.New(ctx, o, func(r *model.OriginRow) bool {
			emit(decodetest.Row{Ref: r.Ref, Text: origintest.Text(r)})
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func instant(s string) model.Instant {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return model.InstantOf(at)
}

func TestConformance(t *testing.T) {
	decodetest.Case{
		New:     maker(t, origin.Options{Source: source()}),
		Input:   read(t, "testdata/rows.jsonl"),
		Secrets: []string{secret, secret2},
		Dropped: maker(t, origin.Options{Source: source(), Spans: []model.Span{{From: 1, To: 2}}}), DroppedInput: []byte(typical + "\n"),
	}.Run(t)
}

func TestGolden(t *testing.T) {
	o := origin.Options{Source: source(), Spans: []model.Span{{From: instant("2023-03-07T18:00:00Z"), To: instant("2023-03-07T19:00:00Z")}}}
	got := decodetest.Read(bytes.NewReader(read(t, "testdata/rows.jsonl")), 0, maker(t, o))
	decodetest.NoSecret(t, got, secret, secret2)
	out := got.Golden()
	if *update {
		if err := os.WriteFile("testdata/rows.golden", []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, "testdata/rows.golden")), out); diff != "" {
		t.Error(diff)
	}
}

// one decodes a single line.
func one(t *testing.T, src model.Source, line string) (model.OriginRow, string, origin.Stats) {
	t.Helper()
	var row model.OriginRow
	d, err := jsonl.New(newContext(t), origin.Options{Source: src}, func(r *model.OriginRow) bool { row = *r; return true })
	if err != nil {
		t.Fatal(err)
	}
	_, reason := d.Line(model.Ref{Line: 1}, []byte(line))
	return row, reason, d.Stats()
}

func TestTime(t *testing.T) {
	const at = "2023-03-07T18:21:05Z"
	for _, tt := range []struct {
		value, zone, unit string
		lo                string // "": refused
		width             time.Duration
	}{
		{`"2023-03-07T18:21:05Z"`, "", "", at, time.Second},
		{`"2023-03-07t18:21:05z"`, "", "", at, time.Second},
		{`"2023-03-07 18:21:05+00:00"`, "", "", at, time.Second},
		{`"2023-03-07T10:21:05-0800"`, "", "", at, time.Second},
		{`"2023-03-07T23:51:05.000+05:30"`, "", "", at, time.Millisecond},
		{`"2023-03-07T19:21:05.1+01"`, "", "", "2023-03-07T18:21:05.1Z", 100 * time.Millisecond},
		{`"2023-03-07T18:21:05,123456 UTC"`, "", "", "2023-03-07T18:21:05.123456Z", time.Microsecond},
		{`"2023-03-07T18:21:05.123456789Z"`, "", "", "2023-03-07T18:21:05.123456789Z", time.Microsecond},
		{`"2023-03-07T18:21:05"`, "", "", "", 0},
		{`"2023-03-07T10:21:05"`, "America/Los_Angeles", "", at, time.Second},
		{`"2023-11-05T01:30:00"`, "America/Los_Angeles", "", "2023-11-05T08:30:00Z", time.Hour + time.Second}, // twice that night
		{`"2023-03-12T02:30:00"`, "America/Los_Angeles", "", "", 0},                                           // never that night
		{`1678213265`, "", "", at, time.Second},
		{`"1678213265"`, "", "", at, time.Second},
		{`1678213265.12`, "", "", "2023-03-07T18:21:05.12Z", 10 * time.Millisecond},
		{`1678213265123`, "", "", "2023-03-07T18:21:05.123Z", time.Millisecond},
		{`1678213265123.456`, "", "", "2023-03-07T18:21:05.123456Z", time.Microsecond},
		{`1678213265123456`, "", "", "2023-03-07T18:21:05.123456Z", time.Microsecond},
		{`1678213265123456780`, "", "", "2023-03-07T18:21:05.12345678Z", time.Microsecond},
		{`1.678213265e9`, "", "", at, time.Second},
		{`1678213265`, "", "ms", "1970-01-20T10:10:13.265Z", time.Millisecond},
		{`1678213265`, "", "s", at, time.Second},
		{`"07/Mar/2023:18:21:05 +0000"`, "", "", at, time.Second},
		{`"[07/Mar/2023:10:21:05 -0800]"`, "", "", at, time.Second},
		{`"07/Mar/2023:18:21:05.25 +0000"`, "", "", "2023-03-07T18:21:05.25Z", 10 * time.Millisecond},
		{`"07/Mar/2023:10:21:05"`, "America/Los_Angeles", "", at, time.Second},
		{`"07/Mar/2023:10:21:05"`, "", "", "", 0},
		{`"Tue, 07 Mar 2023 18:21:05 GMT"`, "", "", at, time.Second},
		{`"2023-03-07 18:21:05 UTC"`, "", "", at, time.Second},
		{`"2023/03/07 18:21:05Z"`, "", "", at, time.Second},
		{`"2023/03/07 10:21:05"`, "America/Los_Angeles", "", at, time.Second},
		{`"2023-03-07 18:21:05.5 +0000 UTC"`, "", "", "2023-03-07T18:21:05.5Z", 100 * time.Millisecond},
		{`"2023-03-07T19:21:05+01:00[Europe/Berlin]"`, "", "", at, time.Second},
		{`"2023-03-07 18:21:05.123+00"`, "", "", "2023-03-07T18:21:05.123Z", time.Millisecond},
		{`"\/Date(1678213265123)\/"`, "", "", "2023-03-07T18:21:05.123Z", time.Millisecond},
		{`"/Date(1678213265123+0100)/"`, "", "s", "2023-03-07T18:21:05.123Z", time.Millisecond},
		{`"/Date(x)/"`, "", "", "", 0},
		{`"Mar  7 18:21:05"`, "", "", "", 0},
		{`"03/07/2023 18:21:05"`, "", "", "", 0},
		{`"13/03/2023"`, "", "", "", 0},
		{`"3/7/2023 18:21"`, "", "", "", 0},
		{`"1.67821E+12"`, "", "", "", 0},
		{`"1,678,213,265"`, "", "", "", 0},
		{`"31/Feb/2023:18:21:05 +0000"`, "", "", "", 0},
		{`"07/Mar/2023"`, "", "", "", 0},
		{`"2023-02-29T00:00:00Z"`, "", "", "", 0},
		{`"2023-03-07T24:00:00Z"`, "", "", "", 0},
		{`"2023-03-07T18:21:05.Z"`, "", "", "", 0},
		{`"2023-03-07"`, "", "", "", 0},
		{`"yesterday"`, "", "", "", 0},
		{`true`, "", "", "", 0},
		{`0`, "", "", "", 0},
		{`-5`, "", "", "", 0},
		{`99999999999999999999999999`, "", "", "", 0},
		{`1e400`, "", "", "", 0},
		{`{}`, "", "", "", 0},
		{`null`, "", "", "", 0},
	} {
		src := source()
		src.TimeZone, src.Unit = tt.zone, tt.unit
		row, reason, _ := one(t, src, `{"ts":`+tt.value+`}`)
		if tt.lo == "" {
			if reason == "" {
				t.Errorf("%s was read as %v", tt.value, row.Time.Lo)
			}
			continue
		}
		if reason != "" || row.Time.Lo != instant(tt.lo) || row.Time.Hi.Sub(row.Time.Lo) != tt.width {
			t.Errorf("%s: %v + %v (%s), want %s + %v", tt.value, row.Time.Lo.Time(), row.Time.Hi.Sub(row.Time.Lo), reason, tt.lo, tt.width)
		}
	}
}

func TestFields(t *testing.T) {
	digest := func(kind, v string) model.ID { return key().Digest(kind, []byte(v)) }
	for _, tt := range []struct {
		name, members string
		ok            func(r model.OriginRow) bool
	}{
		{"path without query", `"path":"/static/js/a.js?x=1"`, func(r model.OriginRow) bool { return r.Route == 0 && r.Path == digest("path", "/static/js/a.js") }},
		{"full URL", `"path":"https://app.example.com/api/videos/7?x"`, func(r model.OriginRow) bool {
			return r.Category == 0 && r.Route == model.NoRoute && r.Path == digest("path", "/api/videos/7") && r.Pattern == "/api/videos/**"
		}},
		{"URL in the query", `"path":"/login?next=https://example.org/"`, func(r model.OriginRow) bool { return r.Path == digest("path", "/login") }},
		{"escaped path", `"path":"\/static\/js\/\u0061.js"`, func(r model.OriginRow) bool { return r.Path == digest("path", "/static/js/a.js") }},
		{"no path", `"x":1`, func(r model.OriginRow) bool {
			return r.Path.IsZero() && r.Route == model.NoRoute && r.Category == -1 && r.Taken == -1
		}},
		{"status as text", `"status":"304"`, func(r model.OriginRow) bool { return r.Status == 304 }},
		{"status with fraction", `"status":200.0`, func(r model.OriginRow) bool { return r.Status == 200 }},
		{"session", `"sid_hash":"abc"`, func(r model.OriginRow) bool { return r.Presented == digest("session", "abc") && r.Issued.IsZero() }},
		{"session as number", `"sid_hash":123`, func(r model.OriginRow) bool { return r.Presented == digest("session", "123") }},
		{"empty session", `"sid_hash":"","set_sid_hash":"-"`, func(r model.OriginRow) bool {
			return r.Presented.IsZero() && r.Issued.IsZero() && r.SetCookie == model.Unknown
		}},
		{"issued says set", `"set_sid_hash":"abc"`, func(r model.OriginRow) bool { return r.Issued == digest("session", "abc") && r.SetCookie == model.Yes }},
		{"issued but not set", `"set_sid_hash":"abc","set_cookie":false`, func(r model.OriginRow) bool { return r.SetCookie == model.No }},
		{"later duplicate wins", `"user_id":"a","user_id":"b"`, func(r model.OriginRow) bool { return r.User == "b" }},
		{"later null wins", `"user_id":"a","user_id":null`, func(r model.OriginRow) bool { return r.User == "" }},
		{"user as number", `"user_id":12345678901234567890`, func(r model.OriginRow) bool { return r.User == "12345678901234567890" }},
		{"user as object", `"user_id":{"id":1}`, func(r model.OriginRow) bool { return r.User == "" }},
		{"id in a list", `"cf_id":["abc=="]`, func(r model.OriginRow) bool { return r.RequestID == "abc==" }},
		{"two ids", `"cf_id":["a","b"]`, func(r model.OriginRow) bool { return r.RequestID == "" }},
		{"invite", `"method":"POST","path":"/api/v1/workspaces/7/invites"`, func(r model.OriginRow) bool { return r.Lasting == "invite" }},
		{"reading invites", `"method":"GET","path":"/api/v1/workspaces/7/invites"`, func(r model.OriginRow) bool { return r.Lasting == "" }},
		{"last of XFF", `"xff":"192.0.2.1, 198.51.100.2"`, func(r model.OriginRow) bool { return r.Client.String() == "198.51.100.2" }},
		{"port", `"xff":"192.0.2.1:80"`, func(r model.OriginRow) bool { return r.Client.String() == "192.0.2.1" }},
		{"IPv6 with port", `"xff":"[2001:db8::1]:80"`, func(r model.OriginRow) bool { return r.Client.String() == "2001:db8::1" }},
		{"junk address", `"xff":"localhost:8080, :"`, func(r model.OriginRow) bool { return !r.Client.IsValid() }},
		{"CDN's agent", `"ua":"Amazon CloudFront"`, func(r model.OriginRow) bool { return r.Agent.IsZero() }},
		{"agent", `"ua":"curl/7"`, func(r model.OriginRow) bool { return r.Agent == digest("agent", "curl/7") }},
		{"duration with unit", `"took":"1.5s"`, func(r model.OriginRow) bool { return r.Taken == 1500*time.Millisecond }},
		{"duration without unit", `"took":1.5`, func(r model.OriginRow) bool { return r.Taken == -1 }},
	} {
		row, reason, _ := one(t, source(), `{"ts":1678213265,`+tt.members+`}`)
		if reason != "" || !tt.ok(row) {
			t.Errorf("%s: %+v %s", tt.name, row, reason)
		}
	}
	src := source()
	src.XFF, src.Unit = "first", "ms"
	row, _, _ := one(t, src, `{"ts":"2023-03-07T18:21:05Z","xff":"192.0.2.1, 198.51.100.2","took":12.5}`)
	if row.Client.String() != "192.0.2.1" || row.Taken != 12500*time.Microsecond {
		t.Errorf("first of XFF, duration in ms: %+v", row)
	}
}

func TestSetCookie(t *testing.T) {
	for value, want := range map[string]model.Tri{
		`true`: model.Yes, `"true"`: model.Yes, `1`: model.Yes, `"1"`: model.Yes,
		`false`: model.No, `"false"`: model.No, `0`: model.No, `""`: model.No, `"-"`: model.No, `[]`: model.No,
		`["sid"]`: model.Yes, `["theme","sid=x; Path=/"]`: model.Yes, `["theme"]`: model.No, `[[],{},null,1]`: model.No,
		`"sid"`: model.Yes, `"theme,sid"`: model.Yes, `"theme; lang"`: model.No, `"xsid"`: model.No, `"SID"`: model.No,
		`"t"`: model.Yes, `"f"`: model.No, `"TRUE"`: model.Yes, `"{theme,sid}"`: model.Yes, `"[\"sid\"]"`: model.Yes,
		`null`: model.Unknown, `"null"`: model.Unknown, `{"sid":1}`: model.Unknown,
	} {
		if row, reason, _ := one(t, source(), `{"ts":1678213265,"set_cookie":`+value+`}`); reason != "" || row.SetCookie != want {
			t.Errorf("%s: %d %s, want %d", value, row.SetCookie, reason, want)
		}
	}
}

// Stamps that must not be guessed are refused in words that say what to do.
func TestTimeRefused(t *testing.T) {
	for value, want := range map[string]string{
		"Mar  7 18:21:05":     "no year",
		"03/07/2023 18:21:05": "ambiguous",
		"3/7/2023 18:21":      "spreadsheet",
		"1.67821E+12":         "spreadsheet",
		"2023-03-07T18:21:05": "set time_zone",
	} {
		if _, reason, _ := one(t, source(), `{"ts":"`+value+`"}`); !strings.Contains(reason, want) {
			t.Errorf("%s: %q, want a word on %s", value, reason, want)
		}
	}
}

func TestPaths(t *testing.T) {
	src := model.Source{Map: map[string]string{"time": "t", "user": "a.b.c"}}
	for line, want := range map[string]string{
		`{"t":1678213265,"a":{"b":{"c":"nested"}}}`:                             "nested",
		`{"t":1678213265,"a":{"b":{"c":"nested"}},"a.b.c":"literal"}`:           "literal",
		`{"t":1678213265,"a.b.c":null,"a":{"b":{"c":"nested"}}}`:                "nested",
		`{"t":1678213265,"a.b":{"c":"half"}}`:                                   "half",
		`{"t":1678213265,"a":{"b.c":"half"}}`:                                   "half",
		`{"t":1678213265,"\u0061":{"b":{"c":"escaped"}}}`:                       "escaped",
		`{"t":1678213265,"a":{"b":{"c":"gone"}},"a":{"b":1}}`:                   "",
		`{"t":1678213265,"a":[{"b":{"c":"in a list"}}]}`:                        "",
		`{"t":1678213265,"x":{"a":{"b":{"c":"too deep"}}},"c":"x","b":{"c":2}}`: "",
	} {
		if row, reason, _ := one(t, src, line); reason != "" || row.User != want {
			t.Errorf("%s: %q %s, want %q", line, row.User, reason, want)
		}
	}
}

func TestNewError(t *testing.T) {
	for want, src := range map[string]model.Source{
		"map.time":  {},
		"time_zone": {Map: map[string]string{"time": "t"}, TimeZone: "Mars/Olympus"},
		"unit":      {Map: map[string]string{"time": "t"}, Unit: "min"},
		"map.user":  {Map: map[string]string{"time": "t", "user": "a.b.c.d.e.f.g.h.i"}},
	} {
		if _, err := jsonl.New(newContext(t), origin.Options{Source: src}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", want, err)
		}
	}
}

// outside returns how many of the edge's requests 1 and 2 are in s.
func outside(s calibrate.Sample) int64 {
	var edge calibrate.Sample
	var clock calibrate.Clock
	for _, id := range []string{"1", "2"} {
		edge.Add([]byte(id), 0)
	}
	clock.Strangers(&edge, &s)
	return clock.Offset("unknown").Joined
}

func TestStats(t *testing.T) {
	src := source()
	src.SessionForm = model.SessionForm{StripPrefix: "s:", Decode: []string{"hex"}}
	text := `{"ts":"2023-03-07T10:00:00Z","path":"/static/js/a.js","sid_hash":"` + strings.Repeat("61", 10) + `","cf_id":"1"}
{"ts":"2023-03-07T12:00:00Z","path":"/static/js/a.js","set_sid_hash":"zz"}
{"ts":"2023-03-07T09:00:00Z","path":"/static/js/a.js"}
{"ts":"2023-03-07T18:00:00Z","path":"/static/css/a.css","sid_hash":"zz","cf_id":"2"}
`
	stats := func(lines string) origin.Stats {
		o := origin.Options{Source: src, Spans: []model.Span{{From: instant("2023-03-07T17:00:00Z"), To: instant("2023-03-07T19:00:00Z")}}}
		d, err := jsonl.New(newContext(t), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode.Lines(strings.NewReader(lines), 0, d, func(r model.Reject) { t.Error(r.Reason) }); err != nil {
			t.Fatal(err)
		}
		return d.Stats()
	}
	got := stats(text)
	if got.All != (origin.Extent{Rows: 4, First: instant("2023-03-07T09:00:00Z"), Last: instant("2023-03-07T18:00:00Z")}) ||
		got.Routes[0] != (origin.Extent{Rows: 2, First: instant("2023-03-07T10:00:00Z"), Last: instant("2023-03-07T12:00:00Z")}) ||
		got.Routes[1].Rows != 1 || got.WithID != 2 || got.WithoutID != 2 || got.FormFailures != 2 {
		t.Errorf("%+v", got)
	}
	if got.Shapes[decode.ShapeOf([]byte("zz"))] != 2 || got.Shapes[decode.ShapeOf([]byte("aaaaaaaaaa"))] != 1 {
		t.Errorf("shapes %v", got.Shapes)
	}
	if outside(got.Outside) != 1 {
		t.Error("the one row outside the spans that has an id is not in the sample")
	}
	alike := cmp.Options{
		cmp.Comparer(func(a, b decode.FormOf) bool { return a == b }),
		cmp.Comparer(func(a, b calibrate.Sample) bool { return outside(a) == outside(b) }),
	}
	lines := strings.SplitAfter(text, "\n")
	for cut := range lines {
		a, b := stats(strings.Join(lines[:cut], "")), stats(strings.Join(lines[cut:], ""))
		ab, ba := a, b
		ab.Merge(b)
		ba.Merge(a)
		if diff := cmp.Diff(got, ab, alike); diff != "" {
			t.Errorf("merged at %d: %s", cut, diff)
		}
		if !cmp.Equal(ab, ba, alike) {
			t.Errorf("merging at %d does not commute", cut)
		}
	}
}

const typical = `{"ts":"2023-03-07T18:21:05.123Z","level":"info","cf_id":"VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVQ==","method":"GET","path":"/static/js/app.js?v=1","status":200,"sid_hash":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","user_id":"u_0001","set_cookie":true,"ua":"Mozilla/5.0 Chrome/110.0","xff":"192.0.2.10","tags":["a","b"],"extra":{"a":1,"b":[1,2,3]}}`

func TestFiltered(t *testing.T) {
	for name, spans := range map[string][]model.Span{"by span": {{From: 1, To: 2}}, "by keep": nil} {
		d, err := jsonl.New(newContext(t), origin.Options{Source: source(), Spans: spans}, func(*model.OriginRow) bool { return false })
		if err != nil {
			t.Fatal(err)
		}
		line := []byte(typical)
		n := testing.AllocsPerRun(1000, func() {
			if got, reason := d.Line(model.Ref{}, line); got != decode.Filtered {
				t.Fatal(got, reason)
			}
		})
		// A row in the spans digests its session, which is never remembered.
		if limit := map[string]float64{"by span": 0, "by keep": 10}[name]; n > limit {
			t.Errorf("%s: %v allocations a row", name, n)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	seed, err := os.ReadFile("testdata/rows.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(typical))
	newDecoder := maker(f, origin.Options{Source: source()})
	f.Fuzz(func(t *testing.T, in []byte) {
		decodetest.Account(t, in, decodetest.Read(bytes.NewReader(in), 0, newDecoder))
		if strings.Contains(strings.ToLower(string(in)), secret) {
			return // as the path it may be a host, and hosts are no secrets
		}
		planted, err := json.Marshal(map[string]any{"ts": 1678213265, "path": string(in), "sid_hash": secret + string(in), "set_cookie": []string{"sid=" + secret}, "set_sid_hash": secret})
		if err != nil {
			t.Fatal(err)
		}
		decodetest.NoSecret(t, decodetest.Read(bytes.NewReader(planted), 0, newDecoder), secret)
	})
}

func BenchmarkDecoder(b *testing.B) {
	text := bytes.Repeat([]byte(typical+"\n"), 20_000)
	for name, spans := range map[string][]model.Span{"kept": nil, "filtered": {{From: 1, To: 2}}} {
		b.Run(name, func(b *testing.B) {
			ctx := newContext(b)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := jsonl.New(ctx, origin.Options{Source: source(), Spans: spans}, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := decode.Lines(bytes.NewReader(text), 0, d, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncodingJSON is what the scanner was chosen over: splitting the
// same rows into raw values, and nothing else.
func BenchmarkEncodingJSON(b *testing.B) {
	b.SetBytes(int64(len(typical)))
	b.ReportAllocs()
	for b.Loop() {
		var m map[string]json.RawMessage
		if err := json.Unmarshal([]byte(typical), &m); err != nil {
			b.Fatal(err)
		}
	}
}
