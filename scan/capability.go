package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/sniff"
)

// known is what the incident file and a look at the sources say of the inputs.
type known struct {
	*state
	glimpses []glimpse
	edge     glimpse // of all edge sources together, and so on
	origin   glimpse
	told     glimpse
	join     share
}

// lookFirst says, before the logs are paid for, what these inputs can and
// cannot name, why, and what would change it. It is no part of the case: what a
// file begins with depends on the order of its rows.
func (s *state) lookFirst() error {
	if s.Before == nil {
		return nil
	}
	glimpses, err := s.peek()
	if err == nil {
		s.Before(s.ask(glimpses))
	}
	return err
}

// Preview is what a scan would read and what that can name.
type Preview struct {
	Sources      []PreviewSource    `json:"sources"`
	Pruned       int                `json:"pruned_objects"`
	Tables       int                `json:"directory_tables"`
	Capabilities []model.Capability `json:"capabilities"`
	Problems     []string           `json:"problems"`
}

// PreviewSource is one source as it was looked into.
type PreviewSource struct {
	URI     string `json:"uri"`
	Kind    string `json:"kind"`
	Line    int    `json:"line"` // of the incident file
	Format  string `json:"format"`
	Objects int    `json:"objects"`
	Bytes   int64  `json:"bytes"`
	Looked  int    `json:"objects_looked_into"`
	Rows    int    `json:"rows_seen"`
	First   string `json:"first_utc"`
	Last    string `json:"last_utc"`
}

// Useless reports whether the scan could not do its main job.
func (p *Preview) Useless() bool {
	return slices.ContainsFunc(p.Capabilities[:mainJob], func(c model.Capability) bool { return c.Verdict == model.CapabilityNo })
}

// mainJob is how many capabilities, from the first, a scan cannot do without:
// deliveries, their timing, and holders.
const mainJob = 3

// Look plans a scan, looks into its sources, and reads no further.
func Look(ctx context.Context, in Input) (p Preview, err error) {
	s := newState(ctx, in)
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.plan(); err != nil {
		return p, err
	}
	glimpses, err := s.peek()
	if err != nil {
		return p, err
	}
	p = Preview{Pruned: s.pruned, Tables: len(s.tables), Capabilities: s.ask(glimpses), Problems: append([]string{}, s.missing...)}
	for i := range glimpses {
		g := &glimpses[i]
		p.Sources = append(p.Sources, PreviewSource{
			URI: g.src.URI, Kind: string(g.src.Kind), Line: g.src.Line, Format: g.format, Objects: g.Objects, Bytes: g.Bytes,
			Looked: g.Looked, Rows: g.rows, First: g.span.From.String(), Last: g.span.To.String(),
		})
		if g.problem != "" {
			p.Problems = append(p.Problems, fmt.Sprintf("source %s (line %d of the incident file): %s", g.src.URI, g.src.Line, g.problem))
		}
		p.Problems = append(p.Problems, g.notes.warnings()...)
	}
	p.Problems = append(p.Problems, s.dir.Warnings()...)
	return p, nil
}

// ask answers each question by what was seen.
func (s *state) ask(glimpses []glimpse) []model.Capability {
	k := known{state: s, glimpses: glimpses, join: joined(glimpses)}
	for i := range glimpses {
		switch glimpses[i].src.Kind {
		case model.SourceEdge:
			k.edge.merge(&glimpses[i])
		case model.SourceOrigin:
			k.origin.merge(&glimpses[i])
		default:
			k.told.merge(&glimpses[i])
		}
	}
	var out []model.Capability
	for _, ask := range []func(*known) model.Capability{
		(*known).deliveries, (*known).timing, (*known).holders, (*known).cookies, (*known).recipients, (*known).recipientNames,
		(*known).use, (*known).done, (*known).workspaces, (*known).contacts, (*known).revocation, (*known).alarms, (*known).absence,
	} {
		out = append(out, ask(&k))
	}
	return out
}

func (g *glimpse) merge(o *glimpse) {
	g.pruned += o.pruned
	g.Objects, g.Bytes, g.Looked = g.Objects+o.Objects, g.Bytes+o.Bytes, g.Looked+o.Looked
	g.rows, g.rejects, g.outside = g.rows+o.rows, g.rejects+o.rejects, g.outside+o.outside
	g.problem, g.format = cmp.Or(g.problem, o.problem), cmp.Or(g.format, o.format)
	e, p := &g.edge, &o.edge
	e.suspect, e.port, e.timed, e.fine = e.suspect+p.suspect, e.port+p.port, e.timed+p.timed, e.fine+p.fine
	e.cookie, e.addr = e.cookie+p.cookie, e.addr+p.addr
	a, b := &g.origin, &o.origin
	a.id, a.trace, a.session, a.user, a.sets = a.id+b.id, a.trace+b.trace, a.session+b.session, a.user+b.user, a.sets+b.sets
	a.client, a.device, a.suspect = a.client+b.client, a.device+b.device, a.suspect+b.suspect
	a.sessions.merge(b.sessions)
	a.users.merge(b.users)
}

