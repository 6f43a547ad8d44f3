package incident

import (
	"slices"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
)

// This file is the schema: one function for each mapping of the file, with
// its keys in the order in which the template explains them.

func (r *reader) incident(v value, inc *model.Incident) {
	r.mapping(v,
		field{"version", r.version},
		field{"case", r.text(&inc.Case)},
		field{"key_file", r.text(&inc.KeyFile)},
		field{"window", func(v value) { r.window(v, &inc.Window) }},
		field{"timeline", r.list(func(v value) { inc.Timeline = append(inc.Timeline, r.event(v)) })},
		field{"control", r.list(func(v value) { inc.Control = append(inc.Control, r.span(v)) })},
		field{"routes", r.list(func(v value) { inc.Routes = append(inc.Routes, r.route(v)) })},
		field{"cache", func(v value) { r.cache(v, &inc.Cache) }},
		field{"cookie", func(v value) { r.cookie(v, &inc.Cookie) }},
		field{"sources", r.list(func(v value) { inc.Sources = append(inc.Sources, r.source(v)) })},
		field{"directory", func(v value) { r.directory(v, &inc.Directory) }},
		field{"total_workspaces", r.count(&inc.TotalWorkspaces)},
		field{"data_categories", r.list(func(v value) { inc.DataCategories = append(inc.DataCategories, r.category(v)) })},
		field{"reports", r.table(&inc.Reports, "reported_at", "user_id", "workspace_id", "note")},
		field{"thresholds", func(v value) { r.thresholds(v, &inc.Thresholds) }},
	)
	if _, ok := r.at["version"]; !ok && !r.faulty["version"] {
		r.problem(v.pos, "version", "is missing; begin the file with `version: 1`")
	}
}

func (r *reader) version(v value) {
	if s, ok := r.scalar(v, "1"); ok && s != "1" {
		r.fail(v, "%s is not a version that this program reads; it reads version 1", quoted(s))
	}
}

func (r *reader) window(v value, w *model.Window) {
	r.mapping(v,
		field{"from", r.instant(&w.Span.From)},
		field{"to", r.instant(&w.Span.To)},
		field{"lookback", r.duration(&w.Lookback)},
		field{"margin", r.duration(&w.Margin)},
		field{"follow_until", r.instant(&w.FollowUntil)},
	)
}

func (r *reader) span(v value) (s model.Span) {
	r.mapping(v, field{"from", r.instant(&s.From)}, field{"to", r.instant(&s.To)})
	r.require(v, "from", "to")
	return s
}

func (r *reader) event(v value) (e model.Event) {
	r.mapping(v, field{"at", r.instant(&e.At)}, field{"what", r.text(&e.What)})
	r.require(v, "at", "what")
	return e
}

// route reads {path, host, ttl} or the path alone.
func (r *reader) route(v value) (route model.Route) {
	route.Line = v.pos.line
	if _, ok := scalarText(v.node); ok {
		r.pathGlob(&route.Path)(v)
		return route
	}
	r.mapping(v,
		field{"path", r.pathGlob(&route.Path)},
		field{"host", r.host(&route.Host)},
		field{"ttl", func(v value) { route.TTL = new(model.TTL); r.ttl(v, route.TTL) }},
	)
	r.require(v, "path")
	return route
}

// yes reads true or false.
func (r *reader) yes(dst *bool) func(value) {
	return func(v value) {
		var word string
		oneOf(r, &word, "true", "false")(v)
		*dst = word == "true"
	}
}

func (r *reader) host(dst *string) func(value) {
	return func(v value) {
		r.text(dst)(v)
		if strings.ContainsAny(*dst, "/:?") {
			r.fail(v, "%s is not a host; write it without scheme, port and path: www.example.com", quoted(*dst))
		}
	}
}

