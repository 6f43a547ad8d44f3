package scan

import (
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// sampled says that logs of the edge hold a part of the requests. A hit is
// judged by what was around it, so that a sample names fewer, not a share.
func (d *diagnosis) sampled(m *model.Manifest) {
	parts, whole := d.samples()
	share := 0.0
	var unstated []*model.Source
	for _, s := range parts {
		share = max(share, s.Sampled)
		if s.Sampled == 0 {
			unstated = append(unstated, s)
		}
	}
	switch {
	case whole:
		for _, s := range unstated {
			d.warn("source %s (line %d) is a real-time log, whose sampling rate is a setting: it is taken for a sample, which cannot show absence; give it sampled: 100%% if it holds every request", s.URI, s.Line)
		}
	case len(unstated) > 0:
		d.fail("the edge's only log is a real-time log (line %s) without `sampled`: whether it holds every request is not known, so it cannot show absence, and the numbers are no ceiling; give it sampled: 100%% if it does", linesOf(unstated))
	case len(parts) > 0:
		d.fail("the edge's only log is a sample of %.4g %% (line %s): it cannot show absence. It has %s on the suspect routes; expect about %.3g× as many, and fills that were not logged: the numbers are no ceiling. Add the standard logs",
			100*share, linesOf(parts), hits(int64(m.Funnel.Hits)), 1/share)
	}
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