func (s *share) merge(o share) { s.Found, s.Of = s.Found+o.Found, s.Of+o.Of }

func (s share) String() string { return commas(int64(s.Found)) + " of " + commas(int64(s.Of)) }

// of prints n of all things looked at.
func of(n, all int) string { return share{n, all}.String() }

// none reports whether things were looked for, and none was found.
func (s share) none() bool { return s.Found == 0 && s.Of >= fewLooked }

// fewLooked is the number of things below which to find none of them is chance.
const fewLooked = 20

// can, partly and cannot are the three answers.
func can(what, why string, args ...any) model.Capability {
	return model.Capability{What: what, Verdict: model.CapabilityYes, Why: fmt.Sprintf(why, args...)}
}

func partly(what, change, why string, args ...any) model.Capability {
	return model.Capability{What: what, Verdict: model.CapabilityPartly, Why: fmt.Sprintf(why, args...), Change: change}
}

func cannot(what, change, why string, args ...any) model.Capability {
	return model.Capability{What: what, Verdict: model.CapabilityNo, Why: fmt.Sprintf(why, args...), Change: change}
}

const checkWindow = "check window and its zone, or add the logs of its hours"

func (k *known) deliveries() model.Capability {
	const what = "which hits handed out a stored response"
	g := &k.edge
	switch {
	case g.Objects == 0 && g.pruned > 0:
		return cannot(what, checkWindow, "the names of all %s place them outside the hours to read", times(int64(g.pruned), "edge object"))
	case k.sources(model.SourceEdge) == 0 || g.Objects == 0:
		return cannot(what, "add the CDN's logs as {kind: edge, uri: …}", "there is no edge log: the origin log alone gives ceilings, sessions on two devices and what to revoke")
	case g.rows == 0 && g.outside > 0:
		return cannot(what, checkWindow, "none of the %s edge rows looked at lies in the hours to read", commas(g.outside))
	case g.rows == 0:
		return cannot(what, "check format and fields of the edge source; `spillscope inspect` tells what the files are", "no edge row could be read%s", because(g.problem))
	case g.edge.suspect == 0:
		return partly(what, "check routes: `spillscope inspect` lists what was cached", "none of the %s edge rows looked at is on a route of the incident file", commas(int64(g.rows)))
	case g.edge.timed == 0:
		return partly(what, "choose time-taken among the fields of the delivery", "the edge log has no time-taken, so a hit has many candidates")
	}
	return can(what, "%s edge rows looked at are on the suspect routes (%s)", of(g.edge.suspect, g.rows), g.format)
}

func because(problem string) string {
	if problem == "" {
		return ""
	}
	return ": " + problem
}

func (k *known) timing() model.Capability {
	const what = "which of several fills a hit was served from"
	switch {
	case k.edge.rows == 0:
		return cannot(what, "", "there is no edge row to time")
	case k.edge.edge.fine == k.edge.rows:
		return can(what, "the edge's stamps are finer than a second")
	case k.origin.origin.id > 0:
		return partly(what, "a standard log v2 with timestamp(ms), if there is one, is sharper", "the edge's stamps are whole seconds; those of the origin tell fills apart")
	}
	if k.origin.rows > 0 {
		return partly(what, "an origin log with request ids, or a standard log v2 with timestamp(ms)", "the edge's stamps are whole seconds; an origin row without a request id times a fill only where it fits no other")
	}
	return partly(what, "an origin log with request ids, or a standard log v2 with timestamp(ms)", "the edge's stamps are whole seconds, and nothing else times a fill: busy objects will have several candidates")
}

