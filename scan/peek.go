package scan

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
)

// Before the logs are paid for, a little of each source is read: enough to see
// which fields are filled, and whether the two sides speak of the same requests
// and sessions.

const (
	peekObjects = 3         // of a source
	peekBytes   = 512 << 10 // of an object, as stored
	peekRows    = 50_000    // of a source whose ids are kept
)

// glimpse is what was seen of one source.
type glimpse struct {
	src     *model.Source
	Objects int // to be read
	pruned  int // of other hours, by their names
	Bytes   int64
	Looked  int // objects looked at
	format  string
	problem string // of the first object that could not be read
	rows    int
	rejects int64
	reason  string // of the first reject
	outside int64  // rows of other hours
	notes   notes
	span    model.Span
	edge    edgeGlimpse
	origin  originGlimpse
}

// edgeGlimpse counts the edge rows that have an optional column.
type edgeGlimpse struct {
	suspect, port, timed, fine, cookie, addr int
	misses                                   []missed
}

type missed struct {
	id string
	at model.Instant
}

// originGlimpse counts the origin rows that have a field.
type originGlimpse struct {
	id, trace, session, user, sets, client, device, suspect int
	sessions, users                                         share
	ids                                                     map[string]bool
	covers                                                  []model.Span // by object
}

// share is how many of some things were found.
type share struct{ Found, Of int }

func (s *share) add(found bool) {
	s.Of++
	if found {
		s.Found++
	}
}

// peek looks into every source. Objects are chosen by their place in the list
// of names, which archives order by time: the first, the last, one between.
func (s *state) peek() ([]glimpse, error) {
	out := make([]glimpse, len(s.Incident.Sources))
	for i := range out {
		out[i].src = &s.Incident.Sources[i]
		out[i].origin.ids = map[string]bool{}
		var of []*object
		for k := range s.objects {
			switch o := &s.objects[k]; {
			case o.source != out[i].src:
			case o.pruned:
				out[i].pruned++
			default:
				of = append(of, o)
				out[i].Bytes += o.Size
			}
		}
		out[i].Objects = len(of)
		for _, o := range chosen(of) {
			if err := s.look(o, &out[i]); err != nil {
				return nil, err
			}
		}
		out[i].rejected(s.Incident.Thresholds.Rejects)
	}
	return out, nil
}

func chosen(of []*object) []*object {
	if len(of) <= peekObjects {
		return of
	}
	return []*object{of[0], of[len(of)/2], of[len(of)-1]}
}

// look reads the beginning of o. What is wrong beyond it is the scan's to say.
func (s *state) look(o *object, g *glimpse) error {
	again := *o
	r := &reader{state: s, memo: s.dec.NewMemo(), peek: g}
	file, err := s.store.Open(s.ctx, o.Object)
	if err != nil {
		g.note(err)
		return nil
	}
	defer file.Close()
	limited, reason := &io.LimitedReader{R: file, N: peekBytes}, g.reason
	err = r.safely(func() error { return r.decode(limited, &again) })
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	g.Looked++
	g.notes.merge(&r.notes)
	if again.first != 0 && g.src.Kind == model.SourceOrigin {
		g.origin.covers = append(g.origin.covers, model.Span{From: again.first, To: again.last})
	}
	if limited.N == 0 && again.balance.Rejected > 0 { // the look cut a record off
		if again.balance.Rejected--; again.balance.Rejected == 0 {
			g.reason = reason
		}
	}
	g.rejects += again.balance.Rejected
	g.outside += again.balance.Filtered
	if g.format == "" {
		g.format = again.format
	}
	if err != nil && limited.N > 0 { // else it ends where the look does
		g.note(err)
	}
	return nil
}

// rejected notes that more lines than the threshold allows are no rows.
func (g *glimpse) rejected(limit float64) {
	if lines := int64(g.rows) + g.rejects + g.outside; float64(g.rejects) > limit*float64(lines) {
		g.note(fmt.Errorf("%s of %s lines looked at were rejected, the first because: %s", commas(g.rejects), commas(lines), g.reason))
	}
}

func (g *glimpse) note(err error) {
	if g.problem == "" {
		g.problem = err.Error()
	}
}

func (g *glimpse) saw(at model.Instant) {
	g.rows++
	g.span = including(g.span, at)
}

func (g *glimpse) edgeRow(e *model.EdgeRow) {
	g.saw(e.End.Lo)
	x := &g.edge
	for _, c := range []struct {
		n  *int
		is bool
	}{
		{&x.suspect, e.Route != model.NoRoute}, {&x.port, e.Port != 0}, {&x.timed, e.Taken >= 0},
		{&x.fine, e.End.Hi.Sub(e.End.Lo) < fineStamp}, {&x.cookie, !e.Session.IsZero()}, {&x.addr, e.Client.IsValid()},
	} {
		if c.is {
			*c.n++
		}
	}
	if cache.Classify(e) == cache.Miss && len(x.misses) < peekRows {
		x.misses = append(x.misses, missed{e.ID, e.End.Lo})
	}
}

func (g *glimpse) originRow(s *state, o *model.OriginRow) {
	g.saw(o.Time.Lo)
	x := &g.origin
	for _, c := range []struct {
		n  *int
		is bool
	}{
		{&x.id, o.RequestID != ""}, {&x.trace, !o.Trace.IsZero()}, {&x.session, !o.Presented.IsZero()}, {&x.user, o.User != ""},
		{&x.sets, o.SetCookie != model.Unknown}, {&x.client, o.Client.IsValid()},
		{&x.device, !o.Device.IsZero()}, {&x.suspect, o.Route != model.NoRoute},
	} {
		if c.is {
			*c.n++
		}
	}
	if !o.Presented.IsZero() {
		_, known := s.dir.SessionUser(o.Presented)
		x.sessions.add(known)
	}
	if o.User != "" {
		_, known := s.dir.User(o.User)
		x.users.add(known)
	}
	if o.RequestID != "" && len(x.ids) < peekRows {
		x.ids[o.RequestID] = true
	}
}

// fineStamp is the width below which a stamp tells more than its second.
const fineStamp = 100 * time.Millisecond

// joined says how many of the edge Misses that were seen are found among the
// origin rows that were seen, of the stretches of time that these cover.
func joined(gs []glimpse) share {
	var out share
	for i := range gs {
		for _, m := range gs[i].edge.misses {
			covered, found := false, false
			for k := range gs {
				covered = covered || slices.ContainsFunc(gs[k].origin.covers, func(s model.Span) bool { return s.Contains(m.at) })
				found = found || gs[k].origin.ids[m.id]
			}
			if covered {
				out.add(found)
			}
		}
	}
	return out
}
