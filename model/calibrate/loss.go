package calibrate

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Loss counts requests that should stand in both logs, and how many stand in
// one alone. The zero Loss is empty and ready to use.
//
// Whether the origin's log is whole cannot be read off the suspect routes: a
// Miss without an origin row may have been answered by an upper tier
// (semantics.md A2.16). Requests that no cache may answer have no such excuse,
// so they say how many rows are lost, and the suspect routes are held against
// that.
type Loss struct {
	forwarded map[groupStep]count // forwarded requests off the suspect routes, by group
	cached    [groups]bool        // groups that some cache answered
	suspect   map[suspectStep]count
	origin    map[groupStep]count // origin rows, by the form of their id
}

// count is how many requests there were, and how many lack the other row.
type count struct{ all, alone int64 }

func (c count) plus(o count) count { return count{c.all + o.all, c.alone + o.alone} }

func (c count) share() float64 { return float64(c.alone) / float64(max(1, c.all)) }

func one(joined bool) count {
	if joined {
		return count{1, 0}
	}
	return count{1, 1}
}

// groups bounds memory: patterns are told apart by a hash of so many values.
// Two that share one are judged together, which only makes the judge careful.
const groups = 1 << 12

type groupStep struct {
	group uint16
	step  model.Instant
}

type suspectStep struct {
	cache string
	route int
	step  model.Instant
}

// lossStep is the time within which loss is taken to be even: CDNs and
// applications hand over their logs in files of about that length.
const lossStep = 5 * time.Minute

func stepOf(at model.Instant) model.Instant { return at - at%model.Instant(lossStep) }

func groupOf(parts ...string) uint16 {
	h := fnv.New32a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return uint16(h.Sum32() % groups)
}

// safe reports whether a cache may answer method at all (RFC 9110 §9.2.3).
func safe(method string) bool { return method == "GET" || method == "HEAD" }

// Forwarded notes an edge row off the suspect routes that says it went to the
// origin.
func (l *Loss) Forwarded(pattern, method string, at model.Instant, joined bool) {
	g := groupOf(pattern)
	if !safe(method) {
		g = groupOf(pattern, "unsafe")
	}
	l.forwarded = added(l.forwarded, groupStep{g, stepOf(at)}, one(joined))
}

// Cached notes that a cache answered pattern: its Misses may have been
// answered by another one.
func (l *Loss) Cached(pattern string) { l.cached[groupOf(pattern)] = true }

// Miss notes a Miss on a suspect route.
func (l *Loss) Miss(cacheName string, route int, at model.Instant, joined bool) {
	l.suspect = added(l.suspect, suspectStep{cacheName, route, stepOf(at)}, one(joined))
}

// Origin notes an origin row under the id that the edge is said to have sent.
// Requests that never passed the edge bear ids of another form.
func (l *Loss) Origin(id string, at model.Instant, atEdge bool) {
	l.origin = added(l.origin, groupStep{uint16(min(len(id), groups-1)), stepOf(at)}, one(atEdge))
}

func added[K comparable](m map[K]count, k K, c count) map[K]count {
	if m == nil {
		m = map[K]count{}
	}
	m[k] = m[k].plus(c)
	return m
}

// Merge adds what o has seen.
func (l *Loss) Merge(o *Loss) {
	for k, c := range o.forwarded {
		l.forwarded = added(l.forwarded, k, c)
	}
	for k, c := range o.suspect {
		l.suspect = added(l.suspect, k, c)
	}
	for k, c := range o.origin {
		l.origin = added(l.origin, k, c)
	}
	for g, hit := range o.cached {
		l.cached[g] = l.cached[g] || hit
	}
}

// Losses is what a Loss says of a span of time.
type Losses struct {
	Origin LossShare `json:"origin_rows"`
	Edge   LossShare `json:"edge_rows"`
	Phantoms
}

// LossShare is the share of one log's rows that are missing.
type LossShare struct {
	Requests int64   `json:"requests"` // that must stand in this log
	Missing  int64   `json:"missing"`
	Share    float64 `json:"share"`
	Worst    float64 `json:"worst_five_minutes"`
	WorstAt  string  `json:"worst_from,omitempty"`
	SetAside int64   `json:"requests_set_aside"` // of routes or ids that this log hardly knows

	steps map[model.Instant]count
}

// At returns the share of rows missing around at: that of its five minutes,
// drawn towards the whole.
func (s *LossShare) At(at model.Instant) float64 {
	c := s.steps[stepOf(at)]
	return round((float64(c.alone) + float64(steady*s.Share)) / (float64(c.all) + steady))
}

// Feared returns the share of rows that must be reckoned to be missing: of few
// requests little is known, even if all are there.
func (s *LossShare) Feared() float64 {
	return (float64(s.Missing) + 0.5) / float64(s.Requests+1)
}

// steady is how many requests of the whole stand beside those of one step or cache.
const steady = 20

// Settle reads the counts of span. ahead is by how much the origin's clock was
// wrong. tier says whether an upper tier exists, as far as the incident file
// does.
func (l *Loss) Settle(span model.Span, ahead time.Duration, tier model.Tri) Losses {
	within := func(step model.Instant) bool { return step.Add(lossStep) > span.From && step <= span.To }
	uncached := maps.Clone(l.forwarded)
	maps.DeleteFunc(uncached, func(k groupStep, _ count) bool { return l.cached[k.group] || !within(k.step) })
	ids := maps.Clone(l.origin)
	maps.DeleteFunc(ids, func(k groupStep, _ count) bool { return !within(k.step.Add(-ahead)) })
	misses := maps.Clone(l.suspect)
	maps.DeleteFunc(misses, func(k suspectStep, _ count) bool { return !within(k.step) })
	out := Losses{Origin: shareOf(uncached), Edge: shareOf(ids)}
	out.Phantoms = phantomsOf(misses, &out.Origin, tier)
	return out
}

// shareOf adds up the groups that this log knows. A route that another
// service answers, or an id that the edge did not give, is missing as a whole
// and says nothing of lost rows.
func shareOf(rows map[groupStep]count) LossShare {
	byGroup := map[groupStep]count{}
	for k, c := range rows {
		byGroup = added(byGroup, groupStep{group: k.group}, c)
	}
	usual := usualShare(byGroup)
	limit := max(2*usual, usual+0.05)
	var sum count
	s := LossShare{steps: map[model.Instant]count{}}
	for k, c := range rows {
		g := byGroup[groupStep{group: k.group}]
		if (float64(g.alone)+float64(steady*usual))/float64(g.all+steady) > limit {
			s.SetAside += c.all
			continue
		}
		sum = sum.plus(c)
		s.steps = added(s.steps, k.step, c)
	}
	s.Requests, s.Missing, s.Share = sum.all, sum.alone, round(sum.share())
	s.worst()
	return s
}

// usualShare is the median of the groups' shares, by requests.
func usualShare(byGroup map[groupStep]count) float64 {
	cs := slices.SortedFunc(maps.Values(byGroup), func(a, b count) int { return cmp.Compare(a.share(), b.share()) })
	var total, seen int64
	for _, c := range cs {
		total += c.all
	}
	for _, c := range cs {
		if seen += c.all; seen*2 >= total {
			return c.share()
		}
	}
	return 0
}

// worst finds the five minutes with the highest share; the first of equals.
func (s *LossShare) worst() {
	for _, at := range slices.Sorted(maps.Keys(s.steps)) {
		if share := s.At(at); share > s.Worst {
			s.Worst, s.WorstAt = share, at.String()
		}
	}
}
