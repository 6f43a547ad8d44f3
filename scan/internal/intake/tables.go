package intake

import (
	"strings"
	"unicode/utf8"

	"github.com/spillscope/spillscope/model"
)

// tables lists the tables of inc with their columns.
func (l *loader) tables(inc *model.Incident) []*table {
	need := func(name string) column { return column{name: name} }
	may := func(name string) column { return column{name: name, optional: true} }
	d := inc.Directory
	sessions := &table{name: "sessions", key: "directory.sessions", source: d.Sessions,
		columns: []column{need("session_hash"), need("user_id"), may("created_at"), may("ended_at")}, take: l.session}
	users := &table{name: "users", key: "directory.users", source: d.Users,
		columns: []column{need("user_id"), need("email"), {name: "name", optional: true, without: "users are named by their ids alone"},
			may("role"), may("locale"), may("country"),
			{name: staffColumn, optional: true, also: []string{"is_admin", "is_superuser"}}}, take: l.user}
	memberships := &table{name: "memberships", key: "directory.memberships", source: d.Memberships,
		columns: []column{need("user_id"), need("workspace_id"), may("valid_from"), may("valid_to")}, take: l.membership}
	workspaces := &table{name: "workspaces", key: "directory.workspaces", source: d.Workspaces,
		columns: []column{need("workspace_id"), need("name"), {name: "contact_email", optional: d.Contacts.URI != ""},
			{name: "region", optional: true, without: "notices are without a region"},
			may("contact_name"), may("contact_role"), may("locale"), may("country")}, take: l.workspace}
	contacts := &table{name: "contacts", key: "directory.contacts", source: d.Contacts,
		columns: []column{need("workspace_id"), need("contact_email"), may("contact_name"), may("contact_role"),
			may("locale"), may("country")}, take: l.contact}
	reports := &table{name: "reports", key: "reports", source: inc.Reports,
		columns: []column{need("reported_at"), may("user_id"), may("workspace_id"), may("note")}, take: l.report}
	return []*table{sessions, users, memberships, workspaces, contacts, reports}
}

// report takes a row as it is: two tickets may say the same.
func (l *loader) report(t *table, r row) (outcome, error) {
	at, err := t.instant("reported_at", r.cells[0], beginning)
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
