package model_test

import (
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
)

const ms = model.Instant(time.Millisecond)

// TestInterval reads [Lo, Hi): a log that truncates to whole seconds gives
// Hi = Lo + 1 s, and the next second starts where this one ends.
func TestInterval(t *testing.T) {
	v := model.Interval{Lo: 1000 * ms, Hi: 2000 * ms}
	for at, want := range map[model.Instant]bool{
		999 * ms: false, 1000 * ms: true, 2000*ms - 1: true, 2000 * ms: false,
	} {
		if got := v.Contains(at); got != want {
			t.Errorf("%v contains %d: %v, want %v", v, at, got, want)
		}
	}
	for _, c := range []struct {
		w                model.Interval
		overlaps, before bool
	}{
		{model.Interval{Lo: 0, Hi: 1000 * ms}, false, false},
		{model.Interval{Lo: 0, Hi: 1000*ms + 1}, true, false},
		{model.Interval{Lo: 1500 * ms, Hi: 1600 * ms}, true, false},
		{model.Interval{Lo: 2000*ms - 1, Hi: 3000 * ms}, true, false},
		{model.Interval{Lo: 2000 * ms, Hi: 3000 * ms}, false, true},
	} {
		if v.Overlaps(c.w) != c.overlaps || c.w.Overlaps(v) != c.overlaps {
			t.Errorf("%v overlaps %v: %v and back %v, want %v", v, c.w, v.Overlaps(c.w), c.w.Overlaps(v), c.overlaps)
		}
		if got := v.Before(c.w); got != c.before {
			t.Errorf("%v before %v: %v", v, c.w, got)
		}
	}
	if got, want := v.Shift(-300*time.Millisecond), (model.Interval{Lo: 700 * ms, Hi: 1700 * ms}); got != want {
		t.Errorf("shifted: %v, want %v", got, want)
	}
	if got, want := v.Widen(100*time.Millisecond), (model.Interval{Lo: 900 * ms, Hi: 2100 * ms}); got != want {
		t.Errorf("widened: %v, want %v", got, want)
	}
	if v.IsZero() || !(model.Interval{}).IsZero() {
		t.Error("only the interval that was never set is zero")
	}
}

// TestSpan reads From and To as a person means them: both inclusive (design.md 6).
func TestSpan(t *testing.T) {
	s := model.Span{From: 10, To: 20}
	for at, want := range map[model.Instant]bool{9: false, 10: true, 20: true, 21: false} {
		if s.Contains(at) != want {
			t.Errorf("[10, 20] contains %d: %v", at, !want)
		}
	}
	if got := s.Extend(3, 4); got != (model.Span{From: 7, To: 24}) {
		t.Errorf("extended: %v", got)
	}
}

func TestInstant(t *testing.T) {
	at := model.InstantOf(time.Date(2023, 3, 7, 10, 21, 0, 5e6, time.FixedZone("PST", -8*3600)))
	if got, want := at.String(), "2023-03-07T18:21:00.005Z"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := model.Instant(0).String(); got != "" {
		t.Errorf("an instant that was never set prints %q", got)
	}
	if got := at.Add(1500 * time.Millisecond).Sub(at); got != 1500*time.Millisecond {
		t.Errorf("moved by %v", got)
	}
}

// TestEdgeRowTimes derives lookup and availability from what CloudFront logs
// (semantics.md A2.12): the stamp marks the end of the response.
func TestEdgeRowTimes(t *testing.T) {
	end := model.Interval{Lo: 60_000 * ms, Hi: 61_000 * ms}
	for _, c := range []struct {
		name             string
		taken, first     time.Duration
		start, available model.Interval
	}{
		{"a hit", 2 * time.Millisecond, time.Millisecond, end.Shift(-2 * time.Millisecond), end.Shift(-time.Millisecond)},
		{"a long download", 30 * time.Second, 120 * time.Millisecond, end.Shift(-30 * time.Second), end.Shift(-29_880 * time.Millisecond)},
		{"nothing measurable", 0, 0, end, end},
		{"first byte rounded up past the last", 50 * time.Millisecond, 51 * time.Millisecond, end.Shift(-50 * time.Millisecond), end},
	} {
		r := model.EdgeRow{End: end, Taken: c.taken, FirstByte: c.first}
		if r.Start() != c.start || r.Available() != c.available {
			t.Errorf("%s: start %v, available %v, want %v and %v", c.name, r.Start(), r.Available(), c.start, c.available)
		}
	}
}
