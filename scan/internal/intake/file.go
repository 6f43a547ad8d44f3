package intake

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/inflate"
	"github.com/spillscope/spillscope/scan/storage"
)

const (
	// maxRecord bounds the bytes of one record. An unclosed quote makes the rest
	// of the file one record, which must neither fill the memory nor pass for
	// one bad row.
	maxRecord = 4 << 20
	// maxBreaks bounds the line breaks in one record, for the same reason.
	maxBreaks = 100
	// peeked is how much of a file its format is told by.
	peeked = 32 << 10
)

// record is one record of a file, as its format gives it.
type record struct {
	cells   []string // good until the next one
	ref     model.Ref
	number  uint64         // unique in the file: the line, or the row where lines do not tell rows apart
	outcome decode.Outcome // Parsed: cells are to be taken
	reason  string         // of a reject
}

// records gives the records of a file in order, then io.EOF. Any other error
// makes the table unusable.
type records interface {
	next() (record, error)
}

// row is a record brought to the order of the table's columns, "" where the
// file lacks an optional one.
type row struct {
	cells  []string
	ref    model.Ref
	number uint64
}

// file reads one stored object of a table.
type file struct {
	object  storage.Object
	index   uint32 // among the inputs
	table   *table
	format  format
	store   storage.Store
	packing string // what the stored bytes are compressed with
	budget  *budget
	skipped int64    // bytes of the byte order mark
	names   []string // of the columns, of a format in which they have places
	columns []int    // for each column of the table its place in a record, or -1
	cells   []string
	balance model.Balance
	rejects []model.Reject
	problem string // what was wrong after the last row
	line    uint64 // of the last record that could be read
}

// read reads o to its end, hands each row to the table, and returns the entry
// for the list of inputs.
func (f *file) read(ctx context.Context, store storage.Store) (model.Input, error) {
	in := model.Input{Object: f.index, Kind: f.table.name, URI: f.object.URI}
	f.store = store
	rc, err := store.Open(ctx, f.object)
	if err != nil {
		return in, err
	}
	defer rc.Close()
	sum, size := sha256.New(), int64(0)
	stored := io.TeeReader(rc, writerFunc(func(p []byte) (int, error) {
		size += int64(len(p))
		return sum.Write(p)
	}))
	if err := f.inflated(ctx, stored); err != nil {
		return in, err
	}
	if _, err := io.Copy(io.Discard, stored); err != nil {
		return in, f.errorf("%w", err)
	}
	in.Size, in.SHA256, in.Format = size, hex.EncodeToString(sum.Sum(nil)), f.format.name
	in.Balance, in.Problem = f.balance, f.problem
	return in, nil
}

func (f *file) errorf(format string, args ...any) error {
	return fmt.Errorf(f.object.URI+": "+format, args...)
}

func (f *file) errorAt(line uint64, format string, args ...any) error {
	return fmt.Errorf(fmt.Sprintf("%s:%d: ", f.object.URI, line)+format, args...)
}

// inflated finds out the format of the stored bytes and reads all rows.
func (f *file) inflated(ctx context.Context, stored io.Reader) error {
	plain, packing, err := inflate.Open(stored)
	if err != nil {
		return f.errorf("%w", damage(err))
	}
	defer plain.Close()
	f.packing = packing
	text := bufio.NewReaderSize(plain, 2*peeked)
	head, err := text.Peek(peeked)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return f.errorf("%w", damage(err))
	}
	var problem string
	if f.format, problem = detect(head, f.table.source.Format, f.table.width()); problem != "" {
		return f.errorf("%s", problem)
	}
	if bytes.HasPrefix(head, []byte(byteOrderMark)) {
		f.skipped = int64(len(byteOrderMark))
		if _, err := text.Discard(len(byteOrderMark)); err != nil {
			return f.errorf("%w", damage(err))
		}
	}
	f.cells = make([]string, len(f.table.columns))
	f.budget = &budget{r: text, left: maxRecord}
	return f.format.read(ctx, f)
}

// positional reads a format whose columns are told by their places.
func (f *file) positional(ctx context.Context, in records) error {
	first, err := f.head(in)
	if err != nil {
		return err
	}
	isHeader, err := f.bind(first)
	if err != nil {
		return err
	}
	f.table.names = f.names
	f.tellHeader()
	if isHeader {
		f.account(record{outcome: decode.Comment})
	} else if err := f.record(first); err != nil {
		return err
	}
	return f.rest(ctx, in)
}

