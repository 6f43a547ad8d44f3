package calibrate_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/reconstruct"
)

const ms = time.Millisecond

// joined is one request in both logs.
type joined struct {
	cache                    string
	start, available, origin model.Interval
}

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
		out = append(out, joined{"LHR61-C2", v.Shift(-end.Sub(start)), v.Shift(-end.Sub(first)), model.Interval{Lo: stamped, Hi: stamped.Add(ms)}})
	}
	return out
}

func clockOf(rows []joined) *calibrate.Clock {
	c := new(calibrate.Clock)
	for _, r := range rows {
		c.Add(r.cache, r.start, r.available, r.origin)
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

// TestClockOfBursts: few rows, and the requests of a burst at the full second
// slow each other down, so that wait and phase hang together.
func TestClockOfBursts(t *testing.T) {
	for _, anchor := range []string{"start", "end"} {
		for seed := range uint64(20) {
			rnd := rand.New(rand.NewPCG(seed, 9))
			var c calibrate.Clock
			for range 300 {
				phase := rnd.Float64()
				wait := time.Duration((40 + 60*rnd.ExpFloat64() + 250*(1-phase)*(1-phase)) * float64(ms))
				start := model.Instant(time.Hour) + model.Instant(rnd.IntN(600))*model.Instant(time.Second) + model.Instant(phase*float64(time.Second))
				stamp := start.Add(6 * ms)
				if anchor == "end" {
					stamp = start.Add(wait - 6*ms)
				}
				second := start.Add(wait) / model.Instant(time.Second) * model.Instant(time.Second)
				v := model.Interval{Lo: second, Hi: second.Add(time.Second)}
				c.Add("LHR61-C2", v.Shift(-wait), v, model.Interval{Lo: stamp, Hi: stamp.Add(ms)})
			}
			if o := c.Offset("unknown"); o.FromStart != (anchor == "start") {
				t.Errorf("stamped at its %s, seed %d: from start %v, lag %v", anchor, seed, o.FromStart, o.Lag)
			}
		}
	}
}

// TestClockOfBusyHosts: one request in ten queues before its origin stamps it,
// or its answer does after, so that stamp and wait grow together, or neither.
func TestClockOfBusyHosts(t *testing.T) {
	for _, anchor := range []string{"start", "end"} {
		for seed := range uint64(20) {
			rnd := rand.New(rand.NewPCG(seed, 10))
			var c calibrate.Clock
			for range 700 {
				queued, work := time.Duration(0), time.Duration((40+110*rnd.Float64())*float64(ms))
				if rnd.IntN(10) == 0 {
					queued = time.Duration(rnd.ExpFloat64() * float64(250*ms))
				}
				start := model.Instant(time.Hour) + model.Instant(rnd.Int64N(int64(10*time.Minute)))
				stamp, first := start.Add(queued), start.Add(queued+work)
				if anchor == "end" {
					stamp = start.Add(work)
				}
				second := first / model.Instant(time.Second) * model.Instant(time.Second)
				v := model.Interval{Lo: second, Hi: second.Add(time.Second)}
				c.Add("LHR61-C2", v.Shift(start.Sub(first).Truncate(ms)), v, model.Interval{Lo: stamp, Hi: stamp.Add(ms)})
			}
			if o := c.Offset("unknown"); o.FromStart != (anchor == "start") || o.Lag.Abs() > 12*ms {
				t.Errorf("stamped at its %s, seed %d: from start %v, lag %v", anchor, seed, o.FromStart, o.Lag)
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
		{"a clock 7 minutes fast", joinedRows(200, 7*time.Minute, "end"), "about 7m0s ahead of the edge's on 200 of 200 joined requests: its clock was wrong"},
		{"a quarter of an hour is no zone", joinedRows(200, 15*time.Minute, "end"), "clock was wrong"},
		{"nor is an hour and a half", joinedRows(200, -90*time.Minute, "end"), "clock was wrong"},
		{"six seconds slow", joinedRows(200, -6*time.Second, "start"), "about 6s behind"},
		{"eight seconds, at the edge of the histogram", joinedRows(200, 8*time.Second, "start"), "clock was wrong"},
		{"ids of other requests", strangers(200), "each by another time"},
		{"a clock 21 minutes fast", joinedRows(200, 21*time.Minute, "end"), "clock was wrong"},
		{"another decade", joinedRows(200, 24*365*10*time.Hour, "end"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := clockOf(c.rows).Offset("unknown")
			if o.Refused == "" || !strings.Contains(o.Refused, c.reason) {
				t.Errorf("refused %q, want %q", o.Refused, c.reason)
			}
			var p reconstruct.Params
			if o.Apply("LHR61-C2", &p); p.Spread != 0 {
				t.Error("stamps are used all the same")
			}
		})
	}
	rows := append(joinedRows(200, 0, "end"), joinedRows(40, -8*time.Hour, "end")...)
	if o := clockOf(rows).Offset("end"); o.Refused != "" || !strings.Contains(o.Partly, "on 40 of 240") || !strings.Contains(o.Partly, "UTC-8;") {
		t.Errorf("one row in six is hours off: refused %q, partly %q", o.Refused, o.Partly)
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
		if got := empty.Offset("unknown"); !reflect.DeepEqual(got, want) {
			t.Fatalf("split at %d: %+v, want %+v", cut, got, want)
		}
	}
}

// strangers are edge rows beside origin rows of other requests.
func strangers(n int) []joined {
	rows := joinedRows(n, 0, "start")
	rnd := rand.New(rand.NewPCG(9, 9))
	for i := range rows {
		rows[i].origin = rows[i].origin.Shift(time.Duration(rnd.Int64N(int64(12*time.Hour))) - 6*time.Hour)
	}
	return rows
}

// TestClockOfEachCache: one location's clock is 200 ms off. Read as a whole,
// the stamps of all would be taken to be as vague as that.
func TestClockOfEachCache(t *testing.T) {
	rows := joinedRows(4000, 0, "start")
	for i, r := range rows {
		if i%4 == 0 {
			rows[i] = joined{"SYD62-P1", r.start.Shift(200 * ms), r.available.Shift(200 * ms), r.origin}
		}
	}
	quiet := joinedRows(3, -2*time.Second, "start") // too few to have a clock of their own
	for _, r := range quiet {
		rows = append(rows, joined{"NRT57-C1", r.start, r.available, r.origin})
	}
	o := clockOf(rows).Offset("unknown")
	for name, want := range map[string]time.Duration{"LHR61-C2": -7 * ms, "SYD62-P1": 193 * ms, "NRT57-C1": o.Lag, "none": o.Lag} {
		var p reconstruct.Params
		o.Apply(name, &p)
		if off := p.Lag - want; off < -15*ms || off > 15*ms {
			t.Errorf("%s: lag %v, want %v", name, p.Lag, want)
		}
		if name[0] == 'S' && p.Spread > 60*ms {
			t.Errorf("%s: spread %v", name, p.Spread)
		}
	}
}

// TestClockDrift: half an hour in, the origin's clock was set by 400 ms.
// Stamps are brought to one clock; taken as a whole they would all be vague.
func TestClockDrift(t *testing.T) {
	rows := joinedRows(6000, 0, "start")
	jump := model.Instant(time.Hour + 30*time.Minute)
	for i, r := range rows {
		if r.start.Lo >= jump {
			rows[i].origin = r.origin.Shift(400 * ms)
		}
	}
	o := clockOf(rows).Offset("start")
	if o.Spread > 60*ms || len(o.Drift) != 6 {
		t.Errorf("spread %v, drift %+v", o.Spread, o.Drift)
	}
	for _, r := range rows {
		if off := o.Correct(r.origin).Lo.Add(o.Lag).Sub(middle(r.start)); off.Abs() > 540*ms {
			t.Fatalf("corrected stamp is %v from the lookup at %v", off, r.start.Lo)
		}
	}
	steady := clockOf(joinedRows(6000, 0, "start")).Offset("start")
	if len(steady.Drift) != 0 || steady.Correct(rows[0].origin) != rows[0].origin {
		t.Errorf("a steady clock drifts: %+v", steady.Drift)
	}
}

func middle(v model.Interval) model.Instant { return v.Lo + (v.Hi-v.Lo)/2 }

// TestStrangers: none of the origin's rows was read, because all lie hours
// off; a sample of ids still tells by how much, whatever the order of reading.
func TestStrangers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 1))
	sample := func(n int, ahead time.Duration, parts int) *calibrate.Sample {
		out := make([]calibrate.Sample, parts)
		for _, i := range rnd.Perm(n) { // the edge's 20,000 are a part of the origin's day
			out[i%parts].Add(fmt.Appendf(nil, "request-%d", i), model.Instant(i*int(ms)).Add(ahead))
		}
		for i := 1; i < parts; i++ {
			out[0].Merge(&out[i])
		}
		return &out[0]
	}
	var first calibrate.Offset
	for _, parts := range []int{1, 3} {
		var c calibrate.Clock
		c.Strangers(sample(20_000, 0, parts), sample(200_000, 5*time.Hour+30*time.Minute, parts))
		o := c.Offset("unknown")
		if o.Joined < 200 || !strings.Contains(o.Refused, "UTC+5.5;") || o.WrongBy != 5*time.Hour+30*time.Minute {
			t.Errorf("read in %d parts: %+v", parts, o)
		}
		if first.Joined == 0 {
			first = o
		}
		if !reflect.DeepEqual(o, first) {
			t.Errorf("read in %d parts: %+v, in one: %+v", parts, o, first)
		}
	}
}
