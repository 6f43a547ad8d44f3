package scan

import (
	"cmp"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/identity"
	"github.com/spillscope/spillscope/model/verdict"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

func atomFields(c *wire.Codec, a *verdict.Atom) {
	wire.Number(c, &a.Kind)
	wire.Text(c, &a.Entity)
	wire.Text(c, &a.Fill)
	wire.Text(c, &a.Hit)
	wire.Number(c, &a.Role)
	c.Float(&a.P)
	wire.Number(c, &a.Tier)
	c.Bool(&a.Used)
	wire.Number(c, &a.Opened)
	wire.Number(c, &a.Changed)
	wire.Number(c, &a.Time)
	wire.Text(c, &a.Holder)
	c.ID(&a.Device)
	wire.Slice(c, &a.Flags, wire.Text[model.FlagName])
	wire.Text(c, &a.Row)
	c.Strings(&a.Cats)
	wire.Text(c, &a.Component)
}

// keepAtoms stores the row's share in each entity it touches. A workspace is
// reached through a holder only if the recipient is not its member; a
// colleague's delivery is set aside for that workspace alone.
func (j *judge) keepAtoms(x *judged) error {
	d := &x.delivery
	a := verdict.Atom{
		Fill: d.Fill.RequestID, Hit: d.Hit.RequestID, Role: model.RoleHolder, P: d.PApplied, Tier: d.Tier,
		Used: x.use != nil && d.Tier != model.TierSetAside, Opened: x.opened, Changed: x.changed,
		Time: d.HitTime, Holder: d.HolderUser, Device: d.Device, Row: d.ID, Cats: x.cats, Component: x.component,
	}
	if a.Fill == "" {
		a.Fill = "lost " + d.Hit.RequestID
	}
	for _, f := range d.Flags {
		a.Flags = append(a.Flags, f.Name)
	}
	if err := j.atom(a, verdict.KindUser, d.HolderUser); err != nil {
		return err
	}
	for _, w := range x.spaces.with(d.HolderWorkspaces) {
		b := a
		b.Opened, b.Changed = x.spaces.reached(w, a.Opened, a.Changed, len(d.HolderWorkspaces))
		if slices.Contains(d.RecipientWorkspaces, w) {
			b.P, b.Tier = 0, model.TierSetAside
		}
		if err := j.atom(b, verdict.KindWorkspace, w); err != nil {
			return err
		}
	}
	if d.Tier == model.TierSetAside {
		return nil
	}
	a.Role, a.Opened, a.Changed, a.Cats = model.RoleRecipient, model.Unknown, model.Unknown, nil
	if err := j.atom(a, verdict.KindDevice, d.Device.String()); err != nil {
		return err
	}
	if err := j.atom(a, verdict.KindUser, d.RecipientUser); err != nil {
		return err
	}
	for _, w := range d.RecipientWorkspaces {
		if err := j.atom(a, verdict.KindWorkspace, w); err != nil {
			return err
		}
	}
	return nil
}

func (j *judge) atom(a verdict.Atom, kind verdict.Kind, entity string) error {
	if entity == "" {
		return nil
	}
	a.Kind, a.Entity = kind, entity
	j.key = append(append(j.key[:0], byte(kind)), entity...)
	j.key = append(append(append(j.key, 0), a.Fill...), 0)
	j.key = append(append(j.key, a.Hit...), byte(a.Role))
	j.val = wire.Encode(j.val[:0], func(c *wire.Codec) { atomFields(c, &a) })
	return j.atoms.Add(j.key, j.val)
}

// keepAccess stores what the recipient did with the sessions of rows. Two
// fills of one holder tell one story: it goes with the likelier.
func (j *judge) keepAccess(rows []judged) error {
	told := map[model.ID]bool{}
	for _, x := range byStrength(rows) {
		d := &x.delivery
		if len(x.trail) == 0 || told[d.HolderSession] {
			continue
		}
		told[d.HolderSession] = true
		for _, s := range x.trail {
			if err := j.accessRow(d, s.Payload.(*sighting)); err != nil {
				return err
			}
		}
	}
	return nil
}

func byStrength(rows []judged) []*judged {
	out := make([]*judged, len(rows))
	for i := range rows {
		out[i] = &rows[i]
	}
	slices.SortStableFunc(out, func(a, b *judged) int {
		return cmp.Or(cmp.Compare(b.delivery.PApplied, a.delivery.PApplied), cmp.Compare(a.delivery.ID, b.delivery.ID))
	})
	return out
}

func (j *judge) accessRow(d *model.Delivery, s *sighting) error {
	if s.Origin == nil {
		return nil
	}
	o := s.Origin
	a := model.Access{
		Time: o.Time.Lo, Row: model.Citation{RequestID: o.RequestID, Ref: o.Ref}, Delivery: d.ID,
		Device: d.Device, HolderUser: d.HolderUser, Method: o.Method, Status: o.Status,
		Pattern: o.Pattern, Category: j.category(o), WorkspaceIDs: d.HolderWorkspaces, Write: writes(o),
	}
	if o.Workspace != "" {
		a.WorkspaceIDs = []string{o.Workspace}
	}
	if a.Write {
		a.Lasting = o.Lasting
	}
	j.outcome.accessRows++
	j.phases.access(a.Time, o.Status)
	j.outcome.lastUse = max(j.outcome.lastUse, a.Time)
	j.key = append(appendInstant(j.key[:0], a.Time), o.RequestID...)
	j.val = wire.Encode(j.val[:0], func(c *wire.Codec) { wire.Access(c, &a) })
	if err := j.access.Add(j.key, j.val); err != nil {
		return err
	}
	return j.cited.origin(o)
}

// keepUnattributed lists a hit that most likely delivered a session nobody
// can name.
func (j *judge) keepUnattributed(h *hit, r *identity.Reading, rows []judged) error {
	e := &h.Row.Edge
	if cache.Delivered(e) == cache.Nothing {
		return nil
	}
	unknown, reason := unattributed(h, r)
	if unknown < 0.5 {
		return nil
	}
	if len(h.Candidates) == 0 && !j.live(h.Row.Cache).Contains(e.End.Lo) {
		j.tally.funnel.OrphansNotLive++
		return nil
	}
	if len(h.Candidates) == 0 && j.headerRatios.of(e) <= bareBytes {
		j.tally.funnel.OrphansBare++
		return nil
	}
	j.outcome.unattributed++
	if len(rows) == 0 {
		j.outcome.flags[verdict.OrphanHit]++
	}
	u := model.Unattributed{
		Hit: model.Citation{RequestID: e.ID, Ref: e.Ref}, HitTime: e.End.Lo, Distribution: e.Distribution,
		Cache: h.Row.Cache, Route: j.Incident.Routes[e.Route].Path, Device: h.Row.Device, User: r.OwnUser,
		PUnknown: verdict.Round(unknown), Reason: reason,
	}
	j.reports.unattributed(&u)
	j.key = append(appendInstant(j.key[:0], u.HitTime), e.ID...)
	j.val = wire.Encode(j.val[:0], func(c *wire.Codec) { wire.Unattributed(c, &u) })
	return j.orphans.Add(j.key, j.val)
}

// unattributed returns the probability that the holder cannot be named.
func unattributed(h *hit, r *identity.Reading) (p float64, reason string) {
	if len(h.Candidates) == 0 {
		if r.Stranger != nil {
			return 0, ""
		}
		return 1, string(verdict.OrphanHit) + ": no stored response in the logs fits"
	}
	lost := r.Unknown.Delivered
	if r.Unknown.Use != nil {
		lost = 0
	}
	nameless := 0.0
	for i, c := range h.Candidates {
		if c.Hold.Bears && c.Hold.User == "" {
			nameless += r.Verdicts[i].Delivered
		}
	}
	if nameless > lost {
		return lost + nameless, string(verdict.HolderUnknown) + ": the stored response that fits has no origin row, or a session that nobody is known to own"
	}
	return lost + nameless, "the stored response that was served is probably not in the logs"
}
