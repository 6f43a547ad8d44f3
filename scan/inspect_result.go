package scan

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/scan/internal/sniff"
	"github.com/spillscope/spillscope/scan/internal/survey"
)

// Inspection is what the logs are and what they show. It holds patterns,
// counts and times; no session, path, query, address or user.
type Inspection struct {
	Answer   []string           `json:"answer"` // the headline, a sentence each
	Sources  []*InspectedSource `json:"sources"`
	Hours    []InspectedHour    `json:"hours"`
	Step     time.Duration      `json:"step_ns"` // of Hours
	Pace     []InspectedPace    `json:"pace"`
	Gaps     []model.Gap        `json:"gaps,omitempty"`
	Routes   []InspectedRoute   `json:"routes"` // leaking ones first, then cached ones, then by rows
	Basis    string             `json:"sessions_known_by"`
	Notes    []string           `json:"notes,omitempty"`    // how it was found out, and what to mind
	Missing  []string           `json:"missing,omitempty"`  // what would tell more
	Problems []string           `json:"problems,omitempty"` // objects that could not be read, or not to their end
	Incident string             `json:"incident_yaml"`      // keys to paste into incident.yaml
}

// InspectedSource is a folder of objects of one format.
type InspectedSource struct {
	Folder   string            `json:"folder"`
	Format   string            `json:"format"`
	Kind     model.SourceKind  `json:"kind,omitempty"` // what its rows are; "": they are not read
	Objects  int               `json:"objects"`
	Bytes    int64             `json:"bytes"`
	Rows     int64             `json:"rows"`
	Rejected int64             `json:"rejected"`
	Reason   string            `json:"most_frequent_reason,omitempty"` // of Rejected
	First    string            `json:"first_utc,omitempty"`
	Last     string            `json:"last_utc,omitempty"`
	Map      map[string]string `json:"map,omitempty"` // guessed
	Problem  string            `json:"problem,omitempty"`

	format      string            // as package sniff words it
	unwrap      string            // what they are wrapped in, if all are
	columns     int               // of a log of CloudFront that does not name them
	names       []string          // of its columns or fields, of the first object
	table       string            // of the directory, by these
	renamed     map[string]string // its columns that go by other names than ours
	prefix      string            // of the names of its objects
	below       string            // where in Folder the first of them is
	zone        string            // of its stamps, where they do not say
	forms       map[string]bool   // of CloudFront's logs, that were read
	guess       survey.Guess
	first, last model.Instant
	rejects     map[string]int64
	suffixes    map[string]bool
	deep        bool // objects lie in folders below
	cookieRows  int64
	byHour      map[model.Instant]int
}

// InspectedHour counts the rows of an hour, or of a day when logs are long.
type InspectedHour struct {
	From        string `json:"from_utc"`
	EdgeRows    int64  `json:"edge_rows"`
	EdgeFiles   int    `json:"edge_files"` // whose first row lies in it
	OriginRows  int64  `json:"origin_rows"`
	OriginFiles int    `json:"origin_files"`
}

// InspectedPace is how many rows a kind of log has in minutes that have any.
type InspectedPace struct {
	Source string  `json:"source"`
	Median float64 `json:"median_rows_a_minute"`
	Most   float64 `json:"most_rows_a_minute"`
}

// InspectedRoute is a route pattern, what the caches did there, and how it met sessions.
type InspectedRoute struct {
	Pattern     string  `json:"pattern"`
	Rows        int64   `json:"rows"`
	Hits        int64   `json:"hits"`
	Misses      int64   `json:"misses"`
	RefreshHits int64   `json:"refresh_hits"`
	Errors      int64   `json:"errors"`
	Other       int64   `json:"other"`
	Cached      float64 `json:"cached_share"`
	Clients     int64   `json:"clients"` // distinct addresses; an estimate beyond 2,048
	Dynamic     bool    `json:"dynamic"` // pages or data rather than files

	Fills    int `json:"fills_known"`   // of which it is known whether they presented a session
	Bearing  int `json:"session_fills"` // of them, those that did
	Issued   int `json:"fills_that_set_a_session"`
	Sessions int `json:"sessions"` // distinct ones

	Leaks      bool        `json:"met_sessions_while_cached"`
	Onset      string      `json:"onset_utc,omitempty"` // minute
	First      string      `json:"first_session_fill_utc,omitempty"`
	Last       string      `json:"last_session_fill_utc,omitempty"`
	Strays     int         `json:"stray_session_fills,omitempty"` // before Onset
	SinceStart bool        `json:"since_the_logs_begin,omitempty"`
	StillOn    bool        `json:"still_when_the_logs_end,omitempty"`
	Hitting    int         `json:"hits_while_leaking,omitempty"` // in the sample
	Locations  int         `json:"locations,omitempty"`
	LastOnset  string      `json:"onset_at_last_location_utc,omitempty"`
	TTL        *survey.TTL `json:"ttl,omitempty"`

	from, to, first, last, lastOnset model.Instant
}

