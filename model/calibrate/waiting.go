package calibrate

import (
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// waiting counts hits by whether they took long, and by whether they may have
// waited for a fill that was under way. Where requests are collapsed, as many
// hits take long as requests come while a fill is under way, and they are
// answered when it arrives. A cache whose hits are slow for other reasons is
// slow at any time; how often that is, its log must tell.
//
// That no two Misses are under way at once says nothing by itself: there may
// have been no request to make one. Those that would have are the slow hits.
type waiting struct {
	slow, quick, met int64 // met: slow, and a fill arrived when they were answered
	hits             int64 // any that were answered when a fill arrived
	room             int64 // for how long these can have waited, in microseconds
}

func (w *waiting) add(e *reconstruct.Event, cs []reconstruct.Candidate, clock *reconstruct.Params) {
	wait := e.Available.Lo.Sub(e.Start.Lo)
	room := time.Duration(-1)
	for _, c := range cs {
		asked, there, _ := timing(c.Fill, clock)
		took := there.Lo.Sub(asked.Lo)
		if c.Fill.Miss && wait <= took+alike && overlap(e.Available, there) {
			room = max(room, took-waited, 0)
		}
	}
	switch {
	case wait < waited:
		w.quick++
	case room >= 0:
		w.met++
		fallthrough
	default:
		w.slow++
	}
	if room >= 0 {
		w.hits++
		w.room += room.Microseconds()
	}
}

// alike is how much longer than its fill a request that waited for it may take.
const alike = 10 * time.Millisecond

func overlap(a, b model.Interval) bool { return a.Lo < b.Hi && b.Lo < a.Hi }

func (w *waiting) merge(o *waiting) {
	w.slow, w.quick, w.met = w.slow+o.slow, w.quick+o.quick, w.met+o.met
	w.hits, w.room = w.hits+o.hits, w.room+o.room
}

// evidence returns by how much the logarithm of the odds of collapsing rises,
// if all slow hits but so many of those that met a fill count.
func (w *waiting) evidence(but int64) float64 {
	met, others := float64(max(0, w.met-but)), float64(w.slow-w.met)
	under := float64(w.room) / 1e6 / float64(max(1, w.hits)) // share of a second
	var apiece, collapsed []float64
	for s := seldomSlow; s < 0.6; s *= 2 {
		rest := float64(others*math.Log(s)) + float64(float64(w.quick)*math.Log(1-s))
		apiece = append(apiece, rest+float64(met*math.Log(s)))
		collapsed = append(collapsed, rest+float64(met*math.Log(s+under)))
	}
	return logSum(collapsed) - logSum(apiece)
}

// logSum returns the logarithm of the sum of what xs are the logarithms of.
func logSum(xs []float64) float64 {
	top, sum := slices.Max(xs), 0.0
	for _, x := range xs {
		sum += math.Exp(x - top)
	}
	return top + math.Log(sum)
}

// seldomSlow is the least share of hits that are slow by themselves. Any share
// from it on is as likely as one twice as large.
const seldomSlow = 0.001