func (r *reader) cache(v value, c *model.CachePolicy) {
	var collapsing string
	r.mapping(v,
		field{"ttl", func(v value) { r.ttl(v, &c.TTL) }},
		field{"error_ttl", r.duration(&c.ErrorTTL)},
		field{"expiry", oneOf(r, &c.Expiry, model.ExpiryReal, model.ExpiryFloor, model.ExpiryCeil, model.ExpiryAny)},
		field{"key", func(v value) { r.mapping(v, field{"query", func(v value) { r.query(v, &c.Query) }}) }},
		field{"scope", oneOf(r, &c.Scope, model.ScopeLocation, model.ScopeCity, model.ScopeRegion, model.ScopeGlobal)},
		field{"upper_tier", func(v value) { r.upperTier(v, &c.UpperTier) }},
		field{"serve_stale", func(v value) { r.serveStale(v, &c.ServeStale) }},
		field{"collapsing", oneOf(r, &collapsing, "on", "off", "unknown")},
		field{"revalidation", oneOf(r, &c.Revalidation, model.RevalidationKept, model.RevalidationReplaced, model.RevalidationUnknown)},
		field{"caches_per_scope", func(v value) { r.cachesPerScope(v, &c.CachesPerScope) }},
	)
	switch collapsing {
	case "on":
		c.Collapsing = model.Yes
	case "off":
		c.Collapsing = model.No
	}
}

// ttl reads one duration or {min, default, max}. All three are asked for:
// a cache clips what the origin says between them, so none follows from the
// others.
func (r *reader) ttl(v value, t *model.TTL) {
	if _, ok := scalarText(v.node); ok {
		var d time.Duration
		r.duration(&d)(v)
		*t = model.TTL{Min: d, Default: d, Max: d}
	} else {
		r.mapping(v,
			field{"min", r.duration(&t.Min)},
			field{"default", r.duration(&t.Default)},
			field{"max", r.duration(&t.Max)},
		)
		r.require(v, "min", "default", "max")
	}
	switch {
	case r.related(v.path):
	case t.Max == 0:
		r.fail(v, "must be longer than zero: what is not kept cannot be handed out")
	case t.Min > t.Default || t.Default > t.Max:
		r.fail(v, "min, default and max (%v, %v, %v) must not decrease", t.Min, t.Default, t.Max)
	}
}

func (r *reader) query(v value, q *model.QueryKey) {
	if _, ok := v.node.(interface{ GetValue() any }); ok {
		var word string
		oneOf(r, &word, "none", "all")(v)
		q.All = word == "all"
		return
	}
	r.texts(&q.Names)(v)
}

func (r *reader) upperTier(v value, u *model.UpperTier) {
	if _, ok := scalarText(v.node); ok {
		var word string
		oneOf(r, &word, "unknown", "none")(v)
		u.Known = word == "none"
		return
	}
	u.Known = true
	r.mapping(v,
		field{"scope", oneOf(r, &u.Scope, model.ScopeLocation, model.ScopeCity, model.ScopeRegion, model.ScopeGlobal)},
		field{"ttl", r.duration(&u.TTL)},
	)
	r.require(v, "scope", "ttl")
	if u.TTL == 0 && !r.related(v.path) {
		r.fail(v, "its ttl must be longer than zero; if there is no upper tier, write `upper_tier: none`")
	}
}

func (r *reader) serveStale(v value, dst **time.Duration) {
	if s, ok := scalarText(v.node); ok && nearest(s, []string{"unknown"}) != "" {
		oneOf(r, new(string), "unknown")(v)
		return
	}
	*dst = new(time.Duration)
	r.duration(*dst)(v)
}

func (r *reader) cachesPerScope(v value, dst *int) {
	if s, ok := scalarText(v.node); ok && nearest(s, []string{"unknown"}) != "" {
		oneOf(r, new(string), "unknown")(v)
		return
	}
	r.count(dst)(v)
}

func (r *reader) cookie(v value, c *model.Cookie) {
	r.mapping(v,
		field{"names", r.list(r.cookieName(&c.Names))},
		field{"same_site", oneOf(r, &c.SameSite, "lax", "strict", "none", "unknown")},
		field{"revocable", oneOf(r, &c.Revocable, "server", "signed", "unknown")},
		field{"set_on", func(v value) { r.setOn(v, &c.SetOn) }},
		field{"framed", r.list(func(v value) {
			var glob string
			r.pathGlob(&glob)(v)
			c.Framed = append(c.Framed, glob)
		})},
		field{"host_only", r.yes(&c.HostOnly)},
		field{"used_at", r.list(func(v value) {
			var host string
			r.host(&host)(v)
			c.UsedAt = append(c.UsedAt, host)
		})},
		field{"stripped", r.list(func(v value) { c.Stripped = append(c.Stripped, r.span(v)) })},
	)
	if c.HostOnly && len(c.UsedAt) == 0 && !r.related(v.path) {
		r.fail(v, "host_only says nothing unless used_at names the hosts of the application: used_at: [www.example.com]")
	}
}

