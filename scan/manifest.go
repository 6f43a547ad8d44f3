package scan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/identity"
	"github.com/spillscope/spillscope/model/verdict"
	"github.com/spillscope/spillscope/scan/internal/figures"
)

// params is what calibration found, for the manifest.
type params struct {
	Clock   calibrate.Offset        `json:"origin_clock"`
	Loss    calibrate.Losses        `json:"loss"`
	Leak    []Leak                  `json:"leak"`
	Lives   []Life                  `json:"effective_life"`
	Caches  []calibrate.Posterior   `json:"caches"`
	Keeps   []calibrate.Keeping     `json:"revalidation,omitempty"`
	Headers []calibrate.HeaderSizes `json:"header_bytes,omitempty"`
	Clients identity.Report         `json:"clients"`
	Ladder  identity.Trials         `json:"holder_ladder"`

	Writers []calibrate.WriterClock `json:"origin_clocks,omitempty"`
	Tracing *Tracing                `json:"traces,omitempty"`
	Placing *Placing                `json:"placed_rows,omitempty"`
	Told    []ToldSource            `json:"sighting_sources,omitempty"`
	IDs     DeviceIDs               `json:"device_ids,omitzero"`
}

// manifest states the identity of the case: what follows from the inputs and
// the incident file alone.
func (s *state) manifest() model.Manifest {
	inc := s.Incident
	w := inc.Window
	m := model.Manifest{
		Schema: 1, Case: inc.Case, Tool: s.Tool, Incident: s.IncidentSHA256, Key: s.Key.Fingerprint(),
		Window: model.Period{
			From: w.Span.From.String(), To: w.Span.To.String(), Lookback: w.Lookback.String(),
			Margin: w.Margin.String(), FollowUntil: w.FollowUntil.String(),
		},
		Assumptions: s.assumptions(),
		Joins:       s.tally.summary(w.Span),
		Gaps:        s.gaps(),
		Control:     s.controls(),
		Phases:      s.phases.results(s.spans.judged()),
		Reports:     s.reportsResult,
		Second:      s.secondResult,
		HeldOut:     s.heldOut.result(),
		Sensitivity: s.sensitivities,
		Funnel:      s.tally.funnel,
		Params:      params{s.offset, s.losses, s.leakReport(), s.lifetimes(), s.caches.report(), s.confirms.report(), s.headerSizes.report(), s.habits.Report(), s.trials, s.writerClocks(), some(s.tracing), some(s.placing), s.toldReport(), s.deviceIDs},
		Pruned:      s.pruned,
		Flags:       s.outcome.flags,
		Synthetic:   figures.Nearest(s.conditions()),
		OriginOnly:  s.noEdge,
	}
	for _, in := range s.inputs() {
		m.Balance = m.Balance.Add(in.Balance)
		m.Inputs = append(m.Inputs, model.ManifestInput{
			URI: in.URI, Kind: in.Kind, Size: in.Size, SHA256: in.SHA256, Balance: in.Balance,
			First: in.First.String(), Last: in.Last.String(),
		})
	}
	if s.noEdge != "" { // what counts or matches deliveries would only say that there are none
		m.Phases, m.Control, m.Synthetic = nil, nil, nil
	}
	m.Limits = s.limits()
	m.Headline = s.headline()
	d := s.diagnose(&m)
	m.Partial, m.Warnings = d.partial, d.warnings
	m.Complete = len(m.Partial) == 0
	m.Headline.NotACeiling = len(m.Gaps) > 0 || !m.Complete && s.noEdge == "" || len(d.opened) > 0
	return m
}

func (s *state) headline() model.Headline {
	o := &s.outcome
	h := model.Headline{
		HolderUsers:         s.rollup.Bounds(verdict.KindUser, model.RoleHolder),
		HolderWorkspaces:    s.rollup.Bounds(verdict.KindWorkspace, model.RoleHolder),
		RecipientDevices:    s.rollup.Bounds(verdict.KindDevice, model.RoleRecipient),
		RecipientUsers:      s.rollup.Bounds(verdict.KindUser, model.RoleRecipient),
		RecipientWorkspaces: s.rollup.Bounds(verdict.KindWorkspace, model.RoleRecipient),
		Deliveries:          o.hits.Bounds(),
		Unattributed:        o.unattributed,
		StaffSessions:       len(o.staff),
		UsedDeliveries:      o.used,
		AccessRows:          o.accessRows,
		DeliveriesOutside:   o.outside.before + o.outside.after,
		Outside:             o.outside.result(),
		FirstDelivery:       o.span.From.String(),
		LastDelivery:        o.span.To.String(),
		TotalWorkspaces:     s.Incident.TotalWorkspaces,
		TotalWorkspacesBase: "total_workspaces of the incident file",
	}
	h.Ceilings = s.ceilings(&h.HolderUsers)
	if h.TotalWorkspaces == 0 {
		h.TotalWorkspaces = s.dir.Counts().Workspaces
		h.TotalWorkspacesBase = "rows of the workspaces table"
	}
	if asOf := s.Incident.Directory.AsOf; asOf != 0 {
		h.TotalWorkspacesBase += ", directory as of " + asOf.String()
	}
	return h
}

