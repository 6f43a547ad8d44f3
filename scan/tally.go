package scan

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/calibrate"
)

// tally counts what the joined rows are. Its maps grow with minutes and
// caches, not with traffic.
type tally struct {
	funnel   model.Funnel
	coverage map[coverageKey]*model.Coverage
	joins    map[model.Instant]*model.JoinRate
	control  []model.ControlResult
	strange  map[strangeKey]*model.UnresolvedUser // identities that the directory lacks

	unsaid    unsaid // by the edge rows of the window on suspect routes
	behind    int    // Hits on suspect routes in the window that the origin saw
	refreshed int    // RefreshHits on suspect routes in the window
	stoodIn   int    // stale responses there, sent because the origin failed
	relays    relays
	origins   map[model.Instant]int // origin rows a minute, for gaps
	adrift    map[model.Instant]int // of them, those of the edge's ids without an edge row
	traffic   traffic
	loss      calibrate.Loss
	alone     calibrate.Sample // forwarded edge rows without an origin row
	onsets    map[string]*calibrate.Leak
	leaks     map[string]model.Span // by location, from its first to its last session-bearing fill

	met met

	foreign map[string]bool // users who changed something in a workspace that the memberships do not give them
}

type coverageKey struct {
	minute model.Instant
	cache  string
}

type strangeKey struct{ kind, value string }

func newTally() tally {
	return tally{
		coverage: map[coverageKey]*model.Coverage{},
		joins:    map[model.Instant]*model.JoinRate{},
		strange:  map[strangeKey]*model.UnresolvedUser{},
		origins:  map[model.Instant]int{},
		adrift:   map[model.Instant]int{},
		leaks:    map[string]model.Span{},
		onsets:   map[string]*calibrate.Leak{},
		foreign:  map[string]bool{},
	}
}

// again returns the tally as judging the same rows once more may change it.
func (t *tally) again() tally {
	out := *t
	out.coverage = maps.Clone(t.coverage)
	for k, c := range out.coverage {
		c := *c
		out.coverage[k] = &c
	}
	out.control = slices.Clone(t.control)
	out.strange = map[strangeKey]*model.UnresolvedUser{}
	out.met, out.relays = met{}, relays{}
	return out
}

func truncate(t model.Instant, d time.Duration) model.Instant {
	return t - t%model.Instant(d)
}

func (t *tally) at(i model.Instant, cacheName string) *model.Coverage {
	k := coverageKey{truncate(i, time.Minute), cacheName}
	c := t.coverage[k]
	if c == nil {
		c = &model.Coverage{Minute: k.minute, Cache: cacheName}
		t.coverage[k] = c
	}
	return c
}

// joinStep is the resolution of joins.csv.
const joinStep = 5 * time.Minute

func (t *tally) join(i model.Instant) *model.JoinRate {
	from := truncate(i, joinStep)
	j := t.joins[from]
	if j == nil {
		j = &model.JoinRate{From: from}
		t.joins[from] = j
	}
	return j
}

// countEdge counts an edge row once it is joined.
func (j *joiner) countEdge(row *cacheRow, p part, joined bool) {
	e := &row.Edge
	if c := p.control(); c >= 0 {
		j.tally.controlResult(c, j.Incident).EdgeRows++
	}
	if p >= control {
		return
	}
	how := cache.Classify(e)
	j.tally.funnel.EdgeRows++
	if how == cache.Miss {
		r := j.tally.join(e.End.Lo)
		r.EdgeMisses++
		if joined {
			r.MissesAtOrigin++
		}
	}
	j.tally.lossOf(row, how, joined)
	cov := j.tally.at(e.End.Lo, row.Cache)
	cov.Rows++
	if e.Route == model.NoRoute || p == nowhere {
		return
	}
	j.countSuspect(row, p, how, cov)
}

// lossOf counts what row says of lost rows. A request whose client left before
// the answer, or that met a broken origin, may never have been logged there.
func (t *tally) lossOf(row *cacheRow, how cache.Handling, joined bool) {
	e := &row.Edge
	forwarded := how == cache.Miss && e.Status != 0 && e.Status < 500
	if forwarded && !joined {
		t.alone.Add([]byte(e.ID), e.End.Lo)
	}
	switch {
	case e.Route == model.NoRoute && forwarded:
		t.loss.Forwarded(e.Pattern, e.Method, e.End.Lo, joined)
	case e.Route == model.NoRoute && (how == cache.Hit || how == cache.Revalidated):
		t.loss.Cached(e.Pattern)
	case e.Route != model.NoRoute && forwarded:
		t.loss.Miss(row.Cache, e.Route, e.End.Lo, joined)
	}
}

func (j *joiner) countSuspect(row *cacheRow, p part, how cache.Handling, cov *model.Coverage) {
	cov.Suspect++
	fill := isFill(row, how)
	if how == cache.Hit {
		cov.Hits++
	}
	if fill {
		cov.Fills++
	}
	bears := fill && row.Hold.Bears && row.Hold.known() && (how != cache.Revalidated || j.stores(row))
	if fill {
		j.tally.fillOf(row, bears)
	}
	if bears {
		cov.SessionFills++
		j.tally.leaked(row.Edge.Location, row.Edge.End.Lo)
	}
	j.phases.request(&row.Edge, how == cache.Hit, bears)
	if p != window {
		return
	}
	f := &j.tally.funnel
	f.SuspectRows++
	j.tally.unsaid.row(&row.Edge)
	switch how {
	case cache.Hit:
		f.Hits++
		if row.forwarded() {
			j.tally.behind++
		}
	case cache.Revalidated:
		j.tally.refreshed++
	}
	if j.stoodIn(row, how) {
		j.tally.stoodIn++
	}
	if !fill {
		return
	}
	f.Fills++
	if row.Hold.Origin {
		f.FillsWithOriginRow++
	}
	j.tally.met.fill(row)
	if bears {
		f.SessionFills++
	}
}

