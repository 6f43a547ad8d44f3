package calibrate

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Leak counts, for one cache, which of its fills carried a session and which
// did not, by time. A change of configuration reaches every location at its
// own time and leaves it at its own (semantics.md A2.24). The zero Leak is
// empty and ready to use.
type Leak struct{ steps map[model.Instant]fills }

// fills are those of one step.
type fills struct{ bearing, clean int64 }

// leakStep is how finely a change is placed: stamps are whole seconds, and a
// busy location has a fill in most steps.
const leakStep = 5 * time.Second

// Fill notes a fill of which it is known whether it carried a session.
func (l *Leak) Fill(at model.Instant, bearing bool) {
	f := fills{clean: 1}
	if bearing {
		f = fills{bearing: 1}
	}
	l.add(at-at%model.Instant(leakStep), f)
}

func (l *Leak) add(step model.Instant, f fills) {
	if l.steps == nil {
		l.steps = map[model.Instant]fills{}
	}
	old := l.steps[step]
	l.steps[step] = fills{old.bearing + f.bearing, old.clean + f.clean}
}

// Merge adds what o has seen.
func (l *Leak) Merge(o *Leak) {
	for at, f := range o.steps {
		l.add(at, f)
	}
}

// LeakSpan is when a cache leaked: it began between FromLo and FromHi, and ended
// between ToLo and ToHi, each with 90 %. A bound that the log does not reach
// is zero.
type LeakSpan struct {
	FromLo, FromHi, ToLo, ToHi model.Instant
	Fills                      int64 // that carried a session, within
	Clean                      int64 // that did not, within: requests without a session
	Outside                    int64 // that carried one, before or after
}

// strays is how often a fill carries a session although the cache does not
// leak: a stamp that is off, a test of the change before it was made.
const strays = 0.002

// visit is about how many fills one client causes in a row. A visitor without a
// session is clean on all of them, which is no more proof than one.
const visit = 2

// Span finds the one stretch in which sessions are usual, and how well its ends
// are known: a fill without a session may be that of an anonymous client, so
// the last clean fill alone does not tell. ok is false if no fill carried a
// session.
func (l *Leak) Span() (s LeakSpan, ok bool) {
	times := slices.Sorted(maps.Keys(l.steps))
	scores := l.scores(times)
	from, to := bestRun(scores)
	if from < 0 {
		return s, false
	}
	for i, at := range times {
		f := l.steps[at]
		if i < from || i > to {
			s.Outside += f.bearing
			continue
		}
		s.Fills += f.bearing
		s.Clean += f.clean
	}
	before, last := endsOf(scores[:to+1], from)
	s.FromHi = times[last].Add(leakStep)
	if before > 0 {
		s.FromLo = times[before-1]
	}
	back := slices.Clone(scores[from:])
	slices.Reverse(back)
	after, first := endsOf(back, len(scores)-1-to)
	s.ToLo = times[len(times)-1-first]
	if after > 0 {
		s.ToHi = times[len(times)-after].Add(leakStep)
	}
	return s, true
}

// scores returns by how much each step speaks for a leak, as log-likelihood.
func (l *Leak) scores(times []model.Instant) []float64 {
	first, last := -1, -1
	for i, at := range times {
		if l.steps[at].bearing > 0 {
			last = i
			if first < 0 {
				first = i
			}
		}
	}
	if first < 0 {
		return nil
	}
	var sum fills
	for _, at := range times[first : last+1] {
		f := l.steps[at]
		sum.bearing, sum.clean = sum.bearing+f.bearing, sum.clean+f.clean
	}
	// How usual a session is while the cache leaks. Where it leaked twice the
	// clean stretch between lowers it, but not to what strays are.
	usual := max(0.1, min(0.98, (float64(sum.bearing)+1)/float64(sum.bearing+sum.clean+2)))
	speaks, against := math.Log(usual/strays), math.Log((1-usual)/(1-strays))/visit
	out := make([]float64, len(times))
	for i, at := range times {
		f := l.steps[at]
		out[i] = float64(speaks*float64(f.bearing)) + float64(against*float64(f.clean))
	}
	return out
}

// bestRun returns the first and the last step of the run with the highest
// sum; −1 if none is above zero.
func bestRun(scores []float64) (from, to int) {
	from, to = -1, -1
	best, sum, start := 0.0, 0.0, 0
	for i, x := range scores {
		if sum <= 0 {
			sum, start = 0, i
		}
		if sum += x; sum > best {
			best, from, to = sum, start, i
		}
	}
	return from, to
}

// endsOf returns between which steps a run that surely holds the last score
// begins, with 90 %; near is its likeliest beginning.
func endsOf(scores []float64, near int) (lo, hi int) {
	weights := make([]float64, len(scores))
	sum, total := 0.0, 0.0
	for i := len(scores) - 1; i >= 0; i-- {
		sum += scores[i]
		weights[i] = sum
	}
	top := weights[near]
	for i := range weights {
		weights[i] = math.Exp(weights[i] - top)
		total += weights[i]
	}
	acc := 0.0
	lo, hi = -1, len(scores)-1
	for i, w := range weights {
		acc += w / total
		if lo < 0 && acc >= 0.05 {
			lo = i
		}
		if acc >= 0.95 {
			return lo, i
		}
	}
	return max(lo, 0), hi
}
