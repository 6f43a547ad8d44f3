package reconstruct_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// alike is what a cache is like that shows nothing unusual.
var alike = reconstruct.Params{Rules: [3]float64{1, 0, 0}, Caches: [5]float64{1}, Loss: 0.001}

// probabilities maps each fill's ID to its P.
func probabilities(cs []reconstruct.Candidate) map[string]float64 {
	out := map[string]float64{}
	for _, c := range cs {
		out[c.Fill.ID] += c.P
	}
	return out
}

func near(a, b float64) bool { return math.Abs(a-b) < 0.01 }

// phantom is a Miss that the origin did not see.
func phantom(id string, start time.Duration, own float64) *reconstruct.Event {
	e := miss(id, start, 30*ms, 40*ms)
	e.Relay, e.Own = true, own
	return e
}

// origin is a Miss that the origin answered.
func origin(id string, start time.Duration) *reconstruct.Event {
	e := miss(id, start, 100*ms, 110*ms)
	e.Own = 1
	return e
}

func upper(fills ...*reconstruct.Event) *reconstruct.Upper {
	u := reconstruct.NewUpper(second, reconstruct.Policy{TTL: second}, &alike)
	for _, f := range fills {
		u.Add(f)
	}
	return u
}

// TestUpperHandsOn: a Miss without an origin row got what another location had
// fetched, and whoever hits its cache then got the same (semantics.md F11).
func TestUpperHandsOn(t *testing.T) {
	far := origin("far", 0)
	relay := phantom("relay", 600*ms, 0.01)
	upper(far, relay).Hand(relay)
	cs, unknown := reconstruct.Flatten([]reconstruct.Candidate{{Fill: relay, Rules: 1, P: 0.9}}, 0.1)
	p := probabilities(cs)
	if p["far"] < 0.85 || p["relay"] > 0.02 || unknown.Open() || !near(unknown.Kept()+p["far"]+p["relay"], 1) {
		t.Errorf("%v, unknown %.3f: the hit got what the tier had handed the Miss", p, unknown)
	}
	if cs[slices.IndexFunc(cs, func(c reconstruct.Candidate) bool { return c.Fill == far })].Via != relay {
		t.Error("the relay is not named as the way there")
	}
}

// TestUnexplainedMissIsItsOwn: if no fill anywhere can have been in the tier,
// the origin row is lost.
func TestUnexplainedMissIsItsOwn(t *testing.T) {
	relay := phantom("relay", 20*time.Second, 0.1)
	upper(origin("far", 0), relay).Hand(relay)
	if relay.Own < 0.9 {
		t.Errorf("own with %.3f, though the tier held nothing", relay.Own)
	}
}

// TestHitLooksUpward: a Hit without a fill of its own cache is explained by
// another location's, whose age in the tier and at the edge may add up.
func TestHitLooksUpward(t *testing.T) {
	for at, want := range map[time.Duration]bool{900 * ms: true, 1900 * ms: true, 9 * time.Second: false} {
		h := hit("hit", at)
		cs, missing := upper(origin("far", 0)).Ask(h)
		if got := len(cs) > 0; got != want {
			t.Errorf("at %v: %d fills above, want any: %v", at, len(cs), want)
			continue
		}
		merged, unknown := reconstruct.Merge(nil, 1, cs, missing, 0.5)
		if total := unknown; want {
			for _, c := range merged {
				total += c.P
			}
			if !near(total, 1) {
				t.Errorf("at %v: probabilities add up to %v", at, total)
			}
		}
	}
	local := []reconstruct.Candidate{{Fill: origin("near", 0), P: 0.999}}
	above := []reconstruct.Candidate{{Fill: origin("far", 0), P: 0.999}}
	for upward, want := range map[float64]float64{0.01: 0.99, 0.9: 0.1} {
		cs, _ := reconstruct.Merge(slices.Clone(local), 0.001, above, 0.001, upward)
		if p := probabilities(cs)["near"]; !near(p, want) {
			t.Errorf("upward %v: its own cache with %.3f, want %.2f", upward, p, want)
		}
	}
}

