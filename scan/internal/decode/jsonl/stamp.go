package jsonl

import (
	"bytes"
	"math/bits"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// minPrecision is the narrowest interval of a stamp. Digits beyond
// microseconds say how a clock prints, not how well it runs.
const minPrecision = time.Microsecond

// maxInstant lies in the year 2200: far from where nanoseconds overflow.
const maxInstant = 7_258_118_400 * int64(time.Second)

// stamper reads the instant of a row.
type stamper struct {
	zone *time.Location // of stamps without offset; nil: refuse them
	unit time.Duration  // of numbers; 0: by magnitude
}

// read returns the interval that a stamp leaves open: its last digit, since
// writers cut digits off.
func (s *stamper) read(b []byte) (model.Interval, string) {
	b = bytes.TrimSpace(b)
	if len(b) > 4 && b[4] == '-' {
		return s.calendar(b)
	}
	return s.epoch(b)
}

func (s *stamper) epoch(b []byte) (model.Interval, string) {
	m, exp, written, ok := decimal(b)
	if !ok {
		return model.Interval{}, "time is neither RFC 3339 nor a number"
	}
	unit := s.unit
	if unit == 0 {
		unit = unitOf(m, exp)
	}
	lo, ok := scale(m, exp, unit)
	if !ok || lo <= 0 || lo > maxInstant {
		return model.Interval{}, "time is out of range"
	}
	width := unit
	if exp < 0 && written {
		if w, ok := scale(1, exp, unit); ok {
			width = time.Duration(w)
		}
	} else if !written {
		width = min(width, time.Second)
	}
	return model.Interval{Lo: model.Instant(lo), Hi: model.Instant(lo).Add(max(width, minPrecision))}, ""
}

// unitOf tells the unit of an epoch number by its size: as seconds it would
// lie before the year 5138, as the next unit after 1973.
func unitOf(m int64, exp int) time.Duration {
	m = max(m, -m)
	switch {
	case less(m, exp, 11):
		return time.Second
	case less(m, exp, 14):
		return time.Millisecond
	case less(m, exp, 17):
		return time.Microsecond
	}
	return time.Nanosecond
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

const (
	reasonCalendar = "time is not RFC 3339"
	reasonZone     = "time has no offset: set time_zone of the source"
	reasonSkipped  = "time does not exist in time_zone: clocks were put forward"
)

// shape is how a calendar stamp begins: d is a digit, T one of several.
const shape = "dddd-dd-ddTdd:dd:dd"

// calendar reads 2023-03-07T18:21:05.123+01:00 and its relatives: a space or
// _ for T, a comma for the point, an offset without colon or of hours alone.
func (s *stamper) calendar(b []byte) (model.Interval, string) {
	wall, ok := readWall(b)
	if !ok {
		return model.Interval{}, reasonCalendar
	}
	nanos, width, rest, ok := fraction(b[len(shape):])
	if !ok {
		return model.Interval{}, reasonCalendar
	}
	return s.place(wall.Add(nanos), width, bytes.TrimSpace(rest))
}

// readWall reads the part of a stamp that shape describes, as if in UTC.
func readWall(b []byte) (model.Instant, bool) {
	if len(b) < len(shape) {
		return 0, false
	}
	var f [6]int // year, month, day, hour, minute, second
	at := 0
	for i := range len(shape) {
		c, want := b[i], shape[i]
		if want != 'd' {
			if c != want && (want != 'T' || bytes.IndexByte([]byte("t _"), c) < 0) {
				return 0, false
			}
			at++
			continue
		}
		if c < '0' || c > '9' {
			return 0, false
		}
		f[at] = f[at]*10 + int(c-'0')
	}
	t := time.Date(f[0], time.Month(f[1]), f[2], f[3], f[4], 0, 0, time.UTC)
	if t.Day() != f[2] || t.Hour() != f[3] || t.Minute() != f[4] || int(t.Month()) != f[1] {
		return 0, false // a date that no calendar has
	}
	// A second 60 is a leap second; it runs into the next minute.
	ok := f[5] <= 60 && 1970 <= f[0] && f[0] <= 2200
	return model.InstantOf(t).Add(time.Duration(f[5]) * time.Second), ok
}

// fraction reads the digits behind the seconds and what the last one stands
// for.
func fraction(b []byte) (nanos, width time.Duration, rest []byte, ok bool) {
	width = time.Second
	if len(b) == 0 || b[0] != '.' && b[0] != ',' {
		return 0, width, b, true
	}
	i := 1
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		width /= 10
		nanos += time.Duration(b[i]-'0') * width
	}
	return nanos, max(width, minPrecision), b[i:], i > 1
}

// place moves a wall clock's reading to UTC by its offset, or by the zone of
// the source where there is none.
func (s *stamper) place(wall model.Instant, width time.Duration, offset []byte) (model.Interval, string) {
	if len(offset) == 0 {
		return s.local(wall, width)
	}
	d, ok := offsetOf(offset)
	if !ok {
		return model.Interval{}, reasonCalendar
	}
	lo := wall.Add(-d)
	return model.Interval{Lo: lo, Hi: lo.Add(width)}, ""
}

// local looks for the instants at which clocks of the zone showed wall. In
// the hour that clocks are put back there are two, and the interval spans
// both.
func (s *stamper) local(wall model.Instant, width time.Duration) (model.Interval, string) {
	if s.zone == nil {
		return model.Interval{}, reasonZone
	}
	var v model.Interval
	for _, probe := range [...]time.Duration{-24 * time.Hour, 24 * time.Hour} {
		// Offsets change months apart, so those of the day before and of the
		// day after are all that wall can have been read under.
		_, seconds := wall.Add(probe).Time().In(s.zone).Zone()
		lo := wall.Add(-time.Duration(seconds) * time.Second)
		if _, now := lo.Time().In(s.zone).Zone(); now != seconds {
			continue
		}
		if v.IsZero() {
			v = model.Interval{Lo: lo, Hi: lo.Add(width)}
		}
		v = model.Interval{Lo: min(v.Lo, lo), Hi: max(v.Hi, lo.Add(width))}
	}
	if v.IsZero() {
		return v, reasonSkipped
	}
	return v, ""
}

// offsetOf reads Z, +01:00, +0100, +01 and the names UTC and GMT.
func offsetOf(b []byte) (time.Duration, bool) {
	switch string(b) {
	case "Z", "z", "UTC", "GMT":
		return 0, true
	}
	sign := time.Duration(1)
	if b[0] == '-' {
		sign = -1
	} else if b[0] != '+' {
		return 0, false
	}
	b = b[1:]
	if len(b) == 5 && b[2] == ':' {
		b = []byte{b[0], b[1], b[3], b[4]}
	}
	if len(b) == 2 {
		b = []byte{b[0], b[1], '0', '0'}
	}
	n, ok := decode.Int(b)
	if !ok || len(b) != 4 || n/100 > 23 || n%100 > 59 {
		return 0, false
	}
	return sign * (time.Duration(n/100)*time.Hour + time.Duration(n%100)*time.Minute), true
}
