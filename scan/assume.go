package scan

import (
	"fmt"

	"github.com/spillscope/spillscope/model"
)

// assumedCaches states what the result rests on because of what caches do and
// the incident file leaves open, with what the log showed of it.
func (s *state) assumedCaches() []string {
	c := s.Incident.Cache
	t, l := &s.tally, &s.losses
	var out []string
	say := func(cond bool, format string, args ...any) {
		if cond {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	open := c.Revalidation != model.RevalidationKept && c.Revalidation != model.RevalidationReplaced
	say(open && (t.refreshed > 0 || s.confirms.pool.Sum() > 0),
		"%d responses were revalidated (RefreshHit); the incident file leaves open whether a 304 keeps or replaces the stored Set-Cookie; their clients may have been handed the stored one. %s", t.refreshed, s.confirms.words())
	known := c.UpperTier.Exists()
	say(known == model.Unknown && !s.upper(),
		"whether an upper tier exists is unknown; from Misses without an origin row its probability is %.2f, and none was looked for", l.Tier)
	say(known == model.Unknown && s.upper(), "%s; what it kept, and for how long, was read from the log; state cache.upper_tier if you know it", s.tierSigns())
	say(known == model.Yes && t.relays.tier > 0, "%d Misses in the window were answered by the upper tier, or their origin rows are lost: their clients may have been handed a stored response", t.relays.tier)
	say(known == model.No && l.Seen > 0 && float64(l.Seen) > 2*l.Expected+strange,
		"cache.upper_tier says none, so %d of %d Misses without an origin row count as fills whose rows are lost, though lost rows explain %.0f", l.Seen, l.Misses, l.Expected)
	say(t.stoodIn > 0, "%d times the origin failed and a stored response was sent in its place, however old", t.stoodIn)
	say(t.relays.errors > 0, "%d errors that the origin did not see may have come from the cache", t.relays.errors)
	say(c.ServeStale == nil && t.behind == 0, "whether stale responses were served is unknown; no Hit was also seen at the origin, so none is allowed for")
	say(c.ServeStale == nil && t.behind > 0, "%d Hits were also seen at the origin: responses were refreshed in the background, and up to %v of stale serving is allowed for; state serve_stale if you know it", t.behind, behind)
	return out
}

// tierSigns says what shows that there is an upper tier.
func (s *state) tierSigns() string {
	l := &s.losses
	slow, seen := s.trips.sum.Slow()
	if seen {
		return fmt.Sprintf("%d Hits that no fill of their own cache explains took longer than Hits do: an upper tier answered them", slow)
	}
	if n, seen := s.trips.sum.Unrenewed(l.Origin.Feared()); seen {
		return fmt.Sprintf("%d stale responses were served although those before them must have set off a refresh, which the origin did not see: an upper tier answered it", n)
	}
	return fmt.Sprintf("%d of %d Misses on suspect routes have no origin row, and lost rows explain %.0f: an upper tier answered the others", l.Seen, l.Misses, l.Expected)
}
