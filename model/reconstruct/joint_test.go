package reconstruct_test

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// setup says what traffic is like, and what its log shows.
type setup struct {
	rate       float64 // requests a second and key
	rule       model.Expiry
	caches     int
	origin     bool          // fills have an origin row
	skew       time.Duration // hosts' clocks are off by up to this
	lost       float64       // share of rows that are missing
	width      time.Duration // of a stamp; a second if 0
	collapsing bool
	requests   int // of each of four keys
}

func (s setup) String() string {
	return fmt.Sprintf("%s %g/s, %d caches, origin %v, skew %v, lost %g, width %v, collapsing %v", s.rule, s.rate, s.caches, s.origin, s.skew, s.lost, s.width, s.collapsing)
}

// record is what one key's requests were like, and what the log shows.
type record struct {
	events []*reconstruct.Event
	served map[string]string // hit → fill
	fills  []arrival         // all of them, by arrival
}

type arrival struct {
	id    string
	at    model.Instant
	asked model.Instant
	cache int
}

// generate makes the traffic of one key: Poisson requests, each to one of the
// caches at random; an origin of about 120 ms, lognormal; one second to live.
func (s setup) generate(rnd *rand.Rand, key int) record {
	r := record{served: map[string]string{}}
	inside := make([][]arrival, s.caches)
	var skews [8]time.Duration
	for i := range skews {
		skews[i] = time.Duration((2*rnd.Float64() - 1) * float64(s.skew))
	}
	now := model.Instant(1_700_000_000e9).Add(time.Duration(rnd.Int64N(1e9)))
	for n := range s.requests {
		now = now.Add(time.Duration(rnd.ExpFloat64() / s.rate * 1e9))
		k, lost, skew := rnd.IntN(s.caches), rnd.Float64() < s.lost, skews[rnd.IntN(len(skews))]
		latest, leader := look(inside[k], now)
		e := &reconstruct.Event{ID: fmt.Sprintf("k%02d-%05d", key, n)}
		switch {
		case latest != nil && cache.Fresh(s.rule, latest.at, now, time.Second):
			e.Recipient = true
			r.served[e.ID] = latest.id
			s.stamp(e, now, 2*ms, time.Duration(2+rnd.IntN(30))*ms, skew)
		case s.collapsing && leader != nil:
			e.Recipient = true
			r.served[e.ID] = leader.id
			wait := leader.at.Sub(now) + ms
			s.stamp(e, now, wait, wait+time.Duration(rnd.IntN(20))*ms, skew)
		default:
			e.Fill, e.Miss = true, true
			wait := time.Duration(120e6 * math.Exp(rnd.NormFloat64()*0.4)).Round(ms)
			s.stamp(e, now, wait, wait+time.Duration(rnd.IntN(20))*ms, skew)
			inside[k] = append(inside[k], arrival{e.ID, now.Add(wait), now, k})
			r.fills = append(r.fills, arrival{e.ID, now.Add(wait), now, k})
			if at := now.Add(time.Duration(14+rnd.IntN(3)) * ms); s.origin {
				at -= at % model.Instant(ms)
				e.Origin = model.Interval{Lo: at, Hi: at.Add(ms)}
			}
		}
		if len(inside[k]) > 64 {
			inside[k] = slices.Delete(inside[k], 0, 32)
		}
		if !lost {
			r.events = append(r.events, e)
		}
	}
	slices.SortFunc(r.events, func(a, b *reconstruct.Event) int {
		return cmp.Or(cmp.Compare(a.Start.Lo, b.Start.Lo), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(r.fills, func(a, b arrival) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	return r
}

// look returns what a cache holds at now, and what it has asked for first.
func look(fills []arrival, now model.Instant) (latest, leader *arrival) {
	for i := range fills {
		f := &fills[i]
		if f.at <= now && (latest == nil || f.at > latest.at) {
			latest = f
		}
		if f.at > now && (leader == nil || f.asked < leader.asked) {
			leader = f
		}
	}
	return latest, leader
}

// stamp fills in what the log says of a row: when it ended, by its host's
// clock and cut to the width of a stamp, and how long it took.
func (s setup) stamp(e *reconstruct.Event, start model.Instant, ttfb, taken, skew time.Duration) {
	width := model.Instant(cmp.Or(s.width, time.Second))
	end := start.Add(taken + skew)
	lo := end / width * width
	e.End = model.Interval{Lo: lo, Hi: lo + width}
	e.Start = e.End.Shift(-taken)
	e.Available = e.Start.Shift(ttfb)
}

func (s setup) policy() reconstruct.Policy {
	p := reconstruct.Policy{TTL: second, Collapsing: model.No}
	if s.collapsing {
		p.Collapsing = model.Yes
	}
	return p
}

// params is what calibration would say of it.
func (s setup) params() reconstruct.Params {
	p := reconstruct.Params{Loss: max(0.0005, s.lost)}
	for i, r := range cache.Rules {
		if r == s.rule {
			p.Rules[i] = 1
		}
	}
	for i, n := range reconstruct.Sizes {
		if n == s.caches {
			p.Caches[i] = 1
		}
	}
	if s.origin {
		p.Lag, p.Spread, p.FromStart = -15*time.Millisecond, max(20*time.Millisecond, s.skew), true
	}
	if s.collapsing {
		p.Collapse = 1
	}
	return p
}

// score is how well the hits of a log were attributed.
type score struct {
	hits, right, claimed float64
	oracle               float64 // how many the oracle gets right
	pairs                float64
	bins                 [10]bin // of the candidates of ambiguous hits, unknown among them
	lost                 [4]bin  // of unknown: below 5, 20, 50 % and above
}

// bin compares what was claimed with what happened.
type bin struct{ n, claimed, happened float64 }

func (b *bin) add(p float64, happened bool) {
	b.n++
	b.claimed += p
	if happened {
		b.happened++
	}
}

// note scores one weighed hit.
func (s *score) note(truth string, cs []reconstruct.Candidate, unknown float64) {
	s.hits++
	var best reconstruct.Candidate
	found := false
	for _, c := range cs {
		found = found || c.Fill.ID == truth
		if c.P > best.P {
			best = c
		}
	}
	s.claimed += best.P
	if best.P >= unknown && best.Fill.ID == truth {
		s.right++
	}
	tier := 0
	for _, edge := range []float64{0.05, 0.2, 0.5} {
		if unknown >= edge {
			tier++
		}
	}
	s.lost[tier].add(unknown, !found)
	if len(cs) < 2 {
		return
	}
	s.pairs += float64(1 + len(cs))
	s.bins[min(9, int(unknown*10))].add(unknown, !found)
	for _, c := range cs {
		s.bins[min(9, int(c.P*10))].add(c.P, c.Fill.ID == truth)
	}
}

// ece is the expected calibration error.
func (s *score) ece() float64 {
	sum := 0.0
	for _, b := range s.bins {
		sum += math.Abs(b.claimed - b.happened)
	}
	return sum / max(1, s.pairs)
}

// unknown returns how many hits were said to be of a lost fill, and how many were.
func (s *score) unknown() (claimed, happened float64) {
	for _, b := range s.lost {
		claimed, happened = claimed+b.claimed, happened+b.happened
	}
	return claimed, happened
}

// pick returns what the oracle says of h: it knows when each fill arrived and
// in which cache, but not the phase of the hit.
func (s setup) pick(r *record, h *reconstruct.Event) string {
	from, _ := slices.BinarySearchFunc(r.fills, h.Start.Lo.Add(-4*time.Second), func(f arrival, x model.Instant) int { return cmp.Compare(f.at, x) })
	mass := map[string]int{}
	for n := range 250 {
		x := h.Start.Lo + (h.Start.Hi-h.Start.Lo)*model.Instant(2*n+1)/500
		latest := make([]arrival, s.caches)
		for _, f := range r.fills[from:] {
			if f.at > x {
				break
			}
			latest[f.cache] = f
		}
		for _, f := range latest {
			if f.id != "" && cache.Fresh(s.rule, f.at, x, time.Second) {
				mass[f.id]++
			}
		}
	}
	best := ""
	for id, n := range mass {
		if n > mass[best] || n == mass[best] && id < best {
			best = id
		}
	}
	return best
}

// judged attributes the hits of s by joint inference and one by one, and asks
// the oracle.
func (s setup) judged(t testing.TB) (joint, single score) {
	rnd := rand.New(rand.NewPCG(11, uint64(s.rate*10)))
	policy, params := s.policy(), s.params()
	for key := range 4 {
		r := s.generate(rnd, key)
		emitted := []string{}
		done := 0
		j := reconstruct.NewJoint(policy, &params, func(x reconstruct.Weighed) {
			if done >= len(emitted) || emitted[done] != x.Event.ID {
				t.Fatalf("%s: %s came out of order", s, x.Event.ID)
			}
			done++
			joint.note(r.served[x.Event.ID], x.Candidates, x.Unknown)
		})
		w := world{events: r.events}
		w.sweep(policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
			if e.Recipient {
				emitted = append(emitted, e.ID)
				alone := slices.Clone(cs)
				unknown := reconstruct.Weigh(e, alone, policy, &params)
				single.note(r.served[e.ID], alone, unknown)
				if s.pick(&r, e) == r.served[e.ID] {
					joint.oracle++
				}
			}
			j.Add(e, cs)
		})
		j.Close()
		if done != len(emitted) {
			t.Fatalf("%s: %d of %d hits came out", s, done, len(emitted))
		}
	}
	single.oracle = joint.oracle
	return joint, single
}

// tell logs a score beside that of hits weighed one by one.
func tell(t *testing.T, s setup, joint, single score) {
	claimed, happened := joint.unknown()
	t.Logf("%-60s %5.0f hits: oracle %.3f joint %.3f (one by one %.3f), claims %.3f (%.3f), calibration error %.3f (%.3f), unknown %.1f of %.0f", s, joint.hits,
		joint.oracle/joint.hits, joint.right/joint.hits, single.right/joint.hits, joint.claimed/joint.hits, single.claimed/joint.hits,
		joint.ece(), single.ece(), claimed, happened)
}

// TestJointReachesOracle: where origin rows time the fills, the most likely
// candidate is right nearly as often as the best guess of one who knows all
// but the phase of the hit (design.md 11).
func TestJointReachesOracle(t *testing.T) {
	for _, rule := range cache.Rules {
		for _, rate := range []float64{0.3, 1, 3, 10} {
			s := setup{rate: rate, rule: rule, caches: 1, origin: true, requests: 1000}
			joint, single := s.judged(t)
			tell(t, s, joint, single)
			if gap := (joint.oracle - joint.right) / joint.hits; gap > 0.01 {
				t.Errorf("%s: %.4f below the oracle", s, gap)
			}
			if e := joint.ece(); e > 0.03 {
				t.Errorf("%s: calibration error %.3f", s, e)
			}
		}
	}
}

// TestJointIsCalibrated: wherever less is known, what is claimed still happens
// as often as it is claimed, and joint inference is no worse than weighing hits
// one by one.
func TestJointIsCalibrated(t *testing.T) {
	for _, s := range []setup{
		{rate: 1, rule: "real", caches: 1},
		{rate: 3, rule: "real", caches: 1},
		{rate: 3, rule: "floor", caches: 1},
		{rate: 3, rule: "ceil", caches: 1},
		{rate: 10, rule: "real", caches: 1},
		{rate: 1, rule: "real", caches: 2, origin: true},
		{rate: 3, rule: "real", caches: 2, origin: true},
		{rate: 3, rule: "ceil", caches: 2, origin: true},
		{rate: 3, rule: "floor", caches: 3, origin: true},
		{rate: 10, rule: "real", caches: 3, origin: true},
		{rate: 3, rule: "real", caches: 2},
		{rate: 1, rule: "real", caches: 1, origin: true, skew: 200 * ms},
		{rate: 3, rule: "floor", caches: 1, origin: true, skew: 200 * ms},
		{rate: 10, rule: "ceil", caches: 1, origin: true, skew: 200 * ms},
		{rate: 3, rule: "real", caches: 1, skew: 200 * ms},
		{rate: 3, rule: "real", caches: 1, origin: true, width: ms},
		{rate: 10, rule: "ceil", caches: 2, width: ms},
		{rate: 3, rule: "real", caches: 1, collapsing: true},
		{rate: 10, rule: "ceil", caches: 2, origin: true, collapsing: true},
		{rate: 3, rule: "real", caches: 1, origin: true, lost: 0.01},
	} {
		s.requests = 500
		joint, single := s.judged(t)
		tell(t, s, joint, single)
		if e := joint.ece(); e > 0.03 {
			t.Errorf("%s: calibration error %.3f", s, e)
		}
		if joint.right < single.right-0.02*joint.hits {
			t.Errorf("%s: right %.0f times, one by one %.0f times", s, joint.right, single.right)
		}
	}
}

// TestJointUnknown: where rows are lost, as many hits are said to be of lost
// fills as were, among the unlikely ones as among the likely.
func TestJointUnknown(t *testing.T) {
	for _, s := range []setup{
		{rate: 3, rule: "real", caches: 1, origin: true, lost: 0.01, requests: 1800},
		{rate: 1, rule: "real", caches: 1, origin: true, lost: 0.05, requests: 1500},
		{rate: 1, rule: "ceil", caches: 1, origin: true, lost: 0.05, requests: 1500},
		{rate: 0.3, rule: "real", caches: 1, origin: true, lost: 0.05, requests: 1500},
		{rate: 3, rule: "real", caches: 2, origin: true, lost: 0.05, requests: 800},
	} {
		joint, single := s.judged(t)
		tell(t, s, joint, single)
		for _, b := range joint.lost {
			t.Logf("    of %5.0f hits %.1f were said to be, %.0f were", b.n, b.claimed, b.happened)
			// Hits of one lost fill come in bunches, so chance counts thrice.
			if off := math.Abs(b.claimed - b.happened); off > 0.01*b.n+3*math.Sqrt(b.claimed+1) {
				t.Errorf("%s: of %.0f hits %.1f are said to be of a lost fill, and %.0f are", s, b.n, b.claimed, b.happened)
			}
		}
	}
}

// TestJointIsFirm: the same rows give the same bits, with every candidate
// listed and probabilities that sum to 1, however the log is cut in blocks.
func TestJointIsFirm(t *testing.T) {
	s := setup{rate: 8, rule: "real", caches: 2, origin: true, lost: 0.01, requests: 1500}
	r := s.generate(rand.New(rand.NewPCG(3, 3)), 0)
	policy, params := s.policy(), s.params()
	listed := map[string]int{}
	list := func() []string {
		var out []string
		j := reconstruct.NewJoint(policy, &params, func(x reconstruct.Weighed) {
			line, total := fmt.Sprint(x.Event.ID, x.Component, math.Float64bits(x.Unknown)), x.Unknown
			for _, c := range x.Candidates {
				line += fmt.Sprint(" ", c.Fill.ID, math.Float64bits(c.P))
				total += c.P
				if c.P <= 0 {
					t.Errorf("%s: %s is left out", x.Event.ID, c.Fill.ID)
				}
			}
			if math.Abs(total-1) > 1e-9 || len(x.Candidates) != listed[x.Event.ID] {
				t.Errorf("%s: %d of %d candidates, which add up to %v", x.Event.ID, len(x.Candidates), listed[x.Event.ID], total)
			}
			if x.Component == "" || x.Component > x.Event.ID {
				t.Errorf("%s is in component %q", x.Event.ID, x.Component)
			}
			out = append(out, line)
		})
		w := world{events: r.events}
		w.sweep(policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
			listed[e.ID] = len(cs)
			j.Add(e, cs)
		})
		j.Close()
		return out
	}
	first := list()
	if again := list(); !slices.Equal(first, again) {
		t.Error("the same rows were weighed differently")
	}
}

// TestJointComponents: hits that a fill may link are one component, and those
// of another time are another.
func TestJointComponents(t *testing.T) {
	policy, params := setup{caches: 1, rule: "real"}.policy(), setup{caches: 1, rule: "real"}.params()
	got := map[string]string{}
	j := reconstruct.NewJoint(policy, &params, func(x reconstruct.Weighed) { got[x.Event.ID] = x.Component })
	w := world{events: []*reconstruct.Event{
		miss("b-fill", 0, 100*ms, 110*ms), hit("c-hit", 500*ms), hit("a-hit", 700*ms),
		miss("e-fill", time.Minute, 100*ms, 110*ms), hit("d-hit", time.Minute+400*ms), hit("z-orphan", 2*time.Minute),
	}}
	w.sweep(policy, j.Add)
	j.Close()
	want := map[string]string{"c-hit": "a-hit", "a-hit": "a-hit", "d-hit": "d-hit", "z-orphan": "z-orphan"}
	if !maps.Equal(got, want) {
		t.Errorf("components %v, want %v", got, want)
	}
}

// TestJointCrowd: where more fills compete than can be told apart, all stay
// listed, and what is held stays small.
func TestJointCrowd(t *testing.T) {
	policy, params := setup{caches: 1, rule: "real"}.policy(), setup{caches: 1, rule: "real"}.params()
	waiting, most, hits := 0, 0, 0
	j := reconstruct.NewJoint(policy, &params, func(x reconstruct.Weighed) {
		waiting--
		hits++
		if len(x.Candidates) < 100 {
			t.Errorf("%s: %d candidates", x.Event.ID, len(x.Candidates))
		}
	})
	fills := make([]reconstruct.Candidate, 200)
	for i := range fills {
		fills[i].Fill = miss(fmt.Sprint("f", i), time.Duration(i)*ms, 100*ms, 110*ms)
	}
	for i := range 20 {
		waiting++
		j.Add(hit(fmt.Sprint("h", i), 500*ms+time.Duration(i)*ms), fills[i:i+150])
		most = max(most, waiting)
	}
	j.Close()
	if hits != 20 || most > 1 {
		t.Errorf("%d hits came out, %d waited", hits, most)
	}
}

// TestJointMemory: a key under steady load never falls silent, and is held in
// blocks.
func TestJointMemory(t *testing.T) {
	s := setup{rate: 30, rule: "ceil", caches: 1, origin: true, requests: 3000}
	r := s.generate(rand.New(rand.NewPCG(5, 5)), 0)
	policy, params := s.policy(), s.params()
	waiting, most := 0, 0
	j := reconstruct.NewJoint(policy, &params, func(reconstruct.Weighed) { waiting-- })
	w := world{events: r.events}
	w.sweep(policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
		if e.Recipient {
			waiting++
		}
		j.Add(e, cs)
		most = max(most, waiting)
	})
	j.Close()
	if most > 600 || waiting != 0 {
		t.Errorf("up to %d hits waited, %d to the end", most, waiting)
	}
}
