package identity

import (
	"cmp"
	"slices"
)

// What became of a hit is inferred for all hits of a jar together, by the
// forward and backward passes over a hidden Markov chain. Its hidden state is
// what the jar holds; a hit changes it as its candidates and the jar allow, an
// own response puts the own session back (semantics.md C8), the last writer
// wins (B1), and every request shows it. Weighing each hit by itself was tried
// before: two hits of one page then each took half the credit for one switch,
// and of two deliveries in a row the earlier was believed as much as the later.
//
// Where a hit stands among the moments of its own second is open. Its places
// are summed over; up to maxOpen hits at once can be under way so.

// outcome is the share of one candidate: delivered but not applied, applied.
type outcome struct{ refused, applied float64 }

const maxOpen = 4

// A step is one move along a story.
type step struct {
	kind stepKind
	n    int     // moment, or hit
	bit  int     // of the hit among those open
	p    float64 // occur: that it is here, if it was not before
	was  []belief
}

type stepKind uint8

const (
	stepMoment stepKind = iota
	stepOpen            // a hit may happen from here on
	stepOccur           // it may happen here
	stepShut            // it has happened
)

// chain is the inference over one story.
type chain struct {
	*Device
	st    *story
	seen  map[who]content // what moments show
	shown []content       // by moment
	steps []step

	credits []outcome // of one step
}

func (d *Device) infer() {
	for _, st := range d.stories() {
		c := &chain{Device: d, st: st}
		c.number()
		c.plan()
		c.forward()
		c.backward()
	}
}

// number gives each content that the story shows a number, and tells which the
// candidates of its hits would bring.
func (c *chain) number() {
	c.seen = map[who]content{{}: nothing}
	c.shown = make([]content, len(c.st.moments))
	for i := range c.st.moments {
		w := c.st.moments[i].what
		n, ok := c.seen[w]
		if !ok {
			n = contents + content(len(c.seen)-1)
			c.seen[w] = n
		}
		c.shown[i] = n
	}
	for _, i := range c.st.hits {
		cs := c.hits[i].Candidates
		for n := range cs {
			cs[n].content = c.content(&cs[n])
		}
	}
}

// span is where among the moments a hit may stand: before moment from+i with
// probability p[i].
type span struct {
	hit, from int
	p         []float64
}

// place returns the places of hit i.
func (c *chain) place(i int) span {
	at := c.hits[i].Available.Shift(flight)
	m := c.st.moments
	// Stamps are at most this wide, so no moment farther away is open.
	lo, _ := slices.BinarySearchFunc(m, int64(at.Lo)-int64(c.widest), func(x moment, t int64) int { return cmp.Compare(int64(middle(x.at)), t) })
	s := span{hit: i, from: lo}
	before := 1.0 // that it is after the moment before
	for k := lo; ; k++ {
		after := 0.0
		if k < len(m) {
			after = min(before, later(at, m[k].at))
		}
		s.p = append(s.p, before-after)
		if before = after; before <= 0 {
			break
		}
	}
	for len(s.p) > 1 && s.p[0] <= 0 {
		s.p, s.from = s.p[1:], s.from+1
	}
	return s
}

// plan lays out the steps: moments, and before each the hits that may stand there.
func (c *chain) plan() {
	spans := make([]span, len(c.st.hits))
	for n, i := range c.st.hits {
		spans[n] = c.place(i)
	}
	slices.SortStableFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(c.hits[a.hit].Available.Lo, c.hits[b.hit].Available.Lo))
	})
	var open []*span
	next := 0
	for k := 0; k <= len(c.st.moments); k++ {
		open = c.occur(k, open, false)
		for ; next < len(spans) && spans[next].from <= k; next++ {
			s := &spans[next]
			if len(open) >= maxOpen { // crowded: here as well as anywhere
				s.p = s.p[:1]
			}
			c.steps = append(c.steps, step{kind: stepOpen, n: s.hit, bit: len(open)})
			open = c.occur(k, append(open, s), true)
		}
		if k < len(c.st.moments) {
			c.steps = append(c.steps, step{kind: stepMoment, n: k})
		}
	}
}

// occur lets the open hits, or only the last of them, happen at place k and
// shuts those that must have.
func (c *chain) occur(k int, open []*span, last bool) []*span {
	for bit, s := range open {
		if last && bit < len(open)-1 {
			continue
		}
		left := 0.0
		for _, p := range s.p[k-s.from:] {
			left += p
		}
		p := 1.0
		if left > 0 && k-s.from < len(s.p)-1 {
			p = s.p[k-s.from] / left
		}
		if p > 0 {
			c.steps = append(c.steps, step{kind: stepOccur, n: s.hit, bit: bit, p: p})
		}
	}
	for bit := len(open) - 1; bit >= 0; bit-- {
		if s := open[bit]; k-s.from >= len(s.p)-1 && (!last || bit == len(open)-1) {
			c.steps = append(c.steps, step{kind: stepShut, n: s.hit, bit: bit})
			open = slices.Delete(open, bit, bit+1)
		}
	}
	return open
}
