package scan

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/intake"
)

// Support reports are known swaps: each must be found or explained. A report
// is matched to the deliveries before it of the user, or workspace, that it
// names. Reports are few and are held in memory with what was seen of them;
// their notes are personal and hostile, and are never read here.
type reports struct {
	all      []*report
	byUser   map[string][]*report // and the members of a workspace, where no user is named
	bySpace  map[string][]*report
	byDevice map[model.ID][]*report // devices that showed such a user
}

// horizon is how long before a report its delivery may lie. People report in
// the morning what they saw in the evening.
const horizon = 24 * time.Hour

// clocks is how far the clock of the ticket system may be behind.
const clocks = time.Minute

// relation is what a report shares with a delivery, the stronger the larger.
type relation int

const (
	unrelated relation = iota
	sameWorkspace
	holderUser
	recipientUser
)

var relationNames = [...]string{"", "workspace", "holder", "recipient"}

// report is one report and what the scan saw that concerns it.
type report struct {
	intake.Report
	seen         int // requests of its users
	hits, empty  int // of their devices, before it; and those on fills without a session
	unattributed int
	matches      [recipientUser + 1]match
	outside      int // rows of deliveries outside the window, at least possible
	outsideAt    model.Instant
}

// match adds up the rows that one relation ties to a report.
type match struct {
	hits  map[string]bool
	tiers [model.TierConfirmed + 1]int
	flags map[model.FlagName]int // of the rows that are set aside
	rows  []matchedRow           // strongest first, a few
}

type matchedRow struct {
	id   string
	tier model.Tier
	p    float64
}

// fewRows is how many rows a report cites.
const fewRows = 5

func newReports(dir *intake.Directory) *reports {
	r := &reports{byUser: map[string][]*report{}, bySpace: map[string][]*report{}, byDevice: map[model.ID][]*report{}}
	var spaces []string
	for _, x := range dir.Reports() {
		r.all = append(r.all, &report{Report: x})
		if x.User == "" {
			spaces = append(spaces, x.Workspace)
		}
	}
	members := map[string][]string{}
	if len(spaces) > 0 {
		members = dir.Members(spaces)
	}
	slices.SortStableFunc(r.all, func(a, b *report) int {
		return cmp.Or(cmp.Compare(a.At, b.At), a.Ref.Compare(b.Ref))
	})
	for _, x := range r.all {
		who := []string{x.User}
		if x.User == "" {
			who = members[x.Workspace]
		}
		for _, u := range who {
			r.byUser[u] = append(r.byUser[u], x)
		}
		if x.Workspace != "" {
			r.bySpace[x.Workspace] = append(r.bySpace[x.Workspace], x)
		}
	}
	return r
}

// about reports whether x may speak of something at t.
func (x *report) about(t model.Instant) bool {
	return t <= x.At.Add(clocks) && t >= x.At.Add(-horizon)
}

// sighting notes that user was seen at a device.
func (r *reports) sighting(user string, device model.ID) {
	for _, x := range r.byUser[user] {
		x.seen++
		if !slices.Contains(r.byDevice[device], x) {
			r.byDevice[device] = append(r.byDevice[device], x)
		}
	}
}

// hit notes a hit of a device; bears says that some fill of it may have
// carried a session.
func (r *reports) hit(device model.ID, at model.Instant, bears bool) {
	for _, x := range r.byDevice[device] {
		if !x.about(at) {
			continue
		}
		x.hits++
		if !bears {
			x.empty++
		}
	}
}

// unattributed notes a hit of user whose holder nobody can name.
func (r *reports) unattributed(u *model.Unattributed) {
	for _, x := range r.byUser[u.User] {
		if x.about(u.HitTime) {
			x.unattributed++
		}
	}
}

// row notes a judged row, inside or outside the window.
func (r *reports) row(d *model.Delivery, outside bool) {
	for x, how := range r.related(d) {
		switch {
		case !x.about(d.HitTime):
		case !outside:
			x.matches[how].add(d)
		case d.Tier >= model.TierPossible:
			x.outside++
			x.outsideAt = max(x.outsideAt, d.HitTime)
		}
	}
}

