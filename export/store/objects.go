package store

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/model"
)

// objects translates between the number of an input object and the words by
// which evidence names it. It is the one thing kept per input: an archive has
// many lines but few objects.
type objects struct {
	byID   map[uint32]object
	byName map[string]uint32
}

type object struct{ name, uri, sha string }

func newObjects() *objects {
	return &objects{make(map[uint32]object), make(map[string]uint32)}
}

func (o *objects) add(in *model.Input) {
	name := inert.Text(in.URI) + "#" + in.SHA256[:min(12, len(in.SHA256))]
	o.byID[in.Object] = object{name, in.URI, in.SHA256}
	o.byName[name] = in.Object
}

// cite returns the evidence cell of ref; a ref without a line cites nothing.
func (o *objects) cite(ref model.Ref) (string, error) {
	if ref.Line == 0 {
		return "", nil
	}
	obj, ok := o.byID[ref.Object]
	if !ok {
		return "", fmt.Errorf("evidence: object %d is not among the inputs put before", ref.Object)
	}
	return fmt.Sprintf("%s:%d@%d", obj.name, ref.Line, ref.Offset), nil
}

// resolve is the inverse of cite. A URI may hold any of # : @, so the cell is
// taken apart from its end.
func (o *objects) resolve(cell string) (model.Ref, error) {
	if cell == "" {
		return model.Ref{}, nil
	}
	rest, offset, ok1 := cutLast(cell, '@')
	name, line, ok2 := cutLast(rest, ':')
	id, ok3 := o.byName[name]
	n, err1 := strconv.ParseUint(line, 10, 64)
	off, err2 := strconv.ParseInt(offset, 10, 64)
	if !ok1 || !ok2 || !ok3 || err1 != nil || err2 != nil {
		return model.Ref{}, fmt.Errorf("evidence: %q is not a row of an input", cell)
	}
	return model.Ref{Object: id, Line: n, Offset: off}, nil
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func formatObject(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func parseObject(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}
