package origin

import (
	"bytes"
	"fmt"
	"time"

	"github.com/spillscope/spillscope/model"
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

// Stamp reads a stamp that says its own zone and unit, and the interval that
// its last digit leaves open; the reason says why it cannot.
func Stamp(b []byte) (v model.Interval, reason string) { return new(stamper).read(b) }

// set takes what src says of its stamps.
func (s *stamper) set(src model.Source) error {
	if src.TimeZone != "" {
		zone, err := time.LoadLocation(src.TimeZone)
		if err != nil {
			return fmt.Errorf("time_zone: %q is not in this machine's time zone database", src.TimeZone)
		}
		s.zone = zone
	}
	unit, ok := units[src.Unit]
	if !ok {
		return fmt.Errorf("unit: %q is none of s, ms, us, ns", src.Unit)
	}
	s.unit = unit
	return nil
}

var units = map[string]time.Duration{"": 0, "s": time.Second, "ms": time.Millisecond, "us": time.Microsecond, "ns": time.Nanosecond}

// read returns the interval that a stamp leaves open: its last digit, since
// writers cut digits off.
func (s *stamper) read(b []byte) (model.Interval, string) {
	b = bytes.TrimSpace(b)
	if inner, ok := bytes.CutPrefix(b, []byte{'['}); ok { // as servers' own logs have it
		b = bytes.TrimSuffix(inner, []byte{']'})
	}
	switch {
	case len(b) > 4 && (b[4] == '-' || b[4] == '/'):
		return s.calendar(b)
	case bytes.HasPrefix(b, []byte("/Date(")):
		return s.dotNet(b)
	case len(b) > 2 && bytes.IndexByte(b[:3], '/') > 0 || bytes.IndexByte(b, ' ') > 0:
		return s.named(b)
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
	if !written && exp > 0 && m < 1e6 {
		return model.Interval{}, reasonRounded
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

// dotNet reads /Date(1678213265123)/ and /Date(1678213265123+0100)/, in which
// the offset says where the writer was and changes nothing.
func (s *stamper) dotNet(b []byte) (model.Interval, string) {
	b = bytes.TrimSuffix(bytes.TrimPrefix(b, []byte("/Date(")), []byte(")/"))
	if i := bytes.LastIndexAny(b, "+-"); i > 0 {
		b = b[:i]
	}
	milliseconds := stamper{unit: time.Millisecond}
	return milliseconds.epoch(b)
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
