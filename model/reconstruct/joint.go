package reconstruct

import (
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Weighed is a hit with what joint inference says of its candidates.
type Weighed struct {
	Event      *Event
	Candidates []Candidate // P is set; with Unknown they sum to 1
	Unknown    float64     // a fill whose row is lost, or one of an unseen tier
	Component  string      // smallest request id of what was weighed together
}

// Joint weighs the hits of one cache together. Weigh asks of each hit alone
// which fill it may have met, as if every hit were free to place the fills
// anew; but all hits met the same fills. A Joint supposes instants for all the
// fills of a stretch of traffic at once, asks how well every hit and every
// Miss agrees with them, and adds up over many such suppositions
// (semantics.md D1, D3).
//
// Only fills have unknowns that need supposing: the sub-second phase, and the
// cache behind the name. Once these are given, rows do not depend on one
// another, so the phase of a hit is integrated and never drawn. Lost fills are
// supposed too, where requests were being missed.
type Joint struct {
	policy Policy
	params *Params
	done   func(Weighed)

	items  []item        // what a block will hold, in the order of emission
	before int           // how many of them were weighed and remain as context
	listed int           // candidates of all items
	reach  model.Instant // nothing after it can meet a fill of items
	prior  model.Instant // start of the row before items
	seen   float64       // rows lately
	time   float64       // in which they came, in seconds
}

// item is what a Sweep emitted.
type item struct {
	event      *Event
	candidates []Candidate
}

// NewJoint returns a Joint for what a Sweep emits. It calls done for each hit,
// in the order in which they were added.
func NewJoint(policy Policy, p *Params, done func(Weighed)) *Joint {
	return &Joint{policy: policy, params: p, done: done}
}

// Where so many fills compete for one hit, none stands out, and what others
// say of their order says little of this one: each hit is weighed by itself.
const crowd = 64

// A key under steady load never falls silent, so its traffic is cut. What a
// row says of a fill's phase reaches no further than the rows that may have
// met that fill, and what these say of others fades with each step; so a
// stretch is weighed with some seconds of its neighbours on either side, which
// are weighed again as part of their own.
const (
	block   = 128     // rows weighed at once, at least
	most    = 2048    // rows of context on either side, at most
	volume  = 1 << 17 // candidates kept, at most: bounds memory where fills are many
	context = 3 * time.Second
)

// Add takes the next hit or miss with its candidates.
func (j *Joint) Add(e *Event, cs []Candidate) {
	if e.Start.Lo > j.reach || j.listed > volume {
		j.flush()
	}
	if len(cs) > crowd {
		j.alone(e, cs)
		return
	}
	j.items = append(j.items, item{e, slices.Clone(cs)})
	j.listed += len(cs)
	for _, c := range cs {
		j.reach = max(j.reach, j.policy.lastUse(c.Fill))
	}
	if e.Fill {
		j.reach = max(j.reach, j.policy.lastUse(e))
	}
	j.cut()
}

// Advance says that every event to come starts at now or later. A cache that
// falls quiet is weighed, and holds nothing while others go on.
func (j *Joint) Advance(now model.Instant) {
	if len(j.items) > 0 && now > j.reach {
		j.flush()
	}
}

// Close weighs what is left.
func (j *Joint) Close() { j.flush() }

// flush weighs all items and forgets them.
func (j *Joint) flush() {
	j.weigh(0, len(j.items), len(j.items))
	if n := len(j.items); n > 0 {
		j.past(n)
	}
	clear(j.items)
	j.items, j.before, j.listed, j.reach = j.items[:0], 0, 0, 0
}

// cut weighs a block once enough rows have followed it.
func (j *Joint) cut() {
	n := len(j.items)
	if n < j.before+block {
		return
	}
	last := j.items[n-1].event.Start.Lo
	end := j.from(last.Add(-context), n)
	end = max(end, n-most)
	if end < j.before+max(block, 2*(n-end)) {
		return // or most of the work would be on what surrounds it
	}
	first := j.from(j.items[j.before].event.Start.Lo.Add(-context), j.before)
	j.weigh(first, end, n)
	keep := max(j.from(j.items[end].event.Start.Lo.Add(-context), end), end-most)
	for _, it := range j.items[:keep] {
		j.listed -= len(it.candidates)
	}
	if keep > 0 {
		j.past(keep)
	}
	j.items = slices.Delete(j.items, 0, keep)
	j.before = end - keep
}

// from returns the first of items[:n] that starts at t or later.
func (j *Joint) from(t model.Instant, n int) int {
	for n > 0 && j.items[n-1].event.Start.Lo >= t {
		n--
	}
	return n
}

// weigh weighs items[first:last] together and hands on the hits among them
// that were not handed on before and come before end.
func (j *Joint) weigh(first, end, last int) {
	if !slices.ContainsFunc(j.items[j.before:end], func(it item) bool { return it.event.Recipient }) {
		return
	}
	b := newProblem(j.items[first:last], j.policy, j.params, j.rate(last))
	b.solve()
	for i := j.before; i < end; i++ {
		if it := j.items[i]; it.event.Recipient {
			j.done(b.weighed(i - first))
		}
	}
}

// rate returns how many requests a second came lately. The silence before a
// stretch belongs to it, since a stretch begins where one ended; without it
// the rate would be that of bursts.
func (j *Joint) rate(last int) float64 {
	begun := j.items[0].event.Start.Lo
	took := j.items[last-1].event.Start.Lo.Sub(begun) + min(begun.Sub(j.prior), silence)
	return (j.seen + float64(last)) / (j.time + max(took.Seconds(), 1))
}

// silence is the longest pause that counts.
const silence = time.Minute

// lately is the number of rows that a rate is read from.
const lately = 128

// past takes items[:n] for over.
func (j *Joint) past(n int) {
	begun, ended := j.items[0].event.Start.Lo, j.items[n-1].event.Start.Lo
	j.seen += float64(n)
	j.time += (ended.Sub(begun) + min(begun.Sub(j.prior), silence)).Seconds()
	if j.seen > lately {
		j.time *= lately / j.seen
		j.seen = lately
	}
	j.prior = ended
}

// alone weighs one hit by itself.
func (j *Joint) alone(e *Event, cs []Candidate) {
	j.flush()
	if !e.Recipient {
		return
	}
	w := Weighed{Event: e, Candidates: slices.Clone(cs), Component: e.ID}
	for _, c := range cs {
		w.Component = min(w.Component, c.Fill.ID)
	}
	w.Unknown = Weigh(e, w.Candidates, j.policy, j.params)
	j.done(w)
}
