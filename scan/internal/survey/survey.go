// Package survey sums up logs that nobody has described yet: which routes a
// cache answered, which of them met sessions and when, how long responses
// lived. It counts and estimates; it decides nothing about an incident.
//
// What it keeps does not grow with the logs. Counts are per route and per
// minute, with routes and minutes made coarser when they become too many.
// What needs single requests (the join of edge and origin rows, lifetimes,
// distinct clients) rests on samples by hash that grow thinner instead. Both
// depend on the set of rows only, not on their order or on who read them.
//
// The package knows no files and prints nothing.
package survey

import (
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// Limits of what is kept. The first two samples hold all of an incident of
// the size of the demo, so that small logs are joined whole.
const (
	maxRequests = 1 << 19
	maxEvents   = 1 << 20
	maxClients  = 2048
	maxSessions = 1 << 15
)

// Survey sums up rows. The zero value is not ready; use New. A Survey is not
// safe for concurrent use: each worker fills its own, and they are merged.
type Survey struct {
	edge    series
	origin  series
	between series // load balancers
	routes  routes
	edges   sample[request] // edge rows by the hash of their request id
	origins sample[request] // origin rows, likewise
	joins   map[uint64]answer
	lives   lifetimes
	folded  map[string]string // by Report: pattern → the one that it was taken for

	sessions   sample[bool] // distinct sessions presented at the origin
	withCookie int64        // edge rows that had a session cookie
}

// request is one sampled row.
type request struct {
	at       model.Instant // start of the request; origin rows: as logged
	pattern  string
	location string
	how      cache.Handling
	storable bool
	logged   bool     // edge: the cookie column exists
	session  model.ID // presented at the origin; edge: sent by the viewer
	issued   bool     // origin: the response set a session
}

// answer is what the origin's row says of an edge row.
type answer struct {
	session model.ID
	issued  bool
	behind  time.Duration // origin's stamp minus the edge's start
}

// New returns an empty survey.
func New() *Survey {
	return &Survey{
		edge: newSeries(), origin: newSeries(), between: newSeries(), routes: newRoutes(),
		edges: newSample[request](maxRequests), origins: newSample[request](maxRequests),
		joins: map[uint64]answer{}, lives: newLifetimes(), sessions: newSample[bool](maxSessions),
	}
}

// Edge adds an edge row.
func (s *Survey) Edge(r *model.EdgeRow) {
	how := cache.Classify(r)
	s.edge.add(r.End.Lo)
	s.routes.add(r, how)
	if !r.Session.IsZero() {
		s.withCookie++
	}
	storable := cache.Storable(r)
	h := decode.Hash(0, []byte(r.ID))
	if s.edges.takes(h) {
		s.edges.put(h, request{
			at: start(r), pattern: r.Pattern, location: r.Location, how: how, storable: storable,
			logged: r.CookieLogged, session: r.Session,
		}, earlier)
	}
	if storable && (how == cache.Hit || how == cache.Miss || how == cache.Revalidated) {
		s.lives.add(r, how)
	}
}

// start returns the second in which the request was most likely received: the
// stamp is cut to whole seconds, so the middle of its second counts.
func start(r *model.EdgeRow) model.Instant {
	end := r.End.Lo + (r.End.Hi-r.End.Lo)/2
	return floor(end.Add(-max(0, r.Taken)), time.Second)
}

// earlier decides which of two rows of one request id stands for it.
func earlier(a, b request) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	return a.pattern < b.pattern
}

// KnowsRequest reports whether an edge row has this request id; ok is false
// if the id is not one of those that the sample can tell.
func (s *Survey) KnowsRequest(id []byte) (found, ok bool) {
	h := decode.Hash(0, id)
	if !s.edges.takes(h) {
		return false, false
	}
	_, found = s.edges.kept[h]
	return found, true
}

// Origin adds an origin row. edges is the survey of all edge rows, which is
// only read.
func (s *Survey) Origin(r *model.OriginRow, edges *Survey) {
	s.origin.add(r.Time.Lo)
	if !r.Presented.IsZero() {
		s.sessions.put(sessionHash(r.Presented), true, nil)
	}
	issued := r.SetCookie == model.Yes || !r.Issued.IsZero()
	h := decode.Hash(0, []byte(r.RequestID))
	if r.RequestID == "" {
		h = r.Line
	}
	if s.origins.takes(h) {
		s.origins.put(h, request{
			at: r.Time.Lo, pattern: r.Pattern, session: r.Presented, issued: issued,
			storable: r.Method == "" || r.Method == "GET" || r.Method == "HEAD",
		}, earlier)
	}
	if e, ok := edges.edges.kept[h]; ok && r.RequestID != "" {
		a := answer{r.Presented, issued, r.Time.Lo.Sub(e.at)}
		if old, twice := s.joins[h]; !twice || a.behind < old.behind {
			s.joins[h] = a
		}
	}
}

// Balancer adds a load balancer's row. It says nothing of sessions, and counted
// as the origin's it would say that requests presented none.
func (s *Survey) Balancer(r *model.OriginRow) { s.between.add(r.Time.Lo) }

// StartOf returns when the request of that id began at the edge, if that is in
// the sample.
func (s *Survey) StartOf(id string) (at model.Instant, ok bool) {
	e, ok := s.edges.kept[decode.Hash(0, []byte(id))]
	return e.at, ok
}

// Merge adds the rows of o, which must not be used any more.
func (s *Survey) Merge(o *Survey) {
	s.edge.merge(&o.edge)
	s.origin.merge(&o.origin)
	s.between.merge(&o.between)
	s.routes.merge(&o.routes)
	s.edges.merge(&o.edges, earlier)
	s.origins.merge(&o.origins, earlier)
	s.lives.merge(&o.lives)
	s.sessions.merge(&o.sessions, nil)
	s.withCookie += o.withCookie
	for h, a := range o.joins {
		if old, twice := s.joins[h]; !twice || a.behind < old.behind {
			s.joins[h] = a
		}
	}
}
