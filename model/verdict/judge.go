package verdict

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/identity"
)

// jars is how likely a client of a kind keeps a session cookie that reaches
// it in a context that allows it (semantics.md B13, B14). A client of unknown
// kind is more likely a program than a browser: browsers say Mozilla/5.0.
var jars = map[model.ClientKind]float64{
	model.ClientBrowser: 0.95,
	model.ClientApp:     0.4,
	model.ClientUnknown: 0.25,
	model.ClientBot:     0.02,
	model.ClientTool:    0.02,
	model.ClientMonitor: 0.02,
}

// crossSite is how likely a cookie is accepted by a sub-resource of another
// site's page, by its SameSite attribute (semantics.md B5, B6).
var crossSite = map[string]float64{"lax": 0.02, "strict": 0.02, "none": 0.7, "unknown": 0.4, "": 0.4}

// Jar returns how likely the client of hit applies the cookie it gets, before
// anything is known of what it did next.
func Jar(hit *model.EdgeRow, sameSite string) float64 {
	if cache.Delivered(hit) == cache.Nothing {
		return 0
	}
	p := jars[hit.Kind]
	if foreign(hit) {
		p *= crossSite[sameSite]
	}
	return p
}

func foreign(hit *model.EdgeRow) bool {
	return hit.Referer == model.RefererCrossSite || hit.Referer == model.RefererFramed
}

// Case is one hit with one candidate, as the judge sees it.
type Case struct {
	Hit       *model.EdgeRow
	Reading   *identity.Reading
	Verdict   *identity.Verdict
	Candidate *identity.Candidate // nil: a fill whose row is lost
	Rivals    int                 // candidates that are not negligible
	Edge      bool                // only the most generous expiry formula allows it
	Assumed   bool                // that the fill set the cookie is an assumption

	SameSite         string
	Colleagues       bool // recipient and holder share a workspace
	MembershipsDated bool
}

// Judgement is the outcome for one row.
type Judgement struct {
	Flags                    []model.Flag
	Delivered, Applied, Used float64
	Tier                     model.Tier
}

// sameDevice is how likely a fill of the same address and User-Agent was the
// recipient's own, where no connection ties or separates them.
var sameDevice = [...]float64{identity.LinkNone: 0, identity.LinkShared: 0.2, identity.LinkDevice: 0.7, identity.LinkConnection: 1}

// Judge raises the flags of c and draws its tier.
func Judge(c *Case) Judgement {
	j := Judgement{Flags: c.flags()}
	j.Delivered, j.Applied, j.Used = c.Verdict.Delivered, c.Verdict.Applied, c.Verdict.Used
	if c.Verdict.Use == nil {
		own := 1 - c.self()
		j.Applied *= own
		j.Used *= own
	}
	aside := slices.ContainsFunc(j.Flags, func(f model.Flag) bool { return setsAside(f.Name) })
	if aside {
		j.Applied, j.Used = 0, 0
	}
	if has(NotDelivered, j.Flags) || has(NoSessionFill, j.Flags) {
		j.Delivered = 0 // a delivery is of a cookie
	}
	j.Delivered, j.Applied, j.Used = Round(j.Delivered), Round(j.Applied), Round(j.Used)
	j.Tier = c.tier(&j, aside)
	return j
}

// sameSession is how likely a recipient that presented the holder's session, or
// another one of its user, before the hit is that user, by what ties the two.
var sameSession = [...]float64{identity.LinkNone: 0, identity.LinkShared: 0.2, identity.LinkDevice: 0.97, identity.LinkConnection: 1}

// self returns how likely the recipient got back what it had.
func (c *Case) self() float64 {
	p := sameDevice[c.Verdict.Self]
	if c.Verdict.Same {
		p = max(p, sameSession[c.Reading.OwnLink])
	}
	return p
}

func has(name model.FlagName, flags []model.Flag) bool {
	return slices.ContainsFunc(flags, func(f model.Flag) bool { return f.Name == name })
}

// Thresholds of the tiers (design.md 2).
const (
	probable  = 0.5
	possible  = 0.05
	confirmed = 0.9 // with use seen
)

func (c *Case) tier(j *Judgement, aside bool) model.Tier {
	switch {
	case aside:
		return model.TierSetAside
	case c.Verdict.Use != nil && c.Verdict.UseLink >= identity.LinkDevice && j.Applied >= confirmed:
		return model.TierConfirmed
	}
	t := TierOf(j.Applied)
	if c.Candidate != nil && !c.held() {
		t = min(t, model.TierPossible) // the proposition names a holder, and none is known
	}
	return t
}

// TierOf returns the tier of a probability without use seen.
func TierOf(p float64) model.Tier {
	switch {
	case p >= probable:
		return model.TierProbable
	case p >= possible:
		return model.TierPossible
	}
	return model.TierUnlikely
}

