package scan

import (
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/verdict"
)

// marks tells how hit h and its candidate f stand to each other as rows: only
// what every reading of their stamps agrees on.
func marks(f, h *model.EdgeRow, life time.Duration) verdict.Mark {
	var m verdict.Mark
	if cache.Classify(f) == cache.Miss && h.Start().Hi <= f.Available().Lo {
		m |= verdict.Follower
	}
	if h.Start().Lo >= cache.Expires(model.ExpiryAny, f.End.Hi, life) {
		m |= verdict.PastLife
	}
	if f.Status == h.Status && f.ContentLength >= 0 && h.ContentLength >= 0 && f.ContentLength != h.ContentLength && f.RangeStart == h.RangeStart && f.RangeEnd == h.RangeEnd {
		m |= verdict.OtherVariant
	}
	if f.RangeStart != h.RangeStart || f.RangeEnd != h.RangeEnd {
		m |= verdict.OtherRange
	}
	if cache.Classify(f) == cache.Revalidated || cache.Classify(h) == cache.Revalidated {
		m |= verdict.Refreshed
	}
	return m
}

// life returns the time to live of e as the incident file states it.
func (s *state) life(e *model.EdgeRow) time.Duration {
	ttl := s.Incident.RouteTTL(e.Route).Max
	if e.Status >= 400 {
		return max(ttl, s.Incident.Cache.ErrorTTL)
	}
	return ttl
}
