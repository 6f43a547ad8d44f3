package join_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/join"
	"github.com/spillscope/spillscope/scan/internal/spill"
)

func traced(trace byte, hash uint64) model.OriginRow {
	return model.OriginRow{Trace: model.ID{trace}, Line: hash, Time: model.Interval{Lo: model.Instant(hash), Hi: model.Instant(hash + 1)}}
}

// TestTraces tells what rows of each trace are led to, in any order of adding.
func TestTraces(t *testing.T) {
	type link struct {
		trace byte
		id    string
	}
	links := []link{{1, "r1"}, {1, "r1"}, {2, "r2"}, {2, "r3"}, {4, "r4"}, {5, "r4"}, {7, "r7"}}
	rows := []model.OriginRow{traced(1, 10), traced(1, 11), traced(2, 20), traced(3, 30), traced(4, 40), traced(5, 50)}
	for n := range uint64(300) {
		rows = append(rows, traced(6, 1000+n))
	}
	const want = "r1: 10 11; torn: 20; none: 30; r4: 40; r4: 50; crowded: 256 rows; crowded: 44 rows"
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 1))
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		rng.Shuffle(len(links), func(i, j int) { links[i], links[j] = links[j], links[i] })
		s := spill.New(t.TempDir(), 0)
		defer s.Close()
		w := join.NewTraceWriter(s)
		for i := range rows {
			if err := w.Row(&rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		for _, l := range links {
			if err := w.Link(model.ID{l.trace}, l.id); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := led(t, s); got != want {
			t.Errorf("seed %d:\n got %s\nwant %s", seed, got, want)
		}
	}
}

func led(t *testing.T, s *spill.Sorter) string {
	t.Helper()
	var out []string
	err := join.Traces(s, func(x *join.Trace) error {
		switch {
		case x.Crowded:
			out = append(out, fmt.Sprintf("crowded: %d rows", len(x.Rows)))
			return nil
		case x.Torn:
			x.ID = "torn"
		case x.ID == "":
			x.ID = "none"
		}
		line := x.ID + ":"
		for _, r := range x.Rows {
			line += fmt.Sprintf(" %d", r.Line)
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "; ")
}

// TestMerge brings together what three logs know of one request, in any order.
func TestMerge(t *testing.T) {
	at := func(object uint32, lo, width int64) model.OriginRow {
		return model.OriginRow{Ref: model.Ref{Object: object, Line: 1}, Taken: -1, Line: uint64(object) + 10,
			Time: model.Interval{Lo: model.Instant(lo), Hi: model.Instant(lo + width)}}
	}
	app, balancer, proxy := at(0, 1000, 100), at(1, 1040, 1), at(2, 1000, 1000)
	app.Presented, app.Method, app.User = model.ID{5}, "GET", "u-1"
	balancer.Trace, balancer.Status, balancer.Taken = model.ID{9}, 200, 7
	app.Trace, proxy.RequestID, proxy.SetCookie = model.ID{9}, "r1", model.Yes
	again := at(0, 2000, 100) // the application's second attempt
	again.Presented, again.Trace = model.ID{6}, model.ID{8}
	failed := at(1, 1040, 1)
	failed.Status, failed.Path = 503, model.ID{1}
	answered := at(2, 1050, 1)
	answered.Status, answered.Presented = 200, model.ID{5}
	for _, c := range []struct {
		name string
		rows []model.OriginRow
		want string
	}{
		{"three logs, one request", []model.OriginRow{app, balancer, proxy}, "object 0 id r1 session 05 user u-1 status 200 stamp 1040+1 took 7 sets 1 also 1 2"},
		{"two attempts", []model.OriginRow{app, again}, "object 0 id  session 05 user u-1 status 0 stamp 1000+100 took -1 sets 0 also; object 0 id  session 06 user  status 0 stamp 2000+100 took -1 sets 0 also"},
		{"contradiction", []model.OriginRow{failed, answered}, "object 1 id  session 00 user  status 503 stamp 1040+1 took -1 sets 0 also; object 2 id  session 05 user  status 200 stamp 1050+1 took -1 sets 0 also"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(6) {
				rows := append([]model.OriginRow(nil), c.rows...)
				rng := rand.New(rand.NewPCG(seed, 2))
				rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
				var out []string
				for _, r := range join.Merge(rows, func(object uint32) join.Log { return join.Log{Source: int(object)} }) {
					line := fmt.Sprintf("object %d id %s session %02x user %s status %d stamp %d+%d took %d sets %d also",
						r.Ref.Object, r.RequestID, r.Presented[:1], r.User, r.Status, r.Time.Lo, r.Time.Hi-r.Time.Lo, r.Taken, r.SetCookie)
					for _, a := range r.Also {
						line += fmt.Sprintf(" %d", a.Object)
					}
					out = append(out, line)
				}
				if got := strings.Join(out, "; "); got != c.want {
					t.Fatalf("seed %d:\n got %s\nwant %s", seed, got, c.want)
				}
			}
		})
	}
}
