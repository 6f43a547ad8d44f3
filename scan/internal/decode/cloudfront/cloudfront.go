// Package cloudfront decodes the access logs of Amazon CloudFront: the legacy
// log since 2012, standard logging v2 as W3C, plain text, JSON and named
// columns (Parquet), and real-time logs (formats.md 1 to 3).
//
// What a row says is the same in all of them; they differ in where its columns
// stand. So each form finds its columns in its own way, and one reader makes
// the row of them. A line says by itself what form it has, since archives of
// several deliveries, and of one whose settings were changed, mix them.
//
// It knows columns and encodings. What a path, a cookie or a referer means to
// the incident is package decode's business, what a hit means is the model's.
package cloudfront

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/storage"
)

// Options says what to read of an object and how.
type Options struct {
	Object    string            // its name; the distribution, where no column names it
	Form      model.SessionForm // of the session in cs(Cookie)
	Spans     []model.Span      // rows that ended outside all of them are filtered; none: keep all
	Memo      *decode.Memo      // of the worker; nil: a new one
	Fields    []string          // the columns, in order, of rows that no #Fields line names
	Delimiter string            // between them: "tab", or the characters; "": found out
	Realtime  bool              // a real-time log: it swaps the hosts, and its paths hold the query
}

// Decoder reads the rows of one object. It is a decode.Decoder of lines and a
// decode.Pruner of named columns.
type Decoder struct {
	ctx    *decode.Context
	memo   *decode.Memo
	opts   Options
	prefix string // distribution by the object's name
	keep   func(*model.EdgeRow) bool

	layout  *layout // of the last #Fields line; nil before the first
	given   *layout // of Options.Fields; nil if there are none
	assumed *layout // standard order, for rows without #Fields line
	object  object  // a JSON row
	bound   *layout // of named columns
	clock   clock
	cols    [][]byte
	buf     []byte // decoded text
	path    []byte // decoded path
	joined  []byte // the values of a row of named columns
	ids     decode.Arena
	row     model.EdgeRow

	first, last model.Instant
	forms       [numForms]int64
	cookies     int64
	badForms    int64
	cut         int64 // cookie columns that may have been cut
	warnings    []string
}

// form is how rows are written.
type form uint8

const (
	formLegacy form = iota
	formW3C
	formPlain
	formJSON
	formColumns
	formRealtime
	numForms
)

var formNames = [numForms]string{"cloudfront", "cloudfront-v2-w3c", "cloudfront-v2-plain", "cloudfront-v2-json",
	"cloudfront-v2-parquet", "cloudfront-realtime"}

// New returns a decoder for one object. Each row goes to keep, which says
// whether it was wanted; the row is reused, its strings are not.
func New(ctx *decode.Context, o Options, keep func(*model.EdgeRow) bool) *Decoder {
	if o.Memo == nil {
		o.Memo = ctx.NewMemo()
	}
	d := &Decoder{ctx: ctx, memo: o.Memo, opts: o, prefix: distributionOf(o.Object), keep: keep, object: newObject()}
	if len(o.Fields) > 0 {
		d.given = d.fieldsGiven()
	}
	return d
}

// distributionOf returns the distribution that an object is of, by its name.
func distributionOf(name string) string {
	for part := range strings.SplitSeq(name, "/") {
		if key, id, ok := strings.Cut(part, "="); ok && strings.EqualFold(key, "DistributionId") {
			return id
		}
	}
	if _, ok := storage.HourOf(path.Base(name)); !ok { // else the name is the archive's, not CloudFront's
		return ""
	}
	prefix, _, _ := strings.Cut(path.Base(name), ".")
	return prefix
}

// fieldsGiven returns the layout that the incident file states. Nothing in the
// log confirms it, so every row must have just these columns.
func (d *Decoder) fieldsGiven() *layout {
	names := make([][]byte, len(d.opts.Fields))
	for i, f := range d.opts.Fields {
		names[i] = []byte(f)
	}
	l := newLayout(names)
	l.exact = true
	if d.opts.Realtime {
		l.swapHosts()
		l.delim = []byte{'\t'} // they have no other
	}
	d.checkResult(l)
	return l
}

// Warnings returns what was odd about the object without costing a row.
func (d *Decoder) Warnings() []string {
	if d.cut == 0 {
		return d.warnings
	}
	return append(slices.Clip(d.warnings), fmt.Sprintf(
		"cs-cookie reaches its limit of %d bytes on %d rows: what it was cut off at counts as not shown there", cookieLimit, d.cut))
}

// Format names how the rows of the object are written.
func (d *Decoder) Format() string {
	var names []string
	for f, n := range d.forms {
		if n > 0 {
			names = append(names, formNames[f])
		}
	}
	if len(names) == 0 {
		return formNames[formLegacy]
	}
	return strings.Join(names, "+")
}

// Extent returns the earliest and the latest stamp of all rows whose stamp
// could be read, filtered ones included; zero if there was none.
func (d *Decoder) Extent() (first, last model.Instant) { return d.first, d.last }

// CookieRows returns how many rows had something in cs(Cookie). The column
// stands in every log; only this tells whether cookies were logged.
func (d *Decoder) CookieRows() int64 { return d.cookies }

// FormFailures returns how many session cookies Options.Form did not fit.
func (d *Decoder) FormFailures() int64 { return d.badForms }

// CutCookies returns on how many rows the Cookie header may have been cut off.
func (d *Decoder) CutCookies() int64 { return d.cut }

func (d *Decoder) warn(text string) {
	if !slices.Contains(d.warnings, text) {
		d.warnings = append(d.warnings, text)
	}
}

// Line decodes one line.
func (d *Decoder) Line(ref model.Ref, line []byte) (decode.Outcome, string) {
	if len(line) == 0 {
		return decode.Comment, ""
	}
	switch line[0] { // CloudFront encodes both in values
	case '#':
		d.directive(line)
		return decode.Comment, ""
	case '{':
		return d.jsonLine(ref, line)
	}
	return d.textLine(ref, line)
}

// take makes a row of the columns that d.cols holds, which line holds too.
func (d *Decoder) take(ref model.Ref, l *layout, f form, columns uint64, line []byte) (decode.Outcome, string) {
	end, reason := d.end(l)
	if reason != "" {
		return decode.Rejected, reason
	}
	d.forms[f]++
	d.saw(end.Lo)
	if !decode.InSpans(d.opts.Spans, end) {
		return decode.Filtered, ""
	}
	d.row = model.EdgeRow{Ref: ref, End: end, Columns: columns, Line: decode.Hash(0, line)}
	if reason := d.fill(l, line); reason != "" {
		return decode.Rejected, reason
	}
	if d.keep != nil && !d.keep(&d.row) {
		return decode.Filtered, ""
	}
	return decode.Parsed, ""
}

func (d *Decoder) saw(t model.Instant) {
	if d.first == 0 || t < d.first {
		d.first = t
	}
	d.last = max(d.last, t)
}
