package survey

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
)

// Basis is where the knowledge of sessions comes from.
type Basis string

// The bases, best first.
const (
	BasisJoin   Basis = "request id" // origin rows joined to edge rows
	BasisPath   Basis = "path"       // origin rows alone, by their path
	BasisCookie Basis = "cookie"     // cs(Cookie): what viewers sent, forwarded or not
	BasisNone   Basis = "none"
)

// Report is what a survey found.
type Report struct {
	Basis    Basis
	Edge     Pace
	Origin   Pace
	Balancer Pace
	Routes   []Route       // by what matters: leaking, cached, then by rows
	Cut      bool          // there were too many patterns
	Depth    int           // segments kept of each, if Cut
	OneIn    int           // one request in so many was joined
	Requests int           // edge rows in the sample
	Answers  int           // origin rows in the sample
	Joined   int           // of them, those whose request id an edge row has
	Behind   time.Duration // median of origin stamp minus start at the edge
	Sessions int64         // distinct sessions presented at the origin, estimated
	Cookies  int64         // edge rows with the session cookie
}

// Pace tells when a kind of log has rows.
type Pace struct {
	Rows         int64
	First, Last  model.Instant
	Median, Most float64 // rows a minute, of minutes with rows
	Gaps         []model.Span
	Hours        map[model.Instant]int64
}

// Route is what was seen of one route pattern.
type Route struct {
	Pattern string
	Rows    int64
	Results [5]int64 // by cache.Handling
	Clients int64    // distinct addresses, estimated
	Dynamic bool     // pages or data, by content type, else by name

	Fills    int // sampled fills of which it is known whether they presented a session
	Bearing  int // of them, those that did
	Issued   int // of them, those whose response set a session
	Sessions int // distinct ones among Bearing

	Leaks      bool          // it met sessions while it answered from the cache
	From, To   model.Instant // first minute, and end of the last second, of the run
	First      model.Instant // first and last fill with a session in the run
	Last       model.Instant
	Strays     int  // fills with a session before the run
	SinceStart bool // the run begins where the logs do
	StillOn    bool // the run ends where the logs do
	HitsDuring int  // sampled hits in the run
	Locations  []Location
	TTL        *TTL
}

// Location is one edge location at which sessions reached a route.
type Location struct {
	Name  string
	First model.Instant
}

// Report analyses what was added, after which nothing can be.
func (s *Survey) Report() Report {
	s.folded = s.routes.fold()
	r := Report{
		Basis: s.basis(), Edge: s.edge.summary(), Origin: s.origin.summary(), Balancer: s.between.summary(),
		OneIn: 1 << s.edges.shift, Requests: len(s.edges.kept), Sessions: s.sessions.distinct(), Cookies: s.withCookie,
	}
	if s.routes.depth < maxDepth {
		r.Cut, r.Depth = true, s.routes.depth
	}
	r.Behind = s.behind()
	r.Answers, r.Joined = s.joined()
	facts := s.facts(r.Basis)
	for p, x := range s.routes.by {
		r.Routes = append(r.Routes, x.report(p))
	}
	for p := range facts {
		if s.routes.by[p] == nil {
			r.Routes = append(r.Routes, newRoute().report(p))
		}
	}
	for i := range r.Routes {
		s.meet(&r.Routes[i], facts[r.Routes[i].Pattern])
	}
	slices.SortFunc(r.Routes, func(a, b Route) int {
		return cmp.Or(-compareBool(a.Leaks, b.Leaks), -compareBool(a.Cached() > 0, b.Cached() > 0),
			cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Pattern, b.Pattern))
	})
	return r
}

