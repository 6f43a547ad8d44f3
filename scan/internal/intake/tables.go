package intake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// tables lists the tables of inc with their columns.
func (l *loader) tables(inc *model.Incident) []*table {
	need := func(name string) column { return column{name: name} }
	may := func(name string) column { return column{name: name, optional: true} }
	d := inc.Directory
	sessions := &table{name: "sessions", key: "directory.sessions", source: d.Sessions,
		columns: []column{need("session_hash"), need("user_id"), may("ended_at")}}
	sessions.take = func(r row) (outcome, error) { return l.session(&sessions.places, r) }
	users := &table{name: "users", key: "directory.users", source: d.Users,
		columns: []column{need("user_id"), need("email"), need("name"), may("role"), may("locale"), may("country")}}
	users.take = func(r row) (outcome, error) { return l.user(&users.places, r) }
	memberships := &table{name: "memberships", key: "directory.memberships", source: d.Memberships,
		columns: []column{need("user_id"), need("workspace_id"), may("valid_from"), may("valid_to")},
		header:  func(have []bool) { l.d.dated = l.d.dated || have[2] || have[3] }}
	memberships.take = func(r row) (outcome, error) { return l.membership(&memberships.places, r) }
	workspaces := &table{name: "workspaces", key: "directory.workspaces", source: d.Workspaces,
		columns: []column{need("workspace_id"), need("name"), need("contact_email"), need("region"),
			may("contact_name"), may("contact_role"), may("locale"), may("country")}}
	workspaces.take = func(r row) (outcome, error) { return l.workspace(&workspaces.places, r) }
	reports := &table{name: "reports", key: "reports", source: inc.Reports,
		columns: []column{need("reported_at"), may("user_id"), may("workspace_id"), may("note")},
		take:    l.report}
	return []*table{sessions, users, memberships, workspaces, reports}
}

// session takes a row without a user too: sessions stores hold many in which
// nobody has logged in, and a log row with one of them is not unresolved.
func (l *loader) session(places *places, r row) (outcome, error) {
	value, user := r.cells[0], r.cells[1]
	if value == "" {
		return "session_hash is empty", nil
	}
	if why := badID("user_id", user); user != "" && why != "" {
		return why, nil
	}
	ended, err := instant("ended_at", r.cells[2])
	if err != nil {
		return outcome(err.Error()), nil
	}
	id, err := l.d.digest([]byte(value))
	if err != nil || id.IsZero() {
		return "session_hash cannot be digested", nil // not err: it might quote the value
	}
	at, err := places.number(r.ref.Line)
	if err != nil {
		return "", err
	}
	s := session{id: id, at: at, user: anonymous, ended: ended}
	if user != "" {
		s.user = l.d.users.number(user)
	}
	l.d.sessions = append(l.d.sessions, s)
	l.d.shapes[decode.Shape(value)]++
	return "", nil
}

// settleSessions sorts the sessions and drops duplicates. Sorting 24 bytes a
// row once takes a third of the memory of a map from the start.
func (l *loader) settleSessions(places *places) error {
	all := l.d.sessions
	slices.SortFunc(all, func(a, b session) int {
		return cmp.Or(a.id.Compare(b.id), cmp.Compare(a.at, b.at))
	})
	kept := all[:0]
	for _, s := range all {
		if n := len(kept); n > 0 && kept[n-1].id == s.id {
			if kept[n-1].user != s.user {
				return fmt.Errorf("%s: this session has another user at %s; whose was it during the incident? Keep that row only", places.name(s.at), places.name(kept[n-1].at))
			}
			l.duplicate(places, s.at)
			continue
		}
		kept = append(kept, s)
	}
	l.d.sessions, l.d.files, l.d.counts.Sessions = kept, *places, len(kept)
	return nil
}

func (l *loader) user(places *places, r row) (outcome, error) {
	if why := badID("user_id", r.cells[0]); why != "" {
		return why, nil
	}
	at, err := places.number(r.ref.Line)
	if err != nil {
		return "", err
	}
	i := l.d.users.number(r.cells[0])
	u := User{
		ID: l.d.users.names[i], Email: l.text(r.cells[1]), Name: l.text(r.cells[2]),
		Role: l.word(r.cells[3]), Locale: l.word(r.cells[4]), Country: l.word(r.cells[5]),
	}
	if first, twice := l.d.userRows[i]; twice {
		return again(first.User == u, "user_id", places.name(first.at))
	}
	l.d.userRows[i] = placedUser{u, at}
	l.d.counts.Users++
	return "", nil
}