// related returns the reports that share something with a row, with the
// strongest of what they share. A report that names a user and a workspace may
// mean the workspace that the user saw; then a delivery of one of its sessions
// to a client that nobody is known to own may be the one.
func (r *reports) related(d *model.Delivery) map[*report]relation {
	if len(r.all) == 0 {
		return nil
	}
	out := map[*report]relation{}
	note := func(list []*report, how relation) {
		for _, x := range list {
			if x.User == "" { // its users stand for a workspace
				how = min(how, sameWorkspace)
			}
			out[x] = max(out[x], how)
		}
	}
	if d.RecipientUser != "" {
		note(r.byUser[d.RecipientUser], recipientUser)
	}
	if d.HolderUser != "" {
		note(r.byUser[d.HolderUser], holderUser)
	}
	for _, w := range d.HolderWorkspaces {
		note(r.bySpace[w], sameWorkspace)
	}
	for _, w := range d.RecipientWorkspaces {
		note(r.bySpace[w], sameWorkspace)
	}
	maps.DeleteFunc(out, func(x *report, how relation) bool {
		return how == sameWorkspace && x.User != "" && (d.RecipientUser != "" || !slices.Contains(d.HolderWorkspaces, x.Workspace))
	})
	return out
}

func (m *match) add(d *model.Delivery) {
	if m.hits == nil {
		m.hits, m.flags = map[string]bool{}, map[model.FlagName]int{}
	}
	m.tiers[d.Tier]++
	if d.Tier == model.TierSetAside {
		for _, f := range d.Flags {
			m.flags[f.Name]++
		}
		return
	}
	m.hits[d.Hit.RequestID] = true
	m.rows = append(m.rows, matchedRow{d.ID, d.Tier, d.PApplied})
	slices.SortFunc(m.rows, func(a, b matchedRow) int {
		return cmp.Or(cmp.Compare(b.tier, a.tier), cmp.Compare(b.p, a.p), cmp.Compare(a.id, b.id))
	})
	m.rows = m.rows[:min(len(m.rows), fewRows)]
}

// best returns the strongest tier of the rows, if any is not set aside.
func (m *match) best() (model.Tier, bool) {
	if len(m.rows) == 0 {
		return 0, false
	}
	return m.rows[0].tier, true
}

// strongest returns the relation whose rows explain the report best. Of equal
// tiers the closer relation is taken.
func (x *report) strongest() relation {
	found, top := unrelated, model.Tier(0)
	for how := recipientUser; how > unrelated; how-- {
		if t, ok := x.matches[how].best(); ok && (found == unrelated || t > top) {
			found, top = how, t
		}
	}
	return found
}

// writeReports lists the reports with what explains them.
func (s *state) writeReports() error {
	if s.Incident.Reports.URI == "" || s.noEdge != "" { // without deliveries none can be explained
		return nil
	}
	res := &model.ReportsResult{Total: len(s.reports.all), Horizon: "24 hours", By: map[string]int{}, Outcomes: map[string]int{}}
	for _, x := range s.reports.all {
		m := s.explainReport(x)
		if m.Outcome == explained {
			res.Explained++
			res.By[m.MatchedBy]++
		}
		res.Outcomes[m.Outcome]++
		if err := s.sink.Put(m); err != nil {
			return err
		}
	}
	s.reportsResult = res
	return nil
}

// explainReport says what became of x, by the first rule that fits.
func (s *state) explainReport(x *report) model.ReportMatch {
	out := model.ReportMatch{Ref: x.Ref, At: x.At, User: x.User, Workspace: x.Workspace}
	out.Ref.Object += uint32(len(s.objects))
	if how := x.strongest(); how != unrelated {
		m := &x.matches[how]
		out.MatchedBy, out.Tier, out.PApplied = relationNames[how], m.rows[0].tier.String(), m.rows[0].p
		out.Deliveries = len(m.hits)
		for _, r := range m.rows {
			out.DeliveryIDs = append(out.DeliveryIDs, r.id)
		}
	}
	for _, rule := range reportRules {
		if rule.fits(s, x) {
			out.Outcome, out.Explanation = rule.outcome, rule.words(s, x)
			break
		}
	}
	return out
}

// asideFlags names the rules that set the matched rows aside, most frequent first.
func (x *report) asideFlags() []model.FlagName {
	counts := map[model.FlagName]int{}
	for i := range x.matches {
		for f, n := range x.matches[i].flags {
			counts[f] += n
		}
	}
	names := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(names, func(a, b model.FlagName) int { return cmp.Compare(counts[b], counts[a]) })
	return names
}

func (x *report) tierRows(t model.Tier) int {
	n := 0
	for i := range x.matches {
		n += x.matches[i].tiers[t]
	}
	return n
}
