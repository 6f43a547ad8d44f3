// Package place finds the requests to which origin rows without a request id
// belong (formats.md 10, step c): those that the edge was answering at the
// instant of the row's stamp, by the same path and, where the row has it, for
// the same viewer's address.
//
// A row proves that the origin was asked. Of whom it tells is sure only where
// nothing else fits; where several rows fit one request, all of them are
// returned with their weights, and whoever asks decides what they share.
package place

import (
	"cmp"
	"slices"

	"github.com/spillscope/spillscope/model"
)

// Request is one that the edge sent to the origin, as the edge's clock and its
// rounding allow: it was under way within [From, To].
type Request struct {
	From, To model.Instant
	Method   string
	Status   int
	Host     string
	Agent    model.ID
}

// Row is an origin row, its stamp on the edge's clock. A field that is zero was
// not logged, or says nothing.
type Row struct {
	At     model.Interval
	Method string
	Status int
	Host   string
	Agent  model.ID
}

// Fit is a row that may be a request's.
type Fit struct {
	Row   int
	Share float64 // how likely it is the request's own, all fitting ones being alike
}

// Found is what was found for one request.
type Found struct {
	Row  int   // assigned to it one to one; -1: none is left for it
	Fits []Fit // all that fit, by their stamps
	Sole bool  // Row fits no other request, and nothing else fits this one
	Sure bool  // the origin answered it: of all that compete for its rows none goes without
}

// Match matches requests and rows that were grouped by what must be equal:
// path, and address where rows have it. sameViewer says that the group is of
// one address: its requests at one moment are most likely of one client, so
// that another request that fits takes nothing from a row's weight.
func Match(requests []Request, rows []Row, sameViewer bool) []Found {
	out := make([]Found, len(requests))
	byStamp := order(rows)
	takers := make([]int, len(rows)) // requests that a row fits
	for i := range requests {
		out[i].Row = -1
		for _, n := range byStamp {
			if requests[i].fits(&rows[n]) {
				out[i].Fits = append(out[i].Fits, Fit{Row: n})
				takers[n]++
			}
		}
	}
	assign(requests, rows, byStamp, out)
	for i := range out {
		f := &out[i]
		for k := range f.Fits {
			rivals := len(f.Fits)
			if !sameViewer {
				rivals = max(rivals, takers[f.Fits[k].Row])
			}
			f.Fits[k].Share = 1 / float64(rivals)
		}
		f.Sole = f.Row >= 0 && len(f.Fits) == 1 && takers[f.Row] == 1
	}
	ensure(out, len(rows))
	return out
}

// ensure sets Sure: where there are as many rows as requests that compete for
// them, each has its own, whichever it is.
func ensure(out []Found, rows int) {
	group := make([]int, rows) // of rows that fit one request
	for n := range group {
		group[n] = n
	}
	root := func(n int) int {
		for group[n] != n {
			n = group[n]
		}
		return n
	}
	for i := range out {
		for _, f := range out[i].Fits {
			group[root(f.Row)] = root(out[i].Fits[0].Row)
		}
	}
	without := make([]bool, rows)
	for i := range out {
		if f := &out[i]; f.Row < 0 && len(f.Fits) > 0 {
			without[root(f.Fits[0].Row)] = true
		}
	}
	for i := range out {
		f := &out[i]
		f.Sure = f.Row >= 0 && !without[root(f.Row)]
	}
}

func order(rows []Row) []int {
	out := make([]int, len(rows))
	for n := range out {
		out[n] = n
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(rows[a].At.Lo, rows[b].At.Lo) })
	return out
}

// assign gives each row, in the order of stamps, to the request under way that
// ends first: no other rule leaves fewer requests without a row.
func assign(requests []Request, rows []Row, byStamp []int, out []Found) {
	for _, n := range byStamp {
		best := -1
		for i := range requests {
			if out[i].Row < 0 && (best < 0 || requests[i].To < requests[best].To) && requests[i].fits(&rows[n]) {
				best = i
			}
		}
		if best >= 0 {
			out[best].Row = n
		}
	}
}

// fits reports whether row may be r's.
func (r *Request) fits(row *Row) bool {
	return row.At.Lo <= r.To && row.At.Hi >= r.From && r.Alike(row)
}

// Alike reports whether row may be r's whenever it was stamped.
func (r *Request) Alike(row *Row) bool {
	return same(r.Method, row.Method) && same(r.Host, row.Host) && same(r.Agent, row.Agent) && answers(r.Status, row.Status)
}

func same[T comparable](a, b T) bool {
	var none T
	return a == none || b == none || a == b
}

// answers reports whether the edge may have sent status where the origin logged
// answer: it confirms with 304 what it then sends whole, cuts parts out of a
// whole, and logs 000 where the viewer had left.
func answers(status, answer int) bool {
	switch {
	case status == answer, status == 0, answer == 0:
		return true
	case status == 304 || answer == 304 || status == 206 || answer == 206:
		return success(status) && success(answer)
	}
	return false
}

func success(status int) bool { return status >= 200 && status < 300 || status == 304 }