// route returns the pattern under which rows of a pattern are reported.
func (s *Survey) route(pattern string) string {
	p := cut(pattern, s.routes.depth)
	if q, ok := s.folded[p]; ok {
		return q
	}
	return p
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (s *series) summary() Pace {
	p := Pace{Rows: s.total, First: s.first, Last: s.last, Gaps: s.gaps(), Hours: map[model.Instant]int64{}}
	p.Median, p.Most = s.pace()
	for t, n := range s.rows {
		p.Hours[floor(t, max(time.Hour, s.width()))] += n
	}
	return p
}

func (r *route) report(pattern string) Route {
	return Route{Pattern: pattern, Rows: r.rows(), Results: r.results, Clients: r.clients.distinct(), Dynamic: r.isDynamic(pattern)}
}

// Cached returns the rows answered from the cache.
func (r *Route) Cached() int64 { return r.Results[cache.Hit] }

// CachedShare is the share of hits among the rows that asked the cache.
func (r *Route) CachedShare() float64 {
	asked := r.Results[cache.Hit] + r.Results[cache.Miss] + r.Results[cache.Revalidated]
	if asked == 0 {
		return 0
	}
	return float64(r.Results[cache.Hit]) / float64(asked)
}

func (s *Survey) basis() Basis {
	switch {
	case len(s.joins) > 0:
		return BasisJoin
	case s.origin.total > 0 && s.sessions.distinct() > 0:
		return BasisPath
	case s.withCookie > 0:
		return BasisCookie
	}
	return BasisNone
}

// joined counts the origin rows in both samples, and those of them that an
// edge row has the request id of.
func (s *Survey) joined() (answers, joined int) {
	for h := range s.origins.kept {
		if !s.edges.takes(h) {
			continue
		}
		answers++
		if _, ok := s.joins[h]; ok {
			joined++
		}
	}
	return answers, joined
}

// behind returns the median lag of the origin's stamps.
func (s *Survey) behind() time.Duration {
	if len(s.joins) == 0 {
		return 0
	}
	lags := make([]time.Duration, 0, len(s.joins))
	for _, a := range s.joins {
		lags = append(lags, a.behind)
	}
	slices.Sort(lags)
	return lags[len(lags)/2]
}

// fact is a request to one route of which something is known.
type fact struct {
	at       model.Instant
	location string
	fill     bool // it may have filled the cache, and whether with a session is known
	hit      bool
	bearing  bool
	issued   bool
	session  uint64
}

// facts lists, by route, the sampled requests that can tell whether the
// route's fills presented sessions.
func (s *Survey) facts(b Basis) map[string][]fact {
	out := map[string][]fact{}
	for h, e := range s.edges.kept {
		f := fact{at: e.at, location: e.location, hit: e.how == cache.Hit}
		switch a, joined := s.joins[h]; {
		case b == BasisJoin && joined:
			f.fill, f.bearing, f.issued = e.storable, !a.session.IsZero(), a.issued
			f.session = sessionHash(a.session)
		case b == BasisCookie && e.logged && (e.how == cache.Miss || e.how == cache.Revalidated):
			f.fill, f.bearing, f.session = e.storable, !e.session.IsZero(), sessionHash(e.session)
		}
		if f.fill || f.hit {
			p := s.route(e.pattern)
			out[p] = append(out[p], f)
		}
	}
	if b != BasisPath {
		return out
	}
	for _, o := range s.origins.kept {
		p := s.route(o.pattern)
		out[p] = append(out[p], fact{at: o.at, fill: o.storable, bearing: !o.session.IsZero(), issued: o.issued, session: sessionHash(o.session)})
	}
	return out
}

// meet works out how a route met sessions.
func (s *Survey) meet(r *Route, facts []fact) {
	width := s.edge.width()
	if s.edge.total == 0 {
		width = s.origin.width()
	}
	steps := r.count(facts, width)
	run, ok := onset(steps, width)
	if !ok {
		return
	}
	for _, m := range steps[:run.from] {
		r.Strays += m.sessions
	}
	r.From, r.To = steps[run.from].at, steps[run.to].at.Add(width)
	r.locate(facts)
	s.judge(r, width)
}

// count counts the fills of a route, in all and by step.
func (r *Route) count(facts []fact, width time.Duration) []step {
	by, distinct := map[model.Instant]step{}, map[uint64]bool{}
	for _, f := range facts {
		if !f.fill {
			continue
		}
		m := by[floor(f.at, width)]
		m.at = floor(f.at, width)
		m.fills++
		r.Fills++
		if f.issued {
			r.Issued++
		}
		if f.bearing {
			m.sessions++
			r.Bearing++
			distinct[f.session] = true
		}
		by[m.at] = m
	}
	r.Sessions = len(distinct)
	steps := make([]step, 0, len(by))
	for _, at := range slices.Sorted(maps.Keys(by)) {
		steps = append(steps, by[at])
	}
	return steps
}

// locate fills in what happened within the run of a route.
func (r *Route) locate(facts []fact) {
	first := map[string]model.Instant{}
	for _, f := range facts {
		if f.at < r.From || f.at >= r.To {
			continue
		}
		if f.hit {
			r.HitsDuring++
		}
		if !f.fill || !f.bearing {
			continue
		}
		if r.First == 0 || f.at < r.First {
			r.First = f.at
		}
		r.Last = max(r.Last, f.at)
		if t, ok := first[f.location]; f.location != "" && (!ok || f.at < t) {
			first[f.location] = f.at
		}
	}
	for name, t := range first {
		r.Locations = append(r.Locations, Location{name, t})
	}
	slices.SortFunc(r.Locations, func(a, b Location) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Name, b.Name))
	})
}

// extent returns the time in which a session could be seen: that which both
// kinds of log cover, if there are both.
func (s *Survey) extent() (begin, end model.Instant) {
	e, o := &s.edge, &s.origin
	switch {
	case o.total == 0:
		return e.first, e.last
	case e.total == 0:
		return o.first, o.last
	}
	return max(e.first, o.first), min(e.last, o.last)
}

// judge relates the run of a route to the ends of the logs, and measures how
// long responses lived in its middle: at its ends locations differ.
func (s *Survey) judge(r *Route, width time.Duration) {
	begin, end := s.extent()
	usual := width
	if r.Bearing > 1 {
		usual = r.Last.Sub(r.First) / time.Duration(r.Bearing-1)
	}
	// So long a silence would be odd if sessions had reached the route then.
	silence := max(10*time.Second, 5*usual)
	r.SinceStart = r.First.Sub(begin) < silence
	r.StillOn = end.Sub(r.Last) < silence
	r.Leaks = r.HitsDuring > 0 || s.edge.total == 0 && !r.Dynamic
	if !r.Leaks {
		return
	}
	trim := min(5*time.Minute, r.To.Sub(r.From)/10)
	is := func(p string) bool { return s.route(p) == r.Pattern }
	r.TTL = s.lives.ttl(is, model.Span{From: r.From.Add(trim), To: r.To.Add(-trim)})
}
