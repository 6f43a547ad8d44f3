package join

import (
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// A load balancer gives each request a trace id of its own, and logs no request
// id of the CDN's (formats.md 10). A row that has both leads the rows that have
// the trace alone to their request: exact, through two steps.

// Kinds of record under a trace id; links sort first.
const (
	linkKind = 1
	rowKind  = 2
)

// TraceWriter adds what bears a trace id from one goroutine.
type TraceWriter struct {
	to       *spill.Writer
	key, val []byte
}

// NewTraceWriter returns a writer into s.
func NewTraceWriter(s *spill.Sorter) *TraceWriter { return &TraceWriter{to: s.Writer()} }

// Link notes that a row of trace names a request id.
func (w *TraceWriter) Link(trace model.ID, id string) error {
	w.key = append(append(append(w.key[:0], trace[:]...), linkKind), id...)
	return w.to.Add(w.key, nil)
}

// Row adds a row that has a trace and no request id. The caller may reuse r.
func (w *TraceWriter) Row(r *model.OriginRow) error {
	w.key = append(append(w.key[:0], r.Trace[:]...), rowKind)
	w.val = wire.Encode(w.val[:0], func(c *wire.Codec) { wire.Origin(c, r) })
	return w.to.Add(w.key, w.val)
}

// Close hands the records to the sorter.
func (w *TraceWriter) Close() error { return w.to.Close() }

// Trace is what was logged under one trace id by rows that lack a request id.
type Trace struct {
	// ID is the request id that other rows of the trace name; "" if none does.
	ID string
	// Torn says that they name several: then the trace leads nowhere. The other
	// way round, several traces of one request, is an edge that tried again.
	Torn bool
	// Crowded says that the rows are too many to be of one request: whatever
	// was mapped, it is no trace id. Rows are a part of them.
	Crowded bool
	Rows    []model.OriginRow
}

// crowd is how many rows of one trace are held. Services that pass a trace on
// share it among a few; a constant would be in all rows.
const crowd = 256

// Traces calls yield for each trace that has rows without a request id, in
// order. The Trace is reused.
func Traces(s *spill.Sorter, yield func(*Trace) error) error {
	var cur Trace
	var of model.ID
	dec := wire.NewDecoder()
	flush := func() error {
		if len(cur.Rows) == 0 {
			return nil
		}
		slices.SortFunc(cur.Rows, byContent)
		return yield(&cur)
	}
	err := s.Scan(func(key, val []byte) error {
		if trace := model.ID(key); trace != of {
			if err := flush(); err != nil {
				return err
			}
			of, cur = trace, Trace{Rows: cur.Rows[:0]}
		}
		if key[len(of)] == linkKind {
			id := key[len(of)+1:]
			cur.Torn = cur.Torn || cur.ID != "" && cur.ID != string(id)
			if cur.ID == "" {
				cur.ID = string(id)
			}
			return nil
		}
		if len(cur.Rows) == crowd {
			cur.Crowded = true
			if err := flush(); err != nil {
				return err
			}
			cur.Rows = cur.Rows[:0]
		}
		cur.Rows = append(cur.Rows, model.OriginRow{})
		return dec.Decode(val, func(c *wire.Codec) { wire.Origin(c, &cur.Rows[len(cur.Rows)-1]) })
	})
	if err != nil {
		return err
	}
	return flush()
}
