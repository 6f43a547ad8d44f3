package survey_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/survey"
)

var noon = model.InstantOf(time.Date(2023, 3, 7, 12, 0, 0, 0, time.UTC))

// row is the i-th of many: every request its own id, ten a second.
func row(i int, pattern string) *model.EdgeRow {
	lo := noon.Add(time.Duration(i/10) * time.Second)
	result := "Miss"
	if i%3 == 0 {
		result = "Hit"
	}
	return &model.EdgeRow{
		ID: fmt.Sprintf("%08x==", i), End: model.Interval{Lo: lo, Hi: lo.Add(time.Second)}, Taken: 20 * time.Millisecond,
		Location: "SEA19-C1", Pattern: pattern, Path: model.ID{byte(i % 50), 1}, Method: "GET", Status: 200, Result: result,
	}
}

// answer is the origin's row of it; only the one asked in seconds [from, to) bore a session.
func answer(i, from, to int) *model.OriginRow {
	r := &model.OriginRow{RequestID: fmt.Sprintf("%08x==", i), Method: "GET", Status: 200, Line: uint64(i)}
	r.Time.Lo = noon.Add(time.Duration(i/10)*time.Second + 10*time.Millisecond)
	if from <= i/10 && i/10 < to {
		r.Presented = model.ID{byte(i), byte(i >> 8), byte(i >> 16), 7}
	}
	return r
}

// TestSampled: more requests than fit the sample are joined in part, and the answer holds.
func TestSampled(t *testing.T) {
	if testing.Short() {
		t.Skip("more requests than the sample holds")
	}
	const n, from, to = 650_000, 40_020, 60_000
	fill := func(parts int) survey.Report {
		edges := make([]*survey.Survey, parts)
		for p := range edges {
			edges[p] = survey.New()
			for i := p; i < n; i += parts {
				edges[p].Edge(row(i, "/static/js/*.js"))
			}
		}
		all := edges[parts-1]
		for p := range parts - 1 {
			all.Merge(edges[p])
		}
		origins := make([]*survey.Survey, parts)
		for p := range origins {
			origins[p] = survey.New()
			for i := p; i < n; i += parts {
				if i%3 != 0 {
					origins[p].Origin(answer(i, from, to), all)
				}
			}
		}
		for _, o := range origins {
			all.Merge(o)
		}
		return all.Report()
	}
	got := fill(1)
	if got.OneIn != 2 || got.Requests > 1<<19 || got.Joined < got.Requests/2 || got.Answers != got.Joined {
		t.Errorf("one in %d, %d requests, %d answers, %d joined", got.OneIn, got.Requests, got.Answers, got.Joined)
	}
	r := got.Routes[0]
	if !r.Leaks || r.From != noon.Add(from*time.Second) || r.To != noon.Add(to*time.Second) || r.Strays != 0 {
		t.Errorf("leaks %v from %v to %v, %d strays", r.Leaks, r.From, r.To, r.Strays)
	}
	if diff := cmp.Diff(got, fill(3)); diff != "" {
		t.Errorf("depends on who read what (-one +three):\n%s", diff)
	}
}

// TestFewSessions: most visitors of a leaking route may be anonymous, and a
// dense burst before is not the onset.
func TestFewSessions(t *testing.T) {
	const from, to = 3000, 9000
	for _, one := range []int{2, 8, 40} { // fills with a session: one in …
		edges, s := survey.New(), survey.New()
		for i := range 150_000 {
			edges.Edge(row(i, "/static/js/*.js"))
		}
		for i := range 150_000 {
			o := answer(i, from, to)
			switch {
			case 6000 <= i && i < 6090: // somebody tried something out, earlier
				o.Presented = model.ID{9}
			case i%one != 0:
				o.Presented = model.ID{}
			}
			if i%3 != 0 {
				s.Origin(o, edges)
			}
		}
		edges.Merge(s)
		r := edges.Report().Routes[0]
		if r.From != noon.Add(from*time.Second) || r.To != noon.Add(to*time.Second) || r.Strays != 60 {
			t.Errorf("one in %d: from %v to %v, %d strays", one, r.From, r.To, r.Strays)
		}
	}
}

