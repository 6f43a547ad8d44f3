package identity_test

import (
	"fmt"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/identity"
)

// of gives a sighting a device id.
func of(device string, s identity.Sighting) identity.Sighting { s.DeviceID = id(device); return s }

// away is a sighting of a device id at another address.
func away(device string, s identity.Sighting) identity.Sighting {
	s.DeviceID, s.Conn, s.Away = id(device), model.ID{}, true
	return s
}

// told is what somebody recorded, exact to a few seconds.
func told(device string, s identity.Sighting) identity.Sighting {
	s.DeviceID, s.Conn, s.Told = id(device), model.ID{}, true
	s.Start = s.Start.Widen(2e9)
	s.Done = s.Start
	return s
}

// TestDeviceID has for each rule about device ids a place where it is right, and
// one where it must not be trusted.
func TestDeviceID(t *testing.T) {
	vic := func(p float64) identity.Candidate { return from("vic 1", p) }
	neighbour := of("N", saw(-60, "n", "bob 1")) // so that the address is of several
	mine := func(device string) identity.Candidate {
		c := from("vic 1", 0.9)
		c.Device, c.DeviceID = id("D"), id(device)
		return c
	}
	for _, c := range []struct {
		name   string
		seen   []identity.Sighting
		hit    identity.Candidate
		lo, hi float64 // applied
		own    string  // who the recipient was
		link   identity.Link
		use    identity.Link // by which use was seen; LinkNone: it was not
		kept   identity.Link
		self   identity.Link
	}{
		{name: "behind a shared address, use over another connection of the same id",
			seen: []identity.Sighting{neighbour, of("A", saw(-5, "c", "ann 1")), of("A", saw(5, "d", "vic 1"))},
			hit:  vic(0.6), lo: 0.95, hi: 1, own: "ann", link: identity.LinkConnection, use: identity.LinkDeviceID},
		{name: "but not under a neighbour's id",
			seen: []identity.Sighting{neighbour, of("A", saw(-5, "c", "ann 1")), of("N", saw(5, "d", "vic 1"))},
			hit:  vic(0.6), lo: 0.4, hi: 0.65, own: "ann", link: identity.LinkConnection},
		{name: "who the recipient was, by a connection of before",
			seen: []identity.Sighting{neighbour, of("A", saw(-2000, "b", "ann 1")), of("A", saw(5, "c", ""))},
			hit:  vic(0.6), lo: 0.4, hi: 0.6, own: "ann", link: identity.LinkDeviceID},
		{name: "but not if the hit's connection shows no id",
			seen: []identity.Sighting{neighbour, of("A", saw(-2000, "b", "ann 1")), saw(5, "c", "")},
			hit:  vic(0.6), lo: 0.01, hi: 0.6},
		{name: "a telephone that came from another address",
			seen: []identity.Sighting{away("A", saw(-300, "", "ann 1")), of("A", saw(1, "c", "vic 1"))},
			hit:  vic(0.5), lo: 0.95, hi: 1, own: "ann", link: identity.LinkDeviceID, use: identity.LinkConnection},
		{name: "and one that went on to another",
			seen: []identity.Sighting{of("A", saw(-5, "c", "ann 1")), away("A", saw(100, "", "vic 1"))},
			hit:  vic(0.5), lo: 0.9, hi: 1, own: "ann", link: identity.LinkConnection, use: identity.LinkDeviceID},
		{name: "what it kept there clears it",
			seen: []identity.Sighting{of("A", saw(-5, "c", "ann 1")), away("A", saw(100, "", "ann 1"))},
			hit:  vic(0.5), lo: 0, hi: 0.2, own: "ann", link: identity.LinkConnection, kept: identity.LinkDeviceID},
		{name: "a login on the way is no use",
			seen: []identity.Sighting{of("A", saw(-5, "c", "ann 1")), away("A", login(50, "", "ann 1", "vic 1")), away("A", saw(100, "", "vic 1"))},
			hit:  vic(0.5), lo: 0, hi: 0.2, own: "ann", link: identity.LinkConnection, kept: identity.LinkDeviceID},
		{name: "a neighbour's fill is not the recipient's own",
			seen: []identity.Sighting{of("A", saw(-5, "c", "ann 1")), of("N", saw(-6, "n", "vic 1")), of("A", saw(5, "c", "vic 1"))},
			hit:  mine("N"), lo: 0.95, hi: 1, own: "ann", link: identity.LinkConnection, use: identity.LinkConnection},
		{name: "that of the same id is",
			seen: []identity.Sighting{neighbour, of("A", saw(-5, "c", "ann 1")), of("A", saw(5, "c", "ann 1"))},
			hit:  mine("A"), lo: 0, hi: 1, own: "ann", link: identity.LinkConnection, kept: identity.LinkConnection, self: identity.LinkDeviceID},
		{name: "an event told surely after",
			seen: []identity.Sighting{neighbour, of("A", saw(-5, "c", "ann 1")), told("A", saw(30, "", "vic 1"))},
			hit:  vic(0.6), lo: 0.95, hi: 1, own: "ann", link: identity.LinkConnection, use: identity.LinkDeviceID},
		{name: "one about the hit's time orders nothing",
			seen: []identity.Sighting{neighbour, of("A", saw(-5, "c", "ann 1")), told("A", saw(1, "", "vic 1"))},
			hit:  vic(0.6), lo: 0.6, hi: 1, own: "ann", link: identity.LinkConnection},
		{name: "a stranger's session on the way back may be a hit's of elsewhere",
			seen: []identity.Sighting{of("A", saw(-5, "c", "ann 1")), away("A", saw(50, "", "eve 1")), of("A", saw(100, "d", "eve 1"))},
			hit:  vic(0.6), lo: 0, hi: 0.6, own: "ann", link: identity.LinkConnection},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := identity.NewDevice(c.seen, []identity.Hit{got(0, "c", c.hit)}, identity.Defaults())
			r := d.Read(0)
			v := r.Verdicts[0]
			check(t, fmt.Sprintf("applied within %v and %v", c.lo, c.hi), c.lo <= v.Applied && v.Applied <= c.hi, r)
			check(t, fmt.Sprintf("own %q by %v", c.own, c.link), r.OwnUser == c.own && r.OwnLink == c.link, r)
			check(t, fmt.Sprint("use by ", c.use), v.UseLink == c.use && (v.Use != nil) == (c.use != identity.LinkNone), r)
			check(t, fmt.Sprint("kept by ", c.kept), r.KeptLink == c.kept, r)
			check(t, fmt.Sprint("self by ", c.self), v.Self == c.self, r)
			check(t, "no stranger", r.Stranger == nil, r)
		})
	}
}

