package cache_test

import (
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
)

var key = model.NewKey(make([]byte, model.KeySize))

// TestKey: what a cache files under one key (RFC 9111 §2, semantics.md F2).
func TestKey(t *testing.T) {
	none := model.QueryKey{}
	all := model.QueryKey{All: true}
	v := model.QueryKey{Names: []string{"v", "lang"}}
	type object struct{ distribution, path, query string }
	app := object{"d1", "/app.js", ""}
	with := func(query string) object { return object{"d1", "/app.js", query} }
	for _, c := range []struct {
		name   string
		policy model.QueryKey
		a, b   object
		same   bool
	}{
		{"nothing differs", none, app, app, true},
		{"path", none, app, object{"d1", "/app.css", ""}, false},
		{"path is case sensitive", none, app, object{"d1", "/App.js", ""}, false},
		{"distribution", none, app, object{"d2", "/app.js", ""}, false},
		{"distribution and path do not run together", none, object{"d1", "1/a", ""}, object{"d11", "/a", ""}, false},
		{"a query the policy ignores", none, app, with("v=1"), true},

		{"all: any parameter counts", all, app, with("v=1"), false},
		{"all: values differ", all, with("v=1"), with("v=2"), false},
		{"all: order does not, which can only join objects", all, with("a=1&b=2"), with("b=2&a=1"), true},
		{"all: order of values of one name does", all, with("a=1&a=2"), with("a=2&a=1"), false},
		{"all: an empty value is not the absent one", all, with("a="), with("a"), false},

		{"named: others are ignored", v, with("v=1&utm=x"), with("utm=y&v=1"), true},
		{"named: none of them present", v, app, with("utm=x"), true},
		{"named: values differ", v, with("v=1"), with("v=2"), false},
		{"named: every one counts", v, with("v=1"), with("v=1&lang=de"), false},
		{"named: in any order", v, with("v=1&lang=de"), with("lang=de&x=0&v=1"), true},
		{"named: case sensitive", v, with("v=1"), with("V=1"), false},
		{"named: not by prefix", v, app, with("version=1"), true},
		{"named: present without value", v, app, with("v"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := cache.Key(key, c.policy, c.a.distribution, c.a.path, c.a.query)
			b := cache.Key(key, c.policy, c.b.distribution, c.b.path, c.b.query)
			if (a == b) != c.same {
				t.Errorf("one object: %v, want %v", a == b, c.same)
			}
		})
	}
}

// TestName: which requests share a cache (semantics.md A2.10, F2).
func TestName(t *testing.T) {
	for _, c := range []struct {
		scope          model.Scope
		location, want string
	}{
		{model.ScopeLocation, "SEA19-C1", "SEA19-C1"},
		{"", "SEA19-C1", "SEA19-C1"},
		{model.ScopeCity, "SEA19-C1", "SEA"},
		{model.ScopeCity, "SEA73-P4", "SEA"},
		{model.ScopeCity, "LA", "LA"},
		{model.ScopeCity, "", ""},
		{model.ScopeRegion, "SEA19-C1", "all locations"},
		{model.ScopeGlobal, "FRA2", "all locations"},
	} {
		if got := cache.Name(c.scope, c.location); got != c.want {
			t.Errorf("%s of scope %q: %q, want %q", c.location, c.scope, got, c.want)
		}
	}
}

