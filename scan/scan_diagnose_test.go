package scan_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/fixtures/sim"
)

// said is what a scan warns of, and how its result is stamped.
func said(f *findings) string {
	m := &f.manifest
	var b strings.Builder
	for _, p := range m.Partial {
		b.WriteString("PARTIAL: " + p + "\n")
	}
	for _, w := range m.Warnings {
		b.WriteString(w + "\n")
	}
	return b.String()
}

// verdict is how a result may be read.
type verdict int

const (
	complete    verdict = iota // exit 0, with a warning
	notACeiling                // exit 0, and the headline says that it is no ceiling
	notComplete                // exit 3
)

func verdictOf(f *findings) verdict {
	switch {
	case !f.manifest.Complete:
		return notComplete
	case f.manifest.Headline.NotACeiling:
		return notACeiling
	}
	return complete
}

// A mistake is planted in a simulated incident, in its logs or in what its
// owner states.
type mistake struct {
	name  string
	world func(*sim.Config)
	spoil func(t *testing.T, dir string)
	edit  []string // of the incident file, in pairs
	want  verdict
	words []string // that must be said
	never []string // that must not
}

// hours is an incident of minutes made one of two hours, with a twentieth of
// the demo's rows.
func hours(c *sim.Config) {
	seed := c.Seed
	*c = sim.Demo(seed)
	c.Rows, c.Users, c.Workspaces = 20_000, 1500, 450
}

// values are session values as the simulator logs them.
var values = regexp.MustCompile(`[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f]{4}-`)

func TestMistakes(t *testing.T) {
	computes(t)
	for _, m := range append(append(windowMistakes, routeMistakes...), append(rowMistakes, claimMistakes...)...) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			cfg := sim.Bench(8000, 5)
			if m.world != nil {
				m.world(&cfg)
			}
			dir, _ := simulate(t, cfg)
			if m.spoil != nil {
				m.spoil(t, dir)
			}
			f := run(t, inputOf(t, dir, m.edit...))
			text := said(f)
			for _, w := range m.words {
				if !regexp.MustCompile(w).MatchString(text) {
					t.Errorf("nothing like %q in:\n%s", w, text)
				}
			}
			for _, w := range m.never {
				if strings.Contains(text, w) {
					t.Errorf("%q in:\n%s", w, text)
				}
			}
			if values.MatchString(text) {
				t.Errorf("a session value in:\n%s", text)
			}
			if got := verdictOf(f); got != m.want {
				t.Errorf("verdict %d, want %d; said:\n%s", got, m.want, text)
			}
			balanced(t, f)
		})
	}
}

