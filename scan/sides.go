package scan

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// emitter takes a hit or a miss with its candidates. The slice is reused.
type emitter func(*reconstruct.Event, []reconstruct.Candidate, reconstruct.Policy) error

// sides walks the caches of one object side by side, all to the same instant,
// and traces relays before the hits that they may have served go on.
type sides struct {
	*state
	key    model.ID
	policy reconstruct.Policy
	emit   emitter
	handed func(*reconstruct.Event) error // nil: nothing is traced
	sweeps map[string]*reconstruct.Sweep
	names  []string // of sweeps, sorted
	at     model.Instant
	uppers map[string]*reconstruct.Upper // by tier; nil: none is looked for
	climbs []*reconstruct.Event          // relays that an upper tier may have answered
	asked  []question                    // what a cache may have handed beside its hits
	held   []question                    // hits and misses that wait for the relays before them
	last   *reconstruct.Event            // the last fill with an origin row
	failed error
}

// question is an event with its candidates.
type question struct {
	event      *reconstruct.Event
	candidates []reconstruct.Candidate
}

// abreast is how far the caches of one object may be apart. Bringing them all
// up at every row would cost rows × caches.
const abreast = 2 * time.Second

func (s *state) newSides(first *cacheRow, emit emitter, handed func(*reconstruct.Event) error) *sides {
	o := &sides{
		state: s, key: first.Edge.Key, policy: s.policy(first.Edge.Route), emit: emit, handed: handed,
		sweeps: map[string]*reconstruct.Sweep{}, at: first.Edge.Start().Lo,
	}
	if handed != nil && s.upper() {
		o.uppers = map[string]*reconstruct.Upper{}
	}
	return o
}

// add takes the object's next row; they come in the order of their starts.
func (o *sides) add(cache string, e *reconstruct.Event) error {
	if now := e.Start.Lo; now.Sub(o.at) >= abreast {
		o.at = now
		for _, name := range o.names {
			o.sweeps[name].Advance(now)
		}
		o.settle(now)
	}
	if o.uppers != nil {
		o.upperOf(e).Add(e)
		if e.Relay && !e.Refreshed {
			o.climbs = append(o.climbs, e)
		}
	}
	o.of(cache).Add(e)
	if o.handed == nil {
		o.gap(cache, e)
	}
	return o.failed
}

// gap counts how long after the object's last fill anywhere a Miss was
// answered that the origin did not see.
func (o *sides) gap(cache string, e *reconstruct.Event) {
	row := e.Payload.(*cacheRow)
	if row.Hold.answered() {
		if e.Fill {
			o.last = e
		}
		return
	}
	if e.Miss && !e.Refreshed && !o.unlogged(row.Edge.Route) && o.spans.of(row.Edge.End.Lo) == window {
		p := reconstruct.Params{}
		o.offset.Apply(cache, &p)
		o.trips.of(cache).Miss(e, o.last, &p)
	}
}

func (o *sides) of(cache string) *reconstruct.Sweep {
	s := o.sweeps[cache]
	if s == nil {
		s = reconstruct.NewSweep(o.policy, o.found)
		if o.handed != nil {
			s.Handed(func(e *reconstruct.Event, cs []reconstruct.Candidate) {
				o.asked = append(o.asked, question{e, slices.Clone(cs)})
			})
		}
		o.sweeps[cache] = s
		o.names = slices.Sorted(maps.Keys(o.sweeps))
	}
	return s
}

func (o *sides) upperOf(e *reconstruct.Event) *reconstruct.Upper {
	name := o.tierOf(e.Payload.(*cacheRow).Edge.Location)
	u := o.uppers[name]
	if u == nil {
		u = o.newUpper(o.policy)
		o.uppers[name] = u
	}
	return u
}

// found takes what a sweep emits. Where nothing is traced or pruned, nothing waits.
func (o *sides) found(e *reconstruct.Event, cs []reconstruct.Candidate) {
	if o.failed != nil {
		return
	}
	if o.handed == nil || o.uppers == nil && len(o.held) == 0 && settled(cs) && !o.policy.Keeps && o.policy.Stale == 0 {
		o.failed = o.emit(e, cs, o.policy)
		return
	}
	o.held = append(o.held, question{e, slices.Clone(cs)})
}

