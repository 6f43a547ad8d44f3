package calibrate

import "time"

// oddZones are the civil time zones that are not whole hours from UTC, in
// minutes; that of St. John's with its summer time.
var oddZones = [...]time.Duration{-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765}

// NearZone is how far from a time zone's offset joined stamps may be for the
// zone to be the reason: clocks are seldom set worse.
const NearZone = 2 * time.Minute

// CivilZone returns the time zone whose offset d is nearest to; ok says that it
// is one, and no further from it than near. An offset of 15, 45 or 90 minutes
// is nobody's local time.
func CivilZone(d, near time.Duration) (zone time.Duration, ok bool) {
	zone = d.Round(time.Hour)
	for _, m := range oddZones {
		if odd := m * time.Minute; (d - odd).Abs() < (d - zone).Abs() {
			zone = odd
		}
	}
	return zone, zone != 0 && (d-zone).Abs() <= near && zone >= -12*time.Hour && zone <= 14*time.Hour
}