var windowMistakes = []mistake{
	{
		name: "window in the local time of UTC-8", world: func(c *sim.Config) { c.WindowShift = -8 * time.Hour }, want: notComplete,
		words: []string{`0 edge rows lie in your window.*sessions first reach these routes at 2023-03-07T18:21:0.*, 8 h later: is the window in UTC\?`,
			`local time of UTC-08:00, it is \{from: 2023-03-07T18:21:00Z, to: 2023-03-07T18:23:04Z\}`},
	},
	{
		name: "window in the local time of UTC+5:30", world: func(c *sim.Config) { c.WindowShift = 5*time.Hour + 30*time.Minute }, want: notComplete,
		edit:  []string{"follow_until: 2023-03-07T18:24:12Z", "follow_until: 2023-03-08T02:00:00Z"},
		words: []string{`5 h 30 min earlier: is the window in UTC\?`, `local time of UTC\+05:30, it is \{from: 2023-03-07T18:21:00Z`},
	},
	{
		name: "window an hour early", world: func(c *sim.Config) {
			hours(c)
			c.Start, c.Rows, c.WindowShift = c.Change.Add(-70*time.Minute), 45_000, -time.Hour
		}, want: notACeiling,
		words: []string{`NOT A CEILING: the leak ended after your window: .* still filled with sessions at .*; \d+ deliveries in the 10 min after window.to are in no count`,
			`local time of UTC-01:00, it is \{from: 2023-03-07T18:21:00Z, to: 2023-03-07T19:30:00Z\}`},
	},
	{
		name: "window begins late", world: func(c *sim.Config) {
			hours(c)
			c.WindowShift, c.WindowTo = 7*time.Minute, c.WindowTo.Add(-7*time.Minute)
		}, want: notACeiling,
		words: []string{`NOT A CEILING: the leak began before your window: \S+ filled with sessions by 2023-03-07T18:2\S+, window.from is 2023-03-07T18:28:00.000Z; \d+ deliveries in the 10 min before window.from are in no count \(outside.csv\); set window.from to 2023-03-07T18:2`},
		never: []string{"local time"},
	},
	{
		name: "window ends early", world: func(c *sim.Config) { hours(c); c.WindowTo = c.Revert.Add(-20 * time.Minute) }, want: notACeiling,
		words: []string{`NOT A CEILING: the leak ended after your window: \S+ still filled with sessions at 2023-03-07T1\S+ and had not ended in the last row there that was read, window.to is 2023-03-07T18:50:00.000Z; \d+ deliveries in the 10 min after window.to are in no count`},
		never: []string{"local time"},
	},
	{
		name: "logs end in the middle", world: func(c *sim.Config) {
			hours(c)
			c.End = c.Change.Add(30 * time.Minute)
			c.Revert, c.WindowTo = c.End, c.End
		},
		want: notACeiling, words: []string{`NOT A CEILING: the logs end at 2023-03-07T18:5\S+ with the leak still on`},
	},
	{
		name: "recipients not followed", edit: []string{"follow_until: 2023-03-07T18:24:12Z", "follow_until: 2023-03-07T18:23:04Z"},
		want: notACeiling, words: []string{`recipients still used sessions at 2023-03-07T18:2\S+, \S+ before window.follow_until, and the origin log goes on until 2023-03-07T18:24:1`},
	},
	{
		name: "origin log in the local time of UTC-8", world: func(c *sim.Config) { c.OriginZone = -8 * time.Hour }, want: notComplete,
		words: []string{`Times of the origin source \(line 19\) are 8 h 00 min behind the edge's, as local time of UTC-08:00 is: set time_zone: Etc/GMT\+8 there`},
		never: []string{"is the window in UTC"},
	},
	{
		name: "origin log in the local time of India", world: func(c *sim.Config) { c.OriginZone = 5*time.Hour + 30*time.Minute }, want: notComplete,
		words: []string{`are 5 h 30 min ahead of the edge's, as local time of UTC\+05:30 is: set time_zone: Asia/Kolkata`},
		never: []string{"is the window in UTC"},
	},
	{
		name: "one of two origin sources in local time", spoil: func(t *testing.T, dir string) { halve(t, dir, -8*time.Hour) }, want: notComplete,
		edit:  []string{"  - kind: origin\n", "  - {kind: origin, uri: other/*.gz, format: jsonl, map: {time: ts, request_id: cf_id, method: method, path: path, status: status, session: sid_hash, user: user_id, set_cookie: set_cookie, set_session: set_sid_hash}}\n  - kind: origin\n"},
		words: []string{`NOT A CEILING: a part of the origin log has another clock: .* about 8h0m0s behind .* Most rows of the origin source of line 19 are dated outside what is read`},
		never: []string{"line 20", "is the window in UTC"},
	},
	{
		name: "instances whose clocks are wrong", world: func(c *sim.Config) { c.Instances, c.OriginJitter = true, 30*time.Second }, want: complete,
		words: []string{`times of instance "app-\d" of the origin source of line \d+ are \d+ s (behind|ahead of) the edge's on [\d,]+ joined requests; they were set right by that`},
		never: []string{"time_zone", "is the window in UTC"},
	},
	{
		name: "origin clock 17 minutes fast", world: func(c *sim.Config) { c.OriginSkew = 17 * time.Minute }, want: notComplete,
		words: []string{`17m0s ahead of`}, never: []string{"time_zone", "local time"},
	},
}

const bothRoutes = "routes: [{path: /static/js/*}, {path: /static/css/*}]"

