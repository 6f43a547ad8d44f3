package verdict

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/identity"
)

// crossSite is how likely a cookie is accepted by a sub-resource of another
// site's page, by its SameSite attribute (semantics.md B5, B6).
var crossSite = map[string]float64{"lax": 0.02, "strict": 0.02, "none": 0.7, "unknown": 0.4, "": 0.4}

// Accepts returns how likely a browser's rules let the client of hit take a
// cookie in that place. Whether the client keeps cookies is another question.
func Accepts(hit *model.EdgeRow, sameSite string) float64 {
	switch {
	case cache.Delivered(hit) == cache.Nothing:
		return 0
	case foreign(hit):
		return crossSite[sameSite]
	}
	return 1
}

func foreign(hit *model.EdgeRow) bool {
	return hit.Referer == model.RefererCrossSite || hit.Referer == model.RefererFramed
}

// Mark says how a hit and its candidate stand to each other as rows of the log.
type Mark uint8

// The marks; they combine as bits.
const (
	Follower     Mark = 1 << iota // asked before the fill had arrived, and was made to wait for it
	PastLife                      // older than the time to live by every formula
	OtherVariant                  // the stored body has another length
	OtherRange                    // another part of the file
	Refreshed                     // one of them is logged as a refreshed hit
	Relayed                       // came through a second tier of cache
)

// Case is one hit with one candidate, as the judge sees it.
type Case struct {
	Hit       *model.EdgeRow
	Reading   *identity.Reading
	Verdict   *identity.Verdict
	Candidate *identity.Candidate // nil: a fill whose row is lost
	Rivals    int                 // candidates that are not negligible
	Edge      bool                // only the most generous expiry formula allows it
	Assumed   bool                // that the fill set the cookie is an assumption
	Quiet     bool                // the fill presented a session, and its response set none
	Rung      model.Rung          // by which the holder was found; 0: as by the fill's own row
	Placed    Placed              // how, if by RungPlaced
	Anonymous bool                // the holder's session belongs to nobody
	Ended     model.Instant       // of the holder's session, by the directory; 0: not known
	Marks     Mark
	Facts
}

// Placed is how an origin row without a request id was found to be the fill's.
type Placed struct {
	Address bool          // by the viewer's address too, not by path and time alone
	Others  int           // rows that fit as well
	Within  time.Duration // how long the request was under way, as far as can be told
}

func (p *Placed) evidence() string {
	by, others := "path and time alone", "no other row fits"
	if p.Address {
		by = "address, path and time"
	}
	if p.Others > 0 {
		others = fmt.Sprintf("other rows that fit: %d", p.Others)
	}
	return fmt.Sprintf("placed by %s, within %.1f s; %s", by, p.Within.Seconds(), others)
}

// Facts are what the judge is told about one hit, besides its rows.
type Facts struct {
	SameSite         string
	Revocable        string
	OffScope         bool // a cookie set by this host is not sent to the application
	Stripped         bool // the incident file says that the cookie was removed at that moment
	Bare             bool // its headers are as small as those of hits without a cookie
	Colleagues       bool // recipient and holder share a workspace
	MembershipsDated bool

	// What is wrong with the logs at that moment, in words; "" if nothing.
	Clock, Gap, Sample, NotLive string
}

// Judgement is the outcome for one row.
type Judgement struct {
	Flags                    []model.Flag
	Delivered, Applied, Used float64
	Tier                     model.Tier
}

// sameDevice is how likely a fill of the same address and User-Agent, or of the
// same device id, was the recipient's own, where no connection ties or separates
// them. A hit has its id by its connection, so that an id sets nothing aside.
var sameDevice = [...]float64{identity.LinkNone: 0, identity.LinkShared: 0.2, identity.LinkDevice: 0.7, identity.LinkDeviceID: 0.97, identity.LinkConnection: 1}

// Scales of the flags that only the judge knows of; the others moved their
// factor where packages reconstruct and identity weighed it.
const (
	notLive  = 0.1  // the change point of a location is estimated from few rows
	bare     = 0.3  // bytes are compressed, and other headers vary
	stripped = 0.1  // a statement of the incident file, not of the log
	offScope = 0.05 // the host itself may serve more than files
	dead     = 0.02 // a session store may end sessions late
)

