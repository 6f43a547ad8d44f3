package cache

import (
	"time"

	"github.com/spillscope/spillscope/model"
)

// Rules lists the expiry formulas that exist in source code of real caches
// (semantics.md A4), in the fixed order that weights are kept in.
var Rules = [...]model.Expiry{model.ExpiryReal, model.ExpiryFloor, model.ExpiryCeil}

// Fresh reports whether a response that arrived at a is still fresh at now
// under one of Rules.
func Fresh(rule model.Expiry, a, now model.Instant, ttl time.Duration) bool {
	return now < Expires(rule, a, ttl)
}

// Expires returns the first instant at which a response that arrived at a is
// no longer fresh. ExpiryAny is the union, so its latest.
func Expires(rule model.Expiry, a model.Instant, ttl time.Duration) model.Instant {
	switch rule {
	case model.ExpiryReal:
		return a.Add(ttl)
	case model.ExpiryFloor:
		return floor(a).Add(ceilSecond(ttl))
	case model.ExpiryCeil:
		return floor(a).Add(floorSecond(ttl) + time.Second)
	}
	return max(a.Add(ttl), floor(a).Add(ceilSecond(ttl)), floor(a).Add(floorSecond(ttl)+time.Second))
}

// floor returns ⌊i⌋ in whole seconds.
func floor(i model.Instant) model.Instant {
	s := i / model.Instant(time.Second)
	if i < 0 && i%model.Instant(time.Second) != 0 {
		s--
	}
	return s * model.Instant(time.Second)
}

// With whole seconds n = ⌊now⌋−⌊a⌋, n < T holds up to ⌈T⌉−1 and n ≤ T up to ⌊T⌋.
func ceilSecond(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

func floorSecond(d time.Duration) time.Duration { return d.Truncate(time.Second) }

// Longest returns the longest that any response with a life of ttl is fresh
// under rule.
func Longest(rule model.Expiry, ttl time.Duration) time.Duration {
	switch rule {
	case model.ExpiryReal:
		return ttl
	case model.ExpiryFloor:
		return ceilSecond(ttl)
	}
	return max(ttl, ceilSecond(ttl), floorSecond(ttl)+time.Second)
}

// Shortest returns the shortest that any response with a life of ttl is fresh
// under rule.
func Shortest(rule model.Expiry, ttl time.Duration) time.Duration {
	switch rule {
	case model.ExpiryReal:
		return ttl
	case model.ExpiryCeil:
		return floorSecond(ttl)
	}
	return max(0, ceilSecond(ttl)-time.Second)
}
