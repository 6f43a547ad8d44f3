// Package notify writes the two lists that leave the privileged folder: whom
// to write to about which workspace, and which workspaces have nobody to
// write to.
//
// A row is one workspace and one contact. It holds the workspace's own facts
// only: no probability, flag, reviewer, other party, address or cookie. On
// both sides of a delivery stands a customer; neither letter may name the
// other. Where a column would tell a recipient about the holder, it is empty.
//
// Listed is every workspace of tier possible or more; unlikely and set-aside
// ones are in privileged/workspaces.csv with their reasons. Columns speak of a
// session that "was delivered", not of an exposed user: whether delivery is
// exposure is for counsel to say.
package notify

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/model"
)

// The files' places in a case.
const (
	ListPath    = "outgoing/notify.csv"
	MissingPath = "outgoing/contacts_missing.csv"
	ReadmePath  = "outgoing/README.txt"
)

// Listed reports whether a workspace of that tier is written to.
func Listed(t model.Tier) bool { return t >= model.TierPossible }

// column is a column of either list.
type column struct {
	name string
	cell func(*store.Case, *model.WorkspaceFinding) string
}

// List writes notify.csv.
func List(w io.Writer, c *store.Case) error {
	columns := []column{
		{"case_id", caseID}, {"list_version", version}, {"row_id", rowID},
		{"workspace_id", workspaceID}, {"workspace_name", workspaceName},
		{"role", role}, {"notice_template", template},
		{"contact_email", contact(func(c *model.Contact) string { return c.Email })},
		{"contact_name", contact(func(c *model.Contact) string { return c.Name })},
		{"contact_role", contact(func(c *model.Contact) string { return c.Role })},
		{"locale", contact(func(c *model.Contact) string { return c.Locale })},
		{"country", contact(func(c *model.Contact) string { return c.Country })},
		{"region", contact(func(c *model.Contact) string { return c.Region })},
		{"first_delivery_utc", first}, {"last_delivery_utc", last},
		{"delivered_session_user_count", holderUsers},
		{"use_seen", useSeen}, {"state_change_seen", changeSeen}, {"data_categories", categories},
	}
	return write(w, c, columns, func(ws model.WorkspaceFinding, row func(*model.WorkspaceFinding) error) error {
		for _, email := range addresses(ws.Contact.Email) {
			ws.Contact.Email = email
			if err := row(&ws); err != nil {
				return err
			}
		}
		return nil
	})
}

// Missing writes contacts_missing.csv: what List would have written, had the
// directory a contact. These workspaces stay in every count.
func Missing(w io.Writer, c *store.Case) error {
	columns := []column{
		{"case_id", caseID}, {"list_version", version},
		{"workspace_id", workspaceID}, {"workspace_name", workspaceName},
		{"role", role}, {"notice_template", template},
		{"first_delivery_utc", first}, {"last_delivery_utc", last},
		{"reason", func(_ *store.Case, ws *model.WorkspaceFinding) string {
			if !ws.Known {
				return "the directory does not have this workspace"
			}
			return "the directory has no contact_email for it"
		}},
	}
	return write(w, c, columns, func(ws model.WorkspaceFinding, row func(*model.WorkspaceFinding) error) error {
		if len(addresses(ws.Contact.Email)) > 0 {
			return nil
		}
		return row(&ws)
	})
}

// Readme writes what the folder's lists are.
func Readme(w io.Writer, c *store.Case) error {
	_, err := fmt.Fprintf(w, `Lists for the notices about case %s, list version %s.

notify.csv            one row per workspace and contact, for a mail merge
contacts_missing.csv  workspaces that the directory has no contact for; they count all the same

In these lists is every workspace that was reached with tier confirmed, probable
or possible. Workspaces of tier unlikely, and those that a rule sets aside, are
not: see privileged/workspaces.csv for each, with the reasons.

notice_template is role-tier. A holder's notice is about sessions of its own
users; a recipient's notice is about what its own users' clients received, and
that what they then entered may have landed in another account. Where a column
would speak about the other party, it is empty.

A value that begins with ' before one of = + - @ was guarded, so that a
spreadsheet does not calculate it; the apostrophe is not part of the value.
`, inert.Text(c.Manifest.Case), c.Version)
	return err
}

