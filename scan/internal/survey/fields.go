package survey

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// Fields guesses which field of a log is which of ours, by what fields
// are called and by what their values look like. It keeps counts, no values.
type Fields struct {
	rows  int
	keys  map[string]*field
	knows func(id []byte) (found, ok bool)
}

// NewFields returns an empty guess. knows tells whether a value is the
// request id of an edge row, if that can be told.
func NewFields(knows func(id []byte) (found, ok bool)) *Fields {
	return &Fields{keys: map[string]*field{}, knows: knows}
}

// field is what is known of one dotted path.
type field struct {
	n     int // rows in which it has a value
	looks [numLooks]int
	ids   int // values that could be looked up among edge rows
	found int
}

// look is something that a value may look like.
type look int

const (
	lookTime look = iota
	lookZoned
	lookPath
	lookMethod
	lookStatus
	lookFlag
	lookAgent
	lookAddress
	lookToken
	lookName // short text without spaces
	lookNumber
	lookTrace
	numLooks
)

const (
	maxKeys  = 300
	maxNest  = 4
	maxKey   = 64
	maxValue = 4 << 10
)

// plainKey is what a field may be called to be guessed, and so printed.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_@-][A-Za-z0-9_@. -]*$`)

// Add looks at one line and reports whether it is a JSON object.
func (f *Fields) Add(line []byte) bool {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var row map[string]any
	if d.Decode(&row) != nil || row == nil {
		return false
	}
	f.rows++
	f.walk("", row, 0)
	return true
}

// AddValues looks at one row of named columns or pairs; nil is a null.
func (f *Fields) AddValues(names []string, values [][]byte) {
	f.rows++
	for i, name := range names {
		if len(name) <= maxKey && plainKey.MatchString(name) && i < len(values) {
			f.value(name, string(values[i]), false)
		}
	}
}

func (f *Fields) walk(prefix string, row map[string]any, depth int) {
	for _, k := range slices.Sorted(maps.Keys(row)) {
		v, path := row[k], prefix+k
		if len(path) > maxKey || !plainKey.MatchString(path) {
			continue
		}
		switch v := v.(type) {
		case map[string]any:
			if depth < maxNest {
				f.walk(path+".", v, depth+1)
			}
		case []any:
			if len(v) > 0 {
				f.value(path, v[len(v)-1], true)
			}
		default:
			f.value(path, v, false)
		}
	}
}

func (f *Fields) value(path string, v any, list bool) {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	case bool:
		text = strconv.FormatBool(v)
	default:
		return
	}
	if text == "" || text == "-" || text == `\N` || len(text) > maxValue {
		return
	}
	x := f.keys[path]
	if x == nil {
		if len(f.keys) >= maxKeys {
			return
		}
		x = &field{}
		f.keys[path] = x
	}
	x.n++
	for l, is := range looks {
		if is(text) {
			x.looks[l]++
		}
	}
	if list {
		x.looks[lookFlag]++ // names of cookies set
	}
	if found, ok := f.knows([]byte(text)); ok {
		x.ids++
		if found {
			x.found++
		}
	}
}

var looks = [numLooks]func(string) bool{
	lookTime:   func(s string) bool { zoned, ok := stamp(s); return ok || zoned },
	lookZoned:  func(s string) bool { zoned, _ := stamp(s); return zoned },
	lookPath:   func(s string) bool { return s[0] == '/' || strings.Contains(s, "://") },
	lookMethod: func(s string) bool { return slices.Contains(methods, s) },
	lookStatus: func(s string) bool { n, err := strconv.Atoi(s); return err == nil && 100 <= n && n <= 599 },
	lookFlag:   func(s string) bool { return slices.Contains(flags, strings.ToLower(s)) },
	lookAgent: func(s string) bool {
		return strings.HasPrefix(s, "Mozilla/") || strings.Contains(s, "/") && s[0] != '/' && !strings.Contains(s, "://")
	},
	lookAddress: address,
	lookToken:   token,
	lookName:    func(s string) bool { return len(s) <= 128 && !strings.ContainsAny(s, " \t/") },
	lookNumber:  func(s string) bool { _, err := strconv.ParseFloat(s, 64); return err == nil },
	lookTrace:   traceID.MatchString,
}

