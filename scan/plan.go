package scan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/intake"
	"github.com/spillscope/spillscope/scan/storage"
)

// object is one log object and what reading it gave.
type object struct {
	storage.Object
	number   uint32 // Ref.Object of its rows
	source   *model.Source
	edge     bool
	pruned   bool
	format   string
	sha256   string
	balance  model.Balance
	first    model.Instant
	last     model.Instant
	problem  string
	sets     bool // origin: its source logs whether a response set the cookie
	sessions bool // origin: its source logs the session that a request presented
	shows    bool // origin: or its user
}

// plan lists the objects of every source, numbers them in the order of their
// names and marks those that need not be read. Then it loads the directory:
// what is wrong with either should show before the logs are paid for.
func (s *state) plan() error {
	if err := s.context(); err != nil {
		return err
	}
	s.spans = newSpans(s.Incident)
	if s.sources(model.SourceEdge) == 0 {
		s.noEdge = "the incident file names no edge source"
	}
	for i := range s.Incident.Sources {
		if err := s.planSource(&s.Incident.Sources[i]); err != nil {
			return err
		}
	}
	if s.noEdge == "" && len(s.missing) > 0 && !slices.ContainsFunc(s.objects, func(o object) bool { return o.edge }) {
		s.noEdge = s.missing[0]
	}
	slices.SortFunc(s.objects, func(a, b object) int {
		return cmp.Or(cmp.Compare(a.URI, b.URI), cmp.Compare(a.source.Kind, b.source.Kind))
	})
	s.objects = slices.CompactFunc(s.objects, func(a, b object) bool {
		return a.URI == b.URI && a.source.Kind == b.source.Kind
	})
	for i := range s.objects {
		s.objects[i].number = uint32(i)
		if s.objects[i].pruned {
			s.pruned++
		}
	}
	return s.loadDirectory()
}

func (s *state) planSource(src *model.Source) error {
	list, err := s.store.List(s.ctx, src.URI)
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if err != nil {
		return s.notThere(src, err)
	}
	_, cookie := src.Map["set_cookie"]
	_, session := src.Map["set_session"]
	_, presented := src.Map["session"]
	_, user := src.Map["user"]
	for _, o := range list {
		obj := object{Object: o, source: src, edge: src.Kind == model.SourceEdge, sets: cookie || session, sessions: presented, shows: presented || user}
		if from, to, ok := storage.HoursOf(o.URI); ok && obj.edge {
			obj.pruned = !s.spans.needs(from, to)
		}
		s.objects = append(s.objects, obj)
	}
	return nil
}

func (s *state) loadDirectory() error {
	memo := s.dec.NewMemo()
	digest := func(raw []byte) (model.ID, error) { return memo.Session(raw, model.SessionForm{}) } // like one of the logs
	dir, inputs, err := intake.Load(s.ctx, s.store, s.Incident, digest)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	s.dir, s.tables = dir, inputs
	return nil
}
