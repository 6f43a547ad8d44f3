package scan

import (
	"encoding/binary"
	"errors"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/join"
)

// Tracing says what trace ids led to.
type Tracing struct {
	Rows    int64 `json:"rows"`         // without a request id, with a trace
	Joined  int64 `json:"joined"`       // given the request id that another row of the trace names
	Torn    int64 `json:"contradicted"` // rows of a trace that names several
	Traces  int64 `json:"traces_contradicted"`
	Crowded int64 `json:"crowded"` // rows of what cannot be a trace id
}

// followTraces gives the rows of each trace the request id that one of them
// knows, and lets them meet under it. The others are brought together by their
// trace, and keep waiting for a place.
func (s *state) followTraces() error {
	to := join.NewWriter(s.requests)
	err := join.Traces(s.traces, func(t *join.Trace) error {
		n := int64(len(t.Rows))
		s.tracing.Rows += n
		switch {
		case t.Torn:
			s.tracing.Torn += n
			s.tracing.Traces++
		case t.Crowded:
			s.tracing.Crowded += n
		case t.ID != "":
			s.tracing.Joined += n
		default:
			t.Rows = join.Merge(s.once(t.Rows), s.logOf)
		}
		for i := range t.Rows {
			row := &t.Rows[i]
			if row.RequestID = t.ID; t.Torn || t.Crowded || t.ID == "" {
				s.stray(row)
			}
			if err := to.Origin(row); err != nil {
				return err
			}
		}
		return nil
	})
	err = errors.Join(err, to.Close(), s.traces.Close())
	s.traces = nil
	return err
}

// once drops rows that say the same, and charges them to their objects.
func (s *state) once(rows []model.OriginRow) []model.OriginRow {
	return join.Once(rows, s.duplicate)
}

func (s *state) duplicate(at model.Ref) {
	b := &s.objects[at.Object].balance
	b.Parsed--
	b.Duplicate++
}

// strayPrefix begins the name of a row that has no request id. Such rows must
// not meet each other under one empty id; a digest of the line tells them
// apart in any order, and lets the same line meet itself.
const strayPrefix = "line-"

// stray names a row that has no request id.
func (s *state) stray(row *model.OriginRow) {
	row.RequestID = strayPrefix + s.Key.Digest("origin line", binary.BigEndian.AppendUint64(nil, row.Line)).String()
}

// logOf tells what log an object is a part of.
func (s *state) logOf(object uint32) join.Log {
	return join.Log{Source: s.sourceOf(object), Shows: s.objects[object].shows}
}

// sourceOf tells the sources of objects apart.
func (s *state) sourceOf(object uint32) int {
	for i := range s.Incident.Sources {
		if s.objects[object].source == &s.Incident.Sources[i] {
			return i
		}
	}
	return -1
}
