// Package smallcase is a case made by hand for the tests of package export's
// parts: small enough to be read in full, with every kind of record, every
// tier and a stranger's text wherever a stranger can put some.
package smallcase

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/verdict"
)

// Hostile is text that acts in a terminal, a page or a spreadsheet. No output
// may hold Acting, which is the part that has no harmless form.
const (
	Hostile = "=cmd|' /C calc'!A0\x1b[2J\u202e<script>alert(1)</script>\r\nforged,row\x00\xff"
	Acting  = "\x1b\u202e\x00"
)

// At returns 2023-03-07T18:21:00Z plus s seconds.
func At(s float64) model.Instant {
	start := time.Date(2023, 3, 7, 18, 21, 0, 0, time.UTC)
	return model.InstantOf(start).Add(time.Duration(s * float64(time.Second)))
}

// ID returns a digest that prints as n.
func ID(n byte) (id model.ID) {
	id[7] = n
	return id
}

func cite(id string, object uint32, line uint64) model.Citation {
	return model.Citation{RequestID: id, Ref: model.Ref{Object: object, Line: line, Offset: int64(line-1) * 100}}
}

// Findings returns the records in an order that a scan could put them in.
func Findings() []model.Finding {
	var all []model.Finding
	for _, in := range Inputs() {
		all = append(all, in)
	}
	for _, d := range Deliveries() {
		all = append(all, d)
	}
	for _, u := range Users() {
		all = append(all, u)
	}
	for _, w := range Workspaces() {
		all = append(all, w)
	}
	all = append(all,
		model.Access{Time: At(14.25), Row: cite("req-access", 2, 9), Delivery: "dl_1", Device: ID(0xd1), HolderUser: "u-anna",
			Method: "POST", Status: 201, Pattern: "/api/invites/*", Category: "members", WorkspaceIDs: []string{"ws-1", "ws-2"}, Write: true, Lasting: "invite"},
		model.Revocation{Session: ID(0x51), DirectoryID: "sessions.csv:12", User: "u-anna", Basis: model.BasisDelivery, Tier: model.TierConfirmed, Deliveries: 2, First: At(10)},
		model.Unattributed{Hit: cite("req-orphan", 1, 30), HitTime: At(90), Distribution: "E2EXAMPLE", Cache: "FRA2-C1", Route: "/static/js/*",
			Device: ID(0xd4), PUnknown: 1, Reason: "no stored response in the logs"},
		model.UnresolvedUser{Kind: "user", Value: Hostile, Rows: 3, Deliveries: 1, First: At(11)},
		model.JoinRate{From: At(0), EdgeMisses: 40, MissesAtOrigin: 39, OriginIDs: 50, OriginAtEdge: 50, Sessions: 30, SessionsKnown: 30, Users: 30, UsersKnown: 29},
		model.Reject{Ref: model.Ref{Object: 1, Line: 7, Offset: 600}, Reason: "row has 3 columns, #Fields names 33"},
	)
	for i := range 3 {
		all = append(all, model.Coverage{Minute: At(float64(60 * i)), Cache: "SEA19-C1", Rows: 100 + i, Suspect: 40, Hits: 30 - i, Fills: 5, SessionFills: 3, Deliveries: 2 - i, Used: (2 - i) / 2})
	}
	outside := Deliveries()[1]
	outside.ID, outside.HitTime = "dl_out", At(-40)
	all = append(all, model.OutsideDelivery{Delivery: outside},
		model.PhaseMinute{Minute: At(0), Location: "SEA19-C1", Phase: "after " + Hostile, Requests: 40, Hits: 30, SessionFills: 3, Deliveries: 2, Used: 1},
		model.ReportMatch{Ref: model.Ref{Object: 1, Line: 3, Offset: 60}, At: At(900), User: "u-bert", Workspace: "ws-3", Outcome: "explained", MatchedBy: "recipient",
			Tier: "confirmed", PApplied: 1, Deliveries: 1, DeliveryIDs: []string{"dl_1"}, Explanation: "1 delivery before the report"},
		model.ReportMatch{Ref: model.Ref{Object: 1, Line: 4, Offset: 90}, At: At(960), User: Hostile, Outcome: "not in the directory", Explanation: "neither the directory nor the logs know it"},
		model.TierChange{Alternative: "ttl×2", Workspace: Hostile, Role: model.RoleHolder, Base: "unlikely", Other: "possible", Change: "appears"},
		model.TwoDevices{Session: ID(0x51), User: "u-anna", First: At(0), Last: At(600), Steps: 2, Devices: 2, OtherAgent: true, Tier: "confirmed"},
	)
	for _, r := range Rows() {
		all = append(all, r)
	}
	return all
}

