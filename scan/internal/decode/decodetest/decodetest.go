// Package decodetest holds what every decoder must do, whatever its format:
// account for each row, cite it exactly, lose none, and depend on nothing but
// the rows themselves.
//
// A decoder of lines passes it with
//
//	decodetest.Case{
//		New:     func(emit func(decodetest.Row)) decode.Decoder { … },
//		Dropped: …, // the same, told to keep no row: spans in another year
//		Input:   rows, // a golden's input: good rows, bad ones, comments
//		Secrets: []string{"planted-secret"}, // session values in it
//	}.Run(t)
//
// and a decode.Columnar with Columns in place of New, DroppedColumns in place
// of Dropped, and an Input whose first line has the names of the columns, with
// tabs between, and \N for null.
//
// What a decoder keeps from line to line, such as a header, it must take from
// lines that it counts as comments: rows are put into another order between
// them.
package decodetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// Row is a decoded row as a test sees it.
type Row struct {
	Ref  model.Ref
	Text string // all but the Ref
}

// New makes a decoder that hands its rows to emit.
type New func(emit func(Row)) decode.Decoder

// Result is what became of an object.
type Result struct {
	Rows    []Row
	Rejects []model.Reject
	Balance model.Balance
	Err     error
}

// Golden writes what became of the object for a person to read, a line each.
func (r Result) Golden() string {
	var out strings.Builder
	for _, row := range r.Rows {
		fmt.Fprintf(&out, "line %d at %d: %s\n", row.Ref.Line, row.Ref.Offset, row.Text)
	}
	for _, rej := range r.Rejects {
		fmt.Fprintf(&out, "line %d at %d: rejected: %s\n", rej.Ref.Line, rej.Ref.Offset, rej.Reason)
	}
	fmt.Fprintf(&out, "%+v\n", r.Balance)
	return out.String()
}

// Read decodes r.
func Read(r io.Reader, object uint32, newDecoder New) Result {
	var out Result
	d := newDecoder(func(row Row) { out.Rows = append(out.Rows, row) })
	out.Balance, out.Err = decode.Lines(r, object, d, func(rej model.Reject) { out.Rejects = append(out.Rejects, rej) })
	return out
}

// Case is a decoder and rows to try it on.
type Case struct {
	New     New
	Input   []byte
	Secrets []string

	Dropped      New    // keeps no row; nil: what a dropped row costs is not looked at
	DroppedInput []byte // rows as a log has them by the million; nil: Input

	Columns        NewColumns // in place of New
	DroppedColumns NewColumns // in place of Dropped
}

// Run checks the decoder newDecoder on input, which ends its lines with LF.
func Run(t *testing.T, newDecoder New, input []byte) {
	t.Helper()
	Case{New: newDecoder, Input: input}.Run(t)
}

// Run checks the decoder on Input, which ends its lines with LF.
func (c Case) Run(t *testing.T) {
	t.Helper()
	if c.Columns != nil {
		c.New, c.Dropped = c.Columns.lines(t), c.DroppedColumns.lines(t)
	}
	if c.DroppedInput == nil {
		c.DroppedInput = c.Input
	}
	newDecoder, input := c.New, c.Input
	whole := Read(bytes.NewReader(input), 7, newDecoder)
	if whole.Err != nil || len(whole.Rows) == 0 {
		t.Fatalf("%d rows, error %v: the input shows nothing", len(whole.Rows), whole.Err)
	}
	Account(t, input, whole)
	NoSecret(t, whole, c.Secrets...)
	t.Run("again", func(t *testing.T) {
		same(t, whole, Read(bytes.NewReader(input), 7, newDecoder), true)
	})
	t.Run("byte by byte", func(t *testing.T) {
		same(t, whole, Read(iotest.OneByteReader(bytes.NewReader(input)), 7, newDecoder), true)
	})
	t.Run("line by line", func(t *testing.T) { lineByLine(t, newDecoder, input, whole) })
	t.Run("no final newline", func(t *testing.T) {
		same(t, whole, Read(bytes.NewReader(bytes.TrimSuffix(input, []byte("\n"))), 7, newDecoder), true)
	})
	t.Run("CRLF", func(t *testing.T) {
		crlf := bytes.ReplaceAll(input, []byte("\n"), []byte("\r\n"))
		got := Read(bytes.NewReader(crlf), 7, newDecoder)
		Account(t, crlf, got)
		same(t, whole, got, false)
	})
	t.Run("byte order mark", func(t *testing.T) {
		same(t, whole, Read(io.MultiReader(strings.NewReader("\xef\xbb\xbf"), bytes.NewReader(input)), 7, newDecoder), false)
	})
	t.Run("cut short", func(t *testing.T) { cutShort(t, newDecoder, input, whole) })
	t.Run("alone", func(t *testing.T) { c.alone(t, whole) })
	t.Run("another order", func(t *testing.T) { c.reordered(t, whole) })
	t.Run("foreign bytes", func(t *testing.T) { c.foreign(t, whole) })
	t.Run("wrapped", func(t *testing.T) { c.wrapped(t, whole) })
	if c.Dropped != nil {
		t.Run("dropped", func(t *testing.T) { c.dropped(t) })
	}
}

