package cloudfront

import (
	"bytes"
	"fmt"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// directive reads a line of the header.
func (d *Decoder) directive(line []byte) {
	name, rest, _ := bytes.Cut(line, []byte(":"))
	switch string(name) {
	case "#Fields":
		d.layout = newLayout(namesOf(rest))
		d.checkResult(d.layout)
	case "#Version":
		if string(bytes.TrimSpace(rest)) != "1.0" {
			d.warn("#Version is not 1.0; read as if it were")
		}
	}
}

func (d *Decoder) checkResult(l *layout) {
	if l.at[colResult] < 0 && l.at[colResponseResult] < 0 {
		d.warn("no x-edge-result-type column: hits and fills cannot be told apart by this log")
	}
}

// textLine decodes a row of delimited columns.
func (d *Decoder) textLine(ref model.Ref, line []byte) (decode.Outcome, string) {
	l, f, reason := d.layoutOf(line)
	if reason != "" {
		return decode.Rejected, reason
	}
	if l.delim == nil {
		if l.delim = d.delimiter(l, line); l.delim == nil {
			return decode.Rejected, "no delimiter parts this line into the columns of its log: give delimiter"
		}
	}
	if l.lead != leadNone && d.outside(l, line) {
		d.forms[f]++
		return decode.Filtered, ""
	}
	exact := l.exact || l.delim[0] != '\t' // other delimiters also stand within values
	if exact {
		d.split(line, l.width+1, l.delim)
	} else {
		d.split(line, l.width, l.delim)
	}
	switch n := len(d.cols); {
	case exact && n > l.width:
		return decode.Rejected, fmt.Sprintf("more columns than the %d of its log: is the list of fields that of this delivery, and does no value hold the delimiter?", l.width)
	case exact && n < l.width:
		return decode.Rejected, fmt.Sprintf("%d columns instead of the %d of its log: is the list of fields that of this delivery?", n, l.width)
	case n < l.need:
		return decode.Rejected, "fewer columns than needed: no " + columnNames[l.lacks(n)]
	}
	return d.take(ref, l, f, l.columns, line)
}

// layoutOf returns the layout of a row: that of the last #Fields line, else
// the one given, else the standard order if a standard log can have as many
// columns.
func (d *Decoder) layoutOf(line []byte) (*layout, form, string) {
	switch {
	case d.opts.Realtime && d.given == nil:
		return nil, 0, "a real-time log does not name its columns: give the source its fields"
	case d.opts.Realtime:
		return d.given, formRealtime, d.given.missing
	case d.layout != nil && d.layout.legacy:
		return d.layout, formLegacy, d.layout.missing
	case d.layout != nil:
		return d.layout, formW3C, d.layout.missing
	case likeRealtime(line):
		d.warn("rows look like those of a real-time log: give the source format: cloudfront-realtime and its fields")
		return nil, 0, "looks like a row of a real-time log: give the source format: cloudfront-realtime and its fields"
	case d.given != nil:
		return d.given, formPlain, d.given.missing
	}
	n := bytes.Count(line, []byte{'\t'}) + 1
	if !plausibleCount(n) {
		return nil, 0, "no #Fields line, and no CloudFront log has this number of columns: give the source its fields"
	}
	if d.assumed == nil || d.assumed.width != n {
		d.assumed = newLayout(namesOf([]byte(standardFields))[:n])
		d.warn("no #Fields line before the first row; the standard order of columns was assumed")
	}
	return d.assumed, formLegacy, ""
}

// likeRealtime reports whether the first column of line is epoch seconds with
// a fraction, as no other log of CloudFront has it.
func likeRealtime(line []byte) bool {
	first, _, ok := bytes.Cut(line, []byte{'\t'})
	if !ok || bytes.IndexByte(first, '.') < 0 {
		return false
	}
	_, ok = epoch(first, false)
	return ok
}

// delimiter returns what parts the rows of l.
func (d *Decoder) delimiter(l *layout, line []byte) []byte {
	switch d.opts.Delimiter {
	case "":
		return l.delimiterOf(line)
	case "tab":
		return []byte{'\t'}
	}
	return []byte(d.opts.Delimiter)
}

// outside reports whether line, which begins with its stamp, ended outside all
// spans. It runs before the line is split: in an archive most rows stop here.
func (d *Decoder) outside(l *layout, line []byte) bool {
	if len(d.opts.Spans) == 0 {
		return false
	}
	end, ok := d.leading(l, line)
	if !ok || decode.InSpans(d.opts.Spans, end) {
		return false
	}
	d.saw(end.Lo)
	return true
}

// leading reads the stamp that line begins with.
func (d *Decoder) leading(l *layout, line []byte) (model.Interval, bool) {
	if l.lead == leadEpoch {
		first, _, _ := bytes.Cut(line, l.delim)
		return epoch(first, l.at[colMillis] == 0)
	}
	const day = len("2006-01-02")
	if len(line) < stampLen || len(l.delim) != 1 || line[day] != l.delim[0] {
		return model.Interval{}, false
	}
	return d.clock.read(line[:day], line[day+1:stampLen])
}

// split cuts line at its delimiters into at most limit columns.
func (d *Decoder) split(line []byte, limit int, delim []byte) {
	if len(delim) > 1 {
		d.splitLong(line, limit, delim)
		return
	}
	d.cols = d.cols[:0]
	for sep := delim[0]; len(d.cols) < limit; {
		i := bytes.IndexByte(line, sep)
		if i < 0 {
			d.cols = append(d.cols, line)
			return
		}
		d.cols = append(d.cols, line[:i])
		line = line[i+1:]
	}
}

func (d *Decoder) splitLong(line []byte, limit int, delim []byte) {
	d.cols = d.cols[:0]
	for len(d.cols) < limit {
		column, rest, more := bytes.Cut(line, delim)
		d.cols = append(d.cols, column)
		if !more {
			return
		}
		line = rest
	}
}
