package scan

import (
	"fmt"
	"time"

	"github.com/spillscope/spillscope/model"
)

// edgeLimits is what a row of the edge's log may leave open, depending on the
// form and the fields of its delivery, and what follows. Where another
// delivery tells it the row has it.
var edgeLimits = [...]struct {
	lacks func(*model.EdgeRow) bool
	words string
}{
	{func(e *model.EdgeRow) bool { return e.End.Hi.Sub(e.End.Lo) >= time.Second },
		"are stamped by the second: what happened first within a second is left open"},
	{func(e *model.EdgeRow) bool { return e.Taken < 0 },
		"have no time-taken: when the request came is left open by 30 s"},
	{func(e *model.EdgeRow) bool { return e.FirstByte < 0 },
		"have no time-to-first-byte: when a response could be stored is known by its end alone"},
	{func(e *model.EdgeRow) bool { return e.ResponseResult == "" },
		"have no x-edge-response-result-type: a hit that its client broke off counts as an error"},
	{func(e *model.EdgeRow) bool { return e.Detailed == "" },
		"have no x-edge-detailed-result-type: what Origin Shield or a function answered cannot be told"},
	{func(e *model.EdgeRow) bool { return e.Port == 0 },
		"have no c-port: clients behind one address are told apart by their User-Agent alone"},
	{func(e *model.EdgeRow) bool { return e.ContentLength < 0 && e.Status == 200 },
		"have no sc-content-len: forms of one object, such as compressed ones, cannot be told by their length"},
	{func(e *model.EdgeRow) bool { return !e.CookieLogged },
		"do not show the Cookie header, or cut off: that they present no session cannot be said"},
}

// unsaid counts the rows of the window on suspect routes that leave open each
// of edgeLimits.
type unsaid struct {
	rows int
	by   [len(edgeLimits)]int
}

func (u *unsaid) row(e *model.EdgeRow) {
	u.rows++
	for i := range edgeLimits {
		if edgeLimits[i].lacks(e) {
			u.by[i]++
		}
	}
}

// limits says what the edge's log, in the forms it was delivered in, cannot.
func (s *state) limits() []string {
	var out []string
	u := &s.tally.unsaid
	for i, n := range u.by {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d of %d edge rows on the suspect routes %s.", n, u.rows, edgeLimits[i].words))
		}
	}
	if n := s.notes.cutCookies; n > 0 {
		out = append(out, fmt.Sprintf("Real-time logs cut the Cookie header off at 800 bytes, as on %d rows here: a session that stood behind is not shown.", n))
	}
	return out
}
