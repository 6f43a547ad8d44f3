package origin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/jsonl"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
	"github.com/spillscope/spillscope/scan/internal/decode/origin/origintest"
)

// Only the root of a trace is the same at the load balancer and in the
// application.
func TestTrace(t *testing.T) {
	root := origintest.Digest("trace", "1-64077f81-0123456789abcdef01234567")
	for text, want := range map[string]model.ID{
		"Root=1-64077f81-0123456789abcdef01234567":                                           root,
		"1-64077f81-0123456789abcdef01234567":                                                root,
		"Root=1-64077f81-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0":         root,
		"Self=1-64077f82-aaaaaaaaaaaaaaaaaaaaaaaa;Root=1-64077f81-0123456789abcdef01234567":  root,
		"Self=1-64077f82-aaaaaaaaaaaaaaaaaaaaaaaa; Root=1-64077f81-0123456789abcdef01234567": root,
		"-":     {},
		"Root=": {},
		"":      {},
	} {
		row, _, _ := origintest.One(t, opens(jsonl.New), origintest.Source(), `{"ts":1678213265,"trace":"`+text+`"}`)
		if row.Trace != want {
			t.Errorf("%q: %v, want %v", text, row.Trace, want)
		}
	}
}

// A host of its own field does not choose the route.
func TestHost(t *testing.T) {
	ctx, err := decode.NewContext(&model.Incident{Routes: []model.Route{{Host: "www.example.com", Path: "/static/js/*"}}}, origintest.Key())
	if err != nil {
		t.Fatal(err)
	}
	var row model.OriginRow
	d, err := jsonl.New(ctx, origin.Options{Source: origintest.Source()}, func(r *model.OriginRow) bool { row = *r; return true })
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		`{"ts":1678213265,"vhost":"Origin.example.com:8443","path":"/static/js/a.js"}`:                "origin.example.com 0",
		`{"ts":1678213265,"path":"https://www.example.com/static/js/a.js"}`:                           "www.example.com 0",
		`{"ts":1678213265,"path":"https://other.example.com/static/js/a.js"}`:                         "other.example.com -1",
		`{"ts":1678213265,"vhost":"a.example.com","path":"https://www.example.com/static/js/a.js?x"}`: "a.example.com 0",
	} {
		if d.Line(model.Ref{}, []byte(line)); strings.Join([]string{row.Host, map[int]string{0: "0", -1: "-1"}[row.Route]}, " ") != want {
			t.Errorf("%s: %s %d, want %s", line, row.Host, row.Route, want)
		}
	}
}

// A sighting is told, and says nothing about requests.
func TestSighting(t *testing.T) {
	src := origintest.Source()
	src.Kind = model.SourceSighting
	row, reason, d := origintest.One(t, opens(jsonl.New), src, `{"ts":1678213265,"user_id":"u_1","device":"dev-1","path":"/static/js/a.js","sid_hash":"x"}`)
	if reason != "" || !row.Told || row.Device != origintest.Digest("device id", "dev-1") || row.User != "u_1" {
		t.Errorf("%+v %s", row, reason)
	}
	if s := d.Stats(); s.All.Rows != 1 || s.WithoutID != 0 || s.Routes[0].Rows != 0 {
		t.Errorf("%+v", s)
	}
}

// Use tells over all objects of a source what the map names in vain.
func TestUse(t *testing.T) {
	src := model.Source{Map: map[string]string{"time": "ts", "user": "a.uid", "session": "sid", "method": "verb", "set_session": "new"}}
	var all origin.Use
	for _, line := range []string{`{"ts":1678213265,"sid":null,"a":{"id":1}}`, `{"ts":1678213265,"new":"x"}`} {
		_, _, d := origintest.One(t, opens(jsonl.New), src, line)
		use := d.Use()
		all.Merge(use)
	}
	want := []string{"no field verb, which map.method names; there are a.id, new, sid, ts", "no field a.uid, which map.user names; there are a.id, new, sid, ts"}
	if diff := cmp.Diff(want, all.Missing(&src)); diff != "" {
		t.Error(diff)
	}
}

