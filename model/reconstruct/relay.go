package reconstruct

import (
	"cmp"
	"slices"
)

// An outcome is one answer to whether a 304 keeps the stored Set-Cookie. That is
// a property of the cache, so all revalidations share it: chances tossed anew
// for each would make what a long chain of them kept vanish.
type outcome int

const (
	replaces outcome = iota
	keeps
	outcomes
)

// own returns how likely what f stores is its own response in w.
func (w outcome) own(f *Event) float64 {
	if !f.Undecided {
		return f.Own
	}
	if w == keeps {
		return 0
	}
	return 1
}

// Each holds a probability for each answer: if 304s replace the stored
// Set-Cookie, and if they keep it. Which of them holds shows only in what
// recipients do afterwards, so both are carried until that was read.
type Each [outcomes]float64

// always is p whatever 304s do.
func always(p float64) Each { return Each{replaces: p, keeps: p} }

// Kept returns the probability if 304s keep the stored Set-Cookie.
func (e Each) Kept() float64 { return e[keeps] }

// Replaced returns the probability if they replace it.
func (e Each) Replaced() float64 { return e[replaces] }

// Share returns a part of the probability: of one holder, where the fill may
// have had several.
func (e Each) Share(part float64) Each {
	if part == 1 {
		return e
	}
	for i := range e {
		e[i] *= part
	}
	return e
}

// Open reports whether the answer matters.
func (e Each) Open() bool { return e[replaces] != e[keeps] }

// Mix returns the probability where they keep it with probability kept.
func (e Each) Mix(kept float64) float64 {
	if !e.Open() {
		return e[keeps]
	}
	return float64((1-kept)*e[replaces]) + float64(kept*e[keeps])
}

// evens is how likely 304s keep the stored Set-Cookie where nothing shows it:
// RFC 9111 §3.2 asks caches to replace it, and not all do.
const evens = 0.5

// Flatten traces candidates to the origin's responses: what a relay holds is
// its own response with probability Own, else what it was handed, which may be
// a relay's again. A response that may never have been stored gives its share
// to the others. With unknown, the probabilities sum to what they did, in Each
// by itself; P is their mean.
func Flatten(cs []Candidate, unknown float64) ([]Candidate, Each) {
	plain := func(c Candidate) bool { return !c.Fill.Relay && c.Fill.Doubt == 0 }
	if !slices.ContainsFunc(cs, func(c Candidate) bool { return !plain(c) }) {
		for i := range cs {
			cs[i].Each = always(cs[i].P)
		}
		return cs, always(unknown)
	}
	each, unknowns := trace(cs, unknown)
	return mix(each), unknowns
}

// Response traces what the client of e was sent, which is what e stores if it
// is stored: its own response or what it was handed.
func (e *Event) Response() ([]Candidate, Each) {
	var each [outcomes][]Candidate
	var unknowns Each
	for w := range outcomes {
		t := tracer{outcome: w, at: map[*Event]int{}}
		t.share(Candidate{Fill: e}, 1, nil)
		each[w], unknowns[w] = t.close()
	}
	return mix(each), unknowns
}

// trace follows candidates under each outcome.
func trace(cs []Candidate, unknown float64) (each [outcomes][]Candidate, unknowns Each) {
	for w := range outcomes {
		t := tracer{outcome: w, unknown: unknown, at: map[*Event]int{}}
		for _, c := range cs {
			t.add(c)
		}
		each[w], unknowns[w] = t.close()
	}
	return each, unknowns
}

// mix puts the outcomes together.
func mix(each [outcomes][]Candidate) []Candidate {
	t := tracer{at: map[*Event]int{}}
	for w, cs := range each {
		for _, c := range cs {
			c.Each = Each{}
			c.Each[w] = c.P
			t.put(c)
		}
	}
	for i := range t.out {
		t.out[i].P = t.out[i].Each.Mix(evens)
	}
	return t.out
}

// hand notes what e was handed.
func (e *Event) hand(cs []Candidate, unknown float64) {
	e.handed, _ = trace(cs, unknown)
	e.From = mix(e.handed)
	e.Traced = true
}

type tracer struct {
	outcome outcome
	out     []Candidate
	at      map[*Event]int // place in out
	unknown float64
	spilled float64 // of responses that were never stored
}

func (t *tracer) add(c Candidate) {
	f := c.Fill
	stored := float64(c.P * (1 - f.Doubt))
	t.spilled += c.P - stored
	if !f.Relay {
		t.put(Candidate{Fill: f, Rules: c.Rules, P: stored, Via: c.Via})
		return
	}
	t.share(c, stored, f)
}

// share parts p between c's own response and what it was handed, which came by
// via, or as it came to c.
func (t *tracer) share(c Candidate, p float64, via *Event) {
	f, own := c.Fill, t.outcome.own(c.Fill)
	if own > 0 {
		t.put(Candidate{Fill: f, Rules: c.Rules, P: float64(p * own), Via: c.Via})
	}
	handed := float64(p * (1 - own))
	if own == 1 {
		return
	}
	if !f.Traced { // of two that may have confirmed each other, the later one
		t.spilled += handed
		return
	}
	rest := 1.0
	for _, o := range f.handed[t.outcome] {
		t.put(Candidate{Fill: o.Fill, Rules: c.Rules, P: float64(handed * o.P), Via: cmp.Or(via, o.Via)})
		rest -= o.P
	}
	t.unknown += float64(handed * max(0, rest))
}

// put adds c to what is listed of its fill. The likeliest way there is kept.
func (t *tracer) put(c Candidate) {
	i, ok := t.at[c.Fill]
	if !ok {
		t.at[c.Fill] = len(t.out)
		t.out = append(t.out, c)
		return
	}
	o := &t.out[i]
	if c.P > o.P {
		o.Via = c.Via
	}
	o.P += c.P
	for w := range outcomes {
		o.Each[w] += c.Each[w]
	}
	o.Rules |= c.Rules
}

// close shares out what was spilled.
func (t *tracer) close() ([]Candidate, float64) {
	sum := 0.0
	for _, c := range t.out {
		sum += c.P
	}
	if sum <= 0 {
		return t.out, t.unknown + t.spilled
	}
	for i := range t.out {
		t.out[i].P += float64(t.spilled * (t.out[i].P / sum))
	}
	return t.out, t.unknown
}

// weighed bounds how many candidates of a response that may be of any age are
// weighed in full: the likelihood of the last to arrive falls so fast that the
// others differ in nothing.
const weighed = 24

// Confirm weighs what the cache may have handed e however old it was, and sets
// From to it, traced.
func (e *Event) Confirm(cs []Candidate, policy Policy, p *Params) {
	ever := policy
	ever.TTL.Default, ever.TTL.Max = forever, forever
	old := max(0, len(cs)-weighed)
	unknown := Weigh(e, cs[old:], ever, p)
	for i := range cs[:old] {
		cs[i].P = faint
	}
	e.hand(cs, unknown)
}

// Meet weighs what is fresh in the cache as what e, an error that the origin
// did not see, may have been handed, and sets From to it, traced. The better
// that explains e, the less likely e was a response of its own.
func (e *Event) Meet(cs []Candidate, policy Policy, p *Params) {
	unknown := Weigh(e, cs, policy, p)
	e.hand(cs, unknown)
	held := strength(unknown, p)
	own, handed := float64(e.Own*(1-held)), float64((1-e.Own)*held)
	if own+handed > 0 {
		e.Own = own / (own + handed)
		e.Doubt = 1 - e.Own
	}
}
