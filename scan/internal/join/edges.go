package join

import (
	"cmp"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Two deliveries of one log hold a request twice: with other columns, and
// stamps of other precision. Each may tell what the other leaves out, so their
// rows become one. Keeping the fuller of the two was rejected: the one with
// the finer stamp is not always the one with the cookie.

// settleEdges makes one row of those that are one, and names the others. The
// row that comes first in the order of what it tells, then of object and line,
// gives its place, so that the outcome does not depend on the order of reading.
func (r *Request) settleEdges() {
	slices.SortFunc(r.Edges, func(a, b model.EdgeRow) int {
		return cmp.Or(cmp.Compare(told(&b), told(&a)), a.Ref.Compare(b.Ref))
	})
	kept := r.Edges[:0]
next:
	for i := range r.Edges {
		row := r.Edges[i]
		for k := range kept {
			if sameEdge(&kept[k], &row) {
				merge(&kept[k], &row)
				r.Duplicates = append(r.Duplicates, row.Ref)
				continue next
			}
		}
		kept = append(kept, row)
	}
	r.Edges = kept
	slices.SortStableFunc(r.Edges, func(a, b model.EdgeRow) int {
		return cmp.Or(cmp.Compare(a.End.Lo, b.End.Lo), cmp.Compare(a.Line, b.Line))
	})
}

// told counts the optional columns that a row fills.
func told(e *model.EdgeRow) int {
	n := 0
	for _, has := range []bool{e.Port != 0, e.FirstByte >= 0, e.ResponseResult != "", e.Detailed != "", e.ContentLength >= 0, e.Protocol != "", e.Scheme != "", e.CookieLogged} {
		if has {
			n++
		}
	}
	return n
}

// sameEdge reports whether a and b are one row. Logs with other lists of
// columns can only be compared by what both of them tell.
func sameEdge(a, b *model.EdgeRow) bool {
	return a.Line == b.Line || a.Columns != b.Columns && a.Shared == b.Shared && agreeEdges(a, b)
}

// stampSlack is by how much the stamps of two deliveries may differ: one cuts
// digits off that the other rounds.
const stampSlack = time.Millisecond

// agreeEdges reports whether nothing that a tells contradicts b. Of what they
// present as a session nothing is said: two sources may write it differently.
func agreeEdges(a, b *model.EdgeRow) bool {
	return a.End.Widen(stampSlack).Overlaps(b.End) &&
		agreeTime(a.Taken, b.Taken) && agreeTime(a.FirstByte, b.FirstByte) &&
		agreeOn(a.Result, b.Result, "") && agreeOn(a.ResponseResult, b.ResponseResult, "") && agreeOn(a.Detailed, b.Detailed, "") &&
		agreeOn(a.Agent, b.Agent, model.ID{}) && agreeOn(a.Port, b.Port, 0) &&
		agreeOn(a.Bytes, b.Bytes, -1) && agreeOn(a.ContentLength, b.ContentLength, -1) &&
		agreeOn(a.RangeStart, b.RangeStart, -1) && agreeOn(a.RangeEnd, b.RangeEnd, -1) &&
		(a.Distribution != b.Distribution || agreeOn(a.Key, b.Key, model.ID{}))
}

// agreeOn reports whether two values are equal, or one was not told.
func agreeOn[V comparable](a, b, untold V) bool { return a == untold || b == untold || a == b }

func agreeTime(a, b time.Duration) bool {
	return a < 0 || b < 0 || (a-b).Abs() <= stampSlack
}

// merge adds to a what b tells besides, and where b stands. A copy of the row
// itself, which an object delivered twice holds, has nothing to add.
func merge(a, b *model.EdgeRow) {
	a.Also = append(a.Also, b.Ref)
	if a.Line == b.Line {
		return
	}
	a.End = finer(a.End, b.End)
	if a.Route == model.NoRoute { // its log may lack the host that a route names
		a.Route, a.Pattern = b.Route, b.Pattern
	}
	fill(&a.Host, b.Host, "")
	fill(&a.Path, b.Path, model.ID{})
	fill(&a.Key, b.Key, model.ID{})
	fill(&a.Taken, b.Taken, -1)
	fill(&a.FirstByte, b.FirstByte, -1)
	fill(&a.Port, b.Port, 0)
	fill(&a.Agent, b.Agent, model.ID{})
	fill(&a.Kind, b.Kind, model.ClientUnknown)
	fill(&a.Referer, b.Referer, model.RefererNone)
	fill(&a.Result, b.Result, "")
	fill(&a.ResponseResult, b.ResponseResult, "")
	fill(&a.Detailed, b.Detailed, "")
	fill(&a.Asked, b.Asked, model.Unknown)
	fill(&a.Scheme, b.Scheme, "")
	fill(&a.Protocol, b.Protocol, "")
	fill(&a.ContentType, b.ContentType, "")
	fill(&a.Bytes, b.Bytes, -1)
	fill(&a.ContentLength, b.ContentLength, -1)
	fill(&a.RangeStart, b.RangeStart, -1)
	fill(&a.RangeEnd, b.RangeEnd, -1)
	a.CookieLogged = a.CookieLogged || b.CookieLogged
	fill(&a.Session, b.Session, model.ID{})
}

// fill replaces a value that was not told.
func fill[V comparable](a *V, b, untold V) {
	if *a == untold {
		*a = b
	}
}

// finer returns the instants that both intervals allow, or, where they lie just
// beside each other, all of both.
func finer(a, b model.Interval) model.Interval {
	both := model.Interval{Lo: max(a.Lo, b.Lo), Hi: min(a.Hi, b.Hi)}
	if both.Lo < both.Hi {
		return both
	}
	return model.Interval{Lo: min(a.Lo, b.Lo), Hi: max(a.Hi, b.Hi)}
}
