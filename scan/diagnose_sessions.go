package scan

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// directory asks whether the logs' sessions and users are in the directory.
func (d *diagnosis) directory(m *model.Manifest) {
	d.people(m)
	d.acted()
	if d.Incident.Directory.Sessions.URI == "" {
		return
	}
	j := m.Joins
	alike := d.logShapes() == shapes(d.dir.Shapes()) // else the two sides are written differently, and session_form can mend that
	if j.Sessions > 0 && j.SessionsKnown == 0 && j.UsersKnown*2 > j.Users && alike {
		d.warn("0 of %d log sessions found in %s; holders are named by the user in the origin log. A table that has only the current token of each session cannot know those of the incident", d.strangers("session"), d.Incident.Directory.Sessions.URI)
		return
	}
	if j.Sessions > 0 && j.SessionsKnown == 0 {
		d.fail("0 of %d log sessions found in %s: log %s, table %s: set session_form of %s", d.strangers("session"), d.Incident.Directory.Sessions.URI, d.logShapes(), shapes(d.dir.Shapes()), d.originLines())
		return
	}
	switch {
	case d.deployed():
	case j.SessionsKnown*2 < j.Sessions:
		d.warn("only %d of %d log rows with a session show one that the directory knows: see unresolved_users.csv", j.SessionsKnown, j.Sessions)
	}
}

// people asks whether the users of the logs are in the table of users.
func (d *diagnosis) people(m *model.Manifest) {
	j, table := m.Joins, d.Incident.Directory.Users
	unknown := j.Users - j.UsersKnown
	switch {
	case table.URI == "" || j.Users == 0:
	case j.UsersKnown == 0:
		d.fail("0 of %d log users found in %s (line %d): does map.user of %s name the id that user_id of the table holds? Nobody can be named, no workspace told", d.strangers("user"), table.URI, table.Line, d.originLines())
	case unknown*strangerShare > j.Users && unknown >= enoughSessions:
		d.warn("%s that %s (line %d) lacks are on %.0f %% of the log rows with a user: their workspaces are unknown, see unresolved_users.csv; export the table as of the incident, with deleted users",
			times(int64(d.strangers("user")), "user"), table.URI, table.Line, 100*float64(unknown)/float64(j.Users))
	}
}

// acted says that users changed something in workspaces which the memberships do
// not give them: the table is of another day, or leaves some out, and through
// whoever is missing there a workspace is missing here.
func (d *diagnosis) acted() {
	if n, table := len(d.tally.foreign), d.Incident.Directory.Memberships; n > 0 && table.URI != "" {
		d.open("%s acted in a workspace that %s (line %d) does not give them: workspaces reached through them are in no count; export the memberships as of %v, with those since ended, or map valid_from and valid_to",
			times(int64(n), "user"), table.URI, table.Line, d.Incident.Window.Span.From)
	}
}

// strangerShare is the part of the rows of which users that the table lacks
// are more than those who left between the incident and the export.
const strangerShare = 20

// strangers counts the sessions or users of the logs that the directory lacks.
func (d *diagnosis) strangers(what string) int {
	n := 0
	for k := range d.tally.strange {
		if k.kind == what {
			n++
		}
	}
	return n
}

// A change of how sessions are logged shows as two stretches of time, in one
// of which the directory knows most sessions and in the other hardly any.
const (
	enoughSessions = 50   // rows with a session on each side
	mostKnown      = 0.7  // the share known on the one side
	hardlyKnown    = 0.05 // and on the other
)

// side counts the sessions of a stretch of time.
type side struct{ rows, known, users, usersKnown int }

func (s *side) add(r *model.JoinRate) {
	s.rows, s.known = s.rows+r.Sessions, s.known+r.SessionsKnown
	s.users, s.usersKnown = s.users+r.Users, s.usersKnown+r.UsersKnown
}

func (s side) share() float64 { return float64(s.known) / float64(max(1, s.rows)) }

// fit is the log-likelihood of a side under its own share.
func (s side) fit() float64 {
	p := s.share()
	if s.known == 0 || s.known == s.rows {
		return 0
	}
	return float64(float64(s.known)*math.Log(p)) + float64(float64(s.rows-s.known)*math.Log(1-p))
}

