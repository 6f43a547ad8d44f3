package identity_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/identity"
)

func id(s string) (d model.ID) {
	copy(d[:], s)
	return d
}

// at is an interval of a second that begins s seconds into an hour.
func at(s float64) model.Interval {
	lo := model.Instant(time.Hour) + model.Instant(s*1e9)
	return model.Interval{Lo: lo, Hi: lo.Add(time.Second)}
}

// saw is a request on conn that presented session, answered within 50 ms. A
// session belongs to the user of its first word.
func saw(s float64, conn, session string) identity.Sighting {
	return identity.Sighting{
		RequestID: fmt.Sprint("at ", s), Start: at(s), Done: at(s + 0.05),
		Conn: id(conn), Session: id(session), User: userOf(session),
	}
}

// login is saw whose response issued another session.
func login(s float64, conn, session, issued string) identity.Sighting {
	x := saw(s, conn, session)
	x.Issued = id(issued)
	return x
}

func userOf(session string) string {
	if session == "" {
		return ""
	}
	var user string
	fmt.Sscan(session, &user)
	return user
}

// got is a hit on conn at s, of a browser on device "D".
func got(s float64, conn string, cs ...identity.Candidate) identity.Hit {
	h := identity.Hit{
		RequestID: fmt.Sprint("hit ", s), Start: at(s), Available: at(s + 0.001),
		Conn: id(conn), Device: id("D"), Jar: 0.95, Candidates: cs, Unknown: 1,
	}
	for _, c := range cs {
		h.Unknown -= c.Prior
	}
	return h
}

// from is a candidate: a fill elsewhere that carried session.
func from(session string, prior float64) identity.Candidate {
	return identity.Candidate{Prior: prior, Bears: true, Session: id(session), User: userOf(session), Device: id("elsewhere"), Conn: id("far")}
}

// read returns the reading of the last hit.
func read(seen []identity.Sighting, hits ...identity.Hit) identity.Reading {
	return identity.NewDevice(seen, hits, identity.Defaults()).Read(len(hits) - 1)
}

func check(t *testing.T, what string, ok bool, r identity.Reading) {
	t.Helper()
	if !ok {
		t.Errorf("not %s: own %q (%v), jars %d, again %v, kept %v, racing %v, stranger %v\nverdicts %+v\nunknown %+v",
			what, r.OwnUser, r.OwnLink, r.Jars, r.Again, r.Kept != nil, r.Racing, r.Stranger != nil, r.Verdicts, r.Unknown)
	}
}

// TestOwnSession: who the recipient was until then (design.md 2).
func TestOwnSession(t *testing.T) {
	for _, c := range []struct {
		name string
		seen []identity.Sighting
		user string
		link identity.Link
	}{
		{"nothing seen", nil, "", identity.LinkNone},
		{"by connection", []identity.Sighting{saw(-5, "c", "ann 1"), saw(-3, "other", "bob 1")}, "ann", identity.LinkConnection},
		{"the last on the connection", []identity.Sighting{saw(-50, "c", "bob 1"), saw(-5, "c", "ann 1")}, "ann", identity.LinkConnection},
		{"a connection idle for too long may have passed on", []identity.Sighting{saw(-700, "c", "ann 1")}, "ann", identity.LinkDevice},
		{"else by device", []identity.Sighting{saw(-500, "before", "ann 1")}, "ann", identity.LinkDevice},
		{"a device of two users says nothing (SHARED_EGRESS)", []identity.Sighting{saw(-5, "a", "ann 1"), saw(-3, "b", "bob 1")}, "", identity.LinkNone},
		{"requests without a session say nothing", []identity.Sighting{saw(-5, "c", "ann 1"), saw(-3, "c", "")}, "ann", identity.LinkConnection},
		{"not what came after", []identity.Sighting{saw(30, "c", "ann 1")}, "", identity.LinkNone},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := read(c.seen, got(0, "c", from("vic 1", 0.9)))
			check(t, fmt.Sprint("own ", c.user, " by ", c.link), r.OwnUser == c.user && r.OwnLink == c.link, r)
		})
	}
	r := read([]identity.Sighting{login(-5, "c", "", "ann 2")}, got(0, "c", from("vic 1", 0.9)))
	check(t, "what stood there before a first login", r.Own.IsZero(), r)
	r = read([]identity.Sighting{login(-5, "c", "ann 1", "ann 2")}, got(0, "c", from("vic 1", 0.9)))
	check(t, "the session that the login issued", r.Own == id("ann 2"), r)
}

