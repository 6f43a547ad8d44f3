// Package delimited decodes logs that are tables: CSV, TSV, and whatever else
// has one character, or several, between its cells.
//
// Quotes are those of RFC 4180 §2: a cell in quotes may hold the delimiter, and
// quotes if they are doubled; \" is read too, since databases write it. A quote
// within a cell that has none at its start is a character like any other.
//
// A line is a row. RFC 4180 lets a quoted cell go on in the next line; in a log
// a quote that is not closed is more often an agent that sent one, and to look
// for its end would swallow the rows up to the next. So such a line is
// rejected, as are those that go on where it broke off, each with its reason.
//
// The columns are named by the first line, or by the incident file (fields).
// A header that comes again, as where files were put one behind the other, is
// a comment, and binds the columns anew if they moved. A cell without quotes
// that is empty is a null.
package delimited

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
)

// Decoder reads the rows of one object.
type Decoder struct {
	columns   *origin.Columns
	fields    []string // of the incident file
	delimiter []byte   // nil: not found out yet
	mapped    []string // what the map names

	bound  bool
	broken string // why no row can be read; "" if they can
	width  int
	places []int    // of the wanted cells
	header []string // their names
	cells  cells
	values [][]byte
}

// New returns a decoder for one object; see origin.New.
func New(ctx *decode.Context, o origin.Options, keep func(*model.OriginRow) bool) (*Decoder, error) {
	columns, err := origin.NewColumns(ctx, o, keep)
	if err != nil {
		return nil, err
	}
	d := &Decoder{columns: columns, fields: o.Source.Fields, delimiter: Delimiter(o.Source.Delimiter)}
	for f := range origin.NumFields {
		if name := columns.Mapped(f); name != "" {
			d.mapped = append(d.mapped, name)
		}
	}
	if len(d.fields) == 0 {
		return d, nil
	}
	if err := d.bind(d.fields); err != nil {
		return nil, fmt.Errorf("fields: %w", err)
	}
	return d, nil
}

// Delimiter reads a delimiter as the incident file words it; nil if it is to
// be found out.
func Delimiter(said string) []byte {
	switch said {
	case "":
		return nil
	case "tab", `\t`:
		return []byte{'\t'}
	}
	return []byte(said)
}

// Stats returns what was seen so far.
func (d *Decoder) Stats() origin.Stats { return d.columns.Stats() }

// Use returns which fields were asked for and found so far.
func (d *Decoder) Use() origin.Use { return d.columns.Use() }

// Warnings says why no row could be read, if the first line is no header.
func (d *Decoder) Warnings() []string {
	if d.broken == "" {
		return nil
	}
	return []string{d.broken}
}

// Line decodes one line.
func (d *Decoder) Line(ref model.Ref, line []byte) (decode.Outcome, string) {
	if d.delimiter == nil {
		d.delimiter = d.findOut(line)
	}
	reason := d.cells.split(line, d.delimiter)
	outcome := decode.Rejected
	if reason == "" {
		outcome, reason = d.row(ref, line)
	}
	d.cells.wipe()
	return outcome, reason
}

// row decodes the cells of one line.
func (d *Decoder) row(ref model.Ref, line []byte) (decode.Outcome, string) {
	switch {
	case !d.bound:
		if reason := d.first(); reason != "" {
			return decode.Rejected, reason
		}
		return decode.Comment, ""
	case len(d.cells.list) != d.width:
		return d.another("not as many cells as there are columns")
	}
	for i, at := range d.places {
		d.values[i] = d.cells.list[at]
	}
	outcome, reason := d.columns.Hashed(ref, d.values, decode.Hash(0, line))
	clear(d.values)
	if outcome == decode.Rejected {
		return d.another(reason)
	}
	return outcome, reason
}

// first takes the line in hand for the header. If it is none, so are those
// after it until one is, and all are rejected: which cell is which cannot be
// guessed.
func (d *Decoder) first() (reason string) {
	err := d.bind(d.cells.texts())
	switch {
	case err == nil:
		d.broken = ""
	case d.broken == "":
		d.broken = err.Error() + "; if the file has no header line, name its columns in the source (fields)"
	}
	return d.broken
}

// another is what becomes of a line that is no row: it may be another header.
// One is told by the name of each wanted column that the last one had, so that
// a row whose values went astray is not taken for one.
func (d *Decoder) another(reason string) (decode.Outcome, string) {
	names := d.cells.texts()
	for _, want := range d.header {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, want) }) {
			return decode.Rejected, reason
		}
	}
	if d.bind(names) != nil {
		return decode.Rejected, reason
	}
	return decode.Comment, ""
}

// bind tells the columns their names.
func (d *Decoder) bind(names []string) error {
	places, err := d.columns.Bind(names)
	if err != nil {
		return err
	}
	d.bound, d.width, d.places = true, len(names), places
	d.header = d.header[:0]
	for _, at := range places {
		d.header = append(d.header, names[at])
	}
	d.values = make([][]byte, len(places))
	return nil
}

