package intake_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/intake"
)

// TestTwiceOtherwise reads users and workspaces of which two rows disagree:
// deleted and made anew, or exported twice.
func TestTwiceOtherwise(t *testing.T) {
	f := files{
		"users.csv": "user_id,email,name,role,locale\n" +
			"u1,ada@example.com,Ada,,\n" +
			"u1,ada@example.org,Ada Ek,staff,sv\n" + // other address: the first counts, its blanks are filled
			"u2,,deleted user,,\n" +
			"u2,bo@example.com,Bo,,\n" + // the first with an address counts
			"u3,cy@example.com,,,\n" +
			"u3,cy@example.com,Cy,,\n" + // says more, not otherwise
			"u3,cy@example.com,Cy,,\n" +
			"u1,ada@example.com,A.,,\n",
		"workspaces.csv": "workspace_id,name,contact_email,region,contact_name\n" +
			"w1,One,a@example.com,eu,A\nw1,One,b@example.com,,B\nw2,Two,,eu,\nw2,Two,c@example.com,us,C\n",
	}
	d, inputs := load(t, f, incident(f))
	want := []intake.User{
		{ID: "u1", Email: "ada@example.com", Name: "Ada", Role: "staff", Locale: "sv"},
		{ID: "u2", Email: "bo@example.com", Name: "Bo"},
		{ID: "u3", Email: "cy@example.com", Name: "Cy"},
	}
	for _, w := range want {
		if u, _ := d.User(w.ID); u != w {
			t.Errorf("%s is %+v, want %+v", w.ID, u, w)
		}
	}
	for _, w := range []intake.Workspace{
		{ID: "w1", Name: "One", Contact: model.Contact{Email: "a@example.com", Name: "A", Region: "eu"}},
		{ID: "w2", Name: "Two", Contact: model.Contact{Email: "c@example.com", Name: "C", Region: "us"}},
	} {
		if got, _ := d.Workspace(w.ID); got != w {
			t.Errorf("%s is %+v, want %+v", w.ID, got, w)
		}
	}
	const rule = " rows say something else than an earlier row of the same id; the first that has an address counts, what it leaves empty is taken from the others: "
	if diff := cmp.Diff([]string{
		"directory.users.user_id: 3" + rule + "users.csv:3 and users.csv:2, users.csv:5 and users.csv:4, users.csv:9 and users.csv:2",
		"directory.workspaces.workspace_id: 2" + rule + "workspaces.csv:3 and workspaces.csv:2, workspaces.csv:5 and workspaces.csv:4",
	}, d.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if b := inputs[0].Balance; b.Parsed != 3 || b.Duplicate != 5 {
		t.Errorf("balance %+v", b)
	}
}

// TestRoles reads roles and the flags that stand for them.
func TestRoles(t *testing.T) {
	for _, c := range []struct{ header, row, want string }{
		{"role", "support", "support"},
		{"role", "", ""},
		{"role", "t", "staff"},
		{"role", "FALSE", ""},
		{"is_staff", "true", "staff"},
		{"is_staff", "f", ""},
		{"Is_Admin", "1", "staff"},
		{"role,is_superuser", "member,Y", "staff"},
		{"role,is_superuser", "member,N", "member"},
		{"plan", "t", ""},
	} {
		f := files{"users.csv": "user_id,email,name," + c.header + "\nu1,ada@example.com,Ada," + c.row + "\n"}
		d, _ := load(t, f, incident(f))
		if u, _ := d.User("u1"); u.Role != c.want {
			t.Errorf("%s %s: role %q, want %q", c.header, c.row, u.Role, c.want)
		}
	}
}

// TestContacts chooses whom to write to.
func TestContacts(t *testing.T) {
	inc := &model.Incident{}
	inc.Directory.Workspaces.URI, inc.Directory.Contacts.URI = "w", "c"
	d, inputs := load(t, files{
		"w": "workspace_id,name,region,locale\nown,A,eu,sv\nmany,B,us,en\nnone,C,eu,\n", // no contact_email: the contacts table has them
		"c": "workspace_id,contact_email,contact_name,contact_role,locale\n" +
			"own,x@example.com,X,,\nmany,nobody@example.com,,,\nmany,sales@example.com,S,Sales,\nmany,pay@example.com,P,Billing,\n" +
			"many,sec@example.com,Q,Head of Security,de\nmany,adm@example.com,R,workspace_admin,\nmany,own@example.com,O,Account Owner,fr\n" +
			"many,own@example.com,O,Account Owner,fr\nmany,,Z,,\nstranger,y@example.com,,,\n",
	}, inc)
	var order []string
	for _, c := range d.Contacts("many") {
		order = append(order, strings.TrimSuffix(c.Email, "@example.com"))
	}
	if got := strings.Join(order, " "); got != "own adm sec pay sales nobody" {
		t.Errorf("order %s", got)
	}
	for id, want := range map[string]string{
		"own":      "true {x@example.com X  sv  eu}",
		"many":     "true {own@example.com O Account Owner fr  us}",
		"none":     "true {     eu}",
		"stranger": "false {y@example.com     }",
		"other":    "false {     }",
	} {
		w, known := d.Workspace(id)
		c := w.Contact
		if got := fmt.Sprint(known, " ", c); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
	if want := (model.Balance{Lines: 11, Parsed: 8, Rejected: 1, Comment: 1, Duplicate: 1}); inputs[1].Balance != want {
		t.Errorf("balance %+v, want %+v", inputs[1].Balance, want)
	}
	inc.Directory.Contacts.URI = ""
	_, _, err := intake.Load(context.Background(), files{"w": "workspace_id,name,region\nown,A,eu\n"}, inc, digest)
	if want := "directory.workspaces: w: no column contact_email; it has workspace_id, name, region. If one of these is it, write under directory.workspaces: map: {contact_email: THEIR_NAME}"; err == nil || err.Error() != want {
		t.Errorf("err = %v\nwant  %s", err, want)
	}
}

// TestLesserColumns goes on without what nobody is found by, with a word on it.
func TestLesserColumns(t *testing.T) {
	f := files{"users.csv": "id,email\nu1,ada@example.com\nu2\n"}
	inc := incident(f)
	inc.Directory.Users.Map = map[string]string{"user_id": "id"}
	d, _ := load(t, f, inc)
	want := []string{"users.csv: no column name: users are named by their ids alone",
		"users.csv: 1 of 2 rows were rejected: 1: 1 columns, the header has 2"}
	if diff := cmp.Diff(want, d.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}
