// Package origin makes origin rows and sightings of logs whose fields a map in
// the incident file names, whatever their format.
//
// A format splits its rows and says the text of a field; what the field means
// (stamps, sessions, Set-Cookie, addresses, durations) is decided here, once,
// so that the same row gives the same facts as JSON, CSV, logfmt or Parquet.
// What a path or a session means to the incident is package decode's business.
//
// In every format nothing is said of a field that is absent, null, empty or
// one of the words that programs write for nothing (see none). Of one field
// alone an empty text tells something: an application that notes the cookies it
// sets, and notes "" or "-", set none. CSV has no empty text apart from null,
// unless in quotes, which is how databases write the difference.
package origin

import (
	"fmt"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// Field is one of our names in model.Source.Map.
type Field int

// The fields.
const (
	Time Field = iota
	RequestID
	TraceID
	Method
	Host
	Path
	Status
	Session
	User
	SetCookie
	SetSession
	UserAgent
	ClientIP
	DeviceID
	Instance
	Duration
	Workspace
	NumFields
)

var fieldNames = [NumFields]string{"time", "request_id", "trace_id", "method", "host", "path", "status", "session", "user",
	"set_cookie", "set_session", "user_agent", "client_ip", "device_id", "instance", "duration", "workspace"}

// String returns the field's name in a map.
func (f Field) String() string { return fieldNames[f] }

// Row is one row as its format has split it. A text is valid until the next
// call of a method, and must not be kept: it may be a session in clear.
type Row interface {
	// Text returns what the row says of f: nil if f is absent, null, or no
	// scalar. A list of one scalar counts as it, since loggers write header
	// values so.
	Text(f Field) []byte
	// IsList reports whether f is a list in this row.
	IsList(f Field) bool
	// Element returns the element of the list f that begins at the cursor at,
	// and the cursor behind it, or -1 if there is none. The first is at 0.
	Element(f Field, at int) (text []byte, next int)
	// Hash tells equal rows from different ones.
	Hash() uint64
}

// Options says what to read of an object and how.
type Options struct {
	Source model.Source
	Spans  []model.Span // rows outside all of them are filtered; none: keep all
	Memo   *decode.Memo // of the worker; nil: a new one
}

// Rows makes the rows of one object.
type Rows struct {
	ctx  *decode.Context
	memo *decode.Memo
	opts Options
	keep func(*model.OriginRow) bool

	stamper  stamper
	xffFirst bool
	told     bool
	mapped   [NumFields]bool
	use      Use
	in       Row // the row in hand
	ids      decode.Arena
	row      model.OriginRow
	entrance bool   // people log in at the row's path
	lasting  string // what a write to the row's path leaves behind
	shapes   shapeRun
	stats    Stats
}

// New returns the rows of one object. Each goes to keep, which says whether it
// was wanted; the row is reused, its strings are not.
func New(ctx *decode.Context, o Options, keep func(*model.OriginRow) bool) (*Rows, error) {
	if o.Memo == nil {
		o.Memo = ctx.NewMemo()
	}
	m := &Rows{ctx: ctx, memo: o.Memo, opts: o, keep: keep, xffFirst: o.Source.XFF == "first", told: o.Source.Kind == model.SourceSighting}
	m.stats.Routes = make([]Extent, ctx.NumRoutes())
	m.stats.Shapes, m.stats.ShapesAt = map[decode.FormOf]int64{}, map[ShapeAt]int64{}
	if m.Mapped(Time) == "" {
		return nil, fmt.Errorf("map.time: missing; name the field that holds the instant")
	}
	for f := range NumFields {
		m.mapped[f] = m.Mapped(f) != ""
	}
	return m, m.stamper.set(o.Source)
}

// Mapped returns what the map calls f; "" if nothing.
func (m *Rows) Mapped(f Field) string { return m.opts.Source.Map[fieldNames[f]] }

// Stats returns what was seen so far.
func (m *Rows) Stats() Stats {
	m.shapes.flush(&m.stats)
	s := Stats{}
	s.Merge(m.stats)
	return s
}

// Use returns which fields were asked for and found so far, by names.
func (m *Rows) Use(names []string) Use { return Use{m.use.Asked, m.use.Seen, slices.Clone(names)} }

// Add decodes one row.
func (m *Rows) Add(ref model.Ref, in Row) (decode.Outcome, string) {
	m.in = in
	stamp := m.text(Time)
	if stamp == nil {
		return decode.Rejected, "has no time: map.time names a field that this row lacks"
	}
	when, reason := m.stamper.read(stamp)
	if reason != "" {
		return decode.Rejected, reason
	}
	status, ok := m.status()
	if !ok {
		return decode.Rejected, "status is not a number"
	}
	place, host := m.place()
	m.lasting, m.entrance = place.Lasting, place.Entrance
	wanted := decode.InSpans(m.opts.Spans, when)
	m.row = model.OriginRow{
		Ref: ref, Time: when, Taken: -1, Status: status, Host: host, Told: m.told,
		Route: place.Route, Pattern: place.Pattern, Path: place.Path, Category: place.Category,
	}
	bearing := m.sessions(when.Lo, wanted)
	m.observe(when.Lo, bearing, wanted)
	if !wanted {
		return decode.Filtered, ""
	}
	m.rest()
	if m.keep != nil && !m.keep(&m.row) {
		return decode.Filtered, ""
	}
	return decode.Parsed, ""
}

// raw returns what the row in hand says of f, whatever it is.
func (m *Rows) raw(f Field) []byte {
	if !m.mapped[f] {
		return nil
	}
	m.use.Asked |= 1 << f
	b := m.in.Text(f)
	if b != nil {
		m.use.Seen |= 1 << f
	}
	return b
}

// text returns what the row in hand says of f; nil if nothing.
func (m *Rows) text(f Field) []byte {
	b := m.raw(f)
	if none(b) {
		return nil
	}
	return b
}

// isList reports whether the row in hand has a list as f.
func (m *Rows) isList(f Field) bool {
	if !m.mapped[f] || !m.in.IsList(f) {
		return false
	}
	m.use.Seen |= 1 << f
	return true
}

// none reports whether b is what programs write for nothing. A user of the
// name of null does not exist; a log in which everybody who is nobody has the
// session "undefined" does.
func none(b []byte) bool { return len(b) == 0 || string(b) == "-" || null(b) }

func null(b []byte) bool {
	if len(b) > len("undefined") {
		return false
	}
	switch string(b) {
	case "null", "NULL", `\N`, "<nil>", "<null>", "(null)", "None", "undefined":
		return true
	}
	return false
}
