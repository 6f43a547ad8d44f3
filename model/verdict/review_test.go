package verdict_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/verdict"
)

func ordered(b model.Bounds) bool {
	return float64(b.Lower) <= b.BestLow && b.BestLow <= b.Best && b.Best <= b.BestHigh && b.BestHigh <= float64(b.Upper)
}

// TestBoundsAreOrdered: lower ≤ best ≤ upper, whatever was counted. Ten
// confirmed things at 0.95 each are ten, not 9.5.
func TestBoundsAreOrdered(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	for n := range 2000 {
		var tally verdict.Tally
		for range rnd.IntN(30) {
			p := verdict.Round(rnd.Float64())
			tier := verdict.TierOf(p)
			switch {
			case rnd.IntN(5) == 0:
				tier = model.TierSetAside
			case p >= 0.9:
				tier = model.TierConfirmed
			}
			tally.Add(tier, p, fmt.Sprint(rnd.IntN(4)))
		}
		if b := tally.Bounds(); !ordered(b) {
			t.Fatalf("case %d: %+v", n, b)
		}
	}
}

// TestManyInOneCluster: one long-lived fill may be behind a million hits.
func TestManyInOneCluster(t *testing.T) {
	var tally verdict.Tally
	for range 700_000 {
		tally.Add(model.TierProbable, 0.5, "fill")
	}
	if b := tally.Bounds(); !ordered(b) {
		t.Errorf("%+v", b)
	}
}

// TestNotOpenedIsAClaim: where one recipient's later requests were seen and
// opened nothing, but another's were not seen, it is unknown whether the
// workspace was opened (design.md 3.2: unknown, not the convenient value).
func TestNotOpenedIsAClaim(t *testing.T) {
	for _, c := range []struct{ a, b, want model.Tri }{
		{model.Yes, model.No, model.Yes}, {model.Yes, model.Unknown, model.Yes}, {model.No, model.No, model.No},
		{model.No, model.Unknown, model.Unknown}, {model.Unknown, model.No, model.Unknown}, {model.Unknown, model.Unknown, model.Unknown},
	} {
		x, y := holder("f1", "h1", 0.6), holder("f2", "h2", 0.6)
		x.Opened, x.Changed, y.Opened, y.Changed = c.a, c.a, c.b, c.b
		if e, _ := roll(t, x, y); e.Opened != c.want || e.Change != c.want {
			t.Errorf("%d and %d: opened %d, changed %d, want %d", c.a, c.b, e.Opened, e.Change, c.want)
		}
	}
}

// TestSetAsideIsNotCounted: a row that a rule says cannot matter is listed,
// but is neither the first delivery of a workspace nor one of its number.
func TestSetAsideIsNotCounted(t *testing.T) {
	self := as(model.TierSetAside, holder("f0", "h0", 0))
	self.Time, self.Device, self.Flags = at(0).Lo, id("own"), []model.FlagName{verdict.SelfHit}
	real := holder("f1", "h1", 0.6)
	e, _ := roll(t, self, real)
	if e.First != real.Time || e.Deliveries != 1 || e.Devices != 1 || len(e.Flags) != 0 {
		t.Errorf("first %v, %d deliveries, %d devices, flags %v; want those of the one row that counts", e.First, e.Deliveries, e.Devices, e.Flags)
	}
}

// TestFlagsByName: Flags promises an order, and judgements sort by bytes.
func TestFlagsByName(t *testing.T) {
	last := model.FlagName("")
	for _, f := range verdict.Flags() {
		if strings.Compare(string(f.Name), string(last)) <= 0 {
			t.Errorf("%s after %s", f.Name, last)
		}
		last = f.Name
	}
}
