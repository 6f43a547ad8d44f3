package scan

import (
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
)

// Leak is when a cache began and ceased to hand out sessions, for the
// manifest. An empty bound is beyond what was read.
type Leak struct {
	Cache   string `json:"cache"`
	FromLo  string `json:"from_lo_utc,omitempty"`
	FromHi  string `json:"from_hi_utc"`
	ToLo    string `json:"to_lo_utc"`
	ToHi    string `json:"to_hi_utc,omitempty"`
	Fills   int64  `json:"fills"`
	Clean   int64  `json:"fills_without_session"`
	Outside int64  `json:"session_fills_outside"`
}

// fillOf counts a fill for the onset and the end of the leak, if it is known
// whether it carried a session. Where that is assumed of every request with a
// session, those of before the change would count too.
func (t *tally) fillOf(row *cacheRow, bears bool) {
	if row.Hold.Rung == model.RungUnknown || row.Hold.Assumed {
		return
	}
	l := t.onsets[row.Cache]
	if l == nil {
		l = &calibrate.Leak{}
		t.onsets[row.Cache] = l
	}
	l.Fill(row.Edge.End.Lo, bears)
}

// leakSpans returns when each cache leaked.
func (t *tally) leakSpans() map[string]calibrate.LeakSpan {
	out := map[string]calibrate.LeakSpan{}
	for name, l := range t.onsets {
		if s, ok := l.Span(); ok {
			out[name] = s
		}
	}
	return out
}

func (s *state) leakReport() []Leak {
	out := []Leak{}
	spans := s.tally.leakSpans()
	for _, name := range slices.Sorted(maps.Keys(spans)) {
		l := spans[name]
		out = append(out, Leak{name, l.FromLo.String(), l.FromHi.String(), l.ToLo.String(), l.ToHi.String(), l.Fills, l.Clean, l.Outside})
	}
	return out
}

// misplaced is how far the window may begin before the leak, or end after it,
// before a sentence is due: as a share of it, and at least.
const (
	misplaced      = 3
	leastMisplaced = 10 * time.Minute
)

// onset compares the leak with the window.
func (d *diagnosis) onset() {
	w := d.Incident.Window.Span
	far := max(leastMisplaced, w.To.Sub(w.From)/misplaced)
	spans := d.tally.leakSpans()
	var first, last string
	for _, name := range slices.Sorted(maps.Keys(spans)) {
		if s := spans[name]; first == "" || s.FromHi < spans[first].FromHi {
			first = name
		}
		if s := spans[name]; last == "" || s.ToLo > spans[last].ToLo {
			last = name
		}
	}
	if first == "" {
		return
	}
	from, to := spans[first], spans[last]
	if from.FromHi <= w.From {
		d.warn("the leak began before your window: %s filled with sessions by %v, window.from is %v: set it to %v or earlier", first, from.FromHi, w.From, earlier(from))
	}
	if to.ToLo > w.To {
		d.warn("the leak ended after your window: %s still filled with sessions at %v, window.to is %v", last, to.ToLo, w.To)
	}
	if from.FromLo != 0 && from.FromLo.Sub(w.From) > far {
		d.warn("no location leaked before %v, %v after window.from (the first was %s): is the window right, are the logs whole?", from.FromLo, from.FromLo.Sub(w.From).Round(time.Minute), first)
	}
	if to.ToHi != 0 && w.To.Sub(to.ToHi) > far {
		d.warn("no location leaked after %v, %v before window.to (the last was %s)", to.ToHi, w.To.Sub(to.ToHi).Round(time.Minute), last)
	}
}

// earlier returns the earliest instant that the leak may have begun at.
func earlier(s calibrate.LeakSpan) model.Instant {
	if s.FromLo == 0 {
		return s.FromHi
	}
	return s.FromLo
}