// leaked notes a session-bearing fill.
func (t *tally) leaked(location string, at model.Instant) {
	t.leaks[location] = including(t.leaks[location], at)
}

// leaks says from when to when caches were filled with sessions.
type leaks struct {
	by  map[string]model.Span // cache
	all model.Span
}

// leaksBy returns the leaks of the caches that locations share under scope.
func (t *tally) leaksBy(scope model.Scope) leaks {
	l := leaks{by: map[string]model.Span{}}
	for location, s := range t.leaks {
		name := cache.Name(scope, location)
		l.by[name] = including(including(l.by[name], s.From), s.To)
		l.all = including(including(l.all, s.From), s.To)
	}
	return l
}

// including returns s grown to hold at; the zero Span holds nothing yet.
func including(s model.Span, at model.Instant) model.Span {
	if s == (model.Span{}) {
		return model.Span{From: at, To: at}
	}
	return model.Span{From: min(s.From, at), To: max(s.To, at)}
}

// live returns when a cache can have held a session: from its first
// session-bearing fill until the last one is past its life. Where an upper
// tier answers, a cache can also be served what others were filled with.
func (s *state) live(cacheName string) model.Span {
	l := s.leaks.by[cacheName]
	if s.upper() {
		l = s.leaks.all
	}
	if l == (model.Span{}) {
		return model.Span{From: 1, To: 0} // never
	}
	return l.Extend(time.Minute, s.Incident.Cache.TTL.Max+s.Incident.Cache.ErrorTTL)
}

// countOrigin counts an origin row and what the directory knows of it.
func (j *joiner) countOrigin(o *model.OriginRow, atEdge bool) {
	if !j.spans.read[0].Contains(o.Time.Lo) {
		return
	}
	j.tally.funnel.OriginRows++
	j.tally.origins[truncate(o.Time.Lo, time.Minute)]++
	r := j.tally.join(o.Time.Lo)
	if !isStray(o) {
		r.OriginIDs++
		j.tally.loss.Origin(o.RequestID, o.Time.Lo, atEdge)
		if !atEdge {
			j.tally.adrift[truncate(o.Time.Lo, time.Minute)]++
		}
	}
	if atEdge {
		r.OriginAtEdge++
	}
	if !o.Presented.IsZero() {
		r.Sessions++
		if _, ok := j.dir.SessionUser(o.Presented); ok {
			r.SessionsKnown++
		} else {
			j.tally.unresolved("session", o.Presented.String(), o.Time.Lo)
		}
	}
	if o.User != "" {
		r.Users++
		if _, ok := j.dir.User(o.User); ok {
			r.UsersKnown++
		} else {
			j.tally.unresolved("user", o.User, o.Time.Lo)
		}
	}
	j.countForeign(o)
}

// countForeign notes who changed something in a workspace that the directory
// does not give them. Reading is left out: what is shared is read by anybody.
func (j *joiner) countForeign(o *model.OriginRow) {
	if o.Workspace == "" || !writes(o) || o.Status >= 300 {
		return
	}
	user := j.userOf(o.Presented, o.User)
	if user == "" || j.tally.foreign[user] || slices.Contains(j.dir.WorkspacesOf(user, o.Time.Lo), o.Workspace) {
		return
	}
	j.tally.foreign[user] = true
}

func (t *tally) unresolved(kind, value string, at model.Instant) {
	k := strangeKey{kind, value}
	u := t.strange[k]
	if u == nil {
		u = &model.UnresolvedUser{Kind: kind, Value: value, First: at}
		t.strange[k] = u
	}
	u.Rows++
	u.First = min(u.First, at)
}

func (t *tally) controlResult(i int, inc *model.Incident) *model.ControlResult {
	for len(t.control) <= i {
		c := inc.Control[len(t.control)]
		t.control = append(t.control, model.ControlResult{From: c.From.String(), To: c.To.String()})
	}
	return &t.control[i]
}

// summary adds up the joins of the window.
func (t *tally) summary(w model.Span) model.JoinSummary {
	var s model.JoinSummary
	for _, j := range t.joins {
		if j.From.Add(joinStep) <= w.From || j.From > w.To {
			continue
		}
		s.EdgeMisses += j.EdgeMisses
		s.MissesAtOrigin += j.MissesAtOrigin
		s.OriginIDs += j.OriginIDs
		s.OriginAtEdge += j.OriginAtEdge
		s.Sessions += j.Sessions
		s.SessionsKnown += j.SessionsKnown
		s.Users += j.Users
		s.UsersKnown += j.UsersKnown
	}
	return s
}

// sortedCoverage returns the coverage by minute and cache.
func (t *tally) sortedCoverage() []*model.Coverage {
	return slices.SortedFunc(maps.Values(t.coverage), func(a, b *model.Coverage) int {
		return cmp.Or(cmp.Compare(a.Minute, b.Minute), cmp.Compare(a.Cache, b.Cache))
	})
}

func (t *tally) sortedJoins() []*model.JoinRate {
	return slices.SortedFunc(maps.Values(t.joins), func(a, b *model.JoinRate) int {
		return cmp.Compare(a.From, b.From)
	})
}

func (t *tally) sortedUnresolved() []*model.UnresolvedUser {
	return slices.SortedFunc(maps.Values(t.strange), func(a, b *model.UnresolvedUser) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
}
