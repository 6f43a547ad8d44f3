package scan

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/scan/internal/join"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// AuditInput is what an audit needs: sources, cookie and key of an incident,
// and the span of logs to look at, after the fix. Routes, window and directory
// of the incident are not used: the next leak may be on another route.
type AuditInput struct {
	Incident *model.Incident
	Key      model.Key
	Base     string // folder that relative URIs start from
	Span     model.Span
	Workers  int
	Memory   int64
	TempDir  string
	Progress func(Progress)
}

// Audit is the answer to: does a cached route still meet sessions?
type Audit struct {
	From     string       `json:"from_utc"`
	To       string       `json:"to_utc"`    // "" open
	First    string       `json:"first_utc"` // of the edge rows there
	Last     string       `json:"last_utc"`
	EdgeRows int          `json:"edge_rows"`
	Hits     int          `json:"hits"`
	Cached   int          `json:"cached_objects"` // served from a cache at least once
	Fills    int          `json:"fills_of_cached_objects"`
	Known    int          `json:"of_these_known_whether_with_a_session"`
	Met      int          `json:"of_these_that_met_one"`
	Routes   []AuditRoute `json:"routes"` // that meet sessions, worst first
	Partial  []string     `json:"partial"`
}

// Leaks reports whether a cached route still meets a session.
func (a *Audit) Leaks() bool { return len(a.Routes) > 0 }

// AuditRoute is a cached route that met sessions.
type AuditRoute struct {
	Pattern string     `json:"route"`
	Objects int        `json:"objects"`
	Hits    int        `json:"hits"`
	Fills   int        `json:"fills_that_met_a_session"`
	Set     int        `json:"of_these_that_set_the_cookie"` // or that may have, where it is not logged
	First   string     `json:"first_utc"`
	Last    string     `json:"last_utc"`
	Rows    []AuditRow `json:"rows"` // the earliest of the fills

	first, last model.Instant
}

// AuditRow is a response that met a session, of an object that a cache serves.
type AuditRow struct {
	Time     string `json:"time_utc"`
	Cache    string `json:"cache"`
	Request  string `json:"request_id"`
	Evidence string `json:"evidence"` // file:line
	Met      string `json:"met"`      // how it met a session

	at model.Instant
}

// auditRows is how many rows of a route are kept.
const auditRows = 100

// RunAudit reads the logs of a span and looks for objects that a cache serves
// and whose fills met a session: one that the response set, or one that the
// request presented, since an application that did not renew it this time may
// the next. Like a scan it keeps nothing in memory that grows with the traffic.
func RunAudit(ctx context.Context, in AuditInput) (a *Audit, err error) {
	s := in.state(ctx)
	defer func() { err = errors.Join(err, s.close()) }()
	for _, step := range []func() error{s.plan, s.read, s.followTraces} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if s.noEdge != "" {
		return nil, &NothingReadable{s.noEdge + "; only the CDN's log tells what was cached"}
	}
	x := &auditor{joiner: joiner{state: s}, answer: &Audit{From: in.Span.From.String(), Routes: []AuditRoute{}}, routes: map[string]*AuditRoute{}}
	if in.Span.To < endOfTime {
		x.answer.To = in.Span.To.String()
	}
	if err := x.run(); err != nil {
		return nil, err
	}
	return x.answer, ctx.Err()
}

// endOfTime is the end of a span without one.
const endOfTime = model.Instant(7_258_118_400_000_000_000) // the year 2200

// state prepares reading every row of the span as if each route were suspect.
func (in *AuditInput) state(ctx context.Context) *state {
	inc := *in.Incident
	if in.Span.To == 0 {
		in.Span.To = endOfTime
	}
	inc.Window = model.Window{Span: in.Span, FollowUntil: in.Span.To}
	inc.Routes = []model.Route{{Path: "/**"}}
	inc.Control, inc.Timeline, inc.DataCategories = nil, nil, nil
	inc.Directory, inc.Reports = model.Directory{}, model.Table{}
	return newState(ctx, Input{
		Incident: &inc, Key: in.Key, Base: in.Base, Workers: in.Workers, Memory: in.Memory, TempDir: in.TempDir, Progress: in.Progress,
	})
}

