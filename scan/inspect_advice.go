package scan

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/sniff"
	"github.com/spillscope/spillscope/scan/internal/survey"
)

// remarks tells how things were found out and what to mind.
func (s *inspection) remarks(r *survey.Report) []string {
	var out []string
	say := func(cond bool, format string, args ...any) {
		if cond {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	say(r.Basis == survey.BasisJoin, "sessions are read from origin rows joined to edge rows by request id: %d of %d origin ids found at the edge", r.Joined, r.Answers)
	say(r.Basis == survey.BasisPath && r.Edge.Rows > 0, "no origin row has the request id of an edge row; sessions are read from origin rows by their path")
	say(r.Basis == survey.BasisCookie, "cs(Cookie) shows what viewers sent, not what the CDN forwarded and stored: only an origin log tells when the leak began")
	say(r.Basis != survey.BasisNone, "%s", survey.Method)
	say(r.OneIn > 1, "one request in %d was joined, chosen by its id: counts of fills, sessions and hits while leaking are of that sample", r.OneIn)
	say(r.Cut, "there are very many route patterns; they were cut to %s", plural(r.Depth, "segment"))
	if lag := r.Behind; r.Basis == survey.BasisJoin {
		say(lag.Abs() > time.Minute, "origin stamps are %s than the edge's: is time_zone of the origin source right?", later(lag))
	}
	say(len(s.shapes) > 0, "session values of the origin log look like: %s; if the directory's look different, set session_form", survey.Shape(s.shapes))
	for _, src := range s.sources {
		say(src.format == sniff.ALB && src.Rows > 0, "%s: a load balancer's log names no session, no user and no request id of the CDN; it puts rows of the application's log in their place by trace_id, and names nobody alone", src.Folder)
		say(src.Kind == model.SourceSighting && src.Rows > 0, "%s: rows say who was there from where; they are no requests, so they count as sightings and not as the origin's log", src.Folder)
	}
	for _, text := range sortedKeys(s.notes) {
		say(true, "%s (%s)", text, plural(s.notes[text], "file"))
	}
	return out
}

func later(d time.Duration) string {
	text := d.Abs().Round(time.Second).String()
	if d < 0 {
		return text + " earlier"
	}
	return text + " later"
}

// missing lists what would be needed to go further.
func (s *inspection) missing(r *survey.Report) []string {
	var out []string
	say := func(cond bool, format string, args ...any) {
		if cond {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	var cookies int64
	origins := 0
	for _, src := range s.sources {
		cookies += src.cookieRows
		if src.Kind == model.SourceOrigin && src.format != sniff.ALB {
			origins++
		}
	}
	say(r.Edge.Rows == 0, "the CDN's standard logs: without them nobody can say what came from a cache, or to whom")
	say(origins == 0, "the application's log: with it the holders of sessions can be named")
	say(cookies > 0 && len(s.CookieNames) == 0, "the name of the session cookie: %d edge rows have cookies logged; give --cookie NAME", cookies)
	say(cookies > 0 && len(s.CookieNames) > 0 && r.Cookies == 0, "a session cookie of that name: %d edge rows have cookies logged, none called so", cookies)
	for _, src := range s.sources {
		if src.Kind != model.SourceOrigin || src.format == sniff.ALB {
			continue
		}
		lacks := func(name, why string) {
			say(src.Map[name] == "", "%s: no field looks like %s: %s", src.Folder, name, why)
		}
		lacks("request_id", "log the request header X-Amz-Cf-Id; without it rows can be joined by path only")
		lacks("session", "a session, or its hash; without it holders cannot be told")
		lacks("user", "the directory must then tell whose session it was (directory.sessions)")
		if src.Map["set_cookie"] == "" && src.Map["set_session"] == "" {
			say(true, "%s: nothing tells which responses set the cookie: state cookie.set_on as an assumption", src.Folder)
		}
	}
	if list := s.noTables(); list != "" {
		say(true, "the directory (%s), to name people and workspaces", list)
	}
	return out
}

// snippet writes what goes into incident.yaml. Only sources that could be
// read, and only what the logs support, is in it.
func (s *inspection) snippet(in *Inspection, r *survey.Report) string {
	var b strings.Builder
	leaks := in.leaking()
	if len(leaks) > 0 {
		s.window(&b, in, r)
	}
	b.WriteString("sources:  # paths as seen from where you ran inspect\n")
	for _, src := range s.sources {
		switch {
		case src.unnamed():
			s.unnamedSource(&b, src)
		case src.Rows == 0:
		case src.Kind == model.SourceEdge:
			fmt.Fprintf(&b, "  - {kind: edge, uri: %s, format: cloudfront%s}\n", quoteYAML(src.uri(s.sources)), src.unwrapText(", "))
		default:
			s.mappedSource(&b, src)
		}
	}
	s.directory(&b)
	return b.String()
}

// tableNames are the tables of directory in the order of the incident file's
// template.
var tableNames = []string{"sessions", "users", "memberships", "workspaces", "contacts"}

// noTables lists the tables of the directory that were not found, but for the
// one that not everybody has.
func (s *inspection) noTables() string {
	missing := slices.DeleteFunc(slices.Clone(tableNames[:4]), func(name string) bool {
		return slices.ContainsFunc(s.sources, func(src *InspectedSource) bool { return src.table == name })
	})
	return strings.Join(missing, ", ")
}

// directory names the tables that were found.
func (s *inspection) directory(b *strings.Builder) {
	head := "directory:\n"
	for _, name := range tableNames {
		n := 0
		for _, src := range s.sources {
			if src.table != name {
				continue
			}
			if n++; n > 1 {
				fmt.Fprintf(b, "  # %s too looks like a table of %s\n", quoteYAML(src.Folder), name)
				continue
			}
			fmt.Fprintf(b, "%s  %s: {uri: %s", head, name, quoteYAML(src.uri(s.sources)))
			head = ""
			sep := ", map: {"
			for _, our := range sortedKeys(src.renamed) {
				fmt.Fprintf(b, "%s%s: %s", sep, our, quoteYAML(src.renamed[our]))
				sep = ", "
			}
			b.WriteString(strings.Repeat("}", 1+min(len(src.renamed), 1)))
			if strings.EqualFold(src.renamed["user_id"], "sess") {
				b.WriteString("  # where in sess is the user? say so in user_claim, e.g. passport.user")
			}
			b.WriteByte('\n')
		}
	}
}

// unnamedSource leaves the names of the columns to be filled in: to guess them
// by their number would be to guess whose address is whose.
func (s *inspection) unnamedSource(b *strings.Builder, src *InspectedSource) {
	fmt.Fprintf(b, "  - kind: edge\n    uri: %s\n    format: %s\n%s", quoteYAML(src.uri(s.sources)), src.format, src.unwrapText("    "))
	fmt.Fprintf(b, "    # fields: [ … ]  # FILL IN: its %d columns, in the order of the delivery's configuration\n", src.columns)
	if src.format == sniff.RealTime {
		b.WriteString("    # sampled: 100%  # if its sampling rate is 100, else that rate: a sample cannot show what did not happen\n")
	}
}

// unwrapText says what the rows are wrapped in, if in anything, as a key behind sep.
func (src *InspectedSource) unwrapText(sep string) string {
	switch {
	case src.unwrap == "":
		return ""
	case sep == ", ":
		return sep + "unwrap: " + src.unwrap
	}
	return sep + "unwrap: " + src.unwrap + "\n"
}

func (s *inspection) window(b *strings.Builder, in *Inspection, r *survey.Report) {
	leaks := in.leaking()
	var ttl *survey.TTL
	for _, x := range leaks {
		if x.TTL != nil && (ttl == nil || x.TTL.Hits > ttl.Hits) {
			ttl = x.TTL
		}
	}
	if r.Basis == survey.BasisCookie {
		b.WriteString("# window: not known; cookies alone do not tell when the CDN began to forward them\n")
	} else {
		windowLine(b, leaks, ttl, max(r.Edge.Last, r.Origin.Last))
	}
	routes := in.globs()
	for i, glob := range routes {
		routes[i] = "{path: " + quoteYAML(glob) + "}"
	}
	fmt.Fprintf(b, "routes: [%s]\n", strings.Join(routes, ", "))
	switch {
	case ttl == nil:
		b.WriteString("# cache.ttl: not known; too few hits. Read it off the CDN's configuration\n")
	case ttl.Longer:
		fmt.Fprintf(b, "cache:\n  ttl: %ds  # at least; longer than these logs can tell: read it off the CDN's configuration\n", ttl.About)
	default:
		fmt.Fprintf(b, "cache:\n  ttl: %ds  # estimated, %d–%d s; check it against the CDN's configuration\n", ttl.About, ttl.Low, ttl.High)
	}
}

// windowLine suggests the window: from the first minute to the end of the
// minute in which the last response with a session can have been served.
func windowLine(b *strings.Builder, leaks []InspectedRoute, ttl *survey.TTL, end model.Instant) {
	first, last := span(leaks)
	to := last.last
	if ttl != nil {
		to = to.Add(time.Duration(ttl.High) * time.Second)
	}
	to = wholeMinute(to)
	note := ""
	switch {
	case first.SinceStart && last.StillOn:
		note = "  # the logs begin and end in the middle of it"
	case first.SinceStart:
		note = "  # the logs begin in the middle of it: `from` may be earlier"
	case last.StillOn:
		note = "  # the logs end in the middle of it: `to` is later"
	}
	stamp := func(t model.Instant) string { return t.Time().Format(time.RFC3339) }
	fmt.Fprintf(b, "window: {from: %s, to: %s, follow_until: %s}%s\n", stamp(first.from), stamp(to), stamp(max(to, wholeMinute(end))), note)
}

// wholeMinute returns the first whole minute that is not before t.
func wholeMinute(t model.Instant) model.Instant { return truncate(t.Add(time.Minute-1), time.Minute) }

func (s *inspection) mappedSource(b *strings.Builder, src *InspectedSource) {
	fmt.Fprintf(b, "  - kind: %s\n    uri: %s\n    format: %s\n%s", src.Kind, quoteYAML(src.uri(s.sources)), src.format, src.unwrapText("    "))
	if src.format == sniff.ALB {
		return // it needs no map
	}
	b.WriteString("    map: {")
	sep := ""
	for _, name := range survey.Names {
		if key := src.Map[name]; key != "" {
			fmt.Fprintf(b, "%s%s: %s", sep, name, quoteYAML(key))
			sep = ", "
		}
	}
	b.WriteString("}\n")
	switch src.zone {
	case "":
	case "UTC":
		b.WriteString("    time_zone: UTC  # the stamps do not say; UTC is a guess\n")
	default:
		fmt.Fprintf(b, "    time_zone: %s  # by the edge's stamps of the same requests; name the place, as America/Los_Angeles, if its clocks were changed meanwhile\n", src.zone)
	}
}

// uri names the objects of a source, and no others, by a folder or a glob.
func (src *InspectedSource) uri(all []*InspectedSource) string {
	alone := true
	for _, o := range all {
		inside := o.Folder == src.Folder || src.Folder == "." || strings.HasPrefix(o.Folder+"/", src.Folder+"/")
		alone = alone && (o == src || !inside)
	}
	switch {
	case alone && src.Folder != ".":
		return src.Folder + "/"
	case src.Objects == 1:
		return path.Join(src.Folder, src.below)
	}
	glob := "*"
	if src.table != "" { // beside others: told by the beginnings of names
		glob = src.prefix + glob
	}
	if len(src.suffixes) == 1 {
		for ext := range src.suffixes {
			glob += ext
		}
	}
	if src.deep {
		return path.Join(src.Folder, "**", glob)
	}
	return path.Join(src.Folder, glob)
}

// quoteYAML quotes what is not plainly a scalar of YAML.
func quoteYAML(s string) string {
	plain := s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./*-") == ""
	if plain && strings.IndexByte("*-.0123456789", s[0]) < 0 || plain && strings.HasPrefix(s, "./") {
		return s
	}
	return strconv.Quote(s)
}
