package reconstruct

import (
	"math/rand/v2"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
)

// chain supposes an instant and a cache for every source of a problem, under
// one expiry formula and one number of caches, and keeps how well each group
// agrees.
type chain struct {
	*problem
	rule model.Expiry
	rnd  *rand.PCG

	spots []spot    // where each source is
	lines [][]entry // what each cache was given, by arrival
	fit   []nats    // of each group

	spans []span   // what the move under trial changes
	met   []change // groups under trial
	mark  []int    // trial in which each group was last met
	trial int

	unknown, known []float64 // what was noted; laid out like those of problem

	served []serving // what the last call of serve found
	shared nats      // agreement of a Miss with a fresh response
	joined nats      // and with one under way
	undue  nats      // agreement of a lost fill with a fresh response
	proven int64     // how far a Miss proves that nothing fresh was there, in parts of a whole
}

// spot is a supposed arrival.
type spot struct {
	place uint16
	cache uint8
	at    int64
}

// entry is a response in a cache.
type entry struct {
	at, gone int64 // it is fresh from one to the other, or until the next entry
	source   int
}

// span is a stretch of one cache's time.
type span struct {
	cache  int
	lo, hi int64
}

// change is a group's agreement under a move that is tried.
type change struct {
	group int
	fit   nats
}

// serving says how much of a group a source served.
type serving struct {
	source int
	weight int64
}

func newChain(b *problem, rule model.Expiry, caches int, seed uint64) *chain {
	proof := b.params.proof()
	c := &chain{
		problem: b, rule: rule, rnd: rand.NewPCG(seed, uint64(caches)),
		spots: make([]spot, len(b.sources)), lines: make([][]entry, caches),
		fit: make([]nats, len(b.groups)), mark: make([]int, len(b.groups)),
		unknown: make([]float64, len(b.unknown)), known: make([]float64, len(b.known)),
		shared: toNats(1 - proof), undue: toNats((1 - proof) * same),
		joined: toNats(1 - float64(proof*min(1, b.params.Collapse))),
		proven: int64(whole * proof),
	}
	for i := range c.spots {
		c.spots[i].at = absent
	}
	return c
}

// begin draws a first supposition.
func (c *chain) begin() {
	for i := range c.sources {
		x := c.draw(i)
		if c.sources[i].event == nil {
			x = spot{at: absent} // nothing is lost until a hit needs it
		}
		c.enter(i, x)
	}
	for g := range c.groups {
		c.fit[g] = c.agree(g)
	}
}

// draw proposes any spot for source i.
func (c *chain) draw(i int) spot {
	word, deck := c.rnd.Uint64(), c.sources[i].deck
	x := spot{place: deck[(word>>48)*uint64(len(deck))>>16], cache: uint8((word & 0xffff) * uint64(len(c.lines)) >> 16)}
	p := &c.sources[i].places[x.place]
	x.at = p.lo + int64((word>>16&0xffffffff)*uint64(p.hi-p.lo)>>32)
	return x
}

// nudge is how far a short move goes. It is tried in long stretches only, since
// another draw from a short one is as short.
const nudge = 100_000

// propose proposes a spot anywhere, or else one close by in the same place.
func (c *chain) propose(i int, far bool) spot {
	x := c.spots[i]
	p := &c.sources[i].places[x.place]
	if far || x.at == absent || p.hi-p.lo < 4*nudge {
		return c.draw(i)
	}
	x.at += int64(c.rnd.Uint64()>>32*(2*nudge)>>32) - nudge
	if x.at < p.lo {
		x.at = 2*p.lo - x.at
	}
	if x.at >= p.hi {
		x.at = 2*p.hi - 1 - x.at
	}
	return x
}

// entry returns what a cache is given if source i arrives at x.
func (c *chain) entry(i int, x spot) entry {
	return entry{x.at, micros(cache.Expires(c.rule, model.Instant(x.at*usec), c.sources[i].life)), i}
}

