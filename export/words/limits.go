package words

import (
	"fmt"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// Rate is one join rate in words.
type Rate struct {
	What        string
	Found, Of   int
	Consequence string // of those not found
}

// Share returns the rate as a percentage.
func (r Rate) Share() string { return Percent(float64(r.Found), float64(r.Of)) }

// Title returns What as the beginning of a sentence.
func (r Rate) Title() string { return strings.ToUpper(r.What[:1]) + r.What[1:] }

// Joins returns the join rates of a case.
func Joins(j model.JoinSummary) []Rate {
	return []Rate{
		{"cache misses found in the origin log", j.MissesAtOrigin, j.EdgeMisses, "the session of such a fill comes from a lower rung, or is unknown"},
		{"origin requests found in the CDN log", j.OriginAtEdge, j.OriginIDs, "the CDN's log lacks rows, or these requests did not pass it"},
		{"sessions found in the directory", j.SessionsKnown, j.Sessions, "their users are unknown unless the origin log names them"},
		{"users found in the directory", j.UsersKnown, j.Users, "their workspaces are unknown"},
	}
}

// Limits lists what this case cannot say, from its own data. There is always
// at least one limit: no log is a complete account.
func Limits(m *model.Manifest) []string {
	var out []string
	say := func(cond bool, format string, args ...any) {
		if cond {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	h, b := &m.Headline, &m.Balance
	say(m.OriginOnly != "", "No edge log was read (%s). What the cache answered itself stands in no origin log: neither who was handed a session nor that anybody was.", m.OriginOnly)
	say(h.NotACeiling, "The upper numbers are not a ceiling: %s.", Exceeded(m))
	for _, g := range m.Gaps {
		say(true, "No rows of %s between %s and %s.", g.Source, g.From, g.To)
	}
	out = append(out, m.Limits...)
	say(h.Unattributed > 0, "Deliveries that could be tied to no holder: %s. They are part of the upper numbers; whose sessions they carried is not known.", Count(h.Unattributed))
	for _, r := range Joins(m.Joins) {
		if m.OriginOnly != "" {
			break // nothing was joined
		}
		say(r.Found < r.Of, "%s: %s of %s (%s). For the others, %s.", r.Title(), Count(r.Found), Count(r.Of), r.Share(), r.Consequence)
		say(r.Of == 0, "%s: there were none to look for.", r.Title())
	}
	say(b.Rejected > 0, "Log lines that could not be read: %s. Each is in rejects.jsonl with its place and the reason.", Count(b.Rejected))
	say(b.Duplicate > 0, "Log lines that stood in the logs twice and count once: %s.", Count(b.Duplicate))
	say(m.Funnel.ConflictingIDs > 0, "Request ids that stand in the logs with differing content, where both rows were kept: %s.", Count(m.Funnel.ConflictingIDs))
	f := &m.Funnel
	say(f.Orphans > 0, "Hits that no stored response in the logs explains: %s; of these %s while no session was stored at that location, and %s whose size leaves no room for a cookie. The others are unattributed deliveries, unless a use that was seen names the holder.", Count(f.Orphans), Count(f.OrphansNotLive), Count(f.OrphansBare))
	say(h.DeliveriesOutside > 0, "Deliveries outside the stated window: %s. They are listed and in no count.", Count(h.DeliveriesOutside))
	for _, c := range m.Control {
		say(c.Deliveries > 0, "In the clean hours from %s to %s the same program finds %s, %d of them confirmed and %d probable: expect as many false ones in the window.",
			c.From, c.To, Plural(c.Deliveries, "delivery row"), c.Confirmed, c.Probable)
	}
	say(len(m.Control) == 0 && m.OriginOnly == "", "No clean hours were judged for comparison (control in the incident file), so false alarms could not be measured.")
	if r := m.Reports; r != nil {
		say(r.Explained < r.Total, "%s", Reports(r))
	}
	say(m.Pruned > 0, "Log objects not read because their names place them outside the spans of interest: %s.", Count(m.Pruned))
	say(true, "CDN logs are delivered on a best-effort basis: an entry can be late or missing without a gap that shows.")
	say(true, "The tiers rest on probabilities computed from these logs and the stated assumptions; they are not rates measured on real incidents.")
	return out
}

// Exceeded says why the upper numbers are no ceiling, where they are none.
func Exceeded(m *model.Manifest) string {
	switch {
	case len(m.Gaps) > 0:
		return "the logs have gaps, and deliveries inside them are in no count"
	case !m.Complete:
		return "the scan is PARTIAL, and what it lacks is in no count"
	}
	return "a warning says what is in no count"
}
