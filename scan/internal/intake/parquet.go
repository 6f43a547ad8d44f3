package intake

import (
	"bytes"
	"context"
	"io"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/parquet"
	"github.com/spillscope/spillscope/scan/internal/inflate"
)

// readParquet reads a Parquet file where it is stored or, if that is
// compressed once more, in memory.
func readParquet(ctx context.Context, f *file) error {
	var at io.ReaderAt
	var size int64
	if f.packing == inflate.Plain {
		stored, n, err := f.store.OpenAt(ctx, f.object)
		if err != nil {
			return err
		}
		defer stored.Close()
		at, size = stored, n
	} else {
		all, err := io.ReadAll(f.budget.r)
		if err != nil {
			return f.ended(err)
		}
		at, size = bytes.NewReader(all), int64(len(all))
	}
	rows := &parquetRows{file: f}
	balance, err := parquet.Read(at, size, f.index, rows, func(model.Reject) {})
	if rows.failed != nil {
		return rows.failed
	}
	if err != nil {
		return f.errorf("the file is damaged, and half a table names half of the people; export it again: %w", err)
	}
	if balance.Lines != f.balance.Lines {
		return f.errorf("%d rows, of which %d came", balance.Lines, f.balance.Lines)
	}
	return ctx.Err()
}

// parquetRows takes the rows of a Parquet file. Its own file counts them, for
// a decoder knows no duplicates.
type parquetRows struct {
	*file
	slots  []int // for each column of the table its place among the values, or -1
	number uint64
	failed error
}

// Bind implements decode.Columnar.
func (p *parquetRows) Bind(names []string) ([]int, error) {
	columns, err := p.find(names)
	if err != nil {
		p.failed = err
		return nil, err
	}
	p.columns = columns
	p.tellHeader()
	var wanted []int
	at := map[int]int{}
	for _, c := range columns {
		if _, ok := at[c]; c >= 0 && !ok {
			at[c] = len(wanted)
			wanted = append(wanted, c)
		}
	}
	for _, c := range columns {
		slot := -1
		if c >= 0 {
			slot = at[c]
		}
		p.slots = append(p.slots, slot)
	}
	return wanted, nil
}

// Row implements decode.Columnar.
func (p *parquetRows) Row(ref model.Ref, values [][]byte) (decode.Outcome, string) {
	p.number++
	if p.failed != nil {
		return decode.Filtered, ""
	}
	for i, slot := range p.slots {
		p.cells[i] = ""
		if slot >= 0 {
			p.cells[i] = cell(string(values[slot]))
		}
	}
	p.failed = p.take(row{p.cells, ref, p.number})
	return decode.Parsed, ""
}
