package model

import "time"

// Instant is a moment in nanoseconds since the Unix epoch, UTC. A plain
// number sorts, encodes and hashes the same everywhere; time.Time carries a
// zone and a monotonic part that findings must not depend on.
type Instant int64

// InstantOf converts t.
func InstantOf(t time.Time) Instant { return Instant(t.UnixNano()) }

// Add returns i moved by d.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub returns the duration from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }

// Time returns i as a time.Time in UTC.
func (i Instant) Time() time.Time { return time.Unix(0, int64(i)).UTC() }

// String prints i in RFC 3339 with milliseconds and Z; the zero instant
// prints as nothing, because no log of ours reaches back to 1970.
func (i Instant) String() string {
	if i == 0 {
		return ""
	}
	return i.Time().Format("2006-01-02T15:04:05.000Z")
}

// Interval says that an instant lies in [Lo, Hi). A log that truncates to
// whole seconds gives Hi = Lo + 1 s.
type Interval struct{ Lo, Hi Instant }

// Shift returns v moved by d: what is uncertain stays as uncertain.
func (v Interval) Shift(d time.Duration) Interval {
	return Interval{v.Lo.Add(d), v.Hi.Add(d)}
}

// Widen returns v grown by d at both ends.
func (v Interval) Widen(d time.Duration) Interval {
	return Interval{v.Lo.Add(-d), v.Hi.Add(d)}
}

// Overlaps reports whether an instant can lie in both v and w.
func (v Interval) Overlaps(w Interval) bool { return v.Lo < w.Hi && w.Lo < v.Hi }

// Contains reports whether i lies in v.
func (v Interval) Contains(i Instant) bool { return v.Lo <= i && i < v.Hi }

// Before reports whether every instant of v is before every instant of w.
func (v Interval) Before(w Interval) bool { return v.Hi <= w.Lo }

// IsZero reports whether v was never set.
func (v Interval) IsZero() bool { return v == Interval{} }

// Span is a stretch of time that a person named: From and To both inclusive.
type Span struct{ From, To Instant }

// Contains reports whether i lies in s.
func (s Span) Contains(i Instant) bool { return s.From <= i && i <= s.To }

// Extend returns s grown by before and after.
func (s Span) Extend(before, after time.Duration) Span {
	return Span{s.From.Add(-before), s.To.Add(after)}
}
