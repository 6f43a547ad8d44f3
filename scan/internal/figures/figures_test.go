package figures_test

import (
	"strings"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/figures"
)

// plain is an incident of the kind most are.
func plain(rate float64) model.Conditions {
	return model.Conditions{TTL: 1, Rate: rate, Real: 1, Caches: 1, Logged: 1, Spread: 0.02}
}

func with(c model.Conditions, change func(*model.Conditions)) model.Conditions {
	change(&c)
	return c
}

func table() *figures.Table {
	cell := func(name, mechanism string, c model.Conditions) figures.Cell {
		return figures.Cell{Name: name, Mechanism: mechanism, Conditions: c, Tiers: []model.SyntheticTier{
			{Tier: "confirmed", Claims: 2000, Wrong: 4, Share: 0.002, Low: 0.0008, High: 0.0051},
			{Tier: "probable", Claims: 0},
			{Tier: "possible", Claims: 10, Wrong: 9, Share: 0.9},
		}}
	}
	lost := with(plain(1), func(c *model.Conditions) { c.EdgeLost = 0.01 })
	tier := with(plain(1), func(c *model.Conditions) { c.Logged, c.Tier = 0.7, 0.3 })
	none := with(plain(1), func(c *model.Conditions) { c.Logged, c.Spread = 0, 0 })
	two := with(plain(1), func(c *model.Conditions) { c.Caches = 2 })
	return &figures.Table{Model: "abc", Cells: []figures.Cell{
		cell("1/s", "", plain(1)), cell("10/s", "", plain(10)), cell("1/s ceil", "", with(plain(1), func(c *model.Conditions) { c.Real, c.Ceil = 0, 1 })),
		cell("rotating", "rotation", plain(1)), cell("lost", "loss", lost), cell("tier", "tier", tier), cell("no origin", "no origin", none), cell("two", "two", two),
	}}
}

func TestNearest(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    model.Conditions
		want string
	}{
		{"a plain case, not the equal one with a mechanism that leaves no trace", plain(1.4), "1/s"},
		{"a busy case", plain(6), "10/s"},
		{"expiry by whole seconds", with(plain(2), func(c *model.Conditions) { c.Real, c.Ceil = 0.2, 0.8 }), "1/s ceil"},
		{"lost rows", with(plain(1), func(c *model.Conditions) { c.EdgeLost = 0.02 }), "lost"},
		{"a tier", with(plain(1), func(c *model.Conditions) { c.Logged, c.Tier = 0.6, 0.4 }), "tier"},
		{"no origin log", with(plain(3), func(c *model.Conditions) { c.Logged, c.Spread = 0, 0 }), "no origin"},
		{"perhaps two caches", with(plain(1), func(c *model.Conditions) { c.Caches = 1.9 }), "two"},
		{"nothing measured of the case", model.Conditions{}, "no origin"},
	} {
		if got := table().Nearest(tt.c); got.Cell != tt.want || got.Label != "synthetic data" || got.Case != tt.c || got.Model != "abc" {
			t.Errorf("%s: %s, want %s", tt.name, got.Cell, tt.want)
		}
	}
}

func TestSentence(t *testing.T) {
	s := table().Nearest(with(plain(1), func(c *model.Conditions) { c.TTL = 60 }))
	want := "On synthetic data, not on this case: under the nearest conditions measured (1/s), " +
		"of 2000 claims called confirmed 4 were wrong: 0.2 % (95 % interval 0.1 to 0.5 %); no claim was called probable. " +
		"Nothing was measured near this case in: time to live."
	if s.Sentence != want {
		t.Errorf("got  %s\nwant %s", s.Sentence, want)
	}
	if len(s.Outside) != 1 || len(s.Conditions) < 10 || s.Conditions[0] != (model.ConditionPair{Name: "time to live", Case: "60 s", Synthetic: "1 s"}) {
		t.Errorf("outside %q, first condition %+v", s.Outside, s.Conditions[0])
	}
	empty := (&figures.Table{}).Nearest(plain(1))
	if empty.Cell != "" || empty.Sentence != "Nothing was measured on synthetic data for this build." {
		t.Errorf("an empty table: %+v", empty)
	}
}

// TestEmbedded: the table that builds carry can be read, and answers.
func TestEmbedded(t *testing.T) {
	s := figures.Nearest(plain(1))
	if !strings.HasPrefix(s.Sentence, "On synthetic data, not on this case:") || len(s.Tiers) == 0 || len(s.Outside) != 0 {
		t.Errorf("%+v", s)
	}
}