// write streams the listed workspaces through rows, which calls row once per
// row it wants.
func write(w io.Writer, c *store.Case, columns []column,
	rows func(ws model.WorkspaceFinding, row func(*model.WorkspaceFinding) error) error) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	cells := make([]string, len(columns))
	for i, col := range columns {
		cells[i] = col.name
	}
	if err := out.Write(cells); err != nil {
		return err
	}
	row := func(ws *model.WorkspaceFinding) error {
		for i, col := range columns {
			cells[i] = col.cell(c, ws)
		}
		return out.Write(cells)
	}
	for ws, err := range c.Workspaces() {
		if err != nil {
			return err
		}
		if ws.Role = written(&ws); ws.Role == 0 {
			continue
		}
		if err := rows(ws, row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// addresses splits a contact that names several people.
func addresses(email string) []string {
	var all []string
	for _, part := range strings.FieldsFunc(email, func(r rune) bool { return r == ';' || r == ',' }) {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

func caseID(c *store.Case, _ *model.WorkspaceFinding) string  { return inert.Cell(c.Manifest.Case) }
func version(c *store.Case, _ *model.WorkspaceFinding) string { return c.Version }

// rowID stays the same as long as the case writes to the same contact about
// the same workspace, so that two versions of the list can be compared.
func rowID(c *store.Case, ws *model.WorkspaceFinding) string {
	sum := sha256.Sum256([]byte(c.Manifest.Case + "\x00" + ws.ID + "\x00" + ws.Contact.Email))
	return "nt_" + hex.EncodeToString(sum[:6])
}

func workspaceID(_ *store.Case, ws *model.WorkspaceFinding) string   { return inert.IDCell(ws.ID) }
func workspaceName(_ *store.Case, ws *model.WorkspaceFinding) string { return inert.Cell(ws.Name) }
func role(_ *store.Case, ws *model.WorkspaceFinding) string          { return ws.Role.String() }
func first(_ *store.Case, ws *model.WorkspaceFinding) string         { return ws.First.String() }
func last(_ *store.Case, ws *model.WorkspaceFinding) string          { return ws.Last.String() }

// written returns the roles in which a workspace is written to.
func written(ws *model.WorkspaceFinding) model.Role {
	var r model.Role
	if Listed(ws.AsHolder) {
		r |= model.RoleHolder
	}
	if Listed(ws.AsRecipient) {
		r |= model.RoleRecipient
	}
	return r
}

// template names the letter: the role, and the tier of the side that weighs
// more for its reader, that of sessions given away.
func template(_ *store.Case, ws *model.WorkspaceFinding) string {
	tier := ws.AsHolder
	if !holds(ws) {
		tier = ws.AsRecipient
	}
	return ws.Role.String() + "-" + tier.String()
}

func contact(of func(*model.Contact) string) func(*store.Case, *model.WorkspaceFinding) string {
	return func(_ *store.Case, ws *model.WorkspaceFinding) string { return inert.Cell(of(&ws.Contact)) }
}

// holds reports whether facts about the holders are this workspace's own.
func holds(ws *model.WorkspaceFinding) bool { return ws.Role&model.RoleHolder != 0 }

func holderUsers(_ *store.Case, ws *model.WorkspaceFinding) string {
	if !holds(ws) {
		return ""
	}
	return strconv.Itoa(ws.HolderUsers)
}

// useSeen is "no" only where the logs speak against use, not where they are silent.
func useSeen(_ *store.Case, ws *model.WorkspaceFinding) string {
	if ws.Used > 0 {
		return store.TriWord(model.Yes)
	}
	return store.TriWord(ws.Opened)
}

func changeSeen(_ *store.Case, ws *model.WorkspaceFinding) string {
	if !holds(ws) {
		return ""
	}
	return store.TriWord(ws.Change)
}

func categories(_ *store.Case, ws *model.WorkspaceFinding) string {
	if !holds(ws) {
		return ""
	}
	return inert.Cell(strings.Join(ws.Categories, "; "))
}
