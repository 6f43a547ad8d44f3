package incident

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // time zones of a source must load on a machine without zoneinfo

	"github.com/bmatcuk/doublestar/v4"

	"github.com/spillscope/spillscope/model"
)

const (
	wantTime     = "a time like 2023-03-07T18:21:00Z or 2023-03-07T10:21:00-08:00"
	wantDuration = "a duration like 500ms, 1s, 10m, 1h30m or 7d"
	wantShare    = "a share like 0.1% or 0.001"
)

// text reads any word.
func (r *reader) text(dst *string) func(value) {
	return func(v value) {
		if s, ok := r.scalar(v, "text"); ok {
			*dst = s
		}
	}
}

// instant reads a time with its offset. A time without one is refused and not
// taken for UTC: a window read from a chat in local time is hours off, and
// then everything that follows is.
func (r *reader) instant(dst *model.Instant) func(value) {
	return func(v value) {
		s, ok := r.scalar(v, wantTime)
		if !ok {
			return
		}
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			r.fail(v, "%s", timeHint(s))
			return
		}
		if t.Year() < 1990 || t.Year() > 2200 {
			r.fail(v, "the year %d is not the year of an incident", t.Year())
			return
		}
		*dst = model.InstantOf(t)
	}
}

// timeHint says what is wrong with s, which is no RFC 3339 time.
func timeHint(s string) string {
	day, clock, _ := strings.Cut(strings.Replace(s, " ", "T", 1), "T")
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 1e9 && n < 4e9 {
			return fmt.Sprintf("%d is a count of seconds; write %s", n, time.Unix(n, 0).UTC().Format(time.RFC3339))
		}
		return fmt.Sprintf("%s is not a time; write %s", quoted(s), wantTime)
	}
	if clock == "" {
		return fmt.Sprintf("%s is a date; write a time like %sT18:21:00Z", s, day)
	}
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if t, err := time.Parse(layout, clock); err == nil {
			when := day + "T" + t.Format("15:04:05.999999999")
			return fmt.Sprintf("%s has no offset: write %sZ if it is UTC, or %s-08:00 with the offset of the clock it was read from", s, when, when)
		}
	}
	if t, err := time.Parse("15:04:05Z07:00", strings.ToUpper(clock)); err == nil {
		return fmt.Sprintf("%s is not in RFC 3339; write %sT%s", quoted(s), day, t.Format("15:04:05.999999999Z07:00"))
	}
	return fmt.Sprintf("%s is not a time; write %s (the offset in digits: names of zones are ambiguous)", quoted(s), wantTime)
}

// duration reads a length of time.
func (r *reader) duration(dst *time.Duration) func(value) {
	return func(v value) {
		s, ok := r.scalar(v, wantDuration)
		if !ok {
			return
		}
		d, err := parseDuration(s)
		if err != nil {
			r.fail(v, "%v", err)
			return
		}
		*dst = d
	}
}

// maxDuration keeps sums of instants and durations far from overflow.
const maxDuration = 36500 * 24 * time.Hour

// parseDuration reads what time.ParseDuration does, and days before it.
func parseDuration(s string) (time.Duration, error) {
	if strings.Trim(s, "0123456789.") == "" {
		return 0, fmt.Errorf("%s has no unit; write %ss or %sms or %sm", s, s, s, s)
	}
	if strings.HasPrefix(s, "-") {
		return 0, fmt.Errorf("%s must not be negative", quoted(s))
	}
	var d time.Duration
	rest := s
	if days, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%s is not a duration; want %s", quoted(s), wantDuration)
		}
		if n > uint64(maxDuration/(24*time.Hour)) {
			return 0, fmt.Errorf("%s is too long", quoted(s))
		}
		d, rest = time.Duration(n)*24*time.Hour, after
	}
	if rest != "" {
		part, err := time.ParseDuration(rest)
		if err != nil || part < 0 {
			return 0, fmt.Errorf("%s is not a duration; want %s", quoted(s), wantDuration)
		}
		if part > maxDuration {
			return 0, fmt.Errorf("%s is too long", quoted(s))
		}
		d += part
	}
	return d, nil
}

