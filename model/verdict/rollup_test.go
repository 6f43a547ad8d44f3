package verdict_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/verdict"
)

// holder is a row of workspace w in which its user's session was delivered.
func holder(fill, hit string, p float64) verdict.Atom {
	return verdict.Atom{
		Kind: verdict.KindWorkspace, Entity: "w", Fill: fill, Hit: hit, Role: model.RoleHolder, P: p,
		Tier: verdict.TierOf(p), Time: at(1).Lo, Holder: "u", Device: id("d"), Row: "dl_" + fill + hit,
	}
}

func recipient(fill, hit string, p float64) verdict.Atom {
	a := holder(fill, hit, p)
	a.Role = model.RoleRecipient
	return a
}

func as(tier model.Tier, a verdict.Atom) verdict.Atom {
	a.Tier = tier
	return a
}

// roll returns the one entity that atoms are of.
func roll(t *testing.T, atoms ...verdict.Atom) (model.Entity, *verdict.Rollup) {
	t.Helper()
	var out []model.Entity
	r := verdict.NewRollup(func(_ verdict.Kind, e model.Entity, _ []string) { out = append(out, e) })
	for i := range atoms {
		r.Add(&atoms[i])
	}
	r.Flush()
	if len(out) != 1 {
		t.Fatalf("%d entities, want 1", len(out))
	}
	return out[0], r
}

// TestRollupProbability: that at least one delivery was applied (design.md 2,
// issue 2: sum over candidates within a hit; the hits of one fill are not
// independent).
func TestRollupProbability(t *testing.T) {
	for _, c := range []struct {
		name  string
		atoms []verdict.Atom
		p     float64
		tier  model.Tier
	}{
		{"one row", []verdict.Atom{holder("f1", "h1", 0.3)}, 0.3, model.TierPossible},
		{"candidates of one hit exclude each other: sum", []verdict.Atom{holder("f1", "h1", 0.3), holder("f2", "h1", 0.4)}, 0.7, model.TierProbable},
		{"hits of one fill stand or fall together: best", []verdict.Atom{holder("f1", "h1", 0.3), holder("f1", "h2", 0.4)}, 0.4, model.TierPossible},
		{"fills are independent: one minus none", []verdict.Atom{holder("f1", "h1", 0.3), holder("f2", "h2", 0.4)}, 0.58, model.TierProbable},
		{"both: 1 − 0.6·0.5 of fills, 0.9 of the hit", []verdict.Atom{holder("f1", "h1", 0.4), holder("f1", "h2", 0.4), holder("f2", "h1", 0.5)}, 0.9, model.TierProbable},
		{"never more than one", []verdict.Atom{holder("f1", "h1", 0.7), holder("f2", "h1", 0.7)}, 1, model.TierProbable},
		{"set aside rows add nothing", []verdict.Atom{holder("f1", "h1", 0.3), as(model.TierSetAside, holder("f2", "h2", 0.9))}, 0.3, model.TierPossible},
		{"nothing but set aside", []verdict.Atom{as(model.TierSetAside, holder("f1", "h1", 0.9))}, 0, model.TierSetAside},
		{"one confirmed row confirms", []verdict.Atom{holder("f1", "h1", 0.3), as(model.TierConfirmed, holder("f2", "h2", 0.95))}, 0.965, model.TierConfirmed},
		{"unlikely rows add up", []verdict.Atom{holder("f1", "h1", 0.04), holder("f2", "h2", 0.04)}, 0.0784, model.TierPossible},
		{"two roles are not one count: the stronger", []verdict.Atom{holder("f1", "h1", 0.3), recipient("f2", "h2", 0.6)}, 0.6, model.TierProbable},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, _ := roll(t, c.atoms...)
			if e.PApplied != c.p || e.Tier != c.tier {
				t.Errorf("p %v, %v, want %v, %v", e.PApplied, e.Tier, c.p, c.tier)
			}
		})
	}
}

