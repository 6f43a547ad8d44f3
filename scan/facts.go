package scan

import (
	"fmt"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/verdict"
)

// facts is what the judge is told about the hit e, besides its rows.
func (j *judge) facts(out *judged, e *model.EdgeRow) verdict.Facts {
	c := j.Incident.Cookie
	at := e.End.Lo
	return verdict.Facts{
		SameSite: c.SameSite, Revocable: c.Revocable,
		Bare:       j.headerRatios.of(e) <= bareBytes,
		OffScope:   c.HostOnly && e.Host != "" && !slices.Contains(c.UsedAt, e.Host),
		Stripped:   slices.ContainsFunc(c.Stripped, func(s model.Span) bool { return s.Contains(at) }),
		Colleagues: out.colleagues(), MembershipsDated: j.dir.MembershipDated(),
		Clock: j.clockDoubt(), Gap: j.gapNear(at), Sample: j.sampleOf(e), NotLive: j.notLive(out.delivery.Cache, at),
	}
}

// fewJoined is the number of joined rows below which an offset that was not
// found speaks of their number, not of the clock.
const fewJoined = 50

// clockDoubt says why fills are timed by the edge's stamps alone.
func (s *state) clockDoubt() string {
	if s.offset.Joined < fewJoined {
		return ""
	}
	return s.offset.Refused
}

// nearGap is how far from a gap a fill that it swallowed may still be served.
const nearGap = time.Minute

// gapNear names a gap in the edge log near at.
func (j *judge) gapNear(at model.Instant) string {
	for _, g := range j.edgeGaps {
		if g.Extend(nearGap+j.Incident.Cache.TTL.Max, nearGap+j.Incident.Cache.TTL.Max).Contains(at) {
			return fmt.Sprintf("no edge row from %v to %v", g.From, g.To)
		}
	}
	return ""
}

// notLive says how far a moment is from the session-bearing fills of a cache.
func (s *state) notLive(cacheName string, at model.Instant) string {
	leak, ok := s.leaks.by[cacheName]
	if !ok || s.live(cacheName).Contains(at) {
		return ""
	}
	if at < leak.From {
		return fmt.Sprintf("the first session-bearing fill here is at %v", leak.From)
	}
	return fmt.Sprintf("the last session-bearing fill here is at %v", leak.To)
}

// nobodys reports whether the session of a fill is one in which nobody had
// logged in: the directory has it without a user, or the application, which
// names users, named none.
func (j *judge) nobodys(h *holding) bool {
	if h.Session.IsZero() || h.User != "" {
		return false
	}
	if _, known := j.dir.SessionUser(h.Session); known {
		return true
	}
	return h.Origin && j.namesUsers()
}

// namesUsers reports whether the origin log names the user of a request.
func (s *state) namesUsers() bool {
	return slices.ContainsFunc(s.Incident.Sources, func(src model.Source) bool {
		return src.Kind == model.SourceOrigin && src.Map["user"] != ""
	})
}