// auditor goes through the joined rows.
type auditor struct {
	joiner
	rows   *spill.Writer
	answer *Audit
	routes map[string]*AuditRoute // patterns are few
	first  model.Instant
	last   model.Instant
}

// seen is a row of an object: that it was served from the cache, or a fill.
type seen struct {
	Pattern string
	Cache   string
	ID      string
	At      model.Instant
	Ref     model.Ref
	Met     meeting
}

// meeting is how a response that entered a cache met a session.
type meeting uint8

const (
	metUnknown   meeting = iota // the logs do not say
	metNone                     // neither presented nor set
	metPresented                // presented by the request; the response set no cookie, this time
	metAssumed                  // presented, and whether the response set the cookie is not logged
	metSet                      // set by the response
)

func (m meeting) String() string {
	return [...]string{"not known", "none", "the request presented a session", "the request presented a session; whether the response set it is not logged", "the response set a session cookie"}[m]
}

// meetingOf tells from what is known of the session of a fill.
func meetingOf(h *holding) meeting {
	switch {
	case h.Bears && !h.Assumed:
		return metSet
	case h.Quiet:
		return metPresented
	case h.known():
		return metAssumed
	case h.Rung != model.RungUnknown:
		return metNone
	}
	return metUnknown
}

func (x *seen) fields(c *wire.Codec) {
	wire.Text(c, &x.Pattern)
	wire.Text(c, &x.Cache)
	wire.Text(c, &x.ID)
	wire.Number(c, &x.At)
	c.Ref(&x.Ref)
	wire.Number(c, &x.Met)
}

// Kinds of row of an object; what was served comes first, so that by the first
// fill it is known whether the object is cached.
const (
	servedKind = 0
	fillKind   = 1
)

func (x *auditor) run() error {
	objects := x.sorter(derivedShare, 1)
	x.rows = objects.Writer()
	err := join.Requests(x.requests, x.request)
	if err = errors.Join(err, x.rows.Close()); err == nil {
		err = x.meet(objects)
	}
	x.finish()
	return errors.Join(err, objects.Close())
}

func (x *auditor) request(r *join.Request) error {
	origins, _ := partTold(r.Origins)
	origins = join.Merge(origins, x.logOf)
	for i := range r.Edges {
		if err := x.edge(&r.Edges[i], origins); err != nil {
			return err
		}
	}
	return nil
}

func (x *auditor) edge(e *model.EdgeRow, origins []model.OriginRow) error {
	at := e.End.Lo
	if !x.spans.parts[0].span.Contains(at) {
		return nil
	}
	x.answer.EdgeRows++
	if x.first == 0 || at < x.first {
		x.first = at
	}
	x.last = max(x.last, at)
	row := cacheRow{Edge: *e, Hold: x.holder(e, origins)}
	how := cache.Classify(e)
	served := how == cache.Hit || how == cache.Revalidated
	if served && cache.Storable(e) {
		if how == cache.Hit {
			x.answer.Hits++
		}
		if err := x.keep(e, servedKind, &seen{}); err != nil {
			return err
		}
	}
	if !isFill(&row, how) {
		return nil
	}
	return x.keep(e, fillKind, &seen{
		Pattern: e.Pattern, Cache: e.Location, ID: e.ID, At: at, Ref: e.Ref, Met: meetingOf(&row.Hold),
	})
}

func (x *auditor) keep(e *model.EdgeRow, kind byte, v *seen) error {
	x.key = append(append(x.key[:0], e.Key[:]...), kind)
	x.key = append(appendInstant(x.key, e.End.Lo), e.ID...)
	x.val = wire.Encode(x.val[:0], v.fields)
	return x.rows.Add(x.key, x.val)
}

