// Package join brings the rows of one request together: what the edge logged,
// however often, and what the origin logged under the same id.
//
// Rows of all sources go into one sorter under their request id, so the join
// needs no table in memory, and duplicates meet on the way.
package join

import (
	"bytes"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// Kinds of row under a request id; edge rows sort first.
const (
	edgeKind   = 1
	originKind = 2
)

// Writer adds rows from one goroutine.
type Writer struct {
	to       *spill.Writer
	key, val []byte
}

// NewWriter returns a writer into s.
func NewWriter(s *spill.Sorter) *Writer { return &Writer{to: s.Writer()} }

// Edge adds an edge row. The caller may reuse r.
func (w *Writer) Edge(r *model.EdgeRow) error {
	id := r.ID
	r.ID = "" // it is in the key
	w.val = wire.Encode(w.val[:0], func(c *wire.Codec) { wire.Edge(c, r) })
	r.ID = id
	return w.add(id, edgeKind)
}

// Origin adds an origin row. The caller may reuse r.
func (w *Writer) Origin(r *model.OriginRow) error {
	id := r.RequestID
	r.RequestID = ""
	w.val = wire.Encode(w.val[:0], func(c *wire.Codec) { wire.Origin(c, r) })
	r.RequestID = id
	return w.add(id, originKind)
}

func (w *Writer) add(id string, kind byte) error {
	w.key = append(append(w.key[:0], id...), 0, kind)
	return w.to.Add(w.key, w.val)
}

// Close hands the rows to the sorter.
func (w *Writer) Close() error { return w.to.Close() }

// Request is everything logged under one request id.
type Request struct {
	ID      string
	Edges   []model.EdgeRow   // one, unless rows of the same id contradict each other
	Origins []model.OriginRow // by time; more than one where the edge tried again
	// Duplicates are the rows that were dropped because an equal one is kept.
	Duplicates []model.Ref
}

// Requests calls yield for each request id in order. The Request is reused.
func Requests(s *spill.Sorter, yield func(*Request) error) error {
	var cur Request
	dec := wire.NewDecoder()
	flush := func() error {
		if len(cur.Edges)+len(cur.Origins) == 0 {
			return nil
		}
		cur.settle()
		return yield(&cur)
	}
	err := s.Scan(func(key, val []byte) error {
		cut := bytes.LastIndexByte(key[:len(key)-1], 0)
		if id := key[:cut]; string(id) != cur.ID || len(cur.Edges)+len(cur.Origins) == 0 {
			if err := flush(); err != nil {
				return err
			}
			cur = Request{ID: string(id), Edges: cur.Edges[:0], Origins: cur.Origins[:0], Duplicates: cur.Duplicates[:0]}
		}
		return cur.read(dec, key[cut+1], val)
	})
	if err != nil {
		return err
	}
	return flush()
}

func (r *Request) read(dec *wire.Decoder, kind byte, val []byte) error {
	if kind == edgeKind {
		var row model.EdgeRow
		err := dec.Decode(val, func(c *wire.Codec) { wire.Edge(c, &row) })
		row.ID = r.ID
		r.Edges = append(r.Edges, row)
		return err
	}
	var row model.OriginRow
	err := dec.Decode(val, func(c *wire.Codec) { wire.Origin(c, &row) })
	row.RequestID = r.ID
	r.Origins = append(r.Origins, row)
	return err
}

// settle drops duplicates, so that the outcome does not depend on the order of
// reading.
func (r *Request) settle() {
	r.settleEdges()
	r.Origins = Once(r.Origins, func(dropped model.Ref) { r.Duplicates = append(r.Duplicates, dropped) })
}

// Once drops origin rows that say the same and orders the others by what they
// say. The one kept is that of the first object and line.
func Once(rows []model.OriginRow, drop func(model.Ref)) []model.OriginRow {
	slices.SortFunc(rows, func(a, b model.OriginRow) int { return a.Ref.Compare(b.Ref) })
	rows = keepFirst(rows, sameOrigin, func(r *model.OriginRow) { drop(r.Ref) })
	slices.SortStableFunc(rows, byContent)
	return rows
}

// sameOrigin reports whether a and b are one row. The edge may ask the origin
// up to three times under one id, so rows of one id may well differ.
func sameOrigin(a, b *model.OriginRow) bool { return a.Line == b.Line }

// keepFirst removes from rows each one that equals an earlier one. Rows of
// one id are few; comparing all pairs is quickest.
func keepFirst[R any](rows []R, same func(a, b *R) bool, drop func(*R)) []R {
	kept := rows[:0]
next:
	for i := range rows {
		for k := range kept {
			if same(&kept[k], &rows[i]) {
				drop(&rows[i])
				continue next
			}
		}
		kept = append(kept, rows[i])
	}
	return kept
}
