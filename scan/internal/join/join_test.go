package join_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/join"
	"github.com/spillscope/spillscope/scan/internal/spill"
)

func edge(id string, line uint64, hash uint64) model.EdgeRow {
	return model.EdgeRow{ID: id, Ref: model.Ref{Line: line}, Line: hash, Shared: hash % 10, Columns: 33}
}

func origin(id string, line uint64, at int64) model.OriginRow {
	return model.OriginRow{RequestID: id, Ref: model.Ref{Object: 1, Line: line}, Time: model.Interval{Lo: model.Instant(at), Hi: model.Instant(at + 1)}, Line: uint64(at)}
}

// TestRequests tells, for each case, which rows of one request id are kept,
// by line, and which are charged as duplicates.
func TestRequests(t *testing.T) {
	old := edge("a", 4, 112) // an archive of fewer columns: only Shared can agree
	old.Columns = 12
	for _, c := range []struct {
		name    string
		edges   []model.EdgeRow
		origins []model.OriginRow
		want    string
	}{
		{"edge alone", []model.EdgeRow{edge("a", 1, 7)}, nil, "edge 1"},
		{"origin alone", nil, []model.OriginRow{origin("a", 1, 5)}, "origin 1"},
		{"same line twice", []model.EdgeRow{edge("a", 9, 7), edge("a", 2, 7)}, nil, "edge 2 dup 9"},
		{"same id, other content", []model.EdgeRow{edge("a", 1, 7), edge("a", 2, 8)}, nil, "edge 1 edge 2"},
		{"other columns, shared ones equal", []model.EdgeRow{edge("a", 1, 2), old}, nil, "edge 1 dup 4"},
		{"origin asked again", []model.EdgeRow{edge("a", 1, 7)}, []model.OriginRow{origin("a", 1, 90), origin("a", 2, 30), origin("a", 3, 30)}, "edge 1 origin 2 origin 1 dup 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := spill.New(t.TempDir(), 0)
			defer s.Close()
			w := join.NewWriter(s)
			for i := range c.edges {
				if err := w.Edge(&c.edges[i]); err != nil {
					t.Fatal(err)
				}
			}
			for i := range c.origins {
				if err := w.Origin(&c.origins[i]); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if got := tell(t, s); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func tell(t *testing.T, s *spill.Sorter) string {
	t.Helper()
	var words []string
	err := join.Requests(s, func(r *join.Request) error {
		for _, e := range r.Edges {
			words = append(words, fmt.Sprint("edge ", e.Ref.Line))
		}
		for _, o := range r.Origins {
			words = append(words, fmt.Sprint("origin ", o.Ref.Line))
		}
		for _, d := range r.Duplicates {
			words = append(words, fmt.Sprint("dup ", d.Line))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(words, " ")
}

// TestManyRequests checks that ids that contain each other, or zero bytes, do
// not run into one another.
func TestManyRequests(t *testing.T) {
	s := spill.New(t.TempDir(), 0)
	defer s.Close()
	w := join.NewWriter(s)
	ids := []string{"a", "ab", "a\x00", "a\x00\x01", "b", ""}
	for i, id := range ids {
		e := edge(id, uint64(i), uint64(i))
		if err := w.Edge(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := join.Requests(s, func(r *join.Request) error {
		if len(r.Edges) != 1 || r.Edges[0].ID != r.ID {
			t.Errorf("%q: %d edge rows", r.ID, len(r.Edges))
		}
		got = append(got, r.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	slices.Sort(got)
	if !slices.Equal(got, ids) {
		t.Errorf("ids %q, want %q", got, ids)
	}
}
