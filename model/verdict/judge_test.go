package verdict_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/identity"
	"github.com/spillscope/spillscope/model/verdict"
)

func id(s string) (d model.ID) {
	copy(d[:], s)
	return d
}

// at is an interval of a second that begins s seconds into an hour.
func at(s float64) model.Interval {
	lo := model.Instant(time.Hour) + model.Instant(s*1e9)
	return model.Interval{Lo: lo, Hi: lo.Add(time.Second)}
}

// plain is a delivery that no flag but the dated membership's would touch: a
// browser got a known user's session and was seen again, with nobody's.
func plain() *verdict.Case {
	return &verdict.Case{
		Hit:       &model.EdgeRow{Method: "GET", Status: 200, Result: "Hit", ResponseResult: "Hit", Kind: model.ClientBrowser, Referer: model.RefererSameHost},
		Reading:   &identity.Reading{Own: id("own"), OwnUser: "u-own", OwnLink: identity.LinkDevice, Jars: 1, Again: true},
		Verdict:   &identity.Verdict{Delivered: 0.9, Applied: 0.8, Used: 0.2},
		Candidate: &identity.Candidate{Prior: 0.9, Bears: true, Session: id("held"), User: "u-held"},
		Rivals:    1, Facts: verdict.Facts{SameSite: "lax", MembershipsDated: true},
	}
}

var (
	sighting = &identity.Sighting{RequestID: "o-1", Start: at(5), Session: id("held")}
	record   = &identity.Sighting{RequestID: "line-1", Start: at(5), User: "u-held", Told: true}
)

