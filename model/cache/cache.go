// Package cache states what is known of shared caches: what a stored response
// is filed under, which requests share a cache, how the log's result types
// read in the words of RFC 9211, and when a stored response stops being fresh.
//
// It decides nothing about a particular incident. Where a vendor leaves a rule
// undocumented, all readings are here and the caller weighs them.
package cache

import (
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// Key digests the object key: what the cache files a response under
// (RFC 9111 §2). The Host that the viewer asked for is not part of it: a
// distribution serves all its names from one store. Method, cookies, Referer
// and User-Agent never are (semantics.md F2).
func Key(k model.Key, policy model.QueryKey, distribution, path, query string) model.ID {
	return k.Digest("object", []byte(distribution), []byte(path), []byte(keyedQuery(policy, query)))
}

// keyedQuery keeps the parameters that the policy names, sorted by name as
// CloudFront does, so that ?a=1&b=2 and ?b=2&a=1 are one object.
func keyedQuery(policy model.QueryKey, query string) string {
	if query == "" || !policy.All && len(policy.Names) == 0 {
		return ""
	}
	params := strings.Split(query, "&")
	if !policy.All {
		params = slices.DeleteFunc(params, func(p string) bool {
			name, _, _ := strings.Cut(p, "=")
			return !slices.Contains(policy.Names, name)
		})
	}
	slices.SortStableFunc(params, func(a, b string) int {
		x, _, _ := strings.Cut(a, "=")
		y, _, _ := strings.Cut(b, "=")
		return strings.Compare(x, y)
	})
	return strings.Join(params, "&")
}

// Name returns the name of the cache that serves location under scope. A
// region is named like the whole world: which locations share a regional tier
// is not documented, and too wide a cache only adds candidates.
func Name(scope model.Scope, location string) string {
	switch scope {
	case model.ScopeCity:
		return location[:min(3, len(location))]
	case model.ScopeRegion, model.ScopeGlobal:
		return "all locations"
	}
	return location
}

// Handling is how a cache dealt with a request, in the words of RFC 9211 §2.
type Handling uint8

// The ways of handling a request.
const (
	// Generated: the edge answered by itself (redirect, block, function).
	// No stored response was involved.
	Generated Handling = iota
	// Hit: answered from the cache without forwarding (RFC 9211 "hit").
	Hit
	// Miss: forwarded, nothing stored could be used ("fwd=miss").
	Miss
	// Revalidated: a stored response was found stale and confirmed by the
	// origin ("fwd=stale; fwd-status=304").
	Revalidated
	// Failed: an error was sent; it may have come from the origin or from the
	// cache, the log does not say.
	Failed
)

// handlings reads CloudFront's result types (formats.md 1.6).
var handlings = map[string]Handling{
	"Hit":              Hit,
	"OriginShieldHit":  Hit,
	"RefreshHit":       Revalidated,
	"Miss":             Miss,
	"Error":            Failed,
	"Redirect":         Generated,
	"LimitExceeded":    Generated,
	"CapacityExceeded": Generated,

	"FunctionGeneratedResponse": Generated,
	"LambdaExecutionError":      Generated,
	"MissGeneratedResponse":     Generated,
}

// Classify returns how r was handled. x-edge-response-result-type decides,
// because x-edge-result-type turns a hit that the viewer broke off into Error
// (semantics.md A2.11); logs older than 2015 have only the latter.
func Classify(r *model.EdgeRow) Handling {
	if r.Detailed == "MissGeneratedResponse" {
		return Generated
	}
	result := r.ResponseResult
	if result == "" {
		result = r.Result
	}
	if h, ok := handlings[result]; ok {
		return h
	}
	return Failed
}

// Reached says how much of a response its client got.
type Reached uint8

// How far a response got.
const (
	Whole   Reached = iota
	Headers         // broken off in the body; cookies are kept as soon as headers arrive (semantics.md B9)
	Nothing         // status 000: the client was gone before the answer
)

// Delivered returns how much of r its client got.
func Delivered(r *model.EdgeRow) Reached {
	switch {
	case r.Status == 0:
		return Nothing
	case r.Result == "Error" && Classify(r) == Hit:
		return Headers
	}
	return Whole
}

// Storable reports whether the response to r may have entered the cache:
// RFC 9111 §3 lets any final status be stored, CloudFront stores only answers
// to GET and HEAD (semantics.md A2.18), and not those whose viewer left before
// the answer began (A2.23).
func Storable(r *model.EdgeRow) bool {
	return (r.Method == "GET" || r.Method == "HEAD") && r.Status != 0
}
