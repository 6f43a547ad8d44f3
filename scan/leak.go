package scan

import (
	"maps"
	"slices"

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
