// Package cloudfront decodes standard logs of Amazon CloudFront: tab-separated
// rows under a #Fields line, as written since 2012 (formats.md 1).
//
// It knows columns and encodings. What a path, a cookie or a referer means to
// the incident is package decode's business, what a hit means is the model's.
package cloudfront

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/storage"
)

// Options says what to read of an object and how.
type Options struct {
	Object string            // its name; the distribution, where cs(Host) is not logged
	Form   model.SessionForm // of the session in cs(Cookie)
	Spans  []model.Span      // rows that ended outside all of them are filtered; none: keep all
	Memo   *decode.Memo      // of the worker; nil: a new one
}

// Decoder reads the rows of one object.
type Decoder struct {
	ctx    *decode.Context
	memo   *decode.Memo
	opts   Options
	prefix string // distribution by the object's name
	keep   func(*model.EdgeRow) bool

	layout  *layout // of the last #Fields line; nil before the first
	assumed *layout // standard order, for rows without #Fields line
	clock   clock
	cols    [][]byte
	buf     []byte // decoded text
	path    []byte // decoded path
	ids     decode.Arena
	row     model.EdgeRow

	first, last model.Instant
	cookies     int64
	badForms    int64
	warnings    []string
}

// New returns a decoder for one object. Each row goes to keep, which says
// whether it was wanted; the row is reused, its strings are not.
func New(ctx *decode.Context, o Options, keep func(*model.EdgeRow) bool) *Decoder {
	if o.Memo == nil {
		o.Memo = ctx.NewMemo()
	}
	prefix := ""
	if _, ok := storage.HourOf(o.Object); ok { // else the name is the archive's, not CloudFront's
		prefix, _, _ = strings.Cut(path.Base(o.Object), ".")
	}
	return &Decoder{ctx: ctx, memo: o.Memo, opts: o, prefix: prefix, keep: keep}
}

// Warnings returns what was odd about the object without costing a row.
func (d *Decoder) Warnings() []string { return d.warnings }

// Extent returns the earliest and the latest stamp of all rows whose stamp
// could be read, filtered ones included; zero if there was none.
func (d *Decoder) Extent() (first, last model.Instant) { return d.first, d.last }

// CookieRows returns how many rows had something in cs(Cookie). The column
// stands in every log; only this tells whether cookies were logged.
func (d *Decoder) CookieRows() int64 { return d.cookies }

// FormFailures returns how many session cookies Options.Form did not fit.
func (d *Decoder) FormFailures() int64 { return d.badForms }

func (d *Decoder) warn(text string) {
	if !slices.Contains(d.warnings, text) {
		d.warnings = append(d.warnings, text)
	}
}

// Line decodes one line.
func (d *Decoder) Line(ref model.Ref, line []byte) (decode.Outcome, string) {
	if len(line) == 0 || line[0] == '#' {
		d.directive(line)
		return decode.Comment, ""
	}
	l, reason := d.layoutOf(line)
	if reason != "" {
		return decode.Rejected, reason
	}
	if l.stampFirst && d.outside(line) {
		return decode.Filtered, ""
	}
	d.split(line, l.width)
	if len(d.cols) < l.need {
		return decode.Rejected, "fewer columns than needed: no " + columnNames[l.lacks(len(d.cols))]
	}
	end, ok := d.clock.read(d.cols[l.at[colDate]], d.cols[l.at[colTime]])
	if !ok {
		return decode.Rejected, "date and time are not YYYY-MM-DD HH:MM:SS"
	}
	d.saw(end.Lo)
	if !decode.InSpans(d.opts.Spans, end) {
		return decode.Filtered, ""
	}
	d.row = model.EdgeRow{Ref: ref, End: end, Columns: l.columns, Line: decode.Hash(0, line)}
	if reason := d.fill(l, line); reason != "" {
		return decode.Rejected, reason
	}
	if d.keep != nil && !d.keep(&d.row) {
		return decode.Filtered, ""
	}
	return decode.Parsed, ""
}

func (d *Decoder) directive(line []byte) {
	name, rest, _ := bytes.Cut(line, []byte(":"))
	switch string(name) {
	case "#Fields":
		d.layout = newLayout(rest)
		if d.layout.at[colResult] < 0 {
			d.warn("no x-edge-result-type column: hits and fills cannot be told apart by this log")
		}
	case "#Version":
		if string(bytes.TrimSpace(rest)) != "1.0" {
			d.warn("#Version is not 1.0; read as if it were")
		}
	}
}

// layoutOf returns the layout of a row; without a #Fields line, the standard
// order if a standard log can have as many columns.
func (d *Decoder) layoutOf(line []byte) (*layout, string) {
	if d.layout != nil {
		return d.layout, d.layout.missing
	}
	n := bytes.Count(line, []byte{'\t'}) + 1
	if !plausibleCount(n) {
		return nil, "no #Fields line, and no CloudFront log has this number of columns"
	}
	if d.assumed == nil || d.assumed.width != n {
		d.assumed = newLayout([]byte(strings.Join(strings.Fields(standardFields)[:n], " ")))
		d.warn("no #Fields line before the first row; the standard order of columns was assumed")
	}
	return d.assumed, ""
}

// outside reports whether line, which begins with date and time, ended
// outside all spans. It runs before the line is split: in an archive most
// rows stop here.
func (d *Decoder) outside(line []byte) bool {
	if len(d.opts.Spans) == 0 || len(line) < stampLen || line[len("2006-01-02")] != '\t' {
		return false
	}
	end, ok := d.clock.read(line[:len("2006-01-02")], line[len("2006-01-02\t"):stampLen])
	if !ok || decode.InSpans(d.opts.Spans, end) {
		return false
	}
	d.saw(end.Lo)
	return true
}

func (d *Decoder) saw(t model.Instant) {
	if d.first == 0 || t < d.first {
		d.first = t
	}
	d.last = max(d.last, t)
}

// split cuts line at its tabs into at most width columns.
func (d *Decoder) split(line []byte, width int) {
	d.cols = d.cols[:0]
	for len(d.cols) < width {
		i := bytes.IndexByte(line, '\t')
		if i < 0 {
			d.cols = append(d.cols, line)
			return
		}
		d.cols = append(d.cols, line[:i])
		line = line[i+1:]
	}
}
