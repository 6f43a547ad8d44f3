package scan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/sniff"
)

// diagnosis collects what is wrong with a finished scan: reasons that break a
// threshold of the incident file, and warnings that do not.
type diagnosis struct {
	*state
	partial, warnings []string
}

func (d *diagnosis) fail(format string, args ...any) {
	d.partial = append(d.partial, fmt.Sprintf(format, args...))
}

func (d *diagnosis) warn(format string, args ...any) {
	d.warnings = append(d.warnings, fmt.Sprintf(format, args...))
}

// diagnose asks what looks wrong. Each sentence has a number, and says what to
// change where something can be.
func (s *state) diagnose(m *model.Manifest) (partial, warnings []string) {
	d := &diagnosis{state: s}
	d.objects()
	d.rejected()
	for _, g := range m.Gaps {
		d.fail("no %s row from %s to %s: what happened then is not in this case", g.Source, g.From, g.To)
	}
	for _, why := range d.missing {
		if d.noEdge == "" {
			d.fail("%s: what it holds is not in this case", why)
		}
	}
	if d.noEdge != "" {
		d.originAlone()
	} else {
		d.suspects(m)
		d.joined(m)
		d.fills(m)
	}
	d.headers()
	d.directory(m)
	if d.noEdge == "" {
		d.learned()
	}
	if b := s.outcome.hits.Bounds(); b.Confirmed+b.Probable >= manyUnused && s.outcome.used == 0 {
		d.warn("%d deliveries are probable, and not one session was seen in use: does the cookie really reach clients on these routes?", b.Probable)
	}
	if n := s.tally.funnel.ConflictingIDs; n > 0 {
		d.warn("%d request ids stand on edge rows with differing content; all were kept", n)
	}
	d.warnings = append(d.warnings, s.feeds.words()...)
	for _, src := range s.Incident.Sources {
		if src.Format == sniff.RealTime && src.Sampled == 0 {
			d.warn("source %s (line %d of the incident file) is a real-time log, whose sampling rate is a setting: it is taken for a sample, which cannot show absence; give it sampled: 1 if the rate is 100 %%", src.URI, src.Line)
		}
	}
	if n := s.notes.withoutID; n > 0 {
		d.warn("%d origin rows have no request id (map.request_id); they show sessions, but cannot be joined to the edge", n)
	}
	if n := s.notes.badForms + s.notes.origin.FormFailures; n > 0 {
		d.warn("session_form did not fit %d session values; they were taken as they are", n)
	}
	d.warnings = append(d.warnings, s.dir.Warnings()...)
	d.warnings = append(d.warnings, s.notes.warnings...)
	return d.partial, d.warnings
}

// manyUnused is the number of probable deliveries from which some use of them
// should have been seen.
const manyUnused = 50

// objects reports what could not be read. Past a few, inputs.csv has the rest.
func (d *diagnosis) objects() {
	var bad []string
	for i := range d.state.objects {
		if o := &d.state.objects[i]; o.problem != "" {
			bad = append(bad, o.URI+": "+o.problem)
		}
	}
	if len(bad) == 0 {
		return
	}
	const few = 3
	more := ""
	if len(bad) > few {
		more = fmt.Sprintf(" … and %d more, see inputs.csv", len(bad)-few)
	}
	d.fail("%d of %d objects could not be read to their end: %s%s", len(bad), len(d.state.objects), strings.Join(bad[:min(few, len(bad))], "; "), more)
}

func (d *diagnosis) rejected() {
	var edge, origin kindRead
	for i := range d.state.objects {
		if o := &d.state.objects[i]; o.edge {
			edge.add(o)
		} else {
			origin.add(o)
		}
	}
	limit := d.Incident.Thresholds.Rejects
	for _, k := range []struct {
		name string
		b    model.Balance
	}{{"edge", edge.balance}, {"origin", origin.balance}} {
		share := float64(k.b.Rejected) / float64(max(1, k.b.Lines-k.b.Comment))
		if share > limit {
			d.fail("%d of %d %s lines were rejected (%.2f %%, threshold %.2f %%): reasons in rejects.jsonl", k.b.Rejected, k.b.Lines, k.name, 100*share, 100*limit)
		}
	}
}

// suspects asks whether the routes meet any traffic.
func (d *diagnosis) suspects(m *model.Manifest) {
	if m.Funnel.SuspectRows > 0 {
		return
	}
	if n := d.windowRows(); n > 0 {
		d.fail("none of the %d edge rows of the window matches a route of the incident file: `spillscope inspect` shows which routes were cached", n)
		return
	}
	d.fail("0 edge rows lie in your window: 0 of 0 fills there presented a session%s", d.elsewhere())
}

