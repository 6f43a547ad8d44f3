package verdict_test

import (
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/identity"
	"github.com/spillscope/spillscope/model/verdict"
)

// used makes c a row whose use was seen over the same connection.
// nameless is a fill of which neither session nor user is known.
func nameless(c *verdict.Case) { c.Candidate.Session, c.Candidate.User = model.ID{}, "" }

func used(c *verdict.Case) {
	c.Verdict = &identity.Verdict{Delivered: 0.99, Applied: 0.98, Used: 0.98, Use: sighting, UseLink: identity.LinkConnection}
}

// both applies two changes.
func both(a, b func(*verdict.Case)) func(*verdict.Case) {
	return func(c *verdict.Case) { a(c); b(c) }
}

// TestEveryFlag holds, for every flag, a row on which it is right and what it
// does there, and a row that looks the same where blind trust in it would lose
// a delivery or claim one: there the tier must stand.
func TestEveryFlag(t *testing.T) {
	type c = verdict.Case
	nothing := func(*c) {}
	status := func(n int) func(*c) { return func(x *c) { x.Hit.Status = n } }
	mark := func(m verdict.Mark) func(*c) { return func(x *c) { x.Marks = m } }
	quiet := func(x *c) { x.Candidate.Bears, x.Quiet = false, true }
	ended := func(x *c) { x.Hit.End, x.Ended = at(9), at(1).Lo }
	cases := map[model.FlagName]struct {
		right func(*c)
		trap  string // why blind trust is wrong
		looks func(*c)
		tier  model.Tier // that must stand
	}{
		verdict.AbortedAfterHeaders: {func(x *c) { x.Hit.Result = "Error" }, "cookies are kept as soon as headers arrive (B9)", func(x *c) { x.Hit.Result = "Error" }, model.TierProbable},
		verdict.AmbiguousFill:       {func(x *c) { x.Rivals = 3 }, "one of three holders is still the one that was seen in use", both(func(x *c) { x.Rivals = 3 }, used), model.TierConfirmed},
		verdict.AnonShared:          {func(x *c) { x.Anonymous, x.Candidate.User = true, "" }, "a session that nobody owned yet may be logged in to later (C6)", func(x *c) { x.Anonymous, x.Candidate.User = true, "" }, model.TierProbable},
		verdict.AppNoJar:            {func(x *c) { x.Hit.Kind = model.ClientApp }, "the app kept it: its use was seen (B14)", both(func(x *c) { x.Hit.Kind = model.ClientApp }, used), model.TierConfirmed},
		verdict.BotToolMonitor:      {func(x *c) { x.Hit.Kind = model.ClientBot }, "a forged name", both(func(x *c) { x.Hit.Kind = model.ClientBot }, used), model.TierConfirmed},
		verdict.ClockUnsure:         {func(x *c) { x.Clock = "offset refused" }, "the edge's own stamps still order most rows", func(x *c) { x.Clock = "offset refused" }, model.TierProbable},
		verdict.Collapsed:           {mark(verdict.Follower), "a client that waited was handed the session like any other", mark(verdict.Follower), model.TierProbable},
		verdict.Colleague:           {func(x *c) { x.Colleagues = true }, "the holder has other workspaces, where the recipient is no member", func(x *c) { x.Colleagues = true }, model.TierProbable},
		verdict.ConfigNotLive:       {func(x *c) { x.NotLive = "first leak 40 s later" }, "the change point is an estimate: use was seen", both(func(x *c) { x.NotLive = "first leak 40 s later" }, used), model.TierConfirmed},
		verdict.CookieScope:         {func(x *c) { x.OffScope = true }, "the host serves the application too: use was seen", both(func(x *c) { x.OffScope = true }, used), model.TierConfirmed},
		verdict.CookieSetAssumed:    {func(x *c) { x.Assumed = true }, "an assumption is not a doubt about one row", func(x *c) { x.Assumed = true }, model.TierProbable},
		verdict.CrossSite:           {func(x *c) { x.Hit.Referer = model.RefererCrossSite }, "SameSite=None, and a browser that takes it (B6)", both(func(x *c) { x.Hit.Referer, x.SameSite = model.RefererCrossSite, "none" }, used), model.TierConfirmed},
		verdict.ErrorCached:         {status(404), "a cookie in an error page is taken too (B1)", status(404), model.TierProbable},
		verdict.FillRowLost:         {func(x *c) { x.Candidate = nil }, "the fill is missing, the switch is not", both(func(x *c) { x.Candidate = nil }, used), model.TierConfirmed},
		verdict.HeadRecipient:       {func(x *c) { x.Hit.Method = "HEAD" }, "a browser asks so too, and its headers carry the cookie (A5)", func(x *c) { x.Hit.Method = "HEAD" }, model.TierProbable},
		verdict.HeadersBare:         {func(x *c) { x.Bare = true }, "compressed headers: use was seen", both(func(x *c) { x.Bare = true }, used), model.TierConfirmed},
		verdict.HolderUnknown:       {nameless, "some session was delivered all the same: not set aside", nameless, model.TierPossible},
		verdict.LikelySelf:          {func(x *c) { x.Verdict.Same, x.Reading.OwnLink = true, identity.LinkDevice }, "a colleague behind the same address with the same browser: listed", func(x *c) { x.Verdict.Same, x.Reading.OwnLink = true, identity.LinkDevice }, model.TierUnlikely},
		verdict.LogGap:              {func(x *c) { x.Gap = "no edge rows from 18:30 to 18:40" }, "the listed fill is not the lost one: its use was seen", both(func(x *c) { x.Gap = "no edge rows from 18:30 to 18:40" }, used), model.TierConfirmed},
		verdict.MembershipDateUnknown: {
			func(x *c) { x.MembershipsDated = false }, "who was reached does not depend on it", func(x *c) { x.MembershipsDated = false }, model.TierProbable},
		verdict.NeverSeenAgain:    {func(x *c) { x.Reading.Again = false }, "a client that was not seen again is not cleared", func(x *c) { x.Reading.Again = false }, model.TierProbable},
		verdict.NotDelivered:      {func(x *c) { x.Hit.Status, x.Hit.Result = 0, "Error" }, "only status 000: a broken off download delivered", func(x *c) { x.Hit.Result = "Error" }, model.TierProbable},
		verdict.NotModified:       {status(304), "a 304 from the cache carries the cookie (A5, B8)", status(304), model.TierProbable},
		verdict.NoSessionFill:     {func(x *c) { x.Candidate.Bears, x.Candidate.Session = false, model.ID{} }, "a fill without an origin row may have borne one", nameless, model.TierPossible},
		verdict.RangePart:         {status(206), "a part carries the headers of the whole (A2.19)", status(206), model.TierProbable},
		verdict.Revalidated:       {mark(verdict.Refreshed), "whichever cookie it was, the client got one", mark(verdict.Refreshed), model.TierProbable},
		verdict.RollThrottled:     {quiet, "the response did set it (C2: once a minute)", func(x *c) { x.Candidate.Bears, x.Quiet = true, false }, model.TierProbable},
		verdict.SameAccount:       {func(x *c) { x.Verdict.Same, x.Reading.OwnLink = true, identity.LinkConnection }, "the same user only by a shared address", func(x *c) { x.Verdict.Same, x.Reading.OwnLink = true, identity.LinkShared }, model.TierProbable},
		verdict.Sampled:           {func(x *c) { x.Sample = "one row in ten" }, "what a sample shows did happen", both(func(x *c) { x.Sample = "one row in ten" }, used), model.TierConfirmed},
		verdict.SelfHealPossible:  {func(x *c) { x.Reading.Racing = true }, "the own cookie may have come first: not cleared", func(x *c) { x.Reading.Racing = true }, model.TierProbable},
		verdict.SelfHit:           {func(x *c) { x.Verdict.Self = identity.LinkConnection }, "a like device in the same office (G: down-weight only)", func(x *c) { x.Verdict.Self = identity.LinkShared }, model.TierProbable},
		verdict.SessionDead:       {ended, "a signed cookie holds until it expires (C5)", both(ended, func(x *c) { x.Revocable = "signed" }), model.TierProbable},
		verdict.SetCookieStripped: {func(x *c) { x.Stripped = true }, "the function was not live everywhere: use was seen", both(func(x *c) { x.Stripped = true }, used), model.TierConfirmed},
		verdict.SharedEgress:      {func(x *c) { x.Reading.Jars = 9 }, "its own connection ties the use to one client", both(func(x *c) { x.Reading.Jars = 9 }, used), model.TierConfirmed},
		verdict.Stale:             {mark(verdict.PastLife), "caches do serve what is past its life (A1.9, A4)", mark(verdict.PastLife), model.TierProbable},
		verdict.NotCredentialed:   {func(x *c) { x.Reading.Bare = true }, "a frame's fetch carried none, and a switch was seen", both(func(x *c) { x.Reading.Bare = true }, used), model.TierConfirmed},
		verdict.CameBackEmpty:     {func(x *c) { x.Reading.Empty = sighting }, "a request that never carries sessions shows nothing: the session was used", both(func(x *c) { x.Reading.Empty = sighting }, used), model.TierConfirmed},
		verdict.SwitchNotSeen:     {func(x *c) { x.Reading.Kept, x.Reading.KeptLink = sighting, identity.LinkDevice }, "another jar behind a shared address went on as itself", func(x *c) { x.Reading.Kept, x.Reading.KeptLink = sighting, identity.LinkShared }, model.TierProbable},
		verdict.TTLEdge:           {func(x *c) { x.Edge = true }, "nginx keeps for up to two seconds what it was told to keep for one (A4)", func(x *c) { x.Edge = true }, model.TierProbable},
		verdict.UpperTier:         {mark(verdict.Relayed), "a logged miss can be a delivery (A2.16)", mark(verdict.Relayed), model.TierProbable},
		verdict.UseSeen:           {used, "tied by a shared address only, it confirms nothing", both(used, func(x *c) { x.Verdict.UseLink = identity.LinkShared }), model.TierProbable},
		verdict.VariantMismatch:   {mark(verdict.OtherVariant), "variants are not strictly apart (A2.20)", mark(verdict.OtherVariant), model.TierProbable},
		verdict.OriginPlaced: {func(x *c) { x.Rung, x.Placed = model.RungPlaced, verdict.Placed{Others: 1} }, "placed by the address too, and nothing else fits: probable, until it is seen in use",
			func(x *c) { x.Rung, x.Placed = model.RungPlaced, verdict.Placed{Address: true} }, model.TierProbable},
		verdict.OrphanHit: {nil, "it has no row: it is listed with the unattributed hits", nothing, model.TierProbable},
	}
	for _, def := range verdict.Flags() {
		if _, ok := cases[def.Name]; !ok {
			t.Errorf("%s has no rows here", def.Name)
		}
	}
	for name, x := range cases {
		t.Run(string(name), func(t *testing.T) {
			def, ok := verdict.Lookup(name)
			if !ok {
				t.Fatal("is not in the table")
			}
			if x.right != nil {
				checkRight(t, def, x.right)
			}
			in := plain()
			x.looks(in)
			if got := verdict.Judge(in); got.Tier != x.tier {
				t.Errorf("%s: %v, want %v", x.trap, got.Tier, x.tier)
			}
		})
	}
}

