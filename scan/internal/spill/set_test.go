package spill_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/spillscope/spillscope/scan/internal/spill"
)

// TestSet adds more keys than the table of recent ones holds, each of them
// twice and far apart, in two orders.
func TestSet(t *testing.T) {
	t.Parallel()
	const n = 50_000
	var want []string
	for _, step := range []int{1, 7919} {
		s := spill.NewSet(t.TempDir(), 1)
		for i := range 2 * n {
			if err := s.Add(fmt.Appendf(nil, "%06d", i*step%n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Add(nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Freeze(); err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := s.Scan(func(key []byte) error { got = append(got, string(key)); return nil }); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if len(got) != n+1 || got[0] != "" || !slices.IsSorted(got) {
			t.Errorf("step %d: %d keys, sorted %v; want %d", step, len(got), slices.IsSorted(got), n+1)
		}
		if want != nil && !slices.Equal(got, want) {
			t.Errorf("step %d gives other keys", step)
		}
		want = got
	}
}
