package scan

import (
	"time"

	"github.com/spillscope/spillscope/model"
)

// part says which stretch of time a row belongs to.
type part int

// The parts. Control spans are numbered from control upwards.
const (
	nowhere part = iota // read for sightings only
	window              // the incident
	margin              // around it: reconstructed, reported apart
	control
)

// spans are the stretches of time that a scan looks at.
type spans struct {
	read  []model.Span // rows outside are filtered
	parts []spanPart   // in order of precedence
}

type spanPart struct {
	span model.Span
	part part
}

// longestResponse bounds how long after its request a row may be stamped, for
// leaving objects out by the hour in their names (semantics.md A2.12).
const longestResponse = time.Hour

// newSpans lays out the incident's window and its control spans. A stored
// response may have arrived up to its whole life before the window.
func newSpans(inc *model.Incident) spans {
	w := inc.Window
	around := around(inc)
	follow := max(w.FollowUntil.Sub(w.Span.To), around)
	back := max(w.Lookback, around)
	s := spans{
		read:  []model.Span{w.Span.Extend(back, follow)},
		parts: []spanPart{{w.Span, window}, {w.Span.Extend(around, around), margin}},
	}
	for i, c := range inc.Control {
		s.read = append(s.read, c.Extend(back, follow))
		// Fills just before a control span serve it too.
		s.parts = append(s.parts, spanPart{c, control + part(2*i)}, spanPart{c.Extend(around, around), control + part(2*i+1)})
	}
	return s
}

// around is how far around a span rows are reconstructed too.
func around(inc *model.Incident) time.Duration {
	return max(inc.Window.Margin, longestLife(inc)+time.Minute)
}

// longestLife bounds how old a response can be that a cache hands out.
func longestLife(inc *model.Incident) time.Duration {
	life := inc.Cache.TTL.Max
	for i := range inc.Routes {
		life = max(life, inc.RouteTTL(i).Max)
	}
	return life + inc.Cache.ErrorTTL
}

// of returns the part that t belongs to.
func (s *spans) of(t model.Instant) part {
	for _, p := range s.parts {
		if p.span.Contains(t) {
			return p.part
		}
	}
	return nowhere
}

// judged is the window with its margin: hits elsewhere are not looked at.
func (s *spans) judged() model.Span { return s.parts[1].span }

// control returns which control span p is the core of, or -1.
func (p part) control() int {
	if p < control || (p-control)%2 == 1 {
		return -1
	}
	return int(p-control) / 2
}

// needs reports whether an object that holds requests from one time until
// another may have rows inside the spans. Its rows are stamped when they end.
func (s *spans) needs(from, to time.Time) bool {
	hours := model.Span{From: model.InstantOf(from), To: model.InstantOf(to.Add(longestResponse))}
	for _, r := range s.read {
		if hours.From <= r.To && r.From <= hours.To {
			return true
		}
	}
	return false
}
