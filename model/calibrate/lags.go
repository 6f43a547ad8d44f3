package calibrate

import (
	"maps"
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

// centre returns the middle of the differences and how far they spread beyond
// what whole-second stamps explain. The middle of the range of uniform noise
// is known far better than its mean: its error falls with 1/n, not 1/√n.
func (l *lags) centre(width time.Duration) (lag, spread time.Duration) {
	lo, hi := l.quantile(trim), l.quantile(1-trim)
	noise := time.Duration(float64(width) * (1 - 2*trim))
	return (lo + hi) / 2, max(20*time.Millisecond, (hi-lo-noise)/2)
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
