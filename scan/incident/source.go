package incident

import (
	"github.com/goccy/go-yaml/ast"

	"github.com/spillscope/spillscope/model"
)

// rowColumns are what can be mapped from a row of an origin log or of a table
// of sightings.
func rowColumns() []string {
	return []string{"time", "request_id", "trace_id", "method", "host", "path", "status", "session", "user",
		"set_cookie", "set_session", "user_agent", "client_ip", "device_id", "instance", "duration", "workspace"}
}

// formatALB is the one origin format whose columns are known: it has no map.
const formatALB = "alb"

// source reads one source. Which keys it has depends on its kind: a key that
// would be ignored is refused, or a person would rely on it.
func (r *reader) source(v value) model.Source {
	s := model.Source{Format: "auto", Line: v.pos.line}
	kind, _ := scalarText(child(v.node, "kind"))
	format, _ := scalarText(child(v.node, "format"))
	switch {
	case kind == string(model.SourceEdge):
		r.edge(v, &s)
	case kind == string(model.SourceSighting):
		r.rows(v, &s, r.who, rowFormats()...)
	case format == formatALB:
		r.balancer(v, &s)
	default: // origin, or a mistyped kind: then the origin's keys are checked
		r.rows(v, &s, func(value, map[string]string) {}, append(rowFormats(), formatALB)...)
	}
	return s
}

func rowFormats() []string { return []string{"auto", "jsonl", "csv", "logfmt", "parquet"} }

func (r *reader) kind(s *model.Source) field {
	return field{"kind", oneOf(r, &s.Kind, model.SourceEdge, model.SourceOrigin, model.SourceSighting)}
}

// edge has no map, time zone or unit: CloudFront's own format says them.
func (r *reader) edge(v value, s *model.Source) {
	r.mapping(v,
		r.kind(s),
		field{"uri", r.uri(&s.URI)},
		field{"format", oneOf(r, &s.Format, "auto", "cloudfront", "cloudfront-realtime")},
		r.unwrap(s), r.fields(s), r.delimiter(s),
		field{"session_form", func(v value) { r.sessionForm(v, &s.SessionForm) }},
		field{"sampled", r.share(&s.Sampled)},
	)
	r.require(v, "uri")
}

// balancer reads the log of a load balancer, whose format says the rest.
func (r *reader) balancer(v value, s *model.Source) {
	s.Instant, s.XFF = "start", "last"
	r.mapping(v,
		r.kind(s),
		field{"uri", r.uri(&s.URI)},
		field{"format", oneOf(r, &s.Format, formatALB)},
		r.unwrap(s),
		field{"sampled", r.share(&s.Sampled)},
	)
	r.require(v, "kind", "uri")
}

// who checks that a sighting names somebody: a time and an address alone tell
// nothing that the edge's log does not.
func (r *reader) who(v value, m map[string]string) {
	if m["user"] == "" && m["session"] == "" && m["device_id"] == "" && !r.related(v.path) {
		r.fail(v, "a sighting says who was there: map at least one of user, session and device_id")
	}
}

// rows reads a source whose columns the file must name. check looks at its map.
func (r *reader) rows(v value, s *model.Source, check func(value, map[string]string), formats ...string) {
	s.Instant, s.XFF = "unknown", "last"
	r.mapping(v,
		r.kind(s),
		field{"uri", r.uri(&s.URI)},
		field{"format", oneOf(r, &s.Format, formats...)},
		r.unwrap(s), r.fields(s), r.delimiter(s),
		field{"map", func(v value) {
			s.Map = r.names(v, rowColumns())
			r.require(v, "time")
			check(v, s.Map)
		}},
		field{"session_form", func(v value) { r.sessionForm(v, &s.SessionForm) }},
		field{"time_zone", r.timeZone(&s.TimeZone)},
		field{"instant", oneOf(r, &s.Instant, "start", "end", "unknown")},
		field{"unit", oneOf(r, &s.Unit, "s", "ms", "us", "ns")},
		field{"xff", oneOf(r, &s.XFF, "first", "last")},
		field{"sampled", r.share(&s.Sampled)},
	)
	r.require(v, "kind", "uri")
	// Under auto the content may turn out to be a load balancer's, which needs
	// no map; what does need one is told when it is read.
	if s.Kind == model.SourceSighting || s.Kind == model.SourceOrigin && s.Format != "auto" {
		r.require(v, "map")
	}
}

func (r *reader) unwrap(s *model.Source) field {
	return field{"unwrap", oneOf(r, &s.Unwrap, "cloudwatch-export", "firehose", "string-json", "none")}
}

func (r *reader) fields(s *model.Source) field {
	return field{"fields", r.texts(&s.Fields)}
}

func (r *reader) delimiter(s *model.Source) field {
	return field{"delimiter", r.text(&s.Delimiter)}
}

func (r *reader) sessionForm(v value, f *model.SessionForm) {
	r.mapping(v,
		field{"decode", r.words(&f.Decode, "percent", "base64", "base64url", "hex")},
		field{"strip_prefix", r.text(&f.StripPrefix)},
		field{"cut_at", r.text(&f.CutAt)},
		field{"hash", oneOf(r, &f.Hash, "sha256-hex", "sha256-base64url", "sha1-hex", "md5-hex")},
		field{"claim", r.text(&f.Claim)},
	)
}

// child returns the value of a key of n, or nil.
func child(n ast.Node, key string) ast.Node {
	m, ok := n.(ast.MapNode)
	if !ok {
		return nil
	}
	for it := m.MapRange(); it.Next(); {
		if keyName(it.Key()) == key {
			return it.Value()
		}
	}
	return nil
}