// traceID matches what a load balancer of AWS gives a request (formats.md 10).
var traceID = regexp.MustCompile(`(^|=)1-[0-9a-f]{8}-[0-9a-f]{24}($|;)`)

var (
	methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	flags   = []string{"true", "false", "yes", "no", "0", "1"}
)

// stamp reports whether s reads as an instant; zoned if it also says of which
// zone. Numbers count seconds or a fraction of them since 1970.
func stamp(s string) (zoned, ok bool) {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		for _, unit := range [...]float64{1, 1e3, 1e6, 1e9} {
			if 9e8*unit < n && n < 5e9*unit {
				return true, true
			}
		}
		return false, false
	}
	const shape = "2006-01-02T15:04:05"
	if len(s) < len(shape) {
		return false, false
	}
	head := strings.NewReplacer(" ", "T", "t", "T", "_", "T").Replace(s[:len(shape)])
	if _, err := time.Parse(shape, head); err != nil {
		return false, false
	}
	rest := strings.TrimLeft(s[len(shape):], ".,0123456789")
	return strings.TrimSpace(rest) != "", true
}

func address(s string) bool {
	s = strings.TrimSpace(s[strings.LastIndexByte(s, ',')+1:])
	if _, err := netip.ParseAddrPort(s); err == nil {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return err == nil
}

// token reports whether s reads as a session value or its hash: long, one
// word, with digits or of both cases.
func token(s string) bool {
	if len(s) < 12 || strings.ContainsAny(s, " /\t") && !strings.Contains(s, "=") {
		return false
	}
	if zoned, ok := stamp(s); zoned || ok {
		return false
	}
	return !address(s) && strings.ContainsAny(s, "0123456789") && strings.ToLower(s) != strings.ToUpper(s)
}

// want is one of our fields: what such fields are called, best first, and
// what nearly all of their values look like.
type want struct {
	name  string
	look  look
	names []string
	must  bool // the name alone decides whether there is one at all
}

// wants is in the order of choice: a field that one has taken is not offered
// to those after it.
var wants = []want{
	{"request_id", lookName, []string{"cf_id", "x_amz_cf_id", "amz_cf_id", "cloudfront_id", "cf_request_id", "edge_request_id", "x_edge_request_id", "cdn_request_id", "request_id", "req_id", "x_request_id", "rid"}, true},
	{"trace_id", lookTrace, []string{"trace_id", "x_amzn_trace_id", "amzn_trace_id", "trace"}, false},
	{"time", lookTime, []string{"ts", "time", "timestamp", "@timestamp", "datetime", "date", "at", "t", "start", "start_time", "logged_at", "occurred_at", "event_time", "created_at"}, false},
	{"method", lookMethod, []string{"method", "http_method", "request_method", "verb"}, false},
	{"path", lookPath, []string{"path", "url", "uri", "request_uri", "request_path", "url_path", "original_url", "route"}, true},
	{"status", lookStatus, []string{"status", "status_code", "http_status", "response_status", "code"}, true},
	{"set_cookie", lookFlag, []string{"set_cookie", "sets_cookie", "cookie_set", "cookies_set", "set_cookies", "has_set_cookie"}, true},
	{"set_session", lookToken, []string{"set_sid_hash", "set_session", "set_session_hash", "set_session_id", "set_sid", "new_session", "new_session_id", "new_sid", "issued_session", "issued_sid", "response_session", "session_issued", "set_cookie_hash"}, true},
	{"session", lookToken, []string{"sid_hash", "session_hash", "session", "session_id", "sid", "sess", "session_key", "session_token", "cookie_hash", "presented_session"}, true},
	{"user", lookName, []string{"user_id", "user", "uid", "username", "user_name", "account_id", "login", "sub"}, true},
	{"device_id", lookName, []string{"device_id", "anonymous_id", "distinct_id", "visitor_id", "client_id", "browser_id", "device"}, true},
	{"user_agent", lookAgent, []string{"ua", "user_agent", "http_user_agent", "agent"}, true},
	{"client_ip", lookAddress, []string{"xff", "x_forwarded_for", "forwarded_for", "client_ip", "viewer_ip", "remote_ip", "remote_addr", "ip", "client", "src_ip"}, false},
}

// Guess is a guessed map of a log.
type Guess struct {
	Map     map[string]string // our name → dotted path
	IDs     int               // values of request_id that could be looked up
	Found   int               // of them, those that an edge row has
	NoZone  bool              // stamps have no offset; UTC was assumed
	Checked bool              // request_id was told by its values, not its name
}

// has reports whether any of our names is mapped.
func (g *Guess) has(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return g.Map[n] != "" })
}

