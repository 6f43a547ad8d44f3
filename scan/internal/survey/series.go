package survey

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// maxSteps is the most steps that a series keeps: eleven days of minutes.
const maxSteps = 1 << 14

// widths are the steps that a series may have; each divides the next.
var widths = [...]time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

// series counts rows by the minute, or by longer steps when logs are long.
type series struct {
	level       int // index in widths
	rows        map[model.Instant]int64
	first, last model.Instant
	total       int64
}

func newSeries() series { return series{rows: map[model.Instant]int64{}} }

func (s *series) width() time.Duration { return widths[s.level] }

func floor(t model.Instant, d time.Duration) model.Instant { return t - t%model.Instant(d) }

func (s *series) add(t model.Instant) {
	if s.total == 0 || t < s.first {
		s.first = t
	}
	s.last = max(s.last, t)
	s.total++
	s.count(floor(t, s.width()), 1)
}

func (s *series) count(t model.Instant, n int64) {
	s.rows[t] += n
	for len(s.rows) > maxSteps && s.level < len(widths)-1 {
		s.coarsen(s.level + 1)
	}
}

func (s *series) coarsen(level int) {
	s.level = level
	old := s.rows
	s.rows = map[model.Instant]int64{}
	for t, n := range old {
		s.rows[floor(t, s.width())] += n
	}
}

func (s *series) merge(o *series) {
	if o.total == 0 {
		return
	}
	if s.total == 0 || o.first < s.first {
		s.first = o.first
	}
	s.last = max(s.last, o.last)
	s.total += o.total
	if o.level > s.level {
		s.coarsen(o.level)
	}
	for t, n := range o.rows {
		s.count(floor(t, s.width()), n)
	}
}

// times returns the steps that have rows, in order.
func (s *series) times() []model.Instant { return slices.Sorted(maps.Keys(s.rows)) }

// minGap is the shortest silence worth telling; 5 minutes is also what the
// incident file tolerates by default.
const minGap = 5 * time.Minute

// gaps lists the silences between the first row and the last. Sparse logs are
// silent all the time, so a silence must also be long for this log.
func (s *series) gaps() []model.Span {
	at := s.times()
	if len(at) < 2 {
		return nil
	}
	// Time in which rows were written: all steps with rows in them.
	usual := time.Duration(len(at)) * s.width() / time.Duration(s.total)
	least := max(minGap, s.width(), 20*usual)
	var out []model.Span
	for i := 1; i < len(at); i++ {
		from := at[i-1].Add(s.width())
		if at[i].Sub(from) >= least {
			out = append(out, model.Span{From: from, To: at[i]})
		}
	}
	slices.SortStableFunc(out, func(a, b model.Span) int { return cmp.Compare(a.From, b.From) })
	return out
}

// pace returns the median and the greatest rows a minute of steps with rows.
func (s *series) pace() (median, most float64) {
	var ns []int64
	for _, n := range s.rows {
		ns = append(ns, n)
	}
	if len(ns) == 0 {
		return 0, 0
	}
	slices.Sort(ns)
	minutes := s.width().Minutes()
	return float64(ns[len(ns)/2]) / minutes, float64(ns[len(ns)-1]) / minutes
}
