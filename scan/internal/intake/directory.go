package intake

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/storage"
)

// Directory is what the exported tables say. It is complete when Load returns
// it, and from then on safe for concurrent use.
type Directory struct {
	users      ids // also those that only another table names
	workspaces ids

	sessions    []session    // by id
	memberships []membership // by user, workspace, from
	userRows    map[uint32]placedUser
	spaceRows   map[uint32]placedWorkspace
	contacts    map[uint32][]model.Contact // of the contacts table
	reports     []Report

	files     places // of the sessions table
	printable bool   // whether session values may be shown
	dated     bool
	bounds    bool // the memberships table has valid_from or valid_to
	counts    Counts
	timing    Timing
	shapes    map[string]int
	rejects   []model.Reject
	warnings  []string

	store  storage.Store
	table  model.Table
	digest func([]byte) (model.ID, error)
}

// User is one row of the users table.
type User struct{ ID, Email, Name, Role, Locale, Country string }

// Workspace is one row of the workspaces table.
type Workspace struct {
	ID, Name string
	Contact  model.Contact
}

// A row is kept with its place, to name both lines when an id occurs twice.
type (
	placedUser struct {
		User
		at uint32
	}
	placedWorkspace struct {
		Workspace
		at uint32
	}
)

// Report is what a user reported: found in another account.
type Report struct {
	At                    model.Instant
	User, Workspace, Note string
	Ref                   model.Ref
}

// Counts are the rows of each table, duplicates left out.
type Counts struct{ Sessions, Users, Memberships, Workspaces, Contacts, Reports int }

// session is one row of the sessions table, kept small.
type session struct {
	id    model.ID
	at    uint32        // its line, numbered through all files
	user  uint32        // index in Directory.users, or anonymous
	ended model.Instant // 0: not known
}

// anonymous is the user of a session in which nobody has logged in.
const anonymous = ^uint32(0)

type membership struct {
	user, workspace uint32
	from, to        model.Instant // 0: not known
	at              uint32        // its line, numbered through all files
}

// same reports whether m and n say the same, wherever they stand.
func (m membership) same(n membership) bool {
	m.at = n.at
	return m == n
}

// SessionUser returns the user that a session belonged to. known reports
// whether the table has the session; it may have it without a user, as one
// in which nobody has logged in.
func (d *Directory) SessionUser(id model.ID) (user string, known bool) {
	s, ok := d.session(id)
	if !ok || s.user == anonymous {
		return "", ok
	}
	return d.users.names[s.user], true
}

// SessionEnd returns when a session ended, by the table; 0 if it does not say.
func (d *Directory) SessionEnd(id model.ID) model.Instant {
	s, _ := d.session(id)
	return s.ended
}

func (d *Directory) session(id model.ID) (session, bool) {
	i, ok := slices.BinarySearchFunc(d.sessions, id, func(s session, id model.ID) int { return s.id.Compare(id) })
	if !ok {
		return session{}, false
	}
	return d.sessions[i], true
}

// User returns the row of a user.
func (d *Directory) User(id string) (User, bool) {
	i, ok := d.users.index[id]
	if !ok {
		return User{}, false
	}
	u, ok := d.userRows[i]
	return u.User, ok
}

// Workspace returns the row of a workspace, with the contact to write to: its
// own if it has one, else the first of the contacts table. known reports
// whether the workspaces table has it.
func (d *Directory) Workspace(id string) (w Workspace, known bool) {
	i, ok := d.workspaces.index[id]
	if !ok {
		return Workspace{}, false
	}
	row, known := d.spaceRows[i]
	w = row.Workspace
	if more := d.contacts[i]; w.Contact.Email == "" && len(more) > 0 {
		w.Contact = filled(more[0], w.Contact)
	}
	return w, known
}

