package scan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/sniff"
)

// sampled says that the edge's only logs hold a part of the requests. A hit is
// judged by what was around it, so that a sample names fewer, not a share.
func (d *diagnosis) sampled(m *model.Manifest) {
	share, lines, unknown := 0.0, []string{}, false
	for i := range d.Incident.Sources {
		s := &d.Incident.Sources[i]
		if s.Kind != model.SourceEdge {
			continue
		}
		if s.Sampled == 1 || s.Sampled == 0 && !d.realTime(s) {
			return // a whole log
		}
		unknown = unknown || s.Sampled == 0
		share = max(share, s.Sampled)
		lines = append(lines, fmt.Sprint(s.Line))
	}
	where := "line " + strings.Join(lines, ", ")
	if unknown {
		d.fail("the edge's only log is a real-time log (%s) without `sampled`: whether it holds every request is not known, so it cannot show absence, and the numbers are no ceiling; state sampled: 100%% if it does", where)
		return
	}
	d.fail("the edge's only log is a sample of %.4g %% (%s): it cannot show absence. It has %s on the suspect routes; expect about %.3g× as many, and fills that were not logged: the numbers are no ceiling. Add the standard logs",
		100*share, where, hits(int64(m.Funnel.Hits)), 1/share)
}

// realTime reports whether the objects of a source are real-time logs, of which
// nothing tells how many requests they hold.
func (d *diagnosis) realTime(src *model.Source) bool {
	return src.Format == sniff.RealTime || slices.ContainsFunc(d.state.objects, func(o object) bool { return o.source == src && o.format == sniff.RealTime })
}

// revoking are words of events that end sessions.
var revoking = [...]string{"revo", "invalidat", "flush", "logout", "log out", "logged out", "sign out", "signed out", "sessions cleared", "sessions ended"}

// revoked asks whether a revocation in the timeline did what it was to do.
func (d *diagnosis) revoked() {
	signed := d.Incident.Cookie.Revocable == "signed"
	if n := len(d.outcome.revoke); signed && n > 0 {
		d.warn("cookie.revocable is signed: to revoke the %s of revoke.csv does nothing until they expire; change the signing key instead", times(int64(n), "session"))
	}
	for _, e := range d.Incident.Timeline {
		what := strings.ToLower(e.What)
		if !slices.ContainsFunc(revoking[:], func(word string) bool { return strings.Contains(what, word) }) {
			continue
		}
		if signed {
			d.warn("the timeline says %q at %v, but cookie.revocable is signed: such a cookie is good until it expires, whatever the server forgets; unless the signing key was changed then, recipients held on to the sessions: is cookie.revocable right?", e.What, e.At)
		}
		if n := d.phases.servedAfter(e.At); n > 0 {
			d.warn("the timeline says %q at %v, yet recipients made %s with a holder's session after it that the origin answered: it did not end them all; see access.csv", e.What, e.At, times(int64(n), "request"))
		}
	}
}

// controlled asks whether the control spans can serve as clean hours.
func (d *diagnosis) controlled(m *model.Manifest) {
	for i, c := range m.Control {
		switch sure := c.Confirmed + c.Probable; {
		case c.EdgeRows == 0:
			d.warn("control[%d] (%s to %s) covers no edge row: it shows nothing; are its hours among the sources?", i, c.From, c.To)
		case c.Confirmed > 0 || sure > 0 && sure*100 > d.outcome.hits.Bounds().Probable:
			d.warn("control[%d] (%s to %s) is not clean: %s there are judged like the leak's, %d of them confirmed and %d probable; either the routes leaked then too, or so many of the case's are false alarms",
				i, c.From, c.To, times(int64(c.Deliveries), "hit"), c.Confirmed, c.Probable)
		}
	}
}
