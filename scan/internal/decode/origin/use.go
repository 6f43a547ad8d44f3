package origin

import (
	"slices"

	"github.com/spillscope/spillscope/model"
)

// Use says which fields of a source rows were asked for, and which they have.
// A field may be absent from one object for want of an event: whether the map
// is wrong shows over all objects of a source.
type Use struct {
	Asked, Seen set
	Names       []string // what fields or columns are called, of some rows or the header
}

// set is a set of fields.
type set uint32

func (s set) has(f Field) bool { return s&(1<<f) != 0 }

// maxNames bounds what is kept of logs in which keys are values.
const maxNames = 200

// Merge adds o. The order of merging shows only past maxNames.
func (u *Use) Merge(o Use) {
	u.Asked |= o.Asked
	u.Seen |= o.Seen
	names := slices.Concat(u.Names, o.Names)
	slices.Sort(names)
	names = slices.Compact(names)
	u.Names = names[:min(len(names), maxNames)]
}

// Missing says of each mapped field that no row has, and that goes by no name
// that was seen, that it is not there. A field that is null throughout has a
// name. Rows outside the spans are not asked for all: they show nothing of it.
func (u *Use) Missing(src *model.Source) []string {
	var out []string
	for f := range NumFields {
		theirs := src.Map[f.String()]
		if u.Asked.has(f) && !u.Seen.has(f) && find(u.Names, theirs) < 0 {
			out = append(out, lacks(f, theirs, u.Names))
		}
	}
	return out
}