// Contacts returns all contacts of a workspace in the order in which they are
// written to: its own, then those of the contacts table by role.
func (d *Directory) Contacts(id string) []model.Contact {
	i, ok := d.workspaces.index[id]
	if !ok {
		return nil
	}
	var all []model.Contact
	if own := d.spaceRows[i].Contact; own.Email != "" {
		all = append(all, own)
	}
	for _, c := range d.contacts[i] {
		if !slices.ContainsFunc(all, func(o model.Contact) bool { return o.Email == c.Email }) {
			all = append(all, filled(c, d.spaceRows[i].Contact))
		}
	}
	return all
}

// WorkspacesOf returns the workspaces that user was a member of at an instant,
// sorted. A membership is valid from valid_from until before valid_to; an end
// that is not known does not exclude it, and at an instant of 0 all are
// returned: a workspace too many is a caveat, one too few is an omission.
func (d *Directory) WorkspacesOf(user string, at model.Instant) []string {
	if at == 0 {
		return d.WorkspacesWithin(user, model.Span{From: math.MinInt64, To: math.MaxInt64})
	}
	return d.WorkspacesWithin(user, model.Span{From: at, To: at})
}

// WorkspacesWithin returns the workspaces that user was a member of at some
// instant of a span, by the same rules.
func (d *Directory) WorkspacesWithin(user string, s model.Span) []string {
	index, ok := d.users.index[user]
	if !ok {
		return nil
	}
	i, _ := slices.BinarySearchFunc(d.memberships, index, func(m membership, u uint32) int { return cmp.Compare(m.user, u) })
	var spaces []string
	for ; i < len(d.memberships) && d.memberships[i].user == index; i++ {
		m := d.memberships[i]
		if (m.from == 0 || m.from <= s.To) && (m.to == 0 || s.From < m.to) {
			spaces = append(spaces, d.workspaces.names[m.workspace])
		}
	}
	slices.Sort(spaces)
	return slices.Compact(spaces)
}

// Members returns the users that each of the workspaces ever had.
func (d *Directory) Members(workspaces []string) map[string][]string {
	wanted := map[uint32]string{}
	for _, w := range workspaces {
		if i, ok := d.workspaces.index[w]; ok {
			wanted[i] = w
		}
	}
	members := map[string][]string{}
	for _, m := range d.memberships {
		w, ok := wanted[m.workspace]
		user := d.users.names[m.user]
		if n := len(members[w]); ok && (n == 0 || members[w][n-1] != user) { // memberships are in the order of users
			members[w] = append(members[w], user)
		}
	}
	return members
}

// MembershipDated reports whether it is known to what time the memberships
// belong: each has its dates, or the export has one. If not, every membership
// is a claim about the day of the export, whichever that was.
func (d *Directory) MembershipDated() bool { return d.dated }

// MembershipsHaveDates reports whether the memberships table says from when and
// until when, be it in blanks for no bound.
func (d *Directory) MembershipsHaveDates() bool { return d.bounds }

// Counts returns the number of rows of each table.
func (d *Directory) Counts() Counts { return d.counts }

// Reports returns the rows of the reports table, by time.
func (d *Directory) Reports() []Report { return d.reports }

// Shapes counts what the values of the session column look like.
func (d *Directory) Shapes() map[string]int { return d.shapes }

// Rejects returns the rows that could not be read. Ref.Object is the index of
// the file in the inputs that Load returned.
func (d *Directory) Rejects() []model.Reject { return d.rejects }

// Warnings are about tables that can be read but look wrong.
func (d *Directory) Warnings() []string { return d.warnings }

// ids numbers identifiers, so that each is kept once.
type ids struct {
	index map[string]uint32
	names []string
}

func newIDs() ids { return ids{index: map[string]uint32{}} }

// number returns the number of id, a new one for an id not seen before.
func (n *ids) number(id string) uint32 {
	if i, ok := n.index[id]; ok {
		return i
	}
	id = strings.Clone(id) // a cell shares the memory of its record, which may hold a session
	i := uint32(len(n.names))
	n.index[id] = i
	n.names = append(n.names, id)
	return i
}