// checkRight judges a row on which the flag is right.
func checkRight(t *testing.T, def verdict.FlagDef, right func(*verdict.Case)) {
	in := plain()
	right(in)
	got := verdict.Judge(in)
	raised := false
	for _, f := range got.Flags {
		raised = raised || f.Name == def.Name
	}
	if !raised {
		t.Fatalf("not raised: %v", got.Flags)
	}
	if aside := got.Tier == model.TierSetAside; aside != (def.Effect == verdict.Excludes) {
		t.Errorf("effect %q, tier %v", def.Effect, got.Tier)
	}
	base := verdict.Judge(plain())
	if def.Effect == verdict.Annotates && (got.Delivered != base.Delivered || got.Applied != base.Applied || got.Used != base.Used) {
		t.Errorf("annotates, and moved %+v to %+v", base, got)
	}
}

// TestFlagEffects: an effect is one of the five words.
func TestFlagEffects(t *testing.T) {
	known := map[verdict.Effect]bool{verdict.Excludes: true, verdict.Lowers: true, verdict.Raises: true, verdict.Widens: true, verdict.Annotates: true}
	for _, f := range verdict.Flags() {
		if !known[f.Effect] {
			t.Errorf("%s has effect %q", f.Name, f.Effect)
		}
		if f.SetAside() != (f.Effect == verdict.Excludes) {
			t.Errorf("%s sets aside: %v", f.Name, f.SetAside())
		}
	}
}