// TestClassify reads every result type of CloudFront (AccessLogs.md;
// semantics.md A2.11) and what each says of delivery and storage.
func TestClassify(t *testing.T) {
	type row = model.EdgeRow
	get := func(result, response, detailed string, status int) row {
		return row{Method: "GET", Status: status, Result: result, ResponseResult: response, Detailed: detailed}
	}
	for _, c := range []struct {
		name     string
		row      row
		how      cache.Handling
		reached  cache.Reached
		storable bool
	}{
		{"hit", get("Hit", "Hit", "Hit", 200), cache.Hit, cache.Whole, true},
		{"miss", get("Miss", "Miss", "Miss", 200), cache.Miss, cache.Whole, true},
		{"found stale, origin asked", get("RefreshHit", "RefreshHit", "RefreshHit", 200), cache.Revalidated, cache.Whole, true},
		{"an incremental Origin Shield answered (A2.8)", get("Hit", "Hit", "OriginShieldHit", 200), cache.Hit, cache.Whole, true},
		{"the same, logged in the main column", get("OriginShieldHit", "OriginShieldHit", "", 200), cache.Hit, cache.Whole, true},
		{"a 304 from the cache carries the cookie too (A5)", get("Hit", "Hit", "Hit", 304), cache.Hit, cache.Whole, true},
		{"part of a stored object (A2.19)", get("Hit", "Hit", "Hit", 206), cache.Hit, cache.Whole, true},

		{"hit, viewer broke off (A2.11)", get("Error", "Hit", "ClientCommError", 200), cache.Hit, cache.Headers, true},
		{"hit, viewer gone before the answer (000)", get("Error", "Hit", "ClientCommError", 0), cache.Hit, cache.Nothing, false},
		{"miss, viewer broke off", get("Error", "Miss", "ClientCommError", 200), cache.Miss, cache.Whole, true},
		{"miss, viewer gone before the answer (A2.23)", get("Error", "Miss", "ClientCommError", 0), cache.Miss, cache.Nothing, false},
		{"error of the origin", get("Error", "Error", "OriginError", 502), cache.Failed, cache.Whole, true},
		{"error page, from wherever", get("Error", "Error", "Error", 404), cache.Failed, cache.Whole, true},

		{"redirect to https", get("Redirect", "Redirect", "Redirect", 301), cache.Generated, cache.Whole, true},
		{"limit", get("LimitExceeded", "LimitExceeded", "LimitExceeded", 503), cache.Generated, cache.Whole, true},
		{"capacity", get("CapacityExceeded", "CapacityExceeded", "CapacityExceeded", 503), cache.Generated, cache.Whole, true},
		{"function", get("FunctionGeneratedResponse", "FunctionGeneratedResponse", "", 200), cache.Generated, cache.Whole, true},
		{"function at the origin's place", get("Miss", "Miss", "MissGeneratedResponse", 200), cache.Generated, cache.Whole, true},
		{"function failed", get("LambdaExecutionError", "LambdaExecutionError", "", 502), cache.Generated, cache.Whole, true},

		{"before 2015 there was one column", get("Hit", "", "", 200), cache.Hit, cache.Whole, true},
		{"before 2015, a miss", get("Miss", "", "", 200), cache.Miss, cache.Whole, true},
		{"before 2015, a broken off hit cannot be told", get("Error", "", "", 200), cache.Failed, cache.Whole, true},
		{"a word that nobody documents", get("Teapot", "Teapot", "", 200), cache.Failed, cache.Whole, true},
		{"no word at all", get("", "", "", 200), cache.Failed, cache.Whole, true},

		{"HEAD shares the key with GET (A2.18)", row{Method: "HEAD", Status: 200, ResponseResult: "Miss"}, cache.Miss, cache.Whole, true},
		{"OPTIONS does not", row{Method: "OPTIONS", Status: 200, ResponseResult: "Miss"}, cache.Miss, cache.Whole, false},
		{"POST is never stored", row{Method: "POST", Status: 200, ResponseResult: "Miss"}, cache.Miss, cache.Whole, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := cache.Classify(&c.row); got != c.how {
				t.Errorf("handling %d, want %d", got, c.how)
			}
			if got := cache.Delivered(&c.row); got != c.reached {
				t.Errorf("reached %d, want %d", got, c.reached)
			}
			if got := cache.Storable(&c.row); got != c.storable {
				t.Errorf("storable: %v", got)
			}
		})
	}
}
