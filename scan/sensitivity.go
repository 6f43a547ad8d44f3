package scan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// alternative is another assumption under which the same rows are judged again.
type alternative struct {
	name, words string
	change      func(*model.Incident) // nil: none
	skew        time.Duration
}

// otherSkew is how far apart clocks are in the alternative of worse clocks.
const otherSkew = time.Second

// alternatives lists those that differ from what the incident file says.
func alternatives(inc *model.Incident) []alternative {
	c := inc.Cache
	var out []alternative
	add := func(differs bool, name, words string, change func(*model.Incident)) {
		if differs {
			out = append(out, alternative{name: name, words: words, change: change})
		}
	}
	scaled := func(by float64) func(*model.Incident) { return func(i *model.Incident) { scaleTTL(i, by) } }
	add(true, "ttl×2", fmt.Sprintf("responses lived twice as long as stated (%v)%s", c.TTL.Max*2, tooEarly(inc)), scaled(2))
	add(true, "ttl×½", fmt.Sprintf("responses lived half as long as stated (%v)", c.TTL.Max/2), scaled(0.5))
	for _, e := range []model.Expiry{model.ExpiryReal, model.ExpiryFloor, model.ExpiryCeil} {
		add(c.Expiry != e, "expiry "+string(e), fmt.Sprintf("responses expired by the rule %q everywhere", e),
			func(i *model.Incident) { i.Cache.Expiry = e })
	}
	out = append(out, alternative{name: "skew", words: fmt.Sprintf("clocks differ by up to %v more than is always allowed for", otherSkew), skew: otherSkew / 2})
	for _, x := range []model.Scope{model.ScopeLocation, model.ScopeCity, model.ScopeGlobal} {
		add(c.Scope != x, "scope "+string(x), sharing(x),
			func(i *model.Incident) { i.Cache.Scope = x })
	}
	none, one := model.UpperTier{Known: true}, model.UpperTier{Known: true, Scope: model.ScopeGlobal, TTL: c.TTL.Max}
	add(c.UpperTier != none, "no upper tier", "there is no cache between the edge and the origin",
		func(i *model.Incident) { i.Cache.UpperTier = none })
	add(c.UpperTier.Exists() != model.Yes, "one upper tier", "one cache between the edge and the origin, with the same time to live",
		func(i *model.Incident) { i.Cache.UpperTier = one })
	for _, x := range []struct {
		name string
		is   model.Tri
	}{{"on", model.Yes}, {"off", model.No}} {
		add(c.Collapsing != x.is, "collapsing "+x.name, "requests that wait for the same response were collapsed: "+x.name,
			func(i *model.Incident) { i.Cache.Collapsing = x.is })
	}
	return out
}

// tooEarly says that fills which only a longer life lets matter were not read.
func tooEarly(inc *model.Incident) string {
	if 2*longestLife(inc) > around(inc) {
		return "; fills from before the margin of the window were not read, so that too few appear"
	}
	return ""
}

func scaleTTL(inc *model.Incident, by float64) {
	scale := func(t model.TTL) model.TTL {
		by := func(d time.Duration) time.Duration { return time.Duration(float64(d) * by) }
		return model.TTL{Min: by(t.Min), Default: by(t.Default), Max: by(t.Max)}
	}
	inc.Cache.TTL = scale(inc.Cache.TTL)
	inc.Routes = slices.Clone(inc.Routes)
	for i := range inc.Routes {
		if t := inc.Routes[i].TTL; t != nil {
			longer := scale(*t)
			inc.Routes[i].TTL = &longer
		}
	}
}

// under returns a scan of the same evidence under another assumption. It
// counts only, and shares nothing that judging changes.
func (s *state) under(a alternative, sink model.Sink) *state {
	inc := *s.Incident
	if a.change != nil {
		a.change(&inc)
	}
	other := *s
	other.Incident, other.sink, other.Attributed = &inc, sink, nil
	other.judgement = judgement{
		tally: s.tally.again(), phases: newPhases(&inc), reports: &reports{}, skew: a.skew, countsOnly: true,
	}
	return &other
}

// workspaceSides are the tiers of a workspace, by role.
type workspaceSides [model.RoleRecipient]string

// placed is a sink that keeps where workspaces are placed, and nothing else. It
// grows with the workspaces that were delivered.
type placed map[string]workspaceSides

func (p placed) Put(f model.Finding) error {
	if w, ok := f.(model.WorkspaceFinding); ok {
		p[w.ID] = sidesOf(&w)
	}
	return nil
}

func sidesOf(w *model.WorkspaceFinding) workspaceSides {
	var s workspaceSides
	for _, x := range []struct {
		role model.Role
		tier model.Tier
	}{{model.RoleHolder, w.AsHolder}, {model.RoleRecipient, w.AsRecipient}} {
		if w.Role&x.role != 0 {
			s[x.role-1] = x.tier.String()
		}
	}
	return s
}

// sensitivity judges the evidence again under each alternative, if that was
// asked for. No log is read again.
func (s *state) sensitivity() error {
	if !s.Sensitivity {
		return nil
	}
	list := append([]alternative{{name: "the case", words: "as the incident file says"}}, alternatives(s.Incident)...)
	var base placed
	for i, a := range list {
		s.Progress(Progress{Phase: "sensitivity", Objects: i, ObjectsTotal: len(list)})
		found := placed{}
		res, err := s.judgedUnder(a, found)
		if err != nil {
			return fmt.Errorf("sensitivity, %s: %w", a.name, err)
		}
		if i == 0 {
			base = found
		}
		if err := s.compare(res, base, found); err != nil {
			return err
		}
		s.sensitivities = append(s.sensitivities, *res)
		if err := s.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// judgedUnder runs the phases of judging under a.
func (s *state) judgedUnder(a alternative, sink model.Sink) (res *model.Sensitivity, err error) {
	other := s.under(a, sink)
	defer func() { err = errors.Join(err, other.judgement.close()) }()
	for _, run := range []func() error{other.calibrate, other.reconstruct, other.identify, other.writeEntities} {
		if err := run(); err != nil {
			return nil, err
		}
	}
	h := other.headline()
	return &model.Sensitivity{
		Alternative: a.name, Words: a.words, Workspaces: h.HolderWorkspaces, Deliveries: h.Deliveries, Lost: h.Unattributed,
	}, nil
}

// compare lists the workspaces that found places elsewhere than base.
func (s *state) compare(res *model.Sensitivity, base, found placed) error {
	ids := slices.AppendSeq(slices.Collect(maps.Keys(base)), maps.Keys(found))
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		for role := model.RoleHolder; role <= model.RoleRecipient; role++ {
			c := model.TierChange{Alternative: res.Alternative, Workspace: id, Role: role, Base: base[id][role-1], Other: found[id][role-1]}
			switch was, is := notified(c.Base), notified(c.Other); {
			case c.Base == c.Other || !was && !is:
				continue
			case !was:
				c.Change = "appears"
				res.Appear++
			case !is:
				c.Change = "vanishes"
				res.Vanish++
			default:
				c.Change = "tier"
				res.Tier++
			}
			if err := s.sink.Put(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// notified reports whether a workspace of that tier is on the list to notify.
func notified(tier string) bool {
	return tier == model.TierPossible.String() || tier == model.TierProbable.String() || tier == model.TierConfirmed.String()
}

// sharing says which requests one cache answers.
func sharing(s model.Scope) string {
	if s == model.ScopeGlobal {
		return "all requests share one cache"
	}
	return fmt.Sprintf("requests of one %s share a cache", s)
}
