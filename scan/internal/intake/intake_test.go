package intake_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/intake"
	"github.com/spillscope/spillscope/scan/storage"
)

// files is a store of files in memory.
type files map[string]string

func (f files) List(_ context.Context, pattern string) ([]storage.Object, error) {
	var found []storage.Object
	for name, data := range f {
		if ok, _ := path.Match(pattern, name); ok {
			found = append(found, storage.Object{URI: name, Path: name, Size: int64(len(data))})
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: %w", pattern, fs.ErrNotExist)
	}
	sort.Slice(found, func(i, j int) bool { return found[i].URI < found[j].URI })
	return found, nil
}

func (f files) Open(_ context.Context, o storage.Object) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(f[o.Path])), nil
}

func (f files) OpenAt(_ context.Context, o storage.Object) (storage.ReaderAtCloser, int64, error) {
	return inMemory{strings.NewReader(f[o.Path])}, int64(len(f[o.Path])), nil
}

// inMemory is a file that needs no closing.
type inMemory struct{ io.ReaderAt }

func (inMemory) Close() error { return nil }

func digest(raw []byte) (model.ID, error) {
	return model.NewKey(make([]byte, model.KeySize)).Digest("session", raw), nil
}

func id(value string) model.ID { d, _ := digest([]byte(value)); return d }

func at(s string) model.Instant {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return model.InstantOf(t)
}

// incident names a table for each file that is there.
func incident(f files) *model.Incident {
	inc := &model.Incident{}
	for name, table := range map[string]*model.Table{
		"sessions.csv": &inc.Directory.Sessions, "users.csv": &inc.Directory.Users,
		"memberships.csv": &inc.Directory.Memberships, "workspaces.csv": &inc.Directory.Workspaces,
		"reports.csv": &inc.Reports,
	} {
		if _, ok := f[name]; ok {
			table.URI = name
		}
	}
	return inc
}

func load(t *testing.T, f files, inc *model.Incident) (*intake.Directory, []model.Input) {
	t.Helper()
	d, inputs, err := intake.Load(context.Background(), f, inc, digest)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range inputs {
		if !in.Holds() {
			t.Errorf("%s: balance does not hold: %+v", in.URI, in.Balance)
		}
	}
	return d, inputs
}

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

const (
	users = "user_id,email,name,role\n" +
		"u1,ada@example.com,Ada,staff\n" +
		"u2,bo@example.com,\"Bo \"\"B\"\" Ek\",\n"
	memberships = "user_id,workspace_id,valid_from,valid_to\n" +
		"u1,w2,,\n" +
		"u1,w1,2023-01-01T00:00:00Z,2023-03-07T18:00:00Z\n" +
		"u2,w1,2023-03-07 18:00:00+00,NULL\n" +
		"u1,w1,2023-01-01T00:00:00Z,2023-03-07T18:00:00Z\n"
	workspaces = "Workspace_ID , name,CONTACT_EMAIL,region,country\r\n" +
		"w1,One,one@example.com,eu,SE\r\nw2,Two,two@example.com,us,US"
)