// Inputs returns the inputs; the second has a stranger's name.
func Inputs() []model.Input {
	return []model.Input{
		{Object: 1, Kind: "edge", URI: "edge/E2EXAMPLE.2023-03-07-18.gz", Format: "cloudfront", Size: 4096, SHA256: fmt.Sprintf("ed9e%060x", 1),
			Balance: model.Balance{Lines: 103, Parsed: 100, Rejected: 1, Comment: 2}, First: At(-60), Last: At(120)},
		{Object: 2, Kind: "origin", URI: "origin/app#1@a:b.jsonl", Format: "jsonl", Size: 2048, SHA256: fmt.Sprintf("0719%060x", 2),
			Balance: model.Balance{Lines: 50, Parsed: 50}, First: At(-60), Last: At(130)},
		{Object: 3, Kind: "edge", URI: "edge/E2EXAMPLE.2023-03-01-00.gz", Format: "cloudfront", Pruned: true},
	}
}

// Deliveries returns five rows of four hits.
func Deliveries() []model.Delivery {
	base := model.Delivery{Distribution: "E2EXAMPLE", Cache: "SEA19-C1", Route: "/static/js/*", Device: ID(0xd1), RecipientUser: "u-bert", RecipientWorkspaces: []string{"ws-3"},
		Fill: cite("-fill_A==", 1, 11), FillTime: At(9), HolderSession: ID(0x51), HolderUser: "u-anna", HolderWorkspaces: []string{"ws-1", "ws-2"}, Rung: model.RungOriginRow}
	d1, d2, d4, d5 := base, base, base, base
	d1.ID, d1.Hit, d1.HitTime = "dl_1", cite("req-hit1", 1, 12), At(10)
	d1.HitAlso = []model.Ref{{Object: 1, Line: 92, Offset: 9100}, {Object: 1, Line: 93, Offset: 9200}}
	d1.PDelivered, d1.PApplied, d1.PUsed, d1.Tier = 1, 1, 1, model.TierConfirmed
	d1.Flags = []model.Flag{{Name: verdict.UseSeen, Evidence: "presented at 18:21:14 | twice; no login between"}}

	d2.ID, d2.Hit, d2.HitTime, d2.Device, d2.RecipientUser, d2.RecipientWorkspaces = "dl_2", cite("req-hit2", 1, 15), At(20), ID(0xd2), "", nil
	d2.PDelivered, d2.PApplied, d2.PUsed, d2.Tier = 0.6, 0.55, 0.1, model.TierProbable
	d2.Flags = []model.Flag{{Name: verdict.AmbiguousFill, Evidence: "2 fills"}, {Name: verdict.NeverSeenAgain}}
	d3 := d2
	d3.ID, d3.Fill, d3.HolderSession, d3.HolderUser, d3.HolderWorkspaces = "dl_3", cite("req-fillB", 1, 14), ID(0x52), "u-carl", []string{"ws-4;x"}
	d3.PDelivered, d3.PApplied, d3.PUsed, d3.Tier, d3.Rung = 0.3, 0.25, 0.05, model.TierPossible, model.RungAgent

	d4.ID, d4.Hit, d4.HitTime, d4.HolderUser, d4.HolderWorkspaces = "dl_4", cite("req-hit3", 1, 21), At(50), Hostile, []string{Hostile, "ws-6"}
	d4.PDelivered, d4.PApplied, d4.PUsed, d4.Tier = 0.9, 0.0213, 0, model.TierUnlikely
	d4.Flags = []model.Flag{{Name: verdict.CrossSite, Evidence: Hostile}}

	d5.ID, d5.Hit, d5.HitTime, d5.Tier = "dl_5", cite("req-hit4", 1, 22), At(60), model.TierSetAside
	d5.Flags = []model.Flag{{Name: verdict.SelfHit, Evidence: "same connection as the fill"}}
	return []model.Delivery{d1, d2, d3, d4, d5}
}

