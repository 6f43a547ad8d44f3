package decode

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Unescape undoes exactly one layer of percent-encoding. A plus sign stays
// one, and what is no valid escape stays as it is: the client's own bytes may
// look like that. The result is src itself if nothing had to change, else it
// is appended to dst.
func Unescape(dst, src []byte) []byte {
	i := bytes.IndexByte(src, '%')
	if i < 0 {
		return src
	}
	for {
		dst = append(dst, src[:i]...)
		src = src[i:]
		if len(src) == 0 {
			return dst
		}
		if c, ok := hexByte(src); ok {
			dst, src = append(dst, c), src[3:]
		} else {
			dst, src = append(dst, '%'), src[1:]
		}
		if i = bytes.IndexByte(src, '%'); i < 0 {
			i = len(src)
		}
	}
}

// hexByte reads the escape %XX at the start of b.
func hexByte(b []byte) (byte, bool) {
	if len(b) < 3 {
		return 0, false
	}
	hi, ok1 := hexDigit(b[1])
	lo, ok2 := hexDigit(b[2])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// Hash returns a 64-bit hash of b, continuing from h (0 to begin). It tells
// equal lines from different ones and is the same on every machine and in
// every run, which hash/maphash is not. FNV-1a would do, but costs more than
// splitting the line: it takes one multiplication a byte, this one takes one
// for eight. It is neither secret nor collision-proof against an adversary.
func Hash(h uint64, b []byte) uint64 {
	const k0, k1 = 0x9e3779b97f4a7c15, 0xd1b54a32d192ed03 // odd, no structure
	h = mix(h^k0, uint64(len(b))^k1)
	for len(b) >= 8 {
		h = mix(h^binary.LittleEndian.Uint64(b), k0)
		b = b[8:]
	}
	if len(b) > 0 {
		var last [8]byte
		copy(last[:], b)
		h = mix(h^binary.LittleEndian.Uint64(last[:]), k1)
	}
	return h
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// Int reads a decimal number without sign that fits 18 digits.
func Int(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