var routeMistakes = []mistake{
	{
		name: "a route is missing", edit: []string{bothRoutes, "routes: [{path: /static/js/*}]"}, want: notACeiling,
		words: []string{`NOT A CEILING: 1 route outside .routes. came from a cache and met sessions: /static/\S+ \([\d,]+ hits, [\d,]+ responses with a session\)`, `add them to routes`},
		never: []string{"/api/", "/library"},
	},
	{
		name: "a route takes in everything", edit: []string{bothRoutes, "routes: [{path: /**}]"}, want: complete,
		words: []string{`route /\*\* \(line \d+\) takes in more than what leaked: .*rows are of routes that no cache answered, as .*Sessions leaked on /static/\S+, /static/\S+: list these instead`},
	},
	{
		name: "a route is misspelled", edit: []string{"/static/css/*", "/static/csss/*"}, want: notACeiling,
		words: []string{`route /static/csss/\* \(line 5\) matched 0 of [\d,]+ edge rows of the window: is it spelled as the log has it\?`, `1 route outside`},
	},
	{
		name: "a route that nothing caches", edit: []string{bothRoutes, "routes: [{path: /static/js/*}, {path: /static/css/*}, {path: /api/videos/*}]"}, want: complete,
		words: []string{`route /api/videos/\* \(line 5\) matched [\d,]+ rows and not one hit`},
	},
}