func TestDirectory(t *testing.T) {
	f := files{
		"sessions.csv":    "session_hash,user_id\nsecret-a,u1\nsecret-b,u2\nsecret-a,u1\nsecret-c,\nsecret-d,u9\n",
		"users.csv":       gz("\ufeff" + users),
		"memberships.csv": memberships,
		"workspaces.csv":  workspaces,
		"reports.csv":     "reported_at,user_id,note\n2023-03-07T10:40:00-08:00,u2,\"I see\nsomeone else\"\n",
	}
	d, inputs := load(t, f, incident(f))

	for value, want := range map[string]string{"secret-a": "u1 true", "secret-b": "u2 true", "secret-c": " true", "secret-d": "u9 true", "secret-e": " false"} {
		user, known := d.SessionUser(id(value))
		if got := fmt.Sprint(user, " ", known); got != want {
			t.Errorf("SessionUser(%s) = %s, want %s", value, got, want)
		}
	}
	u, ok := d.User("u2")
	if want := (intake.User{ID: "u2", Email: "bo@example.com", Name: `Bo "B" Ek`}); !ok || u != want {
		t.Errorf("User(u2) = %+v %v", u, ok)
	}
	if _, ok := d.User("u9"); ok {
		t.Error("u9 is in no users table, yet User knows it")
	}
	w, ok := d.Workspace("w1")
	if want := (intake.Workspace{ID: "w1", Name: "One", Contact: model.Contact{Email: "one@example.com", Region: "eu", Country: "SE"}}); !ok || w != want {
		t.Errorf("Workspace(w1) = %+v %v", w, ok)
	}
	before, edge := at("2023-03-07T17:59:59Z"), at("2023-03-07T18:00:00Z")
	for _, c := range []struct {
		user string
		at   model.Instant
		want []string
	}{
		{"u1", before, []string{"w1", "w2"}},
		{"u1", edge, []string{"w2"}}, // valid_to is exclusive
		{"u1", 0, []string{"w1", "w2"}},
		{"u2", before, nil},
		{"u2", edge, []string{"w1"}},
		{"u9", edge, nil},
		{"u8", edge, nil},
	} {
		if got := d.WorkspacesOf(c.user, c.at); !slices.Equal(got, c.want) {
			t.Errorf("WorkspacesOf(%s, %v) = %v, want %v", c.user, c.at, got, c.want)
		}
	}
	if !d.MembershipDated() {
		t.Error("memberships have dates")
	}
	if want := (intake.Counts{Sessions: 4, Users: 2, Memberships: 3, Workspaces: 2, Reports: 1}); d.Counts() != want {
		t.Errorf("Counts() = %+v, want %+v", d.Counts(), want)
	}
	if r := d.Reports(); len(r) != 1 || r[0].User != "u2" || r[0].At != at("2023-03-07T18:40:00Z") || r[0].Ref.Object != 4 || r[0].Ref.Line != 2 {
		t.Errorf("Reports() = %+v", r)
	}
	if len(d.Warnings())+len(d.Rejects()) > 0 {
		t.Errorf("warnings %v, rejects %v", d.Warnings(), d.Rejects())
	}
	checkInputs(t, f, inputs)
}

func checkInputs(t *testing.T, f files, inputs []model.Input) {
	t.Helper()
	want := []struct {
		uri string
		model.Balance
	}{
		{"sessions.csv", model.Balance{Lines: 6, Parsed: 4, Comment: 1, Duplicate: 1}},
		{"users.csv", model.Balance{Lines: 3, Parsed: 2, Comment: 1}},
		{"memberships.csv", model.Balance{Lines: 5, Parsed: 3, Comment: 1, Duplicate: 1}},
		{"workspaces.csv", model.Balance{Lines: 3, Parsed: 2, Comment: 1}},
		{"reports.csv", model.Balance{Lines: 2, Parsed: 1, Comment: 1}},
	}
	if len(inputs) != len(want) {
		t.Fatalf("%d inputs, want %d", len(inputs), len(want))
	}
	for i, w := range want {
		sum := sha256.Sum256([]byte(f[w.uri]))
		in := model.Input{Object: uint32(i), Kind: strings.TrimSuffix(w.uri, ".csv"), URI: w.uri, Format: "csv",
			Size: int64(len(f[w.uri])), SHA256: hex.EncodeToString(sum[:]), Balance: w.Balance}
		if diff := cmp.Diff(in, inputs[i]); diff != "" {
			t.Errorf("input (-want +got):\n%s", diff)
		}
	}
}

func TestSeveralFilesAndMap(t *testing.T) {
	f := files{
		"s-1.csv": "uid,token,x\nu1,aaaa,\nu2,bbbb,\n",
		"s-2.csv": "token,uid\ncccc,u3\nbbbb,u2\n",
	}
	inc := &model.Incident{}
	inc.Directory.Sessions = model.Table{URI: "s-*.csv", Map: map[string]string{"session_hash": "TOKEN", "user_id": "uid"}}
	d, inputs := load(t, f, inc)
	if user, _ := d.SessionUser(id("cccc")); user != "u3" {
		t.Errorf("user of cccc = %q", user)
	}
	if inputs[0].Parsed != 2 || inputs[1].Parsed != 1 || inputs[1].Duplicate != 1 {
		t.Errorf("the duplicate is not charged to the second file: %+v %+v", inputs[0].Balance, inputs[1].Balance)
	}
	if diff := cmp.Diff(map[string]int{"4 hex": 4}, d.Shapes()); diff != "" {
		t.Errorf("shapes (-want +got):\n%s", diff)
	}
}

