package scan

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/reconstruct"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// posteriors is what each cache's rows say of it.
type posteriors struct {
	rules  map[string]*calibrate.Rules
	pool   calibrate.Rules
	params map[string]reconstruct.Params
	lives  lives
}

// stated returns the TTL that the incident file, and stale serving, allow for
// objects of a route.
func (s *state) stated(route int) model.TTL {
	ttl := s.Incident.RouteTTL(route)
	stale := s.stale()
	ttl.Default, ttl.Max = ttl.Default+stale, ttl.Max+stale
	return ttl
}

// policy returns what the cache was told to do with objects of a route. What
// is usual is read from the log where that says otherwise; what is possible
// stays as stated.
func (s *state) policy(route int) reconstruct.Policy {
	c := s.Incident.Cache
	ttl, stale := s.stated(route), s.stale()
	if life, ok := s.caches.lives.usual[s.lifeRoute(route)]; ok {
		ttl.Default = life
	}
	return reconstruct.Policy{
		TTL: ttl, Stale: stale, ErrorTTL: c.ErrorTTL, Expiry: c.Expiry,
		Collapsing: c.Collapsing, CachesPerScope: c.CachesPerScope,
		Keeps: s.tally.refreshed > 0 || s.tally.stoodIn > 0,
	}
}

// behind is how long a response may have been served past its life where the
// log shows that it was, and nobody said for how long.
const behind = 30 * time.Second

// stale returns for how long past its life a response can have been served. A
// Hit that the origin saw too is a refresh in the background: its client, and
// those until the refresh was done, were handed the old response.
func (s *state) stale() time.Duration {
	switch {
	case s.Incident.Cache.ServeStale != nil:
		return *s.Incident.Cache.ServeStale
	case s.tally.behind > 0:
		return behind
	}
	return 0
}

// sweep walks all cache rows, one object after the other, and calls emit for
// every hit and miss with its candidates. Caches of an object are walked side
// by side, because an upper tier hands the fill of one to another. handed is
// called for whatever else may have been handed a stored response, with
// Event.From set; if it is nil, relays are not traced.
func (s *state) sweep(emit emitter, handed func(*reconstruct.Event) error) error {
	dec := wire.NewDecoder()
	var cur *sides
	err := s.cacheRows.Scan(func(_, val []byte) error {
		row := new(cacheRow)
		if err := dec.Decode(val, row.fields); err != nil {
			return err
		}
		if cur == nil || cur.key != row.Edge.Key {
			if err := cur.close(); err != nil {
				return err
			}
			cur = s.newSides(row, emit, handed)
		}
		row.Cache = cache.Name(s.Incident.Cache.Scope, row.Edge.Location) // an alternative may have another scope
		return cur.add(row.Cache, s.blurred(s.event(row)))
	})
	return cmp.Or(err, cur.close())
}

// blurred widens when e may have happened by what the clocks may be off.
func (s *state) blurred(e *reconstruct.Event) *reconstruct.Event {
	if s.skew == 0 {
		return e
	}
	for _, v := range []*model.Interval{&e.Start, &e.Available, &e.End, &e.Origin, &e.Arrived} {
		if !v.IsZero() {
			*v = v.Widen(s.skew)
		}
	}
	return e
}

// sampled bounds the rows that calibration weighs in full: beyond some tens of
// thousands they only repeat what is known.
const sampled = 20_000

// calibrate learns each cache's parameters from its hits and misses. Where
// the log shows other lives than were stated, all the rest was weighed under a
// wrong one, and is weighed again.
func (s *state) calibrate() error {
	s.leaks, s.headerSizes = s.tally.leaksBy(s.Incident.Cache.Scope), headerSizes{}
	s.losses = s.tally.loss.Settle(s.Incident.Window.Span, s.offset.WrongBy, s.Incident.Cache.UpperTier.Exists())
	s.caches = &posteriors{params: map[string]reconstruct.Params{}}
	if err := s.learn(&s.caches.lives); err != nil {
		return err
	}
	if s.settleLives() {
		if err := s.learn(nil); err != nil {
			return err
		}
	}
	s.trips.settle(s.losses.Origin.Feared())
	for _, r := range s.caches.rules {
		s.caches.pool.Merge(r)
	}
	for name, r := range s.caches.rules {
		p := r.Params(s.policy(model.NoRoute), &s.caches.pool, s.losses.Edge.Feared())
		s.offset.Apply(name, &p)
		s.caches.params[name] = p
	}
	return nil
}

