package scan

import (
	"fmt"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// diagnosis collects what is wrong with a finished scan: reasons that break a
// threshold of the incident file, and warnings that do not.
type diagnosis struct {
	*state
	partial, warnings []string
	opened            []string // warnings of what the numbers leave out
}

func (d *diagnosis) fail(format string, args ...any) {
	d.partial = append(d.partial, fmt.Sprintf(format, args...))
}

func (d *diagnosis) warn(format string, args ...any) {
	d.warnings = append(d.warnings, fmt.Sprintf(format, args...))
}

// open warns that the numbers leave something out that the sentence names.
func (d *diagnosis) open(format string, args ...any) {
	d.opened = append(d.opened, fmt.Sprintf("NOT A CEILING: "+format, args...))
}

// diagnose asks what looks wrong. Each sentence has a number, and says what to
// change where something can be.
func (s *state) diagnose(m *model.Manifest) *diagnosis {
	d := &diagnosis{state: s}
	d.objects()
	d.rejected()
	for _, g := range m.Gaps {
		d.fail("no %s row from %s to %s: what happened then is not in this case%s", g.Source, g.From, g.To, d.unseenIn(&g))
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
	d.fields(m)
	d.directory(m)
	d.revoked()
	if d.noEdge == "" {
		d.learned()
		d.followed()
		d.rowsMissing()
		d.sampled(m)
		d.controlled(m)
	}
	if b := s.outcome.hits.Bounds(); b.Confirmed+b.Probable >= manyUnused && s.outcome.used == 0 {
		d.warn("%d deliveries are probable, and not one session was seen in use: does the cookie really reach clients on these routes?", b.Probable)
	}
	if n := s.tally.funnel.ConflictingIDs; n > 0 {
		d.warn("%d request ids stand on edge rows with differing content; all were kept", n)
	}
	d.warnings = append(d.warnings, s.feeds.words()...)
	d.strays()
	if n := s.notes.badForms + s.notes.origin.FormFailures; n > 0 {
		d.warn("session_form did not fit %d session values; they were taken as they are", n)
	}
	d.warnings = append(d.warnings, s.dir.Warnings()...)
	d.warnings = append(d.warnings, s.notes.warnings()...)
	d.warnings = append(d.warnings, s.notes.lackingFields()...)
	d.toldSources()
	d.warnings = append(d.opened, d.warnings...) // what weighs most comes first: a terminal shows a few
	return d
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
	d.fail("0 edge rows lie in your window: 0 of 0 fills there presented a session%s%s", d.elsewhere(), d.covered())
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
	f, limit := &m.Funnel, d.Incident.Thresholds.JoinRate
	switch {
	case f.SuspectRows == 0:
	case f.SessionFills == 0:
		d.fail("0 of %d fills in your window presented a session%s", f.Fills, d.elsewhere())
	case d.sources(model.SourceOrigin) == 0 && !d.notes.edgeCookies && float64(f.SessionFills) < limit*float64(f.Fills):
		d.fail("of %s of %s fills in your window it is known whose session they presented, by sightings alone (threshold %.0f %%): most holders are not named; add the application's log as {kind: origin, uri: …}",
			commas(int64(f.SessionFills)), commas(int64(f.Fills)), 100*limit)
	}
}