// refreshHit is a revalidation; own and open as Event.Own and Event.Undecided.
func refreshHit(id string, start time.Duration, own float64, open bool) *reconstruct.Event {
	e := miss(id, start, 80*ms, 90*ms)
	e.Refreshed, e.Relay, e.Own, e.Undecided = true, own < 1, own, open
	return e
}

// confirmed walks rows and returns what "hit", the last, was handed, traced.
func confirmed(p reconstruct.Policy, rows ...*reconstruct.Event) []reconstruct.Candidate {
	var cs []reconstruct.Candidate
	s := reconstruct.NewSweep(p, func(e *reconstruct.Event, found []reconstruct.Candidate) {
		if e.ID == "hit" {
			cs = slices.Clone(found)
		}
	})
	s.Handed(func(e *reconstruct.Event, found []reconstruct.Candidate) {
		e.Confirm(slices.Clone(found), p, &alike)
	})
	for _, e := range rows {
		s.Add(e)
	}
	s.Close()
	unknown := reconstruct.Weigh(rows[len(rows)-1], cs, p, &alike)
	out, _ := reconstruct.Flatten(cs, unknown)
	return out
}

// TestRevalidation: what a chain of a hundred 304s kept is still the first
// response, if they keep it; else the last one's (RFC 9111 §4.3.4).
func TestRevalidation(t *testing.T) {
	policy := reconstruct.Policy{TTL: second, Keeps: true, CachesPerScope: 1}
	for _, c := range []struct {
		name        string
		own         float64
		open        bool
		first, last float64
	}{
		{"kept", 0, false, 1, 0},
		{"replaced", 1, false, 0, 1},
		{"unknown", 0.5, true, 0.5, 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := []*reconstruct.Event{origin("first", 0)}
			at := time.Duration(0)
			for i := range 100 {
				at += 5 * time.Second
				rows = append(rows, refreshHit(fmt.Sprint("refresh", i), at, c.own, c.open))
			}
			rows = append(rows, hit("hit", at+400*ms))
			out := confirmed(policy, rows...)
			p := probabilities(out)
			// At each of a hundred steps a row may be lost.
			if math.Abs(p["first"]-c.first) > 0.06 || !near(p["refresh99"], c.last) {
				t.Errorf("first %.3f, last %.3f, want %v and %v", p["first"], p["refresh99"], c.first, c.last)
			}
			if len(p) > 3 {
				t.Errorf("%d candidates of one cache: %v", len(p), p)
			}
			for _, x := range out {
				kept, replaced := x.Fill.ID == "first", x.Fill.ID == "refresh99"
				if x.Each.Open() != (c.open && (kept || replaced)) || c.open && kept && x.Each.Replaced() > 0 || c.open && replaced && x.Each.Kept() > 0 {
					t.Errorf("%s: %v", x.Fill.ID, x.Each)
				}
				if got := x.Each.Mix(0.5); !near(got, x.P) {
					t.Errorf("%s: %v, mixed %v", x.Fill.ID, x.P, got)
				}
			}
		})
	}
}

// TestResponse: the client whose request confirms what is stored is sent that,
// or its own, by what the cache keeps.
func TestResponse(t *testing.T) {
	policy := reconstruct.Policy{TTL: second, Keeps: true, CachesPerScope: 1}
	refresh := refreshHit("refresh", 5*time.Second, 0.5, true)
	confirmed(policy, origin("first", 0), refresh, hit("hit", 5400*ms))
	cs, unknown := refresh.Response()
	got := map[string]reconstruct.Each{}
	for _, c := range cs {
		got[c.Fill.ID] = c.Each
	}
	if first, own := got["first"], got["refresh"]; own.Replaced() != 1 || own.Kept() != 0 || first.Replaced() != 0 || !near(first.Kept()+unknown.Kept(), 1) || first.Kept() < 0.9 {
		t.Errorf("%v, unknown %v", got, unknown)
	}
}