// settled reports whether every relay among cs was traced.
func settled(cs []reconstruct.Candidate) bool {
	return !slices.ContainsFunc(cs, func(c reconstruct.Candidate) bool {
		return (c.Fill.Relay || c.Fill.Error && c.Fill.Doubt > 0) && !c.Fill.Traced
	})
}

// settle traces the relays that no row from now on can bear on, then lets go
// the hits that waited for them.
func (o *sides) settle(now model.Instant) {
	if o.handed == nil {
		return
	}
	o.climb(now)
	o.confirm(now)
	o.release(now)
	oldest := now
	for _, q := range o.held {
		oldest = min(oldest, q.event.Start.Lo)
	}
	for _, e := range o.climbs {
		oldest = min(oldest, e.Start.Lo)
	}
	for _, u := range o.uppers {
		u.Forget(oldest)
	}
}

// climb traces what an upper tier handed out. It hands out what the origin
// answered, never what it handed out before, so the order does not matter.
func (o *sides) climb(now model.Instant) {
	wait := o.climbs[:0]
	for _, e := range o.climbs {
		u := o.upperOf(e)
		if u.Ready(e) > now {
			wait = append(wait, e)
			continue
		}
		u.Hand(e)
		if !e.Recipient {
			o.pass(e)
		}
	}
	clear(o.climbs[len(wait):])
	o.climbs = wait
}

// confirm traces what caches confirmed or sent in need, in the order of time:
// the next confirmation finds what the one before left.
func (o *sides) confirm(now model.Instant) {
	slices.SortStableFunc(o.asked, func(a, b question) int { return byStart(a.event, b.event) })
	n := 0
	for n < len(o.asked) && (now == never || o.asked[n].event.Start.Hi.Add(abreast) <= now) {
		q := o.asked[n]
		n++
		params := o.paramsOf(q.event.Payload.(*cacheRow).Cache)
		q.candidates = reconstruct.Prune(q.candidates, q.event, o.policy, &params)
		if q.event.Refreshed {
			q.event.Confirm(q.candidates, o.policy, &params)
		} else {
			q.event.Meet(q.candidates, o.policy, &params)
		}
		if !q.event.Recipient { // else it is emitted as the hit that it is
			o.pass(q.event)
		}
	}
	o.asked = slices.Delete(o.asked, 0, n)
}

func (o *sides) pass(e *reconstruct.Event) {
	if o.failed == nil {
		o.failed = o.handed(e)
	}
}

// never is past every row.
const never = model.Instant(math.MaxInt64)

// release lets go what waited, in the order in which it was found.
func (o *sides) release(now model.Instant) {
	n := 0
	for n < len(o.held) && o.failed == nil {
		q := o.held[n]
		if now != never && (!settled(q.candidates) || !o.ready(q.event, now)) {
			break
		}
		n++
		params := o.paramsOf(q.event.Payload.(*cacheRow).Cache)
		q.candidates = reconstruct.Prune(q.candidates, q.event, o.policy, &params)
		o.lookUp(q)
		o.failed = o.emit(q.event, q.candidates, o.policy)
	}
	o.held = slices.Delete(o.held, 0, n)
}

func (o *sides) ready(e *reconstruct.Event, now model.Instant) bool {
	return o.uppers == nil || o.upperOf(e).Ready(e) <= now
}

// lookUp asks the upper tier for a hit that its own cache does not explain, or
// that took as long as the way there.
func (o *sides) lookUp(q question) {
	if o.uppers == nil || !q.event.Recipient {
		return
	}
	row := q.event.Payload.(*cacheRow)
	up := o.upward(row, len(q.candidates) == 0)
	if up < noticeable && o.policy.Stale == 0 {
		return
	}
	cs, missing := o.upperOf(q.event).Ask(q.event)
	if len(cs) > 0 {
		row.above = &above{cs, missing, max(up, noticeable)}
	}
}

// close settles what is left of the object; a nil sides has nothing.
func (o *sides) close() error {
	if o == nil {
		return nil
	}
	for _, name := range o.names {
		o.sweeps[name].Close()
	}
	o.settle(never)
	return o.failed
}