// TestJudge raises each flag of semantics.md G that this judge knows, and says
// which factor it moved and what tier is left.
func TestJudge(t *testing.T) {
	type c = verdict.Case
	for _, x := range []struct {
		name                     string
		spoil                    func(*c)
		flags                    []model.FlagName
		delivered, applied, used float64
		tier                     model.Tier
	}{
		{"nothing special", func(*c) {}, nil, 0.9, 0.8, 0.2, model.TierProbable},
		{"below a half", func(x *c) { x.Verdict.Applied = 0.4999 }, nil, 0.9, 0.4999, 0.2, model.TierPossible},
		{"below a twentieth", func(x *c) { x.Verdict.Applied, x.Verdict.Used = 0.0499, 0.01 }, nil, 0.9, 0.0499, 0.01, model.TierUnlikely},

		{"the fill came over the same connection", func(x *c) { x.Verdict.Self = identity.LinkConnection },
			[]model.FlagName{verdict.SelfHit}, 0.9, 0, 0, model.TierSetAside},
		{"the session was presented before", func(x *c) {
			x.Candidate.Session, x.Verdict.Same, x.Reading.OwnLink = id("own"), true, identity.LinkConnection
		},
			[]model.FlagName{verdict.SelfHit}, 0.9, 0, 0, model.TierSetAside},
		{"the fill came from a like device: lowered, not set aside (office NAT)", func(x *c) { x.Verdict.Self = identity.LinkDevice },
			nil, 0.9, 0.24, 0.06, model.TierPossible},
		{"a like device behind a shared egress", func(x *c) { x.Verdict.Self = identity.LinkShared },
			nil, 0.9, 0.64, 0.16, model.TierProbable},
		{"another session of the same user, on this connection", func(x *c) { x.Verdict.Same, x.Reading.OwnLink = true, identity.LinkConnection },
			[]model.FlagName{verdict.SameAccount}, 0.9, 0, 0, model.TierSetAside},
		{"another session of the same user, by device only", func(x *c) { x.Verdict.Same, x.Reading.OwnLink = true, identity.LinkDevice },
			[]model.FlagName{verdict.LikelySelf}, 0.9, 0.024, 0.006, model.TierUnlikely},
		{"a colleague: judged per workspace elsewhere, listed here", func(x *c) { x.Colleagues = true },
			[]model.FlagName{verdict.Colleague}, 0.9, 0.8, 0.2, model.TierProbable},
		{"no session on the fill", func(x *c) { x.Candidate.Bears = false; x.Candidate.Session = model.ID{} },
			[]model.FlagName{verdict.NoSessionFill}, 0, 0, 0, model.TierSetAside},
		{"the viewer was gone (000)", func(x *c) { x.Hit.Status, x.Hit.Result = 0, "Error" },
			[]model.FlagName{verdict.NotDelivered}, 0, 0, 0, model.TierSetAside},
		{"the viewer broke off: headers came first (B9)", func(x *c) { x.Hit.Result = "Error" },
			[]model.FlagName{verdict.AbortedAfterHeaders}, 0.9, 0.8, 0.2, model.TierProbable},
		{"another site's page, SameSite Lax (B5)", func(x *c) { x.Hit.Referer = model.RefererCrossSite },
			[]model.FlagName{verdict.CrossSite}, 0.9, 0.8, 0.2, model.TierProbable},
		{"our page in another site's frame", func(x *c) { x.Hit.Referer = model.RefererFramed },
			[]model.FlagName{verdict.CrossSite}, 0.9, 0.8, 0.2, model.TierProbable},
		{"a missing Referer proves nothing", func(x *c) { x.Hit.Referer = model.RefererNone }, nil, 0.9, 0.8, 0.2, model.TierProbable},
		{"a bot", func(x *c) { x.Hit.Kind = model.ClientBot }, []model.FlagName{verdict.BotToolMonitor}, 0.9, 0.8, 0.2, model.TierProbable},
		{"a tool", func(x *c) { x.Hit.Kind = model.ClientTool }, []model.FlagName{verdict.BotToolMonitor}, 0.9, 0.8, 0.2, model.TierProbable},
		{"a monitor", func(x *c) { x.Hit.Kind = model.ClientMonitor }, []model.FlagName{verdict.BotToolMonitor}, 0.9, 0.8, 0.2, model.TierProbable},
		{"several fills possible", func(x *c) { x.Rivals = 3 }, []model.FlagName{verdict.AmbiguousFill}, 0.9, 0.8, 0.2, model.TierProbable},
		{"past its time to live by most formulas", func(x *c) { x.Edge = true }, []model.FlagName{verdict.TTLEdge}, 0.9, 0.8, 0.2, model.TierProbable},
		{"an assumption that the cookie was set", func(x *c) { x.Assumed = true }, []model.FlagName{verdict.CookieSetAssumed}, 0.9, 0.8, 0.2, model.TierProbable},
		{"holder unknown: capped", func(x *c) { x.Candidate.Session = model.ID{}; x.Candidate.User = "" }, []model.FlagName{verdict.HolderUnknown}, 0.9, 0.8, 0.2, model.TierPossible},
		{"the fill's row is lost", func(x *c) { x.Candidate = nil }, []model.FlagName{verdict.FillRowLost}, 0.9, 0.8, 0.2, model.TierProbable},
		{"went on as itself", func(x *c) { x.Reading.Kept, x.Reading.KeptLink = sighting, identity.LinkDevice },
			[]model.FlagName{verdict.SwitchNotSeen}, 0.9, 0.8, 0.2, model.TierProbable},
		{"an own request was under way (C8)", func(x *c) { x.Reading.Racing = true }, []model.FlagName{verdict.SelfHealPossible}, 0.9, 0.8, 0.2, model.TierProbable},
		{"never seen again: not cleared", func(x *c) { x.Reading.Again = false }, []model.FlagName{verdict.NeverSeenAgain}, 0.9, 0.8, 0.2, model.TierProbable},
		{"several users behind the address", func(x *c) { x.Reading.Jars = 4 }, []model.FlagName{verdict.SharedEgress}, 0.9, 0.8, 0.2, model.TierProbable},
		{"memberships without dates", func(x *c) { x.MembershipsDated = false }, []model.FlagName{verdict.MembershipDateUnknown}, 0.9, 0.8, 0.2, model.TierProbable},

		{"use seen by connection", func(x *c) {
			x.Verdict = &identity.Verdict{Delivered: 0.99, Applied: 0.98, Used: 0.98, Use: sighting, UseLink: identity.LinkConnection}
		}, []model.FlagName{verdict.UseSeen}, 0.99, 0.98, 0.98, model.TierConfirmed},
		{"use seen, tied by a shared address only: not confirmed", func(x *c) {
			x.Verdict = &identity.Verdict{Delivered: 0.99, Applied: 0.98, Used: 0.98, Use: sighting, UseLink: identity.LinkShared}
		}, []model.FlagName{verdict.UseSeen}, 0.99, 0.98, 0.98, model.TierProbable},
		{"use seen, but another hit may have brought it: not confirmed", func(x *c) {
			x.Verdict = &identity.Verdict{Delivered: 0.7, Applied: 0.6, Used: 0.6, Use: sighting, UseLink: identity.LinkConnection}
		}, []model.FlagName{verdict.UseSeen}, 0.7, 0.6, 0.6, model.TierProbable},
		{"use told, of a holder that the fill's own row names", func(x *c) {
			x.Verdict = &identity.Verdict{Delivered: 0.99, Applied: 0.98, Used: 0.98, Use: record, UseLink: identity.LinkDevice}
		}, []model.FlagName{verdict.UseSeen}, 0.99, 0.98, 0.98, model.TierConfirmed},
		{"use told, of a holder by address and User-Agent: neither confirms the other", func(x *c) {
			x.Rung = model.RungAgent
			x.Verdict = &identity.Verdict{Delivered: 0.99, Applied: 0.98, Used: 0.98, Use: record, UseLink: identity.LinkDevice}
		}, []model.FlagName{verdict.UseSeen}, 0.99, 0.98, 0.98, model.TierPossible},
		{"use seen outweighs a fill of a like device", func(x *c) {
			x.Verdict = &identity.Verdict{Delivered: 0.99, Applied: 0.98, Used: 0.98, Use: sighting, UseLink: identity.LinkDevice, Self: identity.LinkDevice}
		}, []model.FlagName{verdict.UseSeen}, 0.99, 0.98, 0.98, model.TierConfirmed},
	} {
		t.Run(x.name, func(t *testing.T) {
			in := plain()
			x.spoil(in)
			got := verdict.Judge(in)
			var flags []model.FlagName
			for _, f := range got.Flags {
				flags = append(flags, f.Name)
				if f.Evidence == "" {
					t.Errorf("%s has no evidence", f.Name)
				}
			}
			if !slices.Equal(flags, x.flags) {
				t.Errorf("flags %v, want %v", flags, x.flags)
			}
			if got.Delivered != x.delivered || got.Applied != x.applied || got.Used != x.used {
				t.Errorf("delivered %v, applied %v, used %v, want %v, %v, %v", got.Delivered, got.Applied, got.Used, x.delivered, x.applied, x.used)
			}
			if got.Tier != x.tier {
				t.Errorf("%v, want %v", got.Tier, x.tier)
			}
		})
	}
}

