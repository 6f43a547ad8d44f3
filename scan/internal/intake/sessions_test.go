package intake_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/intake"
)

// compressed is how Django signs and packs session data.
func compressed(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return "." + base64.RawURLEncoding.EncodeToString(b.Bytes()) + ":1pZbCd:Zq3x_signature"
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// TestRawSessions reads the tables that frameworks keep their sessions in.
func TestRawSessions(t *testing.T) {
	const django = `{"_auth_user_id":"17","_auth_user_hash":"s3cr3t"}`
	const marshal, php = "\x04\x08{\x06", `a:1:{s:6:"_token";s:4:"s3cr";}`
	for _, c := range []struct{ name, claim, data, want string }{
		{"connect-pg-simple", "passport.user", `{"cookie":{"originalMaxAge":86400000},"passport":{"user":"u1"}}`, "u1"},
		{"nobody logged in", "passport.user", `{"cookie":{"originalMaxAge":86400000}}`, ""},
		{"a long number", "passport.user", `{"passport":{"user":12345678901234567}}`, "12345678901234567"},
		{"JSON in JSON", "passport.user", `"{\"passport\":\"{\\\"user\\\":5}\"}"`, "5"},
		{"base64", "user.id", b64(`{"user":{"id":"u1"}}`), "u1"},
		{"Django before 3.1", "_auth_user_id", b64("9f1c0e5b:" + django), "17"},
		{"Django, signed", "_auth_user_id", base64.RawURLEncoding.EncodeToString([]byte(django)) + ":1pZbCd:Zq3x_signature", "17"},
		{"Django, compressed", "_auth_user_id", compressed(django), "17"},
		{"no claim", "", "u1", "u1"},
		{"claim forgotten", "", `{"passport":{"user":"u1"}}`, "! user_id holds JSON or encoded data, not an id: name the user within it with user_claim"},
		{"claim forgotten, base64", "", b64(django), "! user_id holds JSON or encoded data, not an id: name the user within it with user_claim"},
		{"claim too short", "passport", `{"passport":{"user":"u1"}}`, "! user_claim leads to an object or a list, not to the user's id"},
		{"Rails", "user_id", b64(marshal), "! the session data is Ruby's Marshal, which only the application can read: export a column with the user"},
		{"pickle", "user_id", b64("\x80\x04\x95"), "! the session data is Python's pickle, which only the application can read: export a column with the user"},
		{"PHP", "user_id", php, "! the session data is serialised PHP, which only the application can read: export a column with the user"},
		{"PHP in base64", "user_id", b64(php), "! the session data is serialised PHP, which only the application can read: export a column with the user"},
		{"something else", "user_id", "s3cr3t stuff", "! the session data is not JSON: user_claim cannot be followed"},
		{"cut short", "user_id", `{"user_id":`, "! the session data is not JSON: user_claim cannot be followed"},
		{"control character", "u", `{"u":"\u0001"}`, "! user_id contains a control character"},
	} {
		inc := &model.Incident{}
		inc.Directory.Sessions = model.Table{URI: "s", UserClaim: c.claim, Columns: []string{"sid", "sess", "expire"},
			Map: map[string]string{"session_hash": "sid", "user_id": "sess", "ended_at": "expire"}}
		other := map[string]string{"": "u9", "passport.user": `{"passport":{"user":"u9"}}`, "user.id": `{"user":{"id":"u9"}}`,
			"_auth_user_id": `{"_auth_user_id":"u9"}`, "user_id": `{"user_id":"u9"}`, "passport": `{"passport":"u9"}`, "u": `{"u":"u9"}`}[c.claim]
		write := delimited("\t", "\n", backslash)
		d, _ := load(t, files{"s": write([][]string{nil, {"x", other, ""}, {"y", c.data, "2023-03-08 10:00:00+00"}})[1:]}, inc)
		got, known := d.SessionUser(id("y"))
		if r := d.Rejects(); len(r) > 0 {
			got = "! " + r[0].Reason
		} else if !known {
			got = "unknown"
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if all := fmt.Sprint(d.Rejects(), d.Warnings(), d.Shapes()); strings.Contains(all, "s3cr") {
			t.Errorf("%s: session data are in what was returned: %s", c.name, all)
		}
	}
}

// TestClaimOfNobody stops at a claim that no session has.
func TestClaimOfNobody(t *testing.T) {
	inc := &model.Incident{}
	inc.Directory.Sessions = model.Table{URI: "s", UserClaim: "user"}
	_, _, err := intake.Load(context.Background(), files{"s": "session_hash,user_id\na,{}\nb,{}\n"}, inc, digest)
	const want = "directory.sessions: user_claim: user is in none of the 2 sessions of s; look into one of them for the path to the user, e.g. passport.user or _auth_user_id"
	if err == nil || err.Error() != want {
		t.Errorf("err = %v\nwant  %s", err, want)
	}
}

// TestSessionForm brings the values of a store to what a log holds, and names
// sessions without printing what is live.
func TestSessionForm(t *testing.T) {
	const token, digested = "sess:tok3n", "1c3f5f4d03a4d78ea9caf20b5c5c4bd1a1a0d0a2" // only the shape of a digest
	for _, c := range []struct {
		name, values, cell string
		form               model.SessionForm
		meets, ref, shape  string
	}{
		{"stripped", "", token, model.SessionForm{StripPrefix: "sess:"}, "tok3n", "s:2", "5 base64url"},
		{"hashed", "", token, model.SessionForm{StripPrefix: "sess:", Hash: "sha1-hex"}, "8d3a1b1d6a8b6ca7d1ac9ea6b7a3c3b9bb2b0b0d", "s:2", "40 hex"},
		{"a digest with a prefix", "digest", "h:" + digested, model.SessionForm{StripPrefix: "h:"}, digested, "h:" + digested, "40 hex"},
	} {
		inc := &model.Incident{}
		inc.Directory.Sessions = model.Table{URI: "s", Values: c.values, Form: c.form}
		inc.Sources = []model.Source{{SessionForm: model.SessionForm{Hash: "sha1-hex"}}}
		if c.form.Hash == "" && c.values == "" {
			inc.Sources = nil
		}
		var met string
		see := func(raw []byte) (model.ID, error) { met = string(raw); return digest(raw) }
		d, _, err := intake.Load(context.Background(), files{"s": "session_hash,user_id\n" + c.cell + ",u1\n"}, inc, see)
		if err != nil {
			t.Fatal(err)
		}
		if c.form.Hash != "" {
			c.meets = met // whatever the hash is
		}
		if met != c.meets || len(met) == 0 || d.Shapes()[c.shape] != 1 {
			t.Errorf("%s: digested is %q of shape %v, want %q of %s", c.name, met, d.Shapes(), c.meets, c.shape)
		}
		refs, err := d.SessionRefs(context.Background(), []model.ID{id(met)})
		if err != nil || refs[id(met)] != c.ref {
			t.Errorf("%s: ref %v %v, want %s", c.name, refs, err, c.ref)
		}
	}
	inc := &model.Incident{}
	inc.Directory.Sessions = model.Table{URI: "s", Form: model.SessionForm{Decode: []string{"hex"}}}
	d, _ := load(t, files{"s": "session_hash,user_id\n61,u1\ntok3n,u2\n"}, inc)
	if r := d.Rejects(); len(r) != 1 || r[0].Reason != "session_form does not fit session_hash" {
		t.Errorf("rejects %v", r)
	}
	if user, _ := d.SessionUser(id("a")); user != "u1" {
		t.Errorf("a is of %q", user)
	}
}

// TestSessionTwice merges what two exports say of one session.
func TestSessionTwice(t *testing.T) {
	inc := &model.Incident{}
	inc.Directory.Sessions.URI = "s"
	d, inputs := load(t, files{"s": "session_hash,user_id,ended_at\na,,2023-03-07T18:00:00Z\na,u1,\nb,u2,2023-03-07T18:00:00Z\nb,u2,2023-03-07T19:00:00Z\nb,,\n"}, inc)
	for s, want := range map[string]string{"a": "u1 2023-03-07T18:00:00.000Z", "b": "u2 2023-03-07T19:00:00.000Z"} {
		user, _ := d.SessionUser(id(s))
		if got := user + " " + d.SessionEnd(id(s)).String(); got != want {
			t.Errorf("%s: %s, want %s", s, got, want)
		}
	}
	if want := (model.Balance{Lines: 6, Parsed: 2, Comment: 1, Duplicate: 3}); inputs[0].Balance != want {
		t.Errorf("balance %+v, want %+v", inputs[0].Balance, want)
	}
}
