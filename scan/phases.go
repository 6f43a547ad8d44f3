package scan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// phases counts what happened between the events of the incident's timeline:
// did the mitigation stop it? A change reaches each location at its own time
// (semantics.md A2.24), so it counts by location, whatever the cache's scope.
// It grows with minutes and locations, not with traffic.
type phases struct {
	marks   []model.Event // what begins phases[1:], by time
	names   []string
	minutes map[phaseKey]*model.PhaseMinute
	totals  []phaseTotal
}

type phaseKey struct {
	minute   model.Instant
	location string
	phase    int
}

// phaseTotal is what minutes are too coarse for.
type phaseTotal struct {
	span   model.Span    // of its deliveries
	fill   model.Instant // the last session-bearing one
	access int
	served int // of access, that the origin answered without an error
}

// newPhases cuts time at the events of the timeline; where there is none, at
// the ends of the window.
func newPhases(inc *model.Incident) *phases {
	p := &phases{minutes: map[phaseKey]*model.PhaseMinute{}}
	if len(inc.Timeline) == 0 {
		w := inc.Window.Span
		p.marks = []model.Event{{At: w.From, What: "the window begins"}, {At: w.To + 1, What: "the window ends"}}
		p.names = []string{"before the window", "in the window", "after the window"}
	} else {
		p.marks = slices.SortedStableFunc(slices.Values(inc.Timeline), func(a, b model.Event) int { return cmp.Compare(a.At, b.At) })
		p.names = phaseNames(p.marks)
	}
	p.totals = make([]phaseTotal, len(p.names))
	return p
}

// phaseNames names each phase by what began it. The second revert is numbered.
func phaseNames(marks []model.Event) []string {
	names := []string{"before " + marks[0].What}
	times := map[string]int{}
	for _, m := range marks {
		name := "after " + m.What
		if times[m.What]++; times[m.What] > 1 {
			name = fmt.Sprintf("%s (%d)", name, times[m.What])
		}
		names = append(names, name)
	}
	return names
}

// of returns the phase of an instant: the number of events up to it.
func (p *phases) of(t model.Instant) int {
	n, _ := slices.BinarySearchFunc(p.marks, t, func(e model.Event, t model.Instant) int {
		if e.At <= t {
			return -1
		}
		return 1
	})
	return n
}

func (p *phases) at(t model.Instant, location string) *model.PhaseMinute {
	k := phaseKey{truncate(t, time.Minute), location, p.of(t)}
	m := p.minutes[k]
	if m == nil {
		m = &model.PhaseMinute{Minute: k.minute, Location: location, Phase: p.names[k.phase]}
		p.minutes[k] = m
	}
	return m
}

// request counts a row of a suspect route.
func (p *phases) request(e *model.EdgeRow, hit, sessionFill bool) {
	m := p.at(e.End.Lo, e.Location)
	m.Requests++
	if hit {
		m.Hits++
	}
	if sessionFill {
		m.SessionFills++
		t := &p.totals[p.of(e.End.Lo)]
		t.fill = max(t.fill, e.End.Lo)
	}
}

// hit counts a judged hit.
func (p *phases) hit(e *model.EdgeRow, c *counted) {
	if c.delivered {
		p.at(e.End.Lo, e.Location).Deliveries++
		t := &p.totals[p.of(e.End.Lo)]
		t.span = including(t.span, e.End.Lo)
	}
	if c.used {
		p.at(e.End.Lo, e.Location).Used++
	}
}

// access counts a request that a recipient made as the holder.
func (p *phases) access(at model.Instant, status int) {
	t := &p.totals[p.of(at)]
	t.access++
	if status < 400 {
		t.served++
	}
}

// servedAfter returns how many of them were answered from an event on.
func (p *phases) servedAfter(event model.Instant) int {
	n := 0
	for _, t := range p.totals[p.of(event):] {
		n += t.served
	}
	return n
}

func (p *phases) sorted() []*model.PhaseMinute {
	keys := slices.SortedFunc(maps.Keys(p.minutes), func(a, b phaseKey) int {
		return cmp.Or(cmp.Compare(a.minute, b.minute), cmp.Compare(a.location, b.location), cmp.Compare(a.phase, b.phase))
	})
	out := make([]*model.PhaseMinute, len(keys))
	for i, k := range keys {
		out[i] = p.minutes[k]
	}
	return out
}

// results sums up each phase. judged is the span in which hits are judged.
func (p *phases) results(judged model.Span) []model.PhaseResult {
	out := make([]model.PhaseResult, len(p.names))
	where := make([]map[string]bool, len(p.names))
	for i, name := range p.names {
		r, t := &out[i], &p.totals[i]
		from, to := judged.From, judged.To
		if i > 0 {
			r.Event, from = p.marks[i-1].What, p.marks[i-1].At
		}
		if i < len(p.marks) {
			to = p.marks[i].At
		}
		r.Judged = from <= judged.To && to > judged.From
		if r.Judged {
			to = min(to, judged.To)
		}
		r.Phase, r.From, r.To = name, from.String(), max(from, to).String()
		r.AccessRows = t.access
		r.FirstDelivery, r.LastDelivery, r.LastFill = t.span.From.String(), t.span.To.String(), t.fill.String()
		where[i] = map[string]bool{}
	}
	for k, m := range p.minutes {
		r := &out[k.phase]
		r.Requests += m.Requests
		r.Hits += m.Hits
		r.SessionFills += m.SessionFills
		r.Deliveries += m.Deliveries
		r.Used += m.Used
		if m.Deliveries > 0 {
			where[k.phase][k.location] = true
		}
	}
	for i := range out {
		out[i].Locations = len(where[i])
	}
	return out
}
