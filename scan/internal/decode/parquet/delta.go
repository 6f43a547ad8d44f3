package parquet

import (
	"encoding/binary"
	"io"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
)

// Writers use blocks of 128 values (64-bit: 256) in 4 miniblocks. The library
// takes any number, and allocates a miniblock and a byte for each of them.
const (
	maxBlock      = 1 << 16
	maxMiniblocks = 512
)

// delta checks the block headers in a delta-encoded page, whose values begin
// after the levels. For that the page has to be inflated here, too; writers
// that use these encodings are few.
func (k *checker) delta(c *chunk, p *page, off int64) error {
	stored := make([]byte, p.body)
	if _, err := io.ReadFull(io.NewSectionReader(k.r, off, p.body), stored); err != nil {
		return err
	}
	values, body := stored[p.levelBytes:], p.raw-p.levelBytes
	if p.kind != pageDataV2 || p.packed == 1 {
		codec, err := compress.GetCodec(c.codec)
		if err != nil {
			return err
		}
		if values, err = compress.Decode(codec, make([]byte, body), values); err != nil {
			return errInflate
		}
	}
	if p.kind == pageData {
		for _, levels := range [...]int16{c.col.MaxRepetitionLevel(), c.col.MaxDefinitionLevel()} {
			if levels == 0 {
				continue
			}
			if len(values) < 4 || int64(binary.LittleEndian.Uint32(values)) > int64(len(values)-4) {
				return errDelta
			}
			values = values[4+binary.LittleEndian.Uint32(values):]
		}
	}
	lists := 1
	if parquet.Encoding(p.encoding) == parquet.Encodings.DeltaByteArray {
		lists = 2 // lengths of prefixes, then of suffixes
	}
	for ; lists > 0; lists-- {
		n, ok := deltaSize(values, p.values)
		if !ok {
			return errDelta
		}
		values = values[n:]
	}
	return nil
}

// deltaSize returns the size of the delta-encoded integers that b begins with,
// at most limit of them (Encodings.md, DELTA_BINARY_PACKED).
func deltaSize(b []byte, limit int64) (int, bool) {
	d := deltas{b: b}
	block, minis, total := d.uint(), d.uint(), d.uint()
	d.uint() // the first value
	if d.bad || block == 0 || block > maxBlock || minis == 0 || minis > maxMiniblocks ||
		block%minis != 0 || block/minis%32 != 0 || total > uint64(limit) {
		return 0, false
	}
	mini := block / minis
	for left := int64(total) - 1; left > 0 && !d.bad; {
		d.uint() // the least delta
		widths := d.bytes(minis)
		for _, w := range widths {
			if left <= 0 {
				break
			}
			if w > 64 {
				return 0, false
			}
			d.bytes(uint64(w) * mini / 8)
			left -= int64(mini)
		}
	}
	return d.i, !d.bad
}

type deltas struct {
	b   []byte
	i   int
	bad bool
}

func (d *deltas) uint() uint64 {
	v, n := binary.Uvarint(d.b[d.i:])
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.i += n
	return v
}

func (d *deltas) bytes(n uint64) []byte {
	if n > uint64(len(d.b)-d.i) {
		d.bad = true
		return nil
	}
	d.i += int(n)
	return d.b[d.i-int(n) : d.i]
}
