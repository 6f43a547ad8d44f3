package reconstruct

import "slices"

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

// Flatten traces candidates to the origin's responses: what a relay holds is
// its own response with probability Own, else what it was handed, which may be
// a relay's again. A response that may never have been stored gives its share
// to the others. With unknown, the probabilities sum to what they did.
func Flatten(cs []Candidate, unknown float64) ([]Candidate, float64) {
	plain := func(c Candidate) bool { return !c.Fill.Relay && c.Fill.Doubt == 0 }
	if !slices.ContainsFunc(cs, func(c Candidate) bool { return !plain(c) }) {
		return cs, unknown
	}
	each, unknowns := trace(cs, unknown)
	return mix(each), mean(unknowns)
}

// trace follows candidates under each outcome.
func trace(cs []Candidate, unknown float64) (each [outcomes][]Candidate, unknowns [outcomes]float64) {
	for w := range outcomes {
		t := tracer{outcome: w, unknown: unknown, at: map[*Event]int{}}
		for _, c := range cs {
			t.add(c)
		}
		each[w], unknowns[w] = t.close()
	}
	return each, unknowns
}

// mix puts the outcomes together; neither is likelier.
func mix(each [outcomes][]Candidate) []Candidate {
	t := tracer{at: map[*Event]int{}}
	for _, cs := range each {
		for _, c := range cs {
			c.P /= float64(outcomes)
			t.put(c)
		}
	}
	return t.out
}

func mean(xs [outcomes]float64) float64 { return (xs[replaces] + xs[keeps]) / 2 }

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
	own := t.outcome.own(f)
	if own > 0 {
		t.put(Candidate{Fill: f, Rules: c.Rules, P: float64(stored * own), Via: c.Via})
	}
	handed := float64(stored * (1 - own))
	if own == 1 {
		return
	}
	if !f.Traced { // of two that may have confirmed each other, the later one
		t.spilled += handed
		return
	}
	rest := 1.0
	for _, o := range f.handed[t.outcome] {
		t.put(Candidate{Fill: o.Fill, Rules: c.Rules, P: float64(handed * o.P), Via: f})
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