// Round keeps four digits: more would claim more than the log knows, and the
// last bits differ between CPUs.
func Round(p float64) float64 { return math.Round(p*1e4) / 1e4 }

// raiser raises a flag with its evidence where a condition holds.
type raiser func(cond bool, name model.FlagName, format string, args ...any)

// flags raises what applies, by name.
func (c *Case) flags() []model.Flag {
	var out []model.Flag
	raise := func(cond bool, name model.FlagName, format string, args ...any) {
		if cond {
			out = append(out, model.Flag{Name: name, Evidence: fmt.Sprintf(format, args...)})
		}
	}
	c.deliveryFlags(raise)
	c.holderFlags(raise)
	c.selfFlags(raise)
	c.useFlags(raise)
	raise(!c.MembershipsDated, MembershipDateUnknown, "no valid_from, valid_to or as_of")
	slices.SortFunc(out, func(a, b model.Flag) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return out
}

// held reports whether the candidate's session is known.
func (c *Case) held() bool { return c.Candidate != nil && !c.Candidate.Session.IsZero() }

// holderFlags raises what speaks about the fill and its holder.
func (c *Case) holderFlags(raise raiser) {
	raise(c.Candidate != nil && !c.Candidate.Bears, NoSessionFill, "neither its origin row nor a logged cookie shows a session")
	raise(c.Candidate == nil, FillRowLost, "no fill in the logs fits")
	raise(c.Candidate != nil && c.Candidate.Bears && !c.held(), HolderUnknown, "no origin row and no logged cookie")
	raise(c.Assumed, CookieSetAssumed, "set_on of the incident file")
	raise(c.Rivals > 1, AmbiguousFill, "%d fills possible", c.Rivals)
	raise(c.Edge, TTLEdge, "fits only where ⌊now⌋−⌊arrival⌋ may equal the time to live")
}

// selfFlags raises what says that the recipient got back what it had, or is no
// stranger to the holder.
func (c *Case) selfFlags(raise raiser) {
	r, v := c.Reading, c.Verdict
	back := c.held() && !r.OwnOpen && c.Candidate.Session == r.Own
	here := r.OwnLink == identity.LinkConnection
	unused := v.Use == nil
	raise(unused && (back && here || v.Self == identity.LinkConnection), SelfHit, "%s", selfEvidence(back))
	raise(unused && v.Same && !back && here, SameAccount, "another session of the recipient's own user")
	raise(unused && v.Same && r.OwnLink == identity.LinkDevice, LikelySelf, "%s", selfEvidence(back))
	raise(c.Colleagues && !v.Same, Colleague, "they share a workspace")
}

// useFlags raises what was seen of the recipient's client afterwards.
func (c *Case) useFlags(raise raiser) {
	r, v := c.Reading, c.Verdict
	raise(v.Use != nil, UseSeen, "%s", useEvidence(v))
	raise(v.Use == nil && r.Kept != nil && !v.Same, SwitchNotSeen, "%s", keptEvidence(r))
	raise(v.Use == nil && r.Racing && !v.Same, SelfHealPossible, "an own request overlaps the hit")
	raise(!r.Again, NeverSeenAgain, "no later request of this client")
	raise(r.Jars > 1, SharedEgress, "%d users seen from this address and user agent", r.Jars)
}

// deliveryFlags raises what the hit's own row shows.
func (c *Case) deliveryFlags(raise raiser) {
	h := c.Hit
	raise(cache.Delivered(h) == cache.Nothing, NotDelivered, "status 000")
	raise(cache.Delivered(h) == cache.Headers, AbortedAfterHeaders, "result %s after response result %s, %d bytes sent", h.Result, h.ResponseResult, h.Bytes)
	raise(foreign(h) && crossSite[c.SameSite] < 1, CrossSite, "referer class %s, SameSite %s", refererNames[h.Referer], orUnknown(c.SameSite))
	raise(h.Kind == model.ClientBot || h.Kind == model.ClientTool || h.Kind == model.ClientMonitor, BotToolMonitor, "user agent of a %s", kindNames[h.Kind])
}

var refererNames = [...]string{"none", "same host", "same site", "framed page", "other site"}

var kindNames = [...]string{"unknown client", "browser", "app", "bot", "tool", "monitor"}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func selfEvidence(back bool) string {
	if back {
		return "the recipient presented this session before"
	}
	return "the fill came over the same connection"
}

func useEvidence(v *identity.Verdict) string {
	if v.Use == nil {
		return ""
	}
	return fmt.Sprintf("request %s at %v, tied by %v", v.Use.RequestID, v.Use.Start.Lo, v.UseLink)
}

func keptEvidence(r *identity.Reading) string {
	if r.Kept == nil {
		return ""
	}
	return fmt.Sprintf("request %s at %v, tied by %v", r.Kept.RequestID, r.Kept.Start.Lo, r.KeptLink)
}
