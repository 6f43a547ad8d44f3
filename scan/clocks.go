package scan

import (
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/scan/internal/join"
)

// originClocks are those of all who stamp origin rows.
type originClocks struct {
	list    []calibrate.WriterClock
	setBack map[calibrate.Writer]time.Duration
}

// writerOf returns who stamped o.
func (s *state) writerOf(o *model.OriginRow) calibrate.Writer {
	return calibrate.Writer{Source: s.sourceOf(o.Ref.Object), Instance: o.Instance}
}

// set brings the stamp of o to the clock of the others. What it is off in all
// of them alike is for calibrate.Offset to say.
func (s *state) set(o *model.OriginRow) {
	if d := s.clocks.setBack[s.writerOf(o)]; d != 0 && o.Ahead == 0 {
		o.Time, o.Ahead = o.Time.Shift(-d), d
	}
}

// asLogged is o with the stamp that its log has, for citing it.
func asLogged(o *model.OriginRow) *model.OriginRow {
	if o.Ahead == 0 {
		return o
	}
	c := *o
	c.Time, c.Ahead = o.Time.Shift(o.Ahead), 0
	return &c
}

// readClocks compares the clocks of all writers before anything uses a stamp.
// Where one source is stamped by one clock there is nothing to compare, and the
// rows are not walked for it. A clock that is hours off is read twice: the
// first reading is in whole seconds.
func (s *state) readClocks() error {
	s.clocks.setBack = map[calibrate.Writer]time.Duration{}
	if !s.notes.instances && s.notes.strays.rows() == 0 && s.sources(model.SourceOrigin) < 2 {
		return nil
	}
	for range 2 {
		w, err := s.compareClocks()
		if err != nil {
			return err
		}
		list := w.Clocks()
		again := false
		for i := range list {
			c := &list[i]
			by := calibrate.Writer{Source: c.Source, Instance: c.Instance}
			again = again || c.Coarse && c.SetBack != 0
			s.clocks.add(by, c)
		}
		if !again {
			break
		}
	}
	return nil
}

// add notes the reading c of a clock that may have been set back before.
func (k *originClocks) add(by calibrate.Writer, c *calibrate.WriterClock) {
	before := k.setBack[by]
	if c.SetBack != 0 {
		k.setBack[by] = before + c.SetBack
	}
	for i := range k.list {
		if o := &k.list[i]; o.Source == by.Source && o.Instance == by.Instance {
			*o = o.After(c)
			return
		}
	}
	k.list = append(k.list, *c)
}

func (s *state) compareClocks() (*calibrate.Writers, error) {
	var w calibrate.Writers
	err := join.Requests(s.requests, func(r *join.Request) error {
		if len(r.Edges) != 1 || cache.Classify(&r.Edges[0]) != cache.Miss {
			return nil
		}
		origins, _ := partTold(r.Origins) // a record is stamped when it was written, not with the request
		seen := map[calibrate.Writer]int{}
		for i := range origins {
			seen[s.writerOf(&origins[i])]++
		}
		for i := range origins {
			o := &origins[i]
			if by := s.writerOf(o); seen[by] == 1 { // of a request that was tried again nobody knows which stamp is whose
				s.set(o)
				w.Add(by, r.Edges[0].Start(), o.Time)
			}
		}
		return nil
	})
	return &w, err
}

// writerClocks is what is known of the clocks of all writers, for the manifest
// and for what is wrong with the case.
func (s *state) writerClocks() []calibrate.WriterClock {
	for i := range s.clocks.list {
		c := &s.clocks.list[i]
		c.URI = s.Incident.Sources[c.Source].URI
	}
	return s.clocks.list
}
