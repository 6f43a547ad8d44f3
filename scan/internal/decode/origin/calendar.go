package origin

import (
	"bytes"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

const (
	reasonCalendar = "time is not RFC 3339"
	reasonZone     = "time has no offset: set time_zone of the source"
	reasonSkipped  = "time does not exist in time_zone: clocks were put forward"
	reasonRounded  = "time is rounded as by a spreadsheet: use the file as it was exported"
)

// shape is how a calendar stamp begins: d is a digit, T one of several.
const shape = "dddd-dd-ddTdd:dd:dd"

// others are what writers put for a character of shape.
func others(c byte) []byte {
	switch c {
	case 'T':
		return []byte("t _")
	case '-':
		return []byte("/")
	}
	return nil
}

// calendar reads 2023-03-07T18:21:05.123+01:00 and its relatives: a space or
// _ for T, a slash for the hyphen, a comma for the point, an offset without
// colon or of hours alone.
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
			if c != want && bytes.IndexByte(others(want), c) < 0 {
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
	return wallOf(f)
}

// wallOf returns year, month, day, hour, minute and second, read in UTC.
func wallOf(f [6]int) (model.Instant, bool) {
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

// offsetOf reads Z, +01:00, +0100, +01 and the names UTC and GMT. A name of
// the zone behind the offset, as Go and Java print it, says nothing more.
func offsetOf(b []byte) (time.Duration, bool) {
	if i := bytes.IndexAny(b, " ["); i > 0 {
		b = b[:i]
	}
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
