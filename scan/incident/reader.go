package incident

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// position is a place in the file, from 1.
type position struct{ line, column int }

// value is one node of the file with the path of its key.
type value struct {
	node ast.Node
	path string
	pos  position // of the key, or of the item of a list
}

// reader walks the syntax tree and collects all problems. It walks the tree
// itself, instead of decoding into structs, because a decoder stops at the
// first error and forgets the lines.
type reader struct {
	problems []Problem
	at       map[string]position // where each key stands
	faulty   map[string]bool     // paths with a problem
}

// field is a key of a mapping and what to do with its value.
type field struct {
	key string
	set func(value)
}

// fail reports a problem with v: at the value where it is one word, else at
// the key, because the mark of a nested value is an unhelpful colon or dash.
func (r *reader) fail(v value, format string, args ...any) {
	pos := v.pos
	if _, ok := v.node.(ast.ScalarNode); ok {
		pos = positionOf(v.node, pos)
	}
	r.problem(pos, v.path, fmt.Sprintf(format, args...))
}

func (r *reader) problem(pos position, path, message string) {
	r.problems = append(r.problems, Problem{pos.line, pos.column, path, message})
	r.faulty[path] = true
}

// mapping hands each value of v to the field of its key.
func (r *reader) mapping(v value, fields ...field) {
	pairs, ok := r.pairs(v, fields)
	if !ok {
		return
	}
	for _, p := range pairs {
		for _, f := range fields {
			if f.key == p.name {
				f.set(p.value)
			}
		}
	}
}

// require reports the keys that v lacks. Keys that have a problem were
// written, only wrongly.
func (r *reader) require(v value, keys ...string) {
	if _, ok := v.node.(ast.MapNode); !ok {
		return
	}
	for _, key := range keys {
		path := join(v.path, key)
		if _, ok := r.at[path]; !ok && !r.faulty[path] {
			r.problem(v.pos, path, "is missing")
		}
	}
}

type pair struct {
	name string
	value
}

// pairs returns the known keys of v with their values and reports the others.
func (r *reader) pairs(v value, fields []field) ([]pair, bool) {
	m, ok := v.node.(ast.MapNode)
	if !ok {
		r.wrongKind(v, "a mapping ("+sketch(fields)+")")
		return nil, false
	}
	var pairs []pair
	for it := m.MapRange(); it.Next(); {
		name, pos := keyName(it.Key()), positionOf(it.Key(), v.pos)
		path := join(v.path, name)
		if it.Key().IsMergeKey() {
			r.problem(pos, v.path, "merge keys (<<) are not read; write the keys out")
			continue
		}
		if !known(name, fields) {
			r.unknown(v.path, name, pos, fields)
			continue
		}
		if first, twice := r.at[path]; twice {
			r.problem(pos, v.path, fmt.Sprintf("duplicate key %q; it stands on line %d already", name, first.line))
			r.faulty[path] = true
			continue
		}
		r.at[path] = pos
		pairs = append(pairs, pair{name, value{it.Value(), path, pos}})
	}
	return pairs, true
}

func (r *reader) unknown(path, name string, pos position, fields []field) {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	message := "unknown key " + quoted(name)
	if meant := nearest(name, keys); meant != "" {
		message += fmt.Sprintf("; did you mean %q?", meant)
		r.faulty[join(path, meant)] = true
	} else {
		message += "; valid here: " + strings.Join(keys, ", ")
	}
	r.problems = append(r.problems, Problem{pos.line, pos.column, path, message})
	r.faulty[join(path, name)] = true // and not path: the keys beside it are fine
}

// list calls item for each element of v.
func (r *reader) list(item func(value)) func(value) {
	return func(v value) {
		s, ok := v.node.(*ast.SequenceNode)
		if !ok {
			r.wrongKind(v, "a list ([…, …], or lines that begin with -)")
			return
		}
		for i, n := range s.Values {
			path := fmt.Sprintf("%s[%d]", v.path, i)
			pos := itemPosition(n)
			r.at[path] = pos
			item(value{n, path, pos})
		}
	}
}

// scalar returns the one word that v must be.
func (r *reader) scalar(v value, want string) (string, bool) {
	text, ok := scalarText(v.node)
	if !ok {
		r.wrongKind(v, want)
		return "", false
	}
	if strings.ContainsFunc(text, isControl) {
		r.fail(v, "contains a control character")
		return "", false
	}
	if strings.TrimSpace(text) == "" {
		r.fail(v, "is empty; want %s", want)
		return "", false
	}
	return text, true
}

// wrongKind reports a node of a kind that cannot stand at v.
func (r *reader) wrongKind(v value, want string) {
	switch n := v.node.(type) {
	case nil, *ast.NullNode:
		r.fail(v, "has no value; want %s, or remove the line", want)
	case *ast.AliasNode, *ast.AnchorNode, *ast.TagNode:
		r.problem(positionOf(n, v.pos), v.path, "a value that begins with *, & or ! must be in quotes")
	default:
		r.fail(v, "must be %s, not %s", want, kindOf(n))
	}
}

func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case ast.MapNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode, *ast.FloatNode:
		return "a number"
	}
	return "text"
}

func keyName(n ast.MapKeyNode) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	if t := n.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

// itemPosition is where a person sees n begin: for a mapping in block style
// the first key, as its own token is the colon after that.
func itemPosition(n ast.Node) position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return positionOf(m.Values[0].Key, position{1, 1})
	}
	return positionOf(n, position{1, 1})
}

func positionOf(n ast.Node, otherwise position) position {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return otherwise
	}
	p := n.GetToken().Position
	return position{p.Line, p.Column}
}

func known(name string, fields []field) bool {
	for _, f := range fields {
		if f.key == name {
			return true
		}
	}
	return false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// sketch shows the first keys of a mapping: {from: …, to: …}.
func sketch(fields []field) string {
	var b strings.Builder
	for i, f := range fields[:min(len(fields), 2)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.key + ": …")
	}
	return "{" + b.String() + "}"
}

func isControl(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 }
