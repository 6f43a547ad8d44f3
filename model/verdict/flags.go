// Package verdict judges: it raises flags, turns probabilities into tiers,
// rolls deliveries up to users and workspaces and bounds their numbers.
//
// Every flag is a row of one table: its name, what it means in words that a
// lawyer can use, which factor of a delivery it moves and how, and the
// condition that raises it with its evidence. The same table drives the
// judgement, the report and `explain`.
package verdict

import (
	"slices"

	"github.com/spillscope/spillscope/model"
)

// The flags (semantics.md G).
const (
	AbortedAfterHeaders   model.FlagName = "ABORTED_AFTER_HEADERS"
	AmbiguousFill         model.FlagName = "AMBIGUOUS_FILL"
	AnonShared            model.FlagName = "ANON_SHARED"
	AppNoJar              model.FlagName = "APP_NO_JAR"
	BotToolMonitor        model.FlagName = "BOT_TOOL_MONITOR"
	ClockUnsure           model.FlagName = "CLOCK_UNSURE"
	Collapsed             model.FlagName = "COLLAPSED"
	Colleague             model.FlagName = "COLLEAGUE"
	ConfigNotLive         model.FlagName = "CONFIG_NOT_LIVE"
	CookieScope           model.FlagName = "COOKIE_SCOPE"
	CookieSetAssumed      model.FlagName = "COOKIE_SET_ASSUMED"
	CrossSite             model.FlagName = "CROSS_SITE"
	ErrorCached           model.FlagName = "ERROR_CACHED"
	FillRowLost           model.FlagName = "FILL_ROW_LOST"
	HeadRecipient         model.FlagName = "HEAD_RECIPIENT"
	HeadersBare           model.FlagName = "HEADERS_BARE"
	HolderUnknown         model.FlagName = "HOLDER_UNKNOWN"
	LikelySelf            model.FlagName = "LIKELY_SELF"
	LogGap                model.FlagName = "LOG_GAP"
	MembershipDateUnknown model.FlagName = "MEMBERSHIP_DATE_UNKNOWN"
	NeverSeenAgain        model.FlagName = "NEVER_SEEN_AGAIN"
	NoSessionFill         model.FlagName = "NO_SESSION_FILL"
	NotDelivered          model.FlagName = "NOT_DELIVERED"
	NotModified           model.FlagName = "NOT_MODIFIED"
	OriginPlaced          model.FlagName = "ORIGIN_PLACED"
	OrphanHit             model.FlagName = "ORPHAN_HIT"
	RangePart             model.FlagName = "RANGE_PART"
	Revalidated           model.FlagName = "REVALIDATED"
	RollThrottled         model.FlagName = "ROLL_THROTTLED"
	CameBackEmpty         model.FlagName = "CAME_BACK_EMPTY"
	NotCredentialed       model.FlagName = "NOT_CREDENTIALED"
	SameAccount           model.FlagName = "SAME_ACCOUNT"
	Sampled               model.FlagName = "SAMPLED"
	SelfHealPossible      model.FlagName = "SELF_HEAL_POSSIBLE"
	SelfHit               model.FlagName = "SELF_HIT"
	SessionDead           model.FlagName = "SESSION_DEAD"
	SetCookieStripped     model.FlagName = "SETCOOKIE_STRIPPED"
	SharedEgress          model.FlagName = "SHARED_EGRESS"
	Stale                 model.FlagName = "STALE"
	SwitchNotSeen         model.FlagName = "SWITCH_NOT_SEEN"
	TTLEdge               model.FlagName = "TTL_EDGE"
	UpperTier             model.FlagName = "UPPER_TIER"
	UseSeen               model.FlagName = "USE_SEEN"
	VariantMismatch       model.FlagName = "VARIANT_MISMATCH"
)

// Effect is what a flag does to its factor.
type Effect string

// The effects, strongest first.
const (
	Excludes  Effect = "excludes"  // sets it to zero: the row is set aside
	Lowers    Effect = "lowers"    // makes it less likely
	Raises    Effect = "raises"    // makes it more likely
	Widens    Effect = "widens"    // leaves more open
	Annotates Effect = "annotates" // moves nothing; a reader would ask
)

// FlagDef is what a flag means.
type FlagDef struct {
	Name   model.FlagName
	Factor string // holder, delivered, applied or used
	Effect Effect
	Words  string
}

// SetAside reports whether a row with the flag cannot matter; it stays listed.
func (d FlagDef) SetAside() bool { return d.Effect == Excludes }

// Flags returns every flag by name.
func Flags() []FlagDef {
	out := make([]FlagDef, len(table))
	for i := range table {
		out[i] = table[i].FlagDef
	}
	return out
}

// Lookup returns what the flag means.
func Lookup(name model.FlagName) (FlagDef, bool) {
	i := slices.IndexFunc(table[:], func(r rule) bool { return r.Name == name })
	if i < 0 {
		return FlagDef{}, false
	}
	return table[i].FlagDef, true
}