// TestSwitch: the device presented its own session, then the holder's, with
// no login between (semantics.md C9a).
func TestSwitch(t *testing.T) {
	own := saw(-5, "c", "ann 1")
	before := read([]identity.Sighting{own}, got(0, "c", from("vic 1", 0.4), from("bob 1", 0.5)))
	r := read([]identity.Sighting{own, saw(4, "c", "vic 1")}, got(0, "c", from("vic 1", 0.4), from("bob 1", 0.5)))
	v := r.Verdicts[0]
	check(t, "a switch by connection", v.Use != nil && v.UseLink == identity.LinkConnection && v.Used == v.Applied && v.Applied > 0.99, r)
	check(t, "at the cost of the other candidate", r.Verdicts[1].Delivered < 0.01 && before.Verdicts[1].Delivered > 0.49, r)

	r = read([]identity.Sighting{own, saw(4, "later", "vic 1")}, got(0, "c", from("vic 1", 0.4)))
	check(t, "a switch by device", r.Verdicts[0].UseLink == identity.LinkDevice && r.Verdicts[0].Applied > 0.99, r)

	r = read([]identity.Sighting{own, saw(-4, "b", "bob 1"), saw(4, "later", "vic 1")}, got(0, "c", from("vic 1", 0.4)))
	check(t, "a weak switch behind a shared egress", r.Verdicts[0].UseLink == identity.LinkShared && r.Verdicts[0].Applied < 0.99, r)

	r = read(nil, got(0, "c", from("vic 1", 0.4)))
	check(t, "unseen: nothing moves but by the jar", r.Verdicts[0].Delivered > 0.399 && r.Verdicts[0].Delivered < 0.401 && !r.Again, r)
}

// TestNoSwitch: what looks like a switch and is not.
func TestNoSwitch(t *testing.T) {
	own, hit := saw(-5, "c", "ann 1"), got(0, "c", from("vic 1", 0.8))
	for _, c := range []struct {
		name string
		seen []identity.Sighting
	}{
		{"a login between issued that very session", []identity.Sighting{own, login(3, "c", "ann 1", "vic 1"), saw(5, "c", "vic 1")}},
		{"the session was at home here before", []identity.Sighting{saw(-60, "old", "vic 1"), own, saw(5, "new", "vic 1")}},
		{"and on this very connection", []identity.Sighting{saw(-60, "c", "vic 1"), own, saw(5, "c", "vic 1")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := read(c.seen, hit)
			check(t, "use", r.Verdicts[0].Use == nil, r)
		})
	}
	r := read([]identity.Sighting{own, saw(5, "c", "ann 2")}, got(0, "c", from("ann 2", 0.8)))
	check(t, "the same account", r.Verdicts[0].Same && r.Verdicts[0].Use == nil, r)
}

// TestKeptOwn: the device went on as itself (SWITCH_NOT_SEEN), which clears
// less while one of its own requests was under way (C8).
func TestKeptOwn(t *testing.T) {
	own, hit := saw(-5, "c", "ann 1"), got(0, "c", from("vic 1", 0.8))
	unseen := read([]identity.Sighting{own}, hit)
	kept := read([]identity.Sighting{own, saw(5, "c", "ann 1")}, hit)
	check(t, "kept by connection", kept.Kept != nil && kept.KeptLink == identity.LinkConnection && kept.Again, kept)
	check(t, "much less likely applied", kept.Verdicts[0].Applied < unseen.Verdicts[0].Applied/2, kept)

	slow := saw(-2, "c", "ann 1")
	slow.Done, slow.Sets = at(1), 1
	racing := read([]identity.Sighting{own, slow, saw(5, "c", "ann 1")}, hit)
	check(t, "racing", racing.Racing, racing)
	check(t, "between the two", racing.Verdicts[0].Applied > kept.Verdicts[0].Applied && racing.Verdicts[0].Applied < unseen.Verdicts[0].Applied, racing)

	anew := read([]identity.Sighting{own, login(3, "c", "vic 1", "ann 1"), saw(5, "c", "ann 1")}, hit)
	check(t, "kept: it logged in again", anew.Kept == nil && anew.Verdicts[0].Use != nil, anew)
}

// TestSelf: the recipient's own fill (SELF_HIT), by connection or less.
func TestSelf(t *testing.T) {
	mine, like := from("ann 1", 0.4), from("vic 1", 0.4)
	mine.Device, mine.Conn = id("D"), id("c")
	like.Device = id("D")
	r := read([]identity.Sighting{saw(-5, "c", "ann 1")}, got(0, "c", mine, like))
	check(t, "self by connection, and by device", r.Verdicts[0].Self == identity.LinkConnection && r.Verdicts[1].Self == identity.LinkDevice, r)
	r = read([]identity.Sighting{saw(-5, "c", "ann 1"), saw(-4, "b", "bob 1")}, got(0, "c", mine, like))
	check(t, "self by a shared device", r.Verdicts[1].Self == identity.LinkShared, r)
}