func (d *diagnosis) windowRows() int {
	n := 0
	for k, c := range d.tally.coverage {
		if d.Incident.Window.Span.Contains(k.minute) {
			n += c.Rows
		}
	}
	return n
}

// joined asks whether edge and origin speak of the same requests.
func (d *diagnosis) joined(m *model.Manifest) {
	if d.sources(model.SourceOrigin) == 0 || m.Joins.EdgeMisses == 0 {
		return
	}
	rate := float64(m.Joins.MissesAtOrigin) / float64(m.Joins.EdgeMisses)
	why := "does map.request_id name the CDN's id (X-Amz-Cf-Id)?"
	if d.offset.WrongBy != 0 {
		why = "its rows lie at other times"
	}
	if rate < d.Incident.Thresholds.JoinRate {
		d.fail("%d of %d edge Misses in the window were found in the origin log (threshold %.0f %%): %s", m.Joins.MissesAtOrigin, m.Joins.EdgeMisses, 100*d.Incident.Thresholds.JoinRate, why)
	}
}

// fills asks whether any fill carried a session: if none did, either nothing
// leaked or the window is not where it leaked.
func (d *diagnosis) fills(m *model.Manifest) {
	if m.Funnel.SessionFills > 0 || m.Funnel.SuspectRows == 0 {
		return
	}
	d.fail("0 of %d fills in your window presented a session%s", m.Funnel.Fills, d.elsewhere())
}

// elsewhere says when sessions reach the suspect routes, if not in the window.
func (d *diagnosis) elsewhere() string {
	var first model.Instant
	for _, r := range d.notes.origin.Routes {
		if r.Rows > 0 && (first == 0 || r.First < first) {
			first = r.First
		}
	}
	if first == 0 {
		if d.sources(model.SourceOrigin) == 0 {
			return "; without an origin log only logged cookies could show one"
		}
		return "; the origin log shows no session on these routes at any time it covers"
	}
	if by := d.offset.WrongBy; by != 0 {
		return fmt.Sprintf("; sessions first reach these routes at %v by the origin's clock, which is off by %v", first, by)
	}
	w := d.Incident.Window.Span
	if w.Contains(first) {
		return fmt.Sprintf("; the origin log shows sessions on these routes from %v, so look at set_cookie and the joins", first)
	}
	off, word := first.Sub(w.From), "later"
	if off < 0 {
		off, word = -off, "earlier"
	}
	return fmt.Sprintf("; sessions first reach these routes at %v, %s %s: is the window in UTC?", first, about(off), word)
}

// about prints a duration in the unit that a person would use for it.
func about(d time.Duration) string {
	if h := d.Round(time.Hour); h >= time.Hour && (d-h).Abs() <= 15*time.Minute {
		return fmt.Sprintf("%d h", int(h.Hours()))
	}
	return d.Round(time.Minute).String()
}

// directory asks whether the logs' sessions and users are in the directory.
func (d *diagnosis) directory(m *model.Manifest) {
	if d.Incident.Directory.Sessions.URI == "" {
		return
	}
	j := m.Joins
	alike := d.logShapes() == shapes(d.dir.Shapes()) // else the two sides are written differently, and session_form can mend that
	if j.Sessions > 0 && j.SessionsKnown == 0 && j.UsersKnown*2 > j.Users && alike {
		d.warn("0 of %d log sessions found in %s; holders are named by the user in the origin log. A table that has only the current token of each session cannot know those of the incident", d.strangeSessions(), d.Incident.Directory.Sessions.URI)
		return
	}
	if j.Sessions > 0 && j.SessionsKnown == 0 {
		d.fail("0 of %d log sessions found in %s: log %s, table %s: set session_form", d.strangeSessions(), d.Incident.Directory.Sessions.URI, d.logShapes(), shapes(d.dir.Shapes()))
		return
	}
	if j.SessionsKnown*2 < j.Sessions {
		d.warn("only %d of %d log rows with a session show one that the directory knows: see unresolved_users.csv", j.SessionsKnown, j.Sessions)
	}
}

// strangeSessions counts the sessions of the logs that the directory lacks.
func (d *diagnosis) strangeSessions() int {
	n := 0
	for k := range d.tally.strange {
		if k.kind == "session" {
			n++
		}
	}
	return n
}

func (d *diagnosis) logShapes() string {
	counts := map[string]int{}
	for form, n := range d.notes.origin.Shapes {
		counts[form.String()] += int(n)
	}
	return shapes(counts)
}

// shapes names the usual shape of values, never a value.
func shapes(counts map[string]int) string {
	if len(counts) == 0 {
		return "empty"
	}
	names := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(names, func(a, b string) int { return counts[b] - counts[a] })
	return names[0]
}
