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

type object struct{ name, uri, sha, format string }

func newObjects() *objects {
	return &objects{make(map[uint32]object), make(map[string]uint32)}
}

func (o *objects) add(in *model.Input) {
	name := inert.Text(in.URI) + "#" + in.SHA256[:min(12, len(in.SHA256))]
	o.byID[in.Object] = object{name, in.URI, in.SHA256, in.Format}
	o.byName[name] = in.Object
}

// cite returns the evidence cell of ref: "name:line@offset", or of Parquet
// "name:group2/row1234". A ref without a line cites nothing.
func (o *objects) cite(ref model.Ref) (string, error) {
	if ref.Line == 0 {
		return "", nil
	}
	obj, ok := o.byID[ref.Object]
	if !ok {
		return "", fmt.Errorf("evidence: object %d is not among the inputs put before", ref.Object)
	}
	cell := obj.name + ":" + ref.In(obj.format)
	if !model.Columnar(obj.format) {
		cell += "@" + strconv.FormatInt(ref.Offset, 10)
	}
	return cell, nil
}

// resolve is the inverse of cite. A URI may hold any of # : @, so the cell is
// taken apart from its end.
func (o *objects) resolve(cell string) (model.Ref, error) {
	if cell == "" {
		return model.Ref{}, nil
	}
	if name, place, ok := cutLast(cell, ':'); ok {
		id, known := o.byName[name]
		ref, ok := position(place)
		ref.Object = id
		if again, err := o.cite(ref); known && ok && err == nil && again == cell {
			return ref, nil
		}
	}
	return model.Ref{}, fmt.Errorf("evidence: %q is not a row of an input", cell)
}

// position reads what cite writes behind the name.
func position(place string) (ref model.Ref, ok bool) {
	if _, err := fmt.Sscanf(place, "group%d/row%d", &ref.Offset, &ref.Line); err == nil {
		return ref, true
	}
	_, err := fmt.Sscanf(place, "%d@%d", &ref.Line, &ref.Offset)
	return ref, err == nil
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
