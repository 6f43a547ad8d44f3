package reconstruct

import (
	"hash/fnv"
	"math"

	"github.com/spillscope/spillscope/model/cache"
)

// Sweeps of a chain: in each, every source is asked to move once.
const (
	settling = 30  // before anything is noted
	fewest   = 80  // noted by all chains together, each by the weight of its world
	enough   = 400 // after which more say nothing new
	effort   = 160 // moves for each hit, in between
	scanty   = 20  // of any chain
)

// sweeps returns how many are noted. Where many hits share few fills, these
// are bound tightly and move slowly, and there are more hits to pay for it. A
// move costs more where many fills crowd, and tells less.
func (b *problem) sweeps() int {
	listed := 0
	for _, it := range b.items {
		listed += len(it.candidates)
	}
	crowded := 1 + float64(listed)/float64(len(b.items))/8
	moves := effort / crowded * float64(len(b.items))
	return min(enough, max(fewest, int(moves/float64(len(b.sources)))))
}

// few is the number of joint suppositions up to which each is tried in turn:
// about the cost of a chain.
const few = 1200

// solve adds up, over the formulas and the numbers of caches that the log
// allows, what each candidate explains.
func (b *problem) solve() {
	seed := b.seed()
	for r, rule := range cache.Rules {
		for k, size := range Sizes {
			weight := float64(b.params.Rules[r] * b.params.Caches[k])
			if weight < unlikely {
				continue
			}
			c := newChain(b, rule, size, seed)
			noted := c.enumerate()
			if noted == 0 {
				noted = c.run(max(scanty, int(float64(b.sweeps())*weight)))
			}
			for i, x := range c.known {
				b.known[i] += float64(weight * x / noted)
			}
			for i, x := range c.unknown {
				b.unknown[i] += float64(weight * x / noted)
			}
		}
	}
}

// seed comes from the smallest request id, so that a stretch is sampled alike
// whatever was read before it.
func (b *problem) seed() uint64 {
	least := ""
	for _, it := range b.items {
		if least == "" || it.event.ID < least {
			least = it.event.ID
		}
	}
	h := fnv.New64a()
	h.Write([]byte(least))
	return h.Sum64()
}

// run samples n suppositions and returns how many it noted.
func (c *chain) run(n int) float64 {
	c.begin()
	for i := range settling + n {
		c.sweep(i)
		if i >= settling {
			c.note(1)
		}
	}
	return float64(n)
}

// suspicions returns how often in a sweep each lost fill is supposed. Most are
// refused at a glance; those that are not decide on many hits at once, and
// where rows are lost in numbers, one try leaves that to chance.
func (b *problem) suspicions() int {
	if b.params.Loss < 0.005 {
		return 1
	}
	return 4
}

// sweep asks every source to move. Lost fills wait until the others have
// found their places, lest they explain what only has not settled yet.
func (c *chain) sweep(n int) {
	for i := range c.sources {
		switch {
		case c.sources[i].event != nil:
			c.move(i, n%2 == 0)
		case n >= settling/2:
			for range c.suspicions() {
				c.move(i, true)
			}
		}
	}
}

// point is one of the spots that an enumeration tries.
type point struct {
	spot
	p nats
}

// points lists about n spots of source i and each cache, some even where it is
// hardly to be expected. Those of different sources are offset, so that none
// arrive at once.
func (c *chain) points(i, n int) []point {
	s := &c.sources[i]
	total := 0.0
	for _, p := range s.places {
		total += p.p.weight()
	}
	offset := math.Mod(float64(i+1)*golden, 1)
	var out []point
	for _, p := range s.places {
		if p.lo == absent {
			out = append(out, point{spot{at: absent}, p.p})
			continue
		}
		parts := max(min(4, int((p.hi-p.lo)/nudge)), 1, int(math.Round(float64(n)*p.p.weight()/total)))
		if s.event == nil {
			parts = n
		}
		each := p.p - toNats(float64(parts*len(c.lines)))
		for j := range parts {
			at := p.lo + int64(float64(p.hi-p.lo)*(float64(j)+offset)/float64(parts))
			for k := range c.lines {
				out = append(out, point{spot{at: at, cache: uint8(k)}, each})
			}
		}
	}
	return out
}

// golden spreads offsets evenly, however many there are.
const golden = 0.6180339887

// enumerate tries every joint supposition in turn, with at most one lost fill
// each, and returns the weight of what it noted: 0 if there are too many.
func (c *chain) enumerate() float64 {
	tried, lost := 1, 1
	points := make([][]point, len(c.sources))
	for i := range points {
		if c.sources[i].event == nil {
			points[i] = c.points(i, 10)
			lost += len(points[i]) - 1
			continue
		}
		points[i] = c.points(i, 20)
		if tried *= len(points[i]); tried > few {
			return 0
		}
	}
	if tried*lost > few {
		return 0
	}
	return c.each(points, 0, 0, false)
}

// each notes every supposition about sources from i on, given what those
// before it are supposed to be, and returns their weight.
func (c *chain) each(points [][]point, i int, p nats, lost bool) float64 {
	if i == len(points) {
		w := (p + c.all()).weight()
		c.note(w)
		return w
	}
	sum := 0.0
	for _, x := range points[i] {
		loses := c.sources[i].event == nil && x.at != absent
		if loses && lost {
			continue
		}
		c.enter(i, x.spot)
		sum += c.each(points, i+1, p+x.p, lost || loses)
		c.leave(i)
	}
	return sum
}

// all returns how well everything agrees.
func (c *chain) all() nats {
	sum := nats(0)
	for g := range c.groups {
		sum += c.agree(g)
	}
	for _, line := range c.lines {
		for n, e := range line {
			if c.sources[e.source].miss {
				sum += c.agrees(line, n)
			}
		}
	}
	return sum
}