var rowMistakes = []mistake{
	{
		name: "a location is missing for an hour", world: func(c *sim.Config) {
			hours(c)
			c.DropHour = sim.Gap{Location: "SFO5-P2", From: c.Change.Add(10 * time.Minute), Length: 30 * time.Minute}
		}, want: notACeiling,
		words: []string{`NOT A CEILING: at least [\d,]+ requests unseen at SFO5-P2 between 2023-03-07 18:3.Z and 2023-03-07 19:0.Z`},
		never: []string{"SEA19-C1", "PARTIAL"},
	},
	{
		name: "a location is missing, and there is no origin log", world: func(c *sim.Config) {
			hours(c)
			c.NoOrigin, c.LogCookie = true, true
			c.DropHour = sim.Gap{Location: "SFO5-P2", From: c.Change.Add(10 * time.Minute), Length: 30 * time.Minute}
		}, want: notACeiling,
		words: []string{`SFO5-P2 has no edge row from 2023-03-07 18:3.Z to 2023-03-07 19:0.Z, where its share of the others' requests is about [\d,]+: are its objects missing\?`},
	},
	{
		name: "the objects of an hour are missing", world: hours, spoil: func(t *testing.T, dir string) {
			for _, name := range glob(t, filepath.Join(dir, "edge", "*2023-03-07-19*")) {
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}, want: notComplete,
		words: []string{`no edge row from 2023-03-07T19:0\S+ to 2023-03-07T\S+: what happened then is not in this case; at least [\d,]+ requests unseen`, `NOT A CEILING: no edge object is named for the hour 2023-03-07-19, though 2023-03-07-18 and 2023-03-07-20 are there: what it logged is missing; fetch E2EXAMPLE0DEMO.2023-03-07-19\*`},
	},
	{
		name: "objects of another log among them", spoil: func(t *testing.T, dir string) {
			rows := readFile(t, glob(t, filepath.Join(dir, "origin", "*.gz"))[0])
			for i := range 5 {
				writeFile(t, filepath.Join(dir, "edge", fmt.Sprintf("app-%d.gz", i)), rows[:strings.Index(rows, "\n")+1])
			}
		}, edit: []string{"total_workspaces", "thresholds: {rejects: 0.01%}\ntotal_workspaces"}, want: notComplete,
		words: []string{`5 objects, edge/app-0.gz among them: looks like jsonl, but is read as cloudfront`}, never: []string{"app-4.gz"},
	},
	{
		name: "logs taken too soon", spoil: func(t *testing.T, dir string) {
			written(t, dir, time.Date(2023, 3, 7, 20, 0, 0, 0, time.UTC))
		}, want: notACeiling,
		words: []string{`the newest edge object was last written at 2023-03-07 20:00Z, 1 h 37 min after window.to: CloudFront delivers rows up to 24 h late.* fetched after 2023-03-08 18:23Z`},
	},
	{
		name: "logs taken soon after the follow-up", edit: []string{"follow_until: 2023-03-07T18:24:12Z", "follow_until: 2023-03-10T18:00:00Z"},
		spoil: func(t *testing.T, dir string) {
			written(t, dir, time.Date(2023, 3, 10, 18, 0, 0, 0, time.UTC))
		}, want: complete,
		words: []string{`rows of what recipients did may still arrive`},
	},
	{
		name: "logs taken a day later", spoil: func(t *testing.T, dir string) {
			written(t, dir, time.Date(2023, 3, 8, 20, 0, 0, 0, time.UTC))
		}, want: complete, never: []string{"still arrive"},
	},
	{
		name: "an object under two names", spoil: func(t *testing.T, dir string) {
			name := glob(t, filepath.Join(dir, "edge", "*-07-18.*.gz"))[0]
			writeFile(t, filepath.Join(dir, "edge", "copy-of-it.gz"), readFile(t, name))
			writeFile(t, name, readFile(t, name)) // packed alike
		}, want: complete,
		words: []string{`1 object is there under another name \(edge/copy-of-it.gz is edge/\S+|1 object is there under another name \(edge/\S+ is edge/copy-of-it.gz`},
	},
	{
		name: "a deploy changes the logged form", world: hours, spoil: func(t *testing.T, dir string) {
			relog(t, dir, "2023-03-07T18:50", func(hash string) string {
				return hash[:8] + "-" + hash[8:12] + "-" + hash[12:16] + "-" + hash[16:20] + "-" + hash[20:32]
			})
		}, want: complete,
		words: []string{`from 2023-03-07 18:50Z on log sessions look like uuid, the directory's like 64 hex: 0 of [\d,]+ found in directory/sessions.csv; before: (9\d|100) %; their holders are named by the user in the origin log.* set session_form of the origin source \(line 20\)`},
	},
	{
		name: "a deploy changes the cookie, and no user is logged", world: func(c *sim.Config) { hours(c); c.LogUser = false }, spoil: func(t *testing.T, dir string) {
			relog(t, dir, "2023-03-07T18:50", func(hash string) string { return hash[32:] + hash[:32] })
		}, want: notComplete,
		words: []string{`PARTIAL: from 2023-03-07 18:50Z on log sessions look like the directory's \(64 hex\), yet are others: 0 of [\d,]+ found.*their holders cannot be named`},
	},
}

var claimMistakes = []mistake{
	{
		name: "users the table lacks", world: func(c *sim.Config) { c.UnknownUsers = 0.2 }, want: complete,
		words: []string{`\d+ users that directory/users.csv \(line \d+\) lacks are on \d+ % of the log rows with a user`},
	},
	{
		name: "user ids of another kind", spoil: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "directory", "users.csv"), func(s string) string { return strings.ReplaceAll(s, "\nuser_", "\nid-") })
			edit(t, filepath.Join(dir, "directory", "users.csv"), func(s string) string { return strings.ReplaceAll(s, "\nu_", "\nid-") })
		}, want: notComplete,
		words: []string{`0 of \d+ log users found in directory/users.csv \(line \d+\): does map.user of the origin source`},
	},
	{
		name: "memberships that lack what people had", spoil: func(t *testing.T, dir string) {
			for _, name := range glob(t, filepath.Join(dir, "origin", "*.gz")) {
				writeFile(t, name, strings.ReplaceAll(readFile(t, name), `"}`+"\n", `","ws":"ws-since-left"}`+"\n"))
			}
		}, edit: []string{"path: path,", "path: path, workspace: ws,"}, want: notACeiling,
		words: []string{`NOT A CEILING: \d+ users? acted in a workspace that directory/memberships.csv \(line \d+\) does not give them`},
	},
	{
		name: "memberships of today", spoil: func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "directory", "memberships.csv"), func(s string) string {
				return regexp.MustCompile(`(?m)^([^,\n]*,[^,\n]*),.*$`).ReplaceAllString(s, "$1")
			})
		}, edit: []string{"  as_of: 2023-03-07T", "  as_of: 2023-04-07T"}, want: complete,
		words: []string{`directory.as_of: the \d+ memberships have no dates and are those of 2023-04-07`},
	},
	{
		name: "a sample alone", edit: []string{"format: auto}", "format: auto, sampled: 10%}"}, want: notComplete,
		words: []string{`the edge's only log is a sample of 10 % \(line \d+\): it cannot show absence. It has [\d,]+ hits on the suspect routes; expect about 10× as many`},
	},
	{
		name: "analytics alone", world: func(c *sim.Config) { c.Analytics, c.NoOrigin = true, true }, want: notComplete,
		words: []string{`of \d+ of \d+ fills in your window it is known whose session they presented, by sightings alone \(threshold 50 %\)`},
	},
	{
		name: "real-time logs alone", world: func(c *sim.Config) { c.EdgeForms = []sim.EdgeForm{sim.Realtime} }, want: notComplete,
		words: []string{`the edge's only log is a real-time log \(line \d+\) without .sampled.: .* cannot show absence`},
	},
	{
		name: "real-time logs beside whole ones", world: func(c *sim.Config) { c.EdgeForms = []sim.EdgeForm{sim.Legacy, sim.Realtime} }, want: complete,
		words: []string{`is a real-time log, whose sampling rate is a setting`}, never: []string{"the edge's only log"},
	},
	{
		name: "a sample beside a whole log", edit: []string{"  - {kind: edge, uri: edge/*.gz, format: auto}\n",
			"  - {kind: edge, uri: edge/*.gz, format: auto}\n  - {kind: edge, uri: edge/*-18.*.gz, format: auto, sampled: 10%}\n"},
		want: complete, never: []string{"cannot show absence"},
	},
	{
		name: "signed cookies revoked", world: func(c *sim.Config) { c.Timeline = true }, want: complete,
		edit:  []string{"revocable: server", "revocable: signed", "timeline: [", "timeline: [{at: 2023-03-07T18:23:00Z, what: all sessions revoked}, "},
		words: []string{`the timeline says "all sessions revoked" at 2023-03-07T18:23:00.000Z, but cookie.revocable is signed`, `to revoke the \d+ sessions of revoke.csv does nothing until they expire`},
	},
	{
		name: "a revocation that did not reach all", world: func(c *sim.Config) { c.Timeline = true }, want: complete,
		edit:  []string{"timeline: [", "timeline: [{at: 2023-03-07T18:22:00Z, what: sessions flushed}, "},
		words: []string{`the timeline says "sessions flushed" at 2023-03-07T18:22:00.000Z, yet recipients made \d+ requests with a holder's session after it that the origin answered`},
		never: []string{"signed"},
	},
	{
		name: "control hours that are not clean", world: func(c *sim.Config) { hours(c); c.Control = 40 * time.Minute }, want: notComplete,
		edit: []string{"from: 2023-03-07T18:21:00Z, to: 2023-03-07T19:30:00Z", "from: 2023-02-28T18:21:00Z, to: 2023-02-28T19:00:00Z",
			"follow_until: 2023-03-07T20:30:00Z", "follow_until: 2023-02-28T19:00:00Z",
			"control: [{from: 2023-02-28T18:22:00Z, to: 2023-02-28T19:00:00Z}]", "control: [{from: 2023-03-07T18:30:00Z, to: 2023-03-07T19:00:00Z}]"},
		words: []string{`control\[0\] \(2023-03-07T18:30:00.000Z to 2023-03-07T19:00:00.000Z\) is not clean: [\d,]+ hits there`, `sessions first reach these routes at 2023-03-07T18:2`},
	},
	{
		name: "control hours without logs", edit: []string{"routes:", "control: [{from: 2023-02-01T00:00:00Z, to: 2023-02-01T01:00:00Z}]\nroutes:"}, want: complete,
		words: []string{`control\[0\] \(.*\) covers no edge row: it shows nothing`},
	},
	{
		name: "a field that no row has", edit: []string{"session: sid_hash", "session: sid_hahs", "set_session: set_sid_hash", "set_session: set_sid_hahs"}, want: notComplete,
		words: []string{`map.session names "sid_hahs" \(source of line \d+\), and 0 of [\d,]+ origin rows have it`},
	},
	{
		name: "another cookie", world: func(c *sim.Config) { c.LogCookie = true }, edit: []string{"names: [sid]", "names: [session_id]"}, want: complete,
		words: []string{`[\d,]+ edge rows have cookies logged, and none of them is called session_id: is cookie.names right\?`},
	},
}

