package model_test

import (
	"slices"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
)

// incident is one that nothing is wrong with.
func incident() *model.Incident {
	at := func(h, m int) model.Instant {
		return model.InstantOf(time.Date(2023, 3, 7, h, m, 0, 0, time.UTC))
	}
	week := -7 * 24 * time.Hour
	return &model.Incident{
		Case: "loom-2023-03-07",
		Window: model.Window{
			Span: model.Span{From: at(18, 21), To: at(19, 30)}, Lookback: time.Hour,
			Margin: 2 * time.Minute, FollowUntil: at(22, 45),
		},
		Control: []model.Span{{From: at(18, 21).Add(week), To: at(19, 30).Add(week)}},
		Routes:  []model.Route{{Path: "/static/js/*"}},
		Cache:   model.CachePolicy{TTL: model.TTL{Min: time.Second, Default: time.Second, Max: time.Second}},
		Cookie:  model.Cookie{Names: []string{"sid"}, SetOn: model.SetOn{Rule: model.SetOnLogged}},
		Sources: []model.Source{{Kind: model.SourceEdge, URI: "edge/*.gz"}, {Kind: model.SourceOrigin, URI: "origin/*.gz"}},
	}
}

// paths lists the keys that Validate complains about.
func paths(inc *model.Incident) []string {
	var out []string
	for _, p := range inc.Validate() {
		out = append(out, p.Path)
	}
	return out
}

// TestValidate breaks a good incident in one way at a time (design.md 6).
func TestValidate(t *testing.T) {
	if ps := incident().Validate(); len(ps) != 0 {
		t.Fatalf("a good incident: %v", ps)
	}
	for _, c := range []struct {
		name  string
		spoil func(*model.Incident)
		want  []string
	}{
		{"no name", func(i *model.Incident) { i.Case = "" }, []string{"case"}},
		{"no window", func(i *model.Incident) { i.Window = model.Window{}; i.Control = nil }, []string{"window.from", "window.to"}},
		{"ends before it begins", func(i *model.Incident) {
			i.Window.Span.From, i.Window.Span.To = i.Window.Span.To, i.Window.Span.From
		}, []string{"window.to"}},
		{"one instant is a window", func(i *model.Incident) { i.Window.Span.To = i.Window.Span.From }, nil},
		{"followed until before the end", func(i *model.Incident) { i.Window.FollowUntil = i.Window.Span.To - 1 }, []string{"window.follow_until"}},
		{"followed until the end", func(i *model.Incident) { i.Window.FollowUntil = i.Window.Span.To }, nil},
		{"negative lookback", func(i *model.Incident) { i.Window.Lookback = -1 }, []string{"window.lookback"}},
		{"negative margin", func(i *model.Incident) { i.Window.Margin = -1 }, []string{"window.margin"}},
		{"control ends before it begins", func(i *model.Incident) {
			i.Control[0].From, i.Control[0].To = i.Control[0].To, i.Control[0].From
		}, []string{"control[0].to"}},
		{"control in the window", func(i *model.Incident) { i.Control[0] = i.Window.Span }, []string{"control[0]"}},
		{"control in the lookback", func(i *model.Incident) {
			i.Control[0] = model.Span{From: i.Window.Span.From.Add(-2 * time.Hour), To: i.Window.Span.From.Add(-time.Hour)}
		}, []string{"control[0]"}},
		{"control just before the lookback", func(i *model.Incident) {
			i.Control[0] = model.Span{From: i.Window.Span.From.Add(-2 * time.Hour), To: i.Window.Span.From.Add(-time.Hour) - 1}
		}, nil},
		{"second of two controls", func(i *model.Incident) { i.Control = append(i.Control, i.Window.Span) }, []string{"control[1]"}},
		{"no route", func(i *model.Incident) { i.Routes = nil }, []string{"routes"}},
		{"no cookie", func(i *model.Incident) { i.Cookie.Names = nil }, []string{"cookie.names"}},
		{"no ttl", func(i *model.Incident) { i.Cache.TTL = model.TTL{} }, []string{"cache.ttl"}},
		{"ttl upside down", func(i *model.Incident) { i.Cache.TTL.Min = time.Minute }, []string{"cache.ttl.min"}},
		{"once_per without a period", func(i *model.Incident) { i.Cookie.SetOn.Rule = model.SetOnOncePer }, []string{"cookie.set_on.once_per"}},
		{"only sightings", func(i *model.Incident) { i.Sources = []model.Source{{Kind: model.SourceSighting}} }, []string{"sources"}},
		{"no log at all", func(i *model.Incident) { i.Sources = nil }, []string{"sources"}},
		{"all at once, in the order of the file", func(i *model.Incident) { *i = model.Incident{} },
			[]string{"case", "window.from", "window.to", "routes", "cookie.names", "cache.ttl", "sources"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inc := incident()
			c.spoil(inc)
			if got := paths(inc); !slices.Equal(got, c.want) {
				t.Errorf("problems at %v, want %v", got, c.want)
			}
		})
	}
}

func TestRouteTTL(t *testing.T) {
	inc := incident()
	own := model.TTL{Min: time.Second, Default: time.Minute, Max: time.Hour}
	inc.Routes = append(inc.Routes, model.Route{Path: "/static/css/*", TTL: &own})
	for i, want := range map[int]model.TTL{0: inc.Cache.TTL, 1: own, 2: inc.Cache.TTL, model.NoRoute: inc.Cache.TTL} {
		if got := inc.RouteTTL(i); got != want {
			t.Errorf("route %d: %v, want %v", i, got, want)
		}
	}
}
