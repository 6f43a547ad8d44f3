package reconstruct

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// problem is a stretch of one cache's traffic laid out for supposing: the
// fills with the instants at which each may have arrived, and what their
// answers have to agree with. Times are in microseconds since the epoch.
type problem struct {
	policy  Policy
	params  *Params
	items   []item
	sources []source       // fills by start, then lost ones
	index   map[*Event]int // where in sources
	names   []string       // of each item's component
	groups  []group        // by from
	until   []int64        // until[i] is the latest end of groups[:i+1]
	groupOf []int          // of each item that is a hit; else -1
	waits   int64          // longest wait of a source
	tail    float64        // how likely a row's clock is beside its interval
	pending int64          // how often a request waits for one under way, in 1/256
	floor   int64          // likelihood of a hit that nothing explains, in 1/shares
	unknown []float64
	known   []float64 // of each group, one for each source of its reach
}

// place is a stretch of time in which a fill may have arrived, anywhere in it
// alike.
type place struct {
	lo, hi int64
	p      nats
	bias   nats // p over how often it is tried
}

// absent is the arrival of a lost fill that never was.
const absent = math.MaxInt64 >> 1

// group is a number of hits that say nearly the same, or one Miss that fills
// nothing.
type group struct {
	from, to int64 // of the lookup, with what clocks may be off
	lo, hi   int64 // as logged
	off      int64 // weight of what lies beside lo and hi; inside is certain
	total    int64 // weight of all of it
	wait     int64 // from lookup to first byte
	fit      [classes]int64
	n        int64
	empty    bool // a Miss

	first, last int // sources that may be credited
	base        int // of its row in known
}

// certain is the weight of a microsecond in which a lookup may have come.
const certain = 1 << 16

// Classes of responses by what they look like: an error or not, HEAD or not.
const classes = 4

func class(e *Event) uint8 {
	c := uint8(0)
	if e.Error {
		c |= 1
	}
	if e.Head {
		c |= 2
	}
	return c
}

const usec = int64(time.Microsecond)

func micros(i model.Instant) int64 { return int64(i) / usec }

// Hosts of one cache may differ by as much as membership allows for, so a row
// may lie that far beside its interval. How likely, the origin's clock tells:
// it sees the spread of theirs. Without it little is known of them.
const (
	beside    = 2 * Slack
	untold    = 0.03
	blur      = 20 * time.Millisecond // a Spread that calibration calls none
	leastTail = 0.01
	mostTail  = 0.25
)

func (p *Params) tail() float64 {
	if p.Spread <= 0 {
		return untold
	}
	return min(mostTail, max(leastTail, float64(p.Spread-blur)/float64(2*beside)))
}

// newProblem lays out items.
func newProblem(items []item, policy Policy, params *Params, rate float64) *problem {
	b := &problem{policy: policy, params: params, items: items, tail: params.tail()}
	b.pending = int64(math.Round(256 * params.Collapse))
	b.floor = max(1, int64(shares*min(params.Loss, 0.5)*unforeseen))
	b.fills()
	b.names = components(items)
	for i := range b.sources {
		b.waits = max(b.waits, b.sources[i].wait)
	}
	b.observe()
	b.suspectLost(rate)
	return b
}

// unforeseen is the likelihood, as a part of that of a lost row, of what
// nothing here foresees.
const unforeseen = 0.005

// fills lists the sources of all items by start.
func (b *problem) fills() {
	b.index = map[*Event]int{}
	var events []*Event
	note := func(e *Event) {
		if _, ok := b.index[e]; !ok {
			b.index[e] = 0
			events = append(events, e)
		}
	}
	for _, it := range b.items {
		for _, c := range it.candidates {
			note(c.Fill)
		}
		if it.event.Fill {
			note(it.event)
		}
	}
	slices.SortFunc(events, func(a, b *Event) int {
		return cmp.Or(cmp.Compare(a.Start.Lo, b.Start.Lo), cmp.Compare(a.ID, b.ID))
	})
	b.sources = make([]source, len(events))
	for i, e := range events {
		b.index[e] = i
		b.sources[i] = b.source(e)
	}
}

// alike is by how much starts may differ that are taken as one: less than a
// grid cell. Beside stamps of a millisecond it would be much.
const alike = 8000

// observe lays out what hits say. Those of one moment and kind are one group.
func (b *problem) observe() {
	b.groupOf = make([]int, len(b.items))
	order := make([]int, 0, len(b.items))
	all := make([]group, len(b.items))
	for i, it := range b.items {
		b.groupOf[i] = -1
		if it.event.Recipient || it.event.Miss && !it.event.Fill {
			all[i] = b.observation(it)
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(all[x].from, all[y].from) })
	for _, i := range order {
		g := &all[i]
		n := len(b.groups)
		if n == 0 || !b.groups[n-1].takes(g) {
			b.groups = append(b.groups, *g)
			n++
		} else {
			b.groups[n-1].n++
			b.groups[n-1].first = min(b.groups[n-1].first, g.first)
			b.groups[n-1].last = max(b.groups[n-1].last, g.last)
		}
		b.groupOf[i] = n - 1
	}
	b.until = make([]int64, len(b.groups))
	end, size := int64(math.MinInt64), 0
	for i := range b.groups {
		g := &b.groups[i]
		end = max(end, g.to)
		b.until[i] = end
		g.base = size
		size += g.last - g.first
	}
	b.unknown, b.known = make([]float64, len(b.groups)), make([]float64, size)
}

