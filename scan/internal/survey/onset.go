package survey

import (
	"math"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Method says how the onset of a route was found, for the reader.
const Method = "onset: change point of the share of fills with a session, by maximum likelihood over minutes, " +
	"then back through the unbroken run of minutes with such fills; earlier ones are strays"

// step is a minute of one route.
type step struct {
	at              model.Instant
	fills, sessions int
}

// stretch is a run of steps, both ends included.
type stretch struct{ from, to int }

// longestPause is how many empty minutes an unbroken run may hold.
const longestPause = 2

// onset returns the stretch of steps in which sessions reached a route. The
// first and the last row with a session were rejected as its ends: one stray
// row, hours early, would move the window.
func onset(steps []step, width time.Duration) (stretch, bool) {
	total := 0
	for _, s := range steps {
		total += s.sessions
	}
	if total == 0 {
		return stretch{}, false
	}
	best := likeliest(steps)
	reach := time.Duration(longestPause+1) * width
	run := best
	for i := best.from - 1; i >= 0 && steps[run.from].at.Sub(steps[i].at) <= reach; i-- {
		if steps[i].sessions > 0 {
			run.from = i
		}
	}
	for i := best.to + 1; i < len(steps) && steps[i].at.Sub(steps[run.to].at) <= reach; i++ {
		if steps[i].sessions > 0 {
			run.to = i
		}
	}
	return run, true
}

// likeliest splits steps into a stretch with one rate of sessions and the
// rest with another. Given both rates, the likeliest stretch is that of the
// largest sum of log-likelihood ratios; rates and stretch are found in turns.
// That ends at the nearest optimum, so it begins from several rates.
func likeliest(steps []step) stretch {
	best, most := stretch{}, math.Inf(-1)
	for _, start := range [...]float64{0.5, 0.1, 0.02} {
		run, l := climb(steps, start)
		if l > most {
			best, most = run, l
		}
	}
	return best
}

// climb returns the stretch found from one rate, and its log-likelihood.
func climb(steps []step, inside float64) (run stretch, l float64) {
	outside := inside / 100
	for range 50 {
		next := heaviest(steps, inside, outside)
		in, out := next.split(steps)
		done := next == run
		run, inside, outside = next, rate(in), rate(out)
		l = in.likelihood() + out.likelihood()
		if done || inside <= outside {
			break
		}
	}
	return run, l
}

// split sums up the steps within a stretch and those without.
func (r stretch) split(steps []step) (in, out step) {
	for i, s := range steps {
		part := &out
		if r.from <= i && i <= r.to {
			part = &in
		}
		part.fills += s.fills
		part.sessions += s.sessions
	}
	return in, out
}

// likelihood is the logarithm of how likely the sessions of s are at its own rate.
func (s step) likelihood() float64 {
	p := rate(s)
	return float64(s.sessions)*math.Log(p) + float64(s.fills-s.sessions)*math.Log(1-p)
}

// rate estimates a share, kept away from 0 and 1.
func rate(s step) float64 {
	return (float64(s.sessions) + 0.5) / (float64(max(s.fills, s.sessions)) + 1.01)
}

// heaviest returns the stretch of the largest sum that begins and ends with a
// session.
func heaviest(steps []step, inside, outside float64) stretch {
	yes, no := math.Log(inside/outside), math.Log((1-inside)/(1-outside))
	best, sum, from := math.Inf(-1), 0.0, 0
	var out stretch
	for i, s := range steps {
		if sum <= 0 {
			sum, from = 0, i
		}
		sum += float64(s.sessions)*yes + float64(s.fills-s.sessions)*no
		if sum > best && s.sessions > 0 {
			best, out = sum, stretch{from, i}
		}
	}
	for out.from < out.to && steps[out.from].sessions == 0 {
		out.from++
	}
	return out
}
