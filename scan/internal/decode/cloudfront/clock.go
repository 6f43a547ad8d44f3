package cloudfront

import (
	"bytes"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

const stampLen = len("2006-01-02\t15:04:05")

// clock reads stamps. Rows of one file share their day, so it is worked out
// once.
type clock struct {
	date  [10]byte
	start model.Instant // of that day
	known bool
}

// read returns the second that date and time name. CloudFront cuts fractions
// off, so the response ended somewhere within it.
func (c *clock) read(date, clock []byte) (model.Interval, bool) {
	if len(date) != len(c.date) || len(clock) != len("15:04:05") {
		return model.Interval{}, false
	}
	if !c.known || string(c.date[:]) != string(date) {
		t, err := time.Parse("2006-01-02", string(date))
		if err != nil {
			return model.Interval{}, false
		}
		if t.Year() < 2000 || t.Year() > 2200 { // beyond what nanoseconds can count
			return model.Interval{}, false
		}
		copy(c.date[:], date)
		c.start, c.known = model.InstantOf(t), true
	}
	h, m, s := two(clock), two(clock[3:]), two(clock[6:])
	if clock[2] != ':' || clock[5] != ':' || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 59 {
		return model.Interval{}, false
	}
	lo := c.start.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second)
	return model.Interval{Lo: lo, Hi: lo.Add(time.Second)}, true
}

// epoch reads a moment counted from 1970: whole seconds, seconds with three
// or more decimals as real-time logs have them, or, if milli, milliseconds.
func epoch(b []byte, milli bool) (model.Interval, bool) {
	whole, frac, dot := bytes.Cut(b, []byte{'.'})
	n, ok := decode.Int(whole)
	unit := time.Second
	if milli {
		unit = time.Millisecond
	}
	if !ok || n < earliest/int64(unit) || n > latest/int64(unit) || dot && milli {
		return model.Interval{}, false
	}
	lo := model.Instant(n * int64(unit))
	if !dot {
		return model.Interval{Lo: lo, Hi: lo.Add(unit)}, true
	}
	part, ok := fraction(frac)
	if !ok {
		return model.Interval{}, false
	}
	for range min(len(frac), 9) {
		unit /= 10
	}
	lo = lo.Add(part)
	return model.Interval{Lo: lo, Hi: lo.Add(unit)}, true
}

// earliest and latest are 2000 and 2200: what lies outside is no stamp, and
// nanoseconds can count all between.
const (
	earliest = 946_684_800 * int64(time.Second)
	latest   = 7_258_118_400 * int64(time.Second)
)

// two reads two digits; -1 if they are none.
func two(b []byte) int {
	if b[0] < '0' || b[0] > '9' || b[1] < '0' || b[1] > '9' {
		return -1
	}
	return int(b[0]-'0')*10 + int(b[1]-'0')
}

// seconds reads a decimal number of seconds, such as 0.017.
func seconds(b []byte) (time.Duration, bool) {
	whole, frac, dot := bytes.Cut(b, []byte{'.'})
	s, ok := decode.Int(whole)
	if !ok || s > 1e6 { // 11 days; the product below must not overflow
		return 0, false
	}
	if !dot {
		return time.Duration(s) * time.Second, true
	}
	f, ok := fraction(frac)
	return time.Duration(s)*time.Second + f, ok
}

// fraction reads the decimals of a second.
func fraction(b []byte) (time.Duration, bool) {
	f, ok := decode.Int(b)
	for i := len(b); i < 9; i++ {
		f *= 10
	}
	for i := len(b); i > 9; i-- {
		f /= 10
	}
	return time.Duration(f), ok
}
