package reconstruct

// same is how often a Miss beside a fresh response is of the same variant. Of
// Misses that are logged it does not matter which; a lost one that was of
// another variant fills nothing that matters here.
const same = 0.1

// agree returns how well group g agrees with what is supposed.
func (c *chain) agree(n int) nats {
	g := &c.groups[n]
	share := min(shares, c.serve(g)*shares/(g.total*int64(len(c.lines))))
	if g.empty {
		return nats(g.n) * logs[shares-share*c.proven/whole]
	}
	return nats(g.n) * logs[min(shares, share+c.floor)]
}

// agrees returns how well the Miss at position n of line agrees: nothing fresh
// was there when it was asked for, and nothing to wait for.
func (c *chain) agrees(line []entry, n int) nats {
	own := &c.sources[line[n].source]
	t := line[n].at - own.wait
	fit := nats(0)
	for n--; n >= 0; n-- {
		e := &line[n]
		if e.at > t {
			if c.pending > 0 && e.at-c.sources[e.source].wait < t {
				fit = c.joined
			}
			continue
		}
		switch {
		case e.gone <= t:
			return fit
		case own.event == nil:
			return c.undue
		}
		return c.shared
	}
	return fit
}

// changed returns what of cache k's time depends on whether e is in it: from
// its arrival until the next one, or until what it replaces and itself are
// both past. Where requests wait, also those that may have waited.
func (c *chain) changed(k uint8, e entry) span {
	line := c.lines[k]
	n := after(line, e.at)
	before := n - 1
	for before >= 0 && line[before].source == e.source {
		before--
	}
	for n < len(line) && line[n].source == e.source {
		n++
	}
	s := span{int(k), e.at, e.gone}
	if before >= 0 {
		s.hi = max(s.hi, line[before].gone)
	}
	if c.pending > 0 {
		s.lo -= c.sources[e.source].wait
	}
	if n == len(line) {
		return s
	}
	next := &line[n]
	lookup := next.at - c.sources[next.source].wait
	switch {
	case c.pending == 0:
		s.hi = min(s.hi, next.at)
	case lookup < s.hi:
		s.lo, s.hi = min(s.lo, lookup), max(s.hi, next.at)
	}
	return s
}

// misses returns how well the Misses that spans touch agree, and source i.
func (c *chain) misses(i int) nats {
	sum := nats(0)
	for _, s := range c.spans {
		line := c.lines[s.cache]
		for n := after(line, s.lo); n < len(line) && line[n].at-c.waits < s.hi; n++ {
			m := &c.sources[line[n].source]
			if t := line[n].at - m.wait; m.miss && line[n].source != i && s.lo <= t && t < s.hi {
				sum += c.agrees(line, n)
			}
		}
	}
	if x := c.spots[i]; c.sources[i].miss && x.at != absent {
		sum += c.agrees(c.lines[x.cache], c.position(i))
	}
	return sum
}

// touched lists the groups that spans touch and returns the most they can gain.
func (c *chain) touched() nats {
	c.met = c.met[:0]
	c.trial++
	most := nats(0)
	for _, s := range c.spans {
		for n := c.before(s.hi) - 1; n >= 0 && c.until[n] > s.lo; n-- {
			if c.groups[n].to > s.lo && c.mark[n] != c.trial {
				c.mark[n] = c.trial
				c.met = append(c.met, change{group: n})
				most -= c.fit[n]
			}
		}
	}
	return most
}
