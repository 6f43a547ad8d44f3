package sample_test

import (
	"encoding/csv"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/export/internal/smallcase"
	"github.com/spillscope/spillscope/export/sample"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/model"
)

// many is a case with so many rows of each tier, strongest last.
func many(t *testing.T, sizes map[model.Tier]int) *store.Case {
	t.Helper()
	base := smallcase.Deliveries()[0]
	fs := []model.Finding{smallcase.Inputs()[0]}
	for tier, n := range sizes {
		for i := range n {
			d := base
			d.ID, d.Tier = fmt.Sprintf("dl_%d_%d", tier, i), tier
			fs = append(fs, d)
		}
	}
	slices.SortStableFunc(fs, func(a, b model.Finding) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	slices.SortStableFunc(fs, func(a, b model.Finding) int { // inputs first
		_, x := a.(model.Delivery)
		_, y := b.(model.Delivery)
		return map[bool]int{false: 0, true: 1}[x] - map[bool]int{false: 0, true: 1}[y]
	})
	return smallcase.Write(t, filepath.Join(t.TempDir(), "case"), fs, smallcase.Manifest())
}

func draw(t *testing.T, c *store.Case, n int, seed uint64) []sample.Row {
	t.Helper()
	rows, err := sample.Draw(c, n, seed)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestStrata(t *testing.T) {
	c := many(t, map[model.Tier]int{model.TierConfirmed: 40, model.TierProbable: 3, model.TierUnlikely: 200, model.TierSetAside: 60})
	rows := draw(t, c, 30, 1)
	got := map[model.Tier]int{}
	for _, r := range rows {
		got[r.Delivery.Tier]++
		if want := map[model.Tier]int{model.TierConfirmed: 40, model.TierProbable: 3, model.TierUnlikely: 200, model.TierSetAside: 60}[r.Delivery.Tier]; r.Stratum != want {
			t.Errorf("%s: stratum of %d, want %d", r.Name, r.Stratum, want)
		}
	}
	want := map[model.Tier]int{model.TierConfirmed: 9, model.TierProbable: 3, model.TierSetAside: 9, model.TierUnlikely: 9}
	if len(rows) != 30 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("drawn %v, want %v", got, want)
	}
	if n := len(draw(t, c, 1000, 1)); n != 303 {
		t.Errorf("%d rows of 303", n)
	}
}

// TestSeed: a seed draws its sample, another one another; a row's place in the
// list does not tell its tier.
func TestSeed(t *testing.T) {
	c := many(t, map[model.Tier]int{model.TierConfirmed: 100, model.TierSetAside: 100})
	ids := func(rows []sample.Row) (s []string) {
		for _, r := range rows {
			s = append(s, r.Delivery.ID)
		}
		return s
	}
	a, b, other := ids(draw(t, c, 40, 3)), ids(draw(t, c, 40, 3)), ids(draw(t, c, 40, 4))
	if !slices.Equal(a, b) || slices.Equal(a, other) {
		t.Errorf("seed 3 draws %v and %v, seed 4 %v", a, b, other)
	}
	changes := 0
	for i := 1; i < len(a); i++ {
		if a[i][:5] != a[i-1][:5] {
			changes++
		}
	}
	if changes < 8 {
		t.Errorf("the list is sorted by tier: %v", a)
	}
}

func TestFiles(t *testing.T) {
	c := smallcase.Write(t, filepath.Join(t.TempDir(), "case"), smallcase.Findings(), smallcase.Manifest())
	rows := draw(t, c, 10, 1)
	var blind, key strings.Builder
	if err := sample.WriteBlind(&blind, c, rows); err != nil {
		t.Fatal(err)
	}
	if err := sample.WriteKey(&key, c, rows); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"confirmed", "probable", "unlikely", "set aside", "0.5500", "USE_SEEN", "dl_", "p_applied"} {
		if strings.Contains(blind.String(), secret) {
			t.Errorf("the list to check tells %q:\n%s", secret, blind.String())
		}
	}
	if strings.ContainsAny(blind.String()+key.String(), smallcase.Acting) {
		t.Error("a stranger's text acts in the sample")
	}
	a, err := csv.NewReader(strings.NewReader(blind.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	b, err := csv.NewReader(strings.NewReader(key.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != 6 || len(b) != 6 {
		t.Fatalf("%d and %d lines, want 6 each", len(a), len(b))
	}
	for i := range a {
		if a[i][0] != b[i][0] {
			t.Errorf("line %d: %s in the list, %s in the key", i+1, a[i][0], b[i][0])
		}
	}
}