// halve moves every other origin row to a folder of its own, by another clock.
func halve(t *testing.T, dir string, ahead time.Duration) {
	t.Helper()
	for _, name := range glob(t, filepath.Join(dir, "origin", "*.gz")) {
		var kept, moved strings.Builder
		n := 0
		for line := range strings.Lines(readFile(t, name)) {
			if n++; n%2 == 0 {
				kept.WriteString(line)
				continue
			}
			stamp, rest, _ := strings.Cut(strings.TrimPrefix(line, `{"ts":"`), `"`)
			at, err := time.Parse(time.RFC3339, stamp)
			if err != nil {
				t.Fatal(err)
			}
			moved.WriteString(`{"ts":"` + at.Add(ahead).Format("2006-01-02T15:04:05.000Z") + `"` + rest)
		}
		writeFile(t, name, kept.String())
		writeFile(t, filepath.Join(dir, "other", filepath.Base(name)), moved.String())
	}
}

// written sets when the edge's objects were last written.
func written(t *testing.T, dir string, at time.Time) {
	t.Helper()
	for _, name := range glob(t, filepath.Join(dir, "edge", "*.gz")) {
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

var loggedHash = regexp.MustCompile(`"(set_)?sid_hash":"[0-9a-f]{64}"`)

// relog changes the session values of origin rows from a stamp on.
func relog(t *testing.T, dir, from string, change func(string) string) {
	t.Helper()
	for _, name := range glob(t, filepath.Join(dir, "origin", "*.gz")) {
		var b strings.Builder
		for line := range strings.Lines(readFile(t, name)) {
			if stamp := strings.TrimPrefix(line, `{"ts":"`); stamp >= from {
				line = loggedHash.ReplaceAllStringFunc(line, func(s string) string {
					key, value, _ := strings.Cut(s, `:"`)
					return key + `:"` + change(strings.TrimSuffix(value, `"`)) + `"`
				})
			}
			b.WriteString(line)
		}
		writeFile(t, name, b.String())
	}
}

// TestNoFalseAlarms: where nothing is wrong, nothing is said that the scan did
// not say before. What may be said is a fact of the mechanism itself.
func TestNoFalseAlarms(t *testing.T) {
	computes(t)
	for _, c := range []struct {
		name  string
		world func(*sim.Config)
		may   string // a warning that is due
	}{
		{"base", func(*sim.Config) {}, ""},
		{"demo", func(c *sim.Config) { hours(c); c.Timeline = true }, ""},
		{"sparse", func(c *sim.Config) { hours(c); c.Rows = 12_000 }, ""},
		{"upper tier", func(c *sim.Config) { c.UpperTier = true }, "an upper tier answered the others"},
		{"upper tier that logs hits", func(c *sim.Config) { c.UpperTier, c.TierLogsHit = true, true }, ""},
		{"stale", func(c *sim.Config) { c.ServeStale = 5 * time.Second }, ""},
		{"304 replaces", func(c *sim.Config) { c.Revalidate = "replaced" }, ""},
		{"304 keeps", func(c *sim.Config) { c.Revalidate = "kept" }, ""},
		{"rotating tokens", func(c *sim.Config) { c.RotateTokens = true }, "A table that has only the current token"},
		{"rotating tokens, all listed", func(c *sim.Config) { c.RotateTokens, c.ListTokens = true, true }, ""},
		{"signed", func(c *sim.Config) { c.Signed = true }, ""},
		{"shared addresses", func(c *sim.Config) { c.SharedEgress = 0.6 }, ""},
		{"cookies logged", func(c *sim.Config) { c.LogCookie = true }, ""},
		{"cookies logged, no origin log", func(c *sim.Config) { c.LogCookie, c.NoOrigin = true, true }, ""},
		{"errors", func(c *sim.Config) { c.ErrorSetCookie, c.LogErrors = 0.05, true }, ""},
		{"no user logged", func(c *sim.Config) { c.LogUser = false }, ""},
		{"a route outlives the other", func(c *sim.Config) { c.RouteTTL = map[string]time.Duration{"css": 5 * time.Second} }, ""},
		{"keys kept, reverted late", func(c *sim.Config) { hours(c); c.LateRevert = 5 * time.Minute }, ""},
		{"v2 as JSON", func(c *sim.Config) { c.EdgeForms = []sim.EdgeForm{sim.V2JSON} }, ""},
		{"v2 as Parquet", func(c *sim.Config) { c.EdgeForms = []sim.EdgeForm{sim.V2Parquet} }, ""},
		{"two caches and jitter", func(c *sim.Config) { hours(c); c.OriginJitter = 20 * time.Millisecond }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := sim.Bench(8000, 5)
			c.world(&cfg)
			dir, _ := simulate(t, cfg)
			f := run(t, inputOf(t, dir))
			for line := range strings.Lines(said(f)) {
				if c.may == "" || !strings.Contains(line, c.may) {
					t.Errorf("said without need: %s", line)
				}
			}
			if got := verdictOf(f); got != complete {
				t.Errorf("verdict %d", got)
			}
		})
	}
}