func (k *known) holders() model.Capability {
	const what = "whose session a response carried"
	o := &k.origin.origin
	named := o.session + o.user
	switch {
	case k.origin.rows == 0 && k.edge.edge.cookie > 0:
		return partly(what, "the application's log with request id and session", "there is no origin row; the edge logged %s", times(int64(k.edge.edge.cookie), "session cookie"))
	case k.origin.rows == 0 && k.told.origin.session+k.told.origin.user > 0:
		return partly(what, "the application's log with request id and session", "there is no origin row; %s tell who used a device, which names the holders of few fills", times(int64(k.told.rows), "sighting"))
	case k.origin.rows == 0 && k.origin.outside > 0:
		return cannot(what, "check time_zone of the origin source, and the window", "none of the %s origin rows looked at lies in the hours to read", commas(k.origin.outside))
	case k.origin.rows == 0:
		return cannot(what, "the application's log with request id and session", "there is no origin row, and the edge logged no session cookie%s", because(k.origin.problem))
	case named == 0:
		return cannot(what, "map.session or map.user", "none of the %s origin rows looked at names a session or a user", commas(int64(k.origin.rows)))
	case o.id == 0 && o.trace > 0:
		return partly(what, "map.request_id (X-Amz-Cf-Id) of one of the origin sources: the trace id leads to it", "origin rows have a trace id and no request id: they are placed by address, path and time, and flagged")
	case o.id == 0:
		return partly(what, "map.request_id (X-Amz-Cf-Id) or map.trace_id", "origin rows have no request id: they are placed by address, path and time, and flagged")
	case k.join.none():
		return partly(what, "does map.request_id name the CDN's id (X-Amz-Cf-Id), and do the times agree?", "%v edge Misses are found in the origin rows of the same minutes", k.join)
	case k.unknownOwners():
		return partly(what, "session_form of the origin source, or a table of the sessions as they were", "origin rows name a session, and the directory knows %v of those looked at", o.sessions)
	case o.suspect == 0:
		return partly(what, "logs of what serves these routes, a proxy's or load balancer's included", "no origin row looked at is of a suspect route: holders come from what the same connection did before and after")
	}
	return can(what, "origin rows have request id and %s%s", sessionOrUser(o), k.joinWords())
}

// unknownOwners reports whether nothing leads from sessions to users.
func (k *known) unknownOwners() bool {
	o := &k.origin.origin
	return o.user == 0 && (o.sessions.none() || k.Incident.Directory.Sessions.URI == "")
}

func sessionOrUser(o *originGlimpse) string {
	switch {
	case o.session == 0:
		return "user"
	case o.user == 0:
		return "session"
	}
	return "session and user"
}

func (k *known) joinWords() string {
	if k.join.Of < fewLooked {
		return ""
	}
	return fmt.Sprintf("; %v edge Misses looked at are found there", k.join)
}

func (k *known) cookies() model.Capability {
	const what = "which responses set the cookie"
	rule := k.Incident.Cookie.SetOn
	switch {
	case rule.Rule == model.SetOnEvery || rule.Rule == model.SetOnOncePer:
		return partly(what, "map.set_cookie or map.set_session, with set_on: logged", "the CDN does not log it; set_on: %s is an assumption, printed beside the headline", rule.Rule)
	case k.origin.rows > 0 && k.origin.origin.sets > 0:
		return can(what, "%s origin rows looked at say it", of(k.origin.origin.sets, k.origin.rows))
	}
	return partly(what, "map.set_cookie or map.set_session of the origin source", "neither log says it: every response to a request with a session is assumed to have set it")
}

func (k *known) recipients() model.Capability {
	const what = "which client received it"
	g := &k.edge
	switch {
	case g.rows == 0:
		return cannot(what, "add the CDN's logs", "only they show clients that the cache answered")
	case g.edge.addr*2 < g.rows:
		return cannot(what, "logs with c-ip", "%s edge rows looked at have no client address", of(g.rows-g.edge.addr, g.rows))
	case g.edge.port == 0 && k.origin.origin.device+k.told.origin.device == 0:
		return partly(what, "c-port among the fields of the delivery, or device ids (map.device_id)", "the edge log has no c-port: clients behind one address and with one User-Agent cannot be told apart")
	}
	return can(what, "address, User-Agent%s%s", ifAny(g.edge.port, ", port"), ifAny(k.origin.origin.device+k.told.origin.device, ", device id"))
}

func ifAny(n int, text string) string {
	if n == 0 {
		return ""
	}
	return text
}