// add adds an object that was read.
func (src *InspectedSource) add(o *inspected, b model.Balance, reasons map[string]int64) {
	src.Rows += b.Parsed
	src.Rejected += b.Rejected
	for r, n := range reasons {
		src.rejects[r] += n
	}
	if o.first == 0 {
		return
	}
	if src.first == 0 || o.first < src.first {
		src.first = o.first
	}
	src.last = max(src.last, o.last)
	if src.byHour == nil {
		src.byHour = map[model.Instant]int{}
	}
	src.byHour[truncate(o.first, time.Hour)]++
}

// result draws up the answer.
func (s *inspection) result() *Inspection {
	r := s.all.Report()
	out := &Inspection{Sources: s.sources, Basis: string(r.Basis)}
	for _, src := range s.sources {
		src.settle()
		src.First, src.Last = src.first.String(), src.last.String()
		for _, reason := range sortedKeys(src.rejects) {
			if src.Reason == "" || src.rejects[reason] > src.rejects[src.Reason] {
				src.Reason = reason
			}
		}
	}
	slices.Sort(s.problems)
	out.Problems = s.problems
	for _, x := range r.Routes {
		out.Routes = append(out.Routes, inspectedRoute(x))
	}
	out.hours(&r, s.sources)
	out.pace("edge", r.Edge)
	out.pace("origin", r.Origin)
	out.pace("load balancer", r.Balancer)
	out.Answer = out.answer(&r)
	out.Notes = s.remarks(&r)
	out.Missing = s.missing(&r)
	out.Incident = s.snippet(out, &r)
	return out
}

func inspectedRoute(x survey.Route) InspectedRoute {
	out := InspectedRoute{
		Pattern: x.Pattern, Rows: x.Rows, Hits: x.Results[cache.Hit], Misses: x.Results[cache.Miss],
		RefreshHits: x.Results[cache.Revalidated], Errors: x.Results[cache.Failed], Other: x.Results[cache.Generated],
		Cached: float64(int(x.CachedShare()*1000+0.5)) / 1000, Clients: x.Clients, Dynamic: x.Dynamic,
		Fills: x.Fills, Bearing: x.Bearing, Issued: x.Issued, Sessions: x.Sessions,
		Leaks: x.Leaks, Strays: x.Strays, SinceStart: x.SinceStart, StillOn: x.StillOn, Hitting: x.HitsDuring,
		Locations: len(x.Locations), TTL: x.TTL,
		Onset: x.From.String(), First: x.First.String(), Last: x.Last.String(),
		from: x.From, to: x.To, first: x.First, last: x.Last,
	}
	if n := len(x.Locations); n > 0 {
		out.lastOnset = x.Locations[n-1].First
		out.LastOnset = out.lastOnset.String()
	}
	return out
}

// maxHours is how many lines of hours are shown before they become days.
const maxHours = 24

func (in *Inspection) hours(r *survey.Report, sources []*InspectedSource) {
	for in.Step = time.Hour; ; in.Step = 24 * time.Hour {
		by := map[model.Instant]*InspectedHour{}
		at := func(t model.Instant) *InspectedHour {
			t = truncate(t, in.Step)
			if by[t] == nil {
				by[t] = &InspectedHour{From: t.String()}
			}
			return by[t]
		}
		for t, n := range r.Edge.Hours {
			at(t).EdgeRows += n
		}
		for t, n := range r.Origin.Hours {
			at(t).OriginRows += n
		}
		for _, src := range sources {
			for t, n := range src.byHour {
				switch {
				case src.Kind == model.SourceEdge:
					at(t).EdgeFiles += n
				case src.Kind == model.SourceOrigin && src.format != sniff.ALB:
					at(t).OriginFiles += n
				}
			}
		}
		if len(by) <= maxHours || in.Step > time.Hour {
			for _, t := range slices.Sorted(maps.Keys(by)) {
				in.Hours = append(in.Hours, *by[t])
			}
			return
		}
	}
}