// TestStranger: a session came without a login, and no fill in the logs
// carried it: the fill's row is lost, the switch is not.
func TestStranger(t *testing.T) {
	own, hit := saw(-5, "c", "ann 1"), got(0, "c", from("vic 1", 0.8))
	r := read([]identity.Sighting{own, saw(4, "c", "eve 1")}, hit)
	check(t, "a stranger", r.Stranger != nil && r.Unknown.Use == r.Stranger && r.Unknown.Applied > 0.9, r)
	r = read([]identity.Sighting{own, login(3, "c", "ann 1", "eve 1"), saw(4, "c", "eve 1")}, hit)
	check(t, "a stranger after a login", r.Stranger == nil, r)
	r = read([]identity.Sighting{saw(-50, "c", "eve 1"), own, saw(4, "c", "eve 1")}, hit)
	check(t, "a stranger: it was here before", r.Stranger == nil, r)
	r = read([]identity.Sighting{saw(4, "c", "eve 1")}, hit)
	check(t, "a stranger: who the recipient was is not known", r.Stranger == nil, r)
	r = read([]identity.Sighting{own, saw(1000, "c", "eve 1")}, hit)
	check(t, "a stranger: long after", r.Stranger == nil, r)
}

// TestTwoHitsExplainOne: a sighting that two hits may have caused is not
// credited to either in full.
func TestTwoHitsExplainOne(t *testing.T) {
	seen := func() []identity.Sighting { return []identity.Sighting{saw(-5, "c", "ann 1"), saw(9, "c", "vic 1")} }
	alone := read(seen(), got(0, "c", from("vic 1", 0.5)))
	pair := func(p float64) identity.Reading {
		return identity.NewDevice(seen(), []identity.Hit{got(0, "c", from("vic 1", 0.5)), got(4, "c", from("vic 1", p))}, identity.Defaults()).Read(0)
	}
	last := alone.Verdicts[0].Applied
	for _, p := range []float64{0.1, 0.5, 0.9} {
		r := pair(p)
		check(t, fmt.Sprintf("credited less beside a hit of %v", p), r.Verdicts[0].Applied < last && r.Verdicts[0].Use != nil, r)
		last = r.Verdicts[0].Applied
	}
	none := got(4, "c", from("vic 1", 0.9))
	none.Candidates[0].Bears = false
	r := identity.NewDevice(seen(), []identity.Hit{got(0, "c", from("vic 1", 0.5)), none}, identity.Defaults()).Read(0)
	check(t, "as sure beside a fill without a session", r.Verdicts[0].Applied > alone.Verdicts[0].Applied-0.01, r)
}

// TestChain: after a switch the next fill's session counts against what the
// device was before any delivery (semantics.md C7), and each request is told
// with the last hit that may have brought its session.
func TestChain(t *testing.T) {
	seen := []identity.Sighting{
		saw(-5, "c", "ann 1"), saw(3, "c", "vic 1"), saw(4, "c", "vic 1"), // first switch
		saw(13, "c", "bob 1"), saw(23, "c", "vic 1"), // second, and back
	}
	d := identity.NewDevice(seen, []identity.Hit{got(0, "c", from("vic 1", 0.9)), got(10, "c", from("bob 1", 0.9)), got(20, "c", from("vic 1", 0.9))}, identity.Defaults())
	told := map[string]int{}
	for i, session := range []string{"vic 1", "bob 1", "vic 1"} {
		r := d.Read(i)
		check(t, "still ann behind it all", r.OwnUser == "ann", r)
		check(t, "a switch", r.Verdicts[0].Use != nil && r.Jars == 1, r)
		for _, s := range d.Trail(i, id(session), userOf(session), identity.LinkConnection) {
			told[s.RequestID]++
		}
	}
	for _, request := range []string{"at 3", "at 4", "at 13", "at 23"} {
		if told[request] != 1 {
			t.Errorf("request %s is told %d times, want once", request, told[request])
		}
	}
	if told["at -5"] != 0 {
		t.Error("a request before the delivery is told")
	}
}

// TestTrailEnds with the next login, and leaves out weaker links.
func TestTrailEnds(t *testing.T) {
	seen := []identity.Sighting{
		saw(-5, "c", "ann 1"), saw(3, "c", "vic 1"), saw(4, "other", "vic 1"),
		login(6, "c", "vic 1", "ann 2"), saw(9, "c", "vic 1"),
	}
	d := identity.NewDevice(seen, []identity.Hit{got(0, "c", from("vic 1", 0.9))}, identity.Defaults())
	for link, want := range map[identity.Link]string{identity.LinkConnection: "[at 3 at 6]", identity.LinkDevice: "[at 3 at 4 at 6]"} {
		var ids []string
		for _, s := range d.Trail(0, id("vic 1"), "vic", link) {
			ids = append(ids, s.RequestID)
		}
		if fmt.Sprint(ids) != want {
			t.Errorf("tied by %v: %v, want %s", link, ids, want)
		}
	}
}