// Account checks that the balance of a result holds and that each row and
// each reject points at the start of the line it came from.
func Account(t *testing.T, input []byte, got Result) {
	t.Helper()
	b := got.Balance
	if !b.Holds() || b.Parsed != int64(len(got.Rows)) || b.Rejected != int64(len(got.Rejects)) {
		t.Errorf("balance %+v with %d rows and %d rejects", b, len(got.Rows), len(got.Rejects))
	}
	refs := make([]model.Ref, 0, len(got.Rows))
	for _, r := range got.Rows {
		refs = append(refs, r.Ref)
	}
	for _, r := range got.Rejects {
		refs = append(refs, r.Ref)
	}
	for _, ref := range refs {
		if ref.Offset > int64(len(input)) || ref.Offset > 0 && input[ref.Offset-1] != '\n' {
			t.Errorf("%+v is not at the start of a line", ref)
			continue
		}
		if line := 1 + bytes.Count(input[:ref.Offset], []byte("\n")); uint64(line) != ref.Line {
			t.Errorf("%+v: that offset is in line %d", ref, line)
		}
	}
}

func same(t *testing.T, want, got Result, offsets bool) {
	t.Helper()
	if got.Err != nil || got.Balance != want.Balance || len(got.Rows) != len(want.Rows) {
		t.Fatalf("balance %+v with %d rows, error %v; want %+v with %d", got.Balance, len(got.Rows), got.Err, want.Balance, len(want.Rows))
	}
	for i := range want.Rows {
		w, g := want.Rows[i], got.Rows[i]
		if g.Text != w.Text || g.Ref.Line != w.Ref.Line || offsets && g.Ref != w.Ref {
			t.Errorf("row %d: got %v, want %v", i, g, w)
		}
	}
}

// lineByLine feeds the decoder itself, reusing one buffer, as Lines does.
func lineByLine(t *testing.T, newDecoder New, input []byte, want Result) {
	var rows []Row
	d := newDecoder(func(r Row) { rows = append(rows, r) })
	ref := model.Ref{Object: 7}
	buf := []byte{}
	for line := range bytes.Lines(input) {
		ref.Line++
		buf = append(buf[:0], bytes.TrimSuffix(line, []byte("\n"))...)
		if len(buf) > 0 {
			d.Line(ref, buf)
		}
		for i := range buf {
			buf[i] = 'X' // whoever kept the line now holds nonsense
		}
		ref.Offset += int64(len(line))
	}
	if len(rows) != len(want.Rows) {
		t.Fatalf("%d rows, want %d", len(rows), len(want.Rows))
	}
	for i := range rows {
		if rows[i] != want.Rows[i] {
			t.Errorf("row %d: got %v, want %v", i, rows[i], want.Rows[i])
		}
	}
}

// cutShort ends the stream with an error after each n-th byte.
func cutShort(t *testing.T, newDecoder New, input []byte, whole Result) {
	step := max(1, len(input)/500)
	for n := 0; n < len(input); n += step {
		r := io.MultiReader(bytes.NewReader(input[:n]), iotest.ErrReader(io.ErrUnexpectedEOF))
		got := Read(r, 7, newDecoder)
		if !errors.Is(got.Err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d: error %v", n, got.Err)
		}
		Account(t, input[:n], got)
		lines := bytes.Count(input[:n], []byte("\n"))
		if n > 0 && input[n-1] != '\n' {
			lines++
			if last := got.Rejects[len(got.Rejects)-1]; last.Ref.Line != uint64(lines) || last.Reason != "cut short" {
				t.Errorf("cut at %d: last reject is %+v, want line %d cut short", n, last, lines)
			}
		}
		if got.Balance.Lines != int64(lines) {
			t.Errorf("cut at %d: %d lines, want %d", n, got.Balance.Lines, lines)
		}
		for i, row := range got.Rows {
			if row != whole.Rows[i] {
				t.Errorf("cut at %d: row %d differs", n, i)
			}
		}
	}
}

// NoSecret fails if any of the secrets occurs in what a decoder gave out.
func NoSecret(t *testing.T, got Result, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		for _, r := range got.Rows {
			if strings.Contains(r.Text, s) {
				t.Errorf("line %d: the row holds a secret", r.Ref.Line)
			}
		}
		for _, r := range got.Rejects {
			if strings.Contains(r.Reason, s) {
				t.Errorf("line %d: the reason holds a secret", r.Ref.Line)
			}
		}
	}
}
