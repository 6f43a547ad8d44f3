package calibrate_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/reconstruct"
)

const ms = time.Millisecond

// joined is one request in both logs.
type joined struct{ start, available, origin model.Interval }

// joinedRows simulates n requests whose edge rows carry whole-second END stamps and
// whose origin rows are stamped, to the millisecond, by a clock that is ahead
// by offset, when the origin began or was done.
func joinedRows(n int, offset time.Duration, anchor string) []joined {
	rnd := rand.New(rand.NewPCG(uint64(n), 7))
	var out []joined
	for range n {
		start := model.Instant(time.Hour) + model.Instant(rnd.Int64N(int64(time.Hour)))
		there := start.Add(5*ms + time.Duration(rnd.Int64N(int64(5*ms)))) // network
		done := there.Add(20*ms + time.Duration(rnd.ExpFloat64()*float64(300*ms)))
		first := done.Add(5*ms + time.Duration(rnd.Int64N(int64(5*ms))))
		end := first.Add(time.Duration(rnd.Int64N(int64(200 * ms))))
		stamped := there
		if anchor == "end" {
			stamped = done
		}
		stamped = stamped.Add(offset) / model.Instant(ms) * model.Instant(ms)
		second := end / model.Instant(time.Second) * model.Instant(time.Second)
		v := model.Interval{Lo: second, Hi: second.Add(time.Second)}
		out = append(out, joined{v.Shift(-end.Sub(start)), v.Shift(-end.Sub(first)), model.Interval{Lo: stamped, Hi: stamped.Add(ms)}})
	}
	return out
}

func clockOf(rows []joined) *calibrate.Clock {
	c := new(calibrate.Clock)
	for _, r := range rows {
		c.Add(r.start, r.available, r.origin)
	}
	return c
}

// TestClockRecoversOffset from stamps a hundred times as coarse as the answer
// (semantics.md D, clock alignment). The lag also holds the network, some 7 ms.
func TestClockRecoversOffset(t *testing.T) {
	for _, offset := range []time.Duration{0, 15 * ms, -40 * ms, 700 * ms, -2 * time.Second} {
		for _, anchor := range []string{"start", "end"} {
			for _, stated := range []string{anchor, "unknown", ""} {
				o := clockOf(joinedRows(5000, offset, anchor)).Offset(stated)
				want := -offset - 7*ms
				if anchor == "end" {
					want = -offset + 7*ms
				}
				if o.Refused != "" || o.FromStart != (anchor == "start") {
					t.Errorf("offset %v, stamped at its %s, stated %q: from start %v, refused %q", offset, anchor, stated, o.FromStart, o.Refused)
				}
				if off := o.Lag - want; off < -10*ms || off > 10*ms {
					t.Errorf("offset %v, stamped at its %s, stated %q: lag %v, want %v within 10 ms", offset, anchor, stated, o.Lag, want)
				}
				if o.Spread > 60*ms {
					t.Errorf("offset %v, stamped at its %s: spread %v", offset, anchor, o.Spread)
				}
			}
		}
	}
}

// TestClockRefuses what would mislead, and says what is likely wrong.
func TestClockRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		rows   []joined
		reason string
	}{
		{"nothing joined", nil, "no edge row was joined"},
		{"too few", joinedRows(49, 0, "end"), "only 49 joined rows"},
		{"local time of the west coast", joinedRows(200, -8*time.Hour, "end"), "UTC-8;"},
		{"of India", joinedRows(200, 5*time.Hour+30*time.Minute, "start"), "UTC+5.5;"},
		{"of Nepal", joinedRows(200, 5*time.Hour+45*time.Minute, "start"), "UTC+5.75;"},
		{"a clock 21 minutes fast", joinedRows(200, 21*time.Minute, "end"), "clock was wrong"},
		{"another decade", joinedRows(200, 24*365*10*time.Hour, "end"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := clockOf(c.rows).Offset("unknown")
			if o.Refused == "" || !strings.Contains(o.Refused, c.reason) {
				t.Errorf("refused %q, want %q", o.Refused, c.reason)
			}
			var p reconstruct.Params
			if o.Apply(&p); p.Spread != 0 {
				t.Error("stamps are used all the same")
			}
		})
	}
	rows := append(joinedRows(200, 0, "end"), joinedRows(40, -8*time.Hour, "end")...)
	if o := clockOf(rows).Offset("end"); o.Refused != "" {
		t.Errorf("one row in six is hours off: %s", o.Refused)
	}
}

// TestClockMerge: counted in any split and any order, the answer is one.
func TestClockMerge(t *testing.T) {
	rows := joinedRows(3000, 80*ms, "start")
	want := clockOf(rows).Offset("unknown")
	rnd := rand.New(rand.NewPCG(5, 5))
	for range 4 {
		rnd.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		cut := rnd.IntN(len(rows))
		a, b, empty := clockOf(rows[:cut]), clockOf(rows[cut:]), new(calibrate.Clock)
		empty.Merge(b)
		empty.Merge(a)
		if got := empty.Offset("unknown"); got != want {
			t.Fatalf("split at %d: %+v, want %+v", cut, got, want)
		}
	}
}