// learn counts the hits and misses of the window while their cache leaked:
// before and after, it may have kept responses by another rule.
func (s *state) learn(l *lives) error {
	s.trips = trips{}
	s.caches.rules = map[string]*calibrate.Rules{}
	clocks := map[string]*reconstruct.Params{}
	spans := s.tally.leakSpans()
	share := uint64(s.cacheRows.Len()/sampled + 1)
	return s.sweep(func(e *reconstruct.Event, cs []reconstruct.Candidate, policy reconstruct.Policy) error {
		row := e.Payload.(*cacheRow)
		at := row.Edge.End.Lo
		if s.spans.of(at) != window {
			return nil
		}
		r := s.caches.of(row.Cache)
		if e.Recipient && s.leaks.by[row.Cache].Contains(at) {
			r.Hit(len(cs) == 0)
			s.trips.of(row.Cache).Hit(e, row.Edge.FirstByte, cs, policy, s.clockOf(clocks, row.Cache))
		}
		leak, known := spans[row.Cache]
		if known && (at < leak.FromHi || at > leak.ToLo) {
			return nil
		}
		cs = since(leak.FromHi, cs)
		clock := s.clockOf(clocks, row.Cache)
		if l != nil {
			l.event(lifeKey{row.Cache, s.lifeRoute(row.Edge.Route)}, row.Edge.Key, e, cs, clock)
		}
		// A crowded event costs the square of its candidates and tells less.
		if rarely := share * uint64(1+len(cs)*len(cs)/64); len(cs) > 0 && sample(e.ID)%rarely == 0 {
			r.Event(e, cs, policy, clock)
		}
		return nil
	}, nil)
}

// clockOf returns parameters that hold the clock of a cache alone.
func (s *state) clockOf(clocks map[string]*reconstruct.Params, name string) *reconstruct.Params {
	p := clocks[name]
	if p == nil {
		p = &reconstruct.Params{}
		s.offset.Apply(name, p)
		clocks[name] = p
	}
	return p
}

// sample picks rows by their id, so that the choice does not depend on order.
func sample(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64() >> 8
}

func (p *posteriors) of(name string) *calibrate.Rules {
	r := p.rules[name]
	if r == nil {
		r = &calibrate.Rules{}
		p.rules[name] = r
	}
	return r
}

// paramsOf returns the parameters of a cache; one that had no rows in the
// window gets those of the pool.
func (s *state) paramsOf(name string) reconstruct.Params {
	if p, ok := s.caches.params[name]; ok {
		return p
	}
	var none calibrate.Rules
	p := none.Params(s.policy(model.NoRoute), &s.caches.pool, s.losses.Edge.Feared())
	s.offset.Apply(name, &p)
	s.caches.params[name] = p
	return p
}

func (p *posteriors) report() []calibrate.Posterior {
	out := []calibrate.Posterior{}
	for _, name := range slices.Sorted(maps.Keys(p.rules)) {
		out = append(out, p.rules[name].Report(name, p.params[name]))
	}
	return out
}

// reconstructor keeps the hits and cites their rows.
type reconstructor struct {
	*state
	hits     *spill.Writer
	cited    citer
	key, val []byte
}

// reconstruct lists the candidates of every hit and sorts the hits by device.
func (s *state) reconstruct() error {
	s.hits = s.sorter(derivedShare, 1)
	s.cited = s.listing(derivedShare/2, 2)
	r := &reconstructor{state: s, hits: s.hits.Writer(), cited: citer{to: s.cited.Writer()}}
	all := &together{state: s, done: r.hit}
	err := s.sweep(func(e *reconstruct.Event, cs []reconstruct.Candidate, policy reconstruct.Policy) error {
		s.countRow(e.Payload.(*cacheRow))
		return all.add(e, cs, policy)
	}, r.handed)
	if err := cmp.Or(err, all.close()); err != nil {
		return err
	}
	s.headerRatios = s.headerSizes.ratios()
	if err := r.hits.Close(); err != nil {
		return err
	}
	if err := r.cited.Close(); err != nil {
		return err
	}
	return s.release(&s.cacheRows)
}

