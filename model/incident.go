package model

import (
	"fmt"
	"time"
)

// Incident is what a user states about what happened: where the logs are,
// what the cache was told to do, and what is merely assumed. Package
// scan/incident reads and writes it as YAML.
type Incident struct {
	Case     string
	KeyFile  string
	Window   Window
	Timeline []Event // what happened when, by time; may be empty
	Control  []Span
	Routes   []Route
	Cache    CachePolicy
	Cookie   Cookie
	Sources  []Source

	Directory       Directory
	TotalWorkspaces int // 0: counted from the directory
	DataCategories  []Category
	Reports         Table // support tickets; zero if none
	Thresholds      Thresholds
}

// Window is the time in which the cache leaked, and how far around it to read.
type Window struct {
	Span        Span
	Lookback    time.Duration // before From: who was this device?
	Margin      time.Duration // around Span: reconstructed too, reported apart
	FollowUntil Instant       // what was done with the sessions; ≥ Span.To
}

// Route is a glob of paths that the cache served: * within a segment, **
// across segments. An empty Host means any.
type Route struct {
	Host, Path string
	TTL        *TTL // nil: CachePolicy.TTL
	Line       int  // where it stands in the incident file
}

// TTL is how long the cache was told to keep a response. For a plain "1s" all
// three are equal.
type TTL struct{ Min, Default, Max time.Duration }

// Expiry names a formula by which a cache decides that a stored response is
// no longer fresh (semantics.md A4). a is the arrival at the cache.
type Expiry string

// The expiry formulas.
const (
	ExpiryReal  Expiry = "real"  // now < a+T
	ExpiryFloor Expiry = "floor" // ⌊now⌋−⌊a⌋ < T
	ExpiryCeil  Expiry = "ceil"  // ⌊now⌋−⌊a⌋ ≤ T
	ExpiryAny   Expiry = "any"   // union of the three
)

// Scope says which requests share one cache.
type Scope string

// The scopes of a cache.
const (
	ScopeLocation Scope = "location" // one x-edge-location, e.g. SEA19-C1
	ScopeCity     Scope = "city"     // its first three letters
	ScopeRegion   Scope = "region"   // a regional tier shared by cities
	ScopeGlobal   Scope = "global"
)

// CachePolicy is how the cache was configured, as far as it is known.
// Zero values mean unknown, never the convenient case.
type CachePolicy struct {
	TTL            TTL
	ErrorTTL       time.Duration // how long a stored 4xx or 5xx lives
	Expiry         Expiry
	Query          QueryKey
	Scope          Scope
	UpperTier      UpperTier
	ServeStale     *time.Duration // nil: unknown
	Collapsing     Tri
	Revalidation   Revalidation
	CachesPerScope int // 0: unknown
}

// QueryKey says which parts of the query belong to the object key.
type QueryKey struct {
	All   bool
	Names []string // empty with All false: none
}

// UpperTier is a cache between the edge and the origin.
type UpperTier struct {
	Known bool // false: unknown whether there is one
	Scope Scope
	TTL   time.Duration // 0 with Known: there is none
}

// Exists says whether there is such a cache, as far as that is known.
func (u UpperTier) Exists() Tri {
	switch {
	case !u.Known:
		return Unknown
	case u.TTL > 0:
		return Yes
	}
	return No
}

// Revalidation is what a 304 from the origin does to a stored Set-Cookie.
type Revalidation string

// The outcomes of a revalidation.
const (
	RevalidationUnknown  Revalidation = "unknown"
	RevalidationKept     Revalidation = "kept"
	RevalidationReplaced Revalidation = "replaced"
)

// Cookie is the session cookie that leaked.
type Cookie struct {
	Names     []string
	SameSite  string   // lax, strict, none, unknown
	Revocable string   // server, signed, unknown
	SetOn     SetOn    // when a response carries it
	Framed    []string // globs of our pages that other sites show in frames
	HostOnly  bool     // without a Domain attribute: sent only to the host that set it
	UsedAt    []string // hosts of the application, with HostOnly; empty: not known
	Stripped  []Span   // when the edge is said to have removed Set-Cookie from responses
}

// SetOn says how it is known that a response carried the session cookie.
type SetOn struct {
	Rule   string        // logged, every_session_response, once_per
	Period time.Duration // with once_per
}

// The rules of SetOn. All but SetOnLogged are assumptions, printed as such.
const (
	SetOnLogged  = "logged"
	SetOnEvery   = "every_session_response"
	SetOnOncePer = "once_per"
)

// SourceKind says what the rows of a source are.
type SourceKind string

// The kinds of source.
const (
	SourceEdge     SourceKind = "edge"
	SourceOrigin   SourceKind = "origin"
	SourceSighting SourceKind = "sighting"
)

// Source is a set of log objects of one kind.
type Source struct {
	Kind        SourceKind
	URI         string            // file, folder, glob or s3:// prefix, relative to the incident file
	Format      string            // auto, or one of the formats of the kind
	Unwrap      string            // what the rows are wrapped in: cloudwatch-export, firehose, string-json, none; "": found out
	Fields      []string          // columns, in order, of a log that does not name them itself
	Delimiter   string            // between them; "": found out
	Map         map[string]string // our name → dotted path or column in the row
	SessionForm SessionForm
	TimeZone    string  // IANA name for stamps without offset; "" refuses them
	Instant     string  // start, end, unknown: what the stamp marks
	Unit        string  // s, ms, us, ns: of numeric stamps and durations; "" = by magnitude
	XFF         string  // first, last: which address of a forwarded list is the viewer's
	Sampled     float64 // share of the requests that were logged; 0: all
	Line        int     // where it stands in the incident file
}

