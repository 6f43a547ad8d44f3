// Package parquet reads the rows of a Parquet file as text, column by column
// wanted, for whatever decoder knows what the columns mean.
//
// Reading is done by package file of Arrow Go, the lowest layer that decodes
// pages. The layer above, pqarrow, is not used: it reads in goroutines of its
// own, where a panic on damaged data cannot be recovered from, and whole row
// groups into memory. Here all of the library runs in the caller's goroutine,
// one page of each wanted column at a time.
//
// Archives hold damaged files. What a file says of itself is checked before
// the library believes it; a row group that cannot be read to its end is
// rejected from the first lost row on, and the other row groups are read.
// Nothing here knows logs.
package parquet

import (
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// Read feeds the rows of a Parquet file of size bytes to d and accounts for
// each of them. Of the columns only those are read that d asks for, and if d
// is a decode.Pruner, row groups in which nothing is wanted are not read at
// all: their rows count as filtered.
//
// Names are those of the file. A member of a struct has a dotted name, as in
// "user.id"; a list or a map is one column, and its values are JSON. Values are
// text: numbers without exponents, 2006-01-02, 15:04:05.000, and stamps in
// RFC 3339 with the digits of their unit, without offset where the file does
// not say that they are UTC.
//
// Where rows are lost, all of those of a row group are one reject, and one line
// of the balance, at the first of them. The error then says so; everything
// else has been read.
func Read(r io.ReaderAt, size int64, object uint32, d decode.Columnar, reject func(model.Reject)) (model.Balance, error) {
	return read(r, size, math.MaxInt64, &task{into: d, object: object, reject: reject})
}

// Peek is Read, but ends after so many rows that were read.
func Peek(r io.ReaderAt, size int64, object uint32, rows int64, d decode.Columnar, reject func(model.Reject)) (model.Balance, error) {
	return read(r, size, rows, &task{into: d, object: object, reject: reject})
}

func read(r io.ReaderAt, size, most int64, t *task) (_ model.Balance, err error) {
	if t.source, err = open(r, size); err != nil {
		return model.Balance{}, err
	}
	if t.places, err = t.into.Bind(t.names); err != nil {
		return model.Balance{}, err
	}
	t.prune, _ = t.into.(decode.Pruner)
	t.check.r, t.left = r, most
	defer t.check.close()
	var rows int64
	for g := range t.meta.RowGroups {
		if t.left <= 0 {
			return t.balance, t.err()
		}
		t.group(g)
		rows += t.meta.RowGroups[g].NumRows
	}
	if rows != t.meta.NumRows {
		t.lost = append(t.lost, fmt.Errorf("its footer counts %d rows, its row groups have %d", t.meta.NumRows, rows))
	}
	return t.balance, t.err()
}

// Columns returns the names of the columns of a Parquet file, as Read tells
// them, and how many rows it has.
func Columns(r io.ReaderAt, size int64) (names []string, rows int64, err error) {
	s, err := open(r, size)
	if err != nil {
		return nil, 0, err
	}
	return s.names, s.meta.NumRows, nil
}

// task is one Read.
type task struct {
	*source
	places  []int // of the wanted columns
	into    decode.Columnar
	prune   decode.Pruner // nil: nothing is pruned
	object  uint32
	reject  func(model.Reject)
	check   checker
	left    int64 // rows that are still wanted
	balance model.Balance
	lost    []error
}

// group reads a row group.
func (t *task) group(g int) {
	rows := t.meta.RowGroups[g].NumRows
	if rows == 0 {
		return
	}
	if t.outside(g) {
		t.balance.Lines += rows
		t.balance.Filtered += rows
		return
	}
	n, err := t.rows(g, rows)
	if err == nil {
		return
	}
	err = fmt.Errorf("row group %d: %d of its %d rows are lost: %w", g, rows-n, rows, err)
	t.lost = append(t.lost, err)
	t.balance.Lines++
	t.balance.Rejected++
	t.reject(model.Reject{Ref: model.Ref{Object: t.object, Offset: int64(g), Line: uint64(n) + 1}, Reason: err.Error()})
}

// rows hands on the rows of a row group and returns how many it got to.
func (t *task) rows(g int, rows int64) (int64, error) {
	cols, err := t.columns(g)
	if err != nil {
		return 0, err
	}
	values := make([][]byte, len(cols))
	ref := model.Ref{Object: t.object, Offset: int64(g)}
	for n := range min(rows, t.left) {
		for i := range cols {
			if values[i], err = cols[i].next(); err != nil {
				return n, fmt.Errorf("column %q: %w", cols[i].name, err)
			}
		}
		ref.Line = uint64(n) + 1
		outcome, reason := t.into.Row(ref, values)
		t.count(ref, outcome, reason)
	}
	t.left -= min(rows, t.left)
	return rows, nil
}

// columns opens the wanted columns of a row group.
func (t *task) columns(g int) ([]boundColumn, error) {
	var group *file.RowGroupReader
	if err := guard(func() error { group = t.lib.RowGroup(g); return nil }); err != nil {
		return nil, err
	}
	cols := make([]boundColumn, len(t.places))
	for i, place := range t.places {
		cols[i].column = t.cols[place]
		for _, leaf := range t.cols[place].leaves {
			c, err := t.cursor(&t.check, group, g, leaf)
			if err != nil {
				return nil, fmt.Errorf("column %q: %w", t.cols[place].name, err)
			}
			cols[i].cursors = append(cols[i].cursors, c)
		}
	}
	return cols, nil
}

// count puts a row into the balance.
func (t *task) count(ref model.Ref, outcome decode.Outcome, reason string) {
	t.balance.Lines++
	switch outcome {
	case decode.Parsed:
		t.balance.Parsed++
	case decode.Filtered:
		t.balance.Filtered++
	case decode.Comment:
		t.balance.Comment++
	default:
		t.balance.Rejected++
		t.reject(model.Reject{Ref: ref, Reason: reason})
	}
}

// err says what was lost.
func (t *task) err() error {
	switch n := len(t.lost); n {
	case 0:
		return nil
	case 1:
		return t.lost[0]
	default:
		return fmt.Errorf("%w; and %d more places are damaged", t.lost[0], n-1)
	}
}