// part places a hit by the instants at which its headers and its last byte left:
// a long download that began in the window delivered its cookie there.
func (r *reconstructor) part(e *model.EdgeRow) part {
	if sent := r.spans.of(e.Available().Lo); sent == window {
		return sent
	}
	return r.spans.of(e.End.Lo)
}

// hit traces what a hit was handed to the origin's responses, and keeps it.
func (r *reconstructor) hit(w reconstruct.Weighed) error {
	cs, unknown := w.Event.Payload.(*cacheRow).above.merge(w.Candidates, w.Unknown)
	cs, unknowns := reconstruct.Flatten(cs, unknown)
	return r.keep(w.Event, w.Component, cs, unknowns)
}

// keep keeps what may have delivered a session. A response whose every
// candidate is known to carry none is counted and done with.
func (r *reconstructor) keep(e *reconstruct.Event, component string, cs []reconstruct.Candidate, unknowns reconstruct.Each) error {
	row := e.Payload.(*cacheRow)
	h := hit{Row: *row, Part: r.part(&row.Edge), Unknowns: unknowns, Component: component}
	bears := max(unknowns.Kept(), unknowns.Replaced()) >= plausible
	for _, c := range cs {
		f := c.Fill.Payload.(*cacheRow)
		f.holds(func(share float64, held *holding) {
			bears = bears || held.Bears
			h.Candidates = append(h.Candidates, candidate{
				Each: c.Each.Share(share), Rules: c.Rules, Marks: marks(&f.Edge, &row.Edge, r.life(&f.Edge)),
				Fill: model.Citation{RequestID: f.Edge.ID, Ref: f.Edge.Ref}, Also: f.Edge.Also,
				Time: f.Edge.End.Lo, Device: f.Device, Conn: f.Conn, Hold: *held,
			})
		})
	}
	h.mix(evens)
	r.count(&h, bears)
	r.headerSizes.add(&h)
	r.reports.hit(row.Device, row.Edge.End.Lo, bears)
	r.tell(&h)
	if !bears {
		return nil
	}
	if err := r.cite(row, cs); err != nil {
		return err
	}
	r.key = append(r.key[:0], row.Device[:]...)
	r.key = appendInstant(r.key, row.Edge.Start().Lo)
	r.key = binary.BigEndian.AppendUint64(append(r.key, row.Edge.ID...), row.Edge.Line)
	r.val = wire.Encode(r.val[:0], h.fields)
	return r.hits.Add(r.key, r.val)
}

// tell hands the weights of h to whoever asked for them.
func (r *reconstructor) tell(h *hit) {
	if r.Attributed == nil {
		return
	}
	for i, c := range h.Candidates {
		p := c.P
		for ; i > 0 && h.Candidates[i-1].Fill == c.Fill; i-- { // one fill may have several holders
			p += h.Candidates[i-1].P
		}
		r.Attributed(h.Row.Edge.ID, c.Fill.RequestID, p)
	}
	r.Attributed(h.Row.Edge.ID, "", h.Unknown)
}

// handed keeps what a request was handed though the log does not call it a
// hit: the client of a relay got what the relay stored, its own response or not.
func (r *reconstructor) handed(e *reconstruct.Event) error {
	if len(e.From) == 0 {
		return nil
	}
	r.tally.relayed(r.part(&e.Payload.(*cacheRow).Edge), e)
	cs, unknowns := e.Response()
	return r.keep(e, e.ID, cs, unknowns)
}

func (r *reconstructor) count(h *hit, bears bool) {
	if c := h.Part.control(); c >= 0 {
		r.tally.controlResult(c, r.Incident).Hits++
	}
	if h.Part != window {
		return
	}
	f := &r.tally.funnel
	switch {
	case len(h.Candidates) == 0:
		f.Orphans++
	case bears:
		f.HitsWithCandidates++
	default:
		f.HitsWithoutSession++
	}
}

// cite keeps the rows that a hit rests on: its own and those of its candidates.
func (r *reconstructor) cite(row *cacheRow, cs []reconstruct.Candidate) error {
	err := r.cited.cacheRow(row)
	for _, c := range cs {
		err = cmp.Or(err, r.cited.cacheRow(c.Fill.Payload.(*cacheRow)))
		if c.Via != nil {
			err = cmp.Or(err, r.cited.cacheRow(c.Via.Payload.(*cacheRow)))
		}
	}
	return err
}
