package origin

import (
	"bytes"
	"math/bits"
	"strconv"
	"time"
)

// decimal splits a number into mantissa and power of ten; digits beyond the
// eighteenth are dropped. written reports whether the exponent follows from
// the digits alone, so that it tells the precision.
func decimal(b []byte) (mantissa int64, exp int, written, ok bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	number, scientific := b, false
	if i := bytes.IndexAny(b, "eE"); i >= 0 {
		number, scientific = b[:i], true
		n, err := strconv.Atoi(string(b[i+1:]))
		if err != nil || n < -30 || n > 30 {
			return 0, 0, false, false
		}
		exp = n
	}
	digits, fraction := 0, false
	for _, c := range number {
		switch {
		case c == '.' && !fraction:
			fraction = true
		case c < '0' || c > '9':
			return 0, 0, false, false
		case mantissa < 1e17:
			mantissa = mantissa*10 + int64(c-'0')
			digits++
			if fraction {
				exp--
			}
		case !fraction:
			exp++
		}
	}
	if negative {
		mantissa = -mantissa
	}
	return mantissa, exp, !scientific, digits > 0
}

// less reports whether m·10^exp < 10^power.
func less(m int64, exp, power int) bool {
	for ; exp > 0; exp-- {
		power--
	}
	for ; exp < 0 && m != 0; exp++ {
		m /= 10
	}
	limit := int64(1)
	for ; power > 0; power-- {
		limit *= 10
	}
	return power == 0 && m < limit
}

// scale returns m·10^exp units in nanoseconds; false if that overflows.
func scale(m int64, exp int, unit time.Duration) (int64, bool) {
	for n := int64(unit); n > 1; n /= 10 {
		exp++
	}
	negative := m < 0
	u := uint64(max(m, -m))
	for ; exp > 0 && u != 0; exp-- {
		hi, lo := bits.Mul64(u, 10)
		if hi != 0 || lo > 1<<63-1 {
			return 0, false
		}
		u = lo
	}
	for ; exp < 0 && u != 0; exp++ {
		u /= 10
	}
	if negative {
		return -int64(u), true
	}
	return int64(u), true
}
