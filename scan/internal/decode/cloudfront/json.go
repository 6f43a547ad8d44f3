package cloudfront

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// object reads the rows that are flat JSON objects. Their keys are the names
// of columns, every value is a string, and "-" stands for nothing (formats.md
// 2). The first of several equal keys counts, unknown keys do not.
type object struct {
	layout  *layout
	keys    map[string]member // what a key says; as many as a log has, and no more than maxKeys
	values  [numColumns][]byte
	columns uint64 // hash of the keys of the last row
	plain   []byte // unescaped values of the last row
}

type member struct {
	column column
	hash   uint64
}

const (
	maxKeys    = 256
	reasonJSON = "not a flat JSON object"
)

// newObject returns a reader whose layout is the order of the columns here.
func newObject() object {
	l := &layout{width: int(numColumns)}
	for c := range l.at {
		l.at[c] = c
	}
	return object{layout: l, keys: map[string]member{}}
}

// jsonLine decodes a row that is a JSON object.
func (d *Decoder) jsonLine(ref model.Ref, line []byte) (decode.Outcome, string) {
	o := &d.object
	defer clear(o.plain) // it may hold a cookie
	if !o.read(line) {
		return decode.Rejected, reasonJSON
	}
	d.cols = append(d.cols[:0], o.values[:]...)
	for _, c := range required {
		if o.values[c] == nil {
			return decode.Rejected, "the object has no " + columnNames[c]
		}
	}
	if o.values[colResult] == nil && o.values[colResponseResult] == nil {
		d.warn("no x-edge-result-type: hits and fills cannot be told apart by this log")
	}
	return d.take(ref, o.layout, formJSON, o.columns, line)
}

// read notes the values of line; false if it is no flat object.
func (o *object) read(line []byte) bool {
	clear(o.values[:])
	o.columns, o.plain = 0, o.plain[:0]
	rest := space(line[1:])
	if len(rest) > 0 && rest[0] == '}' {
		return len(space(rest[1:])) == 0
	}
	for {
		key, after, ok := text(rest)
		if after = space(after); !ok || len(after) == 0 || after[0] != ':' {
			return false
		}
		value, after, ok := scalar(space(after[1:]))
		if !ok || !o.note(key, value) {
			return false
		}
		if after = space(after); len(after) == 0 {
			return false
		}
		if after[0] == '}' {
			return len(space(after[1:])) == 0
		}
		if after[0] != ',' {
			return false
		}
		rest = space(after[1:])
	}
}

// note keeps the value of a wanted key.
func (o *object) note(key, value []byte) bool {
	m, ok := o.keys[string(key)]
	if !ok {
		m = member{lookup(key), decode.Hash(0, key)}
		if len(o.keys) < maxKeys {
			o.keys[string(key)] = m
		}
	}
	o.columns = (o.columns ^ m.hash) * 0x9e3779b97f4a7c15 // odd: no bit is lost
	if m.column == noColumn || o.values[m.column] != nil || string(value) == "null" {
		return true
	}
	if value[0] == '"' {
		value = value[1 : len(value)-1]
	}
	if bytes.IndexByte(value, '\\') >= 0 {
		from := len(o.plain)
		if o.plain, ok = unescape(o.plain, value); !ok {
			return false
		}
		value = o.plain[from:]
	}
	o.values[m.column] = value
	return true
}

// escapes are the letters behind a backslash that stand for a byte.
var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape appends a string of JSON to dst as the text it stands for. No field
// of CloudFront needs an escape, but those who pass logs on may write one.
func unescape(dst, raw []byte) ([]byte, bool) {
	for len(raw) > 0 {
		n := bytes.IndexByte(raw, '\\')
		if n < 0 {
			return append(dst, raw...), true
		}
		dst, raw = append(dst, raw[:n]...), raw[n+1:]
		if len(raw) > 0 && raw[0] == 'u' {
			c, size := unit(raw)
			if size == 0 {
				return dst, false
			}
			dst, raw = utf8.AppendRune(dst, c), raw[size:]
			continue
		}
		if len(raw) == 0 || escapes[raw[0]] == 0 {
			return dst, false
		}
		dst, raw = append(dst, escapes[raw[0]]), raw[1:]
	}
	return dst, true
}

// unit reads the escape uXXXX that b begins with, or two of them that are one
// character beyond 16 bits, and returns how long it is; 0 if it is none.
func unit(b []byte) (rune, int) {
	const size = len("uXXXX")
	c, ok := hex4(b)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(c) && len(b) > size && b[size] == '\\' {
		if low, ok := hex4(b[size+1:]); ok {
			if whole := utf16.DecodeRune(c, low); whole != utf8.RuneError {
				return whole, 2*size + 1
			}
		}
	}
	return c, size // half a pair becomes U+FFFD
}

// hex4 reads uXXXX.
func hex4(b []byte) (c rune, ok bool) {
	if len(b) < len("uXXXX") || b[0] != 'u' {
		return 0, false
	}
	for _, x := range b[1:5] {
		digit := bytes.IndexByte([]byte("0123456789abcdef"), x|0x20)
		if digit < 0 || x < '0' {
			return 0, false
		}
		c = c<<4 | rune(digit)
	}
	return c, true
}

func space(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// text returns what stands within the quotes that b begins with, and the rest.
func text(b []byte) (inside, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return b[1:i], b[i+1:], true
		case c == '\\':
			i++
		case c < ' ':
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// scalar returns the string, with its quotes, or the bare word that b begins
// with, and the rest.
func scalar(b []byte) (value, rest []byte, ok bool) {
	if inside, rest, ok := text(b); ok {
		return b[:len(inside)+2], rest, true
	}
	n := 0
	for n < len(b) && (b[n] == '-' || b[n] == '+' || b[n] == '.' || '0' <= b[n] && b[n] <= '9' || 'a' <= b[n] && b[n] <= 'z' || b[n] == 'E') {
		n++
	}
	return b[:n], b[n:], n > 0
}
