package parquet

import (
	"errors"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// column is a column as the incident file names it: a plain one, a member of a
// struct under its dotted name, or a whole list or map under its own.
type column struct {
	name   string
	leaves []int // the columns that the file stores it in
	shape  shape
}

type kind uint8

const (
	kindLeaf kind = iota
	kindStruct
	kindList
	kindMap
)

// shape is how the values of a nested column are put together. A node is there
// in a row if the definition level reaches def; an element of a repeated one
// continues the list before it if the repetition level is rep (Dremel; Melnik
// and others 2010, section 4).
type shape struct {
	kind kind
	name string // in the struct above
	def  int16
	rep  int16 // of a list or map
	item int16 // definition level from which a list or map has an element
	leaf int   // of a leaf: index in column.leaves
	kids []shape
}

// flat reports whether a row has exactly one value of c.
func (c *column) flat() bool { return c.shape.kind == kindLeaf }

var errSchema = errors.New("schema")

// columnsOf lists the columns of a file, in its order.
func columnsOf(s *schema.Schema) ([]column, error) {
	b := builder{}
	for i := range s.Root().NumFields() {
		b.top(s.Root().Field(i), "", 0)
	}
	if b.leaf != s.NumColumns() {
		return nil, errSchema
	}
	return b.out, nil
}

type builder struct {
	out  []column
	leaf int // stored columns met so far
	from int // the first of the column in hand
}

// top lists n and, of a struct, what is in it. def is the definition level of
// what n is in.
func (b *builder) top(n schema.Node, prefix string, def int16) {
	group, isGroup := n.(*schema.GroupNode)
	if isGroup && n.RepetitionType() != parquet.Repetitions.Repeated && listed(group) == kindStruct {
		if n.RepetitionType() == parquet.Repetitions.Optional {
			def++
		}
		for i := range group.NumFields() {
			b.top(group.Field(i), prefix+n.Name()+".", def)
		}
		return
	}
	b.from = b.leaf
	c := column{name: prefix + n.Name(), shape: b.shape(n, def, 0)}
	for i := b.from; i < b.leaf; i++ {
		c.leaves = append(c.leaves, i)
	}
	b.out = append(b.out, c)
}

func (b *builder) shape(n schema.Node, def, rep int16) shape {
	switch n.RepetitionType() {
	case parquet.Repetitions.Optional:
		def++
	case parquet.Repetitions.Repeated: // a list without the annotation
		s := shape{kind: kindList, name: n.Name(), def: def, rep: rep + 1, item: def + 1}
		s.kids = []shape{b.inner(n, def+1, rep+1)}
		return s
	}
	return b.inner(n, def, rep)
}

// inner is the shape of n once its own repetition has been dealt with.
func (b *builder) inner(n schema.Node, def, rep int16) shape {
	s := shape{name: n.Name(), def: def}
	group, ok := n.(*schema.GroupNode)
	if !ok {
		s.leaf = b.leaf - b.from
		b.leaf++
		return s
	}
	if s.kind = listed(group); s.kind == kindStruct {
		for i := range group.NumFields() {
			s.kids = append(s.kids, b.shape(group.Field(i), def, rep))
		}
		return s
	}
	s.rep, s.item = rep+1, def+1
	repeated := group.Field(0)
	of, isGroup := repeated.(*schema.GroupNode)
	switch {
	case s.kind == kindMap:
		s.kids = []shape{b.shape(of.Field(0), def+1, rep+1), b.shape(of.Field(1), def+1, rep+1)}
	case isGroup && of.NumFields() == 1 && of.Name() != "array" && of.Name() != group.Name()+"_tuple":
		s.kids = []shape{b.shape(of.Field(0), def+1, rep+1)}
	default: // the older form: the repeated node is the element (LogicalTypes.md, "Lists")
		s.kids = []shape{b.inner(repeated, def+1, rep+1)}
	}
	return s
}

// listed says whether a group is a list, a map or a struct. A group that is
// called a list or map but not built like one is read as what it is built like.
func listed(g *schema.GroupNode) kind {
	if g.NumFields() != 1 || g.Field(0).RepetitionType() != parquet.Repetitions.Repeated {
		return kindStruct
	}
	_, isList := g.LogicalType().(schema.ListLogicalType)
	_, isMap := g.LogicalType().(schema.MapLogicalType)
	of, isGroup := g.Field(0).(*schema.GroupNode)
	switch {
	case isList:
		return kindList
	case (isMap || g.ConvertedType() == schema.ConvertedTypes.MapKeyValue) && isGroup && of.NumFields() == 2:
		return kindMap
	}
	return kindStruct
}