// meet walks the rows object by object.
func (x *auditor) meet(objects *spill.Sorter) error {
	dec := wire.NewDecoder()
	var object model.ID
	var hits int
	var counted *AuditRoute // the route that the object's hits were counted for
	return objects.Scan(func(key, val []byte) error {
		if string(key[:len(object)]) != string(object[:]) {
			copy(object[:], key)
			hits, counted = 0, nil
		}
		if key[len(object)] == servedKind {
			if hits++; hits == 1 {
				x.answer.Cached++
			}
			return nil
		}
		if hits == 0 {
			return nil
		}
		var v seen
		if err := dec.Decode(val, v.fields); err != nil {
			return err
		}
		if r := x.fill(&v); r != nil && counted == nil {
			counted = r
			r.Objects++
			r.Hits += hits
		}
		return nil
	})
}

// fill counts a fill of an object that was served from a cache, and returns its
// route if it met a session.
func (x *auditor) fill(v *seen) *AuditRoute {
	x.answer.Fills++
	if v.Met != metUnknown {
		x.answer.Known++
	}
	if v.Met < metPresented {
		return nil
	}
	x.answer.Met++
	r := x.routes[v.Pattern]
	if r == nil {
		r = &AuditRoute{Pattern: v.Pattern, first: v.At}
		x.routes[v.Pattern] = r
	}
	r.Fills++
	if v.Met >= metAssumed {
		r.Set++
	}
	r.first, r.last = min(r.first, v.At), max(r.last, v.At)
	o := &x.objects[v.Ref.Object]
	r.Rows = append(r.Rows, AuditRow{
		Time: v.At.String(), Cache: v.Cache, Request: v.ID, Evidence: o.URI + ":" + v.Ref.In(o.format), Met: v.Met.String(), at: v.At,
	})
	if len(r.Rows) >= 4*auditRows {
		r.trim()
	}
	return r
}

// trim keeps the earliest rows.
func (r *AuditRoute) trim() {
	slices.SortFunc(r.Rows, func(a, b AuditRow) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.Request, b.Request), cmp.Compare(a.Evidence, b.Evidence))
	})
	r.Rows = r.Rows[:min(auditRows, len(r.Rows))]
}

// finish writes what was counted into the answer.
func (x *auditor) finish() {
	a := x.answer
	a.First, a.Last = x.first.String(), x.last.String()
	for _, r := range slices.SortedFunc(maps.Values(x.routes), func(a, b *AuditRoute) int {
		return cmp.Or(cmp.Compare(b.Fills, a.Fills), cmp.Compare(a.Pattern, b.Pattern))
	}) {
		r.First, r.Last = r.first.String(), r.last.String()
		r.trim()
		a.Routes = append(a.Routes, *r)
	}
	x.doubts()
}

// doubts says why to find nothing would prove nothing.
func (x *auditor) doubts() {
	a := x.answer
	d := &diagnosis{state: x.state}
	d.objects()
	d.rejected()
	for _, why := range x.missing {
		d.fail("%s", why)
	}
	limit := x.Incident.Thresholds.JoinRate
	switch {
	case a.EdgeRows == 0:
		d.fail("0 edge rows lie in the span from %s: give --from and --to, or other sources", a.From)
	case a.Fills == 0 && a.Hits > 0:
		d.fail("%s and no fill of the cached objects lie in the span: what the cache serves was stored before it, and nothing shows whether that met a session; clear the cache of these routes, or look from earlier on (--from)", hits(int64(a.Hits)))
	case a.Fills > 0 && float64(a.Known) < limit*float64(a.Fills):
		d.fail("of %d of %d responses that entered a cache the logs say whether they met a session (threshold %.0f %%): an origin log of the same span says it, if map.request_id names the CDN's id", a.Known, a.Fills, 100*limit)
	}
	if parts, whole := x.samples(); !whole {
		for _, src := range parts {
			d.fail("source %s (line %d of the incident file): %s; what it does not show may have happened", src.URI, src.Line, x.sampling(src))
		}
	}
	a.Partial = append([]string{}, d.partial...)
}
