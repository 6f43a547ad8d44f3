package origin

import (
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// Stats is what a source says of itself, rows outside the spans included: it
// is what shows that a window was typed in local time, or that sessions are
// hashed otherwise than in the directory. Merging is commutative.
type Stats struct {
	All                Extent                  // rows whose time could be read
	Routes             []Extent                // by suspect route: rows with a session
	WithID, WithoutID  int64                   // rows with and without a request id
	Balancer           int64                   // rows of a load balancer, whose log has no request id, session or Set-Cookie
	Shapes             map[decode.FormOf]int64 // of session values, as looked up in the directory
	ShapesAt           map[ShapeAt]int64       // the same by time: a deploy may change them
	FormFailures       int64                   // values that session_form did not fit
	UnreadableClients  int64                   // client_ip present, but no address
	UnreadableDuration int64                   // duration present, but no number with a known unit
	Outside            calibrate.Sample        // rows outside the spans, to find out by how much a clock is off
}

// Extent counts rows and says when the first and the last of them were.
type Extent struct {
	Rows        int64
	First, Last model.Instant
}

func (e *Extent) add(t model.Instant) { *e = e.Merge(Extent{1, t, t}) }

// Merge returns the extent of the rows of both.
func (e Extent) Merge(o Extent) Extent {
	switch {
	case e.Rows == 0:
		return o
	case o.Rows == 0:
		return e
	}
	return Extent{e.Rows + o.Rows, min(e.First, o.First), max(e.Last, o.Last)}
}

// Merge adds o to s.
func (s *Stats) Merge(o Stats) {
	s.All = s.All.Merge(o.All)
	s.Routes = slices.Clone(s.Routes) // copies of s share it
	for i, r := range o.Routes {
		if i >= len(s.Routes) {
			s.Routes = append(s.Routes, Extent{})
		}
		s.Routes[i] = s.Routes[i].Merge(r)
	}
	s.Outside = s.Outside.Clone()
	s.Outside.Merge(&o.Outside)
	s.WithID += o.WithID
	s.WithoutID += o.WithoutID
	s.Balancer += o.Balancer
	s.FormFailures += o.FormFailures
	s.UnreadableClients += o.UnreadableClients
	s.UnreadableDuration += o.UnreadableDuration
	s.Shapes = sum(s.Shapes, o.Shapes)
	s.ShapesAt = sum(s.ShapesAt, o.ShapesAt)
}

// sum returns the counts of both; copies of a share it, so it is not added to.
func sum[K comparable](a, b map[K]int64) map[K]int64 {
	out := make(map[K]int64, max(len(a), len(b)))
	maps.Copy(out, a)
	for k, n := range b {
		out[k] += n
	}
	return out
}

// ShapeAt is a form of session values and when it was seen, to five minutes.
type ShapeAt struct {
	Form decode.FormOf
	At   model.Instant
}

const (
	shapeStep = model.Instant(5 * time.Minute)
	// maxShapesAt bounds what one decoder keeps of hours of junk.
	maxShapesAt = 4096
)

// shapeRun counts equal shapes in a row before they are put into the maps: a
// log's sessions look alike, and two map operations a value would cost more
// than its digest.
type shapeRun struct {
	at ShapeAt
	n  int64
}

func (r *shapeRun) add(s *Stats, at ShapeAt) {
	if r.at != at {
		r.flush(s)
		r.at = at
	}
	r.n++
}

func (r *shapeRun) flush(s *Stats) {
	if r.n == 0 {
		return
	}
	s.Shapes[r.at.Form] += r.n
	if _, ok := s.ShapesAt[r.at]; ok || len(s.ShapesAt) < maxShapesAt {
		s.ShapesAt[r.at] += r.n
	}
	r.n = 0
}
