package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/andybalholm/brotli"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/klauspost/compress/zstd"
)

// The pages of a column chunk are checked before the library reads them:
//
//   - what a page header claims is held against the footer, the size of the
//     file and what the codec can do, so that no claim makes the library
//     allocate more than the data can hold;
//   - the checksum of a page, which Arrow Go does not look at, is compared.
//
// A page's CRC32 covers its body as stored, and nothing else. Where pages have
// one, values that were parsed are the values that were written. Not covered
// are the page header (a flip there is caught if it contradicts the footer or
// the data, as most do) and the footer itself, for which the format has no
// checksum at all: a flipped bit in a column's name, type or statistics can
// pass unseen. Writers need not set it; without it, a flip within
// uncompressed text is just other text, as it is in any log.

const (
	maxPage   = 256 << 20 // bytes of a page, as stored or inflated
	maxHeader = 16 << 20  // bytes of a page header; statistics can be long
)

// chunk is what the footer says of one column in one row group.
type chunk struct {
	col        *schema.Column
	start, end int64
	codec      compress.Compression
	values     int64 // nulls included
	prefixed   bool  // a page of it has values that share their beginning with the one before
}

// page is what the header of a page says.
type page struct {
	kind       int64
	raw, body  int64 // bytes of the page inflated, and as stored
	crc        int64 // -1: none
	values     int64
	encoding   int64
	levels     [2]int64 // encodings of repetition and definition levels
	levelBytes int64    // v2: stored before the values, never compressed
	packed     int64    // v2: 1 if the values are compressed
}

// The types of pages.
const (
	pageData       = 0
	pageDictionary = 2
	pageDataV2     = 3
)

// readHeader reads the page header at off, which ends before end.
func readHeader(r io.ReaderAt, off, end int64) (p page, size int64, err error) {
	for n := int64(512); ; n *= 8 {
		n = min(n, end-off)
		buf := make([]byte, n)
		if _, err := r.ReadAt(buf, off); err != nil && !errors.Is(err, io.EOF) {
			return p, 0, err
		}
		p, size, err := parseHeader(buf)
		if !errors.Is(err, errShort) || n == end-off || n > maxHeader {
			return p, size, err
		}
	}
}

// parseHeader reads the fields of a PageHeader in parquet.thrift.
func parseHeader(b []byte) (page, int64, error) {
	p := page{packed: 1, kind: -1, values: -1, crc: -1}
	var defs, reps int64
	to := map[field]*int64{
		{1}: &p.kind, {2}: &p.raw, {3}: &p.body, {4}: &p.crc,
		{5, 1}: &p.values, {5, 2}: &p.encoding, {5, 3}: &p.levels[1], {5, 4}: &p.levels[0],
		{7, 1}: &p.values, {7, 2}: &p.encoding,
		{8, 1}: &p.values, {8, 4}: &p.encoding, {8, 5}: &defs, {8, 6}: &reps, {8, 7}: &p.packed,
	}
	sound := true
	n, err := skim(b, func(at field, v int64) {
		if at == (field{4}) {
			v = int64(uint32(v)) // the one number without a sign
		}
		if place := to[at]; place != nil {
			*place = v
			sound = sound && v >= 0 && v <= math.MaxUint32
		}
	})
	if err != nil {
		return p, 0, err
	}
	if !sound || p.values < 0 || p.raw > maxPage || p.body > maxPage || p.values > math.MaxInt32 {
		return p, 0, errThrift
	}
	p.levelBytes = defs + reps
	return p, int64(n), nil
}

// checker goes over the pages of column chunks.
type checker struct {
	r    io.ReaderAt
	zstd *zstd.Decoder
}

// chunk checks the pages of c until they have all its values. It returns how
// many values stand in the pages before the first damaged one.
func (k *checker) chunk(c *chunk) (good int64, err error) {
	off, dictionary := c.start, false
	for n := 0; good < c.values; n++ {
		p, size, err := readHeader(k.r, off, c.end)
		if err != nil {
			return good, fmt.Errorf("page %d: its header cannot be read", n)
		}
		off += size
		if p.body > c.end-off {
			return good, fmt.Errorf("page %d: runs over the end of its column", n)
		}
		if p.kind == pageDictionary && (n > 0 || dictionary) {
			return good, fmt.Errorf("page %d: a second dictionary", n)
		}
		if problem := p.implausible(c, dictionary); problem != "" {
			return good, fmt.Errorf("page %d: %s", n, problem)
		}
		if err := k.body(c, &p, off); err != nil {
			return good, fmt.Errorf("page %d: %w", n, err)
		}
		off += p.body
		if p.kind == pageDictionary {
			dictionary = true
			continue
		}
		if good+p.values > c.values {
			return good, fmt.Errorf("page %d: holds more values than the footer says", n)
		}
		good += p.values
		c.prefixed = c.prefixed || parquet.Encoding(p.encoding) == parquet.Encodings.DeltaByteArray
		if off >= c.end && good < c.values {
			return good, fmt.Errorf("page %d: is the last, yet %d values are missing", n, c.values-good)
		}
	}
	return good, nil
}

// expansion is how many bytes a codec can make of one, at most; 0: no bound
// that would help.
var expansion = map[compress.Compression]int64{
	compress.Codecs.Uncompressed: 1,
	compress.Codecs.Snappy:       32, // 64 bytes of a copy of 3, and a little
	compress.Codecs.Gzip:         1032,
	compress.Codecs.Lz4Raw:       256,
	compress.Codecs.Brotli:       0,
	compress.Codecs.Zstd:         0,
}

