package parquet

import (
	"bytes"
	"encoding/binary"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// outside reports whether the statistics of a row group say that none of its
// rows is wanted. Statistics have no checksum; but then neither has anything
// else that the footer says, the names of the columns included.
func (t *task) outside(g int) bool {
	if t.prune == nil {
		return false
	}
	for _, place := range t.places {
		c := &t.cols[place]
		if !c.flat() {
			continue
		}
		least, greatest := t.extent(g, c.leaves[0])
		if least != nil && t.prune.Outside(c.name, least, greatest) {
			return true
		}
	}
	return false
}

// extent returns the least and the greatest value of a stored column as text,
// or nil if they are not known of all its rows: a null is not between them,
// and what becomes of a row without a value is for the decoder to say.
func (t *task) extent(g, leaf int) (least, greatest []byte) {
	col, m := t.meta.Schema.Column(leaf), t.meta.RowGroups[g].Columns[leaf].MetaData
	stats := m.Statistics
	if stats == nil || col.ColumnOrder() != parquet.ColumnOrders.TypeDefinedOrder {
		return nil, nil // the older fields had no defined order
	}
	if col.MaxDefinitionLevel() > 0 && (stats.NullCount == nil || *stats.NullCount != 0) {
		return nil, nil
	}
	least, greatest = statText(col, stats.MinValue), statText(col, stats.MaxValue)
	if least == nil || greatest == nil || isText(col) && bytes.Compare(stats.MinValue, stats.MaxValue) > 0 {
		return nil, nil
	}
	return least, greatest
}

// statText returns the text of a value as statistics have it, or nil.
func statText(col *schema.Column, v []byte) []byte {
	switch col.PhysicalType() {
	case parquet.Types.Int32:
		if write, _ := intText(col, 32); len(v) == 4 {
			return write(nil, int64(int32(binary.LittleEndian.Uint32(v))))
		}
	case parquet.Types.Int64:
		if write, _ := intText(col, 64); len(v) == 8 {
			return write(nil, int64(binary.LittleEndian.Uint64(v)))
		}
	case parquet.Types.ByteArray:
		if isText(col) {
			return v
		}
	}
	return nil
}
