package delimited_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/decodetest"
	"github.com/spillscope/spillscope/scan/internal/decode/delimited"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
	"github.com/spillscope/spillscope/scan/internal/decode/origin/origintest"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func open(ctx *decode.Context, o origin.Options, keep func(*model.OriginRow) bool) (origintest.Decoder, error) {
	return delimited.New(ctx, o, keep)
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
	o := origin.Options{Source: origintest.Source()}
	dropped := o
	dropped.Spans = []model.Span{{From: 1, To: 2}}
	decodetest.Case{
		New: origintest.New(t, open, o), Dropped: origintest.New(t, open, dropped),
		Input: read(t, "testdata/rows.csv"), DroppedInput: []byte(header + "\n" + typical + "\n"), Secrets: []string{origintest.Secret, origintest.Secret2},
	}.Run(t)
}

func TestGolden(t *testing.T) {
	o := origin.Options{Source: origintest.Source(), Spans: []model.Span{origintest.Span()}}
	got := decodetest.Read(bytes.NewReader(read(t, "testdata/rows.csv")), 0, origintest.New(t, open, o))
	decodetest.NoSecret(t, got, origintest.Secret, origintest.Secret2)
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

// The delimiter is found out, or said; the columns are named by the first
// line, or said.
func TestLayout(t *testing.T) {
	plain := func(s *model.Source) {}
	for _, tt := range []struct {
		name  string
		set   func(*model.Source)
		lines []string
	}{
		{"comma", plain, []string{"ts,user_id,note", "2023-03-07T18:21:05Z,u_1,x"}},
		{"tab", plain, []string{"ts\tuser_id\tnote", "2023-03-07T18:21:05Z\tu_1\ta,b"}},
		{"semicolon", plain, []string{"ts;user_id;note", "2023-03-07T18:21:05Z;u_1;a,b,c,d"}},
		{"bar", plain, []string{" ts | user_id | note", " 2023-03-07 18:21:05Z | u_1 | x"}},
		{"said", func(s *model.Source) { s.Delimiter = "::" }, []string{"ts::user_id::note", "2023-03-07T18:21:05Z::u_1::a"}},
		{"said tab", func(s *model.Source) { s.Delimiter = "tab" }, []string{"ts\tuser_id,x\tuser_id", "2023-03-07T18:21:05Z\tx\tu_1"}},
		{"upper case", plain, []string{`"TS","USER_ID"`, `"2023-03-07T18:21:05Z","u_1"`}},
		{"exact before folded", plain, []string{"ts,USER_ID,user_id", "2023-03-07T18:21:05Z,x,u_1"}},
		{"fields", func(s *model.Source) { s.Fields = []string{"user_id", "ts"} }, []string{"u_1|2023-03-07T18:21:05Z"}},
		{"fields and a header", func(s *model.Source) { s.Fields = []string{"user_id", "ts"} }, []string{"user_id,ts", "u_1,2023-03-07T18:21:05Z"}},
		{"junk before the header", plain, []string{"exported by nobody", "ts,user_id", "2023-03-07T18:21:05Z,u_1"}},
		{"brackets", func(s *model.Source) { s.Map["user"] = `headers["x-user"]` }, []string{"ts,headers.x-user", "2023-03-07T18:21:05Z,u_1"}},
		{"a column fewer in the second part", plain, []string{"ts,path,user_id", "2023-03-07T18:21:04Z,/,u_0", "user_id,path,ts,more", "u_1,/,2023-03-07T18:21:05Z,x"}},
	} {
		src := origintest.Source()
		tt.set(&src)
		row, reason, _ := origintest.One(t, open, src, tt.lines...)
		if reason != "" || row.User != "u_1" || row.Time.Lo != origintest.Instant("2023-03-07T18:21:05Z") {
			t.Errorf("%s: user %q at %v: %s", tt.name, row.User, row.Time.Lo, reason)
		}
	}
}

// Without a header that has the time nothing is read, and the reason says what
// to change without a value of the file.
func TestNoHeader(t *testing.T) {
	for _, lines := range [][]string{
		{"when,user_id", "2023-03-07T18:21:05Z,u_1"},
		{"2023-03-07T18:21:05Z," + origintest.Secret, "2023-03-07T18:21:05Z," + origintest.Secret},
	} {
		row, reason, d := origintest.One(t, open, origintest.Source(), lines...)
		if row.User != "" || !strings.Contains(reason, "map.time") || !strings.Contains(reason, "fields") || strings.Contains(reason, origintest.Secret) {
			t.Errorf("%v: %q", row, reason)
		}
		if !slices.Equal(d.Warnings(), []string{reason}) {
			t.Errorf("warnings %q", d.Warnings())
		}
	}
	if _, reason, _ := origintest.One(t, open, origintest.Source(), "when,user_id"); !strings.Contains(reason, "there are user_id, when") {
		t.Errorf("the columns are not named: %q", reason)
	}
	src := origintest.Source()
	src.Fields = []string{"user_id"}
	if _, err := delimited.New(origintest.Context(t), origin.Options{Source: src}, nil); err == nil || !strings.Contains(err.Error(), "fields") {
		t.Errorf("fields without the time: %v", err)
	}
}

// A mapped column that the header lacks is told, one without values is not.
func TestUse(t *testing.T) {
	src := model.Source{Map: map[string]string{"time": "ts", "user": "uid", "session": "sid"}}
	_, _, d := origintest.One(t, open, src, "ts,sid,note", "2023-03-07T18:21:05Z,,x")
	use := d.Use()
	if diff := cmp.Diff([]string{"no field uid, which map.user names; there are note, sid, ts"}, use.Missing(&src)); diff != "" {
		t.Error(diff)
	}
}

const header = "ts,cf_id,method,path,status,sid_hash,user_id,set_cookie,ua,xff"

const typical = `2023-03-07T18:21:05.123Z,VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVQ==,GET,/static/js/app.js?v=1,200,` +
	`9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08,u_0001,true,"Mozilla/5.0 (KHTML, like ""Gecko"") Chrome/110.0",192.0.2.10`

// FuzzDecoder checks the account, secrets, and that what package csv writes is
// read as it was.
func FuzzDecoder(f *testing.F) {
	f.Add(string(read(f, "testdata/rows.csv")))
	f.Add(typical)
	f.Add(`a "quoted", cell; x|y`)
	newDecoder := origintest.New(f, open, origin.Options{Source: origintest.Source()})
	f.Fuzz(func(t *testing.T, in string) {
		decodetest.Account(t, []byte(in), decodetest.Read(strings.NewReader(in), 0, newDecoder))
		planted := header + "\n2023-03-07T18:21:05Z,,,," + origintest.Secret + "," + in + "\n"
		decodetest.NoSecret(t, decodetest.Read(strings.NewReader(planted), 0, newDecoder), origintest.Secret)
		user := strings.TrimSpace(in)
		if strings.ContainsAny(in, "\r\n\x00\\[") || len(user) < 10 || user != in {
			return
		}
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		_ = w.Write([]string{"ts", "user_id"})
		_ = w.Write([]string{"2023-03-07T18:21:05Z", in})
		w.Flush()
		got := ""
		d, err := delimited.New(origintest.Context(t), origin.Options{Source: origintest.Source()}, func(r *model.OriginRow) bool { got = r.User; return true })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode.Lines(&text, 0, d, func(r model.Reject) { t.Error(r.Reason) }); err == nil && got != in {
			t.Errorf("user %q, want %q", got, in)
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	text := []byte(header + "\n" + strings.Repeat(typical+"\n", 20_000))
	for name, spans := range map[string][]model.Span{"kept": nil, "filtered": {{From: 1, To: 2}}} {
		b.Run(name, func(b *testing.B) {
			ctx := origintest.Context(b)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := delimited.New(ctx, origin.Options{Source: origintest.Source(), Spans: spans}, nil)
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
