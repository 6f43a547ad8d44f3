package spill_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/scan/internal/spill"
)

type record struct{ key, val string }

func compare(a, b record) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.val, b.val)) }

// records returns n records with long, short, equal and prefix keys.
func records(n int, seed uint64) []record {
	rnd := rand.New(rand.NewPCG(seed, 1))
	out := make([]record, n)
	for i := range out {
		key := fmt.Sprintf("%0*d", rnd.IntN(20), rnd.IntN(n))
		out[i] = record{key[:rnd.IntN(len(key)+1)], fmt.Sprint("v", rnd.IntN(5), strings.Repeat("x", rnd.IntN(200)))}
	}
	return out
}

func scan(t *testing.T, s *spill.Sorter) []record {
	t.Helper()
	var out []record
	err := s.Scan(func(key, val []byte) error {
		out = append(out, record{string(key), string(val)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestOrder adds the same records in any order, by any number of writers,
// within any budget, and expects one sorted sequence, twice.
func TestOrder(t *testing.T) {
	in := records(30_000, 7)
	want := slices.SortedFunc(slices.Values(in), compare)
	for _, writers := range []int{1, 3, 8} {
		for _, budget := range []int{1 << 20, 64 << 20} {
			t.Run(fmt.Sprintf("%d writers, %d bytes", writers, budget), func(t *testing.T) {
				s := spill.New(t.TempDir(), budget)
				defer s.Close()
				ws := make([]*spill.Writer, writers)
				for i := range ws {
					ws[i] = s.Writer()
				}
				for i, n := range rand.New(rand.NewPCG(uint64(writers), 2)).Perm(len(in)) {
					if err := ws[i%writers].Add([]byte(in[n].key), []byte(in[n].val)); err != nil {
						t.Fatal(err)
					}
				}
				for _, w := range ws {
					if err := w.Close(); err != nil {
						t.Fatal(err)
					}
				}
				if s.Len() != int64(len(in)) {
					t.Errorf("Len = %d, want %d", s.Len(), len(in))
				}
				for range 2 {
					if got := scan(t, s); !slices.Equal(got, want) {
						t.Fatal("records are lost, or out of order")
					}
				}
			})
		}
	}
}

func TestNothingLeftBehind(t *testing.T) {
	dir := t.TempDir()
	s := spill.New(dir, 0)
	w := s.Writer()
	for i := range 3000 {
		if err := w.Add(fmt.Appendf(nil, "%d", i), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%d files in the folder while sorting, %v; a killed process would leave them", len(left), err)
	}
	if err := errors.Join(w.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestFolderMissing(t *testing.T) {
	s := spill.New(t.TempDir()+"/missing", 0)
	w := s.Writer()
	var err error
	for i := 0; err == nil && i < 3000; i++ {
		err = w.Add([]byte("k"), make([]byte, 1000))
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Add = %v, want an error that says that the folder is missing", err)
	}
	if err := s.Scan(func(_, _ []byte) error { return nil }); err == nil {
		t.Error("Scan after a failed run = nil: records would be lost in silence")
	}
}

func TestEmpty(t *testing.T) {
	s := spill.New(t.TempDir(), 0)
	if err := s.Writer().Close(); err != nil {
		t.Fatal(err)
	}
	if got := scan(t, s); len(got) != 0 {
		t.Errorf("records out of nothing: %v", got)
	}
}

func BenchmarkSort(b *testing.B) {
	in := records(100_000, 3)
	for _, budget := range []int{1 << 20, 256 << 20} {
		b.Run(fmt.Sprintf("%dMiB", budget>>20), func(b *testing.B) {
			dir := b.TempDir()
			for b.Loop() {
				s := spill.New(dir, budget)
				w := s.Writer()
				for _, r := range in {
					w.Add([]byte(r.key), []byte(r.val))
				}
				w.Close()
				s.Scan(func(_, _ []byte) error { return nil })
				s.Close()
			}
			b.ReportMetric(float64(len(in)*b.N)/b.Elapsed().Seconds()/1e6, "Mrecords/s")
		})
	}
}
