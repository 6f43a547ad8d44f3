package scan_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
)

// TestLearned spoils a small incident in ways that only counting shows, and
// asks that a sentence with numbers says so.
func TestLearned(t *testing.T) {
	computes(t)
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
		{"an upper tier", func(c *sim.Config) {
			c.UpperTier, c.TierTTL, c.Rows, c.SuspectShare = true, 2*time.Second, 12_000, 0.45
		},
			[]string{"Misses on suspect routes have no origin row; lost rows explain", "an upper tier answered the others"}, nil},
		{"the window begins a minute late", func(c *sim.Config) { c.WindowShift = time.Minute }, []string{"the leak began before your window"}, nil},
		{"60 s, where 1 s was stated", func(c *sim.Config) { c.TTL = time.Minute },
			[]string{"NOT A CEILING", "than cache.ttl allows (1s)", "set cache.ttl to about"}, []string{"ttl: 1m0s", "ttl: 1s"}},
		{"2 s, where 1 s was stated", func(c *sim.Config) { c.TTL, c.Locations = 2*time.Second, locations(1, sim.Real) },
			[]string{"which no formula makes of cache.ttl 1s: is it 2s?"}, []string{"ttl: 2s", "ttl: 1s"}},
		{"1 s, where a minute was stated", func(*sim.Config) {},
			[]string{"missed although cache.ttl says that a response was fresh", "1m0s is stated"}, []string{"ttl: 1s", "ttl: 60s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
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

// posteriors is what a manifest says was learned.
type posteriors struct {
	Clock struct {
		Refused string
		Caches  []struct {
			Cache string
			LagMS int64 `json:"lag_ms"`
		} `json:"by_cache"`
	} `json:"origin_clock"`
	Loss struct {
		Tier float64 `json:"p_upper_tier"`
	}
	Leak []struct {
		Cache  string
		FromLo string `json:"from_lo_utc"`
		FromHi string `json:"from_hi_utc"`
		ToLo   string `json:"to_lo_utc"`
		ToHi   string `json:"to_hi_utc"`
	}
	Lives []struct {
		Cache    string
		Requests int
		P90      float64 `json:"seconds_p90"`
		Late     int     `json:"hits_past_stated_life"`
	} `json:"effective_life"`
	Caches []struct {
		Cache      string
		PReal      float64   `json:"p_real"`
		PFloor     float64   `json:"p_floor"`
		PCeil      float64   `json:"p_ceil"`
		Sizes      []float64 `json:"p_caches_1_2_3_4_8"`
		Collapsing float64   `json:"p_collapsing"`
		Events     int
	}
}

// learnedRight holds what was learned against how the locations of cfg were made.
func learnedRight(t *testing.T, f *findings, cfg *sim.Config) {
	t.Helper()
	text, err := json.Marshal(f.manifest.Params)
	if err != nil {
		t.Fatal(err)
	}
	var p posteriors
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	made := map[string]sim.Location{}
	for _, l := range cfg.Locations {
		made[l.Name] = l
	}
	for _, c := range p.Caches {
		l := made[c.Cache]
		right := map[sim.Expiry]float64{sim.Real: c.PReal, sim.Floor: c.PFloor, sim.Ceil: c.PCeil}[l.Expiry]
		if c.Events >= 150 && (right < 0.9 || c.Sizes[0] > 0.5 != (l.Caches < 2) || c.Collapsing > 0.1) {
			t.Errorf("made as %+v, learned as %+v", l, c)
		}
	}
	var off int
	for _, l := range p.Leak {
		if l.FromHi < stamp(cfg.Change) || l.FromLo > stamp(cfg.Change.Add(cfg.Spread)) {
			off++
		}
		if l.ToLo > stamp(cfg.Revert.Add(cfg.Spread)) || l.ToHi != "" && l.ToHi < stamp(cfg.Revert) {
			off++
		}
	}
	if len(p.Leak) < len(cfg.Locations) || off*5 > 2*len(p.Leak) { // nine in ten should hold, and these are few
		t.Errorf("leaked between %v and %v, and up to %v later; %d ends are elsewhere: %+v", cfg.Change, cfg.Revert, cfg.Spread, off, p.Leak)
	}
	for _, l := range p.Lives {
		if l.Requests >= 150 && (l.P90 > 2.1 || l.Late > 3) {
			t.Errorf("lives: %+v", l)
		}
	}
	if p.Loss.Tier > 0.05 || p.Clock.Refused != "" || len(p.Clock.Caches) < len(cfg.Locations) {
		t.Errorf("clock %+v, loss %+v", p.Clock, p.Loss)
	}
}

func stamp(at time.Time) string { return model.InstantOf(at).String() }
