package parquet

import (
	"errors"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
)

const (
	// batch is how many values of a column are decoded at once. More is no faster.
	batch = 1024
	// batchDelta is the same where each value is a copy that shares a prefix with
	// the one before: a page of a megabyte can stand for a thousand times as much.
	batchDelta = 16
	// maxEmptyPages is how many pages without a value may follow one another;
	// the library takes each for the end.
	maxEmptyPages = 1000
)

var (
	errRows   = errors.New("it does not have as many rows as the others")
	errValues = errors.New("its values cannot be decoded")
)

// cursor goes over the values of one stored column within a row group. It
// holds one page, one dictionary and one batch.
type cursor struct {
	values   values
	def, rep []int16 // levels of the batch; nil where all are the greatest, or 0
	maxDef   int16

	good  int64 // values in sound pages
	fault error // what is wrong with the page after those
	seen  int64 // values decoded

	n, i       int // levels in the batch, and taken
	stored, at int // values in the batch, nulls having none, and taken
}

// cursor starts a stored column. What stands before its first damaged page can
// be read.
func (s *source) cursor(k *checker, g *file.RowGroupReader, group, leaf int) (*cursor, error) {
	c, err := s.chunk(group, leaf)
	if err != nil {
		return nil, err
	}
	cur := &cursor{maxDef: c.col.MaxDefinitionLevel()}
	cur.good, cur.fault = k.chunk(c)
	size := int(min(batch, max(1, c.values))) // row groups can be small, and many
	if c.prefixed {
		size = batchDelta
	}
	if cur.maxDef > 0 {
		cur.def = make([]int16, size)
	}
	if c.col.MaxRepetitionLevel() > 0 {
		cur.rep = make([]int16, size)
	}
	err = guard(func() error {
		reader, err := g.Column(leaf)
		if err != nil {
			return err
		}
		cur.values = valuesOf(reader, size)
		return nil
	})
	if err != nil {
		return nil, errors.New("it cannot be opened")
	}
	return cur, nil
}

// chunk returns what the footer says of a stored column, if it can be true.
func (s *source) chunk(group, leaf int) (*chunk, error) {
	rows, stored := s.meta.RowGroups[group].NumRows, s.meta.RowGroups[group].Columns[leaf]
	m := stored.MetaData
	c := &chunk{
		col: s.meta.Schema.Column(leaf), start: m.DataPageOffset, values: m.NumValues,
		codec: compress.Compression(m.Codec),
	}
	if d := m.DictionaryPageOffset; d != nil && *d > 0 && *d < c.start {
		c.start = *d
	}
	c.end = c.start + m.TotalCompressedSize
	flat := c.col.MaxRepetitionLevel() == 0
	switch _, known := expansion[c.codec]; {
	case stored.IsSetCryptoMetadata():
		return nil, errEncrypted
	case stored.GetFilePath() != "":
		return nil, errors.New("it is stored in another file, by name; that is not followed")
	case !known:
		return nil, errors.New("it is compressed with " + c.codec.String() + ", which cannot be read here; write the file again with another codec")
	case parquet.Type(m.Type) != c.col.PhysicalType(), m.TotalCompressedSize < 0,
		c.start < int64(len(magic)), c.end < c.start, c.end > s.data:
		return nil, errors.New("the footer gives a place for it that cannot be")
	case flat && c.values != rows || c.values < rows:
		return nil, errRows
	}
	return c, nil
}

// fill decodes the next batch.
func (c *cursor) fill() error {
	want := min(int64(c.values.size()), c.good-c.seen)
	if want <= 0 {
		if c.fault != nil {
			return c.fault
		}
		return errRows
	}
	c.n, c.i, c.stored, c.at = 0, 0, 0, 0
	err := guard(func() error {
		for range maxEmptyPages {
			n, stored, err := c.values.read(want, c.def, c.rep)
			if err != nil || n > 0 {
				c.n, c.stored = int(n), stored
				return err
			}
		}
		return errValues
	})
	if err != nil {
		c.n = 0
		return errValues
	}
	c.seen += int64(c.n)
	return nil
}

// ended reports whether the last value has been taken.
func (c *cursor) ended() bool { return c.i == c.n && c.seen == c.good && c.fault == nil }

// levels makes sure that there is a value in hand and returns its definition
// and repetition level.
func (c *cursor) levels() (def, rep int16, err error) {
	if c.i == c.n {
		if err := c.fill(); err != nil {
			return 0, 0, err
		}
	}
	def = c.maxDef
	if c.def != nil {
		def = c.def[c.i]
	}
	if c.rep != nil {
		rep = c.rep[c.i]
	}
	return def, rep, nil
}

// next takes the value in hand; nil if it is null. The text is good until the
// next call.
func (c *cursor) next() ([]byte, error) {
	def, _, err := c.levels()
	if err != nil {
		return nil, err
	}
	c.i++
	if def < c.maxDef {
		return nil, nil
	}
	if def > c.maxDef || c.at == c.stored {
		return nil, errValues
	}
	c.at++
	return c.values.text(c.at - 1), nil
}
