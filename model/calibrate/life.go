package calibrate

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// Life counts how old the last fill of an object was when the next requests
// came, and whether they were answered from it. Each request says of one
// response's life that it was longer or shorter than that age, known to a
// second or so; Lifetime makes a distribution of it. The TTL that somebody
// stated has no part in this. The zero Life is empty and ready to use.
type Life struct{ seen map[aged]int64 }

// aged is a request by the bins that its age begins and ends in.
type aged struct {
	lo, hi uint8
	hit    bool
}

// Bins are even up to four seconds, where caches that round differ, then ever
// wider, up to a year.
const (
	evenBins = 40
	evenBin  = 100 * time.Millisecond
	growth   = 1.25
	bins     = 116
)

// edge returns the age at which bin i begins.
func edge(i int) time.Duration {
	if i <= evenBins {
		return time.Duration(i) * evenBin
	}
	return time.Duration(float64(evenBins*evenBin) * math.Pow(growth, float64(i-evenBins))).Round(evenBin)
}

// binOf returns the bin that age d lies in.
func binOf(edges *[bins + 1]time.Duration, d time.Duration) uint8 {
	i, exact := slices.BinarySearch(edges[:], d)
	if !exact {
		i--
	}
	return uint8(max(0, min(i, bins-1)))
}

func edges() (out [bins + 1]time.Duration) {
	for i := range out {
		out[i] = edge(i)
	}
	return out
}

// Ages follows the requests of one object in one cache.
type Ages struct {
	to    *Life
	edges [bins + 1]time.Duration
	last  model.Interval // when the last fill arrived; zero if not known
}

// Ages returns a follower that counts into l.
func (l *Life) Ages() *Ages { return &Ages{to: l, edges: edges()} }

// Restart begins another object.
func (a *Ages) Restart() { a.last = model.Interval{} }

// Event takes the next hit or miss with its candidates, as a Sweep emits them.
// The candidates are there because one of them may have been logged later.
func (a *Ages) Event(e *reconstruct.Event, cs []reconstruct.Candidate, clock *reconstruct.Params) {
	e = timed(e, clock)
	last := a.lastBefore(e, cs, clock)
	switch refreshed := e.Recipient && !e.Origin.IsZero(); {
	case refreshed: // in the background, nobody knows when it arrived
		a.last = model.Interval{}
		return
	case e.Error || e.Head || last.IsZero():
	case e.Miss && e.Start.Lo < last.Hi && e.Start.Hi.Sub(e.Start.Lo) < precise: // maybe both were under way at once
	case e.Recipient && e.Available.Lo.Sub(e.Start.Lo) >= waited: // maybe collapsed
	default:
		a.count(e, last)
	}
	if e.Miss && !e.Error && e.Available.Lo > a.last.Lo {
		a.last = e.Available
	}
}

// precise is how well a Miss is timed by its origin row. Where it is not, those
// under way at once cannot be told from others, and leaving all of them out
// would leave out the short lives.
const precise = 500 * time.Millisecond

// lastBefore returns when the last fill arrived that e may have met.
func (a *Ages) lastBefore(e *reconstruct.Event, cs []reconstruct.Candidate, clock *reconstruct.Params) model.Interval {
	last := a.last
	for _, c := range cs {
		_, there, _ := timing(c.Fill, clock)
		if c.Fill.Miss && !c.Fill.Error && there.Lo < e.Start.Hi && there.Lo > last.Lo {
			last = there
		}
	}
	return last
}

func (a *Ages) count(e *reconstruct.Event, fill model.Interval) {
	lo, hi := max(0, e.Start.Lo.Sub(fill.Hi)), e.Start.Hi.Sub(fill.Lo)
	if hi <= 0 {
		return
	}
	if a.to.seen == nil {
		a.to.seen = map[aged]int64{}
	}
	a.to.seen[aged{binOf(&a.edges, lo), binOf(&a.edges, hi), e.Recipient}]++
}

