package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode/parquet/parquettest"
	"github.com/spillscope/spillscope/scan/internal/intake"
)

// The directory below is written in every form that people export it in, and
// must be the same Directory in each.
var tables = []struct {
	name string
	rows [][]string // the first is the header
}{
	{"sessions", [][]string{
		{"session_hash", "user_id", "created_at", "ended_at"},
		{"d0aa", "u1", "2023-03-01 10:00:00+00", ""},
		{"d0bb", "12345678901234567", "2023-03-02 10:00:00.123456+00", "2023-03-07 19:00:00-08"},
		{"d0cc", "", "", ""},
		{"d0aa", "u1", "2023-03-01 10:00:00+00", ""},
	}},
	{"users", [][]string{
		{"user_id", "email", "name", "role"},
		{"u1", "ada@example.com", `Ada "A" Ek; né|e`, "staff"},
		{"12345678901234567", "bo@example.com", "Bo\tTab \\ back", ""},
	}},
	{"memberships", [][]string{
		{"user_id", "workspace_id", "valid_from", "valid_to"},
		{"u1", "w1", "2023-01-01T00:00:00Z", ""},
		{"u1", "w2", "", "2023-03-07 18:00:00 UTC"},
		{"12345678901234567", "w2", "1672531200", ""},
	}},
	{"workspaces", [][]string{
		{"workspace_id", "name", "contact_email", "region"},
		{"w1", "One, Inc.", "one@example.org", "eu"},
		{"w2", "Two", "", "us"},
	}},
	{"contacts", [][]string{
		{"workspace_id", "contact_email", "contact_name", "contact_role"},
		{"w2", "billing@example.org", "Bill", "billing"},
		{"w2", "owner@example.org", "Olga", "Owner"},
		{"w3", "three@example.org", "", ""},
	}},
	{"reports", [][]string{
		{"reported_at", "user_id", "note"},
		{"2023-03-07T10:40:00-08:00", "u1", "a stranger's videos"},
	}},
}

// form writes the rows of a table as some tool does.
type form struct {
	name   string
	write  func(rows [][]string) string
	format string // as the inputs name it
	bare   bool   // without header: the incident file has the columns
}

func delimited(comma, end string, quote func(string) string) func([][]string) string {
	return func(rows [][]string) string {
		var b strings.Builder
		for i, row := range rows {
			for j, s := range row {
				if j > 0 {
					b.WriteString(comma)
				}
				if i > 0 {
					s = quote(s)
				}
				b.WriteString(s)
			}
			b.WriteString(end)
		}
		return b.String()
	}
}

