// Package wire encodes what crosses a sort: rows, hits, findings.
//
// Every type has one function that visits its fields in order. Run over an
// encoding Codec it appends them, over a decoding one it reads them back, so
// that the two directions cannot drift apart. Records live for one run only:
// there is no version, and damage is a bug or a broken disk.
package wire

import (
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Codec encodes into, or decodes from, a byte slice.
type Codec struct {
	buf      []byte
	decoding bool
	err      error
	names    map[string]string // interned while decoding
}

// ErrDamaged says that a record could not be read back.
var ErrDamaged = errors.New("temporary record damaged")

// Encode appends what visit visits to buf.
func Encode(buf []byte, visit func(*Codec)) []byte {
	c := Codec{buf: buf}
	visit(&c)
	return c.buf
}

// Decoder reads records; it interns their strings, which repeat a lot.
type Decoder struct{ c Codec }

// NewDecoder returns a decoder for use by one goroutine.
func NewDecoder() *Decoder {
	return &Decoder{Codec{decoding: true, names: map[string]string{}}}
}

// Decode lets visit read its fields from data.
func (d *Decoder) Decode(data []byte, visit func(*Codec)) error {
	d.c.buf, d.c.err = data, nil
	visit(&d.c)
	if d.c.err == nil && len(d.c.buf) > 0 {
		return ErrDamaged
	}
	return d.c.err
}

// take returns the next n bytes, or zeros after damage.
func (c *Codec) take(n int) []byte {
	if n < 0 || n > len(c.buf) {
		c.err, c.buf = ErrDamaged, nil
		return make([]byte, max(0, min(n, 64)))
	}
	b := c.buf[:n]
	c.buf = c.buf[n:]
	return b
}

// Uint visits an unsigned number.
func (c *Codec) Uint(v *uint64) {
	if !c.decoding {
		c.buf = binary.AppendUvarint(c.buf, *v)
		return
	}
	x, n := binary.Uvarint(c.buf)
	if n <= 0 {
		c.err, c.buf, *v = ErrDamaged, nil, 0
		return
	}
	*v, c.buf = x, c.buf[n:]
}

// Int visits a signed number.
func (c *Codec) Int(v *int64) {
	u := uint64(*v)<<1 ^ uint64(*v>>63)
	c.Uint(&u)
	*v = int64(u>>1) ^ -int64(u&1)
}

// Hash visits a number that uses all its bits.
func (c *Codec) Hash(v *uint64) {
	if !c.decoding {
		c.buf = binary.BigEndian.AppendUint64(c.buf, *v)
		return
	}
	*v = binary.BigEndian.Uint64(c.take(8))
}

// Number visits any integer type.
func Number[T ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32](c *Codec, v *T) {
	i := int64(*v)
	c.Int(&i)
	*v = T(i)
}

// Bool visits a boolean.
func (c *Codec) Bool(v *bool) {
	var u uint64
	if *v {
		u = 1
	}
	c.Uint(&u)
	*v = u == 1
}

// Float visits a number with a fraction, exactly.
func (c *Codec) Float(v *float64) {
	u := math.Float64bits(*v)
	c.Hash(&u)
	*v = math.Float64frombits(u)
}

// longName is the length above which a string is unlikely to come again.
const longName = 32

// maxNames bounds the interned strings.
const maxNames = 1 << 16

// Text visits a string.
func Text[T ~string](c *Codec, v *T) {
	n := uint64(len(*v))
	c.Uint(&n)
	if !c.decoding {
		c.buf = append(c.buf, *v...)
		return
	}
	if n > uint64(len(c.buf)) {
		c.err, c.buf, *v = ErrDamaged, nil, ""
		return
	}
	b := c.take(int(n))
	if len(b) > longName {
		*v = T(b)
		return
	}
	s, ok := c.names[string(b)]
	if !ok {
		s = string(b)
		if len(c.names) < maxNames {
			c.names[s] = s
		}
	}
	*v = T(s)
}

// ID visits a digest. Most rows lack most of theirs.
func (c *Codec) ID(v *model.ID) {
	there := !v.IsZero()
	c.Bool(&there)
	switch {
	case !there:
		*v = model.ID{}
	case c.decoding:
		copy(v[:], c.take(len(v)))
	default:
		c.buf = append(c.buf, v[:]...)
	}
}

// Interval visits an interval.
func (c *Codec) Interval(v *model.Interval) {
	Number(c, &v.Lo)
	width := int64(v.Hi - v.Lo)
	c.Int(&width)
	v.Hi = v.Lo + model.Instant(width)
}

// Duration visits a duration.
func (c *Codec) Duration(v *time.Duration) { Number(c, v) }

// Addr visits an address.
func (c *Codec) Addr(v *netip.Addr) {
	var n uint64
	var raw [16]byte
	if v.Is4() {
		a := v.As4()
		n = uint64(copy(raw[:], a[:]))
	} else if v.IsValid() {
		raw = v.As16()
		n = 16
	}
	c.Uint(&n)
	if !c.decoding {
		c.buf = append(c.buf, raw[:n]...)
		return
	}
	*v, _ = netip.AddrFromSlice(c.take(int(n)))
}

// Ref visits a citation's position.
func (c *Codec) Ref(v *model.Ref) {
	Number(c, &v.Object)
	c.Uint(&v.Line)
	c.Int(&v.Offset)
}

// Slice visits a slice's length, then each of its elements.
func Slice[T any](c *Codec, v *[]T, each func(*Codec, *T)) {
	n := uint64(len(*v))
	c.Uint(&n)
	if c.decoding {
		if n > uint64(len(c.buf)) {
			c.err, c.buf, n = ErrDamaged, nil, 0
		}
		*v = nil
		if n > 0 {
			*v = make([]T, n)
		}
	}
	for i := range *v {
		each(c, &(*v)[i])
	}
}

// Optional visits a pointer that may be nil.
func Optional[T any](c *Codec, v **T, each func(*Codec, *T)) {
	there := *v != nil
	c.Bool(&there)
	if !there {
		*v = nil
		return
	}
	if c.decoding {
		*v = new(T)
	}
	each(c, *v)
}

// Strings visits a list of strings.
func (c *Codec) Strings(v *[]string) { Slice(c, v, Text[string]) }
