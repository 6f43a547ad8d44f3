package decode

import (
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// InSpans reports whether an instant of v can lie in one of spans. No spans
// at all mean that everything is asked for.
func InSpans(spans []model.Span, v model.Interval) bool {
	return len(spans) == 0 || slices.ContainsFunc(spans, func(s model.Span) bool {
		return v.Lo <= s.To && s.From < v.Hi
	})
}

// Arena keeps short strings that are all different, such as request ids, in
// blocks: one allocation for a thousand of them. A string pins its block, so
// clone what outlives the rows around it.
type Arena struct{ block strings.Builder }

const arenaBlock = 64 << 10

// String returns b as a string.
func (a *Arena) String(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if a.block.Len()+len(b) > a.block.Cap() {
		a.block = strings.Builder{}
		a.block.Grow(max(arenaBlock, len(b)))
	}
	from := a.block.Len()
	a.block.Write(b)
	return a.block.String()[from:]
}