// TestDoubtfulFillYields: a response that hardly was stored gives its share to
// the others, and is still listed.
func TestDoubtfulFillYields(t *testing.T) {
	doubtful, sure := origin("doubtful", 0), origin("sure", 0)
	doubtful.Doubt = 0.75
	cs, unknown := reconstruct.Flatten([]reconstruct.Candidate{{Fill: doubtful, P: 0.4}, {Fill: sure, P: 0.5}}, 0.1)
	p := probabilities(cs)
	if !near(p["doubtful"], 0.15) || !near(p["sure"], 0.75) || !near(unknown.Mix(0.5), 0.1) {
		t.Errorf("%v, unknown %v", p, unknown)
	}
}

// TestBackgroundRefreshHandsOutTheOld: who sets a refresh off gets the old
// response, and is the holder of the next (semantics.md A5).
func TestBackgroundRefreshHandsOutTheOld(t *testing.T) {
	stale := reconstruct.Policy{TTL: model.TTL{Min: second.Min, Default: 20 * time.Second, Max: 20 * time.Second}, Stale: 19 * time.Second}
	refresh := hit("refresh", 5*time.Second)
	refresh.Fill, refresh.Own = true, 1
	refresh.Origin = exact("", 5020*ms, 0, 0).Start
	refresh.Arrived = model.Interval{Lo: refresh.Available.Lo, Hi: refresh.Available.Hi.Add(200 * ms)}
	rows := func() []*reconstruct.Event {
		return []*reconstruct.Event{origin("old", 0), refresh, hit("hit", 7*time.Second)}
	}
	if got := candidates(stale, "refresh", rows()...); !slices.Equal(got, []string{"old"}) {
		t.Errorf("the one who set it off may have got %v, want the old one", got)
	}
	if got := candidates(stale, "hit", rows()...); !slices.Contains(got, "refresh") {
		t.Errorf("a later one may have got %v, want the refreshed one too", got)
	}
}

// TestNextLeader: of those who wait for a fetch that fails, one that asked
// later may be the next to ask the origin.
func TestNextLeader(t *testing.T) {
	waited := exact("waited", 0, 3*time.Second, 3010*ms)
	waited.Recipient = true
	next := origin("next", 2*time.Second)
	for collapsing, want := range map[model.Tri]int{model.Yes: 1, model.Unknown: 1, model.No: 0} {
		if got := candidates(reconstruct.Policy{TTL: second, Collapsing: collapsing}, "waited", waited, next); len(got) != want {
			t.Errorf("collapsing %d: %v", collapsing, got)
		}
	}
}

// TestPrune: behind one cache the last of many replacements is what is stored;
// behind an unknown number of caches an older one may be.
func TestPrune(t *testing.T) {
	policy := reconstruct.Policy{TTL: model.TTL{Default: time.Hour, Max: time.Hour}, Stale: time.Hour}
	h := hit("hit", 1000*time.Second)
	list := func() (cs []reconstruct.Candidate) {
		for i := range 50 {
			cs = append(cs, reconstruct.Candidate{Fill: origin(fmt.Sprint(i), time.Duration(i)*time.Second)})
		}
		return cs
	}
	one, two := alike, alike
	two.Caches = [5]float64{0.5, 0.5}
	if got := reconstruct.Prune(list(), h, policy, &one); len(got) != 1 || got[0].Fill.ID != "49" {
		t.Errorf("one cache: %d candidates", len(got))
	}
	if got := len(reconstruct.Prune(list(), h, policy, &two)); got < 10 || got > 30 {
		t.Errorf("perhaps two caches: %d candidates", got)
	}
}

// TestVariant: a hit that looks like one stored form is of that one, more
// likely than of another; and may be of the other.
func TestVariant(t *testing.T) {
	same, other := origin("same", 0), origin("other", 0)
	h := hit("hit", 500*ms)
	h.Variant.Length, same.Variant.Length, other.Variant.Length = 100, 100, 300
	cs := []reconstruct.Candidate{{Fill: same}, {Fill: other}}
	reconstruct.Weigh(h, cs, reconstruct.Policy{TTL: second}, &alike)
	if cs[0].P < 5*cs[1].P || cs[1].P <= 0 {
		t.Errorf("same %v, other %v", cs[0].P, cs[1].P)
	}
}