// setOn reads logged, every_session_response, {once_per: 60s} or, as one
// naturally writes it inside braces, `once_per: 60s` in quotes.
func (r *reader) setOn(v value, s *model.SetOn) {
	text, ok := scalarText(v.node)
	if period, found := strings.CutPrefix(text, model.SetOnOncePer+":"); found {
		d, err := parseDuration(strings.TrimSpace(period))
		if err != nil {
			r.fail(v, "%v", err)
		}
		*s = model.SetOn{Rule: model.SetOnOncePer, Period: d}
		return
	}
	if ok {
		if text == model.SetOnOncePer {
			r.fail(v, "once_per needs its period; write {once_per: 60s}")
			return
		}
		oneOf(r, &s.Rule, model.SetOnLogged, model.SetOnEvery, model.SetOnOncePer)(v)
		return
	}
	s.Rule = model.SetOnOncePer
	r.mapping(v, field{model.SetOnOncePer, r.duration(&s.Period)})
	r.require(v, model.SetOnOncePer)
}

func (r *reader) category(v value) (c model.Category) {
	r.mapping(v, field{"path", r.pathGlob(&c.Path)}, field{"category", r.text(&c.Name)})
	r.require(v, "path", "category")
	return c
}

func (r *reader) thresholds(v value, t *model.Thresholds) {
	r.mapping(v,
		field{"rejects", r.share(&t.Rejects)},
		field{"coverage_gap", r.duration(&t.CoverageGap)},
		field{"join_rate", r.share(&t.JoinRate)},
	)
}

func (r *reader) directory(v value, d *model.Directory) {
	r.mapping(v,
		field{"sessions", r.sessions(&d.Sessions)},
		field{"users", r.table(&d.Users, "user_id", "email", "name", "role", "locale", "country")},
		field{"memberships", r.table(&d.Memberships, "user_id", "workspace_id", "valid_from", "valid_to")},
		field{"workspaces", r.table(&d.Workspaces, "workspace_id", "name", "contact_email", "region",
			"contact_name", "contact_role", "locale", "country")},
		field{"contacts", r.table(&d.Contacts, "workspace_id", "contact_email", "contact_name", "contact_role", "locale", "country")},
		field{"as_of", r.instant(&d.AsOf)},
	)
}

// sessions is the one table that says in what form it holds its values.
func (r *reader) sessions(t *model.Table) func(value) {
	return func(v value) {
		r.tableWith(v, t, []string{"session_hash", "user_id", "created_at", "ended_at"},
			field{"values", oneOf(r, &t.Values, "digest", "token")},
			field{"user_claim", r.text(&t.UserClaim)},
			field{"session_form", func(v value) { r.sessionForm(v, &t.Form) }})
	}
}

func (r *reader) table(t *model.Table, columns ...string) func(value) {
	return func(v value) { r.tableWith(v, t, columns) }
}

func (r *reader) tableWith(v value, t *model.Table, columns []string, more ...field) {
	if s, ok := scalarText(v.node); ok {
		r.fail(v, "must be a mapping; write {uri: %s}", s)
		return
	}
	t.Line = v.pos.line
	r.mapping(v, slices.Concat([]field{
		{"uri", r.uri(&t.URI)},
		{"format", oneOf(r, &t.Format, "auto", "csv", "copy", "jsonl", "parquet")},
		{"columns", r.texts(&t.Columns)},
		{"map", func(v value) { t.Map = r.names(v, columns) }},
		{"time_zone", r.timeZone(&t.TimeZone)},
	}, more)...)
	r.require(v, "uri")
}

// names reads a map from our names to theirs.
func (r *reader) names(v value, ours []string) map[string]string {
	m := map[string]string{}
	fields := make([]field, len(ours))
	for i, name := range ours {
		fields[i] = field{name, func(v value) {
			var theirs string
			r.text(&theirs)(v)
			m[name] = theirs
		}}
	}
	r.mapping(v, fields...)
	return m
}

// texts reads a list of texts.
func (r *reader) texts(dst *[]string) func(value) {
	return r.list(func(v value) {
		var text string
		r.text(&text)(v)
		*dst = append(*dst, text)
	})
}

// words reads a list of words of which each is one of names.
func (r *reader) words(dst *[]string, names ...string) func(value) {
	return r.list(func(v value) {
		var word string
		oneOf(r, &word, names...)(v)
		*dst = append(*dst, word)
	})
}