// Names that could be values are not shown.
func TestUseSecret(t *testing.T) {
	src := model.Source{Map: map[string]string{"time": "ts", "user": "uid"}}
	line := `{"ts":1678213265,"9f86d081884c7d659a2feaa0c55ad015":1,"sessions":{"VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV":{"x":1}},"a\nb":2}`
	_, _, d := origintest.One(t, opens(jsonl.New), src, line)
	use := d.Use()
	if got := use.Missing(&src); len(got) != 1 || !strings.HasSuffix(got[0], "there are ts, …") {
		t.Errorf("%q", got)
	}
}

// Of Parquet, what lies days outside the spans need not be read; what lies
// hours outside may show that a clock or a zone is wrong.
func TestOutside(t *testing.T) {
	o := origin.Options{Source: origintest.Source(), Spans: []model.Span{origintest.Span()}}
	c, err := origin.NewColumns(origintest.Context(t), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		column, from, to string
		want             bool
	}{
		{"ts", "2023-03-01T00:00:00Z", "2023-03-05T23:59:59Z", true},
		{"TS", "2023-03-09T00:00:00Z", "2023-03-10T00:00:00Z", true},
		{"ts", "2023-03-01T00:00:00Z", "2023-03-07T00:00:00Z", false},
		{"ts", "2023-03-08T02:00:00Z", "2023-03-09T00:00:00Z", false},
		{"ts", "2023-03-01T00:00:00Z", "2023-03-31T00:00:00Z", false},
		{"ts", "1677628800", "1677715200", true},
		{"ts", "2023-03-05T00:00:00Z", "2023-03-01T00:00:00Z", false}, // damaged: the greatest is less
		{"ts", "x", "y", false},
		{"path", "2023-03-01T00:00:00Z", "2023-03-01T00:00:00Z", false},
	} {
		if got := c.Outside(tt.column, []byte(tt.from), []byte(tt.to)); got != tt.want {
			t.Errorf("%s %s to %s: %v, want %v", tt.column, tt.from, tt.to, got, tt.want)
		}
	}
}

// Shapes are counted in all and by five minutes.
func TestShapesAt(t *testing.T) {
	d, err := jsonl.New(origintest.Context(t), origin.Options{Source: origintest.Source()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`{"ts":"2023-03-07T18:21:05Z","sid_hash":"aa","set_sid_hash":"bb"}`, `{"ts":"2023-03-07T18:24:59Z","sid_hash":"cc"}`,
		`{"ts":"2023-03-07T18:25:00Z","sid_hash":"a-long-one-zz"}`} {
		d.Line(model.Ref{}, []byte(line))
	}
	hex := decode.ShapeOf([]byte("aa"))
	s := d.Stats()
	if s.Shapes[hex] != 3 || s.ShapesAt[origin.ShapeAt{Form: hex, At: origintest.Instant("2023-03-07T18:20:00Z")}] != 3 || len(s.ShapesAt) != 2 {
		t.Errorf("%v %v", s.Shapes, s.ShapesAt)
	}
	if again := d.Stats(); again.Shapes[hex] != 3 {
		t.Error("counted twice")
	}
}

// FuzzStamp: a stamp that is read lies between 1970 and 2200, and where
// package time reads it too, at the same instant.
func FuzzStamp(f *testing.F) {
	for _, s := range []string{"2023-03-07T18:21:05.123Z", "07/Mar/2023:18:21:05 +0100", "Tue, 07 Mar 2023 18:21:05 GMT", "/Date(1678213265123)/", "1678213265.5", "3/7/2023 18:21"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		v, reason := origin.Stamp([]byte(in))
		if reason != "" {
			if len(in) > 12 && strings.Contains(reason, in) {
				t.Fatalf("the reason quotes the stamp: %q", reason)
			}
			return
		}
		if v.Lo < 0 || v.Hi <= v.Lo || v.Hi > origintest.Instant("2201-01-02T00:00:00Z") {
			t.Fatalf("%q: %v", in, v)
		}
		for _, layout := range []string{time.RFC3339Nano, "02/Jan/2006:15:04:05 -0700"} {
			if want, err := time.Parse(layout, in); err == nil && want.Nanosecond()%1000 == 0 && v.Lo != model.InstantOf(want) {
				t.Fatalf("%q: %v, want %v", in, v.Lo, want)
			}
		}
	})
}