// TestRollupRoles keeps the two populations apart (design.md 3.4).
func TestRollupRoles(t *testing.T) {
	aside := func(a verdict.Atom) verdict.Atom { return as(model.TierSetAside, a) }
	for _, c := range []struct {
		name                string
		atoms               []verdict.Atom
		role                model.Role
		asHolder, asReceive model.Tier
		holders, recipients model.Bounds
	}{
		{"holder", []verdict.Atom{holder("f", "h", 0.6)}, model.RoleHolder, model.TierProbable, model.TierSetAside,
			model.Bounds{Probable: 1, Upper: 1}, model.Bounds{}},
		{"recipient", []verdict.Atom{recipient("f", "h", 0.6)}, model.RoleRecipient, model.TierSetAside, model.TierProbable,
			model.Bounds{}, model.Bounds{Probable: 1, Upper: 1}},
		{"both", []verdict.Atom{holder("f", "h", 0.6), recipient("g", "i", 0.1)}, model.RoleBoth, model.TierProbable, model.TierPossible,
			model.Bounds{Probable: 1, Upper: 1}, model.Bounds{Possible: 1, Upper: 1}},
		{"holder, and set aside as recipient", []verdict.Atom{holder("f", "h", 0.6), aside(recipient("g", "i", 0))}, model.RoleHolder, model.TierProbable, model.TierSetAside,
			model.Bounds{Probable: 1, Upper: 1}, model.Bounds{SetAside: 1}},
		{"set aside, yet its side is still said", []verdict.Atom{aside(recipient("g", "i", 0))}, model.RoleRecipient, model.TierSetAside, model.TierSetAside,
			model.Bounds{}, model.Bounds{SetAside: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, r := roll(t, c.atoms...)
			if e.Role != c.role || e.AsHolder != c.asHolder || e.AsRecipient != c.asReceive {
				t.Errorf("role %v, as holder %v, as recipient %v, want %v, %v, %v", e.Role, e.AsHolder, e.AsRecipient, c.role, c.asHolder, c.asReceive)
			}
			counts := func(b model.Bounds) model.Bounds { b.Best, b.BestLow, b.BestHigh = 0, 0, 0; return b }
			if diff := cmp.Diff(c.holders, counts(r.Bounds(verdict.KindWorkspace, model.RoleHolder))); diff != "" {
				t.Errorf("holders (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.recipients, counts(r.Bounds(verdict.KindWorkspace, model.RoleRecipient))); diff != "" {
				t.Errorf("recipients (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRollupCounts: what else an entity says.
func TestRollupCounts(t *testing.T) {
	a, b, c := holder("f1", "h1", 0.3), holder("f1", "h2", 0.6), recipient("f2", "h1", 0.2)
	a.Time, b.Time, c.Time = at(3).Lo, at(1).Lo, at(2).Lo
	b.Used, b.Opened, b.Changed = true, model.Yes, model.No
	b.Device, b.Flags = id("e"), []model.FlagName{"B", "A"}
	c.Holder, c.Flags = "other", []model.FlagName{"A"}
	e, _ := roll(t, a, b, c)
	want := model.Entity{
		ID: "w", Role: model.RoleBoth, Tier: model.TierProbable, AsHolder: model.TierProbable, AsRecipient: model.TierPossible,
		PApplied: 0.6, First: at(1).Lo, Last: at(3).Lo, HolderUsers: 1, Devices: 2, Deliveries: 2, Used: 1,
		Opened: model.Yes, Flags: []model.FlagName{"A", "B"}, Evidence: "dl_f1h2",
	}
	e.Change = want.Change // its own test is below, in the review
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRollupSplits: a new entity or kind begins a new record; the last one is flushed.
func TestRollupSplits(t *testing.T) {
	var got []string
	r := verdict.NewRollup(func(k verdict.Kind, e model.Entity, cats []string) {
		got = append(got, fmt.Sprintf("%d %s: %d %v", k, e.ID, e.Deliveries, cats))
	})
	for i, entity := range []string{"a", "a", "b"} {
		x := holder("f", fmt.Sprint(i), 0.1)
		x.Entity, x.Cats = entity, []string{"video", entity}
		r.Add(&x)
	}
	x := holder("f", "h", 0.1)
	x.Kind, x.Entity = verdict.KindDevice, "b"
	r.Add(&x)
	r.Flush()
	r.Flush()
	want := []string{"1 a: 2 [a video]", "1 b: 1 [b video]", "2 b: 1 []"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRollupOrder: atoms are sorted by fill and hit; how rows of one fill and
// hit stand among each other must not matter (design.md 3.5).
func TestRollupOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		var atoms []verdict.Atom
		for i := range 8 {
			a := holder(fmt.Sprint("f", rnd.IntN(2)), fmt.Sprint("h", rnd.IntN(2)), verdict.Round(rnd.Float64()/3))
			a.Role = model.Role(1 + rnd.IntN(2))
			a.Row, a.Holder = fmt.Sprint("dl_", i), fmt.Sprint("u", rnd.IntN(3))
			a.Opened, a.Changed = model.Tri(rnd.IntN(3)-1), model.Tri(rnd.IntN(3)-1)
			if rnd.IntN(4) == 0 {
				a.P, a.Tier = 0, model.TierSetAside
			}
			atoms = append(atoms, a)
		}
		byKey := func(a, b verdict.Atom) int {
			return slices.Compare([]string{a.Fill, a.Hit}, []string{b.Fill, b.Hit})
		}
		slices.SortStableFunc(atoms, byKey)
		one, r1 := roll(t, atoms...)
		rnd.Shuffle(len(atoms), func(i, j int) { atoms[i], atoms[j] = atoms[j], atoms[i] })
		slices.SortStableFunc(atoms, byKey)
		two, r2 := roll(t, atoms...)
		one.Opened, one.Change, two.Opened, two.Change = 0, 0, 0, 0 // tested in the review
		if diff := cmp.Diff(one, two); diff != "" {
			t.Fatalf("order within the key matters (-one +two):\n%s", diff)
		}
		for _, role := range []model.Role{model.RoleHolder, model.RoleRecipient} {
			if a, b := r1.Bounds(verdict.KindWorkspace, role), r2.Bounds(verdict.KindWorkspace, role); a != b {
				t.Fatalf("order within the key matters: %+v and %+v", a, b)
			}
		}
	}
}

// TestTally: lower, best with its interval, upper (design.md 2).
func TestTally(t *testing.T) {
	type thing struct {
		tier    model.Tier
		p       float64
		cluster string
	}
	for _, c := range []struct {
		name   string
		things []thing
		want   model.Bounds
	}{
		{"nothing", nil, model.Bounds{}},
		{"one certain thing", []thing{{model.TierConfirmed, 1, "a"}}, model.Bounds{Lower: 1, Best: 1, BestLow: 1, BestHigh: 1, Upper: 1, Confirmed: 1}},
		{"set aside counts nowhere else", []thing{{model.TierSetAside, 0.9, "a"}}, model.Bounds{SetAside: 1}},
		// Four independent halves, whose odds may be off together:
		// 2 ± 1.645·√(4·¼ + (½·4·¼)²) = 2 ± 1.84.
		{"independent", []thing{{model.TierProbable, 0.5, "a"}, {model.TierProbable, 0.5, "b"}, {model.TierProbable, 0.5, "c"}, {model.TierProbable, 0.5, "d"}},
			model.Bounds{Best: 2, BestLow: 0.2, BestHigh: 3.8, Upper: 4, Probable: 4}},
		// The same in two pairs that stand or fall together: 2 ± 1.645·√2.25.
		{"in pairs", []thing{{model.TierProbable, 0.5, "a"}, {model.TierProbable, 0.5, "b"}, {model.TierProbable, 0.5, "a"}, {model.TierProbable, 0.5, "b"}},
			model.Bounds{Best: 2, BestLow: 0, BestHigh: 4, Upper: 4, Probable: 4}},
		{"of every tier", []thing{{model.TierConfirmed, 1, "a"}, {model.TierProbable, 1, "b"}, {model.TierPossible, 0, "c"}, {model.TierUnlikely, 0, "d"}},
			model.Bounds{Lower: 1, Best: 2, BestLow: 2, BestHigh: 2, Upper: 4, Confirmed: 1, Probable: 1, Possible: 1, Unlikely: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tally verdict.Tally
			for _, x := range c.things {
				tally.Add(x.tier, x.p, x.cluster)
			}
			if diff := cmp.Diff(c.want, tally.Bounds()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTallyInCommon: the more is counted, the less chance matters; an error
// that all probabilities share does not average out.
func TestTallyInCommon(t *testing.T) {
	var tally verdict.Tally
	for i := range 10_000 {
		tally.Add(model.TierProbable, 0.9, fmt.Sprint(i))
	}
	b := tally.Bounds() // 9000 ± 1.645·√(900 + 450²): odds of 9 to 1 may be of 5.5 or of 15
	if b.BestLow != 8258.1 || b.BestHigh != 9741.9 {
		t.Errorf("between %v and %v", b.BestLow, b.BestHigh)
	}
}

// TestTallyOrder: sums do not depend on the order in which things are counted.
func TestTallyOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 6))
	ps := make([]float64, 5000)
	for i := range ps {
		ps[i] = verdict.Round(rnd.Float64())
	}
	sum := func() model.Bounds {
		var tally verdict.Tally
		for _, i := range rnd.Perm(len(ps)) {
			tally.Add(verdict.TierOf(ps[i]), ps[i], fmt.Sprint(i%700))
		}
		return tally.Bounds()
	}
	first := sum()
	for range 5 {
		if got := sum(); got != first {
			t.Fatalf("%+v, then %+v", first, got)
		}
	}
	if math.IsNaN(first.Best) || first.Best < 2400 || first.Best > 2600 {
		t.Errorf("best %v of 5000 things at a half on average", first.Best)
	}
}
