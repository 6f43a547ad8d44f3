package calibrate

import (
	"maps"
	"math/bits"
	"slices"
	"time"
)

// lags is a histogram of differences between two clocks.
type lags struct {
	fine [2*fineReach/fineStep + 1]uint32
	n    int64 // in fine
}

const (
	fineStep  = 5 * time.Millisecond
	fineReach = 8 * time.Second
)

// add counts d and reports whether it is within reach.
func (l *lags) add(d time.Duration) bool {
	if d < -fineReach || d > fineReach {
		return false
	}
	l.fine[(d+fineReach)/fineStep]++
	l.n++
	return true
}

func (l *lags) merge(o *lags) {
	for i, n := range o.fine {
		l.fine[i] += n
	}
	l.n += o.n
}

// quantile returns the difference below which a share q of them lie.
func (l *lags) quantile(q float64) time.Duration {
	want, seen := int64(float64(l.n)*q), int64(0)
	for i, n := range l.fine {
		if seen += int64(n); seen > want {
			return time.Duration(i)*fineStep - fineReach
		}
	}
	return 0
}

// Trim cuts stray rows off both ends of a histogram.
const trim = 0.01

// midrange returns the middle between both ends, strays apart. Where clocks
// differ or drift it lies between them.
func (l *lags) midrange() time.Duration { return (l.quantile(trim) + l.quantile(1-trim)) / 2 }

// centre returns the middle of the differences and how far they spread beyond
// what whole-second stamps explain. The noise of these is uniform, so the
// window as wide as it that holds the most differences shows where they lie,
// to some milliseconds. Its place is not moved by requests that queue on a busy
// host before their origin stamps them, as the ends of the range are, though
// they be one in ten.
func (l *lags) centre(width time.Duration) (lag, spread time.Duration) {
	lo, hi := l.quantile(trim), l.quantile(1-trim)
	noise := time.Duration(float64(width) * (1 - 2*trim))
	from, to := l.window(width)
	return time.Duration(from+to)*fineStep/2 - fineReach, max(20*time.Millisecond, (hi-lo-noise)/2)
}

// window returns the bins [from, to), as wide as width, that hold the most
// differences; of several, those in the middle.
func (l *lags) window(width time.Duration) (from, to int) {
	bins := max(1, int((width+fineStep/2)/fineStep))
	most, inside := int64(-1), int64(0)
	var first, last int // the last bins of windows that hold the most
	for i, n := range l.fine {
		inside += int64(n)
		if i >= bins {
			inside -= int64(l.fine[i-bins])
		}
		switch {
		case inside > most:
			most, first, last = inside, i, i
		case inside == most && last == i-1:
			last = i
		}
	}
	to = (first+last)/2 + 1
	return max(0, to-bins), to
}

// beside returns how many differences lie before and after that window.
func (l *lags) beside(width time.Duration) (before, after int64) {
	from, to := l.window(width)
	for i, n := range l.fine {
		switch {
		case i < from:
			before += int64(n)
		case i >= to:
			after += int64(n)
		}
	}
	return before, after
}

// far counts the differences out of reach of lags, by whole seconds.
type far struct {
	seconds map[int32]int64
	n       int64
}

// farReach bounds what is told apart: no time zone is further from another.
const farReach = 26 * time.Hour

func (f *far) add(d time.Duration) {
	f.n++
	if d.Abs() > farReach {
		return
	}
	if f.seconds == nil {
		f.seconds = map[int32]int64{}
	}
	f.seconds[int32(d.Round(time.Second)/time.Second)]++
}

func (f *far) merge(o *far) {
	f.n += o.n
	for s, n := range o.seconds {
		if f.seconds == nil {
			f.seconds = map[int32]int64{}
		}
		f.seconds[s] += n
	}
}

// around is how far from the usual difference its fellows may lie.
const around = 3

// usual returns where the far differences crowd, and how many lie there.
func (f *far) usual() (d time.Duration, n int64) {
	for _, s := range slices.Sorted(maps.Keys(f.seconds)) {
		var near, sum int64
		for t := s - around; t <= s+around; t++ {
			near += f.seconds[t]
			sum += int64(t) * f.seconds[t]
		}
		if near > n {
			n, d = near, (time.Duration(sum) * time.Second / time.Duration(near)).Round(time.Second)
		}
	}
	return d, n
}

// waits sorts the differences from the lookup by how long the request waited
// for its first byte, in powers of two of a millisecond.
type waits [14]struct {
	fromStart lags
	wait      int64 // sum, in milliseconds
}

func (w *waits) add(fromStart, wait time.Duration) {
	ms := max(0, wait.Milliseconds())
	b := &w[min(bits.Len64(uint64(ms)), len(w)-1)]
	if b.fromStart.add(fromStart) {
		b.wait += ms
	}
}

func (w *waits) merge(o *waits) {
	for i := range w {
		w[i].fromStart.merge(&o[i].fromStart)
		w[i].wait += o[i].wait
	}
}

// slope returns by how much the stamp moves with the wait: 0 if it marks the
// start of a request, 1 if it marks the answer. The middle of the range of
// each bin tells it: a plain regression would need thousands of rows to see
// past the phase of whole-second stamps, and would be fooled where phase and
// wait hang together, as in a burst of requests that slow each other down.
func (w *waits) slope() float64 {
	var n, x, t, xt, tt float64
	for i := range w {
		b := &w[i]
		if b.fromStart.n < fewest {
			continue
		}
		lag := b.fromStart.midrange()
		weight, wait := float64(b.fromStart.n), float64(b.wait)/float64(b.fromStart.n)
		late := float64(lag.Milliseconds())
		n, x, t = n+weight, x+float64(weight*late), t+float64(weight*wait)
		xt, tt = xt+float64(weight*float64(late*wait)), tt+float64(weight*float64(wait*wait))
	}
	spread := float64(n*tt) - float64(t*t)
	if n == 0 || spread <= 0 {
		return 0
	}
	return (float64(n*xt) - float64(x*t)) / spread
}