// TestRotatedIDs: an id drawn anew is the same jar if the session says so.
func TestRotatedIDs(t *testing.T) {
	hit := got(0, "c", from("vic 1", 0.5))
	same := read([]identity.Sighting{of("A", saw(-50, "b", "ann 1")), of("B", saw(-5, "c", "ann 1")), of("B", saw(50, "c", "ann 1"))}, hit)
	check(t, "one jar", same.Jars == 1 && same.KeptLink == identity.LinkConnection, same)
	turn := read([]identity.Sighting{
		of("A", saw(-50, "b", "ann 1")), of("A", saw(-40, "c", "ann 1")), of("B", saw(50, "e", "ann 1")),
	}, hit)
	check(t, "kept under the id that followed", turn.KeptLink == identity.LinkDeviceID, turn)
	two := read([]identity.Sighting{
		of("A", saw(-50, "b", "ann 1")), of("A", saw(-5, "c", "ann 1")), of("B", saw(-40, "e", "bob 1")), of("B", saw(50, "e", "ann 2")),
	}, hit)
	check(t, "another jar, at which ann sat down later", two.KeptLink == identity.LinkNone, two)
}

// TestOneProfileOfMany: people who take turns at one browser are one jar.
func TestOneProfileOfMany(t *testing.T) {
	seen := []identity.Sighting{
		of("K", login(-900, "a", "", "bob 1")), of("K", saw(-890, "a", "bob 1")),
		of("K", login(-500, "b", "bob 1", "ann 1")), of("K", saw(-490, "b", "ann 1")), of("K", saw(60, "d", "vic 1")),
	}
	r := read(seen, got(0, "", from("vic 1", 0.6)))
	check(t, "ann, switched to vic", r.OwnUser == "ann" && r.Verdicts[0].Use != nil && r.Verdicts[0].Applied > 0.9, r)
}