// takes reports whether o says the same as g.
func (g *group) takes(o *group) bool {
	return g.hi-g.lo == o.hi-o.lo && o.from-g.from <= min(alike, (g.hi-g.lo)/100) &&
		g.empty == o.empty && g.fit == o.fit && max(g.wait-o.wait, o.wait-g.wait) <= alike
}

// observation is what one item says.
func (b *problem) observation(it item) group {
	e := it.event
	start := e.Start
	start.Lo = max(start.Lo, start.Hi.Add(-longest))
	g := group{lo: micros(start.Lo), hi: micros(start.Hi), n: 1, empty: !e.Recipient}
	g.hi = max(g.hi, g.lo+1)
	g.from, g.to = g.lo-int64(beside)/usec, g.hi+int64(beside)/usec
	width := g.hi - g.lo
	g.off = int64(certain * b.tail * min(1, float64(width)/float64(2*int64(beside)/usec)))
	g.off = max(1, g.off)
	g.total = g.weight(g.from, g.to)
	g.wait = micros(model.Instant(e.Available.Hi.Sub(e.Start.Hi)))
	for c := range g.fit {
		g.fit[c] = max(1, int64(256*agreement(&Event{Error: c&1 != 0, Head: c&2 != 0}, e)))
	}
	g.first = math.MaxInt
	for _, c := range it.candidates {
		g.first, g.last = min(g.first, b.index[c.Fill]), max(g.last, b.index[c.Fill]+1)
	}
	if len(it.candidates) == 0 {
		g.first = 0
	}
	return g
}

// before returns the number of groups that begin before t.
func (b *problem) before(t int64) int {
	lo, hi := 0, len(b.groups)
	for lo < hi {
		if mid := (lo + hi) / 2; b.groups[mid].from >= t {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// weight returns how much of g lies in [lo, hi), which is part of [from, to).
func (g *group) weight(lo, hi int64) int64 {
	w := (hi - lo) * g.off
	if inside := min(hi, g.hi) - max(lo, g.lo); inside > 0 {
		w += inside * certain
	}
	return w
}

// lostStretch is the time in which one lost fill is looked for at most.
const lostStretch = 1_000_000

// suspectLost adds the fills whose rows may be lost. Requests come at some
// rate; one that found nothing fresh is a Miss, and its row is lost as often
// as others are. That nothing fresh was there is asked of it like of a Miss
// that is logged, so lost fills are supposed where one was due.
func (b *problem) suspectLost(rate float64) {
	if len(b.groups) == 0 || b.params.Loss <= 0 {
		return
	}
	from, to := b.groups[0].from-int64(b.policy.TTL.Default)/usec, b.until[len(b.until)-1]
	from = max(from, b.groups[0].from-10_000_000)
	loss := min(b.params.Loss, 0.5)
	each := loss / (1 - loss) * rate * lostStretch / 1e6
	wait := b.usualWait()
	for at := from; at < to; at += lostStretch {
		s := source{wait: wait, life: b.policy.usual(), miss: true}
		s.add(absent, absent, 1)
		s.add(at, at+lostStretch, each)
		if len(s.places) < 2 {
			return
		}
		s.deal(0, 1)
		s.deal(1, 1)
		b.sources = append(b.sources, s)
		b.waits = max(b.waits, wait)
	}
}

// usual is the life that a response is assumed to have.
func (p *Policy) usual() time.Duration { return usualLife(*p, &Event{}) }

// usualWait is the middle one of the waits for a first byte.
func (b *problem) usualWait() int64 {
	waits := []int64{100_000}
	for i := range b.sources {
		if b.sources[i].miss {
			waits = append(waits, b.sources[i].wait)
		}
	}
	slices.Sort(waits)
	return waits[len(waits)/2]
}

// weighed returns the answer for item i.
func (b *problem) weighed(i int) Weighed {
	it := b.items[i]
	w := Weighed{Event: it.event, Candidates: it.candidates, Component: b.names[i]}
	if len(it.candidates) == 0 {
		w.Unknown = 1
		return w
	}
	g := &b.groups[b.groupOf[i]]
	total := max(b.unknown[b.groupOf[i]], faint)
	w.Unknown = total
	for c := range w.Candidates {
		n := b.index[w.Candidates[c].Fill]
		w.Candidates[c].P = max(faint, b.known[g.base+n-g.first])
		total += w.Candidates[c].P
	}
	for c := range w.Candidates {
		w.Candidates[c].P /= total
	}
	w.Unknown /= total
	return w
}