// Merge adds what o has seen.
func (l *Life) Merge(o *Life) {
	for k, n := range o.seen {
		if l.seen == nil {
			l.seen = map[aged]int64{}
		}
		l.seen[k] += n
	}
}

// Requests returns how many requests were counted.
func (l *Life) Requests() (n int64) {
	for _, m := range l.seen {
		n += m
	}
	return n
}

// Lifetime is how long responses were served, by the log alone.
type Lifetime struct {
	Requests int64   `json:"requests"`
	P10      float64 `json:"seconds_p10"`
	P50      float64 `json:"seconds_p50"`
	P90      float64 `json:"seconds_p90"`
	AtOnce   float64 `json:"missed_at_once"`        // share missed however fresh: other caches, other variants
	Late     int64   `json:"hits_past_stated_life"` // longer after any fill than the stated life allows
	Hits     int64   `json:"hits"`
}

// rounds is when the estimate stops to move, for the purpose of three digits.
const rounds = 150

// stray is how likely a request was answered as it was for reasons that have
// nothing to do with age: the fill's row is lost, another variant was asked for.
const stray = 0.002

// Lifetime estimates the distribution of lives that makes what was seen
// likeliest: Turnbull's estimator for interval-censored data (semantics.md D2),
// by expectation and maximisation over the bins. longest is the longest life
// that the incident file allows.
func (l *Life) Lifetime(longest time.Duration) Lifetime {
	var out Lifetime
	es := edges()
	cells := slices.SortedFunc(maps.Keys(l.seen), func(a, b aged) int {
		return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi), compareBool(a.hit, b.hit))
	})
	for _, c := range cells {
		n := l.seen[c]
		out.Requests += n
		if c.hit {
			out.Hits += n
		}
		if c.hit && es[c.lo] > longest {
			out.Late += n
		}
	}
	if out.Requests == 0 {
		return out
	}
	w := l.turnbull(cells, &es)
	out.AtOnce = round(w[0])
	out.P10, out.P50, out.P90 = quantile(&w, &es, 0.1), quantile(&w, &es, 0.5), quantile(&w, &es, 0.9)
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// turnbull returns the weight of each life: bin i stands for its beginning,
// the last for ever.
func (l *Life) turnbull(cells []aged, es *[bins + 1]time.Duration) [bins]float64 {
	explains := make([][bins]float64, len(cells))
	for k, c := range cells {
		for i := range bins {
			explains[k][i] = c.explained(es, i)
		}
	}
	var w [bins]float64
	for i := range w { // of lives that explain all alike, the shortest
		w[i] = math.Ldexp(1, -i-1)
	}
	for range rounds {
		var next [bins]float64
		sum := 0.0
		for k, c := range cells {
			total := 0.0
			for i := range w {
				total += float64(w[i] * explains[k][i])
			}
			share := float64(l.seen[c]) / (total + stray)
			for i := range w {
				next[i] += float64(share * float64(w[i]*explains[k][i]))
			}
			sum += float64(share * total)
		}
		for i := range w {
			w[i] = next[i] / sum
		}
	}
	return w
}

// explained returns how likely the request was answered as it was if the
// response lived as long as bin i says. Its age is anywhere between its bounds.
func (c aged) explained(es *[bins + 1]time.Duration, i int) float64 {
	lo, hi, life := es[c.lo], es[c.hi+1], es[i]
	p := clamp(float64(life-lo) / float64(hi-lo))
	if i == bins-1 {
		p = 1
	}
	if c.hit {
		return p
	}
	return 1 - p
}

// quantile reads w without its first bin, which holds the misses that have
// nothing to do with age. In seconds.
func quantile(w *[bins]float64, es *[bins + 1]time.Duration, q float64) float64 {
	want := float64(q * (1 - w[0]))
	seen := 0.0
	for i := 1; i < bins; i++ {
		if seen += w[i]; seen >= want {
			return math.Round(es[i].Seconds()*10) / 10
		}
	}
	return math.Round(es[bins-1].Seconds())
}
