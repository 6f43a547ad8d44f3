package origin

import (
	"errors"
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
	fields  []Field // in the order of the values
	names   []string
	missing []Field
	row     Flat
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
// like. A missing column other than the time's is told by Warnings: several
// objects of a source may differ.
func (c *Columns) Bind(names []string) ([]int, error) {
	fields, missing, places := []Field{}, []Field{}, []int{}
	for f := range NumFields {
		theirs := c.Mapped(f)
		if theirs == "" {
			continue
		}
		at := find(names, theirs)
		if at < 0 {
			missing = append(missing, f)
			continue
		}
		fields, places = append(fields, f), append(places, at)
	}
	if slices.Contains(missing, Time) {
		return nil, errors.New(c.lacks(Time, names))
	}
	c.fields, c.missing, c.names = fields, missing, slices.Clone(names)
	c.row = Flat{}
	return places, nil
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

// Warnings names the mapped columns that the object lacks, and those it has.
func (c *Columns) Warnings() []string {
	var out []string
	for _, f := range c.missing {
		out = append(out, c.lacks(f, c.names))
	}
	return out
}
