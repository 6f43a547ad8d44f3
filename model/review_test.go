package model_test

import (
	"slices"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
)

// TestUnknownFirstByteWidens: CloudFront logs before December 2019 have no
// time-to-first-byte. The first byte then left at any instant between lookup
// and end; whoever takes the end alone leaves out what a slow download served
// while it ran (design.md 3.2).
func TestUnknownFirstByteWidens(t *testing.T) {
	end := model.Interval{Lo: 60_000 * ms, Hi: 61_000 * ms}
	r := model.EdgeRow{End: end, Taken: 30 * time.Second, FirstByte: -1}
	if got, want := r.Available(), (model.Interval{Lo: r.Start().Lo, Hi: end.Hi}); got != want {
		t.Errorf("available in %v, want all of %v", got, want)
	}
}

// TestUnknownTakenIsNotNegative: the oldest logs have no time-taken either.
func TestUnknownTakenIsNotNegative(t *testing.T) {
	end := model.Interval{Lo: 60_000 * ms, Hi: 61_000 * ms}
	r := model.EdgeRow{End: end, Taken: -1, FirstByte: -1}
	if got := r.Start(); got.Lo > end.Lo || got.Hi > end.Hi {
		t.Errorf("the request arrived in %d..%d, after its response ended in %d..%d", got.Lo, got.Hi, end.Lo, end.Hi)
	}
}

// TestValidateMore holds contradictions that Validate lets pass.
func TestValidateMore(t *testing.T) {
	second := model.TTL{Min: time.Second, Default: time.Second, Max: time.Second}
	for _, c := range []struct {
		name  string
		spoil func(*model.Incident)
		want  string
	}{
		{"control in the window, follow_until not given", func(i *model.Incident) {
			i.Window.FollowUntil, i.Control[0] = 0, i.Window.Span
		}, "control[0]"},
		{"default past max", func(i *model.Incident) { i.Cache.TTL.Default = time.Hour }, "cache.ttl.default"},
		{"default below min", func(i *model.Incident) {
			i.Cache.TTL = model.TTL{Min: time.Minute, Default: time.Second, Max: time.Hour}
		}, "cache.ttl.default"},
		{"negative min", func(i *model.Incident) { i.Cache.TTL.Min = -1 }, "cache.ttl.min"},
		{"a route's ttl upside down", func(i *model.Incident) {
			ttl := second
			ttl.Min = time.Minute
			i.Routes[0].TTL = &ttl
		}, "routes[0].ttl.min"},
		{"a route's ttl of nothing", func(i *model.Incident) { i.Routes[0].TTL = &model.TTL{} }, "routes[0].ttl"},
		{"a formula that does not exist", func(i *model.Incident) { i.Cache.Expiry = "round" }, "cache.expiry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inc := incident()
			c.spoil(inc)
			if got := paths(inc); !slices.Contains(got, c.want) {
				t.Errorf("problems at %q, want one at %s", got, c.want)
			}
		})
	}
}