// TestAccepts: in which places a browser's rules let a cookie in (semantics.md B5, B6).
func TestAccepts(t *testing.T) {
	row := func(ref model.RefererClass) *model.EdgeRow {
		return &model.EdgeRow{Status: 200, ResponseResult: "Hit", Kind: model.ClientBrowser, Referer: ref}
	}
	for name, less := range map[string]float64{
		"a cross-site page, none":   verdict.Accepts(row(model.RefererCrossSite), "none"),
		"a frame, lax":              verdict.Accepts(row(model.RefererFramed), "lax"),
		"a frame, strict":           verdict.Accepts(row(model.RefererFramed), "strict"),
		"a frame, not known":        verdict.Accepts(row(model.RefererFramed), "unknown"),
		"a frame, left out by user": verdict.Accepts(row(model.RefererFramed), ""),
	} {
		if !(less > 0 && less < 1) {
			t.Errorf("%s accepts it with %v, an own page with 1", name, less)
		}
	}
	for _, ref := range []model.RefererClass{model.RefererNone, model.RefererSameHost, model.RefererSameSite} {
		if got := verdict.Accepts(row(ref), "strict"); got != 1 {
			t.Errorf("referer class %d: %v, want 1", ref, got)
		}
	}
	gone := row(model.RefererNone)
	gone.Status = 0
	if got := verdict.Accepts(gone, "none"); got != 0 {
		t.Errorf("a client that got nothing accepts it with %v", got)
	}
}

