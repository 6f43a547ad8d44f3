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

// Reasons given by Lines itself.
const (
	reasonLong = "longer than 1 MiB"
	reasonNUL  = "holds a NUL byte"
	reasonCut  = "cut short"
)

// Lines feeds the lines of r, the decompressed stream of an object, to d and
// accounts for each of them. Rejected lines go to reject.
//
// LF and CRLF end a line, as does the end of the stream. When r fails midway
// the lines before count, what is left of the last one is rejected as cut
// short, and the error is returned beside the balance.
func Lines(r io.Reader, object uint32, d Decoder, reject func(model.Reject)) (model.Balance, error) {
	in := lineReader{br: bufio.NewReaderSize(r, 64<<10)}
	if head, _ := in.br.Peek(4 << 10); LooksBinary(head) {
		return model.Balance{}, ErrBinary
	}
	var b model.Balance
	ref := model.Ref{Object: object}
	for {
		line, size, err := in.next()
		if err != nil && !errors.Is(err, io.EOF) && size == 0 {
			return b, err
		}
		if size == 0 {
			return b, nil
		}
		ref.Line++
		b.Lines++
		outcome, reason := Rejected, reasonCut
		if err == nil || errors.Is(err, io.EOF) {
			outcome, reason = in.decode(d, ref, line)
		}
		count(&b, outcome)
		if outcome == Rejected {
			reject(model.Reject{Ref: ref, Reason: reason})
		}
		ref.Offset += size
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
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

// decode strips the ending of line and hands it to d.
func (in *lineReader) decode(d Decoder, ref model.Ref, line []byte) (Outcome, string) {
	if in.over {
		return Rejected, reasonLong
	}
	line = bytes.TrimSuffix(line, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if ref.Offset == 0 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")) // written by Windows tools
	}
	switch {
	case len(line) == 0:
		return Comment, ""
	case len(line) > MaxLine:
		return Rejected, reasonLong
	case bytes.IndexByte(line, 0) >= 0:
		return Rejected, reasonNUL
	}
	return d.Line(ref, line)
}

// LooksBinary reports whether more than a tenth of head is what text does not
// hold: control characters and bytes that are not UTF-8.
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