// SessionForm brings a logged session value to the form the directory holds.
// Steps run in the order of the fields.
type SessionForm struct {
	Decode      []string // percent, base64, base64url, hex
	StripPrefix string
	CutAt       string // keep what stands before
	Hash        string // sha256-hex, sha256-base64url, sha1-hex, md5-hex
	Claim       string // dotted path in the decoded JSON
}

// Directory says who the sessions, users and workspaces are.
type Directory struct {
	Sessions, Users, Memberships, Workspaces, Contacts Table

	AsOf Instant // when memberships were exported; 0: unknown
}

// Table is one exported table of the directory.
type Table struct {
	URI       string
	Map       map[string]string // our column name → theirs
	Format    string            // auto, csv, copy (Postgres text), jsonl, parquet
	Columns   []string          // names, in order, of a table without a header line
	TimeZone  string            // IANA name for stamps without offset; "" refuses them
	UserClaim string            // sessions: dotted path to the user in a JSON column
	Form      SessionForm       // sessions: what brings a stored value to the form in the logs
	// Form of the session column: "digest" may be printed in revoke.csv,
	// "token" is a live credential and is not. "" is treated as token.
	Values string
	Line   int
}

// Category names the data that an API route gives access to.
type Category struct{ Path, Name string }

// Thresholds decide when a finished scan is stamped PARTIAL.
type Thresholds struct {
	Rejects     float64 // share of lines
	CoverageGap time.Duration
	JoinRate    float64 // share of edge Misses found at the origin
}

// Problem is one contradiction in an incident, with the path of the key that
// must change, e.g. "window.to".
type Problem struct{ Path, Message string }

func (p Problem) Error() string { return p.Path + ": " + p.Message }

// Validate lists what contradicts itself in inc. It looks at no file.
func (inc *Incident) Validate() []Problem {
	var ps []Problem
	bad := func(cond bool, path, format string, args ...any) {
		if cond {
			ps = append(ps, Problem{path, fmt.Sprintf(format, args...)})
		}
	}
	w := inc.Window
	bad(inc.Case == "", "case", "give the case a name; it appears on every output")
	bad(w.Span.From == 0, "window.from", "say when the cache began to leak")
	bad(w.Span.To == 0, "window.to", "say when the cache stopped leaking")
	bad(w.Span.To != 0 && w.Span.To < w.Span.From, "window.to", "the window ends (%v) before it begins (%v); are they swapped?", w.Span.To, w.Span.From)
	bad(w.FollowUntil != 0 && w.FollowUntil < w.Span.To, "window.follow_until", "ends (%v) before the window does (%v)", w.FollowUntil, w.Span.To)
	bad(w.Lookback < 0, "window.lookback", "must not be negative")
	bad(w.Margin < 0, "window.margin", "must not be negative")
	follow := max(w.FollowUntil, w.Span.To)
	for i, e := range inc.Timeline {
		path := fmt.Sprintf("timeline[%d]", i)
		bad(e.At == 0, path+".at", "say when it happened")
		bad(e.What == "", path+".what", "say what happened, e.g. revert")
	}
	for i, c := range inc.Control {
		path := fmt.Sprintf("control[%d]", i)
		bad(c.To < c.From, path+".to", "ends before it begins")
		bad(c.From <= follow && c.To >= w.Span.From.Add(-w.Lookback), path, "overlaps the incident; a control span must be clean hours")
	}
	bad(len(inc.Routes) == 0, "routes", "name at least one cached route, e.g. {path: /static/js/*}; `spillscope inspect` suggests them")
	bad(len(inc.Cookie.Names) == 0, "cookie.names", "name the session cookie")
	validateTTL(inc.Cache.TTL, "cache.ttl", bad)
	for i, r := range inc.Routes {
		if r.TTL != nil {
			validateTTL(*r.TTL, fmt.Sprintf("routes[%d].ttl", i), bad)
		}
	}
	switch inc.Cache.Expiry {
	case "", ExpiryAny, ExpiryReal, ExpiryFloor, ExpiryCeil:
	default:
		bad(true, "cache.expiry", "%q is none of real, floor, ceil, any", inc.Cache.Expiry)
	}
	bad(inc.Cookie.SetOn.Rule == SetOnOncePer && inc.Cookie.SetOn.Period <= 0, "cookie.set_on.once_per", "must be longer than zero")
	requests := false
	for _, s := range inc.Sources {
		requests = requests || s.Kind == SourceEdge || s.Kind == SourceOrigin
	}
	bad(!requests, "sources", "needs {kind: edge, uri: …}, the CDN's logs; while they are still arriving, {kind: origin, …} gives a first answer")
	return ps
}

func validateTTL(t TTL, path string, bad func(bool, string, string, ...any)) {
	bad(t.Max <= 0, path, "must be longer than zero")
	bad(t.Min < 0, path+".min", "must not be negative")
	bad(t.Min > t.Max, path+".min", "is longer than max")
	bad(t.Default > t.Max, path+".default", "is longer than max")
	bad(t.Default < t.Min && t.Min <= t.Max, path+".default", "is shorter than min")
}

// RouteTTL returns the TTL that applies to route i.
func (inc *Incident) RouteTTL(i int) TTL {
	if i >= 0 && i < len(inc.Routes) && inc.Routes[i].TTL != nil {
		return *inc.Routes[i].TTL
	}
	return inc.Cache.TTL
}