func (in *Inspection) pace(source string, p survey.Pace) {
	if p.Rows == 0 {
		return
	}
	in.Pace = append(in.Pace, InspectedPace{source, p.Median, p.Most})
	for _, g := range p.Gaps {
		in.Gaps = append(in.Gaps, model.Gap{From: g.From.String(), To: g.To.String(), Source: source})
	}
}

// leaking returns the routes that met sessions while they were cached.
func (in *Inspection) leaking() []InspectedRoute {
	var out []InspectedRoute
	for _, r := range in.Routes {
		if r.Leaks {
			out = append(out, r)
		}
	}
	return out
}

// globs returns the routes to name in an incident file. Caches are configured
// by folder, so a folder of which all that was asked for leaked is named
// whole; a file too many costs nothing, one too few is not seen.
func (in *Inspection) globs() []string {
	whole := map[string]bool{}
	for _, r := range in.Routes {
		if r.Rows > 0 || r.Fills > 0 {
			dir := path.Dir(r.Pattern)
			old, seen := whole[dir]
			whole[dir] = r.Leaks && (old || !seen)
		}
	}
	var out []string
	for _, r := range in.leaking() {
		glob := r.Pattern
		if dir := path.Dir(glob); whole[dir] && dir != "/" && path.Base(glob) != "**" {
			glob = dir + "/*"
		}
		if !slices.Contains(out, glob) {
			out = append(out, glob)
		}
	}
	slices.Sort(out)
	return out
}

// span returns from when to when any of routes met sessions.
func span(routes []InspectedRoute) (first, last *InspectedRoute) {
	for i := range routes {
		r := &routes[i]
		if first == nil || r.from < first.from {
			first = r
		}
		if last == nil || r.last > last.last {
			last = r
		}
	}
	return first, last
}

// answer states the findings, the one that matters most first.
func (in *Inspection) answer(r *survey.Report) []string {
	return append(in.met(r), in.served()...)
}

func (in *Inspection) met(r *survey.Report) []string {
	leaks := in.leaking()
	if len(leaks) == 0 {
		switch {
		case r.Basis == survey.BasisNone:
			return []string{"Whether a cached route met a session cannot be told: no log here shows sessions."}
		case r.Edge.Rows == 0:
			return []string{"No file route presented a session to the origin, by its log alone; there is no CDN log that can be read."}
		}
		return []string{"No cached route met a session in these logs."}
	}
	first, last := span(leaks)
	names := in.globs()
	what := plural(len(names), "cached route")
	if r.Edge.Rows == 0 {
		what = plural(len(names), "file route") + ", if a CDN cached them,"
	}
	verb := " met sessions"
	if r.Basis == survey.BasisCookie {
		verb = " were asked with a session cookie (whether the CDN forwarded it is not logged)"
	}
	out := []string{what + verb + ": " + strings.Join(names, ", ")}
	if r.Basis == survey.BasisCookie {
		return append(out, "When the CDN began to forward it, and whether it does, these logs cannot tell.")
	}
	began := "First at " + minute(first.from)
	if first.Locations > 1 {
		began += fmt.Sprintf(", at all of %d locations by %s", first.Locations, first.lastOnset.Time().Format("15:04:05Z"))
	}
	if first.SinceStart {
		began = "They do so from where the logs begin, " + minute(first.from) + ", so the true onset may be earlier"
	}
	if last.StillOn {
		return append(out, began+". Still happening when the logs end ("+minute(last.last)+").")
	}
	end := r.Edge.Last
	if r.Edge.Rows == 0 {
		end = r.Origin.Last
	}
	return append(out, began+", last at "+second(last.last)+". Not since; the logs go on until "+minute(end)+".")
}

// served tells whether pages or data came from the cache.
func (in *Inspection) served() []string {
	var names []string
	dynamic := 0
	for _, r := range in.Routes {
		if !r.Dynamic || r.Rows == 0 {
			continue
		}
		dynamic++
		if r.Hits > 0 {
			names = append(names, fmt.Sprintf("%s (%s)", r.Pattern, plural(int(r.Hits), "hit")))
		}
	}
	switch {
	case dynamic == 0:
		return nil
	case len(names) == 0:
		return []string{fmt.Sprintf("No page or API route was ever served from the cache (%s).", plural(dynamic, "route"))}
	}
	const most = 5
	if n := len(names); n > most {
		names = append(names[:most], fmt.Sprintf("%d more", n-most))
	}
	return []string{"Pages or API routes were served from the cache too: " + strings.Join(names, ", ") + "."}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func minute(t model.Instant) string { return t.Time().Format("2006-01-02 15:04Z") }
func second(t model.Instant) string { return t.Time().Format("2006-01-02 15:04:05Z") }
