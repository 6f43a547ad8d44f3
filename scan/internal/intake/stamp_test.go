package intake_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/intake"
)

// TestStamps reads times as databases write them, through the end of a session.
func TestStamps(t *testing.T) {
	const la = "America/Los_Angeles"
	for _, c := range []struct{ zone, text, want string }{
		{"", "2023-03-07T10:15:00Z", "2023-03-07T10:15:00.000Z"},
		{"", "2023-03-07t10:15:00z", "2023-03-07T10:15:00.000Z"},
		{"", "2023-03-07T10:15:00.5-08:00", "2023-03-07T18:15:00.500Z"},
		{"", "2023-03-07 10:15:00+00", "2023-03-07T10:15:00.000Z"},
		{"", "2023-03-07 10:15:00.123456+00", "2023-03-07T10:15:00.123Z"},
		{"", "2023-03-07 10:15:00-0800", "2023-03-07T18:15:00.000Z"},
		{"", "2023-03-07 10:15:00.000 -0800", "2023-03-07T18:15:00.000Z"},
		{"", "2023-03-07 10:15:00+05:30", "2023-03-07T04:45:00.000Z"},
		{"", "2023-03-07 10:15:00 UTC", "2023-03-07T10:15:00.000Z"},
		{"", "2023-03-07 10:15 GMT", "2023-03-07T10:15:00.000Z"},
		{"", "2023-03-07 +00", "2023-03-08T00:00:00.000Z"},
		{la, "2023-03-07 10:15:00", "2023-03-07T18:15:00.000Z"},
		{la, "2023-03-07T10:15:00.25", "2023-03-07T18:15:00.250Z"},
		{la, "2023-03-07 10:15:00+00", "2023-03-07T10:15:00.000Z"},
		{la, "2023-03-07", "2023-03-08T08:00:00.000Z"}, // an end: to the end of the day
		{"", "1678213260", "2023-03-07T18:21:00.000Z"},
		{"", "1678213260.25", "2023-03-07T18:21:00.250Z"},
		{"", "1678213260123", "2023-03-07T18:21:00.123Z"},
		{"", "1678213260123456", "2023-03-07T18:21:00.123Z"},
		{"", "1678213260123456789", "2023-03-07T18:21:00.123Z"},
		{"", "infinity", "none"},
		{"", "9999-12-31 23:59:59+00", "none"},
		{"", "0000-00-00 00:00:00", "none"},
		{"", "", "none"},
		{"", "2023-03-07 10:15:00", "ended_at has no offset: set time_zone of the table"},
		{"", "2023-03-07", "ended_at has no offset: set time_zone of the table"},
		{"", "-infinity", "ended_at is not a time with an offset, like 2023-03-07T18:21:00Z"},
		{"", "0001-01-01 00:00:00+00", "ended_at is in the year 1"},
		{"", "07/03/2023 10:15", "ended_at is not a time with an offset, like 2023-03-07T18:21:00Z"},
		{"", "2023-03-07 25:15:00+00", "ended_at is not a time with an offset, like 2023-03-07T18:21:00Z"},
		{"", "20230307", "ended_at is a number, but no count of seconds, ms, us or ns since 1970"},
	} {
		inc := &model.Incident{}
		inc.Directory.Sessions = model.Table{URI: "s", TimeZone: c.zone}
		d, _ := load(t, files{"s": "session_hash,user_id,ended_at\nx,u1,\ns," + "u1," + c.text + "\n"}, inc)
		got := "none"
		if r := d.Rejects(); len(r) > 0 {
			got = r[0].Reason
		} else if e := d.SessionEnd(id("s")); e != 0 {
			got = e.String()
		}
		if got != c.want {
			t.Errorf("%q in %q: %s, want %s", c.text, c.zone, got, c.want)
		}
	}
}

// TestNoOffset says what to write when no time of a table can be read.
func TestNoOffset(t *testing.T) {
	inc := &model.Incident{}
	inc.Directory.Memberships.URI = "m"
	const data = "user_id,workspace_id,valid_from\nu1,w1,2023-03-07 10:15:00\nu2,w1,2023-03-07 10:15:00\n"
	_, _, err := intake.Load(context.Background(), files{"m": data}, inc, digest)
	const want = "directory.memberships: m: none of its 2 rows can be read; the first, line 2: valid_from has no offset: set time_zone of the table; write under directory.memberships: time_zone: UTC, or the zone in which the database printed its times"
	if err == nil || err.Error() != want {
		t.Errorf("err = %v\nwant  %s", err, want)
	}
	inc.Directory.Memberships.TimeZone = "Mars/Olympus"
	_, _, err = intake.Load(context.Background(), files{"m": data}, inc, digest)
	if want := `directory.memberships: time_zone: "Mars/Olympus" is not in this machine's time zone database`; err == nil || err.Error() != want {
		t.Errorf("err = %v\nwant  %s", err, want)
	}
}