func entity(id string, r model.Role, t model.Tier, p float64, deliveries int) model.Entity {
	e := model.Entity{ID: id, Role: r, Tier: t, PApplied: p, First: At(10), Last: At(60), HolderUsers: 1, Devices: 1, Deliveries: deliveries, Evidence: "dl_1"}
	if r&model.RoleHolder != 0 {
		e.AsHolder = t
	}
	if r&model.RoleRecipient != 0 {
		e.AsRecipient = t
	}
	if t == model.TierConfirmed {
		e.Used, e.Opened, e.Change = 1, model.Yes, model.No
	}
	return e
}

// Users returns the users of the deliveries.
func Users() []model.UserFinding {
	h, r := model.RoleHolder, model.RoleRecipient
	hostile := model.UserFinding{Entity: entity(Hostile, h, model.TierUnlikely, 0.0213, 1), Email: Hostile, Name: Hostile, UserRole: Hostile, WorkspaceIDs: []string{Hostile, "ws-6"}}
	return []model.UserFinding{
		hostile,
		{Entity: entity("u-anna", h, model.TierConfirmed, 1, 2), Email: "anna@example.com", Name: "Anna Example", UserRole: "staff", WorkspaceIDs: []string{"ws-1", "ws-2"}},
		{Entity: entity("u-bert", r, model.TierConfirmed, 1, 1), Email: "bert@example.net", Name: "Bert Example", WorkspaceIDs: []string{"ws-3"}},
		{Entity: entity("u-carl", h, model.TierPossible, 0.25, 1), WorkspaceIDs: []string{"ws-4;x"}},
	}
}

// Workspaces returns the workspaces of the users.
func Workspaces() []model.WorkspaceFinding {
	h, r := model.RoleHolder, model.RoleRecipient
	contact := model.Contact{Email: "it@example.com; legal@example.com", Name: "Zoë Muster", Role: "admin", Locale: "de", Country: "DE", Region: "eu"}
	evil := model.Contact{Email: Hostile, Name: Hostile, Role: Hostile, Locale: Hostile, Country: Hostile, Region: Hostile}
	ws := []model.WorkspaceFinding{
		{Entity: entity(Hostile, h, model.TierProbable, 0.5, 1), Name: Hostile, Known: true, Contact: evil, Categories: []string{Hostile}},
		{Entity: entity("ws-1", h, model.TierConfirmed, 1, 2), Name: "Muster & Söhne", Known: true, Contact: contact, Categories: []string{"video metadata", "members"}},
		{Entity: entity("ws-2", h, model.TierConfirmed, 1, 2), Name: "'t Hooft, Ltd", Known: true},
		{Entity: entity("ws-3", r, model.TierConfirmed, 1, 1), Name: "Other Co", Known: true, Contact: model.Contact{Email: "post@example.org"}, Categories: []string{"never shown"}},
		{Entity: entity("ws-4;x", h, model.TierPossible, 0.25, 1)},
		{Entity: entity("ws-6", h, model.TierUnlikely, 0.0213, 1), Name: "Left Alone", Known: true, Contact: contact},
		{Entity: entity("ws-7", model.RoleBoth, model.TierSetAside, 0, 1), Name: "Aside", Known: true, Contact: contact},
	}
	ws[1].Flags = []model.FlagName{verdict.UseSeen}
	return ws
}

