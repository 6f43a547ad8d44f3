package scan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/fixtures/sim"
)

// TestLearned spoils a small incident in ways that only counting shows, and
// asks that a sentence with numbers says so.
func TestLearned(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*sim.Config)
		words []string
		edit  []string
	}{
		{"whole logs", func(*sim.Config) {}, nil, nil},
		{"the origin's clock is 7 minutes fast", func(c *sim.Config) { c.OriginSkew = 7 * time.Minute },
			[]string{"about 7m0s ahead of the edge's on", "its clock was wrong", "dated by them"}, nil},
		{"the origin logs local time", func(c *sim.Config) { c.OriginSkew = -8 * time.Hour },
			[]string{"0 of 58", "off by -8h0m0s", "about 8h0m0s behind", "UTC-8; set time_zone"}, nil},
		{"of Newfoundland", func(c *sim.Config) { c.OriginSkew = -3*time.Hour - 30*time.Minute }, []string{"UTC-3.5; set time_zone"}, nil},
		{"one row in twelve is lost", func(c *sim.Config) { c.DropOrigin, c.DropEdge = 0.08, 0.08 },
			[]string{"requests that no cache may answer have no origin row (", "origin rows have no edge row ("}, nil},
		{"assets are not logged", func(c *sim.Config) { c.HideAssets = true },
			[]string{"Misses on /static/js/*, /static/css/*: hardly one has an origin row, while 99.8 %"}, nil},
		{"60 s, where 1 s was stated", func(c *sim.Config) { c.TTL = time.Minute },
			[]string{"NOT A CEILING", "than cache.ttl allows (1s)", "set cache.ttl to about"}, []string{"ttl: 1m0s", "ttl: 1s"}},
		{"2 s, where 1 s was stated", func(c *sim.Config) { c.TTL, c.Locations = 2*time.Second, locations(1, sim.Real) },
			[]string{"which no formula makes of cache.ttl 1s: is it 2s?"}, []string{"ttl: 2s", "ttl: 1s"}},
		{"1 s, where a minute was stated", func(*sim.Config) {},
			[]string{"missed although cache.ttl says that a response was fresh", "1m0s is stated"}, []string{"ttl: 1s", "ttl: 60s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := sim.Bench(8000, 5)
			c.spoil(&cfg)
			dir, _ := simulate(t, cfg)
			f := run(t, inputOf(t, dir, c.edit...))
			said := strings.Join(append(f.manifest.Partial, f.manifest.Warnings...), "\n")
			for _, w := range c.words {
				if !strings.Contains(said, w) {
					t.Errorf("no %q in:\n%s", w, said)
				}
			}
			if c.words == nil && said != "" || strings.Contains(said, "is the window in UTC") {
				t.Errorf("said without need:\n%s", said)
			}
		})
	}
}