// head returns the first record with cells.
func (f *file) head(in records) (record, error) {
	for {
		f.budget.left = maxRecord
		r, err := in.next()
		switch {
		case errors.Is(err, io.EOF):
			return r, f.empty()
		case err != nil:
			return r, f.ended(err)
		case r.outcome == decode.Rejected:
			return r, f.errorAt(r.ref.Line, "the header line cannot be read: %s", r.reason)
		case r.outcome == decode.Parsed:
			return r, nil
		}
		f.account(r)
	}
}

// rest reads the records that follow.
func (f *file) rest(ctx context.Context, in records) error {
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		f.budget.left = maxRecord
		r, err := in.next()
		if errors.Is(err, io.EOF) {
			f.problem = f.budget.trailing
			return nil
		}
		if err != nil {
			return f.ended(err)
		}
		f.line = r.ref.Line
		if err := f.record(r); err != nil {
			return err
		}
	}
}

// record hands one record to the table and counts what becomes of it.
func (f *file) record(r record) error {
	if r.outcome != decode.Parsed {
		f.account(r)
		return nil
	}
	if f.columns != nil {
		if len(r.cells) == 1 && len(f.names) > 1 && isFooter(r.cells[0]) {
			r.outcome = decode.Comment
			f.account(r)
			return nil
		}
		if len(r.cells) != len(f.names) {
			r.outcome, r.reason = decode.Rejected, fmt.Sprintf("%d columns, the header has %d", len(r.cells), len(f.names))
			f.account(r)
			return nil
		}
	}
	for i := range f.cells {
		f.cells[i] = ""
		if at := f.place(i); at >= 0 {
			f.cells[i] = cell(r.cells[at])
		}
	}
	return f.take(row{f.cells, r.ref, r.number})
}

// place returns where in a record column i of the table stands.
func (f *file) place(i int) int {
	if f.columns == nil { // a format of names gives the table's own columns
		return i
	}
	return f.columns[i]
}

// take hands one row to the table.
func (f *file) take(r row) error {
	outcome, err := f.table.take(f.table, r)
	switch {
	case err != nil:
		return f.errorAt(r.number, "%w", err)
	case outcome == duplicate:
		f.balance.Lines++
		f.balance.Duplicate++
	case outcome != "":
		f.account(record{ref: r.ref, outcome: decode.Rejected, reason: string(outcome)})
	default:
		f.account(record{outcome: decode.Parsed})
	}
	return nil
}

// account counts a record.
func (f *file) account(r record) {
	f.balance.Lines++
	switch r.outcome {
	case decode.Parsed:
		f.balance.Parsed++
	case decode.Comment:
		f.balance.Comment++
	case decode.Filtered:
		f.balance.Filtered++
	default:
		f.balance.Rejected++
		f.rejects = append(f.rejects, model.Reject{Ref: r.ref, Reason: r.reason})
	}
}

func (f *file) empty() error { return f.errorf("the file is empty") }

// ended says why a file could not be read to its end.
func (f *file) ended(err error) error {
	if u := (*unusable)(nil); errors.As(err, &u) {
		return f.errorAt(u.line, "%s", cmp.Or(u.what, f.format.unclosed))
	}
	if errors.Is(err, errRecordTooLong) {
		return f.errorAt(f.line+1, "%s", f.format.unclosed)
	}
	return f.errorf("%w", damage(err))
}

// unusable says at which line reading a table has no sense any more, and why.
type unusable struct {
	line uint64
	what string // "": a record is never closed, and how many rows it has swallowed is not known
}

func (e *unusable) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.what) }

// damage puts an error of the decompressor into words.
func damage(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is cut short, so rows are missing; copy or export it again: %w", err)
	}
	return err
}

// cell trims what exports put around a value and reads their ways to say null.
func cell(s string) string {
	s = strings.TrimSpace(s)
	switch s {
	case "NULL", "null", `\N`, `\\N`, "<null>", "[NULL]":
		return ""
	}
	return s
}

var errRecordTooLong = errors.New("record too long")

// budget is a reader that fails when a single record asks for too much. It
// also turns garbage after the compressed data into a plain end, since the
// last row before it is whole.
type budget struct {
	r        io.Reader
	left     int
	trailing string // what was found after the end, or ""
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errRecordTooLong
	}
	n, err := b.r.Read(p)
	b.left -= n
	if t := (*inflate.TrailingError)(nil); errors.As(err, &t) {
		b.trailing, err = t.Error(), io.EOF
	}
	return n, err
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