// Rows returns the cited rows by request id.
func Rows() []model.CitedRow {
	edge := func(id string, line uint64, at float64, result string) model.CitedRow {
		return model.CitedRow{Citation: cite(id, 1, line), Kind: "edge", Edge: &model.EdgeRow{ID: id, End: model.Interval{Lo: At(at), Hi: At(at + 1)}, Taken: 12 * time.Millisecond, FirstByte: -1,
			Distribution: "E2EXAMPLE", Location: "SEA19-C1", Host: "www.example.com", Client: netip.MustParseAddr("192.0.2.17"), Port: 50123, Agent: ID(0xa1), Kind: model.ClientBrowser,
			Pattern: "/static/js/*", Path: ID(0xf1), Key: ID(0xf2), Method: "GET", Status: 200, Result: result, ResponseResult: result, Detailed: result,
			Scheme: "https", Protocol: "HTTP/2.0", ContentType: Hostile, Bytes: 5123, ContentLength: -1, RangeStart: -1, RangeEnd: -1}}
	}
	orig := func(id string, line uint64, at float64) model.CitedRow {
		return model.CitedRow{Citation: cite(id, 2, line), Kind: "origin", Orig: &model.OriginRow{RequestID: id, Time: model.Interval{Lo: At(at), Hi: At(at + .001)}, Taken: -1, Method: "GET",
			Pattern: "/static/js/*", Path: ID(0xf1), Status: 200, Presented: ID(0x50), Issued: ID(0x51), SetCookie: model.Yes, User: "u-anna", Client: netip.MustParseAddr("2001:db8::9")}}
	}
	also := func(r model.CitedRow) model.CitedRow {
		r.Edge.Also, r.Edge.Asked = Deliveries()[0].HitAlso, model.No
		return r
	}
	return []model.CitedRow{
		edge("-fill_A==", 11, 9, "Miss"), orig("-fill_A==", 4, 9.1),
		orig("req-access", 9, 14.25), edge("req-fillB", 14, 19, "Miss"), also(edge("req-hit1", 12, 10, "Hit")),
		edge("req-hit2", 15, 20, "Hit"), edge("req-hit3", 21, 50, "Hit"), edge("req-hit4", 22, 60, "Hit"), edge("req-orphan", 30, 90, "Hit"),
	}
}

// Capabilities are one of each verdict.
func Capabilities() []model.Capability {
	return []model.Capability{
		{What: "which hits handed out a stored response", Verdict: model.CapabilityYes, Why: "12 of 40 edge rows"},
		{What: "which client received it", Verdict: model.CapabilityPartly, Why: Hostile, Change: "c-port among the fields"},
		{What: "how many false alarms to expect", Verdict: model.CapabilityNo, Why: "no clean hours are stated", Change: "control"},
	}
}

