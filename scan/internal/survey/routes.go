package survey

import (
	"maps"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

const (
	maxRoutes = 512
	maxDepth  = 6 // as deep as decode's patterns go
)

// routes counts rows by route pattern. When there are too many patterns all
// of them lose their last segment, which keeps the result free of order.
type routes struct {
	depth int
	by    map[string]*route
}

type route struct {
	results [5]int64 // by cache.Handling
	clients sample[bool]
	dynamic int64 // rows whose content is a page or data
	typed   int64 // rows with a content type
}

func newRoutes() routes { return routes{depth: maxDepth, by: map[string]*route{}} }

func newRoute() *route { return &route{clients: newSample[bool](maxClients)} }

func (rs *routes) at(pattern string) *route {
	pattern = cut(pattern, rs.depth)
	r := rs.by[pattern]
	if r == nil {
		r = newRoute()
		rs.by[pattern] = r
		for len(rs.by) > maxRoutes && rs.depth > 0 {
			rs.coarsen(rs.depth - 1)
		}
		r = rs.by[cut(pattern, rs.depth)]
	}
	return r
}

// cut shortens a pattern to depth segments.
func cut(pattern string, depth int) string {
	at := 0
	for range depth {
		i := strings.IndexByte(pattern[min(at+1, len(pattern)):], '/')
		if i < 0 {
			return pattern
		}
		at += 1 + i
	}
	if pattern == "" || at+1 >= len(pattern) || pattern[at:] == "/**" {
		return pattern
	}
	return pattern[:at] + "/**"
}

func (rs *routes) coarsen(depth int) {
	old := rs.by
	rs.depth, rs.by = depth, map[string]*route{}
	for p, r := range old {
		rs.put(cut(p, depth), r)
	}
}

func (rs *routes) put(pattern string, r *route) {
	have := rs.by[pattern]
	if have == nil {
		rs.by[pattern] = r
		return
	}
	for i, n := range r.results {
		have.results[i] += n
	}
	have.dynamic += r.dynamic
	have.typed += r.typed
	have.clients.merge(&r.clients, nil)
}

func (rs *routes) add(row *model.EdgeRow, how cache.Handling) {
	r := rs.at(row.Pattern)
	r.results[how]++
	if row.ContentType != "" {
		r.typed++
		if dynamicType(row.ContentType) {
			r.dynamic++
		}
	}
	if row.Client.IsValid() {
		b := row.Client.As16()
		h := decode.Hash(0, b[:])
		if r.clients.takes(h) {
			r.clients.put(h, true, nil)
		}
	}
}

// dynamicType reports whether a content type is that of pages and data, which
// are made for the one who asks.
func dynamicType(t string) bool {
	return strings.HasPrefix(t, "text/html") || strings.HasPrefix(t, "application/json") ||
		strings.Contains(t, "+json") || strings.HasPrefix(t, "application/graphql") || strings.HasPrefix(t, "application/x-ndjson")
}

func (rs *routes) merge(o *routes) {
	if o.depth < rs.depth {
		rs.coarsen(o.depth)
	}
	for p, r := range o.by {
		rs.put(cut(p, rs.depth), r)
	}
	for len(rs.by) > maxRoutes && rs.depth > 0 {
		rs.coarsen(rs.depth - 1)
	}
}

const (
	// rare is how many times fewer rows a pattern must have than one that
	// covers it to be taken for a value that happened to look like a word.
	rare = 20
	// Where more words than siblings stand in one place, those of which each
	// has less than one part in small of the rows are not names of routes but
	// of people, projects or packages.
	siblings, small = 12, 50
)

// fold merges patterns whose words are probably values: small ones with
// very many siblings, and those much rarer than a pattern with * in the same place.
// /api/videos/v_beef/* is no route beside ten thousand /api/videos/*/*, and
// its word may be somebody's id. It returns where patterns went.
func (rs *routes) fold() map[string]string {
	into := map[string]string{}
	for place := 1; place < maxDepth; place++ {
		rs.foldSiblings(place, into)
	}
	rs.foldRare(into)
	for p := range into {
		for next, ok := into[into[p]]; ok; next, ok = into[into[p]] {
			into[p] = next
		}
	}
	return into
}

func (rs *routes) foldSiblings(place int, into map[string]string) {
	groups := map[string][]string{}
	for p := range rs.by {
		parts := strings.Split(p, "/")
		if place >= len(parts)-1 || parts[place] == "*" {
			continue
		}
		parts[place] = "*"
		wide := strings.Join(parts, "/")
		groups[wide] = append(groups[wide], p)
	}
	for wide, ps := range groups {
		var all int64
		for _, p := range ps {
			all += rs.by[p].rows()
		}
		for _, p := range ps {
			if len(ps) > siblings && rs.by[p].rows()*small < all {
				rs.move(p, wide, into)
			}
		}
	}
}

func (r *route) rows() int64 {
	var n int64
	for _, x := range r.results {
		n += x
	}
	return n
}

func (rs *routes) foldRare(into map[string]string) {
	rows := map[string]int64{}
	for p, r := range rs.by {
		rows[p] = r.rows()
	}
	names := slices.Sorted(maps.Keys(rows))
	best := map[string]string{}
	for _, p := range names {
		for _, q := range names {
			if q == p || rows[p]*rare >= rows[q] || !covers(q, p) {
				continue
			}
			if old, ok := best[p]; !ok || rows[q] > rows[old] {
				best[p] = q
			}
		}
	}
	for _, p := range names {
		if q, ok := best[p]; ok {
			rs.move(p, q, into)
		}
	}
}

func (rs *routes) move(from, to string, into map[string]string) {
	into[from] = to
	rs.put(to, rs.by[from])
	delete(rs.by, from)
}

// covers reports whether wide is narrow with * for some segments before the
// last.
func covers(wide, narrow string) bool {
	w, n := strings.Split(wide, "/"), strings.Split(narrow, "/")
	if len(w) != len(n) || w[len(w)-1] != n[len(n)-1] {
		return false
	}
	for i := range w {
		if w[i] != n[i] && w[i] != "*" {
			return false
		}
	}
	return true
}

// isDynamic guesses whether a route makes its responses for the one who asks.
func (r *route) isDynamic(pattern string) bool {
	if r.typed > 0 {
		return r.dynamic*2 > r.typed
	}
	file := pattern[strings.LastIndexByte(pattern, '/')+1:]
	return !strings.HasPrefix(file, "*.") || file == "*.html" || file == "*.json" || file == "*.php"
}
