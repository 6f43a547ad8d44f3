// Package jsonl decodes logs of one JSON object a line, whose fields a map in
// the incident file names.
//
// It knows JSON and the paths of fields. What a field means is package
// origin's business.
package jsonl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
)

// maxParts bounds a mapped path; each dot doubles the ways to read it.
const maxParts = 8

// Decoder reads the rows of one object.
type Decoder struct {
	rows    *origin.Rows
	scanner scanner
	slots   [origin.NumFields][]int // in order of preference
	line    []byte                  // in hand
	buf     []byte                  // text of the field in hand
	used    int                     // bytes of buf written since it was wiped
	keys    keySample
}

// New returns a decoder for one object. Each row goes to keep, which says
// whether it was wanted; the row is reused, its strings are not.
func New(ctx *decode.Context, o origin.Options, keep func(*model.OriginRow) bool) (*Decoder, error) {
	rows, err := origin.New(ctx, o, keep)
	if err != nil {
		return nil, err
	}
	d := &Decoder{rows: rows}
	return d, d.plan()
}

// plan builds the tree of the fields that are mapped.
func (d *Decoder) plan() error {
	d.scanner.root = &node{}
	for f := range origin.NumFields {
		path := d.rows.Mapped(f)
		if path == "" {
			continue
		}
		dotted := origin.Dotted(path)
		if strings.Count(dotted, ".") >= maxParts {
			return fmt.Errorf("map.%s: has more than %d parts", f, maxParts)
		}
		paths := readings(dotted)
		if dotted != path {
			paths = append([][]string{{path}}, paths...)
		}
		for _, keys := range paths {
			slot := len(d.scanner.values)
			d.scanner.values = append(d.scanner.values, nil)
			d.scanner.root.insert(keys, slot)
			d.slots[f] = append(d.slots[f], slot)
		}
	}
	return nil
}

// Stats returns what was seen so far.
func (d *Decoder) Stats() origin.Stats { return d.rows.Stats() }

// Use returns which fields were asked for and found so far.
func (d *Decoder) Use() origin.Use { return d.rows.Use(d.keys.names) }

// Warnings is there for other formats' sake.
func (d *Decoder) Warnings() []string { return nil }

// Line decodes one line.
func (d *Decoder) Line(ref model.Ref, line []byte) (decode.Outcome, string) {
	if reason := d.scanner.scan(line); reason != "" {
		return decode.Rejected, reason
	}
	if d.keys.rows < sampleRows {
		d.keys.add(line)
	}
	d.line = line
	outcome, reason := d.rows.Add(ref, (*row)(d))
	d.line = nil
	d.wipe()
	return outcome, reason
}

// row is the row in hand of a decoder.
type row Decoder

// value returns a field as written; nil if it is absent or null.
func (r *row) value(f origin.Field) []byte {
	for _, slot := range r.slots[f] {
		if v := r.scanner.values[slot]; v != nil {
			return v
		}
	}
	return nil
}

// Text is origin.Row's.
func (r *row) Text(f origin.Field) []byte { return r.textOf(r.value(f)) }

// IsList is origin.Row's.
func (r *row) IsList(f origin.Field) bool {
	v := r.value(f)
	return len(v) > 0 && v[0] == '['
}

// Element is origin.Row's.
func (r *row) Element(f origin.Field, at int) (text []byte, next int) {
	raw, next := element(r.value(f), at)
	return r.textOf(raw), next
}

// Hash is origin.Row's.
func (r *row) Hash() uint64 { return decode.Hash(0, r.line) }

func (r *row) textOf(raw []byte) []byte {
	if len(raw) > cap(r.buf) {
		(*Decoder)(r).wipe()
		r.buf = slices.Grow(r.buf[:0], len(raw))
	}
	// What is unquoted only gets shorter, so that text never outgrows buf and
	// wiping buf wipes all of it.
	r.used = max(r.used, len(raw))
	return text(r.buf[:0], raw)
}

// wipe overwrites what may be left of a session in the decoder.
func (d *Decoder) wipe() {
	clear(d.buf[:min(d.used, cap(d.buf))])
	d.used = 0
}
