// Package verdict judges: it raises flags, turns probabilities into tiers,
// rolls deliveries up to users and workspaces and bounds their numbers.
//
// Every flag is a row of one table: its name, what it means in words that a
// lawyer can use, and which factor of a delivery it moves. The same table
// drives the judgement, the report and `explain`.
package verdict

import (
	"slices"

	"github.com/spillscope/spillscope/model"
)

// The flags (semantics.md G).
const (
	SelfHit               model.FlagName = "SELF_HIT"
	SameAccount           model.FlagName = "SAME_ACCOUNT"
	Colleague             model.FlagName = "COLLEAGUE"
	NoSessionFill         model.FlagName = "NO_SESSION_FILL"
	CrossSite             model.FlagName = "CROSS_SITE"
	BotToolMonitor        model.FlagName = "BOT_TOOL_MONITOR"
	NotDelivered          model.FlagName = "NOT_DELIVERED"
	AbortedAfterHeaders   model.FlagName = "ABORTED_AFTER_HEADERS"
	AmbiguousFill         model.FlagName = "AMBIGUOUS_FILL"
	TTLEdge               model.FlagName = "TTL_EDGE"
	OrphanHit             model.FlagName = "ORPHAN_HIT"
	SwitchNotSeen         model.FlagName = "SWITCH_NOT_SEEN"
	NeverSeenAgain        model.FlagName = "NEVER_SEEN_AGAIN"
	SharedEgress          model.FlagName = "SHARED_EGRESS"
	MembershipDateUnknown model.FlagName = "MEMBERSHIP_DATE_UNKNOWN"
	UseSeen               model.FlagName = "USE_SEEN"
	HolderUnknown         model.FlagName = "HOLDER_UNKNOWN"
	LikelySelf            model.FlagName = "LIKELY_SELF"
	FillRowLost           model.FlagName = "FILL_ROW_LOST"
	SelfHealPossible      model.FlagName = "SELF_HEAL_POSSIBLE"
	CookieSetAssumed      model.FlagName = "COOKIE_SET_ASSUMED"
)

// FlagDef is what a flag means.
type FlagDef struct {
	Name     model.FlagName
	Factor   string // holder, delivered, applied or used
	SetAside bool   // it cannot matter; still listed
	Words    string
}

// table lists the flags by name.
var table = [...]FlagDef{
	{AbortedAfterHeaders, "delivered", false, "The client broke off the download, but only after the headers, and so the cookie, had been sent. A browser keeps a cookie as soon as headers arrive, so this does not exclude the delivery."},
	{AmbiguousFill, "holder", false, "More than one stored response may have been the one that was delivered, because the log's stamps are whole seconds. The holders listed for this hit are alternatives; their probabilities add up to at most one."},
	{BotToolMonitor, "applied", false, "The client calls itself a crawler, a tool or a monitor. Such programs rarely keep cookies. A name can be forged, so the row stays listed."},
	{Colleague, "applied", false, "Recipient and holder are members of the same workspace. For that workspace nothing left the circle of its members; the holder's other workspaces are judged by themselves."},
	{CookieSetAssumed, "delivered", false, "The log does not say whether this stored response set the cookie; the incident file states it as an assumption."},
	{CrossSite, "applied", false, "The page that asked for the file belongs to another site, or is a page of ours shown in a frame there. With this SameSite setting browsers do not accept the cookie in that place."},
	{FillRowLost, "holder", false, "The stored response that was delivered is not in the logs. The holder was read from the session that the recipient's client presented afterwards."},
	{HolderUnknown, "holder", false, "It is not known whose session this stored response carried: it has no row in the origin log and no logged cookie."},
	{LikelySelf, "applied", false, "The same address and kind of browser had presented this session, or another one of its user, before: most likely the recipient got back what it had. Somebody else may share both, so the row stays listed."},
	{MembershipDateUnknown, "holder", false, "The directory does not say when memberships began and ended, nor when it was exported. Workspaces are those of its export, perhaps not those of the day."},
	{NeverSeenAgain, "used", false, "The recipient's client does not appear in the logs after the delivery. Whether it used the session is not known; it is not cleared."},
	{NotDelivered, "delivered", true, "The client was gone before the answer began (status 000): nothing reached it."},
	{NoSessionFill, "delivered", true, "The stored response carried no session: the request that fetched it presented none and none was issued."},
	{OrphanHit, "holder", false, "No stored response in the logs can have been the one delivered: its row is lost, or it came from a cache tier that does not log here."},
	{SameAccount, "applied", true, "Recipient and holder are the same user, on another session or device."},
	{SelfHealPossible, "used", false, "A request of the recipient's own session was under way at that moment; its response may have put the own session back at once."},
	{SelfHit, "applied", true, "The recipient's client itself had fetched the stored response, or already held this session of its own: it got back what it had."},
	{SharedEgress, "used", false, "Several users share the recipient's address and kind of browser, so later requests from there say less about this one client."},
	{SwitchNotSeen, "used", false, "After the delivery the recipient's client went on presenting its own session."},
	{TTLEdge, "delivered", false, "The stored response was older than its time to live and could only be served if the cache counts whole seconds generously."},
	{UseSeen, "used", false, "After the delivery the recipient's client presented the holder's session at the origin, with no login in between."},
}

// Flags returns every flag by name.
func Flags() []FlagDef { return slices.Clone(table[:]) }

// Lookup returns what the flag means.
func Lookup(name model.FlagName) (FlagDef, bool) {
	i := slices.IndexFunc(table[:], func(d FlagDef) bool { return d.Name == name })
	if i < 0 {
		return FlagDef{}, false
	}
	return table[i], true
}

// setsAside reports whether the flag takes a row out of every count.
func setsAside(name model.FlagName) bool {
	d, _ := Lookup(name)
	return d.SetAside
}
