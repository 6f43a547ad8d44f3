package origin

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// Columns makes the rows of an object that has named columns: Parquet, and
// tables with a header line. It is a decode.Pruner.
type Columns struct {
	*Rows
	fields []Field // in the order of the values
	names  []string
	row    Flat
}

// NewColumns is New for named columns.
func NewColumns(ctx *decode.Context, o Options, keep func(*model.OriginRow) bool) (*Columns, error) {
	rows, err := New(ctx, o, keep)
	if err != nil {
		return nil, err
	}
	return &Columns{Rows: rows}, nil
}

// Bind is decode.Columnar's. The name that the map gives is looked for as
// written first, then in any case: databases fold the case of names as they
// like. A missing column other than the time's is told by Use: objects of a
// source may differ.
func (c *Columns) Bind(names []string) ([]int, error) {
	var fields []Field
	var places []int
	for f := range NumFields {
		theirs := c.Mapped(f)
		if theirs == "" {
			continue
		}
		at := find(names, theirs)
		if at < 0 && f == Time {
			return nil, unbound(theirs, names)
		}
		if at < 0 {
			continue
		}
		fields, places = append(fields, f), append(places, at)
	}
	c.fields, c.names = fields, slices.Clone(names)
	c.row = Flat{}
	return places, nil
}

// unbound says that there is no column for the time.
func unbound(theirs string, names []string) error {
	if !IsHeader(names) {
		return fmt.Errorf("no column %s, which map.%s names, and not all there are look like names", theirs, Time)
	}
	return errors.New(lacks(Time, theirs, names))
}

func find(names []string, theirs string) int {
	if i := slices.Index(names, theirs); i >= 0 {
		return i
	}
	return slices.IndexFunc(names, func(n string) bool {
		return strings.EqualFold(Dotted(strings.TrimSpace(n)), Dotted(strings.TrimSpace(theirs)))
	})
}

// Row is decode.Columnar's.
func (c *Columns) Row(ref model.Ref, values [][]byte) (decode.Outcome, string) {
	sum := uint64(0)
	for _, v := range values {
		if v == nil {
			sum++ // not the same as an empty value
		}
		sum = decode.Hash(sum, v)
	}
	return c.Hashed(ref, values, sum)
}

// Hashed is Row for values of a row whose hash is known, its other columns
// included.
func (c *Columns) Hashed(ref model.Ref, values [][]byte, sum uint64) (decode.Outcome, string) {
	for i, f := range c.fields {
		c.row.Values[f] = values[i]
	}
	c.row.Sum = sum
	outcome, reason := c.Add(ref, &c.row)
	for _, f := range c.fields {
		c.row.Values[f] = nil // they are not ours to keep
	}
	return outcome, reason
}

// Line is decode.Decoder's, for what is called Parquet and is text.
func (c *Columns) Line(model.Ref, []byte) (decode.Outcome, string) {
	return decode.Rejected, "is text, not Parquet"
}

// pruned is how far outside the spans rows must lie to be left unread. Those
// nearer are counted at least: they show that a clock is off, or that the
// window was typed in another zone, of which there are none further apart.
const pruned = 27 * time.Hour

// Outside is decode.Pruner's.
func (c *Columns) Outside(column string, least, greatest []byte) bool {
	if len(c.opts.Spans) == 0 || find([]string{column}, c.Mapped(Time)) < 0 {
		return false
	}
	from, reason := c.stamper.read(least)
	to, again := c.stamper.read(greatest)
	if reason != "" || again != "" {
		return false
	}
	v := model.Interval{Lo: from.Lo.Add(-pruned), Hi: to.Hi.Add(pruned)}
	if v.Hi < v.Lo || decode.InSpans(c.opts.Spans, v) {
		return false
	}
	c.stats.All.add(from.Lo)
	c.stats.All.add(to.Lo)
	return true
}

// Use returns which fields were asked for and found so far.
func (c *Columns) Use() Use { return c.Rows.Use(c.names) }

// Warnings is there for other formats' sake: Bind returns an error.
func (c *Columns) Warnings() []string { return nil }
