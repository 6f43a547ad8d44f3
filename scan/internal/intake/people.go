package intake

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// staffColumn is the flag by which frameworks tell their operators.
const staffColumn = "is_staff"

func (l *loader) user(t *table, r row) (outcome, error) {
	if why := badID("user_id", r.cells[0]); why != "" {
		return why, nil
	}
	at, err := t.places.number(r.number)
	if err != nil {
		return "", err
	}
	i := l.d.users.number(r.cells[0])
	u := User{
		ID: l.d.users.names[i], Email: l.text(r.cells[1]), Name: l.text(r.cells[2]),
		Role: l.role(r.cells[3], r.cells[6]), Locale: l.word(r.cells[4]), Country: l.word(r.cells[5]),
	}
	first, twice := l.d.userRows[i]
	if !twice {
		l.d.userRows[i] = placedUser{u, at}
		l.d.counts.Users++
		return "", nil
	}
	if first.disagrees(u) {
		l.disagree(t, "user_id", at, first.at)
	}
	l.d.userRows[i] = placedUser{first.merged(u), first.at}
	return duplicate, nil
}

// role returns the role of a user. What is a flag in their table, true or
// false, says whether the user is staff.
func (l *loader) role(role, flag string) string {
	switch {
	case flagged(flag), flagged(role):
		return "staff"
	case unflagged(role):
		return ""
	}
	return l.word(role)
}

func flagged(s string) bool   { return oneOf(s, "t", "true", "1", "y", "yes") }
func unflagged(s string) bool { return oneOf(s, "f", "false", "0", "n", "no") }

func oneOf(s string, words ...string) bool { return slices.Contains(words, strings.ToLower(s)) }

func (u User) fields() []string { return []string{u.Email, u.Name, u.Role, u.Locale, u.Country} }

// disagrees reports whether v says something else than u.
func (u User) disagrees(v User) bool { return disagree(u.fields(), v.fields()) }

// merged returns the first of two rows of a user that has an address, with
// what it leaves empty taken from the other.
func (u User) merged(v User) User {
	if u.Email == "" && v.Email != "" {
		u, v = v, u
	}
	return User{u.ID, cmp.Or(u.Email, v.Email), cmp.Or(u.Name, v.Name), cmp.Or(u.Role, v.Role),
		cmp.Or(u.Locale, v.Locale), cmp.Or(u.Country, v.Country)}
}

func (l *loader) workspace(t *table, r row) (outcome, error) {
	if why := badID("workspace_id", r.cells[0]); why != "" {
		return why, nil
	}
	at, err := t.places.number(r.number)
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
	first, twice := l.d.spaceRows[i]
	if !twice {
		l.d.spaceRows[i] = placedWorkspace{w, at}
		l.d.counts.Workspaces++
		return "", nil
	}
	if first.disagrees(w) {
		l.disagree(t, "workspace_id", at, first.at)
	}
	l.d.spaceRows[i] = placedWorkspace{first.merged(w), first.at}
	return duplicate, nil
}

func (w Workspace) disagrees(v Workspace) bool {
	fields := func(w Workspace) []string {
		c := w.Contact
		return []string{w.Name, c.Email, c.Name, c.Role, c.Locale, c.Country, c.Region}
	}
	return disagree(fields(w), fields(v))
}

// merged is that of User.
func (w Workspace) merged(v Workspace) Workspace {
	if w.Contact.Email == "" && v.Contact.Email != "" {
		w, v = v, w
	}
	return Workspace{w.ID, cmp.Or(w.Name, v.Name), filled(w.Contact, v.Contact)}
}

// filled returns c with what it leaves empty taken from o. A name and a role
// belong to an address: those of another are not taken.
func filled(c, o model.Contact) model.Contact {
	if c.Email == "" || c.Email == o.Email {
		c.Email, c.Name, c.Role = cmp.Or(c.Email, o.Email), cmp.Or(c.Name, o.Name), cmp.Or(c.Role, o.Role)
	}
	c.Locale, c.Country, c.Region = cmp.Or(c.Locale, o.Locale), cmp.Or(c.Country, o.Country), cmp.Or(c.Region, o.Region)
	return c
}

// disagree reports whether both fill a field and not with the same.
func disagree(first, second []string) bool {
	for i, s := range second {
		if s != "" && first[i] != "" && s != first[i] {
			return true
		}
	}
	return false
}

// contact takes a row of the contacts table, of which a workspace may have many.
func (l *loader) contact(t *table, r row) (outcome, error) {
	if why := badID("workspace_id", r.cells[0]); why != "" {
		return why, nil
	}
	if r.cells[1] == "" {
		return "contact_email is empty", nil
	}
	i := l.d.workspaces.number(r.cells[0])
	c := model.Contact{Email: l.text(r.cells[1]), Name: l.text(r.cells[2]), Role: l.word(r.cells[3]),
		Locale: l.word(r.cells[4]), Country: l.word(r.cells[5])}
	if slices.Contains(l.d.contacts[i], c) {
		return duplicate, nil
	}
	l.d.contacts[i] = append(l.d.contacts[i], c)
	l.d.counts.Contacts++
	return "", nil
}

// contactRoles are the roles of contacts, the one to write to first in front.
var contactRoles = []string{"owner", "admin", "security", "privacy", "legal", "technical", "billing"}

// rank says how early a contact of a role is written to: a role is known by
// the word that its name holds, as "Account Owner" does.
func rank(role string) int {
	role = strings.ToLower(role)
	for i, word := range contactRoles {
		if strings.Contains(role, word) {
			return i
		}
	}
	if role != "" {
		return len(contactRoles)
	}
	return len(contactRoles) + 1
}

// settleContacts brings the contacts of each workspace into the order in
// which they are written to.
func (l *loader) settleContacts() {
	for _, list := range l.d.contacts {
		slices.SortStableFunc(list, func(a, b model.Contact) int { return cmp.Compare(rank(a.Role), rank(b.Role)) })
	}
}

// disagreement is what the rows of one table say of an id in different ways.
type disagreement struct {
	rows   int
	places []string // of the first few
}

// disagree notes that the row at says something else of an id than the one at
// first. Ids are not quoted: a message may travel further than the table.
func (l *loader) disagree(t *table, column string, at, first uint32) {
	d := l.disagreements[t.key+"."+column]
	if d == nil {
		d = &disagreement{}
		l.disagreements[t.key+"."+column] = d
	}
	d.rows++
	const few = 3
	if len(d.places) < few {
		d.places = append(d.places, fmt.Sprintf("%s and %s", t.places.name(at), t.places.name(first)))
	}
}
