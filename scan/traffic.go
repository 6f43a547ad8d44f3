package scan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
)

// traffic counts, by pattern of their paths, which responses of the window came
// from a cache and which carried a session: on the suspect routes and off them,
// since a route that nobody named leaks as well as one that was.
type traffic struct{ kinds map[trafficKey]*kind }

// trafficKey tells a pattern under one route from the same under another.
type trafficKey struct {
	route   int // model.NoRoute: off the suspect routes
	pattern string
}

// kind is what is counted of one pattern.
type kind struct {
	rows, hits, fills, bearing int64
	served, carried            fewest // objects that a cache answered; whose response carried a session
}

// mostKinds bounds the number of patterns: past it, new ones are told by their
// first segment, which is coarser and no less true.
const mostKinds = 4096

func (t *traffic) at(route int, pattern string) *kind {
	k := trafficKey{route, pattern}
	if x := t.kinds[k]; x != nil {
		return x
	}
	if len(t.kinds) >= mostKinds {
		k.pattern = coarse(pattern)
		if x := t.kinds[k]; x != nil {
			return x
		}
		if len(t.kinds) >= 2*mostKinds {
			k.pattern = "/**"
		}
	}
	if t.kinds == nil {
		t.kinds = map[trafficKey]*kind{}
	}
	x := t.kinds[k]
	if x == nil {
		x = &kind{}
		t.kinds[k] = x
	}
	return x
}

// coarse keeps the first segment of a pattern.
func coarse(pattern string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(pattern, "/"), "/")
	return "/" + first + "/**"
}

// countTraffic counts a row of the window with the origin rows of its id.
func (j *joiner) countTraffic(row *cacheRow, origins []model.OriginRow) {
	e := &row.Edge
	if !cache.Storable(e) {
		return
	}
	how := cache.Classify(e)
	x := j.tally.traffic.at(e.Route, e.Pattern)
	x.rows++
	if how == cache.Hit {
		x.hits++
		x.served.add(e.Path)
	}
	if how != cache.Miss && how != cache.Revalidated && len(origins) == 0 {
		return
	}
	x.fills++
	hold := row.Hold
	if e.Route == model.NoRoute && len(origins) > 0 {
		hold = j.holder(e, origins)
	}
	if hold.Origin && hold.Bears && hold.known() {
		x.bearing++
		x.carried.add(e.Path)
	}
}

// total adds up the patterns under a route.
func (t *traffic) total(route int) (sum kind) {
	for k, x := range t.kinds {
		if k.route == route {
			sum.rows, sum.hits, sum.fills, sum.bearing = sum.rows+x.rows, sum.hits+x.hits, sum.fills+x.fills, sum.bearing+x.bearing
		}
	}
	return sum
}

// under lists the patterns under a route for which want holds, those with the
// most hits first, then those with the most rows.
func (t *traffic) under(route int, want func(*kind) bool) []string {
	var names []string
	for k, x := range t.kinds {
		if k.route == route && want(x) {
			names = append(names, k.pattern)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := t.kinds[trafficKey{route, a}], t.kinds[trafficKey{route, b}]
		return cmp.Or(cmp.Compare(y.hits, x.hits), cmp.Compare(y.rows, x.rows), cmp.Compare(a, b))
	})
	return names
}

// leaks reports whether a cache handed out objects of this kind whose responses
// carry sessions. A pattern may hold pages that are cached beside pages that
// set cookies; the objects must be the same.
func (k *kind) leaks() bool { return k.hits > 0 && k.bearing > 0 && k.served.meets(&k.carried) }

// fewest keeps the smallest of the ids it is given: the same ones in whatever
// order they come, so that two sets of a million can be compared.
type fewest struct{ ids []model.ID }

const keptIDs = 64

func (f *fewest) add(id model.ID) {
	if id.IsZero() || len(f.ids) == keptIDs && f.ids[keptIDs-1].Compare(id) < 0 {
		return
	}
	i, found := slices.BinarySearchFunc(f.ids, id, model.ID.Compare)
	if found {
		return
	}
	f.ids = slices.Insert(f.ids, i, id)
	f.ids = f.ids[:min(len(f.ids), keptIDs)]
}

// meets reports whether f and o have one in common.
func (f *fewest) meets(o *fewest) bool {
	return slices.ContainsFunc(f.ids, func(id model.ID) bool {
		_, found := slices.BinarySearchFunc(o.ids, id, model.ID.Compare)
		return found
	})
}
