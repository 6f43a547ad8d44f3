package identity_test

import (
	"fmt"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/identity"
)

// bare is a request on conn that showed an empty jar.
func bare(s float64, conn string) identity.Sighting { return saw(s, conn, "") }

// sets makes the response of s put its own session back.
func sets(s identity.Sighting) identity.Sighting { s.Sets = 1; return s }

// under runs the rules that change makes of the defaults.
func under(change func(*identity.Rules), seen []identity.Sighting, hits ...identity.Hit) identity.Reading {
	rules := identity.Defaults()
	change(rules)
	return identity.NewDevice(seen, hits, rules).Read(0)
}

// TestJarRules has for each rule about jars a place where it is right, and one
// where trusting it blindly would be wrong.
func TestJarRules(t *testing.T) {
	vic, own := from("vic 1", 0.9), saw(-5, "c", "ann 1")
	first := func(hits ...identity.Hit) []identity.Hit { return hits }
	for _, c := range []struct {
		name     string
		seen     []identity.Sighting
		hits     []identity.Hit
		lo, hi   float64 // applied, of the first hit's first candidate
		used, no bool    // use seen; surely not used
	}{
		{name: "the last writer wins: what was used came with the later hit",
			seen: []identity.Sighting{own, saw(9, "c", "bob 1")}, lo: 0.8, hi: 0.99, no: true,
			hits: first(got(0, "c", vic), got(5, "c", from("bob 1", 0.9)))},
		{name: "but a later hit of a rival fill speaks against the earlier one of the other",
			seen: []identity.Sighting{own, saw(9, "c", "vic 1")}, lo: 0.95, hi: 1, used: true,
			hits: first(got(0, "c", vic), got(5, "c", from("bob 1", 0.2)))},
		{name: "an own answer under way puts the own session back: applied all the same",
			seen: []identity.Sighting{own, slow(sets(saw(-2, "c", "ann 1")), 1.5), saw(5, "c", "ann 1")}, lo: 0.7, hi: 0.95,
			hits: first(got(0, "c", vic)), no: true},
		{name: "but not one that sets no cookie",
			seen: []identity.Sighting{own, slow(saw(-2, "c", "ann 1"), 1.5), saw(5, "c", "ann 1")}, lo: 0, hi: 0.2,
			hits: first(got(0, "c", vic)), no: true},
		{name: "an empty jar that comes back did not take it",
			seen: []identity.Sighting{bare(4, "c"), bare(6, "c")}, lo: 0, hi: 0.25, hits: first(got(0, "c", vic)), no: true},
		{name: "but a request that carries no cookies by nature clears nobody who is seen with it later",
			seen: []identity.Sighting{bare(4, "c"), saw(6, "c", "vic 1")}, lo: 0.8, hi: 1, hits: first(got(0, "c", vic)), used: true},
		{name: "what does not take its own login takes no other session",
			seen: []identity.Sighting{login(-9, "c", "", "ann 1"), bare(-5, "c")}, lo: 0, hi: 0.05, hits: first(got(0, "c", vic)), no: true},
		{name: "but one issued in the same breath proves nothing",
			seen: []identity.Sighting{login(-9, "c", "", "ann 1"), bare(-9.1, "c")}, lo: 0.5, hi: 0.95, hits: first(got(0, "c", vic)), no: true},
		{name: "a hit that carried a cookie takes one",
			seen: []identity.Sighting{own}, lo: 0.89, hi: 0.9, hits: first(shown(got(0, "c", vic), model.Yes)), no: true},
		{name: "one that carried none though signed in takes none",
			seen: []identity.Sighting{own}, lo: 0, hi: 0.05, hits: first(shown(got(0, "c", vic), model.No)), no: true},
		{name: "but a signed-out client carries none, and takes what it gets",
			lo: 0.8, hi: 0.9, hits: first(shown(got(0, "c", vic), model.No)), no: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := identity.NewDevice(c.seen, c.hits, identity.Defaults()).Read(0)
			v := r.Verdicts[0]
			check(t, fmt.Sprintf("applied within %v and %v", c.lo, c.hi), c.lo <= v.Applied && v.Applied <= c.hi, r)
			check(t, fmt.Sprint("use seen: ", c.used), (v.Use != nil) == c.used, r)
			check(t, "unlikely used", !c.no || v.Used < v.Applied/2 || v.Applied < 0.05, r)
			check(t, "ordered", v.Delivered+1e-12 >= v.Applied && v.Applied >= v.Used, r)
		})
	}
}

