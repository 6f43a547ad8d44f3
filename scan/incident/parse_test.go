package incident_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/incident"
)

// minimal is the least that an incident file must say, one key a line.
const minimal = `version: 1
case: c
window: {from: 2023-03-07T18:21:00Z, to: 2023-03-07T19:30:00Z}
routes: [/static/*]
cache: {ttl: 1s}
cookie: {names: [sid]}
sources: [{kind: edge, uri: edge/*.gz}]
`

func at(s string) model.Instant {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return model.InstantOf(t)
}

func parse(t *testing.T, text string) *model.Incident {
	t.Helper()
	inc, err := incident.Parse("incident.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return inc
}

func same(d time.Duration) model.TTL { return model.TTL{Min: d, Default: d, Max: d} }

func TestParseFull(t *testing.T) {
	inc, err := incident.Load(filepath.Join("testdata", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	stale := time.Duration(0)
	want := &model.Incident{
		Case: "full", KeyFile: "keys/a.key",
		Window: model.Window{
			Span:     model.Span{From: at("2023-03-07T18:21:00Z"), To: at("2023-03-07T19:30:00.5Z")},
			Lookback: 90 * time.Minute, Margin: 500 * time.Millisecond, FollowUntil: at("2023-03-08T00:00:00Z"),
		},
		Control: []model.Span{{From: at("2023-02-28T18:21:00Z"), To: at("2023-02-28T19:30:00Z")}},
		Routes: []model.Route{{Path: "/static/css/*", Line: 14}, {Path: "/static/**/*.js", Host: "www.example.com", Line: 15,
			TTL: &model.TTL{Min: time.Second, Default: 24 * time.Hour, Max: 365 * 24 * time.Hour}}},
		Cache: model.CachePolicy{
			TTL:    model.TTL{Min: time.Second, Default: time.Second, Max: 2 * time.Second},
			Expiry: model.ExpiryFloor, Query: model.QueryKey{Names: []string{"v", "lang"}}, Scope: model.ScopeCity,
			UpperTier:  model.UpperTier{Known: true, Scope: model.ScopeGlobal, TTL: time.Second},
			ServeStale: &stale, Collapsing: model.No, Revalidation: model.RevalidationKept, CachesPerScope: 2,
		},
		Cookie: model.Cookie{Names: []string{"sid", "sid.sig"}, SameSite: "lax", Revocable: "server",
			SetOn: model.SetOn{Rule: model.SetOnOncePer, Period: time.Minute}, Framed: []string{"/embed/**"}, HostOnly: true, UsedAt: []string{"www.example.com"},
			Stripped: []model.Span{{From: at("2023-03-07T19:00:00Z"), To: at("2023-03-07T19:10:00Z")}}},
		Sources: []model.Source{
			{Kind: model.SourceEdge, URI: "edge/**/*.gz", Format: "cloudfront", Unwrap: "firehose", Fields: []string{"date", "time"}, Delimiter: ",", Sampled: 0.1, Line: 37},
			{Kind: model.SourceOrigin, URI: "origin/", Format: "jsonl",
				Map: map[string]string{"time": "ts", "request_id": "h.cf", "method": "m", "path": "p", "status": "s", "session": "sid",
					"user": "u", "set_cookie": "sc", "set_session": "ss", "user_agent": "ua", "client_ip": "ip", "duration": "d",
					"trace_id": "t", "host": "ho", "device_id": "di", "instance": "i", "workspace": "ws"},
				Unwrap: "string-json", Fields: []string{"ts", "m"}, Delimiter: ";",
				SessionForm: model.SessionForm{Decode: []string{"percent", "base64url"}, StripPrefix: "s:", CutAt: ".", Hash: "sha256-hex", Claim: "passport.user"},
				TimeZone:    "America/Los_Angeles", Instant: "end", Unit: "ms", XFF: "first", Sampled: 0.5, Line: 38},
			{Kind: model.SourceSighting, URI: "audit.csv", Format: "auto", Map: map[string]string{"time": "at", "user": "u"}, Instant: "unknown", XFF: "last", Line: 51},
		},
		Directory: model.Directory{
			Sessions: model.Table{URI: "s.csv", Map: map[string]string{"session_hash": "h", "user_id": "u", "created_at": "c", "ended_at": "e"}, Values: "digest", Line: 55,
				Format: "copy", Columns: []string{"h", "u", "c", "e"}, TimeZone: "UTC", UserClaim: "passport.user", Form: model.SessionForm{Hash: "sha1-hex"}},
			Users:       model.Table{URI: "u.csv", Map: map[string]string{"user_id": "a", "email": "b", "name": "c", "role": "d", "locale": "e", "country": "f"}, Line: 56},
			Memberships: model.Table{URI: "m.csv", Map: map[string]string{"user_id": "a", "workspace_id": "b", "valid_from": "c", "valid_to": "d"}, Line: 57},
			Workspaces: model.Table{URI: "w.csv", Map: map[string]string{"workspace_id": "a", "name": "b", "contact_email": "c", "region": "d",
				"contact_name": "e", "contact_role": "f", "locale": "g", "country": "h"}, Line: 58},
			Contacts: model.Table{URI: "c.csv", Map: map[string]string{"workspace_id": "a", "contact_email": "c", "contact_name": "e", "contact_role": "f", "locale": "g", "country": "h"}, Line: 59},
			AsOf:     at("2023-03-07T10:15:00Z"),
		},
		TotalWorkspaces: 5000,
		DataCategories:  []model.Category{{Path: "/api/videos/**", Name: "video metadata"}},
		Reports:         model.Table{URI: "r.csv", Map: map[string]string{"reported_at": "a", "user_id": "b", "workspace_id": "c", "note": "d"}, Line: 63},
		Thresholds:      model.Thresholds{Rejects: 0.002, CoverageGap: 24 * time.Hour, JoinRate: 0.995},
		Timeline:        []model.Event{{At: at("2023-03-07T19:10:00Z"), What: "revert"}, {At: at("2023-03-07T18:21:00Z"), What: "the change"}},
	}
	if diff := cmp.Diff(want, inc); diff != "" {
		t.Errorf("full.yaml (-want +got):\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	want := &model.Incident{
		Case: "c", KeyFile: "incident.key",
		Window: model.Window{Span: model.Span{From: at("2023-03-07T18:21:00Z"), To: at("2023-03-07T19:30:00Z")},
			Lookback: time.Hour, Margin: 10 * time.Minute, FollowUntil: at("2023-03-07T23:30:00Z")},
		Routes: []model.Route{{Path: "/static/*", Line: 4}},
		Cache: model.CachePolicy{TTL: same(time.Second), ErrorTTL: 10 * time.Second, Expiry: model.ExpiryAny,
			Scope: model.ScopeLocation, Revalidation: model.RevalidationUnknown},
		Cookie:     model.Cookie{Names: []string{"sid"}, SameSite: "unknown", Revocable: "unknown", SetOn: model.SetOn{Rule: model.SetOnLogged}},
		Sources:    []model.Source{{Kind: model.SourceEdge, URI: "edge/*.gz", Format: "auto", Line: 7}},
		Thresholds: model.Thresholds{Rejects: 0.001, CoverageGap: 5 * time.Minute, JoinRate: 0.5},
	}
	if diff := cmp.Diff(want, parse(t, minimal)); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	for name, text := range map[string]string{
		"byte order mark": "\ufeff" + minimal,
		"CRLF":            strings.ReplaceAll(minimal, "\n", "\r\n"),
		"document marks":  "---\n" + minimal,
	} {
		if diff := cmp.Diff(parse(t, minimal), parse(t, text), cmpopts.IgnoreFields(model.Source{}, "Line"), cmpopts.IgnoreFields(model.Route{}, "Line")); diff != "" {
			t.Errorf("%s changes the meaning:\n%s", name, diff)
		}
	}
}

// TestForms checks the other spellings of a value by the incident they give.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		old, new string
		check    func(*model.Incident) bool
	}{
		{"ttl: 1s", "ttl: 1d12h", func(i *model.Incident) bool { return i.Cache.TTL == same(36*time.Hour) }},
		{"ttl: 1s", "ttl: 1s, upper_tier: none", func(i *model.Incident) bool { return i.Cache.UpperTier == model.UpperTier{Known: true} }},
		{"ttl: 1s", "ttl: 1s, upper_tier: unknown", func(i *model.Incident) bool { return i.Cache.UpperTier == model.UpperTier{} }},
		{"ttl: 1s", "ttl: 1s, serve_stale: 10s", func(i *model.Incident) bool { return *i.Cache.ServeStale == 10*time.Second }},
		{"ttl: 1s", "ttl: 1s, serve_stale: unknown", func(i *model.Incident) bool { return i.Cache.ServeStale == nil }},
		{"ttl: 1s", "ttl: 1s, collapsing: on", func(i *model.Incident) bool { return i.Cache.Collapsing == model.Yes }},
		{"ttl: 1s", "ttl: 1s, collapsing: unknown", func(i *model.Incident) bool { return i.Cache.Collapsing == model.Unknown }},
		{"ttl: 1s", "ttl: 1s, caches_per_scope: unknown", func(i *model.Incident) bool { return i.Cache.CachesPerScope == 0 }},
		{"ttl: 1s", "ttl: 1s, key: {query: all}", func(i *model.Incident) bool { return i.Cache.Query.All }},
		{"ttl: 1s", "ttl: 1s, key: {query: none}", func(i *model.Incident) bool { return !i.Cache.Query.All && i.Cache.Query.Names == nil }},
		{"[sid]", "[sid], set_on: every_session_response", func(i *model.Incident) bool { return i.Cookie.SetOn == model.SetOn{Rule: model.SetOnEvery} }},
		{"[sid]", "[sid], set_on: 'once_per: 60s'", func(i *model.Incident) bool {
			return i.Cookie.SetOn == model.SetOn{Rule: model.SetOnOncePer, Period: time.Minute}
		}},
		{"edge/*.gz}", "edge/*.gz, session_form: {decode: [percent]}}", func(i *model.Incident) bool {
			return len(i.Sources[0].SessionForm.Decode) == 1
		}},
		{"case: c", "thresholds: {join_rate: 100%}\ncase: 7", func(i *model.Incident) bool { return i.Thresholds.JoinRate == 1 && i.Case == "7" }},
	} {
		if inc := parse(t, strings.Replace(minimal, c.old, c.new, 1)); !c.check(inc) {
			t.Errorf("%s: parsed as %+v", c.new, inc)
		}
	}
}

// TestErrors replaces a part of the minimal file and compares all messages.
func TestErrors(t *testing.T) {
	const routes, ttl, edge = "[/static/*]", "ttl: 1s", "{kind: edge, uri: edge/*.gz}"
	const origin = "{kind: origin, uri: o, map: {time: t, request_id: r}"
	for _, c := range []struct{ old, new, want string }{
		{"routes:", "rutes:", `4:1: unknown key "rutes"; did you mean "routes"?`},
		{"{from:", "{form:", `3:10: window: unknown key "form"; did you mean "from"?`},
		{ttl, ttl + ", errorTTL: 1s", `5:18: cache: unknown key "errorTTL"; did you mean "error_ttl"?`},
		{"case: c", "case: c\ncolour: red", `3:1: unknown key "colour"; valid here: version, case, key_file, window, timeline, control, routes, cache, cookie, sources, directory, total_workspaces, data_categories, reports, thresholds`},
		{"18:21:00Z", "10:21:00", `3:16: window.from: 2023-03-07T10:21:00 has no offset: write 2023-03-07T10:21:00Z if it is UTC, or 2023-03-07T10:21:00-08:00 with the offset of the clock it was read from`},
		{"2023-03-07T18:21:00Z", `"2023-03-07 10:21"`, `3:16: window.from: 2023-03-07 10:21 has no offset: write 2023-03-07T10:21:00Z if it is UTC, or 2023-03-07T10:21:00-08:00 with the offset of the clock it was read from`},
		{"T18:21:00Z", "", `3:16: window.from: 2023-03-07 is a date; write a time like 2023-03-07T18:21:00Z`},
		{"2023-03-07T18:21:00Z", "2023-03-07 18:21:00Z", `3:16: window.from: "2023-03-07 18:21:00Z" is not in RFC 3339; write 2023-03-07T18:21:00Z`},
		{"18:21:00Z", "10:21:00 PST", `3:16: window.from: "2023-03-07T10:21:00 PST" is not a time; write a time like 2023-03-07T18:21:00Z or 2023-03-07T10:21:00-08:00 (the offset in digits: names of zones are ambiguous)`},
		{"2023-03-07T18:21:00Z", "1678213260", `3:16: window.from: 1678213260 is a count of seconds; write 2023-03-07T18:21:00Z`},
		{"2023-03-07T18:21:00Z", "noon", `3:16: window.from: "noon" is not a time; write a time like 2023-03-07T18:21:00Z or 2023-03-07T10:21:00-08:00`},
		{"2023-03-07T18:21", "0023-03-07T18:21", `3:16: window.from: the year 23 is not the year of an incident`},
		{"T19:30", "T17:30", `3:38: window.to: the window ends (2023-03-07T17:30:00.000Z) before it begins (2023-03-07T18:21:00.000Z); are they swapped?`},
		{"to: 2023-03-07T19:30:00Z", "lookback: 1h", `3:1: window.to: say when the cache stopped leaking`},
		{"00Z}", "00Z, follow_until: 2023-03-07T19:00:00Z}", `3:64: window.follow_until: ends (2023-03-07T19:00:00.000Z) before the window does (2023-03-07T19:30:00.000Z)`},
		{"00Z}", "00Z, lookback: -1h}", `3:74: window.lookback: "-1h" must not be negative`},
		{"00Z}", "00Z, lookback: 60}", `3:74: window.lookback: 60 has no unit; write 60s or 60ms or 60m`},
		{"00Z}", "00Z, lookback: 1 hour}", `3:74: window.lookback: "1 hour" is not a duration; want a duration like 500ms, 1s, 10m, 1h30m or 7d`},
		{"00Z}", "00Z, lookback: 99999d}", `3:74: window.lookback: "99999d" is too long`},
		{"case: c", "case: c\ncontrol: [{from: 2023-03-07T18:00:00Z, to: 2023-03-07T19:00:00Z}]", `3:11: control[0]: overlaps the incident; a control span must be clean hours`},
		{"case: c", "case: c\ncontrol: [{from: 2023-03-01T18:00:00Z}]", `3:11: control[0].to: is missing`},
		{"case: c", "case: c\ncase: d", `3:1: duplicate key "case"; it stands on line 2 already`},
		{"case: c", "case:", `2:6: case: has no value; want text, or remove the line`},
		{"case: c", "case: ''", `2:7: case: is empty; want text`},
		{"case: c", `case: "a\eb"`, `2:7: case: contains a control character`},
		{"case: c\n", "", `1:1: case: give the case a name; it appears on every output`},
		{"case: c", "case: [c]", `2:1: case: must be text, not a list`},
		{"case: c", "case: &a c", `2:7: case: a value that begins with *, & or ! must be in quotes`},
		{"version: 1\n", "", `1:1: version: is missing; begin the file with ` + "`version: 1`"},
		{"version: 1", "version: 2", `1:10: version: "2" is not a version that this program reads; it reads version 1`},
		{"version", "Version", `1:1: unknown key "Version"; did you mean "version"?`},
		{routes, "/static/*", `4:9: routes: must be a list ([…, …], or lines that begin with -), not text`},
		{routes, "[]", `4:1: routes: name at least one cached route, e.g. {path: /static/js/*}; ` + "`spillscope inspect` suggests them"},
		{routes, "[static/*]", `4:10: routes[0]: "static/*" must begin with /`},
		{routes, "['/s/[a']", `4:10: routes[0]: "/s/[a" is not a glob: a bracket or brace is not closed`},
		{routes, "['/a.js?v=*']", `4:10: routes[0]: "/a.js?v=*": a path has no query; cut it at the ?`},
		{routes, "[/s/**.js]", `4:10: routes[0]: "/s/**.js": ** stands for whole segments, so it must be alone between two /; write /static/**/*.js`},
		{routes, "['https://www.example.com/s/*']", `4:10: routes[0]: "https://www.example.com/s/*" is a URL; write the path alone, with the host beside it: {host: www.example.com, path: /static/js/*}`},
		{routes, "[{path: /s, host: 'https://www.example.com'}]", `4:27: routes[0].host: "https://www.example.com" is not a host; write it without scheme, port and path: www.example.com`},
		{routes, "[{host: www.example.com}]", `4:10: routes[0].path: is missing`},
		{routes, "[{path: /s, ttl: 0s}]", `4:26: routes[0].ttl: must be longer than zero: what is not kept cannot be handed out`},
		{"{ttl: 1s}", "{}", `5:1: cache.ttl: must be longer than zero`},
		{ttl, "ttl: 1", `5:14: cache.ttl: 1 has no unit; write 1s or 1ms or 1m`},
		{ttl, "ttl: {min: 2s, default: 1s, max: 3s}", `5:9: cache.ttl: min, default and max (2s, 1s, 3s) must not decrease`},
		{ttl, "ttl: {min: 2s, max: 3s}", `5:9: cache.ttl.default: is missing`},
		{ttl, ttl + ", expiry: flor", `5:26: cache.expiry: "flor" is not one of real, floor, ceil, any; did you mean "floor"?`},
		{ttl, ttl + ", collapsing: true", `5:30: cache.collapsing: "true" is not one of on, off, unknown`},
		{ttl, ttl + ", serve_stale: unknon", `5:31: cache.serve_stale: "unknon" is not one of unknown; did you mean "unknown"?`},
		{ttl, ttl + ", caches_per_scope: 0", `5:36: cache.caches_per_scope: "0" is not a whole number from 1 up`},
		{ttl, ttl + ", key: {query: some}", `5:31: cache.key.query: "some" is not one of none, all`},
		{ttl, ttl + ", upper_tier: {scope: global}", `5:18: cache.upper_tier.ttl: is missing`},
		{"[sid]", "[sid=live-value]", `6:18: cookie.names[0]: this is not the name of a cookie; write what stands before the =, and never a value`},
		{"[sid]", "[sid], set_on: once_per", `6:32: cookie.set_on: once_per needs its period; write {once_per: 60s}`},
		{"[sid]", "[sid], set_on: {once_per: 0s}", `6:33: cookie.set_on.once_per: must be longer than zero`},
		{"[sid]", "[]", `6:10: cookie.names: name the session cookie`},
		{"kind: edge", "kind: sighting", `7:11: sources[0].map: is missing`},
		{"kind: edge", "kind: edges", `7:18: sources[0].kind: "edges" is not one of edge, origin, sighting; did you mean "edge"?`},
		{"edge/*.gz}", "edge/*.gz, format: jsonl}", `7:48: sources[0].format: "jsonl" is not one of auto, cloudfront, cloudfront-realtime`},
		{"edge/*.gz}", "edge/*.gz, map: {time: t}}", `7:40: sources[0]: unknown key "map"; valid here: kind, uri, format, unwrap, fields, delimiter, session_form, sampled`},
		{"uri: edge/*.gz", "uri: *.gz", `7:29: sources[0].uri: a value that begins with *, & or ! must be in quotes`},
		{edge, "{kind: sighting, uri: o, map: {time: t, user: u}}", `7:1: sources: needs {kind: edge, uri: …}, the CDN's logs; while they are still arriving, {kind: origin, …} gives a first answer`},
		{edge, edge + ", {kind: sighting, uri: o, map: {time: t, client_ip: ip}}", `7:66: sources[1].map: a sighting says who was there: map at least one of user, session and device_id`},
		{edge, edge + ", {kind: sighting, uri: o, map: {user: u}}", `7:66: sources[1].map.time: is missing`},
		{edge, edge + ", {kind: origin, uri: o, format: alb, map: {time: t}}", `7:77: sources[1]: unknown key "map"; valid here: kind, uri, format, unwrap, sampled`},
		{edge, edge + ", {kind: origin, uri: o, format: jsonl}", `7:41: sources[1].map: is missing`},
		{edge, edge + ", {kind: origin, uri: o, map: {path: t}}", `7:64: sources[1].map.time: is missing`},
		{edge, edge + ", " + origin + ", time_zone: PST}", `7:106: sources[1].time_zone: "PST" is not a time zone; write a name of the IANA list, like UTC or America/Los_Angeles`},
		{"case: c", "case: c\ntotal_workspaces: many", `3:19: total_workspaces: "many" is not a whole number from 1 up`},
		{"case: c", "case: c\nthresholds: {rejects: 1}", `3:23: thresholds.rejects: 1 could mean 1% or 1 times the whole; write it with %`},
		{"case: c", "case: c\nthresholds: {rejects: 101%}", `3:23: thresholds.rejects: 101% is more than 100%`},
		{"case: c", "case: c\nthresholds: {rejects: few}", `3:23: thresholds.rejects: "few" is not a share; want a share like 0.1% or 0.001`},
		{"case: c", "case: c\ndirectory: {users: u.csv}", `3:20: directory.users: must be a mapping; write {uri: u.csv}`},
		{"case: c", "case: c\ndirectory: {users: {uri: u.csv, values: digest}}", `3:33: directory.users: unknown key "values"; valid here: uri, format, columns, map, time_zone`},
		{"case: c", "case: c\nwindow2:\n  from: 1", `3:1: unknown key "window2"; did you mean "window"?`},
	} {
		text := strings.Replace(minimal, c.old, c.new, 1)
		_, err := incident.Parse("f", []byte(text))
		var all *incident.Error
		if !errors.As(err, &all) {
			t.Errorf("%s: err = %v, want an *Error", c.new, err)
			continue
		}
		if got := err.Error(); got != "f:"+c.want {
			t.Errorf("%s:\n got %s\nwant f:%s", c.new, got, c.want)
		}
	}
}

// TestNotAnIncident is about whole files that cannot be read.
func TestNotAnIncident(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", "f:1:1: the file is empty; `spillscope init` writes one to fill in"},
		{"comments", "# nothing\n\n", "f:1:1: the file is empty; `spillscope init` writes one to fill in"},
		{"binary", "\x7fELF\x00", "f:1:1: this is a binary file, not an incident file; `spillscope init` writes one to fill in"},
		{"gzip", "\x1f\x8b\x08", "f:1:1: this file is compressed with gzip, not an incident file; `spillscope init` writes one to fill in"},
		{"latin-1", "case: B\xf6rse\n", "f:1:1: this file is not UTF-8 text, not an incident file; `spillscope init` writes one to fill in"},
		{"brackets", strings.Repeat("[", 101), "f:1:1: this file opens more than 100 brackets inside each other, not an incident file; `spillscope init` writes one to fill in"},
		{"text", "see the ticket\n", "f:1:1: this is text, not an incident file, which begins with `version: 1`"},
		{"list", "- a\n", "f:1:1: this is a list, not an incident file, which begins with `version: 1`"},
		{"two documents", minimal + "---\ncase: d\n", "f:9:1: a second document begins here (after ---); an incident file is one document"},
		{"tabs", "version: 1\nwindow:\n\tfrom: x\n \tto: y\n", "f:3:1: this line is indented with a tab; YAML indents with spaces\nf:4:2: this line is indented with a tab; YAML indents with spaces"},
		{"bracket", "version: 1\nroutes: [a,\n", "f:2:9: not YAML: sequence end token ']' not found (an opening bracket is not closed)"},
		{"colon", "case: a: b\n", "f:1:7: not YAML: mapping value is not allowed in this context (a value with a colon in it must be in quotes)"},
		{"quote", "case: 'a\n", "f:1:7: not YAML: could not find end character of single-quoted text (an opening quote is not closed)"},
		{"reserved", "case: @a\n", "f:1:7: not YAML: '@' is a reserved character (put the value in quotes)"},
	} {
		if _, err := incident.Parse("f", []byte(c.data)); err == nil || err.Error() != c.want {
			t.Errorf("%s: err = %v\nwant %s", c.name, err, c.want)
		}
	}
}

// TestAllProblemsAtOnce checks that one mistake hides no other, and that none
// is reported a second time as its own consequence.
func TestAllProblemsAtOnce(t *testing.T) {
	const text = `version: 1
case: c
window:
  from: 2023-03-07T10:21:00
  to: 2023-03-07
control: [{from: 2023-02-28T18:21:00Z, to: 2023-02-28T19:30:00Z}]
rutes: [/a]
cache: {ttl: 1, scope: lokation}
cookie: {name: [sid]}
sources:
  - kind: egde
    uri: x
`
	const want = `f:4:9: window.from: 2023-03-07T10:21:00 has no offset: write 2023-03-07T10:21:00Z if it is UTC, or 2023-03-07T10:21:00-08:00 with the offset of the clock it was read from
f:5:7: window.to: 2023-03-07 is a date; write a time like 2023-03-07T18:21:00Z
f:7:1: unknown key "rutes"; did you mean "routes"?
f:8:14: cache.ttl: 1 has no unit; write 1s or 1ms or 1m
f:8:24: cache.scope: "lokation" is not one of location, city, region, global; did you mean "location"?
f:9:10: cookie: unknown key "name"; did you mean "names"?
f:11:11: sources[0].kind: "egde" is not one of edge, origin, sighting; did you mean "edge"?`
	_, err := incident.Parse("f", []byte(text))
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	_, err := incident.Load(filepath.Join(dir, "none.yaml"))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "spillscope init") {
		t.Errorf("missing file: %v", err)
	}
	if _, err := incident.Load(dir); err == nil {
		t.Error("a folder was read")
	}
	long := filepath.Join(dir, "long.yaml")
	if err := os.WriteFile(long, []byte(strings.Repeat("# x\n", 1<<19)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := incident.Load(long); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("long file: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	full, err := os.ReadFile(filepath.Join("testdata", "full.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add([]byte(minimal))
	f.Add([]byte(incident.Template(incident.TemplateOptions{})))
	f.Add([]byte("a: &x [*x]\n<<: *x\n? {}\n: - b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		inc, err := incident.Parse("f", data)
		var all *incident.Error
		switch {
		case err == nil && len(inc.Validate()) > 0:
			t.Fatalf("accepted, yet %v", inc.Validate())
		case err != nil && (!errors.As(err, &all) || len(all.Problems) == 0):
			t.Fatalf("err = %v", err)
		case err != nil:
			lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 1
			for _, p := range all.Problems {
				if p.Line < 1 || p.Line > lines || p.Column < 1 {
					t.Fatalf("a problem at %d:%d of %d lines", p.Line, p.Column, lines)
				}
			}
		}
	})
}
