package identity

import "slices"

// content is what the chain knows a candidate's session as.
func (c *chain) content(x *Candidate) content {
	if x.who == (who{}) {
		return unlisted
	}
	if n, ok := c.seen[x.who]; ok {
		return n
	}
	return elsewhere
}

// drop removes bit from a mask of open hits.
func drop(mask, bit int) int { return mask>>(bit+1)<<bit | mask&(1<<bit-1) }

// forward carries the belief along the story, keeping it where hits happen.
func (c *chain) forward() {
	at := []belief{{list: []share{{anyone, 1}}}}
	for n := range c.steps {
		s := &c.steps[n]
		switch s.kind {
		case stepOpen:
			at = append(at, make([]belief, len(at))...)
		case stepShut:
			next := make([]belief, len(at)/2)
			for mask := range at {
				if mask>>s.bit&1 == 1 {
					next[drop(mask, s.bit)] = at[mask]
				}
			}
			at = next
		case stepOccur:
			s.was = make([]belief, len(at))
			for mask := range at {
				s.was[mask] = at[mask].clone()
			}
			c.occurred(s, at)
		case stepMoment:
			for mask := range at {
				c.moved(&at[mask], s.n)
			}
			normalise(at)
		}
	}
}

// forgettable is the share below which a content is dropped from a belief.
const forgettable = 1e-15

func normalise(at []belief) {
	total := 0.0
	for i := range at {
		total += at[i].total()
	}
	if total <= 0 {
		return
	}
	for i := range at {
		at[i].scale(1 / total)
		at[i].list = slices.DeleteFunc(at[i].list, func(s share) bool { return s.p < forgettable })
	}
}

// occurred moves mass over the hit of s.
func (c *chain) occurred(s *step, at []belief) {
	h := &c.hits[s.n]
	for mask := range at {
		if mask>>s.bit&1 == 1 {
			continue
		}
		from, to := &at[mask], &at[mask|1<<s.bit]
		mass := float64(from.total() * s.p)
		taken := 0.0
		for i := range h.Candidates {
			x := &h.Candidates[i]
			if p := float64(x.Prior * h.takesOf(x)); p > 0 {
				to.add(x.content, float64(mass*p))
				taken += p
			}
		}
		lost := float64(h.Unknown * h.takes)
		if lost > 0 {
			to.add(unlisted, float64(mass*lost))
		}
		left := max(0, 1-taken-lost)
		for _, x := range from.list {
			to.add(x.what, float64(float64(x.p*s.p)*left))
		}
		from.scale(1 - s.p)
	}
}

// takesOf returns how likely the jar takes the cookie of candidate c.
func (h *Hit) takesOf(c *Candidate) float64 {
	if !c.Bears {
		return 0
	}
	return h.takes
}

// moved carries b over moment n.
func (c *chain) moved(b *belief, n int) {
	m, what := &c.st.moments[n], c.shown[n]
	gained := 0.0
	for i := range b.list {
		x := &b.list[i]
		if x.what == what {
			continue
		}
		shift, stay := c.odds(x.what, m)
		gained += float64(x.p * shift)
		x.p *= stay
	}
	b.add(what, gained)
}

// odds returns how likely moment m is if the jar held w before: with the jar
// holding m's content then, and with it unchanged.
func (c *chain) odds(w content, m *moment) (shift, stay float64) {
	r := c.rules
	if m.sets > 0 {
		return m.sets, 1 - m.sets
	}
	empty := m.what == who{}
	switch {
	case w == anyone && !m.brought:
		return 1, 0
	case w == anyone:
		return r.Coincidence, 0
	case empty:
		return r.Emptied, r.Bare
	}
	shift, stay = r.Changed[m.link], r.Changed[m.link]
	if m.home {
		stay = r.Stray[m.link]
	}
	if w == unlisted && !m.brought && !m.home {
		shift = r.Lost
	}
	return shift, stay
}

// backward goes back over the steps with how likely what follows is, given the
// jar's content, and leaves at every hit what became of it.
func (c *chain) backward() {
	at := []belief{{rest: 1}}
	for n := len(c.steps) - 1; n >= 0; n-- {
		s := &c.steps[n]
		switch s.kind {
		case stepOpen:
			at = at[:len(at)/2]
		case stepShut:
			prev := make([]belief, 2*len(at))
			for mask := range prev {
				if mask>>s.bit&1 == 1 {
					prev[mask] = at[drop(mask, s.bit)].clone()
				}
			}
			at = prev
		case stepOccur:
			c.credit(s, at)
			s.was = nil
		case stepMoment:
			for mask := range at {
				c.undo(&at[mask], s.n)
			}
			level(at)
		}
	}
}

