package identity

import (
	"time"

	"github.com/spillscope/spillscope/model"
)

// Rules is how likely it is that sightings look as they do. Defaults gives the
// numbers and their reasons; those that a case can measure are estimated from
// it (package scan) with the default as prior.
type Rules struct {
	// Changed is how likely a jar comes to hold somebody else's session by
	// itself between two sightings, without a login in the logs: the login's
	// row is lost, or another person took the seat. By what ties the sighting.
	Changed [links]float64

	// Stray is how likely a sighting is of another jar although it is tied to
	// this one: a second profile, a private window, a proxy's pooled connection.
	Stray [links]float64

	// Bare is how likely a request shows no session although its jar holds
	// one: fetches without credentials, pages in foreign frames.
	Bare float64

	// Emptied is how likely a jar loses its session between two sightings
	// without a logout in the logs: expiry, cleared cookies.
	Emptied float64

	// Coincidence is how likely the recipient's own session, where nothing was
	// seen of it before, happens to be that of a candidate which another
	// device filled: the recipient itself, a moment ago at another address.
	Coincidence float64

	// Lost is how likely a session that came with an unlisted fill is just the
	// one seen: the more sessions were about, the less it tells.
	Lost float64

	// Healed is how likely a client takes the cookie of an own response that
	// set one: it may have been a frame's, or arrived after the page was left.
	Healed float64

	// Flows and NoFlow are how likely a client takes a cookie by a request of
	// which the edge logged that it carried one; or that it carried none although
	// the client was signed in, as where it took none of its own sessions either.
	Flows, NoFlow float64

	// Returns is how likely a client of a kind that was handed nothing was seen
	// again, and Missed how likely a client's return shows in no log: it came
	// from another address, or rows are lost. A client that was not seen again
	// is not cleared; how much its absence says depends on both.
	Returns [kinds]float64
	Missed  float64

	// UsedKept is how likely an applied session was presented all the same where
	// the device was seen again without it.
	UsedKept float64

	// Rotates says that responses issue a new token of the same login.
	Rotates bool
}

// Defaults returns the rules before a case is known. None of the numbers is
// more than an order of magnitude; what they rest on stands beside them.
func Defaults() *Rules {
	return &Rules{
		Changed: [links]float64{
			LinkNone:       1,
			LinkShared:     0.05, // a colleague's first request behind the same NAT
			LinkDevice:     1e-3, // a second person at one browser, minutes apart
			LinkDeviceID:   3e-4, // as a lost login row, over a longer time; whoever took the seat kept the profile
			LinkConnection: 1e-4, // a lost login row: one in a thousand logins, and few log in
		},
		Stray: [links]float64{
			LinkNone:       1,
			LinkShared:     0.3,   // many jars, one address and User-Agent
			LinkDevice:     0.03,  // two profiles of one person
			LinkDeviceID:   0.015, // an id is of one jar, but the hit has it by its connection
			LinkConnection: 0.01,  // browsers do not share a connection between profiles; proxies may
		},
		Bare:        0.05,
		Emptied:     0.01,
		Coincidence: 0.01,
		Lost:        0.1,
		Healed:      0.97,
		Flows:       0.995,
		NoFlow:      0.02,
		Returns:     [kinds]float64{0.5, 0.7, 0.7, 0.5, 0.5, 0.9},
		Missed:      0.05,
		UsedKept:    0.01,
	}
}

// usedUnseen returns how likely an applied session was presented although its
// client was not seen again.
func (r *Rules) usedUnseen(k model.ClientKind) float64 {
	back := float64(r.Returns[k] * r.Missed)
	return back / (back + 1 - r.Returns[k] + 0.001)
}

// idle is how long a connection may be silent before its port may have passed
// to somebody else behind the same address.
const idle = 10 * time.Minute

// widest is the uncertainty of a whole-second stamp.
const widest = time.Second

// slowest is how long a request can have been under way at a hit and still
// put the own session back.
const slowest = time.Minute

// flight is how long before its arrival at the edge a request left its client,
// and a response arrives after it left the edge: a fair guess between a wired
// desk and a telephone. It decides only between events that close together.
const flight = 50 * time.Millisecond
