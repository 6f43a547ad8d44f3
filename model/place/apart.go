package place

import (
	"maps"
	"slices"
	"time"
)

// Apart finds how far the clock of a log without request ids is from the
// edge's, before a single row of it is joined: the differences of pairs that
// have path and address in common crowd where the true pairs lie, be it hours
// away, and those of strangers lie anywhere. The zero Apart is empty and ready
// to use.
type Apart struct {
	bins map[int32]int32 // differences by tenths of a second
	n    int64
}

const (
	apartStep = 100 * time.Millisecond
	// apartReach bounds the differences: no time zone is further from another.
	apartReach = 26 * time.Hour
	// apartPairs bounds memory: the peak stands out long before.
	apartPairs = 50_000
	// apartWidth is how wide the true differences spread: the edge's whole
	// seconds, and the time that requests take.
	apartWidth = 1500 * time.Millisecond
)

// Add notes the difference between a stamp and the start of a request, origin's
// minus edge's.
func (a *Apart) Add(d time.Duration) {
	if d.Abs() > apartReach || a.n >= apartPairs {
		return
	}
	if a.bins == nil {
		a.bins = map[int32]int32{}
	}
	a.bins[int32(d.Round(apartStep)/apartStep)]++
	a.n++
}

// Pairs returns how many differences were noted.
func (a *Apart) Pairs() int64 { return a.n }

// The least number of pairs in the crowd, and how many times as dense as the
// next one it must be, to be believed.
const (
	apartLeast = 10
	apartClear = 2
)

// crowd is a stretch of apartWidth with the pairs in it and their mean, in steps.
type crowd struct {
	n   int64
	mid int64
}

// Read returns where the differences crowd and how many lie there; ok says that
// they do, and in one place alone. Of two readings as good the nearer to zero
// is taken, since most clocks are right.
func (a *Apart) Read() (d time.Duration, n int64, ok bool) {
	var best crowd
	all := a.crowds()
	for _, c := range all {
		if c.n > best.n || c.n == best.n && abs(c.mid) < abs(best.mid) {
			best = c
		}
	}
	next := int64(0)
	for _, c := range all {
		if abs(c.mid-best.mid) > 2*int64(apartWidth/apartStep) {
			next = max(next, c.n)
		}
	}
	return time.Duration(best.mid) * apartStep, best.n, best.n >= apartLeast && best.n >= apartClear*next
}

// crowds returns the stretch that ends at each difference.
func (a *Apart) crowds() []crowd {
	at := slices.Sorted(maps.Keys(a.bins))
	out := make([]crowd, 0, len(at))
	var inside, sum int64
	from := 0
	for _, bin := range at {
		inside += int64(a.bins[bin])
		sum += int64(bin) * int64(a.bins[bin])
		for ; time.Duration(bin-at[from])*apartStep > apartWidth; from++ {
			inside -= int64(a.bins[at[from]])
			sum -= int64(at[from]) * int64(a.bins[at[from]])
		}
		out = append(out, crowd{inside, sum / inside})
	}
	return out
}

func abs(x int64) int64 { return max(x, -x) }