// share reads a part of a whole: 0.1% or 0.001.
func (r *reader) share(dst *float64) func(value) {
	return func(v value) {
		s, ok := r.scalar(v, wantShare)
		if !ok {
			return
		}
		number, percent := strings.CutSuffix(s, "%")
		f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		switch {
		case err != nil || math.IsNaN(f) || f < 0:
			r.fail(v, "%s is not a share; want %s", quoted(s), wantShare)
		case percent && f > 100:
			r.fail(v, "%s is more than 100%%", s)
		case percent:
			*dst = f / 100
		case f >= 1:
			r.fail(v, "%s could mean %s%% or %s times the whole; write it with %%", s, s, s)
		default:
			*dst = f
		}
	}
}

// count reads a whole number from 1.
func (r *reader) count(dst *int) func(value) {
	return func(v value) {
		s, ok := r.scalar(v, "a whole number")
		if !ok {
			return
		}
		n, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 32)
		if err != nil || n < 1 {
			r.fail(v, "%s is not a whole number from 1 up", quoted(s))
			return
		}
		*dst = int(n)
	}
}

// oneOf reads one of the words in names.
func oneOf[T ~string](r *reader, dst *T, names ...T) func(value) {
	return func(v value) {
		words := make([]string, len(names))
		for i, n := range names {
			words[i] = string(n)
		}
		s, ok := r.scalar(v, "one of "+strings.Join(words, ", "))
		if !ok {
			return
		}
		if !slices.Contains(words, s) {
			r.fail(v, "%s is not one of %s%s", quoted(s), strings.Join(words, ", "), didYouMean(s, words))
			return
		}
		*dst = T(s)
	}
}

// pathGlob reads a glob over paths of URLs.
func (r *reader) pathGlob(dst *string) func(value) {
	return func(v value) {
		s, ok := r.scalar(v, "a path like /static/js/*")
		if !ok {
			return
		}
		if complaint := globComplaint(s); complaint != "" {
			r.fail(v, "%s", complaint)
			return
		}
		*dst = s
	}
}

func globComplaint(s string) string {
	switch {
	case strings.Contains(s, "://"):
		return fmt.Sprintf("%s is a URL; write the path alone, with the host beside it: {host: www.example.com, path: /static/js/*}", quoted(s))
	case !strings.HasPrefix(s, "/"):
		return fmt.Sprintf("%s must begin with /", quoted(s))
	case strings.ContainsAny(s, "?#"):
		return fmt.Sprintf("%s: a path has no query; cut it at the ?", quoted(s))
	case !doublestar.ValidatePattern(s):
		return fmt.Sprintf("%s is not a glob: a bracket or brace is not closed", quoted(s))
	}
	for _, segment := range strings.Split(s, "/") {
		if strings.Contains(segment, "**") && segment != "**" {
			return fmt.Sprintf("%s: ** stands for whole segments, so it must be alone between two /; write /static/**/*.js", quoted(s))
		}
	}
	return ""
}

// uri reads a file, folder, glob or s3:// address.
func (r *reader) uri(dst *string) func(value) {
	return func(v value) {
		s, ok := r.scalar(v, "a file, folder or glob")
		if !ok {
			return
		}
		if !doublestar.ValidatePattern(s) {
			r.fail(v, "%s is not a glob: a bracket or brace is not closed", quoted(s))
			return
		}
		*dst = s
	}
}

// cookieToken matches a cookie name (RFC 6265: a token).
var cookieToken = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// cookieName reads the name of a cookie. What is none is not repeated in the
// message: whoever pastes name=value pastes a live session.
func (r *reader) cookieName(dst *[]string) func(value) {
	return func(v value) {
		s, ok := r.scalar(v, "the name of a cookie")
		if !ok {
			return
		}
		if !cookieToken.MatchString(s) {
			r.fail(v, "this is not the name of a cookie; write what stands before the =, and never a value")
			return
		}
		*dst = append(*dst, s)
	}
}

// timeZone reads an IANA name.
func (r *reader) timeZone(dst *string) func(value) {
	return func(v value) {
		s, ok := r.scalar(v, "a time zone like America/Los_Angeles")
		if !ok {
			return
		}
		if _, err := time.LoadLocation(s); err != nil || strings.EqualFold(s, "local") {
			r.fail(v, "%s is not a time zone; write a name of the IANA list, like UTC or America/Los_Angeles", quoted(s))
			return
		}
		*dst = s
	}
}
