package calibrate

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Writer is who stamps origin rows: one instance of what one source logs. Each
// has a clock, and a source a time zone, of its own.
type Writer struct {
	Source   int
	Instance string
}

// Compare orders writers.
func (w Writer) Compare(o Writer) int {
	return cmp.Or(cmp.Compare(w.Source, o.Source), cmp.Compare(w.Instance, o.Instance))
}

// Writers compares the clocks of all who stamp origin rows. The zero Writers is
// empty and ready to use.
type Writers struct {
	by map[Writer]*stamps
}

// stamps are the differences of one writer, stamp minus the request's start.
type stamps struct {
	near  lags
	far   far
	width int64
	n     int64
}

// maxWriters bounds memory: where there are more, whatever was mapped names
// requests, not instances, and the others share a clock.
const maxWriters = 1000

// Add notes the stamp of an origin row that was joined to a request.
func (w *Writers) Add(by Writer, start, stamp model.Interval) {
	s := w.by[by]
	if s == nil {
		if len(w.by) >= maxWriters {
			by.Instance = ""
		}
		s = pairOf(&w.by, by)
	}
	s.n++
	d := middle(stamp).Sub(middle(start))
	if !s.near.add(d) {
		s.far.add(d)
		return
	}
	s.width += start.Hi.Sub(start.Lo).Milliseconds()
}

// WriterClock is what is known of one writer's clock.
type WriterClock struct {
	Source   int           `json:"-"`
	URI      string        `json:"source,omitempty"` // set by whoever knows the sources
	Instance string        `json:"instance,omitempty"`
	Rows     int64         `json:"joined_rows"`
	Ahead    time.Duration `json:"-"` // of the edge's clock; behind if negative
	AheadMS  int64         `json:"ahead_ms"`
	Coarse   bool          `json:"whole_seconds,omitempty"` // too far off to be read finer
	Zone     time.Duration `json:"-"`                       // the time zone that Ahead looks like; 0: none
	SetBack  time.Duration `json:"-"`                       // by how much its stamps are set back for use
	SetMS    int64         `json:"set_back_ms,omitempty"`
	Placed   bool          `json:"read_from_placed_rows,omitempty"`
	sure     bool
	doubt    time.Duration
}

// NewWriterClock returns what is known of a writer whose clock was read
// elsewhere: ahead of the edge's by so much, from so many rows.
// It is put right only if it is wrong; less is taken into account later.
func NewWriterClock(by Writer, ahead time.Duration, rows int64) WriterClock {
	c := WriterClock{Source: by.Source, Instance: by.Instance, Rows: rows, Ahead: ahead, Placed: true}
	c.settle()
	if c.Wrong() {
		c.SetBack = ahead.Round(time.Second)
		c.SetMS = c.SetBack.Milliseconds()
	}
	return c
}

// Known reports whether enough rows speak of the clock.
func (c *WriterClock) Known() bool { return c.sure }

// Wrong reports whether the clock is further off than is taken into account in
// silence.
func (c *WriterClock) Wrong() bool { return c.Ahead.Abs() > absorbed }

func (c *WriterClock) settle() {
	c.AheadMS = c.Ahead.Milliseconds()
	if zone, ok := CivilZone(c.Ahead, NearZone); ok {
		c.Zone = zone
	}
}

// Clocks reads the differences, and says by how much each writer's stamps are
// to be set back so that all are on one clock: instances on that of the source's
// instance with the most rows, a source that is hours off on that of one which
// is not. Where no clock is right none is set by another source's.
func (w *Writers) Clocks() []WriterClock {
	var out []WriterClock
	for _, by := range slices.SortedFunc(maps.Keys(w.by), Writer.Compare) {
		out = append(out, w.by[by].read(by))
	}
	right := usual(out, func(c *WriterClock) bool { return !c.Wrong() })
	for i := range out {
		c := &out[i]
		own := usual(out, func(o *WriterClock) bool { return o.Source == c.Source && !o.Wrong() })
		if own == nil && right == nil {
			own = usual(out, func(o *WriterClock) bool { return o.Source == c.Source })
		}
		switch {
		case !c.sure:
		case own != nil:
			c.SetBack = c.apart(own)
		case right != nil && c.Wrong():
			c.SetBack = (c.Ahead - right.Ahead).Round(100 * time.Millisecond)
		}
		c.SetMS = c.SetBack.Milliseconds()
	}
	return out
}

// After returns c once its stamps were set back as it says and read again.
func (c *WriterClock) After(o *WriterClock) WriterClock {
	out := *c
	out.Ahead, out.SetBack = c.SetBack+o.Ahead, c.SetBack+o.SetBack
	out.Coarse, out.sure, out.doubt = o.Coarse, o.sure, o.doubt
	out.Zone = 0
	out.settle()
	out.SetMS = out.SetBack.Milliseconds()
	return out
}

// usual returns the clock with the most rows among those that pick names, the
// first of equals; nil if none is surely read.
func usual(clocks []WriterClock, pick func(*WriterClock) bool) *WriterClock {
	var best *WriterClock
	for i := range clocks {
		if c := &clocks[i]; c.sure && pick(c) && (best == nil || c.Rows > best.Rows) {
			best = c
		}
	}
	return best
}

// apart returns how far c is ahead of own, drawn towards nothing by as much as
// its few rows leave it unknown.
func (c *WriterClock) apart(own *WriterClock) time.Duration {
	d := c.Ahead - own.Ahead
	if d.Abs() > absorbed {
		return d
	}
	doubt := float64(c.doubt) / float64(usualSkew)
	d = time.Duration(float64(d) / (1 + float64(doubt*doubt))).Round(time.Millisecond)
	if d.Abs() < leastApart {
		return 0
	}
	return d
}

// leastApart is the least difference that is put right: below it the reading
// is as uncertain as the clocks.
const leastApart = 10 * time.Millisecond

// read returns the writer's clock. Of fewer rows than fewest nothing is said.
func (s *stamps) read(by Writer) WriterClock {
	c := WriterClock{Source: by.Source, Instance: by.Instance, Rows: s.n}
	if d, n := s.far.usual(); s.far.n*2 > s.n && n*2 > s.far.n {
		c.Ahead, c.Coarse, c.sure, c.doubt = d, true, n >= fewest, time.Second
		c.settle()
		return c
	}
	if s.near.n >= fewest {
		blur := time.Duration(s.width/s.near.n) * time.Millisecond
		c.Ahead, _ = s.near.centre(blur)
		c.sure, c.doubt = true, errorOf(blur, s.near.n)
	}
	c.settle()
	return c
}
