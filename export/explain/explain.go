// Package explain tells how a case came to say what it says about one
// workspace, user, delivery or request: the story in sentences, then the rows
// of the logs it rests on, the other possibilities, and what would change it.
//
// It reads the stored case and nothing else, in two passes over the
// deliveries, and keeps the strongest few: an id with a million deliveries is
// explained in the same memory as one with three.
package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/model"
)

// detailed is how many hits are told down to their rows.
const detailed = 20

// UnknownError says that a case knows nothing by the name that was asked for.
type UnknownError struct {
	Query string
	Near  []string // ids of the case that look alike, nearest first
}

func (e *UnknownError) Error() string {
	msg := fmt.Sprintf("explain: %q is no workspace, user, delivery or request of this case", inert.Text(e.Query))
	if len(e.Near) > 0 {
		return msg + "; did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return msg + "; ids are in privileged/workspaces.csv, users.csv and deliveries.csv"
}

// Explain writes all that the case knows about query: a workspace id, a user
// id, a delivery id or a request id. If it is several of them, each is told.
func Explain(w io.Writer, c *store.Case, query string) error {
	if query == "" { // else every row without a user would match
		return &UnknownError{Query: query}
	}
	s, err := find(c, query)
	if err != nil {
		return err
	}
	if !s.known() {
		return &UnknownError{query, s.near.ids()}
	}
	if err := s.alternatives(c); err != nil {
		return err
	}
	t := &teller{w: w, c: c, told: make(map[string]bool)}
	t.subject(s)
	for _, id := range s.hits {
		if err := t.hit(s.byHit[id]); err != nil {
			return err
		}
	}
	if rest := s.hitCount - len(s.hits); rest > 0 {
		t.line("")
		t.line("%d further hits are in privileged/deliveries.csv; explain one by its delivery id.", rest)
	}
	return t.orphanRows(s)
}

// subject is what was found under the name that was asked for.
type subject struct {
	query      string
	workspaces []model.WorkspaceFinding // at most one
	users      []model.UserFinding      // at most one
	asHolder   tally                    // rows with the id as holder or a workspace of it
	asOther    tally                    // as recipient
	named      int                      // rows whose delivery, hit or fill it is
	hitCount   int
	hits       []string // ids of the strongest hits, strongest first
	byHit      map[string]*hit
	loose      []model.Unattributed // hits without a delivery row
	accesses   []model.Access
	accessed   int
	rows       []store.Row // for a request that is only cited
	near       near
}

// tally counts delivery rows by tier.
type tally [model.TierConfirmed + 1]int

func (t tally) total() (n int) {
	for _, k := range t {
		n += k
	}
	return n
}

// hit is one hit with all its candidates.
type hit struct {
	id         string
	best       model.Delivery // the strongest row that the query names
	candidates []model.Delivery
	unknown    *model.Unattributed
}

func (s *subject) known() bool {
	return len(s.workspaces)+len(s.users)+s.hitCount+len(s.loose)+len(s.rows)+s.accessed > 0
}

// find makes the first pass.
func find(c *store.Case, query string) (*subject, error) {
	s := &subject{query: query, byHit: make(map[string]*hit), near: near{query: query}}
	for ws, err := range c.Workspaces() {
		if err != nil {
			return nil, err
		}
		if s.near.is(ws.ID) {
			s.workspaces = append(s.workspaces, ws)
		}
	}
	for u, err := range c.Users() {
		if err != nil {
			return nil, err
		}
		if s.near.is(u.ID) {
			s.users = append(s.users, u)
		}
	}
	if err := s.findDeliveries(c); err != nil {
		return nil, err
	}
	if err := s.findAccesses(c); err != nil {
		return nil, err
	}
	for u, err := range c.Unattributed() {
		if err != nil {
			return nil, err
		}
		if (s.near.is(u.Hit.RequestID) || u.User == query) && len(s.loose) < detailed {
			s.loose = append(s.loose, u)
		}
	}
	var err error
	s.rows, err = c.RowsOf(query)
	return s, err
}

// findDeliveries counts the rows that name the query and keeps the strongest
// hits. Rows of one hit stand together.
func (s *subject) findDeliveries(c *store.Case) error {
	var last string
	var strongest []*hit
	for d, err := range c.Deliveries() {
		if err != nil {
			return err
		}
		if !s.match(&d) {
			continue
		}
		if d.Hit.RequestID == last && s.hitCount > 0 {
			if n := len(strongest) - 1; n >= 0 && strongest[n].id == last && stronger(&d, &strongest[n].best) {
				strongest[n].best = d
			}
			continue
		}
		last = d.Hit.RequestID
		s.hitCount++
		strongest = append(strongest, &hit{id: last, best: d})
		if len(strongest) >= 4*detailed {
			strongest = top(strongest)
		}
	}
	for _, h := range top(strongest) {
		s.hits = append(s.hits, h.id)
		s.byHit[h.id] = h
	}
	return nil
}

// match reports whether d is about the query, and counts on which side.
func (s *subject) match(d *model.Delivery) bool {
	q := s.query
	named := s.near.is(d.ID) || s.near.is(d.Hit.RequestID) || s.near.is(d.Fill.RequestID)
	holder := d.HolderUser == q || slices.Contains(d.HolderWorkspaces, q)
	other := d.RecipientUser == q || slices.Contains(d.RecipientWorkspaces, q)
	if named {
		s.named++
	}
	if holder {
		s.asHolder[d.Tier]++
	}
	if other {
		s.asOther[d.Tier]++
	}
	return named || holder || other
}

// stronger orders rows by how much they claim.
func stronger(a, b *model.Delivery) bool {
	if a.Tier != b.Tier {
		return a.Tier > b.Tier
	}
	return a.PApplied > b.PApplied
}

// top keeps the strongest hits. The sort is stable, so equal ones stay in the
// order of the case.
func top(hits []*hit) []*hit {
	slices.SortStableFunc(hits, func(a, b *hit) int {
		switch {
		case stronger(&a.best, &b.best):
			return -1
		case stronger(&b.best, &a.best):
			return 1
		}
		return 0
	})
	return hits[:min(detailed, len(hits))]
}

func (s *subject) findAccesses(c *store.Case) error {
	for a, err := range c.Accesses() {
		if err != nil {
			return err
		}
		q := s.query
		if a.Row.RequestID != q && a.Delivery != q && a.HolderUser != q && !slices.Contains(a.WorkspaceIDs, q) {
			continue
		}
		if s.accessed++; len(s.accesses) < detailed {
			s.accesses = append(s.accesses, a)
		}
	}
	return nil
}

// alternatives makes the second pass: all candidates of the chosen hits.
func (s *subject) alternatives(c *store.Case) error {
	for d, err := range c.Deliveries() {
		if err != nil {
			return err
		}
		if h := s.byHit[d.Hit.RequestID]; h != nil {
			h.candidates = append(h.candidates, d)
		}
	}
	for u, err := range c.Unattributed() {
		if err != nil {
			return err
		}
		if h := s.byHit[u.Hit.RequestID]; h != nil {
			h.unknown = &u
		}
	}
	s.loose = slices.DeleteFunc(s.loose, func(u model.Unattributed) bool { return s.byHit[u.Hit.RequestID] != nil })
	return nil
}
