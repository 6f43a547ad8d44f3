// Package parquettest writes small Parquet files for tests.
package parquettest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// Leaf is one stored column of a row group: values of the type that the
// library's writer of the column takes, and their levels where it has any.
type Leaf struct {
	Values   any
	Def, Rep []int16
}

// File returns a Parquet file of the fields, with the row groups given.
func File(t testing.TB, fields schema.FieldList, groups [][]Leaf, props ...parquet.WriterProperty) []byte {
	t.Helper()
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, root, file.WithWriterProps(parquet.NewWriterProperties(props...)))
	for _, leaves := range groups {
		g, err := w.AppendRowGroupChecked()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range leaves {
			c, err := g.NextColumn()
			if err != nil {
				t.Fatal(err)
			}
			if err := l.write(c); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (l *Leaf) write(c file.ColumnChunkWriter) (err error) {
	switch c := c.(type) {
	case *file.BooleanColumnChunkWriter:
		_, err = c.WriteBatch(l.Values.([]bool), l.Def, l.Rep)
	case *file.Int32ColumnChunkWriter:
		_, err = c.WriteBatch(l.Values.([]int32), l.Def, l.Rep)
	case *file.Int64ColumnChunkWriter:
		_, err = c.WriteBatch(l.Values.([]int64), l.Def, l.Rep)
	case *file.Int96ColumnChunkWriter:
		_, err = c.WriteBatch(l.Values.([]parquet.Int96), l.Def, l.Rep)
	case *file.Float32ColumnChunkWriter:
		_, err = c.WriteBatch(l.Values.([]float32), l.Def, l.Rep)
	case *file.Float64ColumnChunkWriter:
		_, err = c.WriteBatch(l.Values.([]float64), l.Def, l.Rep)
	case *file.ByteArrayColumnChunkWriter:
		_, err = c.WriteBatch(l.Values.([]parquet.ByteArray), l.Def, l.Rep)
	case *file.FixedLenByteArrayColumnChunkWriter:
		_, err = c.WriteBatch(l.Values.([]parquet.FixedLenByteArray), l.Def, l.Rep)
	default:
		err = fmt.Errorf("no writer for %T", c)
	}
	return err
}

// Null stands for a null in the rows of Strings.
const Null = "\x00null"

// Strings returns a Parquet file of optional text columns, perGroup rows in a
// row group.
func Strings(t testing.TB, names []string, rows [][]string, perGroup int, props ...parquet.WriterProperty) []byte {
	t.Helper()
	var fields schema.FieldList
	for _, name := range names {
		n, err := schema.NewPrimitiveNodeLogical(name, parquet.Repetitions.Optional, schema.StringLogicalType{}, parquet.Types.ByteArray, -1, -1)
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, n)
	}
	var groups [][]Leaf
	for from := 0; from < len(rows); from += perGroup {
		leaves := make([]Leaf, len(names))
		for i := range leaves {
			leaves[i] = textLeaf(rows[from:min(from+perGroup, len(rows))], i)
		}
		groups = append(groups, leaves)
	}
	return File(t, fields, groups, props...)
}

func textLeaf(rows [][]string, i int) Leaf {
	values, l := []parquet.ByteArray{}, Leaf{}
	for _, row := range rows {
		if row[i] == Null {
			l.Def = append(l.Def, 0)
			continue
		}
		values, l.Def = append(values, parquet.ByteArray(row[i])), append(l.Def, 1)
	}
	l.Values = values
	return l
}

// WithChecksums returns a Parquet file with the CRC32 of each page in its
// header, as parquet-mr and Arrow C++ write it; the library's writer does not.
func WithChecksums(t testing.TB, b []byte) []byte {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	meta := r.MetaData()
	out := []byte("PAR1")
	for _, g := range meta.RowGroups {
		for _, c := range g.Columns {
			m := c.MetaData
			start := m.DataPageOffset
			if m.DictionaryPageOffset != nil {
				start = *m.DictionaryPageOffset
			}
			dictionary := m.DictionaryPageOffset != nil
			began := int64(len(out))
			m.DictionaryPageOffset, c.FileOffset = nil, began
			for off := start; off < start+m.TotalCompressedSize; {
				at := int64(len(out))
				var n int64
				out, n = appendSummed(out, b[off:])
				switch {
				case dictionary:
					m.DictionaryPageOffset = &at
					dictionary = false
					m.DataPageOffset = int64(len(out))
				case at == began:
					m.DataPageOffset = at
				}
				off += n
			}
			m.TotalCompressedSize = int64(len(out)) - began
			c.ColumnIndexOffset, c.ColumnIndexLength, c.OffsetIndexOffset, c.OffsetIndexLength = nil, nil, nil, nil
		}
	}
	return WithFooter(t, out, meta)
}

// WithFooter returns the pages in data with a footer.
func WithFooter(t testing.TB, data []byte, meta *metadata.FileMetaData) []byte {
	t.Helper()
	var footer bytes.Buffer
	if _, err := meta.WriteTo(&footer, nil); err != nil {
		t.Fatal(err)
	}
	data = append(data, footer.Bytes()...)
	data = binary.LittleEndian.AppendUint32(data, uint32(footer.Len()))
	return append(data, "PAR1"...)
}

// appendSummed appends the page that b begins with, its checksum added to its
// header: the fourth field, after three that are always there. n is its size
// in b.
func appendSummed(out, b []byte) (_ []byte, n int64) {
	at, body := 0, int64(0)
	for range 3 {
		v, size := binary.Varint(b[at+1:])
		body, at = v, at+1+size
	}
	end := headerSize(b)
	crc := int64(int32(crc32.ChecksumIEEE(b[end : end+int(body)])))
	out = append(append(out, b[:at]...), 0x15)
	out = binary.AppendVarint(out, crc)
	out = append(out, b[at]-0x10) // the next field is one nearer
	out = append(out, b[at+1:end+int(body)]...)
	return out, int64(end) + body
}

// headerSize returns the size of the page header that b begins with. It is of
// nested structs, numbers, texts and truth values.
func headerSize(b []byte) int {
	i := 0
	for depth := 1; depth > 0; {
		head := b[i]
		i++
		switch head & 15 {
		case 0:
			depth--
		case 5, 6:
			_, n := binary.Varint(b[i:])
			i += n
		case 8:
			v, n := binary.Uvarint(b[i:])
			i += n + int(v)
		case 12:
			depth++
		}
	}
	return i
}
