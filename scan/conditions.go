package scan

import (
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/identity"
	"github.com/spillscope/spillscope/model/reconstruct"
	"github.com/spillscope/spillscope/model/verdict"
)

// met counts what makes attribution easier or harder, as the phases meet it.
type met struct {
	key     model.ID         // of the object whose rows are under way
	counts  map[string]int64 // of that object, by cache
	n, nn   int64            // sums over objects and caches of the count and its square
	cookies int              // fills of the window whose session the edge's cookie column shows
	hits    int              // of the window, that sightings were asked about
	shared  int              // of them, from where several users sign in
}

// countRow counts a request of the window.
func (s *state) countRow(row *cacheRow) {
	if s.spans.of(row.Edge.End.Lo) == window {
		s.tally.met.row(row)
	}
}

// row counts a request. Rows come one object after the other, so that it needs
// memory for one object only.
func (m *met) row(row *cacheRow) {
	if row.Edge.Key != m.key || m.counts == nil {
		m.flush()
		m.key, m.counts = row.Edge.Key, map[string]int64{}
	}
	m.counts[row.Cache]++
}

func (m *met) flush() {
	for _, n := range m.counts {
		m.n += n
		m.nn += n * n
	}
	clear(m.counts)
}

func (m *met) fill(row *cacheRow) {
	if row.Hold.Rung == model.RungEdgeCookie {
		m.cookies++
	}
}

func (m *met) hit(r *identity.Reading) {
	m.hits++
	if r.Jars > 1 {
		m.shared++
	}
}

// conditions measures what makes attribution easier or harder in this case.
func (s *state) conditions() model.Conditions {
	f, t, m := &s.tally.funnel, &s.tally, &s.tally.met
	m.flush()
	c := model.Conditions{
		TTL: s.Incident.Cache.TTL.Max.Seconds(),
		// As the requests themselves meet it: a busy object counts for more.
		Rate:      ratio(m.nn, m.n) / max(1, s.leaks.all.To.Sub(s.leaks.all.From).Seconds()),
		EdgeLost:  s.losses.Edge.Share,
		Logged:    ratio(int64(f.FillsWithOriginRow), int64(f.Fills)),
		Cookies:   ratio(int64(m.cookies), int64(f.Fills)),
		Tier:      s.losses.Tier * s.losses.Share,
		Behind:    ratio(int64(t.behind), int64(f.Hits)),
		Refreshed: ratio(int64(t.refreshed), int64(f.SuspectRows)),
		Shared:    ratio(int64(m.shared), int64(m.hits)),
		Spread:    s.offset.Spread.Seconds(),
	}
	s.pooled(&c, s.caches.report())
	for _, x := range []*float64{&c.Rate, &c.EdgeLost, &c.Logged, &c.Cookies, &c.Tier, &c.Behind, &c.Refreshed, &c.Shared, &c.Spread} {
		*x = verdict.Round(*x)
	}
	return c
}

// pooled takes the mean of the caches' posteriors, by events.
func (s *state) pooled(c *model.Conditions, caches []calibrate.Posterior) {
	var total float64
	for _, p := range caches {
		total += float64(p.Events)
	}
	for _, p := range caches {
		w := float64(p.Events) / max(1, total)
		size := 0.0
		for k, n := range reconstruct.Sizes {
			size += float64(float64(n) * p.Caches[k])
		}
		c.Real += float64(w * p.Real)
		c.Floor += float64(w * p.Floor)
		c.Ceil += float64(w * p.Ceil)
		c.Caches += float64(w * size)
	}
	for _, x := range []*float64{&c.Real, &c.Floor, &c.Ceil, &c.Caches} {
		*x = verdict.Round(*x)
	}
}

func ratio(part, of int64) float64 { return float64(part) / float64(max(1, of)) }
