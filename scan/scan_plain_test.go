package scan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/fixtures/sim"
)

// This file does the join and the listing of candidates once more, as plainly
// as can be: all rows in memory, every hit against every row. It is written
// from semantics.md F (4, 5, 7, 8, 10) and design.md 2 and 3 and shares nothing
// with the code under test but the meaning.

// plainRow is an edge row as logged.
type plainRow struct {
	id, object, location, method, status, response string
	end                                            time.Time // whole seconds: the response ended within the second from here
	taken, first                                   time.Duration
	origin                                         *plainOrigin
}

type plainOrigin struct {
	ID  string `json:"cf_id"`
	Set bool   `json:"set_cookie"`
}

// plainRows reads the logs below dir.
func plainRows(t *testing.T, dir string) []plainRow {
	t.Helper()
	origins := map[string]*plainOrigin{}
	for _, name := range glob(t, filepath.Join(dir, "origin", "*.gz")) {
		for line := range strings.Lines(readFile(t, name)) {
			o := new(plainOrigin)
			if err := json.Unmarshal([]byte(line), o); err != nil {
				t.Fatal(err)
			}
			origins[o.ID] = o
		}
	}
	seconds := func(s string) time.Duration {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return time.Duration(x*1000+0.5) * time.Millisecond
	}
	rows := map[string]plainRow{} // doubled rows are one
	for _, name := range glob(t, filepath.Join(dir, "edge", "*.gz")) {
		for line := range strings.Lines(readFile(t, name)) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			end, err := time.Parse("2006-01-02 15:04:05", f[0]+" "+f[1])
			if err != nil {
				t.Fatal(err)
			}
			rows[f[14]] = plainRow{
				id: f[14], object: f[6] + f[7], location: f[2], method: f[5], status: f[8], response: f[22],
				end: end, taken: seconds(f[18]), first: seconds(f[27]), origin: origins[f[14]],
			}
		}
	}
	return slices.Collect(maps.Values(rows))
}

// fills reports whether the response to r may have entered the cache.
func (r *plainRow) fills() bool {
	storable := (r.method == "GET" || r.method == "HEAD") && r.status != "000"
	return storable && (r.response == "Miss" || r.response == "RefreshHit" || r.origin != nil)
}

// mayServe reports whether h can have been answered with what f fetched, for
// any position of both stamps within their seconds and under any formula of
// expiry. Only the extremes matter: f as early and h as late as they can be
// for "had arrived", the other way round for "was still fresh".
func mayServe(f, h *plainRow, ttl time.Duration) bool {
	const inaccuracy = 100 * time.Millisecond // of rounded durations and unequal hosts, either way
	const stamp = time.Second
	startOf := func(r *plainRow) time.Time { return r.end.Add(-r.taken) } // at the earliest
	firstByte := func(r *plainRow) time.Time { return startOf(r).Add(r.first) }

	// h looked the object up after f's response had arrived, or waited for it;
	// of those who wait, another may be the one that then asks the origin.
	latest := firstByte(h).Add(stamp)
	if !firstByte(f).Add(-inaccuracy).Before(latest) || !startOf(f).Add(-inaccuracy).Before(latest) {
		return false
	}
	// The longest life: until T after the last byte, or to the end of the
	// whole second in which that age falls.
	arrived := f.end.Add(stamp + inaccuracy)
	dead := arrived.Add(ttl)
	if ceil := arrived.Truncate(time.Second).Add(ttl + time.Second); ceil.After(dead) {
		dead = ceil
	}
	return startOf(h).Add(-inaccuracy).Before(dead)
}

// plainHit is what the plain rule says of a hit.
type plainHit struct {
	fills  map[string]bool
	cookie bool // one of them set a cookie, or may have: its origin row is lost
	edge   bool // its download began in the window and ended outside, or the reverse
}

// plainHits lists the hits of the window with all fills that may have served them.
func plainHits(rows []plainRow, from, to time.Time, ttl time.Duration) map[string]plainHit {
	hits := map[string]plainHit{}
	for i := range rows {
		h := &rows[i]
		inside := func(at time.Time) bool { return !at.Before(from) && !at.After(to) }
		began, ended := inside(h.end.Add(h.first-h.taken)), inside(h.end)
		if h.response != "Hit" || !strings.Contains(h.object, "/static/") || !began && !ended {
			continue
		}
		x := plainHit{fills: map[string]bool{}, edge: began != ended}
		for j := range rows {
			f := &rows[j]
			if j == i || f.object != h.object || f.location != h.location || !f.fills() || !mayServe(f, h, ttl) {
				continue
			}
			x.fills[f.id] = true
			x.cookie = x.cookie || f.origin == nil || f.origin.Set
		}
		hits[h.id] = x
	}
	return hits
}

// TestCandidatesAgainstPlainRule compares candidate sets, member by member.
func TestCandidatesAgainstPlainRule(t *testing.T) {
	computes(t)
	for _, tt := range []struct {
		rate   float64
		length time.Duration
		set    func(*sim.Config)
	}{
		{1, 2 * time.Minute, func(*sim.Config) {}},
		{1, 2 * time.Minute, func(c *sim.Config) { c.TTL, c.DropOrigin = 3*time.Second, 0.05 }},
		{10, 30 * time.Second, func(c *sim.Config) { c.Collapsing = true }},
	} {
		t.Run(fmt.Sprintf("%g a second", tt.rate), func(t *testing.T) {
			t.Parallel()
			cfg := dense(tt.rate, tt.length)
			cfg.Locations, cfg.DropEdge, cfg.Vanish = locations(2, sim.Real, sim.Ceil), 0.01, 0.02
			tt.set(&cfg)
			dir, sum := simulate(t, cfg)
			f := run(t, inputOf(t, dir))
			want := plainHits(plainRows(t, dir), sum.WindowFrom, sum.WindowTo, cfg.TTL)
			got := map[string]map[string]bool{}
			for _, d := range f.deliveries {
				if got[d.Hit.RequestID] == nil {
					got[d.Hit.RequestID] = map[string]bool{}
				}
				if d.Fill.RequestID != "" {
					got[d.Hit.RequestID][d.Fill.RequestID] = true
				}
			}
			pairs := 0
			for hit, x := range want {
				pairs += len(x.fills)
				listed, ok := got[hit]
				// Of hits without any cookie a scan may list some: a lost fill may have had one.
				if (ok || x.cookie && !x.edge) && !maps.Equal(listed, x.fills) {
					t.Errorf("%s: %d fills by the plain rule, %d by the scan", hit, len(x.fills), len(listed))
				}
			}
			for hit := range got {
				if _, ok := want[hit]; !ok {
					t.Errorf("%s is no hit of the window", hit)
				}
			}
			if pairs < 500 {
				t.Errorf("only %d pairs", pairs)
			}
			t.Logf("%d pairs", pairs)
		})
	}
}
