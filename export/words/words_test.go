package words_test

import (
	"strings"
	"testing"

	"github.com/spillscope/spillscope/export/words"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/verdict"
)

func TestNumbers(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{words.Count(0), "0"}, {words.Count(999), "999"}, {words.Count(1000), "1,000"}, {words.Count(int64(-1234567)), "-1,234,567"},
		{words.Expected(0), "0"}, {words.Expected(2.75), "2.8"}, {words.Expected(99.96), "100"}, {words.Expected(8123.4), "8,123"},
		{words.Percent(9, 5000), "0.18 %"}, {words.Percent(1, 250000), "0.0004 %"}, {words.Percent(0, 10), "0.0 %"}, {words.Percent(1, 1), "100.0 %"}, {words.Percent(1, 0), "–"},
		{words.Plural(1, "hit"), "1 hit"}, {words.Plural(2000, "hit"), "2,000 hits"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

// TestEveryFlagHasWords also holds for flags that are added later.
func TestEveryFlagHasWords(t *testing.T) {
	for _, def := range verdict.Flags() {
		if w, factor := words.Flag(def.Name); w == "" || factor == "" {
			t.Errorf("%s has no words", def.Name)
		}
	}
	if w, _ := words.Flag("NO_SUCH_FLAG"); !strings.Contains(w, "run.json") {
		t.Errorf("an unknown flag reads %q", w)
	}
}

// TestLimits: each thing that limits a case is said, and only then.
func TestLimits(t *testing.T) {
	full := model.JoinSummary{EdgeMisses: 1, MissesAtOrigin: 1, OriginIDs: 1, OriginAtEdge: 1, Sessions: 1, SessionsKnown: 1, Users: 1, UsersKnown: 1}
	clean := model.Manifest{Joins: full, Control: []model.ControlResult{{From: "a", To: "b"}}}
	base := len(words.Limits(&clean))
	if base == 0 {
		t.Fatal("a case without any limit does not exist")
	}
	for _, tt := range []struct {
		want string
		set  func(*model.Manifest)
	}{
		{"not a ceiling", func(m *model.Manifest) { m.Headline.NotACeiling = true }},
		{"No rows of CDN log", func(m *model.Manifest) { m.Gaps = []model.Gap{{Source: "CDN log"}} }},
		{"tied to no holder: 7.", func(m *model.Manifest) { m.Headline.Unattributed = 7 }},
		{"0 of 1 (0.0 %)", func(m *model.Manifest) { m.Joins.UsersKnown = 0 }},
		{"there were none to look for", func(m *model.Manifest) { m.Joins.UsersKnown, m.Joins.Users = 0, 0 }},
		{"stamped by the second", func(m *model.Manifest) { m.Limits = []string{"3 rows are stamped by the second."} }},
		{"could not be read", func(m *model.Manifest) { m.Balance.Rejected = 1 }},
		{"expect as many false ones", func(m *model.Manifest) { m.Control = []model.ControlResult{{Deliveries: 1}} }},
		{"false alarms could not be measured", func(m *model.Manifest) { m.Control = nil }},
		{"outside the stated window", func(m *model.Manifest) { m.Headline.DeliveriesOutside = 1 }},
	} {
		m := clean
		tt.set(&m)
		got := words.Limits(&m)
		if len(got) != base+1 || !strings.Contains(strings.Join(got, "\n"), tt.want) {
			t.Errorf("limits lack %q:\n%s", tt.want, strings.Join(got, "\n"))
		}
	}
}