// deployed says from when on, or until when, the directory knows hardly any
// session of the logs, if there is such an hour; false if there is none.
func (d *diagnosis) deployed() bool {
	steps := slices.Sorted(maps.Keys(d.tally.joins))
	var all, before side
	for _, at := range steps {
		all.add(d.tally.joins[at])
	}
	var cut model.Instant
	var x, y side
	best := math.Inf(-1)
	for i, at := range steps {
		after := side{all.rows - before.rows, all.known - before.known, all.users - before.users, all.usersKnown - before.usersKnown}
		if i > 0 && before.rows >= enoughSessions && after.rows >= enoughSessions && before.fit()+after.fit() > best {
			best, cut, x, y = before.fit()+after.fit(), at, before, after
		}
		before.add(d.tally.joins[at])
	}
	switch {
	case x.share() >= mostKnown && y.share() <= hardlyKnown:
		d.formChanged("from "+clockTime(cut)+" on", "before", y, x, d.shapesWithin(cut, math.MaxInt64))
	case y.share() >= mostKnown && x.share() <= hardlyKnown:
		d.formChanged("before "+clockTime(cut), "after", x, y, d.shapesWithin(0, cut-1))
	default:
		return false
	}
	return true
}

func (d *diagnosis) formChanged(when, otherwise string, bad, good side, look string) {
	say, named := d.fail, "their holders cannot be named"
	if bad.usersKnown*2 > bad.rows {
		say, named = d.warn, "their holders are named by the user in the origin log"
	}
	table := shapes(d.dir.Shapes())
	like := fmt.Sprintf("log sessions look like %s, the directory's like %s", look, table)
	if look == table {
		like = fmt.Sprintf("log sessions look like the directory's (%s), yet are others", table)
	}
	say("%s %s: %s of %s found in %s; %s: %.0f %%; %s. A deploy changed the cookie or how it is logged: set session_form of %s for the one form, a source of its own for the other",
		when, like, commas(int64(bad.known)), commas(int64(bad.rows)), d.Incident.Directory.Sessions.URI, otherwise, 100*good.share(), named, d.originLines())
}

// shapesWithin names what the log's session values usually look like within a
// stretch of time.
func (d *diagnosis) shapesWithin(from, to model.Instant) string {
	counts := map[string]int{}
	for k, n := range d.notes.origin.ShapesAt {
		if k.At.Add(joinStep) > from && k.At <= to {
			counts[k.Form.String()] += int(n)
		}
	}
	return shapes(counts)
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

// fields asks whether the names that are mapped exist: a key that no row has
// is null everywhere, and reads as if nobody had been signed in.
func (d *diagnosis) fields(m *model.Manifest) {
	rows := m.Funnel.OriginRows
	if rows < enoughRows {
		return
	}
	for _, f := range []struct {
		name string
		none bool
		lost string
	}{
		{"session", len(d.notes.origin.Shapes) == 0, "no session can be told from another"},
		{"request_id", d.notes.origin.WithID == 0, "no origin row can be joined to the edge"},
	} {
		if name, line := d.mapped(f.name); name != "" && f.none {
			d.fail("map.%s names %q (source of line %d), and 0 of %s origin rows have it: %s; is the field spelled so?", f.name, name, line, commas(int64(rows)), f.lost)
		}
	}
	if d.notes.sessionRows > 0 || d.notes.cookieRows < enoughRows {
		return
	}
	d.warn("%s have cookies logged, and none of them is called %s: is cookie.names right?", times(d.notes.cookieRows, "edge row"), strings.Join(d.Incident.Cookie.Names, " or "))
}

// mapped returns what a field is mapped to, if every origin source maps it.
func (d *diagnosis) mapped(field string) (name string, line int) {
	for i := range d.Incident.Sources {
		s := &d.Incident.Sources[i]
		if s.Kind != model.SourceOrigin {
			continue
		}
		if name, line = s.Map[field], s.Line; name == "" {
			return "", 0
		}
	}
	return name, line
}
