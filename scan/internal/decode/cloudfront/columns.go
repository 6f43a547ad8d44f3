package cloudfront

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// Bind places the columns of a table, such as a Parquet object. Their names are
// spelt in many ways; see fold.
func (d *Decoder) Bind(names []string) ([]int, error) {
	l := &layout{}
	for c := range l.at {
		l.at[c] = -1
	}
	var wanted []int
	for i, name := range names {
		l.columns = decode.Hash(l.columns, []byte(name))
		c := lookup([]byte(name))
		if c == noColumn || l.at[c] >= 0 {
			continue
		}
		l.at[c] = len(wanted)
		wanted = append(wanted, i)
	}
	if d.opts.Realtime {
		l.swapHosts()
	}
	l.width = len(wanted)
	l.settle()
	d.checkResult(l)
	if l.missing != "" {
		return nil, errors.New(strings.Replace(l.missing, "the list of columns names", "the table has", 1))
	}
	d.bound = l
	return wanted, nil
}

// Row decodes one row of the columns that Bind asked for.
func (d *Decoder) Row(ref model.Ref, values [][]byte) (decode.Outcome, string) {
	d.cols = append(d.cols[:0], values...)
	for i, v := range d.cols {
		if v == nil {
			d.cols[i] = nothing
		}
	}
	if len(d.opts.Spans) > 0 { // before the values are brought together
		if end, reason := d.end(d.bound); reason == "" && !decode.InSpans(d.opts.Spans, end) {
			d.forms[formColumns]++
			d.saw(end.Lo)
			return decode.Filtered, ""
		}
	}
	d.joined = d.joined[:0]
	for _, v := range d.cols {
		d.joined = binary.AppendUvarint(d.joined, uint64(len(v)))
		d.joined = append(d.joined, v...)
	}
	defer clear(d.joined) // a cookie may be in it
	return d.take(ref, d.bound, formColumns, d.bound.columns, d.joined)
}

// nothing is how logs write an empty value.
var nothing = []byte{'-'}

// Outside reports whether no row can be wanted whose value of a column lies
// from least to greatest. Stamps are text there; those of equal length are in
// the order of time.
func (d *Decoder) Outside(column string, least, greatest []byte) bool {
	if len(d.opts.Spans) == 0 || len(least) != len(greatest) {
		return false
	}
	from, ok := d.stampOf(lookup([]byte(column)), least)
	to, ok2 := d.stampOf(lookup([]byte(column)), greatest)
	if !ok || !ok2 || to.Hi < from.Lo || decode.InSpans(d.opts.Spans, model.Interval{Lo: from.Lo, Hi: to.Hi}) {
		return false
	}
	d.saw(from.Lo)
	d.saw(to.Lo)
	return true
}

// stampOf reads a value of a column that says when a row was written.
func (d *Decoder) stampOf(c column, value []byte) (model.Interval, bool) {
	switch c {
	case colDate:
		day, ok := d.clock.read(value, []byte("00:00:00"))
		return model.Interval{Lo: day.Lo, Hi: day.Lo.Add(24 * time.Hour)}, ok
	case colTimestamp, colMillis:
		return epoch(value, c == colMillis)
	}
	return model.Interval{}, false
}
