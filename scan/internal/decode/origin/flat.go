package origin

import "bytes"

// Flat is a row of a format whose values are plain texts; nil is a null. A text
// that is a JSON list of strings counts as the list: so tables write what had
// several values.
type Flat struct {
	Values [NumFields][]byte
	Sum    uint64
}

// Text is Row's.
func (r *Flat) Text(f Field) []byte {
	v := r.Values[f]
	if !isList(v) {
		return v
	}
	e, next := r.Element(f, 0)
	if _, more := r.Element(f, max(next, 0)); next < 0 || more >= 0 {
		return nil
	}
	return e
}

// IsList is Row's.
func (r *Flat) IsList(f Field) bool { return isList(r.Values[f]) }

func isList(v []byte) bool {
	return len(v) > 3 && v[0] == '[' && v[1] == '"' && v[len(v)-2] == '"' && v[len(v)-1] == ']'
}

// Element is Row's. A string with an escape in it ends the list: what could be
// meant by it (a cookie, an address) has none.
func (r *Flat) Element(f Field, at int) (text []byte, next int) {
	v := r.Values[f]
	if at >= len(v) {
		return nil, -1
	}
	open := bytes.IndexByte(v[at:], '"')
	if open < 0 {
		return nil, -1
	}
	from := at + open + 1
	length := bytes.IndexByte(v[from:], '"')
	if length < 0 || bytes.IndexByte(v[from:from+length], '\\') >= 0 {
		return nil, -1
	}
	return v[from : from+length], from + length + 1
}

// Hash is Row's.
func (r *Flat) Hash() uint64 { return r.Sum }
