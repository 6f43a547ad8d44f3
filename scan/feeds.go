package scan

import (
	"fmt"

	"github.com/spillscope/spillscope/model"
)

// feed is one of several ways on which edge rows came here: a source, in one
// format. Where CloudFront was told to write a log twice, a request stands in
// two feeds.
type feed struct {
	source *model.Source
	format string
	span   model.Span // of the rows that were read
}

// feeds are those of a scan, with what was found in which.
type feeds struct {
	list  []feed
	of    map[uint32]int // object → feed
	pairs map[[2]int]*shared
}

// shared counts the rows that lie where both feeds of a pair have some.
type shared struct{ both, first, second int64 }

// maxFeeds keeps a row's feeds in one word. An archive of one source an hour
// is no set of copies.
const maxFeeds = 64

// newFeeds lists the feeds of the objects that were read.
func newFeeds(objects []object) *feeds {
	f := &feeds{of: map[uint32]int{}, pairs: map[[2]int]*shared{}}
	index := map[feed]int{}
	for i := range objects {
		o := &objects[i]
		if !o.edge || o.first == 0 {
			continue
		}
		name := feed{source: o.source, format: o.format}
		n, ok := index[name]
		if !ok {
			n = len(f.list)
			index[name] = n
			name.span = model.Span{From: o.first, To: o.last}
			f.list = append(f.list, name)
		}
		f.of[o.number] = n
		span := &f.list[n].span
		span.From, span.To = min(span.From, o.first), max(span.To, o.last)
	}
	return f
}

// row counts a row and leaves in Also what cites it in other feeds; copies in
// its own, which an object delivered twice makes, are no evidence of their own.
func (f *feeds) row(e *model.EdgeRow) {
	if len(f.list) < 2 || len(f.list) > maxFeeds {
		e.Also = nil
		return
	}
	in := uint64(1) << f.of[e.Ref.Object]
	kept := e.Also[:0]
	for _, ref := range e.Also {
		if bit := uint64(1) << f.of[ref.Object]; in&bit == 0 {
			in |= bit
			kept = append(kept, ref)
		}
	}
	e.Also = kept
	for a := range f.list {
		for b := a + 1; b < len(f.list); b++ {
			f.pair(a, b, in, e.End)
		}
	}
}

func (f *feeds) pair(a, b int, in uint64, end model.Interval) {
	hasA, hasB := in>>a&1 == 1, in>>b&1 == 1
	if !hasA && !hasB || !f.common(a, b, end) {
		return
	}
	n := f.pairs[[2]int{a, b}]
	if n == nil {
		n = &shared{}
		f.pairs[[2]int{a, b}] = n
	}
	switch {
	case hasA && hasB:
		n.both++
	case hasA:
		n.first++
	default:
		n.second++
	}
}

// common reports whether a row lies where both feeds have rows. Before and
// after, one of them was not yet or no longer on.
func (f *feeds) common(a, b int, end model.Interval) bool {
	x, y := f.list[a].span, f.list[b].span
	return max(x.From, y.From) <= end.Lo && end.Hi <= min(x.To, y.To)
}

// words says of each pair of feeds that share rows how many.
func (f *feeds) words() []string {
	var out []string
	for a := range f.list {
		for b := a + 1; b < len(f.list); b++ {
			if n := f.pairs[[2]int{a, b}]; n != nil && n.both > 0 {
				out = append(out, f.sentence(&f.list[a], &f.list[b], *n))
			}
		}
	}
	return out
}

func (f *feeds) sentence(a, b *feed, n shared) string {
	text := fmt.Sprintf("%.1f %% of %d edge rows were seen in both deliveries of the log, %s and %s: %d only in the former, %d only in the latter",
		100*float64(n.both)/float64(n.both+n.first+n.second), n.both+n.first+n.second, a.name(), b.name(), n.first, n.second)
	switch {
	case sampling(a.source, a.format) != "" || sampling(b.source, b.format) != "":
		return text + ". One of them is a sample, so this does not tell how many rows were lost"
	case n.first+n.second == 0:
		return text + ". Neither lost a row that the other has"
	}
	return text + fmt.Sprintf(". Log delivery is best effort: the former lost the %d, the latter the %d; if they lose rows independently, about %.0f are in neither",
		n.second, n.first, float64(n.first)*float64(n.second)/float64(n.both))
}

func (f *feed) name() string { return fmt.Sprintf("%s (%s)", f.format, f.source.URI) }