// Manifest returns the manifest that fits the records.
func Manifest() model.Manifest {
	b := func(lower int, best, low, high float64, upper int) model.Bounds {
		return model.Bounds{Lower: lower, Best: best, BestLow: low, BestHigh: high, Upper: upper}
	}
	ws := b(2, 2.75, 2, 4, 6)
	ws.Confirmed, ws.Probable, ws.Possible, ws.Unlikely, ws.SetAside = 2, 1, 1, 1, 1
	return model.Manifest{
		Case: "example-2023-03-07", Tool: "spillscope v0.1.0", Complete: true, Partial: []string{"gap of 6m in the CDN log"},
		Window:   model.Period{From: At(0).String(), To: At(4140).String(), Lookback: "1h0m0s", FollowUntil: At(15840).String()},
		Incident: fmt.Sprintf("%064x", 1), Key: "00000000000000aa",
		Headline: model.Headline{HolderUsers: b(1, 1.27, 1, 2, 4), HolderWorkspaces: ws, RecipientDevices: b(1, 1.8, 1, 2, 4), RecipientUsers: b(1, 1, 1, 1, 2),
			RecipientWorkspaces: b(1, 1, 1, 1, 2), Deliveries: b(1, 1.82, 1, 3, 4), Unattributed: 1, StaffSessions: 1, TotalWorkspaces: 5000,
			TotalWorkspacesBase: "workspaces.csv as of 2023-03-07T10:15:00Z", NotACeiling: true, UsedDeliveries: 1, AccessRows: 1,
			FirstDelivery: At(10).String(), LastDelivery: At(90).String(), DeliveriesOutside: 1,
			Outside:  model.Outside{Before: 1, First: At(-40).String(), Last: At(-40).String()},
			Ceilings: model.Ceilings{Users: 9, UnknownSessions: 1, Workspaces: 8, Clients: 60}},
		Phases: []model.PhaseResult{
			{Phase: "before " + Hostile, From: At(-600).String(), To: At(0).String(), Judged: true, Requests: 12, Hits: 12},
			{Phase: "after " + Hostile, Event: Hostile, From: At(0).String(), To: At(4140).String(), Judged: true, Requests: 40, Hits: 30, SessionFills: 3, Deliveries: 4, Used: 1, AccessRows: 1,
				Locations: 1, FirstDelivery: At(10).String(), LastDelivery: At(60).String(), LastFill: At(58).String()},
			{Phase: "after restart", Event: "restart", From: At(7200).String(), To: At(7200).String()}},
		Reports: &model.ReportsResult{Total: 2, Explained: 1, Horizon: "24 hours", By: map[string]int{"recipient": 1}, Outcomes: map[string]int{"explained": 1, "not in the directory": 1}},
		Second: &model.SecondMethod{Step: "10 minutes", Baseline: "control", InWindow: model.StepCount{Steps: 90, TwoDevices: 2, TwoAgents: 2, Sessions: 40, SessionsTD: 1, SessionsTA: 1},
			InClean: model.StepCount{Steps: 80, Sessions: 41}, Sessions: 1, Agents: 1, Overlap: []model.TierShare{{Tier: "confirmed", Sessions: 1, Shown: 1}}},
		Synthetic: &model.Synthetic{Label: "synthetic data", Cell: "3/s real", Model: fmt.Sprintf("%064x", 3),
			Sentence:   "On synthetic data, not on this case: of 2000 claims called confirmed 4 were wrong.",
			Conditions: []model.ConditionPair{{Name: "time to live", Case: "1 s", Synthetic: "1 s"}, {Name: "caches behind a name", Case: "1.5", Synthetic: "1"}},
			Tiers:      []model.SyntheticTier{{Tier: "confirmed", Claims: 2000, Wrong: 4, Share: 0.002, Low: 0.0008, High: 0.0051}},
			ECE:        map[string]float64{"p_applied": 0.02}, Case: model.Conditions{TTL: 1, Caches: 1.5}},
		HeldOut:     &model.HeldOut{Hits: 4, Pairs: 6, ECE: 0.021, Bins: []model.Reliability{{From: 0.9, To: 1, N: 6, Foretold: 0.95, Found: 0.971}}, Held: 3, RankedTop: 3, OneDeviceIn: 1},
		Assumptions: []string{"every response to a request with a session set the cookie (cookie.set_on)", "one cache per location"},
		Warnings:    []string{Hostile},
		Joins:       model.JoinSummary{EdgeMisses: 40, MissesAtOrigin: 39, OriginIDs: 50, OriginAtEdge: 50, Sessions: 30, SessionsKnown: 30, Users: 30, UsersKnown: 29},
		Gaps:        []model.Gap{{From: At(600).String(), To: At(960).String(), Source: "CDN log"}},
		Control:     []model.ControlResult{{From: "2023-02-28T18:21:00.000Z", To: "2023-02-28T19:30:00.000Z", EdgeRows: 9000, Hits: 4000}},
		Funnel:      model.Funnel{EdgeRows: 100, OriginRows: 50, SuspectRows: 40, Hits: 87, Fills: 15, FillsWithOriginRow: 14, SessionFills: 9, HitsWithoutSession: 80, HitsWithCandidates: 4, Orphans: 1},
		Params:      map[string]any{"expiry": map[string]any{"real": 0.25, "floor": 0.5, "ceil": 0.25}, "ttl": "1s", "caches": []int{1, 2}},
		Balance:     model.Balance{Lines: 153, Parsed: 150, Rejected: 1, Comment: 2},
		Inputs: []model.ManifestInput{
			{URI: "edge/E2EXAMPLE.2023-03-07-18.gz", Kind: "edge", Size: 4096, SHA256: fmt.Sprintf("ed9e%060x", 1)},
			{URI: "origin/app#1@a:b.jsonl", Kind: "origin", Size: 2048, SHA256: fmt.Sprintf("0719%060x", 2)}},
		Pruned: 1,
		Flags:  map[model.FlagName]int{verdict.UseSeen: 1, verdict.AmbiguousFill: 2, verdict.NeverSeenAgain: 2, verdict.CrossSite: 1, verdict.SelfHit: 1},
	}
}

// Run returns what a run would say of itself.
func Run() store.Run {
	return store.Run{Start: At(0).Time(), End: At(9).Time(), Host: "host.example.com", CommandLine: []string{"spillscope", "scan"}, GoVersion: "go1.26", OS: "linux", Arch: "amd64", Workers: 2}
}

// Write makes the case of fs and m at dir.
func Write(t testing.TB, dir string, fs []model.Finding, m model.Manifest, outputs ...store.Output) *store.Case {
	t.Helper()
	w, err := store.Create(dir, store.Options{Outputs: outputs})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		if err := w.Put(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(m, Run()); err != nil {
		t.Fatal(err)
	}
	c, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
