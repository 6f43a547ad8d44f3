package identity_test

import (
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/identity"
)

// asset is a request for an asset by an app between two of its own.
func asset(s float64, session string) identity.Sighting {
	x := saw(s, "c", session)
	x.Asset, x.Kind = true, model.ClientApp
	return x
}

// observed is what n such devices show.
func observed(n int, seen func() []identity.Sighting, hits ...identity.Hit) *identity.Estimate {
	var s, all identity.Stats
	identity.NewDevice(seen(), hits, identity.Defaults()).Observe(&s)
	for range n {
		all.Merge(&s)
	}
	return all.Estimate()
}

// TestEstimates pools what the case shows with the defaults.
func TestEstimates(t *testing.T) {
	var nothing identity.Stats
	before := nothing.Estimate()
	app := func(session string) func() []identity.Sighting {
		return func() []identity.Sighting {
			return []identity.Sighting{saw(-9, "c", "ann 1"), asset(-5, session), saw(-2, "c", "ann 1")}
		}
	}
	takes := func(e *identity.Estimate) float64 { return e.Signed[model.ClientApp] }
	few, many, none := takes(observed(1, app("ann 1"))), takes(observed(500, app("ann 1"))), takes(observed(500, app("")))
	if !(takes(before) < few && few < many && many > 0.99) {
		t.Errorf("apps that present cookies on assets: %v, one %v, many %v", takes(before), few, many)
	}
	if none > 0.05 {
		t.Errorf("apps that never do take cookies with %v", none)
	}
	if e := observed(500, app("ann 1")); e.Signed[model.ClientBrowser] != before.Signed[model.ClientBrowser] {
		t.Error("apps speak for browsers")
	}
	rotates := observed(1, func() []identity.Sighting {
		a, b := sets(login(-9, "c", "ann 1", "ann 2")), sets(login(-5, "c", "ann 2", "ann 3"))
		return []identity.Sighting{a, b}
	})
	logins := observed(1, func() []identity.Sighting {
		seen := []identity.Sighting{sets(login(-99, "c", "ann 1", "ann 2"))}
		for i := range 20 {
			seen = append(seen, sets(saw(float64(i-50), "c", "ann 2")))
		}
		return seen
	})
	if !rotates.Rules.Rotates || logins.Rules.Rotates {
		t.Errorf("rotating: %v, and with one login in twenty %v", rotates.Rules.Rotates, logins.Rules.Rotates)
	}
}

// TestPower: how much it says that a client was not seen again depends on how
// often clients of its kind are.
func TestPower(t *testing.T) {
	hit := func() identity.Hit { h := got(0, "c"); h.Unknown, h.Kind = 0, model.ClientBrowser; return h }
	own := saw(-5, "c", "ann 1")
	stay := observed(500, func() []identity.Sighting { return []identity.Sighting{own, saw(30, "c", "ann 1")} }, hit())
	leave := observed(500, func() []identity.Sighting { return []identity.Sighting{own} }, hit())
	used := func(e *identity.Estimate) float64 {
		h := got(0, "c", from("vic 1", 0.9))
		h.Kind = model.ClientBrowser
		return identity.NewDevice([]identity.Sighting{saw(-5, "c", "ann 1")}, []identity.Hit{h}, &e.Rules).Read(0).Verdicts[0].Used
	}
	if !(used(leave) < 0.01 && used(stay) > 10*used(leave)) {
		t.Errorf("used although not seen again: %v where all come back, %v where none does", used(stay), used(leave))
	}
	blind := observed(500, func() []identity.Sighting { return nil }, hit())
	if used(blind) < 0.3 {
		t.Errorf("where no log shows clients, not to be seen again says %v", used(blind))
	}
}

// TestLadder climbs design.md 6's rungs.
func TestLadder(t *testing.T) {
	for _, c := range []struct {
		name string
		seen []identity.Sighting
		rung model.Rung
		user string
	}{
		{"nothing seen", nil, model.RungUnknown, ""},
		{"before and after on the connection", []identity.Sighting{saw(-5, "c", "ann 1"), saw(5, "c", "ann 1")}, model.RungConnection, "ann"},
		{"neighbours behind the address do not matter then", []identity.Sighting{saw(-5, "c", "ann 1"), saw(-1, "d", "bob 1"), saw(2, "d", "bob 1"), saw(5, "c", "ann 1")}, model.RungConnection, "ann"},
		{"a login just before", []identity.Sighting{heir(login(-5, "c", "", "ann 1"), "ann"), saw(5, "c", "ann 1")}, model.RungConnection, "ann"},
		{"a switch between voids it", []identity.Sighting{saw(-5, "c", "ann 1"), saw(5, "c", "vic 1")}, model.RungUnknown, ""},
		{"and the weaker rungs", []identity.Sighting{saw(-9, "d", "ann 1"), saw(-5, "c", "ann 1"), saw(5, "c", "vic 1"), saw(9, "d", "ann 1")}, model.RungUnknown, ""},
		{"an empty jar on both sides", []identity.Sighting{bare(-5, "c"), bare(5, "c")}, model.RungConnection, ""},
		{"too far apart to exclude a login", []identity.Sighting{bare(-300, "c"), bare(300, "c")}, model.RungUnknown, ""},
		{"the address and User-Agent of one user", []identity.Sighting{saw(-5, "b", "ann 1"), saw(5, "d", "ann 1")}, model.RungAgent, "ann"},
		{"of two users", []identity.Sighting{saw(-5, "b", "ann 1"), saw(-4, "e", "bob 1"), saw(5, "d", "ann 1")}, model.RungUnknown, ""},
		{"only before", []identity.Sighting{saw(-5, "c", "ann 1")}, model.RungUnknown, ""},
		{"hours before", []identity.Sighting{saw(-5000, "c", "ann 1"), saw(5, "c", "ann 1")}, model.RungUnknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			held := identity.Climb(identity.Fill{Start: at(0), Conn: id("c")}, c.seen)
			if held.Rung != c.rung || held.User != c.user || held.Empty != (c.rung != model.RungUnknown && c.user == "") {
				t.Errorf("%v: %+v, want %q by %v", c.name, held, c.user, c.rung)
			}
		})
	}
}

func heir(s identity.Sighting, user string) identity.Sighting { s.Heir = user; return s }

// TestTrials measures the rungs on sightings whose session is known.
func TestTrials(t *testing.T) {
	var steady, mixed, none identity.Trials
	for range 40 {
		steady.Try([]identity.Sighting{saw(-5, "c", "ann 1"), saw(0, "c", "ann 1"), saw(5, "c", "ann 1")})
		mixed.Try([]identity.Sighting{saw(-5, "c", "ann 1"), bare(0, "c"), saw(5, "c", "ann 1")})
	}
	a, b, c := steady.Reliability(model.RungConnection), none.Reliability(model.RungConnection), mixed.Reliability(model.RungConnection)
	if !(a > b && b > c) || none.Reliability(model.RungOriginRow) != 1 {
		t.Errorf("reliability %v where neighbours are right, %v by default, %v where they are not", a, b, c)
	}
}
