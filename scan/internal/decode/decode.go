// Package decode turns the lines of a log into normalised rows.
//
// This package holds what all formats share: the account of lines, the
// meaning of paths, sessions, referers and user agents. Each format has a
// package of its own below, which knows its columns and nothing else.
//
// Session values are live credentials. They are digested where they are
// decoded; no row, reason, warning or error of these packages holds one, and
// reasons never quote the line they are about.
package decode

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/spillscope/spillscope/model"
)

// Outcome is what became of a line.
type Outcome uint8

// The outcomes.
const (
	Parsed   Outcome = iota // became a row
	Rejected                // could not be read; a reason says why
	Comment                 // header, comment, or empty
	Filtered                // readable, but outside what was asked for
)

// Decoder reads the lines of one object, in order. Line must not keep line,
// which has no line ending. The string is the reason if the outcome is
// Rejected; it never quotes the line.
type Decoder interface {
	Line(ref model.Ref, line []byte) (Outcome, string)
}

// Columnar reads the rows of an object that come as values of named columns,
// as those of Parquet and of tables with a header do.
type Columnar interface {
	// Bind is told the columns once, before the first row, and returns the
	// places of those it wants, in the order in which Row gets their values. The
	// error says which needed one is missing.
	Bind(names []string) ([]int, error)
	// Row decodes one row. A nil value is a null. Values must not be kept.
	Row(ref model.Ref, values [][]byte) (Outcome, string)
}

// Pruner is a Columnar that can tell from the least and the greatest value of
// a column that none of the rows between is wanted.
type Pruner interface {
	Columnar
	Outside(column string, least, greatest []byte) bool
}

// MaxLine is the longest line that is read. CloudFront logs no request with
// more than 20 KB of headers; what is longer is no log line.
const MaxLine = 1 << 20

// ErrBinary says that an object is no text and nothing of it was read.
var ErrBinary = errors.New("looks binary: not a log")

// headSize is how much of the beginning of an object decides what its rows
// are wrapped in.
const headSize = 64 << 10

// byteOrderMark is written before UTF-8 text by tools of Windows.
const byteOrderMark = "\xef\xbb\xbf"

// Reasons given by this package itself.
const (
	reasonLong = "longer than 1 MiB"
	reasonNUL  = "holds a NUL byte"
	reasonCut  = "cut short"

	reasonNotJSON    = "not JSON"
	reasonNoEnvelope = "JSON, but neither an envelope with logEvents nor one with events"
	reasonNoMessage  = "an event without a message"
)

// Lines feeds the lines of r, the decompressed stream of an object, to d and
// accounts for each of them. Rejected lines go to reject.
//
// LF and CRLF end a line, as does the end of the stream. When r fails midway
// the lines before count, what is left of the last one is rejected as cut
// short, and the error is returned beside the balance.
func Lines(r io.Reader, object uint32, d Decoder, reject func(model.Reject)) (model.Balance, error) {
	br := bufio.NewReaderSize(r, headSize)
	if head, _ := br.Peek(4 << 10); LooksBinary(head) {
		return model.Balance{}, ErrBinary
	}
	a := account{d: d, reject: reject}
	err := scanLines(br, object, a.row)
	return a.b, err
}

// account hands rows to a decoder and counts what becomes of them.
type account struct {
	d      Decoder
	reject func(model.Reject)
	b      model.Balance
}

// row accounts for one row; reason says why it is none.
func (a *account) row(ref model.Ref, row []byte, reason string) {
	outcome := Rejected
	switch {
	case reason != "":
	case len(row) == 0:
		outcome = Comment
	case bytes.IndexByte(row, 0) >= 0:
		reason = reasonNUL
	default:
		outcome, reason = a.d.Line(ref, row)
	}
	a.b.Lines++
	count(&a.b, outcome)
	if outcome == Rejected {
		a.reject(model.Reject{Ref: ref, Reason: reason})
	}
}

func count(b *model.Balance, o Outcome) {
	switch o {
	case Parsed:
		b.Parsed++
	case Comment:
		b.Comment++
	case Filtered:
		b.Filtered++
	default:
		b.Rejected++
	}
}

// scanLines calls each for every line of br, without its ending. reason says
// why a line cannot be read. The error is that of br.
func scanLines(br *bufio.Reader, object uint32, each func(ref model.Ref, line []byte, reason string)) error {
	in := lineReader{br: br}
	defer in.wipe()
	ref := model.Ref{Object: object}
	for {
		line, size, err := in.next()
		ended := errors.Is(err, io.EOF)
		if size == 0 {
			if ended {
				return nil
			}
			return err
		}
		ref.Line++
		line, reason := in.strip(ref, line)
		if err != nil && !ended {
			reason = reasonCut
		}
		each(ref, line, reason)
		ref.Offset += size
		if ended {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

type lineReader struct {
	br   *bufio.Reader
	long []byte // a line longer than the buffer of br
	over bool   // the last line was longer than MaxLine
}

// next returns the next line with its ending, and its size in the stream. A
// line beyond MaxLine is read to its end but not kept.
func (in *lineReader) next() (line []byte, size int64, err error) {
	in.long, in.over = in.long[:0], false
	for {
		part, err := in.br.ReadSlice('\n')
		size += int64(len(part))
		full := errors.Is(err, bufio.ErrBufferFull)
		if !full && size == int64(len(part)) {
			return part, size, err
		}
		if in.over = in.over || len(in.long)+len(part) > MaxLine+len("\r\n"); !in.over {
			in.long = append(in.long, part...)
		}
		if !full {
			return in.long, size, err
		}
	}
}

// strip takes the ending off line, and the mark that some tools write before
// the first one.
func (in *lineReader) strip(ref model.Ref, line []byte) (rest []byte, reason string) {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if ref.Offset == 0 {
		line = bytes.TrimPrefix(line, []byte(byteOrderMark))
	}
	if in.over || len(line) > MaxLine {
		return nil, reasonLong
	}
	return line, ""
}

// wipe overwrites what may be left of a session in the reader's own buffer.
func (in *lineReader) wipe() { clear(in.long[:cap(in.long)]) }

// LooksBinary reports whether head is no text: more than a tenth
// of it is what text does not hold, control characters and bytes that are not
// UTF-8.
func LooksBinary(head []byte) bool {
	odd := 0
	for i := 0; i < len(head); {
		c, n := utf8.DecodeRune(head[i:])
		control := c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f
		if control || c == utf8.RuneError && n == 1 {
			odd++
		}
		i += n
	}
	return odd*10 > len(head)
}
