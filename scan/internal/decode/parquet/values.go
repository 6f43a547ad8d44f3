package parquet

import (
	"strconv"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// values is a batch of decoded values of one stored column, of whatever type.
type values interface {
	size() int // of a batch
	// read decodes the next values of one page, with their levels, and returns
	// how many there are with nulls and without.
	read(n int64, def, rep []int16) (levels int64, stored int, err error)
	text(i int) []byte // never nil; good until the next call
	bare() bool        // JSON can hold the texts without quotes
}

// reading is what each of the library's typed column readers can do.
type reading[T any] func(n int64, values []T, def, rep []int16) (int64, int, error)

// typed are values that are not text yet.
type typed[T any] struct {
	vals   []T
	next   reading[T]
	append func(buf []byte, v T) []byte
	json   bool
	buf    []byte
}

func (t *typed[T]) size() int  { return len(t.vals) }
func (t *typed[T]) bare() bool { return t.json }

func (t *typed[T]) read(n int64, def, rep []int16) (int64, int, error) {
	return t.next(n, t.vals, def, rep)
}

func (t *typed[T]) text(i int) []byte {
	t.buf = t.append(t.buf[:0], t.vals[i])
	return t.buf
}

// texts are values that are text as they stand in the page.
type texts struct{ typed[parquet.ByteArray] }

func (t *texts) text(i int) []byte {
	if t.vals[i] == nil {
		return []byte{}
	}
	return t.vals[i]
}

// valuesOf returns the values that r reads, n at a time.
func valuesOf(r file.ColumnChunkReader, n int) values {
	col := r.Descriptor()
	switch r := r.(type) {
	case *file.BooleanColumnChunkReader:
		return &typed[bool]{vals: make([]bool, n), next: r.ReadBatchInPage, append: strconv.AppendBool, json: true}
	case *file.Int32ColumnChunkReader:
		write, json := intText(col, 32)
		return &typed[int32]{vals: make([]int32, n), next: r.ReadBatchInPage, json: json,
			append: func(buf []byte, v int32) []byte { return write(buf, int64(v)) }}
	case *file.Int64ColumnChunkReader:
		write, json := intText(col, 64)
		return &typed[int64]{vals: make([]int64, n), next: r.ReadBatchInPage, append: write, json: json}
	case *file.Int96ColumnChunkReader:
		return &typed[parquet.Int96]{vals: make([]parquet.Int96, n), next: r.ReadBatchInPage, append: int96Text}
	case *file.Float32ColumnChunkReader:
		return &typed[float32]{vals: make([]float32, n), next: r.ReadBatchInPage, json: true,
			append: func(buf []byte, v float32) []byte { return floatText(buf, float64(v), 32) }}
	case *file.Float64ColumnChunkReader:
		return &typed[float64]{vals: make([]float64, n), next: r.ReadBatchInPage, json: true,
			append: func(buf []byte, v float64) []byte { return floatText(buf, v, 64) }}
	case *file.FixedLenByteArrayColumnChunkReader:
		write, json := bytesText(col)
		return &typed[parquet.FixedLenByteArray]{vals: make([]parquet.FixedLenByteArray, n), next: r.ReadBatchInPage, json: json,
			append: func(buf []byte, v parquet.FixedLenByteArray) []byte { return write(buf, v) }}
	case *file.ByteArrayColumnChunkReader:
		write, json := bytesText(col)
		t := typed[parquet.ByteArray]{vals: make([]parquet.ByteArray, n), next: r.ReadBatchInPage, json: json,
			append: func(buf []byte, v parquet.ByteArray) []byte { return write(buf, v) }}
		if json || !isText(col) {
			return &t
		}
		return &texts{t}
	}
	return nil
}
