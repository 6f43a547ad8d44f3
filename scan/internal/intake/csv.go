package intake

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spillscope/spillscope/model"
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
)

// row is one record: its cells in the order of the table's columns, "" where
// the file lacks an optional one.
type row struct {
	cells []string
	ref   model.Ref
}

// file reads one stored CSV object.
type file struct {
	object  storage.Object
	index   uint32 // among the inputs
	table   *table
	csv     *csv.Reader
	budget  *budget
	skipped int64 // bytes of the byte order mark
	columns []int // for each column of the table its place in a record, or -1
	width   int
	balance model.Balance
	rejects []model.Reject
	problem string // what was wrong after the last row
	cells   []string
	line    uint64 // of the last record that could be read
}

// read reads o to its end, hands each row to the table, and returns the entry
// for the list of inputs.
func (f *file) read(ctx context.Context, store storage.Store) (model.Input, error) {
	in := model.Input{Object: f.index, Kind: f.table.name, URI: f.object.URI, Format: "csv"}
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
	if err := f.records(ctx, stored); err != nil {
		return in, err
	}
	if _, err := io.Copy(io.Discard, stored); err != nil {
		return in, fmt.Errorf("%s: %w", f.object.URI, err)
	}
	in.Size, in.SHA256 = size, hex.EncodeToString(sum.Sum(nil))
	in.Balance, in.Problem = f.balance, f.problem
	return in, nil
}

// records reads the header and all rows from the stored bytes.
func (f *file) records(ctx context.Context, stored io.Reader) error {
	plain, _, err := inflate.Open(stored)
	if err != nil {
		return fmt.Errorf("%s: %w", f.object.URI, damage(err))
	}
	defer plain.Close()
	text := bufio.NewReaderSize(plain, 64<<10)
	head, err := text.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return fmt.Errorf("%s: %w", f.object.URI, damage(err))
	}
	if what := notCSV(head); what != "" {
		return fmt.Errorf("%s: %s", f.object.URI, what)
	}
	if bytes.HasPrefix(head, []byte("\ufeff")) {
		f.skipped = 3
		if _, err := text.Discard(3); err != nil {
			return fmt.Errorf("%s: %w", f.object.URI, damage(err))
		}
	}
	f.budget = &budget{r: text, left: maxRecord}
	f.csv = csv.NewReader(f.budget)
	f.csv.FieldsPerRecord, f.csv.ReuseRecord = -1, true
	if err := f.header(); err != nil {
		return err
	}
	return f.rows(ctx)
}

func (f *file) rows(ctx context.Context) error {
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		f.budget.left = maxRecord
		ref := model.Ref{Object: f.index, Offset: f.csv.InputOffset() + f.skipped}
		record, err := f.csv.Read()
		if err == io.EOF {
			f.problem = f.budget.trailing
			return nil
		}
		if err != nil {
			if done, err := f.readError(err, ref); done || err != nil {
				return err
			}
			continue
		}
		line, _ := f.csv.FieldPos(0)
		ref.Line, f.line = uint64(line), uint64(line)
		if err := f.record(record, ref); err != nil {
			return err
		}
	}
}

// record hands one record to the table and counts what becomes of it.
func (f *file) record(record []string, ref model.Ref) error {
	if breaks(record) > maxBreaks {
		return f.unclosed(ref.Line)
	}
	f.balance.Lines++
	if len(record) != f.width {
		f.reject(ref, fmt.Sprintf("%d columns, the header has %d", len(record), f.width))
		return nil
	}
	for i, at := range f.columns {
		f.cells[i] = ""
		if at >= 0 {
			f.cells[i] = cell(record[at])
		}
	}
	outcome, err := f.table.take(row{f.cells, ref})
	switch {
	case err != nil:
		return fmt.Errorf("%s:%d: %w", f.object.URI, ref.Line, err)
	case outcome == duplicate:
		f.balance.Duplicate++
	case outcome != "":
		f.reject(ref, string(outcome))
	default:
		f.balance.Parsed++
	}
	return nil
}

func (f *file) reject(ref model.Ref, reason string) {
	f.balance.Rejected++
	f.rejects = append(f.rejects, model.Reject{Ref: ref, Reason: reason})
}

// readError tells a bad row from the end of what can be read. The messages of
// package csv quote nothing, but theirs are in the words of its programmers.
func (f *file) readError(err error, ref model.Ref) (done bool, _ error) {
	if errors.Is(err, errRecordTooLong) {
		return true, f.unclosed(f.line + 1)
	}
	var pe *csv.ParseError
	if !errors.As(err, &pe) {
		return true, fmt.Errorf("%s: %w", f.object.URI, damage(err))
	}
	if pe.Line != pe.StartLine {
		return true, f.unclosed(uint64(pe.StartLine))
	}
	ref.Line = uint64(pe.StartLine)
	f.balance.Lines++
	f.reject(ref, "a quote that is not closed or not doubled")
	return false, nil
}

// unclosed ends the reading: how many rows the quote has swallowed is not known.
func (f *file) unclosed(line uint64) error {
	return fmt.Errorf("%s:%d: a quote is opened in or near this row and not closed, which hides the rows after it; export the table again with quotes doubled", f.object.URI, line)
}

// damage puts an error of the decompressor into words.
func damage(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file is cut short, so rows are missing; copy or export it again: %w", err)
	}
	return err
}

// notCSV says what a file is that begins with head, if that is no CSV.
func notCSV(head []byte) string {
	has := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	first := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	switch {
	case len(first) == 0:
		return "the file is empty"
	case has("PK\x03\x04"), has("\xd0\xcf\x11\xe0"):
		return "this is an Excel file: save it as CSV"
	case has("PAR1"):
		return "this is a Parquet file: export the table as CSV"
	case has("SQLite format 3"):
		return "this is a SQLite database: export the table as CSV"
	case has("\xff\xfe"), has("\xfe\xff"):
		return "this is UTF-16 text: save it as UTF-8"
	case has("BZh"), has("\xfd7zXZ"):
		return "this file is compressed with bzip2 or xz: use gzip or none"
	case first[0] == '{', first[0] == '[':
		return "this is JSON: export the table as CSV"
	case first[0] == '<':
		return "this is HTML or XML: export the table as CSV"
	case bytes.IndexByte(head, 0) >= 0:
		return "this is a binary file: export the table as CSV"
	}
	return ""
}

// cell trims what exports put around a value and reads their ways to say null.
func cell(s string) string {
	s = strings.TrimSpace(s)
	switch s {
	case "NULL", "null", `\N`:
		return ""
	}
	return s
}

func breaks(record []string) (n int) {
	for _, s := range record {
		n += strings.Count(s, "\n")
	}
	return n
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
