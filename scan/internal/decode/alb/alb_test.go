package alb_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/alb"
	"github.com/spillscope/spillscope/scan/internal/decode/decodetest"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
	"github.com/spillscope/spillscope/scan/internal/decode/origin/origintest"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func open(ctx *decode.Context, o origin.Options, keep func(*model.OriginRow) bool) (origintest.Decoder, error) {
	return alb.New(ctx, o, keep)
}

// source is one without a map, as the incident file has it.
func source() model.Source { return model.Source{Kind: model.SourceOrigin, Format: "alb"} }

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestConformance(t *testing.T) {
	input := read(t, "testdata/rows.log")
	first, _, _ := bytes.Cut(input, []byte("\n"))
	o := origin.Options{Source: source()}
	dropped := o
	dropped.Spans = []model.Span{{From: 1, To: 2}}
	decodetest.Case{
		New: origintest.New(t, open, o), Dropped: origintest.New(t, open, dropped),
		Input: input, DroppedInput: append(first, '\n'), Secrets: []string{origintest.Secret},
	}.Run(t)
}

func TestGolden(t *testing.T) {
	got := decodetest.Read(bytes.NewReader(read(t, "testdata/rows.log")), 0, origintest.New(t, open, origin.Options{Source: source()}))
	decodetest.NoSecret(t, got, origintest.Secret)
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

// What the log cannot say stays unsaid, whatever the incident file maps: the
// client is the CDN's server.
func TestUnsaid(t *testing.T) {
	src := source()
	src.Map, src.Instant, src.Unit, src.TimeZone = origintest.Source().Map, "end", "ms", "Europe/Berlin"
	line, _, _ := strings.Cut(string(read(t, "testdata/rows.log")), "\n")
	row, reason, d := origintest.One(t, open, src, line)
	if reason != "" || row.Client.IsValid() || row.RequestID != "" || row.SetCookie != model.Unknown || !row.Agent.IsZero() || row.Told {
		t.Errorf("%+v %s", row, reason)
	}
	if row.Trace != origintest.Digest("trace", "1-64077f81-0123456789abcdef01234567") {
		t.Error("the trace is not the digest of its root")
	}
	if s := d.Stats(); s.Balancer != 1 || s.WithoutID != 1 || s.All.Rows != 1 {
		t.Errorf("%+v", s)
	}
}

func FuzzDecoder(f *testing.F) {
	for line := range bytes.Lines(read(f, "testdata/rows.log")) {
		f.Add(line)
	}
	newDecoder := origintest.New(f, open, origin.Options{Source: source()})
	f.Fuzz(func(t *testing.T, in []byte) {
		decodetest.Account(t, in, decodetest.Read(bytes.NewReader(in), 0, newDecoder))
		if row, _, _ := origintest.One(t, open, source(), string(in)); row.Client.IsValid() || !row.Presented.IsZero() || row.RequestID != "" {
			t.Errorf("a load balancer knows no viewer: %+v", row)
		}
	})
}