// level keeps the numbers of a belief about 1.
func level(at []belief) {
	top := 0.0
	for i := range at {
		top = max(top, at[i].rest)
		for _, x := range at[i].list {
			top = max(top, x.p)
		}
	}
	if top <= 0 {
		return
	}
	for i := range at {
		at[i].scale(1 / top)
	}
}

// maxListed bounds a backward belief: of contents farther away little is left.
const maxListed = 64

// undo goes back over moment n.
func (c *chain) undo(b *belief, n int) {
	m, what := &c.st.moments[n], c.shown[n]
	here := b.of(what)
	for _, special := range [...]content{anyone, unlisted, nothing} {
		if special != what && b.of(special) == b.rest {
			b.list = append(slices.DeleteFunc(b.list, func(x share) bool { return x.what == special }), share{special, b.rest})
		}
	}
	back := func(w content, p float64) float64 {
		shift, stay := c.odds(w, m)
		return float64(shift*here) + float64(stay*p)
	}
	for i := range b.list {
		if x := &b.list[i]; x.what != what {
			x.p = back(x.what, x.p)
		}
	}
	b.rest = back(elsewhere, b.rest)
	b.list = slices.DeleteFunc(b.list, func(x share) bool { return x.what == what || x.p == b.rest })
	b.list = append(b.list, share{what, here})
	if n := len(b.list) - maxListed; n > 0 {
		b.list = slices.Delete(b.list, 0, n)
	}
}

// credit adds to the hit of s what it did if it happened here, and goes back
// over it.
func (c *chain) credit(s *step, at []belief) {
	h := &c.hits[s.n]
	if c.weighed[s.n] == nil {
		c.weighed[s.n] = make([]outcome, len(h.Candidates)+2)
	}
	c.credits = append(c.credits[:0], make([]outcome, len(c.weighed[s.n]))...)
	out := c.credits
	whole := 0.0 // of all that may be at this point, however it came about
	for mask := range at {
		if mask>>s.bit&1 == 1 {
			whole += c.meet(&s.was[mask], &at[mask])
			continue
		}
		was, next := &s.was[mask], &at[mask|1<<s.bit]
		same := float64(c.meet(was, next) * s.p) // nothing applied
		mass := float64(was.total() * s.p)
		var back belief
		taken, gained := 0.0, 0.0
		for i := range h.Candidates {
			x := &h.Candidates[i]
			takes := h.takesOf(x)
			out[i].refused += float64(same * float64(x.Prior*(1-takes)))
			to := float64(float64(x.Prior*takes) * next.of(x.content))
			out[i].applied += float64(mass * to)
			taken += float64(x.Prior * takes)
			gained += to
		}
		last := len(h.Candidates)
		out[last+1].refused += float64(same * h.Nothing)
		out[last].refused += float64(same * float64(h.Unknown*(1-h.takes)))
		to := float64(float64(h.Unknown*h.Jar) * next.of(unlisted))
		out[last].applied += float64(mass * to)
		taken += float64(h.Unknown * h.takes)
		gained += to
		back = c.blend(&at[mask], next, s.p, max(0, 1-taken), gained)
		whole += c.meet(was, &back)
		at[mask] = back
	}
	if whole <= 0 {
		return
	}
	for i := range out {
		c.weighed[s.n][i].refused += out[i].refused / whole
		c.weighed[s.n][i].applied += out[i].applied / whole
	}
	level(at)
}

// meet returns how likely the past and the future are together.
func (c *chain) meet(past, future *belief) float64 {
	t := 0.0
	for _, x := range past.list {
		t += float64(x.p * future.of(x.what))
	}
	return t
}

// blend returns what follows a point where a hit happens with probability p:
// it leaves the jar alone with probability left, or fills it, for gained.
func (c *chain) blend(not, next *belief, p, left, gained float64) belief {
	value := func(a, b float64) float64 {
		return float64((1-p)*a) + float64(p*(float64(left*b)+gained))
	}
	out := belief{list: make([]share, 0, len(not.list)+len(next.list)), rest: value(not.rest, next.rest)}
	for _, x := range not.list {
		out.list = append(out.list, share{x.what, value(x.p, next.of(x.what))})
	}
	for _, x := range next.list {
		if !slices.ContainsFunc(out.list, func(y share) bool { return y.what == x.what }) {
			out.list = append(out.list, share{x.what, value(not.rest, x.p)})
		}
	}
	return out
}
