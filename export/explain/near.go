package explain

import (
	"slices"
	"strings"

	"github.com/spillscope/spillscope/export/inert"
)

// suggestions is how many look-alikes an error offers.
const suggestions = 5

// near compares ids with the query and remembers the nearest misses.
type near struct {
	query string
	found []miss
}

type miss struct {
	id   string
	dist int
}

// is reports whether id is the query.
func (n *near) is(id string) bool {
	if id == n.query {
		return true
	}
	if id != "" && n.query != "" {
		n.miss(id)
	}
	return false
}

// miss keeps id if it looks like the query: a few letters differ, or one is
// the beginning of the other, which is how people shorten ids.
func (n *near) miss(id string) {
	limit := min(3, len(n.query)/3)
	d := limit + 1
	if len(n.query) >= 4 && (strings.HasPrefix(id, n.query) || len(id) >= 4 && strings.HasPrefix(n.query, id)) {
		d = 0
	} else if diff := len(id) - len(n.query); -limit <= diff && diff <= limit {
		d = distance(strings.ToLower(id), strings.ToLower(n.query), limit)
	}
	if d > limit || slices.ContainsFunc(n.found, func(m miss) bool { return m.id == id }) {
		return
	}
	at, _ := slices.BinarySearchFunc(n.found, miss{id, d}, func(a, b miss) int {
		if a.dist != b.dist {
			return a.dist - b.dist
		}
		return strings.Compare(a.id, b.id)
	})
	if at < suggestions {
		n.found = slices.Insert(n.found, at, miss{id, d})
		n.found = n.found[:min(suggestions, len(n.found))]
	}
}

func (n *near) ids() []string {
	var ids []string
	for _, m := range n.found {
		ids = append(ids, inert.Text(m.id))
	}
	return ids
}

// distance is the edit distance of a and b, or more than limit.
func distance(a, b string, limit int) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal, best := row[0], i+1
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
			best = min(best, row[j+1])
		}
		if best > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