// delimiters are those that are tried, the usual first.
var delimiters = [...]string{",", "\t", ";", "|"}

// findOut returns the delimiter that leaves the most columns of the map in a
// header line, or as many cells as there are fields; else the one that leaves
// the most cells.
func (d *Decoder) findOut(line []byte) []byte {
	best, most := delimiters[0], -1
	for _, try := range delimiters {
		if d.cells.split(line, []byte(try)) != "" {
			continue
		}
		if score := d.score(); score > most {
			best, most = try, score
		}
	}
	return []byte(best)
}

func (d *Decoder) score() int {
	n := len(d.cells.list)
	switch {
	case d.bound && n == d.width:
		return 1 << 20
	case d.bound:
		return n
	}
	for _, name := range d.cells.texts() {
		if slices.ContainsFunc(d.mapped, func(m string) bool { return strings.EqualFold(m, name) }) {
			n += 1 << 10
		}
	}
	return n
}

// Splitter parts the lines of a table of which no column is known.
type Splitter struct {
	delimiter []byte
	cells     cells
}

// Split returns the cells of a line, parted by what leaves the most of them in
// the first; nil if it cannot be parted. They are valid until the next call.
func (s *Splitter) Split(line []byte) [][]byte {
	if s.delimiter == nil {
		most := 1
		for _, try := range delimiters {
			if s.cells.split(line, []byte(try)) == "" && len(s.cells.list) > most {
				most, s.delimiter = len(s.cells.list), []byte(try)
			}
		}
	}
	if s.delimiter == nil || s.cells.split(line, s.delimiter) != "" {
		return nil
	}
	return s.cells.list
}

// Wipe overwrites what may be left of a session.
func (s *Splitter) Wipe() { s.cells.wipe() }

// cells are those of one line.
type cells struct {
	list [][]byte // nil: empty and without quotes
	buf  []byte   // text of cells with quotes in them
}

const (
	reasonOpen  = "a quote is not closed in its line: a row with a line break in a value cannot be told from a stray quote"
	reasonQuote = "a quote within quotes is not doubled"
)

// split splits line at the delimiters outside of quotes. Blanks around a cell
// are none of it, unless in quotes.
func (c *cells) split(line, delimiter []byte) (reason string) {
	c.wipe()
	if cap(c.buf) < len(line) {
		c.buf = slices.Grow(c.buf, len(line)) // so that cells never move
	}
	blank := " "
	if delimiter[0] == ' ' {
		blank = ""
	}
	for line != nil {
		var cell []byte
		if b := bytes.TrimLeft(line, blank); len(b) > 0 && b[0] == '"' {
			cell, line, reason = c.quoted(b[1:], delimiter, blank)
		} else {
			cell, line = bare(line, delimiter)
		}
		if reason != "" {
			return reason
		}
		c.list = append(c.list, cell)
	}
	return ""
}

// bare reads a cell without quotes; nil if it is empty. rest is what follows
// its delimiter; nil at the end of the line.
func bare(line, delimiter []byte) (cell, rest []byte) {
	cell = line
	if i := bytes.Index(line, delimiter); i >= 0 {
		cell, rest = line[:i], line[i+len(delimiter):]
	}
	if cell = bytes.TrimSpace(cell); len(cell) == 0 {
		return nil, rest
	}
	return cell, rest
}

// quoted reads a cell behind its opening quote.
func (c *cells) quoted(b, delimiter []byte, blank string) (cell, rest []byte, reason string) {
	from := len(c.buf)
	for {
		i := bytes.IndexByte(b, '"')
		if i < 0 {
			return nil, nil, reasonOpen
		}
		after := b[i+1:]
		end := bytes.TrimLeft(after, blank)
		switch {
		case len(end) == 0 || bytes.HasPrefix(end, delimiter):
			cell = b[:i:i]
			if len(c.buf) > from {
				c.buf = append(c.buf, b[:i]...)
				cell = c.buf[from:]
			}
			if len(end) == 0 {
				return cell, nil, ""
			}
			return cell, end[len(delimiter):], ""
		case after[0] == '"': // doubled
			c.buf = append(c.buf, b[:i+1]...)
			b = after[1:]
		case i > 0 && b[i-1] == '\\':
			c.buf = append(append(c.buf, b[:i-1]...), '"')
			b = after
		default:
			return nil, nil, reasonQuote
		}
	}
}

// texts returns the cells as names of columns.
func (c *cells) texts() []string {
	out := make([]string, len(c.list))
	for i, cell := range c.list {
		out[i] = string(bytes.TrimSpace(cell))
	}
	return out
}

// wipe overwrites what may be left of a session.
func (c *cells) wipe() {
	clear(c.buf)
	clear(c.list)
	c.buf, c.list = c.buf[:0], c.list[:0]
}