// after returns the first position of line whose arrival is past t.
func after(line []entry, t int64) int {
	lo, hi := 0, len(line)
	for lo < hi {
		if mid := (lo + hi) / 2; line[mid].at > t {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// enter puts source i at x. Sources of one instant stand in their own order.
// A lost fill that never was is in no cache.
func (c *chain) enter(i int, x spot) {
	c.spots[i] = x
	if x.at == absent {
		return
	}
	line := c.lines[x.cache]
	n := after(line, x.at)
	for n > 0 && line[n-1].at == x.at && line[n-1].source > i {
		n--
	}
	c.lines[x.cache] = slices.Insert(line, n, c.entry(i, x))
}

// leave takes source i out of its cache.
func (c *chain) leave(i int) {
	if x := c.spots[i]; x.at != absent {
		n := c.position(i)
		c.lines[x.cache] = slices.Delete(c.lines[x.cache], n, n+1)
		c.spots[i].at = absent
	}
}

// position returns where in its cache source i stands.
func (c *chain) position(i int) int {
	line := c.lines[c.spots[i].cache]
	n := after(line, c.spots[i].at) - 1
	for line[n].source != i {
		n--
	}
	return n
}

// serve lists which sources served how much of g, and returns their sum.
func (c *chain) serve(g *group) int64 {
	c.served = c.served[:0]
	sum := int64(0)
	for _, line := range c.lines {
		free := g.from // from when on nothing is fresh
		for n := max(0, after(line, g.from)-1); n < len(line); n++ {
			e := &line[n]
			if c.pending > 0 {
				waited := min(c.sources[e.source].wait, g.wait+alike)
				sum += c.credit(g, e.source, max(free, e.at-waited), min(e.at, g.to), c.pending)
			}
			if e.at >= g.to {
				break
			}
			end := min(e.gone, g.to)
			if n+1 < len(line) {
				end = min(end, line[n+1].at)
			}
			sum += c.credit(g, e.source, max(g.from, e.at), end, whole)
			free = max(free, end)
		}
	}
	return sum
}

// whole is all of something, in the parts that credit counts in.
const whole = 256

// credit notes that source i served so many parts of g's lookups in [lo, hi).
func (c *chain) credit(g *group, i int, lo, hi, parts int64) int64 {
	if lo >= hi {
		return 0
	}
	w := g.weight(lo, hi) / whole * g.fit[c.sources[i].class] / whole * parts
	c.served = append(c.served, serving{i, w})
	return w
}

// move proposes another spot for source i and takes it as often as it agrees
// better, by the rule of Metropolis and Hastings.
func (c *chain) move(i int, far bool) {
	was, next := c.spots[i], c.propose(i, far)
	if next.at == was.at && (next.cache == was.cache || next.at == absent) {
		return
	}
	c.spans = c.spans[:0]
	if was.at != absent {
		c.spans = append(c.spans, c.changed(was.cache, c.lines[was.cache][c.position(i)]))
	}
	if next.at != absent {
		c.widen(c.changed(next.cache, c.entry(i, next)))
	}
	places := c.sources[i].places
	left := places[next.place].bias - places[was.place].bias + tolerance(c.rnd)
	hope := c.touched()
	old := c.misses(i)
	if left+hope-old < 0 {
		return
	}
	c.leave(i)
	c.enter(i, next)
	left += c.misses(i) - old
	if left += c.regroup(left, hope); left < 0 {
		c.leave(i)
		c.enter(i, was)
		return
	}
	for _, m := range c.met {
		c.fit[m.group] = m.fit
	}
}

// regroup asks the touched groups anew and returns what they gain. It gives up
// once not even the most they can gain, hope, keeps left from being negative.
func (c *chain) regroup(left, hope nats) nats {
	gain := nats(0)
	for n := range c.met {
		if left+gain+hope < 0 {
			break
		}
		m := &c.met[n]
		m.fit = c.agree(m.group)
		gain += m.fit - c.fit[m.group]
		hope += c.fit[m.group]
	}
	return gain
}

// widen adds s to the spans; two that overlap become one.
func (c *chain) widen(s span) {
	if len(c.spans) == 1 {
		o := &c.spans[0]
		if o.cache == s.cache && o.lo < s.hi && s.lo < o.hi {
			o.lo, o.hi = min(o.lo, s.lo), max(o.hi, s.hi)
			return
		}
	}
	c.spans = append(c.spans, s)
}

// note credits what is supposed now, with weight w.
func (c *chain) note(w float64) {
	for n := range c.groups {
		g := &c.groups[n]
		if g.empty || g.last == 0 {
			continue
		}
		unexplained := float64(c.floor) * float64(g.total) * float64(len(c.lines)) / shares
		sum := float64(c.serve(g)) + unexplained
		c.unknown[n] += float64(w * unexplained / sum)
		for _, s := range c.served {
			part := float64(w * float64(s.weight) / sum)
			switch {
			case c.sources[s.source].event == nil:
				c.unknown[n] += part
			case g.first <= s.source && s.source < g.last:
				c.known[g.base+s.source-g.first] += part
			}
		}
	}
}
