package words

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// Phases says of each event of the incident what was delivered after it: did
// it stop the leak?
func Phases(m *model.Manifest) []string {
	var out []string
	for i := range m.Phases {
		if p := &m.Phases[i]; p.Event != "" {
			out = append(out, phase(p, m.Phases[i+1:]))
		}
	}
	return out
}

func phase(p *model.PhaseResult, later []model.PhaseResult) string {
	head := fmt.Sprintf("After %s (%s)", p.Event, p.From)
	switch {
	case !p.Judged:
		return head + ": not known. It lies outside the window and its margin; move window.to or widen window.margin to look at it."
	case p.Deliveries == 0 && p.Requests == 0:
		return head + ": no delivery, and no request for the suspect routes in the logs."
	case p.Deliveries == 0:
		return fmt.Sprintf("%s: no delivery in %s for the suspect routes.", head, Plural(p.Requests, "request"))
	}
	return fmt.Sprintf("%s: %s until %s at %s, %s.", head, deliveries(p.Deliveries), p.LastDelivery, Plural(p.Locations, "location"), more(p, later))
}

// more says whether deliveries follow in later phases.
func more(p *model.PhaseResult, later []model.PhaseResult) string {
	end, sum := p.To, 0
	for _, l := range later {
		if l.Judged {
			end = l.To
			sum += l.Deliveries
		}
	}
	if sum > 0 {
		return "and " + deliveries(sum) + " in later phases"
	}
	return "none later, as far as was looked (" + end + ")"
}

func deliveries(n int) string {
	if n == 1 {
		return "1 delivery"
	}
	return Count(n) + " deliveries"
}

// Outside says what lies outside the window, or nothing if nothing does.
func Outside(h *model.Headline) string {
	if h.DeliveriesOutside == 0 {
		return ""
	}
	return fmt.Sprintf("%s outside the window: %s before it, %s after it, from %s to %s. They are listed in outside.csv and in no other count; if they are real, the window is too short.",
		deliveries(h.DeliveriesOutside), Count(h.Outside.Before), Count(h.Outside.After), h.Outside.First, h.Outside.Last)
}

// OriginOnly is the answer where no edge log was read: what no later number can
// exceed, and nothing that would need a reconstruction.
func OriginOnly(m *model.Manifest) []string {
	c := &m.Headline.Ceilings
	unless := "unless rows are missing from the origin log"
	if m.Headline.NotACeiling {
		unless = "but rows are missing from the origin log, so this is not a ceiling"
	}
	unknown := ""
	if c.UnknownSessions > 0 {
		unknown = fmt.Sprintf(" and the owners of %s that nobody is known to own", Plural(c.UnknownSessions, "session"))
	}
	return []string{
		"No edge log was read, so no delivery was reconstructed: nobody is confirmed, probable or cleared.",
		fmt.Sprintf("Holders: at most %s of %s, whose sessions reached the suspect routes,%s %s.",
			Plural(c.Users, "user"), Plural(c.Workspaces, "workspace"), unknown, unless),
		"Revoke every session in revoke.csv: each of them may have been in a response that the cache kept.",
	}
}

// Ceilings says what no estimate may exceed.
func Ceilings(c *model.Ceilings) string {
	if c.Users+c.UnknownSessions == 0 {
		return "The logs do not show which sessions the requests for all suspect routes presented, so there is no ceiling for holders; a cache may have answered " + Plural(c.Clients, "client") + " there."
	}
	unknown := ""
	if c.UnknownSessions > 0 {
		unknown = fmt.Sprintf(" (and of at most %s behind as many sessions that no one is known to own)", Plural(c.UnknownSessions, "user"))
	}
	return fmt.Sprintf("Sessions of %s%s of %s reached the suspect routes, and a cache may have answered %s there. No number of holders or recipients can exceed these, unless rows are missing from the logs.",
		Plural(c.Users, "user"), unknown, Plural(c.Workspaces, "workspace"), Plural(c.Clients, "client"))
}

// CeilingsShort is Ceilings for one line.
func CeilingsShort(c *model.Ceilings) string {
	if c.Users+c.UnknownSessions == 0 {
		return fmt.Sprintf("none for holders, whose sessions the logs do not show for all suspect routes; %s: no number of recipients can exceed it, unless rows are missing", Plural(c.Clients, "client"))
	}
	return fmt.Sprintf("%s, %s, %s: no number can exceed these, unless rows are missing",
		Plural(c.Users+c.UnknownSessions, "holder"), Plural(c.Workspaces, "workspace"), Plural(c.Clients, "client"))
}

