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

// formatALB is the one origin format whose columns are known: it needs no map.
const formatALB = "alb"

// source reads one source. Which keys it has depends on its kind: a key that
// would be ignored is refused, or a person would rely on it.
func (r *reader) source(v value) model.Source {
	s := model.Source{Format: "auto", Line: v.pos.line}
	switch kind, _ := scalarText(child(v.node, "kind")); kind {
	case string(model.SourceEdge):
		r.edge(v, &s)
	case string(model.SourceSighting):
		r.rows(v, &s, "auto", "jsonl", "csv", "logfmt", "parquet")
	default: // origin, or a mistyped kind: then the origin's keys are checked
		r.rows(v, &s, "auto", "jsonl", "csv", "logfmt", "parquet", formatALB)
	}
	return s
}

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

// rows reads a source whose columns the file must name.
func (r *reader) rows(v value, s *model.Source, formats ...string) {
	s.Instant, s.XFF = "unknown", "last"
	r.mapping(v,
		r.kind(s),
		field{"uri", r.uri(&s.URI)},
		field{"format", oneOf(r, &s.Format, formats...)},
		r.unwrap(s), r.fields(s), r.delimiter(s),
		field{"map", func(v value) {
			s.Map = r.names(v, rowColumns())
			if s.Format != formatALB {
				r.require(v, "time")
			}
		}},
		field{"session_form", func(v value) { r.sessionForm(v, &s.SessionForm) }},
		field{"time_zone", r.timeZone(&s.TimeZone)},
		field{"instant", oneOf(r, &s.Instant, "start", "end", "unknown")},
		field{"unit", oneOf(r, &s.Unit, "s", "ms", "us", "ns")},
		field{"xff", oneOf(r, &s.XFF, "first", "last")},
		field{"sampled", r.share(&s.Sampled)},
	)
	r.require(v, "kind", "uri")
	if s.Kind != "" && s.Format != formatALB {
		r.require(v, "map")
	}
}

func (r *reader) unwrap(s *model.Source) field {
	return field{"unwrap", oneOf(r, &s.Unwrap, "cloudwatch-export", "firehose", "string-json")}
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