// Kind says what rows of such fields are: those of the origin, which have a
// time and a request id that the edge knows, or what only a request or its
// response has; sightings, which say when somebody was there from where; or
// neither, as a table of users with the time of their registration.
func (g *Guess) Kind() (kind model.SourceKind, ok bool) {
	answered := g.Checked || g.has("method", "status", "set_cookie", "set_session") || g.has("path") && g.has("request_id")
	who := g.has("user", "session", "device_id") && g.has("client_ip", "user_agent")
	switch {
	case !g.has("time"):
		return "", false
	case answered:
		return model.SourceOrigin, true
	case who:
		return model.SourceSighting, true
	}
	return model.SourceOrigin, g.has("path")
}

// Names lists our names in the order of the incident file's template.
var Names = []string{"time", "request_id", "trace_id", "method", "path", "status", "session", "user", "set_cookie", "set_session", "device_id", "user_agent", "client_ip"}

// Guess returns the likeliest map.
func (f *Fields) Guess() Guess {
	g := Guess{Map: map[string]string{}}
	taken := map[string]bool{}
	for _, w := range wants {
		best, score := "", 0
		for _, k := range slices.Sorted(maps.Keys(f.keys)) {
			if taken[k] {
				continue
			}
			if s := f.keys[k].score(k, w); s > score {
				best, score = k, s
			}
		}
		if best == "" {
			continue
		}
		g.Map[w.name], taken[best] = best, true
	}
	if x := f.keys[g.Map["request_id"]]; x != nil {
		g.IDs, g.Found, g.Checked = x.ids, x.found, x.found > 0
	}
	if x := f.keys[g.Map["time"]]; x != nil {
		g.NoZone = x.looks[lookZoned]*2 < x.n
	}
	return g
}

// score says how well a field fits; 0: not at all. A request id that edge
// rows have needs no name, and beats any name.
func (x *field) score(key string, w want) int {
	if w.name == "request_id" && x.found*2 > x.ids && x.found > 1 {
		return 1000
	}
	if x.looks[w.look]*10 < x.n*8 && (w.name != "set_cookie" || x.looks[lookName]*10 < x.n*8) {
		return 0
	}
	name := nameScore(key, w.names)
	if name == 0 && w.must {
		return 0
	}
	return 1 + name
}

// nameScore compares a key, and the last part of a dotted one, with names.
func nameScore(key string, names []string) int {
	last := key[strings.LastIndexByte(key, '.')+1:]
	for i, n := range names {
		switch plain(n) {
		case plain(key):
			return 2*(len(names)-i) + 1
		case plain(last):
			return 2 * (len(names) - i)
		}
	}
	return 0
}

// plain makes X-Amz-Cf-Id, x_amz_cf_id and xAmzCfId one name. A request or
// header prefix is part of the path, not of the name.
func plain(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(s))
}

// Shape describes the form of session values in words; see decode.Shape.
func Shape(shapes map[decode.FormOf]int64) string {
	best, most := "", int64(0)
	for s, n := range shapes {
		if text := s.String(); n > most || n == most && text < best {
			best, most = text, n
		}
	}
	return best
}