// TestManyRoutes: patterns are cut, not dropped, when there are too many.
func TestManyRoutes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		pattern func(i int) string
		cut     bool
		depth   int
		want    string
	}{
		{"deep", func(i int) string { return fmt.Sprintf("/a/b/%c%c%c/*", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26) }, true, 2, "/a/b/**"},
		{"flat", func(i int) string { return fmt.Sprintf("/%c%c%c/*", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26) }, true, 0, "/**"},
		{"few", func(int) string { return "/a/*" }, false, 0, "/a/*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const n = 5000
			one, two, rest := survey.New(), survey.New(), survey.New()
			for i := range n {
				one.Edge(row(i, tt.pattern(i)))
				if i%2 == 0 {
					two.Edge(row(n-2-i, tt.pattern(n-2-i)))
				} else {
					rest.Edge(row(i, tt.pattern(i)))
				}
			}
			two.Merge(rest)
			got := one.Report()
			if diff := cmp.Diff(got, two.Report()); diff != "" {
				t.Errorf("depends on order (-one +two):\n%s", diff)
			}
			if len(got.Routes) != 1 || got.Routes[0].Pattern != tt.want || got.Routes[0].Rows != n || got.Depth != tt.depth || got.Cut != tt.cut {
				t.Errorf("%d routes, depth %d, first %+v", len(got.Routes), got.Depth, got.Routes[0])
			}
		})
	}
}

// TestFold: a word that hardly occurs, or one of very many, is a value.
func TestFold(t *testing.T) {
	s := survey.New()
	for i := range 1000 {
		s.Edge(row(i, "/api/videos/*/*"))
	}
	s.Edge(row(1000, "/api/videos/abcdef/*"))
	for i := range 100 {
		s.Edge(row(2000+i, "/api/videos/recent/*"))
	}
	for i := range 1000 {
		s.Edge(row(3000+i, fmt.Sprintf("/u/%c%c/x/*", 'a'+i%26, 'a'+i%5)))
		s.Edge(row(4000+i, fmt.Sprintf("/shop/%c/*", 'a'+i%20)))
	}
	got := map[string]int64{}
	for _, r := range s.Report().Routes {
		got[r.Pattern] = r.Rows
	}
	want := map[string]int64{"/api/videos/*/*": 1001, "/api/videos/recent/*": 100, "/u/*/x/*": 1000}
	for i := range 20 {
		want[fmt.Sprintf("/shop/%c/*", 'a'+i)] = 50
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

// TestLongLogs: two years fit, with longer steps.
func TestLongLogs(t *testing.T) {
	s := survey.New()
	for i := range 2 * 365 * 24 * 6 {
		r := row(i, "/a")
		r.End.Lo = noon.Add(time.Duration(i) * 10 * time.Minute)
		r.End.Hi = r.End.Lo.Add(time.Second)
		s.Edge(r)
	}
	got := s.Report().Edge
	if got.Rows != 2*365*24*6 || len(got.Hours) > 1<<14 || len(got.Gaps) != 0 {
		t.Errorf("%d rows, %d hours, gaps %v", got.Rows, len(got.Hours), got.Gaps)
	}
}

// TestGaps: a silence is one that is odd for the log.
func TestGaps(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every time.Duration
		hole  time.Duration
		gaps  int
	}{
		{"busy, 10 minutes", time.Second, 10 * time.Minute, 1},
		{"busy, 2 minutes", time.Second, 2 * time.Minute, 0},
		{"a row in 5 minutes, 10 minutes", 5 * time.Minute, 10 * time.Minute, 0},
		{"a row in 5 minutes, 3 hours", 5 * time.Minute, 3 * time.Hour, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := survey.New()
			at := noon
			for i := range 400 {
				r := row(i, "/a")
				r.End = model.Interval{Lo: at, Hi: at.Add(time.Second)}
				s.Edge(r)
				if at = at.Add(tt.every); i == 200 {
					at = at.Add(tt.hole)
				}
			}
			if got := s.Report().Edge.Gaps; len(got) != tt.gaps {
				t.Errorf("gaps %v, want %d", got, tt.gaps)
			}
		})
	}
}

func FuzzFields(f *testing.F) {
	f.Add(`{"ts":"2023-03-07T18:00:00Z","a":{"b":["x",{"c":1}]},"sid":"s:abc.def"}`)
	f.Add(`{"":null,"\u0000":"-","ip":"[::1]:80","t":1e400}`)
	f.Fuzz(func(t *testing.T, line string) {
		g := survey.NewFields(func([]byte) (bool, bool) { return false, false })
		g.Add([]byte(line))
		for _, key := range g.Guess().Map {
			for _, r := range key {
				if r < ' ' || r > '~' {
					t.Fatalf("key %q is offered for printing", key)
				}
			}
		}
	})
}