// assumptions states what the result rests on besides rows.
func (s *state) assumptions() []string {
	inc := s.Incident
	c := inc.Cache
	var out []string
	say := func(cond bool, format string, args ...any) {
		if cond {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	say(true, "CloudFront logs no Set-Cookie. %s", s.setOn())
	if s.noEdge != "" {
		say(!s.dir.MembershipDated(), undated)
		return out
	}
	say(true, "the cache kept a response for %v; it expired by the rule %q%s", c.TTL.Max, c.Expiry, anyRule(c.Expiry))
	say(true, "%s", sharing(c.Scope))
	say(c.CachesPerScope == 0, "how many caches stand behind one name is unknown; it was estimated")
	out = append(out, s.assumedCaches()...)
	say(c.Collapsing == model.Unknown, "whether waiting requests were collapsed is unknown; both are allowed for")
	say(inc.Cookie.SameSite == "unknown" || inc.Cookie.SameSite == "", "the cookie's SameSite is unknown; requests from other sites' pages count in part")
	say(!s.dir.MembershipDated(), undated)
	say(s.sources(model.SourceOrigin) == 0, "there is no origin log: holders are known only where the edge logged cookies")
	return out
}

const undated = "memberships are those of the directory's export, whose date is unknown"

func (s *state) sources(kind model.SourceKind) int {
	n := 0
	for _, src := range s.Incident.Sources {
		if src.Kind == kind {
			n++
		}
	}
	return n
}

// setOn states how it is known that fills set the cookie.
func (s *state) setOn() string {
	switch rule := s.Incident.Cookie.SetOn; {
	case rule.Rule == model.SetOnEvery:
		return "ASSUMPTION: every response to a request with a session set the cookie"
	case rule.Rule == model.SetOnOncePer:
		return fmt.Sprintf("ASSUMPTION: a session's responses set the cookie once per %v; every one is counted as if it did, which is too many", rule.Period)
	case !slices.ContainsFunc(s.objects, func(o object) bool { return o.source.Kind == model.SourceOrigin && o.shows }):
		return "ASSUMPTION: every response to a request with a session set the cookie, since no origin log says otherwise"
	case slices.ContainsFunc(s.objects, func(o object) bool { return o.source.Kind == model.SourceOrigin && o.shows && !o.sets }):
		return "ASSUMPTION: every response to a request with a session set the cookie, since an origin source maps neither set_cookie nor set_session"
	}
	return "Which responses set the cookie is read from the origin log"
}

func anyRule(e model.Expiry) string {
	if e == model.ExpiryAny {
		return ", so all formulas known of caches were allowed and weighed by the log"
	}
	return ""
}

func (s *state) controls() []model.ControlResult {
	for i := range s.Incident.Control {
		s.tally.controlResult(i, s.Incident)
	}
	return s.tally.control
}

// gaps lists the stretches of the window without a row, as the manifest has them.
func (s *state) gaps() []model.Gap {
	var out []model.Gap
	add := func(source string, rows map[model.Instant]int) {
		for _, g := range s.gapsIn(rows) {
			out = append(out, model.Gap{From: g.From.String(), To: g.To.String(), Source: source})
		}
	}
	if s.noEdge == "" {
		add("edge", s.edgeMinutes())
	}
	if s.sources(model.SourceOrigin) > 0 {
		add("origin", s.tally.origins)
	}
	slices.SortStableFunc(out, func(a, b model.Gap) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Source, b.Source)) })
	return out
}

// edgeMinutes counts the edge rows of each minute.
func (s *state) edgeMinutes() map[model.Instant]int {
	edge := map[model.Instant]int{}
	for k, c := range s.tally.coverage {
		edge[k.minute] += c.Rows
	}
	return edge
}

// gapsIn lists the stretches of the window of which rows, counted by minute,
// has none.
func (s *state) gapsIn(rows map[model.Instant]int) []model.Span {
	w := s.Incident.Window.Span
	var out []model.Span
	var from model.Instant
	end := truncate(w.To, time.Minute).Add(time.Minute)
	for t := truncate(w.From, time.Minute); t <= end; t = t.Add(time.Minute) {
		if t < end && rows[t] == 0 {
			if from == 0 {
				from = t
			}
			continue
		}
		if from != 0 && t.Sub(from) >= s.Incident.Thresholds.CoverageGap {
			out = append(out, model.Span{From: from, To: t})
		}
		from = 0
	}
	return out
}

// some returns nil for what did not happen.
func some[T comparable](x T) *T {
	var none T
	if x == none {
		return nil
	}
	return &x
}