// TestValidity reads the ends of a membership, and lists the workspaces just
// before, in and after the window.
func TestValidity(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"", "", "w w w"},
		{"-infinity", "infinity", "w w w"},
		{"0001-01-01 00:00:00Z", "9999-12-31 00:00:00Z", "w w w"},
		{"2023-03-07 18:30:00+00", "", "- w w"},
		{"", "2023-03-07 18:30:00+00", "w - -"},
		{`["2023-03-07 18:30:00+00",)`, "", "- w w"},
		{`["2023-03-07 18:30:00+00","2023-03-07 19:30:00+00")`, "", "- w -"},
		{`["2023-03-07 18:30:00+00",infinity)`, `["2023-03-07 18:30:00+00",infinity)`, "- w w"},
		{`(,"2023-03-07 18:30:00+00"]`, "", "w - -"},
		{`["2023-03-07 18:30:00+00",)`, "2023-03-07 19:30:00+00", "- w -"},
		{"(x)", "", "valid_from is neither a time nor a range of times"},
		{`["2023-03-07 18:30:00+00","2023-03-07 17:30:00+00")`, "", "valid_to is before valid_from"},
	} {
		inc := &model.Incident{}
		inc.Directory.Memberships.URI = "m"
		quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
		d, _ := load(t, files{"m": "user_id,workspace_id,valid_from,valid_to\nu2,w,,\nu1,w," + quote(c.from) + "," + quote(c.to) + "\n"}, inc)
		var in []string
		for _, s := range []string{"2023-03-07T18:00:00Z", "2023-03-07T18:30:00Z", "2023-03-07T19:30:00Z"} {
			in = append(in, strings.Join(append(d.WorkspacesOf("u1", at(s)), "-"), "")[:1])
		}
		got := strings.Join(in, " ")
		if r := d.Rejects(); len(r) > 0 {
			got = r[0].Reason
		}
		if got != c.want {
			t.Errorf("%s to %s: %s, want %s", c.from, c.to, got, c.want)
		}
	}
}

// TestMisdated warns of memberships that are all of another day, and says
// nothing where people come and go.
func TestMisdated(t *testing.T) {
	window := model.Window{Span: model.Span{From: at("2023-03-07T18:21:00Z"), To: at("2023-03-07T19:30:00Z")}, Lookback: time.Hour}
	const joined, left, now = "u1,w1,2023-03-09T00:00:00Z,\n", "u1,w2,,2023-03-01T00:00:00Z\n", "u1,w3,2023-01-01T00:00:00Z,\n"
	for _, c := range []struct{ name, rows, want string }{
		{"one came, one went, two stayed", joined + left + now + "u2,w3,,\n", ""},
		{"the day of a migration", joined + "u2,w1,2023-03-09T00:00:00Z,\n" + left + now, "directory.memberships: of 4 memberships 2 began after the case and 1 had ended before it; they make nobody a member. Are valid_from and valid_to those of the membership, or of the row or the export?"},
	} {
		inc := &model.Incident{Window: window}
		inc.Directory.Memberships.URI = "m"
		d, _ := load(t, files{"m": "user_id,workspace_id,valid_from,valid_to\n" + c.rows}, inc)
		if got := strings.Join(d.Warnings(), "\n"); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestTiming warns of a store that was flushed and of memberships of another day.
func TestTiming(t *testing.T) {
	window := model.Window{Span: model.Span{From: at("2023-03-07T18:21:00Z"), To: at("2023-03-07T19:30:00Z")}}
	const before, after = "2023-03-01T00:00:00Z", "2023-03-08T00:00:00Z"
	for _, c := range []struct {
		name    string
		created []string
		asOf    string
		dated   bool
		want    string
	}{
		{"as it should be", []string{before, before, after}, "2023-03-07T18:00:00Z", false, ""},
		{"no dates at all", []string{"", "nonsense"}, "", false, ""},
		{"flushed", []string{after, after}, "", false, "s: 2 of 2 sessions were created after the window (the oldest at 2023-03-08T00:00:00.000Z): no row is as old as the incident, so the store was flushed, or old rows expired, before the export. Give directory.sessions.uri an older export or backup, or let the origin log name users (map.user)"},
		{"mostly flushed", []string{before, after, after}, "", false, "s: 2 of 3 sessions were created after the window (the oldest at 2023-03-01T00:00:00.000Z): most rows are younger than the incident, so the store was flushed, or old rows expired, before the export. Give directory.sessions.uri an older export or backup, or let the origin log name users (map.user)"},
		{"exported late", nil, "2023-03-09T19:30:00Z", false, "directory.as_of: the 1 memberships have no dates and are those of 2023-03-09T19:30:00.000Z, 48h0m0s after the window: who left until then is missing, who joined counts as a member; map valid_from and valid_to, or export a backup from before the incident"},
		{"exported early", nil, "2023-03-01T18:21:00Z", false, "directory.as_of: the 1 memberships have no dates and are those of 2023-03-01T18:21:00.000Z, 144h0m0s before the window: who joined since is missing; export a later state"},
		{"exported the day after", nil, "2023-03-08T19:30:00Z", false, ""},
		{"exported late with dates", nil, "2023-03-09T19:30:00Z", true, ""},
	} {
		inc := &model.Incident{Window: window}
		inc.Directory.Sessions.URI, inc.Directory.Memberships.URI = "s", "m"
		if c.asOf != "" {
			inc.Directory.AsOf = at(c.asOf)
		}
		rows := "session_hash,user_id,created_at\n"
		for i, s := range append(c.created, "") {
			rows += fmt.Sprintf("s%d,u1,%s\n", i, s)
		}
		members := "user_id,workspace_id,valid_from\nu1,w2,\n"
		if c.dated { // then the blank one has no bound
			members += "u1,w1,2023-01-01T00:00:00Z\n"
		}
		d, _ := load(t, files{"s": rows, "m": members}, inc)
		if got := strings.Join(d.Warnings(), "\n"); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}
