package scan

import (
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// event is row as package reconstruct sees it.
func (s *state) event(row *cacheRow) *reconstruct.Event {
	e := &row.Edge
	how := cache.Classify(e)
	out := &reconstruct.Event{
		ID: e.ID, Start: e.Start(), Available: e.Available(), End: e.End,
		Origin:    s.offset.Correct(row.Hold.Stamp),
		Recipient: how == cache.Hit,
		Fill:      isFill(row, how),
		Miss:      (how == cache.Miss || how == cache.Revalidated) && cache.Storable(e),
		Error:     e.Status >= 400,
		Head:      e.Method == "HEAD",
		Own:       1,
		Variant:   variant(e),
		Payload:   row,
	}
	s.relay(row, how, out)
	switch {
	case e.Status == 0 && row.Hold.Origin && (how == cache.Hit || s.stale() > 0 || s.upper()):
		s.abandoned(row, out)
	case how == cache.Hit && row.forwarded():
		out.Arrived = s.arrived(row)
	}
	return out
}

// relay sets what out may store that is not its own response.
func (s *state) relay(row *cacheRow, how cache.Handling, out *reconstruct.Event) {
	storable := cache.Storable(&row.Edge)
	switch {
	case s.stoodIn(row, how):
		out.Relay, out.Own, out.Refreshed, out.Failing = true, 0, true, true
		out.Fill, out.Miss, out.Recipient = true, false, false
	case how == cache.Revalidated || how == cache.Hit && row.Origin != nil && row.Origin.Status == 304:
		out.Own, out.Undecided = s.revalidated(row)
		out.Relay, out.Refreshed = out.Own < 1, out.Own < 1
	case how == cache.Miss && !row.Hold.answered():
		out.Own = s.own(row)
		out.Relay = out.Own < 1
	case how == cache.Failed && !row.Hold.answered() && out.Error && storable:
		out.Own = s.own(row)
		out.Fill, out.Doubt = true, 1-out.Own
	case how == cache.Hit && !row.Hold.Origin && storable:
		s.behindHit(row, out)
	}
}

// behindHit sets what out, a hit without an origin row, may store all the same.
func (s *state) behindHit(row *cacheRow, out *reconstruct.Event) {
	if row.forwarded() {
		out.Doubt = 0.5 // what the origin said is not known: it may have failed, and nothing was stored
		return
	}
	if up := s.upward(row, false); up >= noticeable {
		out.Fill, out.Relay, out.Own, out.Doubt = true, true, 0, 1-up
	}
}

// abandoned lets out stand for what its client did not wait for. CloudFront
// does not store such a response (semantics.md A2.23), unless it was fetched
// in the background, or by an upper tier.
func (s *state) abandoned(row *cacheRow, out *reconstruct.Event) {
	e := &row.Edge
	if e.Method != "GET" && e.Method != "HEAD" {
		return
	}
	out.Fill, out.Own, out.Doubt = true, 1, 0.5
	if out.Recipient {
		out.Doubt = 0.1
	}
	out.Arrived = s.arrived(row)
	if out.Arrived.IsZero() {
		out.Arrived = model.Interval{Lo: out.Available.Lo, Hi: out.End.Hi.Add(unhurried)}
	}
}

// variant is what the log shows of the stored form that e was sent.
func variant(e *model.EdgeRow) reconstruct.Variant {
	v := reconstruct.Variant{Type: e.ContentType, Bodiless: e.Method == "HEAD" || e.Status == 304}
	if e.ContentLength > 0 {
		v.Length = e.ContentLength
	}
	if e.Status == 206 && e.RangeStart >= 0 && e.RangeEnd >= 0 {
		v.RangeStart, v.RangeEnd = e.RangeStart+1, e.RangeEnd+1
	}
	return v
}

// isFill reports whether row may have entered the cache: a miss, a refreshed
// object, or any row for which the origin was asked (a background refresh is
// logged as a hit).
func isFill(row *cacheRow, how cache.Handling) bool {
	return cache.Storable(&row.Edge) && (how == cache.Miss || how == cache.Revalidated || row.forwarded())
}

// stoodIn reports whether the cache sent what it had, however stale, because
// the origin failed (semantics.md A2.21).
func (s *state) stoodIn(row *cacheRow, how cache.Handling) bool {
	return row.Origin != nil && row.Origin.Status >= 500 && row.Edge.Status < 400 && how != cache.Generated && cache.Storable(&row.Edge)
}

// revalidated returns how likely a confirmed response left its own Set-Cookie
// in the cache; open says that it is a matter of what the cache does, not of
// this response. A 304 without one leaves the stored one, and an answer that
// is no 304 replaces the whole object (RFC 9111 §4.3.3, §4.3.4), unless what
// logged it does not know what was sent in the end.
func (s *state) revalidated(row *cacheRow) (own float64, open bool) {
	o, rule := row.Origin, s.Incident.Cache.Revalidation
	confirmed := o == nil || o.Status == 304
	switch {
	case row.Hold.Origin && !row.Hold.Bears && confirmed, rule == model.RevalidationKept && confirmed:
		return 0, false
	case rule == model.RevalidationReplaced:
		return 1, false
	case !confirmed && o.Status >= 200 && o.Status < 400:
		return replacing, false
	}
	return 0.5, true
}

// stores reports whether a confirmed response may have left its own Set-Cookie.
func (s *state) stores(row *cacheRow) bool {
	own, _ := s.revalidated(row)
	return own > 0
}

// replacing is how likely a response logged at the origin with a status of its
// own replaced what was stored.
const replacing = 0.9

// own returns how likely a response that the origin log does not show was the
// origin's own all the same.
func (s *state) own(row *cacheRow) float64 {
	e := &row.Edge
	switch {
	case cache.Classify(e) == cache.Failed && s.unlogged(e.Route):
		return 0.5
	case cache.Classify(e) == cache.Failed:
		lost := s.losses.Origin.At(e.End.Lo)
		return lost / (lost + cachedErrors)
	case !s.upper():
		return 1
	case s.unlogged(e.Route):
		return 0.5 // that there is a tier was stated; nothing shows which Misses it answered
	}
	return s.losses.Own(row.Cache, e.Route, e.End.Lo)
}

// cachedErrors is how likely an error that the origin did not see came from
// the cache, rather than from an edge that got no answer.
const cachedErrors = 0.2

// unlogged reports whether the origin logs no request on a route, so that a
// missing row says nothing.
func (s *state) unlogged(route int) bool {
	return s.losses.Misses == 0 || slices.Contains(s.losses.Unlogged, route)
}

// unhurried is what an answer may take that nobody timed.
const unhurried = 10 * time.Second

// arrived returns when the answer to a background refresh reached the cache,
// as far as the origin's stamp can say; zero if it cannot.
func (s *state) arrived(row *cacheRow) model.Interval {
	if !row.Hold.Origin { // the edge alone says that it asked
		return model.Interval{Lo: row.Edge.Available().Lo, Hi: row.Edge.End.Hi.Add(unhurried)}
	}
	if s.offset.Refused != "" || row.Hold.Stamp.IsZero() {
		return model.Interval{}
	}
	at := s.offset.Correct(row.Hold.Stamp).Shift(s.offset.Lag).Widen(3*s.offset.Spread + time.Second)
	switch o := row.Origin; {
	case o != nil && o.Taken >= 0:
		at.Hi = at.Hi.Add(o.Taken)
	case s.offset.FromStart:
		at.Hi = at.Hi.Add(unhurried)
	}
	sent := row.Edge.Available()
	return model.Interval{Lo: max(sent.Lo, at.Lo.Add(-unhurried)), Hi: max(sent.Hi, at.Hi)}
}
