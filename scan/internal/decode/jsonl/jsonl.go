// Package jsonl decodes the application's own log: one JSON object a line,
// whose fields a map in the incident file names.
//
// It knows fields, stamps and addresses. What a path or a session means to
// the incident is package decode's business.
package jsonl

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// field is one of our names in Source.Map.
type field int

const (
	fieldTime field = iota
	fieldID
	fieldMethod
	fieldPath
	fieldStatus
	fieldSession
	fieldUser
	fieldSetCookie
	fieldSetSession
	fieldAgent
	fieldClient
	fieldDuration
	fieldWorkspace
	numFields
)

var fieldNames = [numFields]string{"time", "request_id", "method", "path", "status", "session", "user",
	"set_cookie", "set_session", "user_agent", "client_ip", "duration", "workspace"}

// maxParts bounds a mapped path; each dot doubles the ways to read it.
const maxParts = 8

// Decoder reads the rows of one object.
type Decoder struct {
	ctx  *decode.Context
	memo *decode.Memo
	opts Options
	keep func(*model.OriginRow) bool

	scanner  scanner
	slots    [numFields][]int // in order of preference
	stamper  stamper
	xffFirst bool
	buf      []byte // text of the field in hand
	used     int    // bytes of buf written since it was wiped
	ids      decode.Arena
	row      model.OriginRow
	entrance bool   // people log in at the row's path
	lasting  string // what a write to the row's path leaves behind
	stats    Stats
}

// Options says what to read of an object and how.
type Options struct {
	Source model.Source
	Spans  []model.Span // rows outside all of them are filtered; none: keep all
	Memo   *decode.Memo // of the worker; nil: a new one
}

// New returns a decoder for one object. Each row goes to keep, which says
// whether it was wanted; the row is reused, its strings are not.
func New(ctx *decode.Context, o Options, keep func(*model.OriginRow) bool) (*Decoder, error) {
	if o.Memo == nil {
		o.Memo = ctx.NewMemo()
	}
	d := &Decoder{ctx: ctx, memo: o.Memo, opts: o, keep: keep, xffFirst: o.Source.XFF == "first"}
	d.stats.Routes = make([]Extent, ctx.NumRoutes())
	d.stats.Shapes = map[decode.FormOf]int64{}
	if o.Source.Map["time"] == "" {
		return nil, fmt.Errorf("map.time: missing; name the field that holds the instant")
	}
	if err := d.plan(o.Source.Map); err != nil {
		return nil, err
	}
	return d, d.stamper.set(o.Source)
}

// plan builds the tree of the fields that m maps.
func (d *Decoder) plan(m map[string]string) error {
	d.scanner.root = &node{}
	for f, name := range fieldNames {
		path := m[name]
		if path == "" {
			continue
		}
		if strings.Count(path, ".") >= maxParts {
			return fmt.Errorf("map.%s: has more than %d parts", name, maxParts)
		}
		for _, keys := range readings(path) {
			slot := len(d.scanner.values)
			d.scanner.values = append(d.scanner.values, nil)
			d.scanner.root.insert(keys, slot)
			d.slots[f] = append(d.slots[f], slot)
		}
	}
	return nil
}

func (s *stamper) set(src model.Source) error {
	if src.TimeZone != "" {
		zone, err := time.LoadLocation(src.TimeZone)
		if err != nil {
			return fmt.Errorf("time_zone: %q is not in this machine's time zone database", src.TimeZone)
		}
		s.zone = zone
	}
	switch src.Unit {
	case "":
	case "s":
		s.unit = time.Second
	case "ms":
		s.unit = time.Millisecond
	case "us":
		s.unit = time.Microsecond
	case "ns":
		s.unit = time.Nanosecond
	default:
		return fmt.Errorf("unit: %q is none of s, ms, us, ns", src.Unit)
	}
	return nil
}

// Stats returns what was seen so far.
func (d *Decoder) Stats() Stats {
	s := Stats{}
	s.Merge(d.stats)
	return s
}

// Line decodes one line.
func (d *Decoder) Line(ref model.Ref, line []byte) (decode.Outcome, string) {
	if reason := d.scanner.scan(line); reason != "" {
		return decode.Rejected, reason
	}
	stamp := d.text(fieldTime)
	if stamp == nil {
		return decode.Rejected, "has no time: map.time names a field that this row lacks"
	}
	when, reason := d.stamper.read(stamp)
	if reason != "" {
		return decode.Rejected, reason
	}
	status, ok := d.status()
	if !ok {
		return decode.Rejected, "status is not a number"
	}
	place := d.place()
	d.lasting, d.entrance = place.Lasting, place.Entrance
	wanted := decode.InSpans(d.opts.Spans, when)
	d.row = model.OriginRow{
		Ref: ref, Time: when, Taken: -1, Status: status,
		Route: place.Route, Pattern: place.Pattern, Path: place.Path, Category: place.Category,
	}
	d.sessions(wanted)
	d.observe(when.Lo, wanted)
	if !wanted {
		return decode.Filtered, ""
	}
	d.rest(line)
	if d.keep != nil && !d.keep(&d.row) {
		return decode.Filtered, ""
	}
	return decode.Parsed, ""
}

// value returns a field as written; nil if it is absent or null.
func (d *Decoder) value(f field) []byte {
	for _, slot := range d.slots[f] {
		if v := d.scanner.values[slot]; v != nil {
			return v
		}
	}
	return nil
}

// text returns the text of a field until the next call; nil if it is absent,
// empty, or "-" as servers write it for empty.
func (d *Decoder) text(f field) []byte { return d.textOf(d.value(f)) }

func (d *Decoder) textOf(raw []byte) []byte {
	// What is unquoted only gets shorter, so that text never outgrows buf and
	// wiping buf wipes all of it.
	d.buf = slices.Grow(d.buf[:0], len(raw))
	d.used = max(d.used, len(raw))
	b := text(d.buf, raw)
	if len(b) == 0 || len(b) == 1 && b[0] == '-' {
		return nil
	}
	return b
}

// wipe overwrites what may be left of a session in the decoder.
func (d *Decoder) wipe() {
	clear(d.buf[:min(d.used, cap(d.buf))])
	d.used = 0
}