// TestClimbByDeviceID is the ladder's rung between connection and address.
func TestClimbByDeviceID(t *testing.T) {
	for _, c := range []struct {
		name string
		seen []identity.Sighting
		want model.Rung
		user string
	}{
		{"its connection shows the id, another one the session",
			[]identity.Sighting{saw(-40, "n", "bob 1"), of("A", saw(-20, "d", "ann 1")), of("A", saw(-10, "c", "ann 1")), of("A", saw(10, "d", "ann 1")), saw(20, "n", "bob 1")},
			model.RungDeviceID, "ann"},
		{"the connection itself comes first",
			[]identity.Sighting{of("A", saw(-10, "c", "ann 1")), of("A", saw(10, "c", "ann 1"))}, model.RungConnection, "ann"},
		{"no connection, and one id alone about then",
			[]identity.Sighting{of("A", saw(-20, "d", "ann 1")), of("A", saw(10, "e", "ann 1"))}, model.RungDeviceID, "ann"},
		{"one id alone, by records alone: another's page may have told nothing",
			[]identity.Sighting{told("A", saw(-20, "", "ann 1")), told("A", saw(10, "", "ann 1"))}, model.RungAgent, "ann"},
		{"its connection shows the id, records the user",
			[]identity.Sighting{told("A", saw(-20, "", "ann 1")), of("A", saw(-10, "c", "ann 1")), told("A", saw(10, "", "ann 1"))}, model.RungDeviceID, "ann"},
		{"two ids about then",
			[]identity.Sighting{of("A", saw(-20, "d", "ann 1")), of("B", saw(-5, "f", "ann 1")), of("A", saw(10, "e", "ann 1"))}, model.RungUnknown, ""},
		{"a switch between",
			[]identity.Sighting{of("A", saw(-20, "d", "ann 1")), of("A", saw(10, "e", "vic 1"))}, model.RungUnknown, ""},
		{"what was seen elsewhere names no fill by its address",
			[]identity.Sighting{away("A", saw(-20, "", "ann 1")), away("A", saw(10, "", "ann 1"))}, model.RungUnknown, ""},
		{"without ids, the address",
			[]identity.Sighting{saw(-20, "d", "ann 1"), saw(10, "e", "ann 1")}, model.RungAgent, "ann"},
	} {
		held := identity.Climb(identity.Fill{Start: at(0), Conn: id("c")}, c.seen)
		if held.Rung != c.want || held.User != c.user {
			t.Errorf("%s: %v %q, want %v %q", c.name, held.Rung, held.User, c.want, c.user)
		}
	}
}

// TestTrialOfDeviceID hides what a device id shows, and asks for it.
func TestTrialOfDeviceID(t *testing.T) {
	var seen []identity.Sighting
	for i := range 30 {
		seen = append(seen, of("A", saw(float64(60*i), fmt.Sprint("c", i), "ann 1")), saw(float64(60*i+20), "n", "bob 1"))
	}
	var trials identity.Trials
	trials.Try(seen)
	if n := trials.DeviceID; n.Of != 0 { // no connection shows the id twice, and neighbours are about
		t.Errorf("tried without a sign of the id: %+v", n)
	}
	for i := range seen {
		if i%2 == 0 {
			seen[i].Conn = id(fmt.Sprint("c", i/4))
		}
	}
	trials = identity.Trials{}
	trials.Try(seen)
	if n := trials.DeviceID; n.Of < 20 || n.Are != n.Of {
		t.Errorf("trials %+v", n)
	}
	if r := trials.Reliability(model.RungDeviceID); r <= new(identity.Trials).Reliability(model.RungDeviceID) || r > 1 {
		t.Errorf("reliability %v", r)
	}
}
