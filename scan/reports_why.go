package scan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/verdict"
)

// explained is the outcome of a report that deliveries explain.
const explained = "explained"

// reportRule says when a report has an outcome, and why.
type reportRule struct {
	outcome string
	fits    func(*state, *report) bool
	words   func(*state, *report) string
}

// reportRules are tried in order; the last one always fits.
var reportRules = []reportRule{
	{explained, func(_ *state, x *report) bool {
		t, ok := x.matches[x.strongest()].best()
		return ok && t >= model.TierPossible
	}, whyExplained},
	{"only unlikely", func(_ *state, x *report) bool { return x.strongest() != unrelated }, whyUnlikely},
	{"outside the window", func(_ *state, x *report) bool { return x.outside > 0 }, whyOutside},
	{"only set aside", func(_ *state, x *report) bool { return x.tierRows(model.TierSetAside) > x.sessionless() }, whyAside},
	{"unattributed", func(_ *state, x *report) bool { return x.unattributed > 0 }, whyUnattributed},
	{"before the window", func(s *state, x *report) bool { return x.At.Add(clocks) < s.Incident.Window.Span.From }, whyBefore},
	{"too late", func(s *state, x *report) bool { return x.At.Add(-horizon) > s.Incident.Window.Span.To }, whyLate},
	{"not in the directory", func(s *state, x *report) bool { return x.seen == 0 && !s.inDirectory(x) }, whyStranger},
	{"not seen", func(_ *state, x *report) bool { return x.seen == 0 }, whyUnseen},
	{"no session in the cache", func(_ *state, x *report) bool { return x.hits > 0 && x.hits == x.empty || x.sessionless() > 0 }, whyEmpty},
	{"hits of others there", func(_ *state, x *report) bool { return x.hits > 0 }, whyOthers},
	{"no hit", func(*state, *report) bool { return true }, whyNoHit},
}

// sessionless counts the matched rows whose fill carried no session.
func (x *report) sessionless() int {
	n := 0
	for i := range x.matches {
		n += x.matches[i].flags[verdict.NoSessionFill]
	}
	return n
}

func (s *state) inDirectory(x *report) bool {
	if x.User != "" {
		_, ok := s.dir.User(x.User)
		return ok
	}
	_, ok := s.dir.Workspace(x.Workspace)
	return ok
}

func whyExplained(_ *state, x *report) string {
	how := x.strongest()
	m := &x.matches[how]
	return fmt.Sprintf("%s before the report, matched by %s; the strongest is %v (p applied %.4f)",
		several(len(m.hits), "delivery", "deliveries"), relationNames[how], m.rows[0].tier, m.rows[0].p)
}

func whyUnlikely(_ *state, x *report) string {
	m := &x.matches[x.strongest()]
	return fmt.Sprintf("%s before the report, all unlikely (p applied at most %.4f): look at their flags",
		several(len(m.hits), "delivery", "deliveries"), m.rows[0].p)
}

func whyOutside(_ *state, x *report) string {
	return fmt.Sprintf("deliveries only outside the window, the last at %v: is the window too short?", x.outsideAt)
}

func whyAside(_ *state, x *report) string {
	var names []string
	for _, f := range x.asideFlags() {
		if def, ok := verdict.Lookup(f); ok && def.SetAside() {
			names = append(names, string(f))
		}
	}
	return fmt.Sprintf("%s before the report, all set aside (%s): a rule may be wrong about them",
		several(x.tierRows(model.TierSetAside), "row", "rows"), strings.Join(slices.Compact(names), ", "))
}

func whyUnattributed(_ *state, x *report) string {
	return fmt.Sprintf("%s before the report, on stored responses whose holder nobody can name: unattributed.csv", several(x.unattributed, "hit", "hits"))
}

func whyBefore(s *state, _ *report) string {
	return fmt.Sprintf("reported before the window begins (%v): is the window too short?", s.Incident.Window.Span.From)
}

func whyLate(s *state, _ *report) string {
	return fmt.Sprintf("reported more than %v after the window ends (%v): deliveries so long before a report are not matched", horizon, s.Incident.Window.Span.To)
}

func whyStranger(*state, *report) string {
	return "neither the directory nor the logs know the id: is it of the same kind as theirs?"
}

func whyUnseen(*state, *report) string {
	return "in the directory, but no request in the logs shows a session of it: another period, or rows are missing"
}

func whyEmpty(_ *state, x *report) string {
	return fmt.Sprintf("%s before the report, each on a stored response without a session", several(x.hits, "hit of its devices", "hits of its devices"))
}

func whyOthers(_ *state, x *report) string {
	return fmt.Sprintf("%s before the report from an address and user agent where it was seen, none tied to it", several(x.hits, "hit", "hits"))
}

func whyNoHit(*state, *report) string {
	return "seen in the logs, but nothing came from the cache on the suspect routes: another route, or rows are missing"
}

func several(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
