package intake

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
)

// bound says which end of a span an instant is. What is vague there makes the
// span longer: a workspace too many is a caveat, one too few is an omission.
type bound uint8

const (
	beginning bound = iota
	end
)

// Years outside of these are how databases write that a span has no bound.
const (
	firstYear = 1971
	lastYear  = 2200
)

// noOffset is why a time of a table without time_zone cannot be read.
const noOffset = "has no offset: set time_zone of the table"

// instant reads a time as databases export it; 0 for none. Times without
// offset are of the table's zone.
func (t *table) instant(column, s string, b bound) (model.Instant, error) {
	switch strings.ToLower(s) {
	case "", "0000-00-00 00:00:00", "0000-00-00":
		return 0, nil
	case "infinity", "+infinity":
		if b == end {
			return 0, nil
		}
	case "-infinity":
		if b == beginning {
			return 0, nil
		}
	}
	at, ok, why := count(s)
	if !ok && why == "" {
		at, why = t.date(s, b)
	}
	switch {
	case why != "":
		return 0, errors.New(column + " " + why)
	case b == end && at.Year() >= lastYear, b == beginning && at.Year() < firstYear:
		return 0, nil
	case at.Year() >= lastYear, at.Year() < firstYear:
		return 0, fmt.Errorf("%s is in the year %d", column, at.Year())
	}
	return model.InstantOf(at), nil
}

// count reads seconds, milliseconds, microseconds or nanoseconds since 1970.
func count(s string) (at time.Time, ok bool, why string) {
	whole, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(fraction, "0123456789") != "" {
		return at, false, ""
	}
	for unit, least := time.Second, int64(1e9); unit > 0; unit, least = unit/1000, least*1000 {
		if n < least || n >= 5*least {
			continue
		}
		at = time.Unix(n/(least/1e9), n%(least/1e9)*int64(unit)).UTC()
		f, _ := strconv.ParseFloat("0."+fraction+"0", 64)
		return at.Add(time.Duration(f * float64(unit))), true, ""
	}
	return at, false, "is a number, but no count of seconds, ms, us or ns since 1970"
}

// date reads a date with a time of day and an offset, as far as they are there.
func (t *table) date(s string, b bound) (at time.Time, why string) {
	const notATime = "is not a time with an offset, like 2023-03-07T18:21:00Z"
	day, clock, timed := strings.Cut(s, " ")
	if !timed {
		day, clock, timed = strings.Cut(strings.Replace(s, "t", "T", 1), "T")
	}
	clock, zone, known, ok := t.offset(strings.TrimSpace(clock))
	if !ok {
		return at, notATime
	}
	layout := "15:04:05" // fractions of a second are taken too
	switch {
	case clock == "":
		timed, clock = false, "00:00:00"
	case strings.Count(clock, ":") == 1:
		layout = "15:04"
	}
	at, err := time.ParseInLocation("2006-01-02 "+layout, day+" "+clock, zone)
	switch {
	case err != nil:
		return at, notATime
	case !known:
		return at, noOffset
	case !timed && b == end:
		at = at.AddDate(0, 0, 1)
	}
	return at, ""
}

// offset cuts the offset from the end of a time of day.
func (t *table) offset(clock string) (rest string, zone *time.Location, known, ok bool) {
	for _, utc := range []string{"UTC", "GMT", "Z", "z"} {
		if rest, found := strings.CutSuffix(clock, utc); found {
			return strings.TrimSpace(rest), time.UTC, true, true
		}
	}
	i := strings.LastIndexAny(clock, "+-")
	if i < 0 {
		if t.zone == nil {
			return clock, time.UTC, false, true
		}
		return clock, t.zone, true, true
	}
	for _, layout := range []string{"-07", "-07:00", "-0700", "-07:00:00"} {
		if at, err := time.Parse(layout, clock[i:]); err == nil {
			return strings.TrimSpace(clock[:i]), at.Location(), true, true
		}
	}
	return clock, nil, false, false
}

// span reads the two ends of a validity. The beginning may hold both, as a
// range of Postgres: ["2023-01-01 00:00:00+00",).
func (t *table) span(from, to string) (a, b model.Instant, err error) {
	if n := len(from); n > 1 && strings.ContainsRune("[(", rune(from[0])) && strings.ContainsRune("])", rune(from[n-1])) {
		lower, upper, ok := strings.Cut(from[1:n-1], ",")
		if !ok {
			return 0, 0, errors.New("valid_from is neither a time nor a range of times")
		}
		if to == from {
			to = ""
		}
		from = strings.Trim(lower, `" `)
		if upper = strings.Trim(upper, `" `); to == "" {
			to = upper
		}
	}
	if a, err = t.instant("valid_from", from, beginning); err != nil {
		return 0, 0, err
	}
	if b, err = t.instant("valid_to", to, end); err != nil {
		return 0, 0, err
	}
	if a != 0 && b != 0 && b < a {
		return 0, 0, errors.New("valid_to is before valid_from")
	}
	return a, b, nil
}
