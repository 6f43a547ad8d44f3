package scan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/verdict"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// write puts the findings into the sink. Inputs come first, because the
// evidence of everything else cites them.
func (s *state) write() error {
	for _, step := range []func() error{
		s.writeInputs, s.writeCounts, s.writeRejects, s.writeDeliveries, s.writeEntities,
		s.writeAccess, s.writeUnattributed, s.writeRevocations, s.writeCited,
		s.writeOutside, s.writePhases, s.writeReports, s.writeSecond, s.countCeilings,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// inputs returns every object of the case in the order of Ref.Object, then
// the tables of the directory.
func (s *state) inputs() []model.Input {
	var out []model.Input
	for i := range s.objects {
		o := &s.objects[i]
		out = append(out, model.Input{
			Object: uint32(i), Kind: string(o.source.Kind), URI: o.URI, Format: o.format, Size: o.Size,
			SHA256: o.sha256, Balance: o.balance, First: o.first, Last: o.last, Pruned: o.pruned, Problem: o.problem,
		})
	}
	for _, t := range s.tables {
		t.Object = uint32(len(out))
		out = append(out, t)
	}
	return out
}

func (s *state) writeInputs() error {
	for _, in := range s.inputs() {
		if !in.Holds() {
			return fmt.Errorf("%s: internal account of lines does not balance: %+v", in.URI, in.Balance)
		}
		if err := s.sink.Put(in); err != nil {
			return err
		}
	}
	return nil
}

func (s *state) writeCounts() error {
	for _, c := range s.tally.sortedCoverage() {
		if err := s.sink.Put(*c); err != nil {
			return err
		}
	}
	for _, j := range s.tally.sortedJoins() {
		if err := s.sink.Put(*j); err != nil {
			return err
		}
	}
	for _, u := range s.tally.sortedUnresolved() {
		if err := s.sink.Put(*u); err != nil {
			return err
		}
	}
	return nil
}

func (s *state) writePhases() error {
	for _, p := range s.phases.sorted() {
		if err := s.sink.Put(*p); err != nil {
			return err
		}
	}
	return nil
}

// stream puts every record of a sorter into the sink.
func stream[T model.Finding](s *state, from *spill.Sorter, fields func(*wire.Codec, *T)) error {
	dec := wire.NewDecoder()
	return from.Scan(func(_, val []byte) error {
		var x T
		if err := dec.Decode(val, func(c *wire.Codec) { fields(c, &x) }); err != nil {
			return err
		}
		return s.sink.Put(x)
	})
}

// writeRejects writes the rejects of the logs, then those of the directory.
func (s *state) writeRejects() error {
	if err := stream(s, s.rejects, rejectFields); err != nil {
		return err
	}
	for _, r := range s.dir.Rejects() {
		r.Ref.Object += uint32(len(s.objects))
		if err := s.sink.Put(r); err != nil {
			return err
		}
	}
	return nil
}

// held is a holder's session on a device.
type held struct {
	device  model.ID
	user    string
	session model.ID // where the user is not known
}

func holds(device model.ID, d *model.Delivery) held {
	h := held{device: device, user: d.HolderUser}
	if h.user == "" {
		h.session = d.HolderSession
	}
	return h
}

// writeDeliveries writes deliveries in time order and numbers their
// generations: after a switch the recipient's next misses fill caches with the
// session it was handed (semantics.md C7). What it keeps grows with the devices
// that were probably switched.
func (s *state) writeDeliveries() error {
	generations := map[held]int{}
	dec := wire.NewDecoder()
	return s.deliveries.Scan(func(_, val []byte) error {
		var d model.Delivery
		if err := dec.Decode(val, func(c *wire.Codec) { wire.Delivery(c, &d) }); err != nil {
			return err
		}
		d.Generation = 1 + generations[holds(d.FillDevice, &d)]
		if h := holds(d.Device, &d); d.Tier >= model.TierProbable && generations[h] == 0 {
			generations[h] = d.Generation
		}
		return s.sink.Put(d)
	})
}

func (s *state) writeAccess() error { return stream(s, s.access, wire.Access) }

func (s *state) writeUnattributed() error { return stream(s, s.orphans, wire.Unattributed) }

// writeCited writes each cited row once, however many findings cite it.
func (s *state) writeCited() error {
	dec := wire.NewDecoder()
	var last model.CitedRow
	return s.cited.Scan(func(_, val []byte) error {
		var x model.CitedRow
		if err := dec.Decode(val, func(c *wire.Codec) { citedFields(c, &x) }); err != nil {
			return err
		}
		if x.Citation == last.Citation && x.Kind == last.Kind {
			return nil
		}
		last = x
		return s.sink.Put(x)
	})
}

// writeEntities rolls the atoms up.
func (s *state) writeEntities() error {
	var failed error
	s.rollup = verdict.NewRollup(func(k verdict.Kind, e model.Entity, categories []string) {
		if failed == nil {
			failed = s.entity(k, e, categories)
		}
	})
	dec := wire.NewDecoder()
	err := s.atoms.Scan(func(_, val []byte) error {
		var a verdict.Atom
		if err := dec.Decode(val, func(c *wire.Codec) { atomFields(c, &a) }); err != nil {
			return err
		}
		s.rollup.Add(&a)
		return failed
	})
	if err != nil {
		return err
	}
	s.rollup.Flush()
	return failed
}

func (s *state) entity(k verdict.Kind, e model.Entity, categories []string) error {
	switch k {
	case verdict.KindUser:
		u, _ := s.dir.User(e.ID)
		return s.sink.Put(model.UserFinding{
			Entity: e, Email: u.Email, Name: u.Name, UserRole: u.Role, WorkspaceIDs: s.dir.WorkspacesOf(e.ID, e.First),
		})
	case verdict.KindWorkspace:
		w, known := s.dir.Workspace(e.ID)
		return s.sink.Put(model.WorkspaceFinding{
			Entity: e, Name: w.Name, Known: known, Contact: w.Contact, Categories: categories,
		})
	}
	return nil // devices are counted, not listed
}

func (s *state) writeRevocations() error {
	if err := s.revokeReached(); err != nil {
		return err
	}
	ids := slices.Collect(maps.Keys(s.outcome.revoke))
	refs, err := s.dir.SessionRefs(s.ctx, ids)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	list := slices.SortedFunc(maps.Values(s.outcome.revoke), func(a, b *model.Revocation) int {
		return cmp.Or(cmp.Compare(a.User, b.User), a.Session.Compare(b.Session))
	})
	for _, r := range list {
		r.DirectoryID = refs[r.Session]
		if err := s.sink.Put(*r); err != nil {
			return err
		}
	}
	return nil
}