// Reports says how the support reports fare.
func Reports(r *model.ReportsResult) string {
	if r.Total == 0 {
		return "The table of reports has no rows."
	}
	var rest []string
	for _, o := range slices.Sorted(maps.Keys(r.Outcomes)) {
		if o != "explained" {
			rest = append(rest, fmt.Sprintf("“%s” %d", o, r.Outcomes[o]))
		}
	}
	head := fmt.Sprintf("%s of %s are explained by deliveries in the %s before them", Count(r.Explained), Plural(r.Total, "report"), r.Horizon)
	var by []string
	for _, side := range slices.Sorted(maps.Keys(r.By)) {
		by = append(by, fmt.Sprintf("%d by %s", r.By[side], side))
	}
	if len(by) > 0 {
		head += " (" + strings.Join(by, ", ") + ")"
	}
	if len(rest) == 0 {
		return head + "."
	}
	return fmt.Sprintf("%s; not explained: %s.", head, strings.Join(rest, ", "))
}

// Second says what the method without a cache model shows.
func Second(s *model.SecondMethod) []string {
	out := []string{fmt.Sprintf("Two devices presented the same session within %s: %s, in %s of which they had different User-Agents.",
		s.Step, Plural(s.Sessions, "session"), Count(s.Agents))}
	clean := map[string]string{"control": "the control hours", "lookback": "the lookback before the window"}[s.Baseline]
	if clean == "" || s.InClean.Steps == 0 {
		out = append(out, "There are no clean hours to compare with: how many of these are people who changed network or browser is not known.")
	} else {
		out = append(out, fmt.Sprintf("By %s, everyday changes of network and browser would make about %s (%s with different User-Agents).",
			clean, Expected(s.Expected), Expected(s.ExpectedUA)))
	}
	for _, t := range s.Overlap {
		if t.Sessions > 0 {
			out = append(out, fmt.Sprintf("Of %s delivered with tier %s it shows %s.", Plural(t.Sessions, "session"), t.Tier, Count(t.Shown)))
		}
	}
	return append(out, fmt.Sprintf("It shows %s without a delivery in this case, %s of them with different User-Agents.", Plural(s.OnlySecond, "session"), Count(s.OnlySecondA)))
}

// SecondShort is Second for one line.
func SecondShort(s *model.SecondMethod) string {
	var shown []string
	for _, t := range s.Overlap {
		if t.Sessions > 0 && t.Shown > 0 {
			shown = append(shown, fmt.Sprintf("%s of %s %s", Count(t.Shown), Count(t.Sessions), t.Tier))
		}
	}
	head := fmt.Sprintf("%s on two devices within %s (%s of them with different User-Agents), about %s expected",
		Plural(s.Sessions, "session"), s.Step, Count(s.Agents), Expected(s.Expected))
	if len(s.Overlap) == 0 {
		return head
	}
	return head + "; of those delivered it shows " + orNone(strings.Join(shown, ", "))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// HeldOut says how well this case's probabilities foretold what was hidden.
func HeldOut(h *model.HeldOut) []string {
	out := []string{fmt.Sprintf("%s judged again as if nothing had been seen of the device afterwards. On average the probability foretold was %.3f off the one that takes into account what was then seen (%s of hit and candidate).",
		were(h.Hits), h.ECE, Plural(h.Pairs, "pair"))}
	if h.Held > 0 {
		out = append(out, fmt.Sprintf("In %s the device was then seen to hold a session it had been handed; in %s that one had been foretold as the likeliest.", Count(h.Held), Count(h.RankedTop)))
	}
	if h.AsideHeld > 0 {
		out = append(out, fmt.Sprintf("%s had been set aside and was held all the same: a rule was wrong there.", Plural(h.AsideHeld, "candidate")))
	}
	return out
}

func were(hits int) string {
	if hits == 1 {
		return "1 hit was"
	}
	return Count(hits) + " hits were"
}

// Sensitivity says how much hangs on what was assumed, or nothing if that was
// not asked.
func Sensitivity(list []model.Sensitivity) string {
	if len(list) < 2 {
		return ""
	}
	low, high := list[0], list[0]
	for _, s := range list[1:] {
		if s.Workspaces.Best < low.Workspaces.Best {
			low = s
		}
		if s.Workspaces.Best > high.Workspaces.Best {
			high = s
		}
	}
	return fmt.Sprintf("under %s the expected number of holder workspaces lies between %s (%s) and %s (%s); the case says %s",
		Plural(len(list)-1, "other assumption"), Expected(low.Workspaces.Best), low.Alternative,
		Expected(high.Workspaces.Best), high.Alternative, Expected(list[0].Workspaces.Best))
}

// Sentence begins s with a capital and ends it with a full stop.
func Sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
