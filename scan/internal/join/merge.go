package join

import (
	"cmp"
	"slices"

	"github.com/spillscope/spillscope/model"
)

// Log is what the rows of one source have in common.
type Log struct {
	Source int
	Shows  bool // it logs sessions, or users
}

// Merge brings together the rows that tell of one request at the origin: a load
// balancer's, a proxy's and the application's own, each of which knows a part.
// rows are of one request id, or of one trace; of tells what log an object is a
// part of. Rows stay apart where they contradict each other, and where one log
// has several: the edge tries again under the same id.
//
// Of what several rows tell, that of the row which names the session counts,
// and it is the one that is cited, the others beside it. Only the stamp is that
// of the row whose clock reads finest.
func Merge(rows []model.OriginRow, of func(object uint32) Log) []model.OriginRow {
	if len(rows) < 2 {
		return rows
	}
	slices.SortStableFunc(rows, func(a, b model.OriginRow) int {
		return cmp.Or(knows(&b, of)-knows(&a, of), byContent(a, b))
	})
	kept := rows[:0]
	var logs [][]int // that each kept row is made of
next:
	for i := range rows {
		r := rows[i]
		from := of(r.Ref.Object).Source
		for k := range kept {
			traced := !r.Trace.IsZero() && r.Trace == kept[k].Trace
			if (traced || !slices.Contains(logs[k], from)) && agree(&kept[k], &r) {
				add(&kept[k], &r)
				logs[k] = append(logs[k], from)
				continue next
			}
		}
		kept = append(kept, r)
		logs = append(logs, []int{from})
	}
	slices.SortStableFunc(kept, byContent)
	return kept
}

// byContent orders rows by what they say, not by where they stand.
func byContent(a, b model.OriginRow) int {
	return cmp.Or(cmp.Compare(a.Time.Lo, b.Time.Lo), cmp.Compare(a.Line, b.Line))
}

// knows ranks rows by how much of the session they name. Where the application
// names none, that is what it knows; what a proxy does not log it does not know.
func knows(r *model.OriginRow, of func(uint32) Log) int {
	switch {
	case !r.Presented.IsZero():
		return 4
	case !r.Issued.IsZero():
		return 3
	case r.User != "":
		return 2
	case of(r.Ref.Object).Shows:
		return 1
	}
	return 0
}

// agree reports whether a and b may tell of one request.
func agree(a, b *model.OriginRow) bool {
	return same(a.Trace, b.Trace) && same(a.Method, b.Method) && same(a.Path, b.Path) && same(a.Status, b.Status) &&
		same(a.Presented, b.Presented) && same(a.Issued, b.Issued) && same(a.User, b.User) && a.Told == b.Told
}

// same reports whether a and b are equal as far as both are known.
func same[T comparable](a, b T) bool {
	var none T
	return a == none || b == none || a == b
}

// add fills in what r leaves open with what o tells.
func add(r, o *model.OriginRow) {
	r.Also = append(append(r.Also, o.Ref), o.Also...)
	slices.SortFunc(r.Also, model.Ref.Compare)
	if o.Time.Hi.Sub(o.Time.Lo) < r.Time.Hi.Sub(r.Time.Lo) {
		r.Time, r.Taken, r.Instance, r.Ahead = o.Time, o.Taken, o.Instance, o.Ahead
	}
	if r.SetCookie != model.Yes && o.SetCookie != model.Unknown {
		r.SetCookie = o.SetCookie // what one saw being set was set, though another saw nothing
	}
	if !r.Client.IsValid() {
		r.Client = o.Client
	}
	if r.Path.IsZero() {
		r.Path, r.Route, r.Pattern, r.Category = o.Path, o.Route, o.Pattern, o.Category
	}
	r.Entrance = r.Entrance || o.Entrance
	r.RequestID, r.Host, r.Method = cmp.Or(r.RequestID, o.RequestID), cmp.Or(r.Host, o.Host), cmp.Or(r.Method, o.Method)
	r.Status, r.User, r.Lasting = cmp.Or(r.Status, o.Status), cmp.Or(r.User, o.User), cmp.Or(r.Lasting, o.Lasting)
	r.Trace, r.Presented, r.Issued = cmp.Or(r.Trace, o.Trace), cmp.Or(r.Presented, o.Presented), cmp.Or(r.Issued, o.Issued)
	r.Agent, r.Device = cmp.Or(r.Agent, o.Agent), cmp.Or(r.Device, o.Device)
}
