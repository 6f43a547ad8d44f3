// Package logfmt decodes logs of key=value pairs, one row a line.
//
// Values with blanks are in double quotes, with the escapes of Go and JSON. A
// key without = stands for itself alone and says nothing that could be mapped;
// what stands before the first pair, such as the stamp of a log router, is
// that. A name of the map is one key, dots included: logfmt nests nothing. Of
// a key that comes twice the later value counts, as in JSON.
package logfmt

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
)

// Decoder reads the rows of one object.
type Decoder struct {
	splitter
	rows   *origin.Rows
	wanted map[string][]origin.Field
	row    origin.Flat
	names  []string
	lines  int
}

// splitter parts lines into pairs.
type splitter struct {
	buf  []byte // text of values with escapes
	pair func(key, value []byte)
}

// New returns a decoder for one object; see origin.New.
func New(ctx *decode.Context, o origin.Options, keep func(*model.OriginRow) bool) (*Decoder, error) {
	rows, err := origin.New(ctx, o, keep)
	if err != nil {
		return nil, err
	}
	d := &Decoder{rows: rows, wanted: map[string][]origin.Field{}}
	d.pair = d.take
	for f := range origin.NumFields {
		if name := rows.Mapped(f); name != "" {
			d.wanted[name] = append(d.wanted[name], f)
		}
	}
	return d, nil
}

// Stats returns what was seen so far.
func (d *Decoder) Stats() origin.Stats { return d.rows.Stats() }

// Use returns which fields were asked for and found so far.
func (d *Decoder) Use() origin.Use { return d.rows.Use(d.names) }

// Warnings is there for other formats' sake.
func (d *Decoder) Warnings() []string { return nil }

// The names of keys are noted of the first rows, for Use.
const (
	sampleRows = 20
	sampleKeys = 60
)

// Line decodes one line.
func (d *Decoder) Line(ref model.Ref, line []byte) (decode.Outcome, string) {
	outcome := decode.Rejected
	reason := d.split(line)
	if reason == "" {
		d.row.Sum = decode.Hash(0, line)
		outcome, reason = d.rows.Add(ref, &d.row)
	}
	d.lines++
	d.wipe()
	return outcome, reason
}

func (d *Decoder) wipe() {
	d.splitter.wipe()
	d.row = origin.Flat{}
}

// take notes a pair of the row in hand.
func (d *Decoder) take(key, value []byte) {
	d.note(key)
	for _, f := range d.wanted[string(key)] {
		d.row.Values[f] = value
	}
}

// Pairs hands the pairs of line to each, up to where it is no logfmt. Values
// must not be kept.
func Pairs(line []byte, each func(key, value []byte)) {
	s := splitter{pair: each}
	s.split(line)
	s.wipe()
}

func (s *splitter) wipe() {
	clear(s.buf)
	s.buf = s.buf[:0]
}

// split hands on the pairs of line.
func (s *splitter) split(line []byte) (reason string) {
	if cap(s.buf) < len(line) {
		s.buf = slices.Grow(s.buf, len(line)) // so that values never move
	}
	for {
		line = bytes.TrimLeft(line, " \t")
		if len(line) == 0 {
			return ""
		}
		end := bytes.IndexAny(line, " \t=")
		if end == 0 {
			return "not logfmt: a value without a key"
		}
		if end < 0 || line[end] != '=' {
			line = line[max(end, 0):]
			if end < 0 {
				return ""
			}
			continue
		}
		var value []byte
		key := line[:end]
		if value, line, reason = s.value(line[end+1:]); reason != "" {
			return reason
		}
		s.pair(key, value)
	}
}

// value reads the value at the start of b.
func (s *splitter) value(b []byte) (value, rest []byte, reason string) {
	if len(b) == 0 || b[0] != '"' {
		if i := bytes.IndexAny(b, " \t"); i >= 0 {
			return b[:i:i], b[i:], ""
		}
		return b, nil, ""
	}
	end := closing(b)
	if end < 0 {
		return nil, nil, "not logfmt: a quote is not closed"
	}
	value, rest = b[1:end], b[end+1:]
	if len(rest) > 0 && rest[0] != ' ' && rest[0] != '\t' {
		return nil, nil, "not logfmt: text behind a closing quote"
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value, rest, ""
	}
	from := len(s.buf)
	s.buf = unescape(s.buf, value)
	return s.buf[from:], rest, ""
}

// closing returns where the quote is closed that b begins with; -1 if nowhere.
func closing(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return -1
}

// unescape appends what in stands for, which is never longer. What is no
// escape stays as it is.
func unescape(dst, in []byte) []byte {
	for len(in) > 0 {
		if in[0] != '\\' || len(in) < 2 {
			dst, in = append(dst, in[0]), in[1:]
			continue
		}
		switch c := in[1]; c {
		case '"', '\\', '/', '\'':
			dst, in = append(dst, c), in[2:]
		case 'n', 't', 'r', 'b', 'f':
			dst, in = append(dst, "\n\t\r\b\f"[bytes.IndexByte([]byte("ntrbf"), c)]), in[2:]
		case 'x', 'u', 'U':
			r, size := hex(in)
			switch {
			case size == 0:
				dst, in = append(dst, '\\'), in[1:]
			case c == 'x':
				dst, in = append(dst, byte(r)), in[size:]
			default:
				dst, in = utf8.AppendRune(dst, r), in[size:]
			}
		default:
			dst, in = append(dst, '\\'), in[1:]
		}
	}
	return dst
}

// escapes are how long those are that name a character by its number.
var escapes = map[byte]int{'x': len(`\xe9`), 'u': len(`\u00e9`), 'U': len(`\U0001f600`)}

// hex reads such an escape at the start of b; size is 0 if it is none.
func hex(b []byte) (r rune, size int) {
	size = escapes[b[1]]
	if len(b) < size {
		return 0, 0
	}
	n, err := strconv.ParseUint(string(b[2:size]), 16, 32)
	if err != nil {
		return 0, 0
	}
	return rune(n), size
}

func (d *Decoder) note(key []byte) {
	if d.lines >= sampleRows || len(d.names) >= sampleKeys {
		return
	}
	if !slices.ContainsFunc(d.names, func(n string) bool { return n == string(key) }) {
		d.names = append(d.names, string(key))
	}
}
