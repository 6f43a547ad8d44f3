package intake

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// object reads the columns of a table out of a JSON object, by the names of
// its keys; dots lead into objects within, also into those that are written
// as text, as the exports of key-value stores do.
type object struct {
	table *table
	paths []string // of the columns
	cells []string
	found []bool          // columns that some object had
	keys  map[string]bool // of objects, for the message that none has one
}

func newObject(t *table) *object {
	o := &object{table: t, cells: make([]string, len(t.columns)), found: make([]bool, len(t.columns)), keys: map[string]bool{}}
	for _, c := range t.columns {
		path := t.source.Map[c.name]
		if path == "" {
			path = c.name
		}
		o.paths = append(o.paths, path)
	}
	return o
}

// read returns the cells of one object.
func (o *object) read(text []byte) ([]string, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, err
	}
	if keys == nil {
		return nil, errors.New("null")
	}
	const many = 100
	for k := range keys {
		if len(o.keys) < many && !o.keys[k] {
			o.keys[strings.Clone(k)] = true
		}
	}
	for i, path := range o.paths {
		value, ok := lookup(keys, path)
		for _, other := range o.table.columns[i].also {
			if !ok && o.table.source.Map[o.table.columns[i].name] == "" {
				value, ok = lookup(keys, other)
			}
		}
		o.cells[i] = scalar(value)
		o.found[i] = o.found[i] || ok
	}
	return o.cells, nil
}

// lookup follows a path. A key may itself hold dots.
func lookup(keys map[string]json.RawMessage, path string) (json.RawMessage, bool) {
	if v, ok := member(keys, path); ok {
		return v, true
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		outer, _ := member(keys, path[:i])
		var inner map[string]json.RawMessage
		if json.Unmarshal([]byte(scalar(outer)), &inner) != nil {
			continue
		}
		if v, ok := lookup(inner, path[i+1:]); ok {
			return v, true
		}
	}
	return nil, false
}

// member returns the value of a key, in whatever case it is written.
func member(keys map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if v, ok := keys[name]; ok {
		return v, true
	}
	var least string
	for k := range keys {
		if sameName(k, name) && (least == "" || k < least) {
			least = k
		}
	}
	v, ok := keys[least]
	return v, ok
}

// scalar returns the text of a value: what a string holds, nothing for null,
// and numbers, objects and lists as they are written. A user id of 17 digits
// must not become a float.
func scalar(v json.RawMessage) string {
	var s string
	switch {
	case len(v) == 0 || string(v) == "null":
		return ""
	case v[0] == '"' && json.Unmarshal(v, &s) == nil:
		return s
	}
	return string(v)
}

const notAnObject = "is not a JSON object"

// jsonLines reads an object a line.
type jsonLines struct {
	lines *lines
	*object
}

func readJSON(ctx context.Context, f *file) error {
	if f.table.object == nil {
		f.table.object = newObject(f.table)
	}
	in := bufio.NewReaderSize(f.budget, peeked)
	head, _ := in.Peek(peeked)
	if bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("[")) {
		return f.rest(ctx, newArray(in, f))
	}
	return f.rest(ctx, &jsonLines{&lines{in: in, ref: model.Ref{Object: f.index}, offset: f.skipped}, f.table.object})
}

func (j *jsonLines) next() (record, error) {
	line, err := j.lines.next()
	if err != nil {
		return record{}, err
	}
	r := record{ref: j.lines.ref, number: j.lines.ref.Line, outcome: decode.Parsed}
	if len(bytes.TrimSpace(line)) == 0 {
		r.outcome = decode.Comment
		return r, nil
	}
	if r.cells, err = j.read(line); err != nil {
		r.outcome, r.reason = decode.Rejected, notAnObject
	}
	return r, nil
}

// array reads the objects of one JSON array, however they are laid out.
type array struct {
	json   *json.Decoder
	breaks *breakCounter
	number uint64
	begun  bool
	ref    model.Ref
	*object
}

func newArray(in io.Reader, f *file) *array {
	b := &breakCounter{r: in}
	return &array{json: json.NewDecoder(b), breaks: b, object: f.table.object, ref: model.Ref{Object: f.index, Offset: f.skipped}}
}

func (a *array) next() (record, error) {
	if !a.begun {
		a.begun = true
		if _, err := a.json.Token(); err != nil {
			return record{}, err
		}
	}
	if !a.json.More() {
		if _, err := a.json.Token(); err != nil {
			return record{}, a.cut(err)
		}
		return record{}, io.EOF
	}
	var text json.RawMessage
	if err := a.json.Decode(&text); err != nil {
		return record{}, a.cut(err)
	}
	a.number++
	at := a.json.InputOffset() - int64(len(text))
	r := record{ref: a.ref, number: a.number, outcome: decode.Parsed}
	r.ref.Offset += at
	r.ref.Line = a.breaks.line(at)
	var err error
	if r.cells, err = a.read(text); err != nil {
		r.outcome, r.reason = decode.Rejected, notAnObject
	}
	return r, nil
}

// cut says in our words what ended an array early; the messages of package
// json quote what they are about.
func (a *array) cut(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case errors.As(err, &syntax):
		return &unusable{a.breaks.line(syntax.Offset), "this is not JSON, and hides the rows after it; export the table again, one object a line"}
	}
	return err
}

// breakCounter knows on which line an offset of what was read stands, of
// offsets that are asked for in order.
type breakCounter struct {
	r      io.Reader
	read   int64
	breaks []int64 // offsets of the line breaks after the last one asked for
	passed uint64
}

func (b *breakCounter) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			b.breaks = append(b.breaks, b.read+int64(i))
		}
	}
	b.read += int64(n)
	return n, err
}

func (b *breakCounter) line(offset int64) uint64 {
	n, _ := slices.BinarySearch(b.breaks, offset)
	b.passed += uint64(n)
	b.breaks = slices.Delete(b.breaks, 0, n)
	return b.passed + 1
}