func slow(s identity.Sighting, until float64) identity.Sighting { s.Done = at(until); return s }

func shown(h identity.Hit, cookie model.Tri) identity.Hit { h.Cookie = cookie; return h }

// TestTwoHitsOfOnePage: a page's script and style sheet are served from fills of
// the same moment. One switch speaks for both, and does not halve its credit.
func TestTwoHitsOfOnePage(t *testing.T) {
	seen := []identity.Sighting{saw(-5, "c", "ann 1"), saw(4, "c", "vic 1")}
	r := identity.NewDevice(seen, []identity.Hit{got(0, "c", from("vic 1", 0.95)), got(0, "c", from("vic 1", 0.95))}, identity.Defaults())
	for i := range 2 {
		x := r.Read(i)
		check(t, "both delivered, both applied", x.Verdicts[0].Delivered > 0.94 && x.Verdicts[0].Applied > 0.89, x)
	}
}

// TestRotation: with rotating tokens every response issues another of the same
// login; a login issues one of another user.
func TestRotation(t *testing.T) {
	token := func(s float64, presented, issued, user string) identity.Sighting {
		x := saw(s, "c", presented)
		x.Issued, x.User, x.Named = id(issued), "", user
		return x
	}
	seen := func() []identity.Sighting {
		return []identity.Sighting{token(-9, "t1", "t2", "ann"), token(-5, "t2", "t3", "ann"), token(4, "t3", "t4", "ann"), token(6, "t4", "t5", "ann")}
	}
	rotates := func(r *identity.Rules) { r.Rotates = true }
	r := under(rotates, seen(), got(0, "c", from("vic 1", 0.9)))
	check(t, "kept: another token of the own login", r.Kept != nil && r.OwnUser == "ann" && r.Verdicts[0].Applied < 0.2, r)
	r = under(rotates, append(seen()[:2], token(4, "vic 1", "t8", "vic"), token(6, "t8", "t9", "vic")), got(0, "c", from("vic 1", 0.9)))
	check(t, "a switch to the holder's login", r.Verdicts[0].Use != nil && r.Verdicts[0].Applied > 0.99, r)
	r = under(rotates, append(seen()[:2], token(4, "", "vic 1", "vic"), saw(6, "c", "vic 1")), got(0, "c", from("vic 1", 0.9)))
	check(t, "a login, not a switch", r.Verdicts[0].Use == nil, r)
}

// TestUserAlone: the application logs its users and no session.
func TestUserAlone(t *testing.T) {
	as := func(s float64, user string) identity.Sighting {
		x := saw(s, "c", "")
		x.User = user
		return x
	}
	vic := from("", 0.9)
	vic.User = "vic"
	r := read([]identity.Sighting{as(-5, "ann"), as(4, "vic")}, got(0, "c", vic))
	check(t, "a switch of users", r.OwnUser == "ann" && r.Verdicts[0].Use != nil && r.Verdicts[0].Applied > 0.99, r)
	r = read([]identity.Sighting{as(-5, "vic"), as(4, "vic")}, got(0, "c", vic))
	check(t, "the same account", r.Verdicts[0].Same && r.Verdicts[0].Use == nil, r)
}

// TestPassedOn: a port passes to somebody else once its connection is long gone.
func TestPassedOn(t *testing.T) {
	mine := from("vic 1", 0.9)
	mine.Conn, mine.Filled = id("c"), at(-5).Lo
	r := read(nil, got(0, "c", mine))
	check(t, "self by connection", r.Verdicts[0].Self == identity.LinkConnection, r)
	mine.Filled = at(-1000).Lo
	r = read(nil, got(0, "c", mine))
	check(t, "no self by a port of long ago", r.Verdicts[0].Self != identity.LinkConnection, r)
}
