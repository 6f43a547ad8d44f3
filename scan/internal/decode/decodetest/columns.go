package decodetest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// NewColumns makes a decoder of columns that hands its rows to emit.
type NewColumns func(emit func(Row)) decode.Columnar

// lines makes it read a table as text, so that what holds for lines can be
// asked of it too.
func (n NewColumns) lines(t *testing.T) New {
	if n == nil {
		return nil
	}
	return func(emit func(Row)) decode.Decoder { return &table{t: t, of: n(emit)} }
}

// table reads values with tabs between for a decoder of columns.
type table struct {
	t     *testing.T
	of    decode.Columnar
	bound bool
	at    []int
	cells [][]byte
	row   [][]byte
	text  []byte
}

func (x *table) Line(ref model.Ref, line []byte) (decode.Outcome, string) {
	if !x.bound {
		names := strings.Split(string(line), "\t")
		at, err := x.of.Bind(names)
		if err != nil { // a header that strange bytes were put into
			return decode.Rejected, err.Error()
		}
		for _, i := range at {
			if i < 0 || i >= len(names) {
				x.t.Fatalf("Bind wants column %d of %d", i, len(names))
			}
		}
		x.at, x.bound = at, true
		return decode.Comment, ""
	}
	x.text = append(x.text[:0], line...)
	x.cells = x.cells[:0]
	for rest, more := x.text, true; more; {
		var cell []byte
		cell, rest, more = bytes.Cut(rest, []byte{'\t'})
		x.cells = append(x.cells, cell)
	}
	x.row = x.row[:0]
	for _, i := range x.at {
		var v []byte
		if i < len(x.cells) && string(x.cells[i]) != `\N` {
			v = x.cells[i]
		}
		x.row = append(x.row, v)
	}
	outcome, reason := x.of.Row(ref, x.row)
	for i := range x.text {
		x.text[i] = 'X' // whoever kept a value now holds nonsense
	}
	return outcome, reason
}
