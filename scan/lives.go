package scan

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// lifeKey is what responses share a stated life: a cache, and a route if it
// has a TTL of its own.
type lifeKey struct {
	cache string
	route int
}

// lives is how long responses were served, as far as the log shows.
type lives struct {
	byKey map[lifeKey]*followed
	found map[int]calibrate.Lifetime // by route, of all caches together
	usual map[int]time.Duration      // by route, where the stated life is not what the log shows
}

// followed is one Life with what it follows.
type followed struct {
	calibrate.Life
	ages   *calibrate.Ages
	object model.ID
}

// lifeRoute returns the route whose TTL applies to route, or NoRoute.
func (s *state) lifeRoute(route int) int {
	if route >= 0 && route < len(s.Incident.Routes) && s.Incident.Routes[route].TTL != nil {
		return route
	}
	return model.NoRoute
}

// event counts a hit or miss.
func (l *lives) event(k lifeKey, object model.ID, e *reconstruct.Event, cs []reconstruct.Candidate, clock *reconstruct.Params) {
	if l.byKey == nil {
		l.byKey = map[lifeKey]*followed{}
	}
	f := l.byKey[k]
	if f == nil {
		f = &followed{}
		f.ages = f.Ages()
		l.byKey[k] = f
	}
	if f.object != object {
		f.object = object
		f.ages.Restart()
	}
	f.ages.Event(e, cs, clock)
}

// since returns the candidates that arrived after from. What was stored before
// a cache leaked was stored under another rule, and may outlive the change.
func since(from model.Instant, cs []reconstruct.Candidate) []reconstruct.Candidate {
	before := func(c reconstruct.Candidate) bool { return c.Fill.End.Hi <= from }
	if !slices.ContainsFunc(cs, before) {
		return cs
	}
	return slices.DeleteFunc(slices.Clone(cs), before) // the sweep reuses cs
}

// enoughLives is the number of requests from which a life is believed against
// what the incident file states.
const enoughLives = 100

// settleLives estimates the lives of each route, and reports whether one of them is
// so far from the stated one that likelihoods must assume it instead.
func (s *state) settleLives() (changed bool) {
	l := &s.caches.lives
	sums := map[int]*calibrate.Life{}
	for k, f := range l.byKey {
		if sums[k.route] == nil {
			sums[k.route] = &calibrate.Life{}
		}
		sums[k.route].Merge(&f.Life)
	}
	l.found, l.usual = map[int]calibrate.Lifetime{}, map[int]time.Duration{}
	for route, sum := range sums {
		ttl := s.stated(route)
		found := sum.Lifetime(s.longest(route))
		l.found[route] = found
		life := usualLife(found, ttl)
		if found.Requests >= enoughLives && (life*3 < ttl.Default*2 || life*2 > ttl.Default*3) {
			l.usual[route], changed = life, true
		}
	}
	return changed
}

// usualLife returns the TTL that a lifetime speaks for: one of those stated if
// it is near, else whole seconds, as people write them.
func usualLife(l calibrate.Lifetime, ttl model.TTL) time.Duration {
	life := time.Duration(math.Round(l.P50)) * time.Second
	for _, t := range []time.Duration{ttl.Default, ttl.Min, ttl.Max} {
		if life*4 > t*3 && life*3 < t*4 {
			return t
		}
	}
	return min(max(life, time.Second), ttl.Max)
}

// longest returns the longest that a response can have been served by the
// incident file.
func (s *state) longest(route int) time.Duration {
	return cache.Longest(s.Incident.Cache.Expiry, s.stated(route).Max) + 2*reconstruct.Slack
}

// Life is the effective life of a cache's responses, for the manifest.
type Life struct {
	Cache string `json:"cache"`
	Route string `json:"route,omitempty"`
	calibrate.Lifetime
}

// mostLives bounds the caches whose lives are estimated one by one.
const mostLives = 40

// lifetimes returns the effective life of all caches together and of the
// busiest ones.
func (s *state) lifetimes() []Life {
	out := []Life{}
	for _, route := range slices.Sorted(maps.Keys(s.caches.lives.found)) {
		out = append(out, Life{"all", s.routeName(route), s.caches.lives.found[route]})
	}
	byKey := s.caches.lives.byKey
	keys := slices.SortedFunc(maps.Keys(byKey), func(a, b lifeKey) int {
		return cmp.Or(cmp.Compare(byKey[b].Requests(), byKey[a].Requests()), cmp.Compare(a.cache, b.cache), cmp.Compare(a.route, b.route))
	})
	for _, k := range keys[:min(mostLives, len(keys))] {
		out = append(out, Life{k.cache, s.routeName(k.route), byKey[k].Lifetime(s.longest(k.route))})
	}
	return out
}

func (s *state) routeName(route int) string {
	if route < 0 {
		return ""
	}
	return s.Incident.Routes[route].Host + s.Incident.Routes[route].Path
}
