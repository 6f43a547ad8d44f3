package scan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
)

// notes is what decoding noticed besides rows, for diagnoses: also about rows
// outside the spans.
type notes struct {
	origin      origin.Stats
	edgeCookies bool // some edge row had a cookie logged
	cookieRows  int64
	sessionRows int64 // of them, with a session of the incident's cookie
	badForms    int64
	withoutID   int64 // origin rows without a request id
	cutCookies  int64 // rows whose Cookie header a real-time log cut off
	uses        map[*model.Source]origin.Use
	strays      strays
	instances   bool               // some origin row names the instance that wrote it
	told        map[string]objects // what was odd about them
}

// objects are some that have one thing in common: how many, and which is the
// first by name.
type objects struct {
	n     int
	first string
}

// read adds what a decoder saw of an object of src. Sightings are no requests:
// what they say of sessions and times must not pass for the origin's.
func (n *notes) read(src *model.Source, stats origin.Stats, use origin.Use) {
	if src.Kind == model.SourceOrigin {
		n.origin.Merge(stats)
	}
	n.use(src, use)
}

func (n *notes) use(src *model.Source, use origin.Use) {
	if n.uses == nil {
		n.uses = map[*model.Source]origin.Use{}
	}
	of := n.uses[src]
	of.Merge(use)
	n.uses[src] = of
}

// lackingFields says which fields the map of a source names and no row of it
// has, in the order of the incident file.
func (n *notes) lackingFields() []string {
	var out []string
	sources := slices.SortedFunc(maps.Keys(n.uses), func(a, b *model.Source) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.URI, b.URI))
	})
	for _, src := range sources {
		use := n.uses[src]
		for _, lack := range use.Missing(src) {
			out = append(out, fmt.Sprintf("source in line %d of the incident file (%s): %s", src.Line, src.URI, lack))
		}
	}
	return out
}

func (n *notes) warn(uri, text string) { n.warnOf(objects{1, uri}, text) }

func (n *notes) warnOf(o objects, text string) {
	if n.told == nil {
		n.told = map[string]objects{}
	}
	if of, ok := n.told[text]; ok {
		o = objects{o.n + of.n, min(o.first, of.first)}
	}
	n.told[text] = o
}

// warnings says what was odd about objects, each thing once.
func (n *notes) warnings() []string {
	var out []string
	for text, o := range n.told {
		if o.n > 1 {
			o.first = times(int64(o.n), "object") + ", " + o.first + " among them"
		}
		out = append(out, o.first+": "+text)
	}
	slices.Sort(out)
	return out
}

// merge adds o. The order of merging does not show.
func (n *notes) merge(o *notes) {
	n.origin.Merge(o.origin)
	for src, use := range o.uses {
		n.use(src, use)
	}
	n.edgeCookies = n.edgeCookies || o.edgeCookies
	n.cookieRows += o.cookieRows
	n.sessionRows += o.sessionRows
	n.badForms += o.badForms
	n.withoutID += o.withoutID
	n.cutCookies += o.cutCookies
	n.instances = n.instances || o.instances
	for l, k := range o.strays {
		if n.strays == nil {
			n.strays = strays{}
		}
		n.strays[l] += k
	}
	for text, of := range o.told {
		n.warnOf(of, text)
	}
}

// stray notes an origin row without a request id. What somebody was told of is
// no request at the origin, and has no place there.
func (n *notes) stray(row *model.OriginRow, source int) {
	if row.Told {
		return
	}
	n.withoutID++
	if n.strays == nil {
		n.strays = strays{}
	}
	n.strays[lane{source: source, client: row.Client.IsValid()}]++
}
