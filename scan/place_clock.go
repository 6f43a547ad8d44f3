package scan

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/place"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// learnClocks finds how far the clock of each writer of strays is from the
// edge's: as its joined rows say, else as its strays and the requests do that
// have path and address in common.
func (p *placer) learnClocks() error {
	for i := range p.clocks.list {
		if c := &p.clocks.list[i]; c.Known() {
			by := calibrate.Writer{Source: c.Source, Instance: c.Instance}
			p.lags[by] = reading{c.Ahead - c.SetBack, true}
			delete(p.writers, by)
		}
	}
	if len(p.writers) == 0 {
		return nil
	}
	apart, err := p.compareStrays()
	for _, by := range slices.SortedFunc(maps.Keys(apart), calibrate.Writer.Compare) {
		d, n, ok := apart[by].Read()
		if !ok {
			continue
		}
		c := calibrate.NewWriterClock(by, d, n)
		p.clocks.add(by, &c)
		for w := range p.writers {
			if p.learner(w) == by {
				p.lags[w] = reading{d - c.SetBack, true}
				p.clocks.setBack[w] = c.SetBack
			}
		}
	}
	return err
}

// learner returns the clock that by is taken to have.
func (p *placer) learner(by calibrate.Writer) calibrate.Writer {
	if len(p.writers) > maxLearned {
		by.Instance = ""
	}
	return by
}

// maxLearned bounds memory: past it, the instances of a source are taken to
// have one clock.
const maxLearned = 64

// pairsOf is how many rows of a group are paired: of an address that asks for
// one path all day nobody knows which row is whose.
const pairsOf = 6

func (p *placer) compareStrays() (map[calibrate.Writer]*place.Apart, error) {
	apart := map[calibrate.Writer]*place.Apart{}
	requests, err := newGroups(p.offers)
	if err != nil {
		return nil, err
	}
	rows, err := newGroups(p.strays)
	if err != nil {
		return nil, err
	}
	dec := wire.NewDecoder()
	for requests.more && rows.more {
		switch c := bytes.Compare(requests.name(), rows.name()); {
		case c < 0:
			requests.pass()
			continue
		case c > 0:
			rows.pass()
			continue
		}
		offered, err := requests.take()
		if err != nil {
			return nil, err
		}
		stamped, err := rows.take()
		if err != nil {
			return nil, err
		}
		if len(offered) > pairsOf || len(stamped) > pairsOf {
			continue
		}
		if err := p.pair(dec, apart, offered, stamped); err != nil {
			return nil, err
		}
	}
	return apart, errors.Join(requests.it.Err(), rows.it.Err())
}

// pair notes the differences of all pairs of a group.
func (p *placer) pair(dec *wire.Decoder, apart map[calibrate.Writer]*place.Apart, offered, stamped [][]byte) error {
	for _, b := range stamped {
		var o model.OriginRow
		if err := dec.Decode(b, func(c *wire.Codec) { wire.Origin(c, &o) }); err != nil {
			return err
		}
		by := p.writerOf(&o)
		if !p.writers[by] {
			continue
		}
		row := p.rowOf(&o, reading{sure: true})
		for _, b := range offered {
			var x offer
			if err := dec.Decode(b, x.fields); err != nil {
				return err
			}
			if r := x.request(); r.Alike(&row) {
				apartOf(apart, p.learner(by)).Add(middle(o.Time).Sub(middle(x.Start)))
			}
		}
	}
	return nil
}

func apartOf(all map[calibrate.Writer]*place.Apart, by calibrate.Writer) *place.Apart {
	a := all[by]
	if a == nil {
		a = &place.Apart{}
		all[by] = a
	}
	return a
}

func middle(v model.Interval) model.Instant { return v.Lo + (v.Hi-v.Lo)/2 }

// unsure is how far the stamps of a clock are taken to be off of which nothing
// is known.
const unsure = 2 * time.Second

// lag returns how far the clock that stamped o is from the edge's.
func (p *placer) lag(o *model.OriginRow) reading { return p.lags[p.writerOf(o)] }

// rowOf is o as package place sees it.
func (p *placer) rowOf(o *model.OriginRow, r reading) place.Row {
	row := place.Row{At: o.Time.Shift(-r.lag), Method: o.Method, Status: o.Status, Agent: o.Agent}
	if !r.sure {
		row.At = row.At.Widen(unsure)
	}
	if p.hosts[o.Host] {
		row.Host = o.Host
	}
	return row
}

func (x *offer) request() place.Request {
	return place.Request{From: x.From, To: x.To, Method: x.Method, Status: x.Status, Host: x.Host, Agent: x.Agent}
}

// groups walks a sorter one group after the other.
type groups struct {
	it   *spill.Iterator
	more bool
	cur  []byte
}

func newGroups(s *spill.Sorter) (*groups, error) {
	it, err := s.Iterator()
	if err != nil {
		return nil, err
	}
	g := &groups{it: it}
	g.more = it.Next()
	return g, nil
}

// name returns what the rows of the group have in common.
func (g *groups) name() []byte {
	key, _ := g.it.Record()
	return key[:groupSize]
}

// pass leaves the group out.
func (g *groups) pass() { _, _ = g.take() }

// take returns the first values of the group, and moves on to the next: one
// more than are paired, to tell a group that has too many.
func (g *groups) take() ([][]byte, error) {
	g.cur = append(g.cur[:0], g.name()...)
	var out [][]byte
	for g.more && bytes.Equal(g.name(), g.cur) {
		if _, val := g.it.Record(); len(out) <= pairsOf {
			out = append(out, bytes.Clone(val))
		}
		g.more = g.it.Next()
	}
	return out, g.it.Err()
}
