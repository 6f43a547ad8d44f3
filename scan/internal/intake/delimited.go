package intake

import (
	"context"
	"encoding/csv"
	"errors"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// delimited reads CSV, whatever stands between its cells.
type delimited struct {
	csv     *csv.Reader
	object  uint32
	skipped int64
}

func readDelimited(ctx context.Context, f *file) error {
	d := &delimited{csv: csv.NewReader(f.budget), object: f.index, skipped: f.skipped}
	d.csv.Comma, d.csv.FieldsPerRecord, d.csv.ReuseRecord = f.format.comma, -1, true
	return f.positional(ctx, d)
}

func (d *delimited) next() (record, error) {
	ref := model.Ref{Object: d.object, Offset: d.csv.InputOffset() + d.skipped}
	cells, err := d.csv.Read()
	if err != nil {
		return d.bad(ref, err)
	}
	line, _ := d.csv.FieldPos(0)
	ref.Line = uint64(line)
	if breaks(cells) > maxBreaks {
		return record{}, &unusable{line: ref.Line}
	}
	return record{cells: cells, ref: ref, number: ref.Line, outcome: decode.Parsed}, nil
}

// bad tells a bad row from the end of what can be read. The messages of
// package csv quote nothing, but theirs are in the words of its programmers.
func (d *delimited) bad(ref model.Ref, err error) (record, error) {
	var pe *csv.ParseError
	if !errors.As(err, &pe) {
		return record{}, err
	}
	if pe.Line != pe.StartLine {
		return record{}, &unusable{line: uint64(pe.StartLine)}
	}
	ref.Line = uint64(pe.StartLine)
	return record{ref: ref, outcome: decode.Rejected, reason: "a quote that is not closed or not doubled"}, nil
}

func breaks(cells []string) (n int) {
	for _, s := range cells {
		n += strings.Count(s, "\n")
	}
	return n
}
