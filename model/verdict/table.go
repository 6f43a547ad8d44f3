package verdict

import (
	"fmt"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/identity"
)

// rule is a flag with the condition that raises it. evidence is what speaks for
// it, in words that hold no address; "" where it does not apply.
type rule struct {
	FlagDef
	evidence func(*Case) string
}

// table lists the flags by name.
var table = [...]rule{
	{FlagDef{AbortedAfterHeaders, "delivered", Annotates,
		"The client broke off the download, but only after the headers, and so the cookie, had been sent. A browser keeps a cookie as soon as headers arrive, so this does not exclude the delivery."},
		func(c *Case) string {
			h := c.Hit
			return when(cache.Delivered(h) == cache.Headers, "result %s after response result %s, %d bytes sent", h.Result, h.ResponseResult, h.Bytes)
		}},
	{FlagDef{AmbiguousFill, "holder", Widens,
		"More than one stored response may have been the one that was delivered, because the log's stamps are whole seconds. The holders listed for this hit are alternatives; their probabilities add up to at most one."},
		func(c *Case) string { return when(c.Rivals > 1, "%d fills possible", c.Rivals) }},
	{FlagDef{AnonShared, "holder", Annotates,
		"The session that was delivered belonged to nobody: no one had logged in with it. Several clients then share one anonymous session; whoever logs in with it first logs in the others too, unless the application changes the session at login."},
		func(c *Case) string { return when(c.Anonymous && c.held(), "a session without a user") }},
	{FlagDef{AppNoJar, "applied", Lowers,
		"The client is an application that talks HTTP itself. Some such programs keep cookies and some do not; a browser inside an application does."},
		func(c *Case) string { return when(c.Hit.Kind == model.ClientApp, "user agent of an app") }},
	{FlagDef{BotToolMonitor, "applied", Lowers,
		"The client calls itself a crawler, a tool or a monitor. Such programs rarely keep cookies. A name can be forged, so the row stays listed."},
		func(c *Case) string { return when(program(c.Hit.Kind), "user agent of a %s", kindNames[c.Hit.Kind]) }},
	{FlagDef{CameBackEmpty, "applied", Lowers,
		"After the delivery the recipient's client came back without any session, where its requests usually carry one: most likely it did not take the cookie."},
		func(c *Case) string {
			if c.Verdict.Use != nil || c.Reading.Empty == nil {
				return ""
			}
			return fmt.Sprintf("request %s at %v", c.Reading.Empty.RequestID, c.Reading.Empty.Start.Lo)
		}},
	{FlagDef{ClockUnsure, "holder", Widens,
		"The clock of the origin log could not be brought in line with that of the edge, so stored responses are timed by the edge's whole seconds alone."},
		func(c *Case) string { return c.Clock }},
	{FlagDef{Collapsed, "delivered", Annotates,
		"The client asked while the stored response was still on its way from the origin, and was handed it when it came. That several requests are answered with one response is an ordinary mechanism of caches; a session in it reaches all of them."},
		func(c *Case) string {
			return when(c.Marks&Follower != 0, "asked before the stored response had arrived")
		}},
	{FlagDef{Colleague, "applied", Annotates,
		"Recipient and holder are members of the same workspace. For that workspace nothing left the circle of its members; the holder's other workspaces are judged by themselves."},
		func(c *Case) string { return when(c.Colleagues && !c.Verdict.Same, "they share a workspace") }},
	{FlagDef{ConfigNotLive, "delivered", Lowers,
		"At that moment the location does not yet, or no longer, appear to have run the configuration that leaked: a change reaches locations at different times, and no response seen there then set the cookie."},
		func(c *Case) string { return c.NotLive }},
	{FlagDef{CookieScope, "used", Lowers,
		"The cookie is host-only: a browser that got it from this host sends it to this host alone, and the application is served from others. What it opens there depends on what this host serves."},
		func(c *Case) string {
			return when(c.OffScope && c.Verdict.Use == nil, "host_only and used_at of the incident file")
		}},
	{FlagDef{CookieSetAssumed, "delivered", Annotates,
		"No row says whether this stored response set the cookie: its row in the origin log is missing or does not tell. That it did is assumed."},
		func(c *Case) string { return when(c.Assumed, "no origin row tells; set_on of the incident file") }},
	{FlagDef{CrossSite, "applied", Lowers,
		"The page that asked for the file belongs to another site, or is a page of ours shown in a frame there. With this SameSite setting browsers do not accept the cookie in that place."},
		func(c *Case) string {
			return when(foreign(c.Hit) && crossSite[c.SameSite] < 1, "referer class %s, SameSite %s", refererNames[c.Hit.Referer], orUnknown(c.SameSite))
		}},
	{FlagDef{ErrorCached, "delivered", Annotates,
		"What was delivered is a stored error page. Caches keep such pages by a rule of their own, often for longer; a cookie in it is taken like any other."},
		func(c *Case) string { return when(c.Hit.Status >= 400, "status %d", c.Hit.Status) }},
	{FlagDef{FillRowLost, "holder", Widens,
		"By this row, the stored response that was delivered is not in the logs. The holder was read from the session that the recipient's client presented afterwards."},
		func(c *Case) string { return when(c.Candidate == nil, "%s", lostEvidence(c.Rivals)) }},
	{FlagDef{HeadersBare, "delivered", Lowers,
		"The response's headers are no larger than those of responses without a cookie, by the bytes that the CDN counted. Compression can hide a difference, so the row stays listed."},
		func(c *Case) string {
			return when(c.Bare && c.Verdict.Use == nil, "%d bytes of headers", c.Hit.Bytes-c.Hit.ContentLength)
		}},
	{FlagDef{HeadRecipient, "applied", Annotates,
		"The client asked for the headers alone. They carry the cookie; a browser rarely asks so, a program does."},
		func(c *Case) string { return when(c.Hit.Method == "HEAD", "method HEAD") }},
	{FlagDef{HolderUnknown, "holder", Widens,
		"It is not known whose session this stored response carried: it has no row in the origin log and no logged cookie."},
		func(c *Case) string {
			return when(c.Candidate != nil && c.Candidate.Bears && !c.held(), "no origin row and no logged cookie")
		}},
	{FlagDef{LikelySelf, "applied", Lowers,
		"The same address and kind of browser, or the same device id, had presented this session, or another one of its user, before: most likely the recipient got back what it had. Somebody else may share both, so the row stays listed."},
		func(c *Case) string {
			link := c.Reading.OwnLink
			like := c.Verdict.Same && (link == identity.LinkDevice || link == identity.LinkDeviceID)
			if c.Verdict.Self == identity.LinkDeviceID && !c.back() {
				return when(c.Verdict.Use == nil, "the fill came under the same device id")
			}
			return when(c.Verdict.Use == nil && like, "%s", selfEvidence(c.back()))
		}},
	{FlagDef{LogGap, "holder", Widens,
		"Rows are missing from the log near this moment, so the stored response that was delivered may be among them. Its probability is that of an unknown fill."},
		func(c *Case) string { return c.Gap }},
	{FlagDef{MembershipDateUnknown, "holder", Widens,
		"The directory does not say when memberships began and ended, nor when it was exported. Workspaces are those of its export, perhaps not those of the day."},
		func(c *Case) string { return when(!c.MembershipsDated, "no valid_from, valid_to or as_of") }},
	{FlagDef{NeverSeenAgain, "used", Widens,
		"The recipient's client does not appear in the logs after the delivery. Whether it used the session is not known; it is not cleared."},
		func(c *Case) string { return when(!c.Reading.Again, "no later request of this client") }},
	{FlagDef{NotCredentialed, "applied", Lowers,
		"The client was signed in, and yet its request for the file carried no cookie. One rule of browsers decides for both directions: what carries no cookie takes none."},
		func(c *Case) string {
			return when(c.Verdict.Use == nil && c.Reading.Bare, "the edge logged the hit without a session cookie")
		}},
	{FlagDef{NotDelivered, "delivered", Excludes,
		"The client was gone before the answer began (status 000): nothing reached it."},
		func(c *Case) string { return when(cache.Delivered(c.Hit) == cache.Nothing, "status 000") }},
	{FlagDef{NotModified, "delivered", Annotates,
		"The cache answered that the client's own copy is still good (304). Such an answer can carry the cookie, and browsers take it, so this does not exclude the delivery."},
		func(c *Case) string { return when(c.Hit.Status == 304, "status 304") }},
	{FlagDef{NoSessionFill, "delivered", Excludes,
		"The stored response carried no session: the request that fetched it presented none and none was issued."},
		func(c *Case) string {
			return when(c.Candidate != nil && !c.Candidate.Bears && !c.Quiet, "neither its origin row nor a logged cookie shows a session")
		}},
	{FlagDef{OriginPlaced, "holder", Lowers,
		"The application's row of the request that fetched the stored response has no request id. It was found by what it has in common with that request; another one may have had as much. Seen in use, the session speaks for itself."},
		func(c *Case) string { return when(c.Rung == model.RungPlaced, "%s", c.Placed.evidence()) }},
	{FlagDef{OrphanHit, "holder", Widens,
		"No stored response in the logs can have been the one delivered: its row is lost, or it came from a cache tier that does not log here."},
		func(*Case) string { return "" }}, // counted with the unattributed hits, which have no rows
	{FlagDef{RangePart, "delivered", Annotates,
		"A part of the file was asked for. Caches may keep parts apart, each with the cookie of the response it came from."},
		func(c *Case) string {
			return when(c.Hit.Status == 206 || c.Marks&OtherRange != 0, "status %d", c.Hit.Status)
		}},
	{FlagDef{Revalidated, "delivered", Widens,
		"The origin was asked whether the stored response was still good. Whether the cookie that was delivered is the stored one or that of the origin's answer depends on the cache; where that is not known, both are weighed."},
		func(c *Case) string {
			return when(c.Marks&Refreshed != 0, "hit or fill is logged as a refreshed hit")
		}},
	{FlagDef{RollThrottled, "delivered", Excludes,
		"The request that fetched the stored response presented a session, but its response set no cookie: the application does not renew it on every response."},
		func(c *Case) string {
			return when(c.Candidate != nil && !c.Candidate.Bears && c.Quiet, "its origin row shows a session and no Set-Cookie")
		}},
	{FlagDef{SameAccount, "applied", Excludes,
		"Recipient and holder are the same user, on another session or device."},
		func(c *Case) string {
			return when(c.Verdict.Use == nil && c.Verdict.Same && !c.back() && c.here(), "another session of the recipient's own user")
		}},
	{FlagDef{Sampled, "holder", Widens,
		"The log holds a sample of the requests only. It can show what happened, and never that something did not."},
		func(c *Case) string { return c.Sample }},
	{FlagDef{SelfHealPossible, "used", Lowers,
		"A request of the recipient's own session was under way at that moment; its response may have put the own session back at once."},
		func(c *Case) string {
			return when(c.Verdict.Use == nil && c.Reading.Racing && !c.Verdict.Same, "an own request overlaps the hit")
		}},
	{FlagDef{SelfHit, "applied", Excludes,
		"The recipient's client itself had fetched the stored response, or already held this session of its own: it got back what it had."},
		func(c *Case) string {
			own := c.back() && c.here() || c.Verdict.Self == identity.LinkConnection
			return when(c.Verdict.Use == nil && own, "%s", selfEvidence(c.back()))
		}},
	{FlagDef{SessionDead, "used", Lowers,
		"The holder's session had ended before the delivery, and sessions are checked at the server: it opens nothing. A signed cookie would still have opened it."},
		func(c *Case) string {
			dead := c.Ended != 0 && c.Ended <= c.Hit.End.Lo && c.Revocable != "signed" && c.Verdict.Use == nil
			return when(dead, "ended at %v by the directory", c.Ended)
		}},
	{FlagDef{SetCookieStripped, "delivered", Lowers,
		"The incident file says that the cookie was being removed from responses at that moment. Where a client presented the holder's session afterwards all the same, that is believed instead."},
		func(c *Case) string {
			return when(c.Stripped && c.Verdict.Use == nil, "cookie.stripped of the incident file")
		}},
	{FlagDef{SharedEgress, "used", Widens,
		"Several users share the recipient's address and kind of browser, so later requests from there say less about this one client."},
		func(c *Case) string {
			return when(c.Reading.Jars > 1, "%d users seen from this address and user agent", c.Reading.Jars)
		}},
	{FlagDef{Stale, "delivered", Annotates,
		"The stored response was past its time to live. Caches hand out such responses while they fetch a new one, or while the origin does not answer."},
		func(c *Case) string { return when(c.Marks&PastLife != 0, "older than its time to live by any formula") }},
	{FlagDef{SwitchNotSeen, "used", Lowers,
		"After the delivery the recipient's client went on presenting its own session."},
		func(c *Case) string {
			return when(c.Verdict.Use == nil && c.Reading.Kept != nil && !c.Verdict.Same, "%s", keptEvidence(c.Reading))
		}},
	{FlagDef{TTLEdge, "delivered", Lowers,
		"The stored response was older than its time to live and could only be served if the cache counts whole seconds generously."},
		func(c *Case) string {
			return when(c.Edge, "fits only where ⌊now⌋−⌊arrival⌋ may equal the time to live")
		}},
	{FlagDef{UpperTier, "holder", Widens,
		"The response came through a second cache between edge and origin, where somebody else's request had stored it. A request that the edge logs as a miss was then a delivery too."},
		func(c *Case) string {
			return when(c.Marks&Relayed != 0, "the origin was not asked by this location")
		}},
	{FlagDef{UseSeen, "used", Raises,
		"After the delivery the recipient's client presented the holder's session at the origin, with no login in between."},
		func(c *Case) string { return useEvidence(c.Verdict) }},
	{FlagDef{VariantMismatch, "holder", Lowers,
		"Hit and stored response differ in length, as another encoding or an older version of the file would. Caches may serve one in the other's place, so it stays a candidate."},
		func(c *Case) string { return when(c.Marks&OtherVariant != 0, "content lengths differ") }},
}

// when returns the evidence if cond holds, "" if not.
func when(cond bool, format string, args ...any) string {
	if !cond {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

var refererNames = [...]string{"none", "same host", "same site", "framed page", "other site"}

var kindNames = [...]string{"unknown client", "browser", "app", "bot", "tool", "monitor"}

// program reports whether a client of kind acts for no person.
func program(kind model.ClientKind) bool {
	return kind == model.ClientBot || kind == model.ClientTool || kind == model.ClientMonitor
}

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

func lostEvidence(rivals int) string {
	if rivals == 0 {
		return "no fill in the logs fits"
	}
	return "no fill in the logs that fits carried the session"
}

func keptEvidence(r *identity.Reading) string {
	if r.Kept == nil {
		return ""
	}
	return fmt.Sprintf("request %s at %v, tied by %v", r.Kept.RequestID, r.Kept.Start.Lo, r.KeptLink)
}