func always(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func ifNeeded(s string) string {
	if strings.ContainsAny(s, "\",;|\t\n") {
		return always(s)
	}
	return s
}

func backslash(s string) string {
	if s == "" {
		return `\N`
	}
	return strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`).Replace(s)
}

func snowflake(s string) string {
	if s == "" {
		return `\N`
	}
	return always(s)
}

// upper writes a header in capitals, in quotes.
func upper(write func([][]string) string) func([][]string) string {
	return func(rows [][]string) string {
		head := make([]string, len(rows[0]))
		for i, s := range rows[0] {
			head[i] = always(strings.ToUpper(s))
		}
		return write(append([][]string{head}, rows[1:]...))
	}
}

// within drops the header.
func within(write func([][]string) string, n int) func([][]string) string {
	return func(rows [][]string) string {
		text := write(rows)
		return text[strings.Index(text, "\n")+n:]
	}
}

func pgDump(rows [][]string) string {
	body := within(delimited("\t", "\n", backslash), 1)(rows)
	return "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n\n" +
		"COPY public.plans (id, label) FROM stdin;\n1\tfree\n2\t\\N\n\\.\n\n\n" +
		"COPY app.export (" + strings.Join(rows[0], ", ") + ") FROM stdin;\n" + body + "\\.\n\n--\n-- done\n--\n"
}

// utf16LE is how spreadsheets save "Unicode text".
func utf16LE(write func([][]string) string) func([][]string) string {
	return func(rows [][]string) string {
		var b strings.Builder
		for _, u := range utf16.Encode([]rune("\ufeff" + write(rows))) {
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		}
		return b.String()
	}
}

func objects(rows [][]string) (all []map[string]any) {
	for _, row := range rows[1:] {
		o := map[string]any{"extra": []int{1}}
		for i, s := range row {
			if s != "" { // as BigQuery, which leaves nulls out
				o[rows[0][i]] = s
			}
			if s == "12345678901234567" || s == "1672531200" {
				o[rows[0][i]] = json.Number(s)
			}
		}
		all = append(all, o)
	}
	return all
}

func jsonLines(rows [][]string) string {
	var b strings.Builder
	for _, o := range objects(rows) {
		line, _ := json.Marshal(o)
		b.Write(append(line, '\n'))
	}
	return b.String()
}

func jsonArray(rows [][]string) string {
	text, _ := json.MarshalIndent(objects(rows), "", "  ")
	return string(text)
}

func forms() []form {
	copied := delimited("\t", "\n", backslash)
	return []form{
		{"CSV", delimited(",", "\n", ifNeeded), "csv", false},
		{"semicolons, CRLF, byte order mark", func(rows [][]string) string { return "\ufeff" + delimited(";", "\r\n", ifNeeded)(rows) }, "csv", false},
		{"bars", delimited("|", "\n", ifNeeded), "csv", false},
		{"psql -A", func(rows [][]string) string { return delimited("|", "\n", ifNeeded)(rows) + "(3 rows)\n" }, "csv", false},
		{"spreadsheet", delimited("\t", "\n", always), "csv", false},
		{"Snowflake", upper(delimited(",", "\n", snowflake)), "csv", false},
		{"mysql --batch", copied, "copy", false},
		{"COPY", within(copied, 1), "copy", true},
		{"COPY to file", func(rows [][]string) string { return within(copied, 1)(rows) + "\\.\n" }, "copy", true},
		{"CSV without header", within(delimited(",", "\n", ifNeeded), 1), "csv", true},
		{"pg_dump", pgDump, "copy", false},
		{"JSON lines", jsonLines, "jsonl", false},
		{"JSON array", jsonArray, "jsonl", false},
		{"UTF-16", utf16LE(delimited("\t", "\r\n", always)), "csv", false},
	}
}

// parquetOf writes all columns as optional texts, but for the numbers among
// the ids, in two row groups.
func parquetOf(t testing.TB) func([][]string) string {
	return func(rows [][]string) string {
		var fields schema.FieldList
		for _, name := range rows[0] {
			fields = append(fields, schema.MustPrimitive(schema.NewPrimitiveNodeLogical(strings.ToUpper(name), parquet.Repetitions.Optional,
				schema.StringLogicalType{}, parquet.Types.ByteArray, -1, -1)))
		}
		var groups [][]parquettest.Leaf
		for part := range slices.Chunk(rows[1:], 2) {
			var leaves []parquettest.Leaf
			for i := range rows[0] {
				var leaf parquettest.Leaf
				values := []parquet.ByteArray{}
				for _, row := range part {
					if row[i] == "" {
						leaf.Def = append(leaf.Def, 0)
						continue
					}
					leaf.Def, values = append(leaf.Def, 1), append(values, parquet.ByteArray(row[i]))
				}
				leaf.Values = values
				leaves = append(leaves, leaf)
			}
			groups = append(groups, leaves)
		}
		return string(parquettest.File(t, fields, groups))
	}
}

// exported writes the directory in a form.
func exported(fm form) (files, *model.Incident) {
	f, inc := files{}, &model.Incident{}
	for i, t := range []*model.Table{&inc.Directory.Sessions, &inc.Directory.Users, &inc.Directory.Memberships,
		&inc.Directory.Workspaces, &inc.Directory.Contacts, &inc.Reports} {
		t.URI = tables[i].name
		f[t.URI] = fm.write(tables[i].rows)
		if fm.bare {
			t.Columns = tables[i].rows[0]
		}
	}
	inc.Directory.Sessions.Values = "digest"
	inc.Window.Span = model.Span{From: at("2023-03-07T18:21:00Z"), To: at("2023-03-07T19:30:00Z")}
	return f, inc
}

// told is all that a Directory says, but for where its rows stand.
func told(t *testing.T, d *intake.Directory) string {
	t.Helper()
	var b strings.Builder
	for _, s := range []string{"d0aa", "d0bb", "d0cc"} {
		user, known := d.SessionUser(id(s))
		fmt.Fprintf(&b, "%s of %q %v, until %d\n", s, user, known, d.SessionEnd(id(s)))
	}
	refs, err := d.SessionRefs(context.Background(), []model.ID{id("d0bb"), id("d0cc")})
	fmt.Fprintln(&b, refs[id("d0bb")], refs[id("d0cc")], err)
	for _, u := range []string{"u1", "12345678901234567"} {
		row, known := d.User(u)
		fmt.Fprintf(&b, "%+q %v in %v, before %v\n", row, known, d.WorkspacesOf(u, at("2023-03-07T18:30:00Z")), d.WorkspacesOf(u, at("2022-12-31T00:00:00Z")))
	}
	for _, w := range []string{"w1", "w2", "w3"} {
		row, known := d.Workspace(w)
		fmt.Fprintf(&b, "%+q %v, all %+q\n", row, known, d.Contacts(w))
	}
	for _, r := range d.Reports() {
		fmt.Fprintf(&b, "%v %q %q\n", r.At, r.User, r.Note)
	}
	fmt.Fprintf(&b, "%+v %+v %v %v\n", d.Counts(), d.Timing(), d.Shapes(), d.MembershipDated())
	fmt.Fprintln(&b, d.Rejects(), d.Warnings())
	return b.String()
}

const directoryAsTold = `d0aa of "u1" true, until 0
d0bb of "12345678901234567" true, until 1678244400000000000
d0cc of "" true, until 0
d0bb d0cc <nil>
{"u1" "ada@example.com" "Ada \"A\" Ek; n\u00e9|e" "staff" "" ""} true in [w1], before [w2]
{"12345678901234567" "bo@example.com" "Bo\tTab \\ back" "" "" ""} true in [w2], before []
{"w1" "One, Inc." {"one@example.org" "" "" "" "" "eu"}} true, all [{"one@example.org" "" "" "" "" "eu"}]
{"w2" "Two" {"owner@example.org" "Olga" "Owner" "" "" "us"}} true, all [{"owner@example.org" "Olga" "Owner" "" "" "us"} {"billing@example.org" "Bill" "billing" "" "" "us"}]
{"" "" {"three@example.org" "" "" "" "" ""}} false, all [{"three@example.org" "" "" "" "" ""}]
2023-03-07T18:40:00.000Z "u1" "a stranger's videos"
{Sessions:3 Users:2 Memberships:3 Workspaces:2 Contacts:3 Reports:1} {Created:3 CreatedAfter:0 Oldest:2023-03-01T10:00:00.000Z Newest:2023-03-02T10:00:00.123Z Undated:0 BeganAfter:0 EndedBefore:1} map[4 hex:4] true
[] []
`

// TestForms reads the same directory in every form, plain and compressed.
func TestForms(t *testing.T) {
	for _, fm := range append(forms(), form{"Parquet", parquetOf(t), "parquet", false}) {
		for _, packed := range []string{"", " gzip", " zstd"} {
			t.Run(fm.name+packed, func(t *testing.T) {
				f, inc := exported(fm)
				for name, text := range f {
					switch packed {
					case " gzip":
						f[name] = gz(text)
					case " zstd":
						f[name] = zst(t, text)
					}
				}
				d, inputs := load(t, f, inc)
				if diff := cmp.Diff(directoryAsTold, told(t, d)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				for _, in := range inputs {
					if in.Format != fm.format {
						t.Errorf("%s is read as %s, want %s", in.URI, in.Format, fm.format)
					}
				}
			})
		}
	}
}

func zst(t *testing.T, s string) string {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return string(z.EncodeAll([]byte(s), nil))
}

// TestParts cuts each table into files of one row, of which the first alone
// has a header, as an unload with HEADER and several writers leaves them.
func TestParts(t *testing.T) {
	for _, fm := range forms()[:7] {
		if fm.name == "psql -A" {
			continue
		}
		t.Run(fm.name, func(t *testing.T) {
			whole, inc := exported(fm)
			f := files{}
			for _, table := range []*model.Table{&inc.Directory.Sessions, &inc.Directory.Users, &inc.Directory.Memberships,
				&inc.Directory.Workspaces, &inc.Directory.Contacts, &inc.Reports} {
				lines := strings.SplitAfter(strings.TrimSpace(whole[table.URI]), "\n")
				f[table.URI+"_0"] = lines[0] + lines[1]
				for i, line := range lines[2:] {
					f[fmt.Sprintf("%s_%d", table.URI, i+1)] = line
				}
				table.URI += "_*"
			}
			d, _ := load(t, f, inc)
			if diff := cmp.Diff(directoryAsTold, told(t, d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPartsThatDiffer(t *testing.T) {
	for _, c := range []struct{ name, second, want string }{
		{"other order", "email,user_id\nbo@example.com,u2\n", ""},
		{"no header", "u2,bo@example.com\n", ""},
		{"fewer columns", "bo@example.com\n", "directory.users: users-2:1: the first line holds values, 1 of them, and the files before have 2 columns: put a header line into each file, or name the columns under directory.users: columns"},
		{"another table", "plan,price\n", "directory.users: users-2: no column user_id; it has plan, price. If one of these is it, write under directory.users: map: {user_id: THEIR_NAME}"},
	} {
		inc := &model.Incident{}
		inc.Directory.Users.URI = "users-*"
		d, _, err := intake.Load(context.Background(), files{"users-1": "user_id,email\nu1,ada@example.com\n", "users-2": c.second}, inc, digest)
		if c.want == "" && err == nil {
			if u, _ := d.User("u2"); u.Email == "bo@example.com" {
				continue
			}
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: err = %v\nwant %s", c.name, err, c.want)
		}
	}
}

// TestDumpOfManyTables takes the table that is called like ours where several
// have its columns.
func TestDumpOfManyTables(t *testing.T) {
	block := func(name, who string) string {
		return "COPY " + name + " (id, \"E-Mail\") FROM stdin;\nu1\t" + who + "@example.com\n\\.\n"
	}
	const both = "directory.users: dump.sql:4: both %s and %s could be this table: dump the right one alone, with pg_dump -t"
	for _, c := range []struct{ name, dump, want string }{
		{"alone", block("public.people", "ada"), "ada@example.com"},
		{"called so first", block("public.users", "ada") + block("audit.logins", "bo"), "ada@example.com"},
		{"called so last", block("audit.logins", "bo") + block("public.users", "ada"), fmt.Sprintf(both, "audit.logins", "public.users")},
		{"called so twice", block("public.auth_user", "ada") + block("old.users", "bo"), fmt.Sprintf(both, "public.auth_user", "old.users")},
		{"quoted", block(`public."User"`, "ada"), "ada@example.com"},
		{"cut short", strings.TrimSuffix(block("public.users", "ada"), "\\.\n"), "directory.users: dump.sql: the file is cut short, so rows are missing; copy or export it again: unexpected EOF"},
		{"not there", "COPY public.plans (id, price) FROM stdin;\n1\t2\n\\.\n", "directory.users: dump.sql: no COPY in this dump has the columns of the table; it has public.plans. Name theirs under directory.users: map"},
	} {
		inc := &model.Incident{}
		inc.Directory.Users = model.Table{URI: "dump.sql", Map: map[string]string{"user_id": "id", "email": "e-mail"}}
		d, inputs, err := intake.Load(context.Background(), files{"dump.sql": c.dump}, inc, digest)
		got := fmt.Sprint(err)
		if err == nil {
			u, _ := d.User("u1")
			got = u.Email
			if !inputs[0].Holds() {
				t.Errorf("%s: balance %+v", c.name, inputs[0].Balance)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestFormatSaid compares what the incident file says with what a file is.
func TestFormatSaid(t *testing.T) {
	const tabbed = "user_id\temail\nu1\t\"x\" y\n"
	for _, c := range []struct{ format, data, want string }{
		{"auto", tabbed, `"x" y`},
		{"copy", tabbed, `"x" y`},
		{"csv", "user_id\temail\nu1\t\"x\"\n", "x"},
		{"csv", "{'user_id':1}\n", "directory.users: users.csv:1: the first line holds values, not names of columns: name them in their order under directory.users: columns: [user_id]"},
		{"jsonl", tabbed, "directory.users: users.csv: format says jsonl, and this is tab-separated text: leave format out, or write copy"},
		{"parquet", "user_id,email\n", "directory.users: users.csv: format says parquet, and this is CSV: leave format out, or write csv"},
		{"csv", "PAR1\x15\x04", "directory.users: users.csv: format says csv, and this is Parquet: leave format out, or write parquet"},
	} {
		inc := &model.Incident{}
		inc.Directory.Users = model.Table{URI: "users.csv", Format: c.format}
		d, _, err := intake.Load(context.Background(), files{"users.csv": c.data}, inc, digest)
		got := fmt.Sprint(err)
		if err == nil {
			u, _ := d.User("u1")
			got = u.Email
		}
		if got != c.want {
			t.Errorf("%s: %s\nwant %s", c.format, got, c.want)
		}
	}
}

// TestGivenColumns names the columns in the incident file, whatever stands in
// the first line.
func TestGivenColumns(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"no header", "u1,x,ada@example.com\nu2,x,bo@example.com\n", "2 0"},
		{"that header", "UID, _ ,mail\nu1,x,ada@example.com\nu2,x,bo@example.com\n", "2 1"},
		{"our names", "user_id,x,email\nu1,x,ada@example.com\nu2,x,bo@example.com\n", "2 1"},
		{"another order", "mail,uid\nada@example.com,u1\nbo@example.com,u2\n", "2 1"},
		{"too few", "u1,ada@example.com\n", "directory.users: users.csv:1: 2 columns, and directory.users: columns names 3; name them all, with _ for one that does not matter"},
	} {
		inc := &model.Incident{}
		inc.Directory.Users = model.Table{URI: "users.csv", Columns: []string{"uid", "_", "mail"}, Map: map[string]string{"user_id": "uid", "email": "mail"}}
		d, inputs, err := intake.Load(context.Background(), files{"users.csv": c.data}, inc, digest)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(d.Counts().Users, " ", inputs[0].Comment)
			if u, _ := d.User("u1"); u.Email != "ada@example.com" {
				t.Errorf("%s: u1 is %+v", c.name, u)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestJSON reads what stands deep in objects, and says what is missing only
// when all rows have been seen.
func TestJSON(t *testing.T) {
	inc := &model.Incident{}
	inc.Directory.Sessions = model.Table{URI: "s", Map: map[string]string{"session_hash": "key", "user_id": "value.passport.user"}, Form: model.SessionForm{StripPrefix: "sess:"}}
	inc.Directory.Users = model.Table{URI: "u", Map: map[string]string{"user_id": "user.id", "email": "User.Mail"}}
	d, inputs := load(t, files{
		"s": `{"key":"sess:aa","value":"{\"passport\":{\"user\":17}}"}` + "\n" + `{"key":"sess:bb","value":{"passport":{"user":"u2"}}}` + "\n{\"key\":\n",
		"u": "\n" + `{"user.id":"u1","user":{"mail":null}}` + "\n" + `{"user":{"ID":"u2","mail":"bo@example.com"}}` + "\n[]\n",
	}, inc)
	for s, want := range map[string]string{"aa": "17", "bb": "u2"} {
		if user, _ := d.SessionUser(id(s)); user != want {
			t.Errorf("%s is of %q, want %q", s, user, want)
		}
	}
	if u, _ := d.User("u2"); u.Email != "bo@example.com" {
		t.Errorf("u2 is %+v", u)
	}
	if want := (model.Balance{Lines: 4, Parsed: 2, Rejected: 1, Comment: 1}); inputs[1].Balance != want {
		t.Errorf("balance %+v, want %+v", inputs[1].Balance, want)
	}
	var said []string
	for _, r := range d.Rejects() {
		said = append(said, fmt.Sprintf("%d:%d:%d %s", r.Ref.Object, r.Ref.Line, r.Ref.Offset, r.Reason))
	}
	if want := []string{"0:3:110 is not a JSON object", "1:4:84 is not a JSON object"}; !slices.Equal(said, want) {
		t.Errorf("rejects %q, want %q", said, want)
	}
	inc = &model.Incident{}
	inc.Directory.Users.URI = "u"
	for data, want := range map[string]string{
		`{"id":1,"mail":"a"}` + "\n" + `{"id":2,"mail":"b"}`:   "directory.users: u: none of its 2 rows can be read; the first, line 1: user_id is empty",
		`{"user_id":1,"mail":"a"}`:                             "directory.users: u: no column email; it has mail, user_id. If one of these is it, write under directory.users: map: {email: mail}",
		`[{"user_id":1,"email":"a"},` + "\n" + `{"user_id":2`:  "directory.users: u: the file is cut short, so rows are missing; copy or export it again: unexpected EOF",
		`[{"user_id":1,"email":"a"},` + "\n" + `{"user_id":2]`: "directory.users: u:2: this is not JSON, and hides the rows after it; export the table again, one object a line",
	} {
		_, _, err := intake.Load(context.Background(), files{"u": data}, inc, digest)
		if err == nil || err.Error() != want {
			t.Errorf("err = %v\nwant  %s", err, want)
		}
	}
}

// TestParquet says what is wrong with a Parquet file, and where.
func TestParquet(t *testing.T) {
	write := parquetOf(t)
	whole := write([][]string{{"session_hash", "user_id"}, {"d0aa", "u1"}, {"", "u2"}, {"d0aa", "u2"}})
	damaged := []byte(whole)
	for i := range 60 { // within the first pages
		damaged[4+i] ^= 0x5a
	}
	for _, c := range []struct{ name, data, want string }{
		{"two users", whole, "directory.sessions: s:3: this session has another user at s:1; whose was it during the incident? Keep that row only"},
		{"other columns", write([][]string{{"sid", "user_id"}, {"d0aa", "u1"}}), "directory.sessions: s: no column session_hash; it has SID, USER_ID. If one of these is it, write under directory.sessions: map: {session_hash: THEIR_NAME}"},
		{"damaged", string(damaged), "directory.sessions: s: the file is damaged, and half a table names half of the people; export it again: "},
		{"cut short", whole[:len(whole)-9], "directory.sessions: s: the file is damaged, and half a table names half of the people; export it again: "},
	} {
		inc := &model.Incident{}
		inc.Directory.Sessions.URI = "s"
		_, _, err := intake.Load(context.Background(), files{"s": c.data}, inc, digest)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || !strings.HasSuffix(c.want, ": ") && err.Error() != c.want {
			t.Errorf("%s: err = %v\nwant %s", c.name, err, c.want)
		}
	}
	inc := &model.Incident{}
	inc.Directory.Sessions.URI = "s"
	d, inputs := load(t, files{"s": write([][]string{{"session_hash", "user_id"}, {"d0aa", "u1"}, {"d0bb", "u2"}, {"", "u3"}})}, inc)
	if r := d.Rejects(); len(r) != 1 || r[0].Ref != (model.Ref{Line: 1, Offset: 1}) || inputs[0].Parsed != 2 {
		t.Errorf("rejects %+v, balance %+v: a row is cited by group and row", r, inputs[0].Balance)
	}
}
