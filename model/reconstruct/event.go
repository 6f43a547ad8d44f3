package reconstruct

import (
	"time"

	"github.com/spillscope/spillscope/model"
)

// Slack widens every comparison of membership: hosts of one cache differ by
// some milliseconds, time-taken is rounded, a lookup comes a little after the
// request.
const Slack = 100 * time.Millisecond

// Event is one row of a suspect route. Its intervals may overlap those of
// others by a second; only likelihoods order them.
type Event struct {
	ID        string
	Start     model.Interval // the request arrived: the lookup
	Available model.Interval // the first byte left: a stored response can be used
	End       model.Interval // the last byte left

	// Origin is the instant of the fill's origin row, precise to milliseconds
	// and on the origin's clock; zero if it has none.
	Origin model.Interval

	// Arrived is when a response that its row does not tell of came: one of a
	// background refresh, where origin stamps can tell, or one whose client had
	// left. Zero: as the row says.
	Arrived model.Interval

	Recipient bool // answered from the cache
	Fill      bool // may have entered the cache
	Miss      bool // says that nothing fresh was there
	Error     bool // status 4xx or 5xx
	Head      bool

	// Relay says that what the event stores may be what it was handed: by an
	// upper tier (a Miss that the origin never saw), or by the cache itself (a
	// revalidation that kept the stored Set-Cookie).
	Relay bool

	// Own is how likely what a relay stores is the origin's response to itself.
	Own float64

	// From is what a relay was handed, traced to the origin's responses; what
	// its probabilities lack to 1 is unknown.
	From   []Candidate
	Traced bool // From is set
	handed [outcomes][]Candidate

	// Undecided says that Own is a property of the cache which nobody knows.
	Undecided bool

	// Refreshed says that what was stored was used although it was stale:
	// confirmed by the origin, or sent because the origin failed.
	Refreshed bool

	// Failing says that the origin failed: what was stored lives on for the
	// time that errors do (semantics.md A2.21).
	Failing bool

	// Doubt is how likely the response never entered the cache.
	Doubt float64

	// Variant is what the log shows of the stored form that was sent.
	Variant Variant

	Payload any // the caller's, passed through
}

// patience bounds how long a request waits for one under way, and how long
// after the hit that set it off a background refresh may arrive: as long as
// CloudFront waits for an origin. Without Arrived nothing else bounds it,
// because the origin's clock may be hours off.
const patience = 30 * time.Second

// arrival returns when the response of fill e may have entered the cache: at
// its first byte or at its last. A background refresh is logged as the hit
// that set it off, and arrives when the origin has answered.
func (e *Event) arrival() model.Interval {
	switch v := (model.Interval{Lo: e.Available.Lo, Hi: e.End.Hi}); {
	case !e.Arrived.IsZero():
		return e.Arrived
	case e.background():
		v.Hi = v.Hi.Add(patience)
		return v
	default:
		return v
	}
}

// background reports whether e was handed what was stored while the cache
// asked the origin. A hit that an upper tier answered is stored at once.
func (e *Event) background() bool { return e.Recipient && e.Fill && (!e.Relay || e.Refreshed) }

// answered returns the latest instant at which e, if it waited for a response
// under way, was answered. A logged Available may be as wide as the download.
func (e *Event) answered() model.Instant {
	return max(e.Start.Hi, min(e.Available.Hi, e.Start.Hi.Add(patience)))
}

// ttfb returns the time from lookup to availability.
func (e *Event) ttfb() time.Duration { return e.Available.Lo.Sub(e.Start.Lo) }

// Candidate is one possible fill of a hit.
type Candidate struct {
	Fill  *Event
	Rules uint8   // bit i: cache.Rules[i] allows it
	P     float64 // set by Weigh
	Each  Each    // set by Flatten
	Via   *Event  // the relay that handed it on; nil: none
}
