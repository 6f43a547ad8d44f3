package intake

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// lines reads the lines of a file and knows where they stand.
type lines struct {
	in     *bufio.Reader
	ref    model.Ref // of the line read last
	offset int64     // of the next
	long   []byte
}

func newLines(f *file) *lines {
	return &lines{in: bufio.NewReaderSize(f.budget, 64<<10), ref: model.Ref{Object: f.index}, offset: f.skipped}
}

// next returns the next line without its ending; it is good until the call
// after. The budget of the file bounds its length.
func (l *lines) next() ([]byte, error) {
	l.long = l.long[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		l.long = append(l.long, part...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if len(l.long) == 0 || err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		l.ref.Line++
		l.ref.Offset = l.offset
		l.offset += int64(len(l.long))
		return bytes.TrimSuffix(bytes.TrimSuffix(l.long, []byte("\n")), []byte("\r")), nil
	}
}

// copyText reads what Postgres' COPY writes as text, and MySQL's --batch and
// INTO OUTFILE: a line a row, tabs between cells, a backslash before what
// would be taken for one of them, \N for null.
type copyText struct {
	lines *lines
	cells []string
	text  []byte
	ends  []int
	ended bool // the line read last ends the rows
}

const endOfCopy = `\.`

func readCopy(ctx context.Context, f *file) error {
	c := &copyText{lines: newLines(f)}
	head, err := c.lines.in.Peek(peeked)
	if len(head) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return f.ended(err)
	}
	if isDump(head) {
		return readDump(ctx, f, c)
	}
	return f.positional(ctx, c)
}

func (c *copyText) next() (record, error) {
	line, err := c.lines.next()
	if err != nil {
		return record{}, err
	}
	r := record{ref: c.lines.ref, number: c.lines.ref.Line, outcome: decode.Comment}
	if c.ended = string(line) == endOfCopy; c.ended || len(line) == 0 {
		return r, nil
	}
	r.cells, r.outcome = c.split(line), decode.Parsed
	return r, nil
}

// split returns the cells of a line, which share the memory of one string.
func (c *copyText) split(line []byte) []string {
	c.text, c.ends, c.cells = c.text[:0], c.ends[:0], c.cells[:0]
	for cell := range bytes.SplitSeq(line, []byte("\t")) {
		if string(cell) != `\N` {
			c.text = unescape(c.text, cell)
		}
		c.ends = append(c.ends, len(c.text))
	}
	all, from := string(c.text), 0
	for _, end := range c.ends {
		c.cells = append(c.cells, all[from:end])
		from = end
	}
	return c.cells
}

// unescape appends s without its backslashes (Postgres manual, COPY, Text Format).
func unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			dst = append(dst, s[i])
			continue
		}
		i++
		if j := strings.IndexByte("bfnrtv", s[i]); j >= 0 {
			dst = append(dst, "\b\f\n\r\t\v"[j])
			continue
		}
		c, n := escapedByte(s[i:])
		dst = append(dst, c)
		i += n - 1
	}
	return dst
}

// escapedByte reads what follows a backslash: up to three octal digits, x and
// up to two hexadecimal ones, or a character that stands for itself.
func escapedByte(s []byte) (c byte, n int) {
	base, most := byte(8), 3
	if s[0] == 'x' && len(s) > 1 && digit(s[1]) < 16 {
		base, most, n = 16, 3, 1
	}
	for n < min(most, len(s)) && digit(s[n]) < base {
		c = c*base + digit(s[n])
		n++
	}
	if n == 0 {
		return s[0], 1
	}
	return c, n
}

func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

// dump reads the one table of a pg_dump that is asked for.
type dump struct {
	f    *file
	rows *copyText
	in   bool     // within the rows of a table that is read
	skip bool     // within those of another
	read string   // name of the table that was read
	said string   // in a message
	seen []string // all tables, likewise
}

func readDump(ctx context.Context, f *file, rows *copyText) error {
	d := &dump{f: f, rows: rows}
	if err := f.rest(ctx, d); err != nil {
		return err
	}
	if d.read == "" {
		return f.errorf("no COPY in this dump has the columns of the table; it has %s. Name theirs under %s: map", strings.Join(orNone(d.seen), ", "), f.table.key)
	}
	return nil
}

func orNone(names []string) []string {
	if len(names) == 0 {
		return []string{"none"}
	}
	return names
}

func (d *dump) next() (record, error) {
	if d.in {
		r, err := d.rows.next()
		d.in = !d.rows.ended
		return r, d.cut(err)
	}
	line, err := d.rows.lines.next()
	if err != nil {
		return record{}, d.cut(err)
	}
	r := record{ref: d.rows.lines.ref, outcome: decode.Comment}
	if d.skip {
		d.skip = string(line) != endOfCopy
		r.outcome = decode.Filtered
		return r, nil
	}
	if m := copyFrom.FindSubmatch(line); m != nil {
		return r, d.table(string(m[1]), strings.Split(string(m[2]), ","), r.ref.Line)
	}
	return r, nil
}

// cut tells the end of the dump from one within a table.
func (d *dump) cut(err error) error {
	if errors.Is(err, io.EOF) && (d.in || d.skip) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// table begins the rows of a table. It is ours if it has the columns; of
// several, if it is called so too.
func (d *dump) table(name string, names []string, line uint64) error {
	for i := range names {
		names[i] = unquoted(strings.TrimSpace(names[i]))
	}
	said := name
	if notAName(name) {
		said = "(a table)" // what is in a file is not quoted unless it can only be a name
	}
	d.seen = append(d.seen, said)
	ours := d.f.table
	columns, err := d.f.find(names)
	d.in = err == nil && (d.read == "" || ours.called(name) || !ours.called(d.read))
	d.skip = !d.in
	if d.in && d.read != "" {
		return &unusable{line, "both " + d.said + " and " + said + " could be this table: dump the right one alone, with pg_dump -t"}
	}
	if d.in {
		d.rows.ended, d.read, d.said = false, name, said
		d.f.names, d.f.columns = names, columns
		d.f.tellHeader()
	}
	return nil
}

// unquoted returns an identifier as it is without quotes.
func unquoted(s string) string {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		return strings.ReplaceAll(s[1:len(s)-1], `""`, `"`)
	}
	return s
}
