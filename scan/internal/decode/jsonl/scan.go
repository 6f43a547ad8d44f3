package jsonl

import (
	"bytes"
	"strings"
)

// The scanner walks a JSON text once, checks that it is one, and notes where
// the wanted values stand. encoding/json was measured first: into a map of
// json.RawMessage it is several times slower, with dozens of allocations a
// row (BenchmarkDecode and BenchmarkEncodingJSON). FuzzScan holds the scanner
// to what encoding/json says of the same text.

// maxDepth bounds recursion; rows of a log nest three or four deep.
const maxDepth = 200

// node is a place in the tree of wanted paths.
type node struct {
	keys  map[string]*node
	slots []int // values to note here
	under []int // slots of this node and of all below
}

// insert makes slot stand for the value at keys.
func (n *node) insert(keys []string, slot int) {
	n.under = append(n.under, slot)
	if len(keys) == 0 {
		n.slots = append(n.slots, slot)
		return
	}
	if n.keys == nil {
		n.keys = map[string]*node{}
	}
	child := n.keys[keys[0]]
	if child == nil {
		child = &node{}
		n.keys[keys[0]] = child
	}
	child.insert(keys[1:], slot)
}

// readings lists the ways to read a dotted path, the most literal first: a.b
// is the key "a.b", or else b within a.
func readings(path string) [][]string {
	out := [][]string{{path}}
	for end := strings.LastIndexByte(path, '.'); end >= 0; end = strings.LastIndexByte(path[:end], '.') {
		for _, rest := range readings(path[end+1:]) {
			out = append(out, append([]string{path[:end]}, rest...))
		}
	}
	return out
}

// scanner notes the values of one text. Each method takes the position at
// which its part begins and returns the one behind it, or -1 if the text is
// not JSON there.
type scanner struct {
	root   *node
	values [][]byte // by slot; nil: absent or null
	data   []byte
	key    []byte // an unescaped key
	deep   bool   // the text nests deeper than maxDepth
}

// scan reports why data is no JSON object; "" if it is one.
func (s *scanner) scan(data []byte) string {
	clear(s.values)
	s.data, s.deep = data, false
	i := s.space(0)
	object := i < len(data) && data[i] == '{'
	end := s.value(i, s.root, 0)
	switch {
	case s.deep:
		return "JSON nested too deeply"
	case end < 0 || s.space(end) != len(data):
		return "not JSON"
	case !object:
		return "JSON, but not an object"
	}
	return ""
}

func (s *scanner) space(i int) int {
	for i < len(s.data) && (s.data[i] == ' ' || s.data[i] == '\t' || s.data[i] == '\r' || s.data[i] == '\n') {
		i++
	}
	return i
}

// value reads any value. n is its place in the tree; nil if nothing of it is
// wanted.
func (s *scanner) value(i int, n *node, depth int) int {
	if i < 0 || i >= len(s.data) {
		return -1
	}
	switch c := s.data[i]; {
	case c == '"':
		return s.string(i)
	case c == '{':
		return s.object(i, n, depth+1)
	case c == '[':
		return s.array(i, depth+1)
	case c == '-' || '0' <= c && c <= '9':
		return s.number(i)
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if bytes.HasPrefix(s.data[i:], []byte(word)) {
			return i + len(word)
		}
	}
	return -1
}

func (s *scanner) object(i int, n *node, depth int) int {
	if depth > maxDepth {
		s.deep = true
		return -1
	}
	if i = s.space(i + 1); i < len(s.data) && s.data[i] == '}' {
		return i + 1
	}
	for {
		if i = s.member(s.space(i), n, depth); i < 0 {
			return -1
		}
		if i = s.space(i); i >= len(s.data) {
			return -1
		}
		switch s.data[i] {
		case '}':
			return i + 1
		case ',':
			i++
		default:
			return -1
		}
	}
}

// member reads "key": value.
func (s *scanner) member(i int, n *node, depth int) int {
	if i >= len(s.data) || s.data[i] != '"' {
		return -1
	}
	end := s.string(i)
	if end < 0 {
		return -1
	}
	child := s.child(n, s.data[i+1:end-1])
	if i = s.space(end); i >= len(s.data) || s.data[i] != ':' {
		return -1
	}
	from := s.space(i + 1)
	if child != nil {
		for _, slot := range child.under {
			s.values[slot] = nil // of an earlier member of the same name
		}
	}
	end = s.value(from, child, depth)
	if end > 0 && child != nil && s.data[from] != 'n' {
		for _, slot := range child.slots {
			s.values[slot] = s.data[from:end]
		}
	}
	return end
}

func (s *scanner) child(n *node, key []byte) *node {
	if n == nil || n.keys == nil {
		return nil
	}
	if bytes.IndexByte(key, '\\') >= 0 {
		s.key = unquote(s.key[:0], key)
		key = s.key
	}
	return n.keys[string(key)]
}

func (s *scanner) array(i, depth int) int {
	if depth > maxDepth {
		s.deep = true
		return -1
	}
	if i = s.space(i + 1); i < len(s.data) && s.data[i] == ']' {
		return i + 1
	}
	for {
		if i = s.value(s.space(i), nil, depth); i < 0 {
			return -1
		}
		if i = s.space(i); i >= len(s.data) {
			return -1
		}
		switch s.data[i] {
		case ']':
			return i + 1
		case ',':
			i++
		default:
			return -1
		}
	}
}

func (s *scanner) string(i int) int {
	for i++; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return -1
		case c == '\\':
			if i = s.escape(i + 1); i < 0 {
				return -1
			}
		}
	}
	return -1
}

// escape returns the position of the last byte of an escape.
func (s *scanner) escape(i int) int {
	if i >= len(s.data) {
		return -1
	}
	if s.data[i] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, s.data[i]) < 0 {
			return -1
		}
		return i
	}
	if _, ok := hex4(s.data[i+1:]); !ok {
		return -1
	}
	return i + 4
}

func (s *scanner) number(i int) int {
	if s.data[i] == '-' {
		i++
	}
	from := i
	if i = s.digits(i); i < 0 || s.data[from] == '0' && i > from+1 {
		return -1
	}
	if i < len(s.data) && s.data[i] == '.' {
		if i = s.digits(i + 1); i < 0 {
			return -1
		}
	}
	if i < len(s.data) && (s.data[i] == 'e' || s.data[i] == 'E') {
		if i++; i < len(s.data) && (s.data[i] == '+' || s.data[i] == '-') {
			i++
		}
		return s.digits(i)
	}
	return i
}

// digits reads at least one digit.
func (s *scanner) digits(i int) int {
	from := i
	for i < len(s.data) && '0' <= s.data[i] && s.data[i] <= '9' {
		i++
	}
	if i == from {
		return -1
	}
	return i
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
