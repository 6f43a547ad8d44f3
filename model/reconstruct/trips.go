package reconstruct

import (
	"math"
	"math/bits"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Trips counts what shows that something answers from further away than the
// cache whose log this is. An upper tier's response takes the way there and
// back, whatever the log calls it (semantics.md A2.8), so strays, hits that
// nothing fresh in their own cache explains, are slow as a group. Strays whose
// fills are merely lost, or live longer than was stated, are as quick as any
// hit. The zero Trips is empty and ready to use.
type Trips struct {
	hits, strays lengths
	unrenewed    int64
	gaps         [gapBins + 1]int64
}

type lengths [16]int64

func bin(ttfb time.Duration) int {
	return min(bits.Len64(uint64(max(0, ttfb.Milliseconds()))), len(lengths{})-1)
}

func (l *lengths) total() (n int64) {
	for _, k := range l {
		n += k
	}
	return n
}

// share smooths the share of one bin by one count in all.
func (l *lengths) share(i int) float64 {
	const each = 1 / float64(len(lengths{}))
	return (float64(l[i]) + each) / float64(l.total()+1)
}

// Hit notes a hit with what its own cache may have handed it.
func (t *Trips) Hit(e *Event, ttfb time.Duration, cs []Candidate, policy Policy, p *Params) {
	newest := model.Instant(-1 << 62)
	for _, c := range cs {
		newest = max(newest, p.latest(c.Fill))
	}
	life := max(policy.TTL.Default-policy.Stale, policy.TTL.Min)
	if e.Start.Lo < newest.Add(life) || e.Fill {
		t.hits[bin(ttfb)]++
		return
	}
	t.strays[bin(ttfb)]++
	if policy.Stale > 0 && e.Start.Lo > newest.Add(life+renewal) {
		t.unrenewed++
	}
}

// renewal is how long a refresh in the background usually takes at most. Who
// is served a stale response sets one off, so a later hit must find it done.
const renewal = 5 * time.Second

// latest returns about the last instant at which f can have become available.
func (p *Params) latest(f *Event) model.Instant {
	if f.Origin.IsZero() || p.Spread <= 0 {
		return f.arrival().Hi
	}
	at := f.Origin.Hi.Add(p.Lag + 3*p.Spread)
	if p.FromStart {
		at = at.Add(f.ttfb())
	}
	if f.background() {
		return max(at, f.Available.Hi)
	}
	return min(at, f.arrival().Hi)
}

const (
	gapBins = 256
	gapStep = 250 * time.Millisecond
)

// Miss notes a Miss that the origin did not see, and the last fill of the
// object before it anywhere; nil if there was none.
func (t *Trips) Miss(e, fill *Event, p *Params) {
	if fill == nil {
		t.gaps[gapBins]++
		return
	}
	t.gaps[min(gapBins, max(0, int(e.Start.Lo.Sub(p.latest(fill))/gapStep)))]++
}

// Life returns how long an upper tier keeps what it hands out, as far as the
// times between a fill and the Misses it answers show. lost is how many of
// them are no more than lost rows, whose gaps say nothing.
func (t *Trips) Life(lost float64) time.Duration {
	beyond := int64(0)
	for i := gapBins; i >= 0; i-- {
		if beyond += t.gaps[i]; float64(beyond) > 2+1.5*lost {
			return time.Duration(min(i+1, gapBins)) * gapStep
		}
	}
	return 0
}

// Merge adds what o has seen.
func (t *Trips) Merge(o *Trips) {
	for i := range t.hits {
		t.hits[i] += o.hits[i]
		t.strays[i] += o.strays[i]
	}
	for i := range t.gaps {
		t.gaps[i] += o.gaps[i]
	}
	t.unrenewed += o.unrenewed
}

// Strays are slow as a group if more of them are than chance would make of so
// many other hits, by a margin that files of a few rows do not reach.
const (
	fewSlow  = 10
	oftener  = 1.5
	manySlow = 0.1 // share of the strays: where responses live long, a few of thousands waited for a fill
	quick    = 3   // bins of no interest: below 4 ms
)

// Slow returns how many strays took longer than other hits do, and whether
// they are enough to say that something answers from further away.
func (t *Trips) Slow() (n int64, seen bool) {
	usual := 0.0
	for i, k := range t.strays {
		s, h := t.strays.share(i), t.hits.share(i)
		if i >= quick && s > oftener*h {
			n += k
			usual += float64(h * float64(t.strays.total()))
		}
	}
	many := float64(n) >= manySlow*float64(t.strays.total())
	return n, many && float64(n) >= fewSlow+float64(oftener*usual)+3*math.Sqrt(usual)
}

// Unrenewed returns how many stale responses were served long after the first
// one must have set off a refresh, and whether that is more than lost rows
// explain: then something else than the origin answered the refresh.
func (t *Trips) Unrenewed(lost float64) (n int64, seen bool) {
	all := t.hits.total() + t.strays.total()
	return t.unrenewed, float64(t.unrenewed) > fewSlow+5*lost*float64(all)
}

// leastUpward is how likely any hit was handed its response by a tier that is
// known to be there, however quick it was.
const leastUpward = 0.01

// common is the share from which a length is one that strays usually have.
const common = 0.05

// Upward returns how likely a hit that took ttfb came from further away. Hits
// are taken for a mixture of quick ones and of such as the strays are.
func (t *Trips) Upward(ttfb time.Duration, orphan bool) float64 {
	if orphan {
		return 0.5
	}
	i := bin(ttfb)
	if _, seen := t.Slow(); !seen || i < quick {
		return leastUpward
	}
	far := 1.0
	for b := range t.hits {
		if s := t.strays.share(b); s >= common {
			far = min(far, t.hits.share(b)/s)
		}
	}
	return max(leastUpward, min(1-leastUpward, float64(far*t.strays.share(i))/t.hits.share(i)))
}