func TestSessionRefs(t *testing.T) {
	f := files{"sessions.csv": "session_hash,user_id\nd0aa,u1\nd0bb,u2\nd0cc,u3\n"}
	asked := []model.ID{id("d0cc"), id("d0aa"), id("elsewhere")}
	live := map[model.ID]string{id("d0aa"): "sessions.csv:2", id("d0cc"): "sessions.csv:4"}
	shown := map[model.ID]string{id("d0aa"): "d0aa", id("d0cc"): "d0cc"}
	for _, c := range []struct {
		name, values, hash string
		want               map[model.ID]string
	}{
		{"nothing is said", "", "", live},
		{"digest", "digest", "", shown},
		{"logged values are hashed", "", "sha256-hex", shown},
		{"token, whatever is hashed", "token", "sha256-hex", live},
	} {
		inc := incident(f)
		inc.Directory.Sessions.Values = c.values
		inc.Sources = []model.Source{{SessionForm: model.SessionForm{Hash: c.hash}}}
		d, _ := load(t, f, inc)
		got, err := d.SessionRefs(context.Background(), asked)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestSessionRefsOfAChangedTable(t *testing.T) {
	f := files{"sessions.csv": "session_hash,user_id\nd0aa,u1\nd0bb,u2\n"}
	inc := incident(f)
	inc.Directory.Sessions.Values = "digest"
	d, _ := load(t, f, inc)
	f["sessions.csv"] = "session_hash,user_id\nd0bb,u2\nd0aa,u1\n"
	_, err := d.SessionRefs(context.Background(), []model.ID{id("d0aa")})
	want := "directory.sessions: sessions.csv:2: the table has changed since it was read; begin the scan again"
	if err == nil || err.Error() != want {
		t.Errorf("err = %v\nwant  %s", err, want)
	}
}

func TestUndated(t *testing.T) {
	f := files{"memberships.csv": "user_id,workspace_id\nu1,w1\n"}
	inc := incident(f)
	if d, _ := load(t, f, inc); d.MembershipDated() {
		t.Error("no date anywhere, yet MembershipDated")
	}
	inc.Directory.AsOf = at("2023-03-07T10:15:00Z")
	if d, _ := load(t, f, inc); !d.MembershipDated() {
		t.Error("as_of is a date")
	}
}

func TestRejects(t *testing.T) {
	const m = "user_id,workspace_id,valid_from,valid_to\nu1,w1,,\n"
	for _, c := range []struct{ name, file, data, want string }{
		{"columns", "users.csv", users + "u3,x\n", "0:4:86 2 columns, the header has 4"},
		{"quote", "users.csv", users + "u3,\"x\"y,z,\n", "0:4:86 a quote that is not closed or not doubled"},
		{"empty id", "users.csv", users + " ,x,y,\n", "0:4:86 user_id is empty"},
		{"control", "users.csv", users + "u\x1b[31m,x,y,\n", "0:4:86 user_id contains a control character"},
		{"not UTF-8", "users.csv", users + "u\xff,x,y,\n", "0:4:86 user_id is not UTF-8"},
		{"empty session", "sessions.csv", "session_hash,user_id\nx,u1\n,u2\n", "0:3:26 session_hash is empty"},
		{"no offset", "memberships.csv", m + "u2,w1,2023-03-07T18:00:00,\n", "0:3:49 valid_from has no offset: set time_zone of the table"},
		{"date", "memberships.csv", m + "u2,w1,,2023-03-07\n", "0:3:49 valid_to has no offset: set time_zone of the table"},
		{"small number", "memberships.csv", m + "u2,w1,,20230307\n", "0:3:49 valid_to is a number, but no count of seconds, ms, us or ns since 1970"},
		{"words", "memberships.csv", m + "u2,w1,last Tuesday,\n", "0:3:49 valid_from is not a time with an offset, like 2023-03-07T18:21:00Z"},
		{"never begins", "memberships.csv", m + "u2,w1,infinity,\n", "0:3:49 valid_from is not a time with an offset, like 2023-03-07T18:21:00Z"},
		{"the year", "memberships.csv", m + "u2,w1,2923-03-07T18:00:00Z,\n", "0:3:49 valid_from is in the year 2923"},
		{"swapped", "memberships.csv", m + "u2,w1,1678213260,1678213259\n", "0:3:49 valid_to is before valid_from"},
		{"no one", "reports.csv", "reported_at,user_id\n2023-03-07T18:00:00Z,u1\n2023-03-07T18:00:00Z,\n", "0:3:44 neither user_id nor workspace_id is given"},
		{"no time", "reports.csv", "reported_at,user_id\n2023-03-07T18:00:00Z,u1\n,u1\n", "0:3:44 reported_at is empty"},
	} {
		f := files{c.file: c.data}
		d, inputs := load(t, f, incident(f))
		var got []string
		for _, r := range d.Rejects() {
			got = append(got, fmt.Sprintf("%d:%d:%d %s", r.Ref.Object, r.Ref.Line, r.Ref.Offset, r.Reason))
		}
		if !slices.Equal(got, []string{c.want}) || inputs[0].Rejected != 1 {
			t.Errorf("%s: rejects %q (%d counted)\nwant %q", c.name, got, inputs[0].Rejected, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	whole := gz(users)
	for _, c := range []struct{ name, file, data, want string }{
		{"empty", "users.csv", "", "directory.users: users.csv: the file is empty"},
		{"blank", "users.csv", "\ufeff\r\n\n", "directory.users: users.csv: the file is empty"},
		{"excel", "users.csv", "PK\x03\x04\x14\x00", "directory.users: users.csv: this is an Excel file or a ZIP archive: save the table as CSV"},
		{"html", "users.csv", "<html>sign in", "directory.users: users.csv: this is HTML or XML: export the table as CSV"},
		{"binary", "users.csv", "\x7fELF\x00\x00", "directory.users: users.csv: this is a binary file: export the table as CSV"},
		{"binary in gzip", "users.csv", gz("\x7fELF\x00\x00"), "directory.users: users.csv: this is a binary file: export the table as CSV"},
		{"cut gzip", "users.csv", whole[:len(whole)-12], "directory.users: users.csv: the file is cut short, so rows are missing; copy or export it again: "},
		{"column", "users.csv", "user_id,primary email,name\n",
			"directory.users: users.csv: no column email; it has user_id, primary email, name. If one of these is it, write under directory.users: map: {email: primary email}"},
		{"twice", "users.csv", "user_id,email,Email,name\n", "directory.users: users.csv: the column email occurs twice"},
		{"no header", "sessions.csv", "7f3a90cc51d2e8b1,u1\n",
			"directory.sessions: sessions.csv:1: the first line holds values, not names of columns: name them in their order under directory.sessions: columns: [session_hash, user_id]"},
		{"no header, more columns", "users.csv", "u1;ada@example.com;Ada;x;x;x;x;x\n",
			"directory.users: users.csv:1: the first line holds values, not names of columns: name them in their order under directory.users: columns: [user_id, email, name, role, locale, country, is_staff, _]"},
		{"psql", "users.csv", " user_id | email | name \n---------+-------+------\n u1 | a@example.com | A\n",
			"directory.users: users.csv: this is what a database shell prints for reading, in which values may be cut: export the table with \\copy (SELECT …) TO 'table.csv' CSV HEADER, or with mysql --batch"},
		{"mysql", "users.csv", "+---------+-------+\n| user_id | email |\n+---------+-------+\n",
			"directory.users: users.csv: this is what a database shell prints for reading, in which values may be cut: export the table with \\copy (SELECT …) TO 'table.csv' CSV HEADER, or with mysql --batch"},
		{"inserts", "users.csv", "-- MySQL dump\n--\nINSERT INTO `users` VALUES (1,'a@example.com');\n",
			"directory.users: users.csv: this is SQL that inserts rows: export the table as CSV, or with pg_dump without --inserts"},
		{"archive", "users.csv", "PGDMP\x01\x0e", "directory.users: users.csv: this is an archive of pg_dump: write it as text with pg_restore -a -f tables.sql and name that file"},
		{"conflicting session", "sessions.csv", "session_hash,user_id\na,u1\nb,u1\na,u2\n",
			"directory.sessions: sessions.csv:4: this session has another user at sessions.csv:2; whose was it during the incident? Keep that row only"},
		{"nothing readable", "users.csv", "user_id,email,name\nu1\nu2\n",
			"directory.users: users.csv: none of its 2 rows can be read; the first, line 2: 1 columns, the header has 3"},
		{"open quote", "users.csv", users + "u3,\"x,y,\nu4,x,y,\n",
			"directory.users: users.csv:4: a quote is opened in or near this row and not closed, which hides the rows after it; export the table again with quotes doubled"},
		{"two open quotes", "users.csv", users + "u3,\"x," + strings.Repeat("\n", 200) + "\",y,\n",
			"directory.users: users.csv:4: a quote is opened in or near this row and not closed, which hides the rows after it; export the table again with quotes doubled"},
		{"endless row", "users.csv", users + "u3,\"" + strings.Repeat("x", 5<<20),
			"directory.users: users.csv:4: a quote is opened in or near this row and not closed, which hides the rows after it; export the table again with quotes doubled"},
		{"header quote", "users.csv", "\"a\"b,c\n", "directory.users: users.csv:1: the header line cannot be read: a quote that is not closed or not doubled"},
	} {
		f := files{c.file: c.data}
		_, _, err := intake.Load(context.Background(), f, incident(f), digest)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || !strings.HasSuffix(c.want, ": ") && err.Error() != c.want {
			t.Errorf("%s: err = %v\nwant %s", c.name, err, c.want)
		}
	}
	inc := &model.Incident{}
	inc.Directory.Users.URI = "none.csv"
	if _, _, err := intake.Load(context.Background(), files{}, inc, digest); err == nil || err.Error() != "directory.users: none.csv: file does not exist" {
		t.Errorf("missing file: %v", err)
	}
	inc.Directory.Users = model.Table{URI: "u.csv", Map: map[string]string{"email": "mail"}}
	_, _, err := intake.Load(context.Background(), files{"u.csv": "user_id,E-Mail,name\n"}, inc, digest)
	want := "directory.users: u.csv: no column mail, which map says is email; it has user_id, E-Mail, name. If one of these is it, write under directory.users: map: {email: E-Mail}"
	if err == nil || err.Error() != want {
		t.Errorf("err = %v\nwant  %s", err, want)
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"header only", "user_id,email,name\n", "users.csv: a header, but no rows"},
		{"latin-1", "user_id,email,name\nu1,a@example.com,Bj\xf6rn\n", "users.csv: 1 values are not UTF-8 and were mended with �; export the table as UTF-8"},
		{"trailing garbage", gz("user_id,email,name\nu1,a@example.com,A") + "garbage", "users.csv: gzip: trailing garbage"},
	} {
		f := files{"users.csv": c.data}
		d, inputs := load(t, f, incident(f))
		if w := d.Warnings(); len(w) != 1 || !strings.HasPrefix(w[0], c.want) {
			t.Errorf("%s: warnings %q, want %q", c.name, w, c.want)
		}
		if sum := sha256.Sum256([]byte(c.data)); inputs[0].SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: the digest is not that of the file as stored", c.name)
		}
		if c.name != "header only" && d.Counts().Users != 1 {
			t.Errorf("%s: the row is lost", c.name)
		}
	}
}

// TestNoSecrets looks for session values in everything that is returned, of
// tables that are in order and of damaged ones in every format.
func TestNoSecrets(t *testing.T) {
	const secret = "s3cr3t-Value-of-a-session"
	const raw = `{"csrf":"` + secret + `","passport":{"user":"u1"}}`
	for _, data := range []string{
		secret + ",u1\n",
		"session_hash,user_id\n" + secret + "\nx,u1\n",
		"session_hash,user_id\n\"" + secret + "\"z,u1\nx,u1\n",
		"session_hash,user_id\n" + secret + ",u\x01\nx,u1\n",
		"session_hash,user_id\n" + secret + ",u1\n" + secret + ",u2\n",
		"session_hash,user_id\n" + secret + ",u1\n",
		secret + "\n",
		secret + "\tu1\n",
		"session_hash\tuser_id\n" + secret + "\nx\tu1\n",
		"session_hash\tuser_id\n" + secret + "\t" + raw + "\n",
		"session_hash,user_id,expires\n" + secret + ",u1,2023\nx,u1," + secret + "\n",
		"COPY sessions (session_hash, user_id) FROM stdin;\n" + secret + "\n" + secret + "\tu1\n",
		"COPY " + secret + " (" + secret + ") FROM stdin;\n" + secret + "\n\\.\n",
		`{"session_hash":"` + secret + `","user_id":` + raw + "}\n",
		`{"session_hash":"` + secret + `","user_id":"u1"}` + "\n{\"session_hash\":\"" + secret + "\n",
		`{"` + secret + `":1}` + "\n",
		`[{"session_hash":"` + secret + `","user_id":"u1"},` + secret + "]\n",
		`[{"session_hash":"` + secret,
	} {
		for _, form := range []model.SessionForm{{}, {Decode: []string{"hex"}}, {Claim: "x"}} {
			for _, claim := range []string{"", "passport", "passport.user"} {
				f := files{"sessions.csv": data}
				inc := incident(f)
				inc.Directory.Sessions.Form, inc.Directory.Sessions.UserClaim = form, claim
				inc.Directory.Sessions.Map = map[string]string{"ended_at": "expires"}
				if !strings.Contains(data, "expires") {
					inc.Directory.Sessions.Map = nil
				}
				if said := everything(t, f, inc, secret); strings.Contains(said, secret) {
					t.Errorf("%q: a session value is in what was returned: %s", data, said)
				}
			}
		}
	}
}

// everything is what loading f says in any way.
func everything(t *testing.T, f files, inc *model.Incident, secret string) string {
	t.Helper()
	d, inputs, err := intake.Load(context.Background(), f, inc, func(raw []byte) (model.ID, error) {
		if len(raw) > 3 {
			return id(string(raw)), nil
		}
		return model.ID{}, fmt.Errorf("bad value %s", raw)
	})
	said := fmt.Sprint(inputs, err)
	if d != nil {
		refs, err := d.SessionRefs(context.Background(), []model.ID{id(secret)})
		said += fmt.Sprint(d.Rejects(), d.Warnings(), d.Shapes(), refs, err)
	}
	return said
}

// TestCancel stops in the middle of a table.
func TestCancel(t *testing.T) {
	f := files{"users.csv": users}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := intake.Load(ctx, f, incident(f), digest); err == nil {
		t.Error("Load goes on after its context has ended")
	}
}

// FuzzLoad checks that no table, in whatever format, breaks the balance,
// panics, or makes a session appear that SessionRefs cannot find again.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{"session_hash,user_id\na,u1\n", "session_hash,user_id\n\"a\nb\",u1\r\n\r\nc,\n", "\ufeffuser_id,session_hash\n\"a\"\"\",x",
		"session_hash\tuser_id\na\\tb\\x41\\101\t\\N\n\\.\n", "session_hash;user_id;created_at\na;u;1678213260\n(1 row)\n"} {
		f.Add([]byte(s), "auto")
		f.Add([]byte(gz(s)), "csv")
		f.Add([]byte(s), "copy")
	}
	for _, fm := range forms() {
		f.Add([]byte(fm.write(tables[0].rows)), "auto")
		f.Add([]byte(fm.write(tables[0].rows)), "jsonl")
	}
	f.Add([]byte(parquetOf(f)(tables[0].rows)), "parquet")
	f.Fuzz(func(t *testing.T, data []byte, format string) {
		for _, name := range []string{"sessions.csv", "memberships.csv", "reports.csv"} {
			one := files{name: string(data)}
			inc := incident(one)
			inc.Directory.Sessions.Values = "digest"
			for _, table := range []*model.Table{&inc.Directory.Sessions, &inc.Directory.Memberships, &inc.Reports} {
				table.Format = format
			}
			var seen []model.ID
			d, inputs, err := intake.Load(context.Background(), one, inc, func(raw []byte) (model.ID, error) {
				seen = append(seen, id(string(raw)))
				return seen[len(seen)-1], nil
			})
			if err != nil {
				continue
			}
			in := inputs[0]
			if !in.Holds() || in.Size != int64(len(data)) || int(in.Rejected) != len(d.Rejects()) {
				t.Fatalf("%s: %+v", name, in)
			}
			if name != "sessions.csv" {
				continue
			}
			if d.Counts().Sessions != int(in.Parsed) {
				t.Fatalf("%d sessions of %+v", d.Counts().Sessions, in.Balance)
			}
			refs, err := d.SessionRefs(context.Background(), seen)
			if err != nil || len(refs) != int(in.Parsed) {
				t.Fatalf("%d of %d sessions found again: %v", len(refs), in.Parsed, err)
			}
		}
	})
}