// implausible says what about the header contradicts the footer or itself.
func (p *page) implausible(c *chunk, dictionary bool) string {
	stored, inflated := p.body-p.levelBytes, p.raw-p.levelBytes
	plain := c.codec == compress.Codecs.Uncompressed || p.kind == pageDataV2 && p.packed == 0
	ratio := expansion[c.codec]
	if stored < 0 || inflated < 0 || plain && stored != inflated || ratio > 0 && inflated > stored*ratio+64 {
		return "its sizes contradict each other"
	}
	switch p.kind {
	case pageDictionary:
		return p.implausibleDictionary(c)
	case pageData, pageDataV2:
		return p.implausibleData(c, dictionary)
	}
	return "is of a type that does not stand in a column"
}

func (p *page) implausibleDictionary(c *chunk) string {
	if p.values*width(c.col) > p.raw {
		return "its dictionary has more entries than bytes for them"
	}
	if e := parquet.Encoding(p.encoding); e != parquet.Encodings.Plain && e != parquet.Encodings.PlainDict {
		return "its encoding is none that a dictionary has"
	}
	return ""
}

func (p *page) implausibleData(c *chunk, dictionary bool) string {
	encoding := parquet.Encoding(p.encoding)
	levels := [...]int16{c.col.MaxRepetitionLevel(), c.col.MaxDefinitionLevel()}
	switch {
	case !fits(encoding, c.col.PhysicalType()):
		return "its encoding is none that such values have"
	case isDictionary(encoding) && !dictionary:
		return "its dictionary is missing"
	case isDelta(encoding) && p.values > 64*p.raw+4096:
		return "it has more values than bytes for them"
	}
	for i, most := range levels {
		if p.kind == pageData && most > 0 && !isLevel(parquet.Encoding(p.levels[i])) {
			return "the encoding of its levels is none that levels have"
		}
	}
	return ""
}

// fits reports whether values of a type can be encoded so (Encodings.md). The
// footer lists the encodings of a column as well, but writers are known to
// leave some out, and a whole file is not to be refused for that.
func fits(e parquet.Encoding, t parquet.Type) bool {
	encodings, types := parquet.Encodings, parquet.Types
	switch e {
	case encodings.Plain:
		return true
	case encodings.PlainDict, encodings.RLEDict:
		return t != types.Boolean
	case encodings.RLE:
		return t == types.Boolean
	case encodings.DeltaBinaryPacked:
		return t == types.Int32 || t == types.Int64
	case encodings.DeltaLengthByteArray:
		return t == types.ByteArray
	case encodings.DeltaByteArray:
		return t == types.ByteArray || t == types.FixedLenByteArray
	case encodings.ByteStreamSplit:
		return t != types.Boolean && t != types.ByteArray && t != types.Int96
	}
	return false
}

func isDictionary(e parquet.Encoding) bool {
	return e == parquet.Encodings.PlainDict || e == parquet.Encodings.RLEDict
}

func isDelta(e parquet.Encoding) bool {
	return e == parquet.Encodings.DeltaBinaryPacked || e == parquet.Encodings.DeltaByteArray ||
		e == parquet.Encodings.DeltaLengthByteArray
}

func isLevel(e parquet.Encoding) bool {
	return e == parquet.Encodings.RLE || e == parquet.Encodings.BitPacked
}

// width returns the fewest bytes that a plain value of col has.
func width(col *schema.Column) int64 {
	switch col.PhysicalType() {
	case parquet.Types.Int64, parquet.Types.Double:
		return 8
	case parquet.Types.Int96:
		return 12
	case parquet.Types.FixedLenByteArray:
		return int64(max(1, col.TypeLength()))
	case parquet.Types.Boolean:
		return 1
	}
	return 4
}

var (
	errChecksum = errors.New("its checksum does not match: the data is not what was written")
	errInflate  = errors.New("does not inflate to the size it should")
	errDelta    = errors.New("its delta encoding makes no sense")
)

// body checks the stored bytes of a page that begin at off.
func (k *checker) body(c *chunk, p *page, off int64) error {
	if p.crc >= 0 {
		sum := crc32.NewIEEE()
		if _, err := io.Copy(sum, io.NewSectionReader(k.r, off, p.body)); err != nil {
			return err
		}
		if int64(sum.Sum32()) != p.crc {
			return errChecksum
		}
	}
	stored := io.NewSectionReader(k.r, off+p.levelBytes, p.body-p.levelBytes)
	if stored.Size() > 0 && (p.kind != pageDataV2 || p.packed == 1) {
		if err := k.inflates(c.codec, stored, p.raw-p.levelBytes); err != nil {
			return err
		}
	}
	if isDelta(parquet.Encoding(p.encoding)) && p.kind != pageDictionary {
		return k.delta(c, p, off)
	}
	return nil
}

// inflates checks that what r holds inflates to size bytes, where the library
// would go by what the data says of itself, or by nothing at all.
func (k *checker) inflates(codec compress.Compression, r io.Reader, size int64) (err error) {
	var plain io.Reader
	switch codec {
	case compress.Codecs.Snappy:
		var head [binary.MaxVarintLen64]byte
		n, err := io.ReadFull(r, head[:])
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if v, m := binary.Uvarint(head[:n]); m <= 0 || v != uint64(size) {
			return errInflate
		}
		return nil
	case compress.Codecs.Zstd:
		if k.zstd == nil {
			k.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxPage))
		}
		if err == nil {
			err = k.zstd.Reset(r)
		}
		plain = k.zstd
	case compress.Codecs.Brotli:
		plain = brotli.NewReader(r)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, io.LimitReader(plain, size+1))
	if err != nil || n != size {
		return errInflate
	}
	return nil
}

func (k *checker) close() {
	if k.zstd != nil {
		k.zstd.Close()
	}
}
