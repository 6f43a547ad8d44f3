package model

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Ref cites one row: which input object, which line of its decompressed
// stream (from 1), and at which byte of it the row starts: several rows can
// stand in one line. Of a Parquet object, Offset is the row group (from 0) and
// Line the row in it (from 1). Either way rows of an object are in the order
// of Offset, then Line.
type Ref struct {
	Object uint32
	Line   uint64
	Offset int64
}

// Compare orders the rows of all objects as they stand there.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Object, o.Object), cmp.Compare(r.Offset, o.Offset), cmp.Compare(r.Line, o.Line))
}

// In returns the position in an input of that format, as text: of text the
// line, of Parquet the row group (from 0, as tools for it count them) and the
// row in it (from 1).
func (r Ref) In(format string) string {
	if Columnar(format) {
		return fmt.Sprintf("group%d/row%d", r.Offset, r.Line)
	}
	return strconv.FormatUint(r.Line, 10)
}

// Columnar reports whether rows of an input of that format stand in row
// groups rather than in lines: Parquet, whatever log it holds.
func Columnar(format string) bool { return strings.HasSuffix(format, "parquet") }

// RefererClass says from where a request for a sub-resource came, as far as
// the Referer header shows. An absent header proves nothing.
type RefererClass uint8

// The classes of a Referer, seen from the host that was asked.
const (
	RefererNone      RefererClass = iota // no header, or nothing usable in it
	RefererSameHost                      // same host
	RefererSameSite                      // other host, same registrable domain
	RefererFramed                        // a page of ours that others show in frames (cookie.framed)
	RefererCrossSite                     // another registrable domain
)

// ClientKind is what a User-Agent claims to be.
type ClientKind uint8

// The kinds of client that treat cookies differently (semantics.md B13, B14).
const (
	ClientUnknown ClientKind = iota
	ClientBrowser
	ClientApp     // native HTTP stack; may or may not keep cookies
	ClientBot     // crawler or link preview
	ClientTool    // curl, libraries, scripts
	ClientMonitor // synthetic probe
)

// NoRoute is the Route of a row outside the suspect routes.
const NoRoute = -1

// EdgeRow is one normalised line of a CDN log. Values that could hold a
// secret are digests already; nothing else survives decoding.
type EdgeRow struct {
	Ref Ref
	ID  string // the CDN's request id

	End       Interval      // instant at which the response ended
	Taken     time.Duration // request received → last byte written; <0: not logged
	FirstByte time.Duration // request received → first byte written; <0: not logged

	Distribution string
	Location     string // cache name as logged, e.g. "SEA19-C1"
	Host         string // host the viewer asked for

	Client  netip.Addr
	Port    uint16 // 0: not logged
	Agent   ID     // digest of the User-Agent
	Kind    ClientKind
	Referer RefererClass

	Route   int    // index in Incident.Routes, or NoRoute
	Pattern string // path with its variable segments starred
	Path    ID     // digest of path alone
	Key     ID     // digest of the object key; zero off the suspect routes
	Method  string
	Status  int

	Result         string // x-edge-result-type
	ResponseResult string // x-edge-response-result-type; decides the cache question (semantics.md A2.11)
	Detailed       string // x-edge-detailed-result-type
	Asked          Tri    // whether the origin was asked on behalf of this request, by the edge's own account (origin-fbl)

	Scheme        string // cs-protocol
	Protocol      string // cs-protocol-version
	ContentType   string
	Bytes         int64 // sc-bytes, headers included; <0: not logged
	ContentLength int64 // <0: not logged
	RangeStart    int64 // <0: none
	RangeEnd      int64 // <0: none

	CookieLogged bool // the cookie column exists in this file
	Session      ID   // session in the logged Cookie header

	// Duplicates: Line is a hash of the whole line, Shared of what every form of
	// the log says of a request, Columns of the list of columns.
	Line, Shared, Columns uint64

	Also []Ref // where else the same row stands, in the log of another delivery
}

// untimed is how long a response is allowed to have taken where the log, as
// those of before 2014, does not say.
const untimed = 30 * time.Second

// Start returns the instant at which the request was received.
func (r *EdgeRow) Start() Interval {
	if r.Taken < 0 {
		return Interval{r.End.Lo.Add(-untimed), r.End.Hi}
	}
	return r.End.Shift(-r.Taken)
}

// Available returns the instant at which the first byte of the response was
// written: from then on a stored response can be reused.
func (r *EdgeRow) Available() Interval {
	switch {
	case r.FirstByte < 0: // somewhere between the two
		return Interval{r.Start().Lo, r.End.Hi}
	case r.Taken < 0 || r.FirstByte > r.Taken:
		return r.End
	}
	return r.Start().Shift(r.FirstByte)
}

// Tri is a boolean that a log may not have carried.
type Tri int8

// The values of a Tri.
const (
	Unknown Tri = 0
	Yes     Tri = 1
	No      Tri = -1
)

// OriginRow is one normalised line of the application's own log.
type OriginRow struct {
	Ref       Ref
	RequestID string // the CDN's id as the origin received it

	Time  Interval      // the logged instant, at its logged precision
	Taken time.Duration // <0: not logged

	Trace    ID     // digest of the id that the load balancer gave the request; zero: not logged
	Instance string // which of several writers logged it: each has a clock of its own
	Told     bool   // of a sighting source: what somebody did, not a request at the origin

	Host     string
	Method   string
	Route    int    // index in Incident.Routes, or NoRoute
	Pattern  string // path with its variable segments starred
	Path     ID
	Category int // index in Incident.DataCategories, or -1
	Status   int

	Presented ID     // session in the request
	Issued    ID     // session in the response
	SetCookie Tri    // whether the response set the session cookie
	User      string // user as the application saw it
	Workspace string // workspace that the request was about; "": not logged
	Entrance  bool   // the path is one at which people log in
	Lasting   string // what such a request leaves behind that outlives the session: "invite", "key", "grant", "credentials"; "" nothing known

	Client netip.Addr // viewer address as forwarded; invalid: not logged
	Agent  ID
	Device ID     // digest of a device id that outlives sessions; zero: not logged
	Line   uint64 // hash of the whole line

	Ahead time.Duration // by how much Time was set back, because its writer's clock is ahead of the others'
	Also  []Ref         // rows of other logs that tell of the same request, and of which this one knows a part
}

// Reject is a line that could not be read, kept so that nothing is lost in
// silence. Reason never quotes the line: it may hold a credential.
type Reject struct {
	Ref    Ref
	Reason string
}
