package logfmt_test

import (
	"bytes"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/decodetest"
	"github.com/spillscope/spillscope/scan/internal/decode/logfmt"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
	"github.com/spillscope/spillscope/scan/internal/decode/origin/origintest"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func open(ctx *decode.Context, o origin.Options, keep func(*model.OriginRow) bool) (origintest.Decoder, error) {
	return logfmt.New(ctx, o, keep)
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
		Input: read(t, "testdata/rows.log"), DroppedInput: []byte(typical + "\n"), Secrets: []string{origintest.Secret, origintest.Secret2},
	}.Run(t)
}

func TestGolden(t *testing.T) {
	o := origin.Options{Source: origintest.Source(), Spans: []model.Span{origintest.Span()}}
	got := decodetest.Read(bytes.NewReader(read(t, "testdata/rows.log")), 0, origintest.New(t, open, o))
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

// A name of the map is one key, dots included; values are read as written.
func TestValues(t *testing.T) {
	src := origintest.Source()
	src.Map["user"] = "usr.id"
	for line, want := range map[string]string{
		`usr.id=u_1`:                    "u_1",
		`usr.id="u_1"`:                  "u_1",
		`usr.id="a b"`:                  "a b",
		`usr.id="a \"b\""`:              `a "b"`,
		`usr.id=a=b?c="d`:               `a=b?c="d`,
		`usr.id="\u00e9\U0001f600\x21"`: "é😀!",
		`usr.id="\u00g9\"`:              "",
		`usr.id="\q"`:                   `\q`,
		`usr=1 usr.id=`:                 "",
		`usr.id`:                        "",
		`usr.id=null`:                   "",
		`usr.id=<nil>`:                  "",
		`usr.id=undefined`:              "",
		`usr.id=x usr.id=y`:             "y",
		"\tusr.id=x\t":                  "x",
		`USR.ID=x`:                      "",
		`id=x usr="usr.id=y"`:           "",
		`usr.id=[\"x\"]`:                `[\"x\"]`,
		`usr.id=["x"]`:                  "x",
	} {
		row, _, _ := origintest.One(t, open, src, "ts=2023-03-07T18:21:05Z "+line)
		if row.User != want {
			t.Errorf("%s: %q, want %q", line, row.User, want)
		}
	}
}

// A mapped key that no row has is told, one without values is not.
func TestUse(t *testing.T) {
	src := model.Source{Map: map[string]string{"time": "ts", "user": "uid", "session": "sid"}}
	_, _, d := origintest.One(t, open, src, "ts=2023-03-07T18:21:05Z sid= note=x")
	use := d.Use()
	if diff := cmp.Diff([]string{"no field uid, which map.user names; there are note, sid, ts"}, use.Missing(&src)); diff != "" {
		t.Error(diff)
	}
}

const typical = `ts=2023-03-07T18:21:05.123Z level=info cf_id=VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVQ== method=GET ` +
	`path=/static/js/app.js?v=1 status=200 sid_hash=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 user_id=u_0001 ` +
	`set_cookie=true ua="Mozilla/5.0 (KHTML, like \"Gecko\") Chrome/110.0" xff=192.0.2.10`

// FuzzDecoder checks the account, secrets, and that what strconv quotes is read
// as it was.
func FuzzDecoder(f *testing.F) {
	f.Add(string(read(f, "testdata/rows.log")))
	f.Add(typical)
	f.Add("a \"quoted\" value\n\x00é\xff")
	newDecoder := origintest.New(f, open, origin.Options{Source: origintest.Source()})
	f.Fuzz(func(t *testing.T, in string) {
		decodetest.Account(t, []byte(in), decodetest.Read(strings.NewReader(in), 0, newDecoder))
		planted := "ts=2023-03-07T18:21:05Z sid_hash=" + origintest.Secret + in + "\n"
		decodetest.NoSecret(t, decodetest.Read(strings.NewReader(planted), 0, newDecoder), origintest.Secret)
		quoted := strconv.Quote("user " + in)
		if strings.ContainsAny(quoted, "\a\v") || strings.Contains(quoted, `\a`) || strings.Contains(quoted, `\v`) {
			return // logfmt has no such escapes
		}
		row, reason, _ := origintest.One(t, open, origintest.Source(), "ts=2023-03-07T18:21:05Z user_id="+quoted)
		if want := "user " + in; reason != "" || row.User != want {
			t.Errorf("user %q, want %q: %s", row.User, want, reason)
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	text := []byte(strings.Repeat(typical+"\n", 20_000))
	for name, spans := range map[string][]model.Span{"kept": nil, "filtered": {{From: 1, To: 2}}} {
		b.Run(name, func(b *testing.B) {
			ctx := origintest.Context(b)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := logfmt.New(ctx, origin.Options{Source: origintest.Source(), Spans: spans}, nil)
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
