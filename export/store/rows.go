package store

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Row is a cited row of a log as a case keeps it: what the verdict rests on,
// with paths, queries, agents and sessions as digests. A client's address
// stays, because who shared one is part of the evidence; rows are privileged.
type Row struct {
	RequestID string `json:"request_id"` // first: rows.jsonl is searched by it
	Kind      string `json:"kind"`
	Evidence  string `json:"evidence"`
	URI       string `json:"uri"`
	SHA256    string `json:"sha256"`
	Line      uint64 `json:"line"`
	Offset    int64  `json:"offset"`
	*Group           // where there are no lines

	From    string   `json:"time_from_utc,omitempty"` // the instant lies in [From, To)
	To      string   `json:"time_to_utc,omitempty"`
	TakenMS *float64 `json:"taken_ms,omitempty"`
	FirstMS *float64 `json:"first_byte_ms,omitempty"`

	Method  string `json:"method,omitempty"`
	Route   string `json:"route,omitempty"` // with variable segments starred
	Path    string `json:"path_digest,omitempty"`
	Status  int    `json:"status,omitempty"`
	Client  string `json:"client,omitempty"`
	Port    uint16 `json:"client_port,omitempty"`
	Agent   string `json:"user_agent_digest,omitempty"`
	Session string `json:"session_presented,omitempty"`

	Issued    string `json:"session_issued,omitempty"`
	SetCookie string `json:"set_cookie,omitempty"`
	User      string `json:"user_id,omitempty"`

	Distribution   string `json:"distribution,omitempty"`
	Cache          string `json:"cache,omitempty"`
	Host           string `json:"host,omitempty"`
	AgentKind      string `json:"client_kind,omitempty"`
	Referer        string `json:"referer,omitempty"`
	Key            string `json:"object_key,omitempty"`
	Result         string `json:"result,omitempty"`
	ResponseResult string `json:"response_result,omitempty"`
	Detailed       string `json:"detailed_result,omitempty"`
	Scheme         string `json:"scheme,omitempty"`
	Protocol       string `json:"protocol,omitempty"`
	ContentType    string `json:"content_type,omitempty"`
	Bytes          *int64 `json:"bytes,omitempty"`
	ContentLength  *int64 `json:"content_length,omitempty"`
	Range          string `json:"range,omitempty"`
	OriginAsked    string `json:"origin_asked,omitempty"` // by the edge's own account

	Also []string `json:"also,omitempty"` // where else the row stands, as evidence
}

// Group is where a row of a Parquet object stands; its line is 0 then, which
// is none. Row groups count from 0, as tools for Parquet do, rows from 1.
type Group struct {
	RowGroup int64  `json:"row_group"`
	Row      uint64 `json:"row"`
}

// placeOf takes ref apart as rows.jsonl and rejects.jsonl have it.
func placeOf(o object, ref model.Ref) (line uint64, offset int64, group *Group) {
	if model.Columnar(o.format) {
		return 0, 0, &Group{ref.Offset, ref.Line}
	}
	return ref.Line, ref.Offset, nil
}

// Place says where the row stands, for a reader.
func (r *Row) Place() string {
	if r.Group != nil {
		return fmt.Sprintf("row group %d, row %d", r.RowGroup, r.Row)
	}
	return fmt.Sprintf("line %d, byte %d of the decompressed stream", r.Line, r.Offset)
}

// Field is one value of a row under the name it has in rows.jsonl.
type Field struct{ Name, Value string }

// Fields lists what the row says, in reading order, without its place.
func (r *Row) Fields() []Field {
	all := []Field{
		{"time_from_utc", r.From}, {"time_to_utc", r.To}, {"taken_ms", number(r.TakenMS)}, {"first_byte_ms", number(r.FirstMS)},
		{"method", r.Method}, {"route", r.Route}, {"path_digest", r.Path}, {"object_key", r.Key}, {"status", positive(int64(r.Status))},
		{"cache", r.Cache}, {"result", r.Result}, {"response_result", r.ResponseResult}, {"detailed_result", r.Detailed},
		{"session_presented", r.Session}, {"session_issued", r.Issued}, {"set_cookie", r.SetCookie}, {"user_id", r.User},
		{"client", r.Client}, {"client_port", positive(int64(r.Port))}, {"user_agent_digest", r.Agent}, {"client_kind", r.AgentKind}, {"referer", r.Referer},
		{"distribution", r.Distribution}, {"host", r.Host}, {"scheme", r.Scheme}, {"protocol", r.Protocol},
		{"content_type", r.ContentType}, {"bytes", number(r.Bytes)}, {"content_length", number(r.ContentLength)}, {"range", r.Range}, {"origin_asked", r.OriginAsked},
	}
	var set []Field
	for _, f := range all {
		if f.Value != "" {
			set = append(set, f)
		}
	}
	return set
}