func (k *known) recipientNames() model.Capability {
	const what = "who that client belonged to"
	seen := k.origin.origin.session + k.origin.origin.user + k.told.origin.user + k.told.origin.session + k.edge.edge.cookie
	switch {
	case seen == 0:
		return cannot(what, "an origin log with sessions or users, cookies in the CDN log, or a source of kind sighting", "nothing shows which session a client presented")
	case k.Incident.Window.Lookback == 0:
		return partly(what, "window.lookback: 1h", "there is no lookback: only clients that signed in within the window are known")
	case k.origin.origin.id+k.origin.origin.client+k.told.origin.client+k.told.origin.device+k.edge.edge.cookie == 0:
		return partly(what, "map.request_id, or client_ip and user_agent", "no row that names a session or user leads to a client")
	}
	return can(what, "by what it presented in the %s before", about(k.Incident.Window.Lookback))
}

func (k *known) use() model.Capability {
	const what = "whether a session was used by its recipient"
	w := k.Incident.Window
	switch {
	case k.origin.origin.session+k.edge.edge.cookie+k.told.origin.session+k.told.origin.user+k.origin.origin.user == 0:
		return cannot(what, "map.session of the origin source", "no later request shows its session, so nothing can be confirmed")
	case w.FollowUntil <= w.Span.To:
		return partly(what, "window.follow_until: when the last of these sessions was revoked", "nothing is read after the window")
	}
	return can(what, "requests are followed until %v", w.FollowUntil)
}

func (k *known) done() model.Capability {
	const what = "what recipients opened and changed"
	mapped := func(name string) bool {
		return slices.ContainsFunc(k.glimpses, func(g glimpse) bool {
			return g.src.Kind != model.SourceEdge && (g.src.Map[name] != "" || g.format == sniff.ALB)
		})
	}
	switch {
	case k.origin.rows == 0:
		return cannot(what, "the application's log of the hours until revocation", "there is no origin row")
	case !mapped("path") || !mapped("method"):
		return cannot(what, "map.path and map.method of the origin source", "origin rows have no path or no method")
	case len(k.Incident.DataCategories) == 0:
		return partly(what, "data_categories: which route gives access to what", "routes are listed, but not what kind of data they give access to")
	}
	return can(what, "by method, route and category; bodies are in no log")
}

func (k *known) workspaces() model.Capability {
	const what = "which workspaces are reached"
	d := k.Incident.Directory
	switch {
	case d.Memberships.URI == "":
		return cannot(what, "directory.memberships", "there is no table of memberships")
	case !k.dir.MembershipDated():
		return partly(what, "directory.as_of, or valid_from and valid_to", "memberships are those of the export, whose date is not stated")
	case k.origin.origin.users.none():
		return partly(what, "the same form of user id in the origin log and in the users table", "the users table knows %v users of the origin rows looked at", k.origin.origin.users)
	}
	return can(what, "%s", times(int64(k.dir.Counts().Memberships), "membership"))
}

func (k *known) contacts() model.Capability {
	const what = "whom to notify"
	d := k.Incident.Directory
	if d.Workspaces.URI == "" && d.Contacts.URI == "" {
		return cannot(what, "directory.workspaces with contact_email, or directory.contacts", "there is no table of workspaces or contacts")
	}
	return can(what, "%s in the directory", times(int64(k.dir.Counts().Workspaces), "workspace"))
}

func (k *known) revocation() model.Capability {
	const what = "which sessions to revoke"
	switch {
	case k.Incident.Cookie.Revocable == "signed":
		return cannot(what, "rotate the signing key", "signed cookies hold until they expire, whatever is deleted")
	case k.Incident.Directory.Sessions.URI == "":
		return partly(what, "directory.sessions", "without a sessions table revoke.csv names users only")
	case k.origin.origin.sessions.none():
		return partly(what, "session_form of the origin source, or a sessions table from before the flush", "the sessions table knows %v sessions of the origin rows looked at", k.origin.origin.sessions)
	}
	return can(what, "%s in the directory", times(int64(k.dir.Counts().Sessions), "session"))
}

func (k *known) alarms() model.Capability {
	const what = "how many false alarms to expect"
	if len(k.Incident.Control) == 0 {
		return cannot(what, "control: clean hours of the same kind, and their logs", "no clean hours are stated")
	}
	return can(what, "by the same judgement of clean hours")
}

func (k *known) absence() model.Capability {
	const what, change = "that something did not happen", "a log of every request of these hours"
	if k.edge.Objects == 0 {
		return cannot(what, change, "there is no edge log")
	}
	if parts, whole := k.samples(); len(parts) > 0 && !whole {
		return cannot(what, change, "source %s (line %d of the incident file): %s", parts[0].URI, parts[0].Line, k.sampling(parts[0]))
	}
	return partly(what, "", "CDN logs are delivered on a best-effort basis: rows can be late or missing")
}