func (l *loader) workspace(places *places, r row) (outcome, error) {
	if why := badID("workspace_id", r.cells[0]); why != "" {
		return why, nil
	}
	at, err := places.number(r.ref.Line)
	if err != nil {
		return "", err
	}
	i := l.d.workspaces.number(r.cells[0])
	w := Workspace{
		ID: l.d.workspaces.names[i], Name: l.text(r.cells[1]),
		Contact: model.Contact{
			Email: l.text(r.cells[2]), Region: l.word(r.cells[3]), Name: l.text(r.cells[4]),
			Role: l.word(r.cells[5]), Locale: l.word(r.cells[6]), Country: l.word(r.cells[7]),
		},
	}
	if first, twice := l.d.spaceRows[i]; twice {
		return again(first.Workspace == w, "workspace_id", places.name(first.at))
	}
	l.d.spaceRows[i] = placedWorkspace{w, at}
	l.d.counts.Workspaces++
	return "", nil
}

// again judges the second row of an id. The id is not quoted: a message may
// travel further than the table.
func again(same bool, column, first string) (outcome, error) {
	if same {
		return duplicate, nil
	}
	return "", fmt.Errorf("the %s of this row has other content at %s; which is right? Keep that row only", column, first)
}

func (l *loader) membership(places *places, r row) (outcome, error) {
	user, workspace := r.cells[0], r.cells[1]
	if why := cmp.Or(badID("user_id", user), badID("workspace_id", workspace)); why != "" {
		return why, nil
	}
	from, err := instant("valid_from", r.cells[2])
	if err != nil {
		return outcome(err.Error()), nil
	}
	to, err := instant("valid_to", r.cells[3])
	if err != nil {
		return outcome(err.Error()), nil
	}
	if from != 0 && to != 0 && to < from {
		return "valid_to is before valid_from", nil
	}
	at, err := places.number(r.ref.Line)
	if err != nil {
		return "", err
	}
	l.d.memberships = append(l.d.memberships,
		membership{l.d.users.number(user), l.d.workspaces.number(workspace), from, to, at})
	return "", nil
}

// settleMemberships sorts the memberships and drops rows that say the same.
// Several spans of one user in one workspace are no contradiction: people
// leave and come back.
func (l *loader) settleMemberships(places *places) {
	all := l.d.memberships
	slices.SortFunc(all, func(a, b membership) int {
		return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.workspace, b.workspace),
			cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.at, b.at))
	})
	kept := all[:0]
	for _, m := range all {
		if n := len(kept); n > 0 && kept[n-1].same(m) {
			l.duplicate(places, m.at)
			continue
		}
		kept = append(kept, m)
	}
	l.d.memberships, l.d.counts.Memberships = kept, len(kept)
}

// duplicate charges a row that was counted as parsed to the duplicates of its file.
func (l *loader) duplicate(places *places, at uint32) {
	f, _ := places.find(at)
	l.inputs[f.input].Parsed--
	l.inputs[f.input].Duplicate++
}

// report takes a row as it is: two tickets may say the same.
func (l *loader) report(r row) (outcome, error) {
	at, err := instant("reported_at", r.cells[0])
	if err != nil {
		return outcome(err.Error()), nil
	}
	user, workspace := r.cells[1], r.cells[2]
	switch {
	case at == 0:
		return "reported_at is empty", nil
	case user == "" && workspace == "":
		return "neither user_id nor workspace_id is given", nil
	case user != "" && badID("user_id", user) != "":
		return badID("user_id", user), nil
	case workspace != "" && badID("workspace_id", workspace) != "":
		return badID("workspace_id", workspace), nil
	}
	l.d.reports = append(l.d.reports, Report{
		At: at, User: strings.Clone(user), Workspace: strings.Clone(workspace), Note: l.text(r.cells[3]), Ref: r.ref,
	})
	l.d.counts.Reports++
	return "", nil
}

// badID says why s cannot be an id, or "".
func badID(column, s string) outcome {
	switch {
	case s == "":
		return outcome(column + " is empty")
	case strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 }):
		return outcome(column + " contains a control character")
	case !utf8.ValidString(s):
		return outcome(column + " is not UTF-8")
	}
	return ""
}

// word keeps one copy of a value that many rows share.
func (l *loader) word(s string) string {
	if w, ok := l.words[s]; ok {
		return w
	}
	w := l.text(s)
	if len(l.words) < 1<<16 {
		l.words[w] = w
	}
	return w
}

// instant reads a time as databases export it: RFC 3339, with a blank for the
// T, with a short offset or with UTC, or a count of seconds or milliseconds.
func instant(column, s string) (model.Instant, error) {
	if s == "" {
		return 0, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		switch {
		case n >= 1e9 && n < 5e9:
			return model.InstantOf(time.Unix(n, 0)), nil
		case n >= 1e12 && n < 5e12:
			return model.InstantOf(time.UnixMilli(n)), nil
		}
		return 0, errors.New(column + " is a number, but neither seconds nor milliseconds since 1970")
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07", "2006-01-02 15:04:05 Z0700", "2006-01-02 15:04:05 UTC"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 1970 && t.Year() < 2200 {
			return model.InstantOf(t), nil
		}
	}
	return 0, errors.New(column + " is not a time with an offset, like 2023-03-07T18:21:00Z")
}