// Judge raises the flags of c and draws its tier.
func Judge(c *Case) Judgement {
	j := Judgement{Flags: c.flags()}
	j.Delivered, j.Applied, j.Used = c.Verdict.Delivered, c.Verdict.Applied, c.Verdict.Used
	if c.Verdict.Use == nil {
		own := 1 - c.self()
		j.Applied *= own
		j.Used *= own
		j.scale(ConfigNotLive, notLive, &j.Delivered, &j.Applied, &j.Used)
		j.scale(HeadersBare, bare, &j.Delivered, &j.Applied, &j.Used)
		j.scale(SetCookieStripped, stripped, &j.Delivered, &j.Applied, &j.Used)
		j.scale(CookieScope, offScope, &j.Used)
		j.scale(SessionDead, dead, &j.Used)
	}
	aside := slices.ContainsFunc(j.Flags, setsAside)
	if aside {
		j.Applied, j.Used = 0, 0
	}
	if has(NotDelivered, j.Flags) || has(NoSessionFill, j.Flags) || has(RollThrottled, j.Flags) {
		j.Delivered = 0 // a delivery is of a cookie
	}
	j.Delivered, j.Applied, j.Used = Round(j.Delivered), Round(j.Applied), Round(j.Used)
	j.Tier = c.tier(&j, aside)
	return j
}

// scale multiplies what a raised flag moves.
func (j *Judgement) scale(name model.FlagName, by float64, ps ...*float64) {
	if !has(name, j.Flags) {
		return
	}
	for _, p := range ps {
		*p *= by
	}
}

// setsAside reports whether the flag takes a row out of every count.
func setsAside(f model.Flag) bool {
	d, _ := Lookup(f.Name)
	return d.SetAside()
}

// sameSession is how likely a recipient that presented the holder's session, or
// another one of its user, before the hit is that user, by what ties the two.
var sameSession = [...]float64{identity.LinkNone: 0, identity.LinkShared: 0.2, identity.LinkDevice: 0.97, identity.LinkDeviceID: 0.99, identity.LinkConnection: 1}

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
	case c.Verdict.Use != nil && c.named() && c.Verdict.UseLink >= identity.LinkDevice && j.Applied >= confirmed && !c.hearsay():
		return model.TierConfirmed
	}
	t := min(TierOf(j.Applied), c.strongest())
	if c.Candidate != nil && !c.held() {
		t = min(t, model.TierPossible) // the proposition names a holder, and none is known
	}
	return t
}

// named reports whether the holder was known before its session was seen in use,
// or nothing else can have brought it. Where other fills fit this hit, the use
// tells that a delivery happened, and not for sure that it was this one.
func (c *Case) named() bool { return c.Rung != model.RungUnknown || c.Rivals == 0 }

// hearsay reports whether one description, an address and a User-Agent, both
// named the holder and ties the use, and the use is somebody's record: no
// request shows either, and the one cannot confirm the other.
func (c *Case) hearsay() bool {
	return c.Verdict.Use.Told && c.Verdict.UseLink <= identity.LinkDevice && c.strongest() == model.TierPossible
}

// strongest returns the highest tier that a holder found by a rung of the
// ladder can have without its use being seen. Between two requests of one
// connection, or one device id, sits one jar: likely, never sure. So is a row
// that was placed by the viewer's address. An address and a User-Agent are a
// description that fits others too, and a path any client's.
func (c *Case) strongest() model.Tier {
	switch {
	case c.Rung == model.RungConnection, c.Rung == model.RungDeviceID, c.Rung == model.RungPlaced && c.Placed.Address:
		return model.TierProbable
	case c.Rung == model.RungAgent, c.Rung == model.RungPlaced:
		return model.TierPossible
	}
	return model.TierConfirmed
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

// flags raises what applies, by name.
func (c *Case) flags() []model.Flag {
	var out []model.Flag
	for i := range table {
		if e := table[i].evidence(c); e != "" {
			out = append(out, model.Flag{Name: table[i].Name, Evidence: e})
		}
	}
	return out
}

// held reports whether the candidate's session, or its user, is known.
func (c *Case) held() bool {
	return c.Candidate != nil && (!c.Candidate.Session.IsZero() || c.Candidate.User != "")
}

// back reports whether the candidate's session is the recipient's own.
func (c *Case) back() bool {
	return c.held() && !c.Reading.OwnOpen && !c.Reading.Own.IsZero() && c.Candidate.Session == c.Reading.Own
}

// here reports whether the recipient's own session was seen on its connection.
func (c *Case) here() bool { return c.Reading.OwnLink == identity.LinkConnection }
