package scan

import (
	"cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// upper reports whether to look for an upper tier: because one is stated, or
// because the log shows one.
func (s *state) upper() bool {
	switch s.Incident.Cache.UpperTier.Exists() {
	case model.Yes:
		return true
	case model.No:
		return false
	}
	l := &s.losses
	return s.trips.far || l.Tier >= 0.5 && float64(l.Seen)-l.Expected >= strange
}

// strange is how many Misses must lack an origin row beyond those whose rows
// were lost: of a handful of requests nobody knows what is usual.
const strange = 5

// newUpper returns an upper tier for objects under policy.
func (s *state) newUpper(edge reconstruct.Policy) *reconstruct.Upper {
	ttl := edge.TTL
	ttl.Max -= edge.Stale
	ttl.Default = min(max(ttl.Default-edge.Stale, ttl.Min), ttl.Max)
	caches := [len(reconstruct.Sizes)]float64{0.2, 0.2, 0.2, 0.2, 0.2}
	if t := s.Incident.Cache.UpperTier; t.Exists() == model.Yes {
		ttl = model.TTL{Min: t.TTL, Default: t.TTL, Max: t.TTL}
		if t.Scope == model.ScopeGlobal {
			caches = [len(reconstruct.Sizes)]float64{1}
		}
	} else {
		seen := s.trips.sum.Life(s.losses.Expected)
		ttl.Default = max(ttl.Default, seen)
		ttl.Max = 2 * max(ttl.Max, seen) // CloudFront may have two, a regional cache and a shield (semantics.md A2.7)
	}
	p := reconstruct.Params{
		Rules: [3]float64{0.8, 0.1, 0.1}, Caches: caches,
		Loss: max(s.losses.Edge.Feared(), 0.0005), Collapse: 0.05,
	}
	s.offset.Apply("", &p) // fills of many caches
	return reconstruct.NewUpper(ttl, edge, &p)
}

// tierOf names the tier above a location. Which locations share a regional one
// is not documented, and too wide a tier only adds candidates.
func (s *state) tierOf(location string) string {
	if t := s.Incident.Cache.UpperTier; t.Exists() == model.Yes {
		return cache.Name(t.Scope, location)
	}
	return cache.Name(model.ScopeGlobal, location)
}

// above is what an upper tier may have handed a hit.
type above struct {
	candidates []reconstruct.Candidate
	missing    float64
	upward     float64
}

// merge weighs it against what the hit's own cache may have handed it.
func (a *above) merge(local []reconstruct.Candidate, unknown float64) ([]reconstruct.Candidate, float64) {
	if a == nil {
		return local, unknown
	}
	return reconstruct.Merge(local, unknown, a.candidates, a.missing, a.upward)
}

// trips counts how long hits took, by cache.
type trips struct {
	byCache map[string]*reconstruct.Trips
	sum     reconstruct.Trips
	far     bool // something answers from further away
	done    bool // all are counted
}

func (t *trips) of(cacheName string) *reconstruct.Trips {
	if t.byCache == nil {
		t.byCache = map[string]*reconstruct.Trips{}
	}
	x := t.byCache[cacheName]
	if x == nil {
		x = &reconstruct.Trips{}
		t.byCache[cacheName] = x
	}
	return x
}

// settle adds up the caches; lost is the share of origin rows that are missing.
func (t *trips) settle(lost float64) {
	for _, x := range t.byCache {
		t.sum.Merge(x)
	}
	_, slow := t.sum.Slow()
	_, unrenewed := t.sum.Unrenewed(lost)
	t.far = slow || unrenewed
	t.done = true
}

// noticeable is how likely a hit must be to have come from an upper tier for
// it to be looked for there while its own cache explains it.
const noticeable = 0.02

// upward returns how likely a hit was handed its response by an upper tier.
func (s *state) upward(row *cacheRow, orphan bool) float64 {
	if !s.trips.done || !s.upper() {
		return 0
	}
	t := s.trips.of(row.Cache)
	if _, seen := t.Slow(); !seen {
		t = &s.trips.sum
	}
	return t.Upward(row.Edge.FirstByte, orphan)
}

// relays counts, of the window, what stored again what it was handed.
type relays struct {
	tier, confirmed, stoodIn, errors int
}

// relayed counts a request that may have been handed a stored response.
func (t *tally) relayed(p part, e *reconstruct.Event) {
	if p != window {
		return
	}
	switch {
	case e.Failing:
		t.relays.stoodIn++
	case e.Refreshed:
		t.relays.confirmed++
	case e.Miss:
		t.relays.tier++
	default:
		t.relays.errors++
	}
}

// byStart orders events as they may have started; ids break ties.
func byStart(a, b *reconstruct.Event) int {
	return cmp.Or(cmp.Compare(a.Start.Lo, b.Start.Lo), cmp.Compare(a.ID, b.ID))
}
