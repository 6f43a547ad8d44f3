package scan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/spillscope/spillscope/fixtures/sim"
)

// kinds are caches that do one thing more than keep a response for a second.
func kinds() map[string]sim.Config {
	out := map[string]sim.Config{}
	with := func(name string, rate float64, length time.Duration, set func(*sim.Config)) {
		cfg := sim.Small(rate, 7)
		set(&cfg)
		lasts(&cfg, length)
		out[name] = cfg
	}
	four := func(c *sim.Config) {
		c.Locations = nil
		for i, name := range []string{"SEA19-C1", "SFO5-P2", "LHR61-C2", "FRA56-P4"} {
			c.Locations = append(c.Locations, sim.Location{Name: name, Weight: 1, Expiry: sim.Real, Region: []string{"us", "eu"}[i/2]})
		}
	}
	type pace struct {
		rate   float64
		length time.Duration // what is in question shows in two thousand rows
	}
	paces := []pace{{0.3, 6 * time.Minute}, {3, 100 * time.Second}}
	if testing.Short() || raceEnabled {
		paces = paces[:1]
	}
	for _, p := range paces {
		at := func(name string, set func(*sim.Config)) {
			with(fmt.Sprintf("%s, %g/s", name, p.rate), p.rate, p.length, set)
		}
		at("plain", func(*sim.Config) {})
		at("collapsing", func(c *sim.Config) { c.Collapsing = true })
		at("tier", func(c *sim.Config) { c.UpperTier = true })
		at("tier of 5 s, ages add", func(c *sim.Config) { c.UpperTier, c.TierTTL, c.AgesAdd = true, 5*time.Second, true })
		at("tier, stated", func(c *sim.Config) { c.UpperTier, c.TierTTL, c.Stated = true, 2*time.Second, true })
		at("two tiers of two", func(c *sim.Config) { four(c); c.UpperTier, c.Stated = true, true })
		at("tier logged as Hit", func(c *sim.Config) { c.UpperTier, c.TierLogsHit = true, true })
		at("tier, collapsing", func(c *sim.Config) { c.UpperTier, c.Collapsing = true, true })
		at("stale", func(c *sim.Config) { c.ServeStale = 20 * time.Second })
		at("stale for a day, stated", func(c *sim.Config) { c.ServeStale, c.Stated = 24*time.Hour, true })
		at("tier and stale", func(c *sim.Config) { c.UpperTier, c.ServeStale = true, 20*time.Second })
		at("kept", func(c *sim.Config) { c.Revalidate = "kept" })
		at("kept, stated", func(c *sim.Config) { c.Revalidate, c.Stated = "kept", true })
		at("replaced", func(c *sim.Config) { c.Revalidate = "replaced" })
		at("kept, three caches", func(c *sim.Config) {
			c.Revalidate = "kept"
			for i := range c.Locations {
				c.Locations[i].Caches = 3
			}
		})
		at("stale and kept", func(c *sim.Config) { c.ServeStale, c.Revalidate = 20*time.Second, "kept" })
		at("errors", func(c *sim.Config) { c.ErrorSetCookie, c.ErrorTTL, c.LogErrors = 0.1, 10*time.Second, true })
		at("HEAD, Range, 304", func(c *sim.Config) { c.Head, c.Range, c.HeadFills, c.NotModified = 0.1, 0.1, true, 0.1 })
		at("encodings", func(c *sim.Config) { c.Encodings = true })
		at("query in the key", func(c *sim.Config) { c.QueryKey = "v" })
		at("ttl by route", func(c *sim.Config) { c.RouteTTL = map[string]time.Duration{"css": 4 * time.Second} })
		at("three caches", func(c *sim.Config) {
			for i := range c.Locations {
				c.Locations[i].Caches = 3
			}
		})
		at("a late revert", func(c *sim.Config) { c.LateRevert = 20 * time.Second })
	}
	if raceEnabled { // the detector looks at code: few worlds will do
		maps.DeleteFunc(out, func(name string, _ sim.Config) bool {
			return !slices.Contains([]string{"tier, collapsing, 0.3/s", "kept, 0.3/s", "HEAD, Range, 304, 0.3/s"}, name)
		})
	}
	return out
}

// lasts makes a dense world so long: most tests show what they ask in fewer
// rows than a cell of a matrix needs.
func lasts(cfg *sim.Config, length time.Duration) {
	cfg.Start, cfg.End = cfg.Change.Add(-length/6), cfg.Change.Add(length*5/6)
	cfg.Spread = length / 100
	cfg.Revert = cfg.End.Add(-cfg.End.Sub(cfg.Change) / 8)
	cfg.WindowTo = cfg.Revert.Add(cfg.Spread).Truncate(time.Second) // as the incident file can say it
}

// TestTruthForEveryKindOfCache holds the invariant that the true fill is a
// candidate where its row exists, for everything that a cache is known to do,
// stated in the incident file or not.
func TestTruthForEveryKindOfCache(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	t.Run("kinds", func(t *testing.T) {
		for name, cfg := range kinds() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dir, _ := simulate(t, cfg)
				f := run(t, inputOf(t, dir))
				r := compare(t, dir, f)
				covers(t, &r)
				sumsToOne(t, f)
				hits := map[string]int{}
				for _, d := range f.deliveries {
					hits[d.Hit.RequestID]++
				}
				mu.Lock()
				defer mu.Unlock()
				lines = append(lines, fmt.Sprintf("%s\t%d\t%d\t%.2f\t%.3f\t%.3f\t%.3f\t%.3f", name, r.Coverage.Of, r.Coverage.Of-r.Coverage.Are,
					float64(len(f.deliveries))/float64(max(1, len(hits))), r.Case.Top1.Share(), r.Case.Rows.Precision.Share(), r.Case.Rows.Recall.Share(), r.Delivered.Brier()))
			})
		}
	})
	slices.Sort(lines)
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "cache\tdeliveries\tmissed\trows a hit\tlikeliest right\tprecision\trecall\tBrier")
	fmt.Fprintln(w, strings.Join(lines, "\n"))
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + table.String())
}