// TestFlagTable: every flag is explained, once, and moves one factor.
func TestFlagTable(t *testing.T) {
	twice := map[model.FlagName]bool{}
	for _, f := range verdict.Flags() {
		if twice[f.Name] {
			t.Errorf("%s stands there twice", f.Name)
		}
		twice[f.Name] = true
		if !slices.Contains([]string{"holder", "delivered", "applied", "used"}, f.Factor) || f.Words == "" {
			t.Errorf("%s moves %q: %q", f.Name, f.Factor, f.Words)
		}
		if got, ok := verdict.Lookup(f.Name); !ok || got != f {
			t.Errorf("%s is not found by name", f.Name)
		}
	}
	if _, ok := verdict.Lookup("NO_SUCH_FLAG"); ok {
		t.Error("found a flag that does not exist")
	}
	verdict.Flags()[0].Words = "changed"
	if verdict.Flags()[0].Words == "changed" {
		t.Error("the table can be changed from outside")
	}
}

// TestJointProbabilities: p_delivered ≥ p_applied ≥ p_used, each within [0, 1],
// and the candidates of a hit exclude each other (design.md 2), for random
// devices read and judged as a scan does.
func TestJointProbabilities(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	some := func(of ...string) string { return of[rnd.IntN(len(of))] }
	digest := func(of ...string) model.ID { return id(some(of...)) }
	for n := range 4000 {
		var seen []identity.Sighting
		for i := range rnd.IntN(12) {
			s := identity.Sighting{
				RequestID: "s" + string(rune('a'+i)), Start: at(rnd.Float64() * 20),
				Conn: digest("", "c1", "c2"), Session: digest("", "own", "v1", "v2", "v3"), Issued: digest("", "", "", "own", "v1", "new"),
			}
			s.User = some("", "u-"+string(s.Session[:3]))
			s.Done = s.Start.Shift(time.Duration(rnd.IntN(800)) * time.Millisecond)
			seen = append(seen, s)
		}
		var hits []identity.Hit
		rows := map[string]*model.EdgeRow{}
		for i := range 1 + rnd.IntN(4) {
			h := identity.Hit{RequestID: "h" + string(rune('a'+i)), Start: at(rnd.Float64() * 20), Conn: digest("", "c1", "c2"), Device: id("d1")}
			h.Available = h.Start.Shift(time.Millisecond)
			row := &model.EdgeRow{
				Status: 200 * rnd.IntN(4), Result: some("Hit", "Error"), ResponseResult: "Hit",
				Kind: model.ClientKind(rnd.IntN(6)), Referer: model.RefererClass(rnd.IntN(5)),
			}
			rows[h.RequestID] = row
			h.Jar = 0.9 * verdict.Accepts(row, some("lax", "none", "strict", "unknown", ""))
			left := 1.0
			for range rnd.IntN(4) {
				p := left * rnd.Float64()
				left -= p
				h.Candidates = append(h.Candidates, identity.Candidate{
					Prior: p, Bears: rnd.IntN(5) > 0, Session: digest("", "own", "v1", "v2"), User: some("", "u-own", "u-v1"),
					Device: digest("d1", "d2", "d3"), Conn: digest("", "c1", "c9"),
				})
			}
			h.Unknown = left
			hits = append(hits, h)
		}
		d := identity.NewDevice(seen, hits, identity.Defaults())
		for i, h := range d.Hits() {
			r := d.Read(i)
			total := [3]float64{}
			judge := func(v *identity.Verdict, c *identity.Candidate) {
				j := verdict.Judge(&verdict.Case{Hit: rows[h.RequestID], Reading: &r, Verdict: v, Candidate: c, Facts: verdict.Facts{SameSite: "lax"}})
				if !(1 >= j.Delivered && j.Delivered >= j.Applied && j.Applied >= j.Used && j.Used >= 0) {
					t.Fatalf("case %d, %s: delivered %v, applied %v, used %v with %+v", n, h.RequestID, j.Delivered, j.Applied, j.Used, v)
				}
				total[0] += j.Delivered
				total[1] += j.Applied
				total[2] += j.Used
				if j.Tier == model.TierConfirmed && (v.Use == nil || j.Used < 0.5) {
					t.Fatalf("case %d, %s: confirmed, with use %v at %v", n, h.RequestID, v.Use, j.Used)
				}
			}
			for c := range h.Candidates {
				judge(&r.Verdicts[c], &h.Candidates[c])
			}
			judge(&r.Unknown, nil)
			for f, sum := range total {
				if !(sum <= 1.0005) {
					t.Fatalf("case %d, %s: factor %d of all candidates adds up to %v", n, h.RequestID, f, sum)
				}
			}
		}
	}
}
