package decode_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// echo parses every line, and rejects those that say so.
type echo struct{ lines []string }

func (e *echo) Line(_ model.Ref, line []byte) (decode.Outcome, string) {
	e.lines = append(e.lines, string(line))
	switch {
	case bytes.HasPrefix(line, []byte("bad")):
		return decode.Rejected, "bad"
	case bytes.HasPrefix(line, []byte("#")):
		return decode.Comment, ""
	case bytes.HasPrefix(line, []byte("far")):
		return decode.Filtered, ""
	}
	return decode.Parsed, ""
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", decode.MaxLine)
	filler := strings.Repeat("some text\n", 1000)
	for _, tt := range []struct {
		name, in string
		want     []string
		balance  model.Balance
		rejects  []model.Reject
	}{
		{"empty", "", nil, model.Balance{}, nil},
		{"all outcomes", "a\n#c\n\nfar\nbad\n", []string{"a", "#c", "far", "bad"},
			model.Balance{Lines: 5, Parsed: 1, Comment: 2, Filtered: 1, Rejected: 1},
			[]model.Reject{{Ref: model.Ref{Object: 3, Line: 5, Offset: 10}, Reason: "bad"}}},
		{"CRLF, no final newline", "a\r\n\r\nb", []string{"a", "b"}, model.Balance{Lines: 3, Parsed: 2, Comment: 1}, nil},
		{"carriage return inside", "a\rb\n", []string{"a\rb"}, model.Balance{Lines: 1, Parsed: 1}, nil},
		{"byte order mark", "\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n", []string{"{}", "\xef\xbb\xbf{}"}, model.Balance{Lines: 2, Parsed: 2}, nil},
		{"longest line", long + "\r\nb\n", []string{long, "b"}, model.Balance{Lines: 2, Parsed: 2}, nil},
		{"too long, then on", "a\n" + long + "y\nb\n", []string{"a", "b"}, model.Balance{Lines: 3, Parsed: 2, Rejected: 1},
			[]model.Reject{{Ref: model.Ref{Object: 3, Line: 2, Offset: 2}, Reason: "longer than 1 MiB"}}},
		{"far too long, to the end", long + long + long, nil, model.Balance{Lines: 1, Rejected: 1},
			[]model.Reject{{Ref: model.Ref{Object: 3, Line: 1}, Reason: "longer than 1 MiB"}}},
		{"NUL later on", filler + "a\x00b\nc\n", append(strings.Split(strings.TrimSpace(filler), "\n"), "c"),
			model.Balance{Lines: 1002, Parsed: 1001, Rejected: 1},
			[]model.Reject{{Ref: model.Ref{Object: 3, Line: 1001, Offset: int64(len(filler))}, Reason: "holds a NUL byte"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e echo
			var rejects []model.Reject
			got, err := decode.Lines(iotest.HalfReader(strings.NewReader(tt.in)), 3, &e, func(r model.Reject) { rejects = append(rejects, r) })
			if err != nil || got != tt.balance {
				t.Errorf("balance %+v, error %v; want %+v", got, err, tt.balance)
			}
			if !cmp.Equal(e.lines, tt.want) {
				t.Errorf("%d lines differ from the %d wanted", len(e.lines), len(tt.want))
			}
			if diff := cmp.Diff(tt.rejects, rejects); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLinesBinary(t *testing.T) {
	for name, in := range map[string]string{
		"NULs":   strings.Repeat("\x00\x01ab", 100),
		"UTF-16": "d\x00a\x00t\x00e\x00\n\x00",
		"random": strings.Repeat("PAR1\x15\x04\xf3\x88\x92\xee\xa1\n", 50),
	} {
		b, err := decode.Lines(strings.NewReader(in), 0, &echo{}, func(model.Reject) { t.Errorf("%s: a reject", name) })
		if !errors.Is(err, decode.ErrBinary) || b != (model.Balance{}) {
			t.Errorf("%s: balance %+v, error %v", name, b, err)
		}
	}
	if _, err := decode.Lines(strings.NewReader("Grüße, こんにちは\n"), 0, &echo{}, nil); err != nil {
		t.Errorf("text in other scripts: %v", err)
	}
}

func TestLinesReadError(t *testing.T) {
	var e echo
	var rejects []model.Reject
	r := io.MultiReader(strings.NewReader("a\nb\nhalf"), iotest.ErrReader(io.ErrUnexpectedEOF))
	b, err := decode.Lines(r, 0, &e, func(r model.Reject) { rejects = append(rejects, r) })
	if !errors.Is(err, io.ErrUnexpectedEOF) || b != (model.Balance{Lines: 3, Parsed: 2, Rejected: 1}) {
		t.Errorf("balance %+v, error %v", b, err)
	}
	want := []model.Reject{{Ref: model.Ref{Line: 3, Offset: 4}, Reason: "cut short"}}
	if diff := cmp.Diff(want, rejects); diff != "" {
		t.Error(diff)
	}
	if !cmp.Equal(e.lines, []string{"a", "b"}) {
		t.Errorf("lines %q: half a line was decoded", e.lines)
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"plain+plus":             "plain+plus",
		"2.0.8%252Bzstd":         "2.0.8%2Bzstd", // one layer only
		"2.0.8%2Bzstd":           "2.0.8+zstd",
		"a%20b%20":               "a b ",
		"%zz%4":                  "%zz%4",
		"%":                      "%",
		"%%41":                   "%A",
		"%C3%BC%c3%bc":           "üü",
		"Mozilla/5.0%2520(X11)%": "Mozilla/5.0%20(X11)%",
	} {
		if got := string(decode.Unescape(nil, []byte(in))); got != want {
			t.Errorf("Unescape(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzUnescape(f *testing.F) {
	f.Add([]byte("a%20b%252B%zz%"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got := decode.Unescape([]byte("kept"), in)
		if bytes.IndexByte(in, '%') < 0 {
			if !bytes.Equal(got, in) {
				t.Errorf("changed %q to %q", in, got)
			}
			return
		}
		got, ok := bytes.CutPrefix(got, []byte("kept"))
		if !ok || len(got) > len(in) {
			t.Errorf("%q became %q", in, got)
		}
		// Encoding every byte and decoding once gives the bytes back.
		var enc []byte
		for _, c := range in {
			enc = append(enc, '%', "0123456789abcdef"[c>>4], "0123456789ABCDEF"[c&15])
		}
		if back := decode.Unescape(nil, enc); !bytes.Equal(back, in) {
			t.Errorf("%q came back as %q", in, back)
		}
	})
}

func TestHash(t *testing.T) {
	// Stored in no file, but compared between workers and machines.
	if got := decode.Hash(0, []byte("2023-03-07\t18:21:00\tSEA19-C1")); got != decode.Hash(0, []byte("2023-03-07\t18:21:00\tSEA19-C1")) || got == 0 {
		t.Errorf("Hash = %#x", got)
	}
	seen := map[uint64]string{}
	for n := range 40 {
		s := strings.Repeat("a", n)
		h := decode.Hash(0, []byte(s))
		if old, ok := seen[h]; ok {
			t.Errorf("%q and %q hash alike", old, s)
		}
		seen[h] = s
	}
	if decode.Hash(decode.Hash(0, []byte("ab")), []byte("c")) == decode.Hash(decode.Hash(0, []byte("a")), []byte("bc")) {
		t.Error("the cut between columns does not matter")
	}
}