func number[N int64 | float64](n *N) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

func positive(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// Reject is a line that could not be read.
type Reject struct {
	URI    string `json:"uri"`
	SHA256 string `json:"sha256"`
	Line   uint64 `json:"line"`
	Offset int64  `json:"offset"`
	*Group
	Reason string `json:"reason"`
}

func newReject(o *objects, r model.Reject) (Reject, error) {
	obj, ok := o.byID[r.Ref.Object]
	if !ok {
		return Reject{}, fmt.Errorf("object %d is not among the inputs put before", r.Ref.Object)
	}
	line, offset, group := placeOf(obj, r.Ref)
	return Reject{obj.uri, obj.sha, line, offset, group, r.Reason}, nil
}

func newRow(o *objects, c model.CitedRow) (Row, error) {
	cite, err := o.cite(c.Ref)
	if err != nil {
		return Row{}, err
	}
	obj := o.byID[c.Ref.Object]
	r := Row{RequestID: c.RequestID, Kind: c.Kind, Evidence: cite, URI: obj.uri, SHA256: obj.sha}
	r.Line, r.Offset, r.Group = placeOf(obj, c.Ref)
	var also []model.Ref
	if c.Edge != nil {
		r.edge(c.Edge)
		also = append(also, c.Edge.Also...)
	}
	if c.Orig != nil {
		r.origin(c.Orig)
		also = append(also, c.Orig.Also...)
	}
	for _, ref := range also {
		if cite, err = o.cite(ref); err != nil {
			return Row{}, err
		}
		r.Also = append(r.Also, cite)
	}
	return r, nil
}

func (r *Row) edge(e *model.EdgeRow) {
	r.From, r.To = e.End.Lo.String(), e.End.Hi.String()
	r.TakenMS, r.FirstMS = millis(e.Taken), millis(e.FirstByte)
	r.Method, r.Route, r.Path, r.Status = e.Method, e.Pattern, e.Path.String(), e.Status
	r.Client, r.Port, r.Agent, r.Session = address(e.Client), e.Port, e.Agent.String(), e.Session.String()
	r.Distribution, r.Cache, r.Host = e.Distribution, e.Location, e.Host
	r.AgentKind, r.Referer, r.Key = kindNames[e.Kind], refererNames[e.Referer], e.Key.String()
	r.Result, r.ResponseResult, r.Detailed = e.Result, e.ResponseResult, e.Detailed
	r.Scheme, r.Protocol, r.ContentType = e.Scheme, e.Protocol, e.ContentType
	r.Bytes, r.ContentLength = logged(e.Bytes), logged(e.ContentLength)
	if e.Asked != model.Unknown {
		r.OriginAsked = TriWord(e.Asked)
	}
	if e.RangeStart >= 0 && e.RangeEnd > 0 {
		r.Range = fmt.Sprintf("%d-%d", e.RangeStart, e.RangeEnd)
	}
}

func (r *Row) origin(o *model.OriginRow) {
	r.From, r.To = o.Time.Lo.String(), o.Time.Hi.String()
	r.TakenMS = millis(o.Taken)
	r.Method, r.Route, r.Path, r.Status = o.Method, o.Pattern, o.Path.String(), o.Status
	r.Client, r.Agent = address(o.Client), o.Agent.String()
	r.Session, r.Issued, r.SetCookie, r.User = o.Presented.String(), o.Issued.String(), TriWord(o.SetCookie), o.User
}

var (
	kindNames = map[model.ClientKind]string{model.ClientBrowser: "browser", model.ClientApp: "app",
		model.ClientBot: "bot", model.ClientTool: "tool", model.ClientMonitor: "monitor"}
	refererNames = map[model.RefererClass]string{model.RefererSameHost: "same host", model.RefererSameSite: "same site",
		model.RefererFramed: "framed page", model.RefererCrossSite: "cross site"}
)

func millis(d time.Duration) *float64 {
	if d < 0 {
		return nil
	}
	ms := float64(d.Microseconds()) / 1000
	return &ms
}

func logged(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
