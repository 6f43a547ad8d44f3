package identity

import (
	"math"
	"time"

	"github.com/spillscope/spillscope/model"
)

// kinds is the number of client kinds.
const kinds = int(model.ClientMonitor) + 1

// Stats is what a case's own devices say about how its clients behave. Counts
// merge in any order.
type Stats struct {
	Assets   [kinds]Count // requests for assets by clients known to be signed in: how many presented a session
	Pages    Count        // their other requests: how many presented none
	Returns  [kinds]Count // hits that changed nothing: how many of their clients were seen again
	Unsigned [kinds]Count // clear deliveries to clients never seen signed in, and seen again: thousandths applied
	Seen     int64        // sightings: none, and nothing that was not seen says anything
	Renewed  Count        // responses to a request with a session: how many issued another token
}

// Count is how many there were, and of how many it was so.
type Count struct {
	Of  int64 `json:"of"`
	Are int64 `json:"are"`
}

// Merge adds o.
func (s *Stats) Merge(o *Stats) {
	for k := range kinds {
		s.Assets[k].merge(o.Assets[k])
		s.Returns[k].merge(o.Returns[k])
		s.Unsigned[k].merge(o.Unsigned[k])
	}
	s.Pages.merge(o.Pages)
	s.Renewed.merge(o.Renewed)
	s.Seen += o.Seen
}

func (c *Count) merge(o Count) { c.Of, c.Are = c.Of+o.Of, c.Are+o.Are }

func (c *Count) add(is bool) {
	c.Of++
	if is {
		c.Are++
	}
}

// A Belief is a default and the number of events that it weighs as much as.
type Belief struct{ Mean, Weight float64 }

// with returns the mean of b once c was seen: a beta prior, binomial counts.
func (b Belief) with(c Count) float64 {
	return (float64(b.Mean*b.Weight) + float64(c.Are)) / (b.Weight + float64(c.Of))
}

// The beliefs about client kinds before a case is known (semantics.md B13,
// B14), in the order of model.ClientKind. A client of unknown kind is more
// likely a program than a browser: browsers say Mozilla/5.0. Where little is
// known of a kind in general the weight is small.
var (
	// jars: such a client keeps a session cookie that reaches it.
	jars = [kinds]Belief{{0.25, 10}, {0.95, 40}, {0.4, 5}, {0.02, 40}, {0.02, 40}, {0.02, 40}}
	// signed: as jars, of clients that were seen to present sessions. A script
	// may send a fixed cookie and take none.
	signed = [kinds]Belief{{0.8, 10}, {0.98, 40}, {0.9, 10}, {0.3, 10}, {0.3, 10}, {0.3, 10}}
	// returns: such a client is seen again while logs go on.
	returns = [kinds]Belief{{0.5, 10}, {0.7, 10}, {0.7, 10}, {0.5, 10}, {0.5, 10}, {0.9, 10}}
	// bare: a request of a signed-in client shows no session.
	bare = Belief{0.05, 40}
)

// Estimate is the rules that a case's devices speak for, and how likely its
// kinds of client take cookies.
type Estimate struct {
	Rules  Rules
	Jar    [kinds]float64 // clients of which no session was seen
	Signed [kinds]float64 // clients that presented one
	Stats  Stats
}

// rotating is the share of responses with another token than was presented
// from which sessions are taken to rotate: logins are rarer by far.
const rotating = 0.2

// Estimate pools s with the defaults.
func (s *Stats) Estimate() *Estimate {
	e := &Estimate{Rules: *Defaults(), Stats: *s}
	for k := range kinds {
		e.Signed[k] = signed[k].with(s.Assets[k])
		u := s.Unsigned[k]
		e.Jar[k] = jars[k].with(Count{Of: u.Of, Are: u.Are / 1000})
		e.Rules.Returns[k] = returns[k].with(s.Returns[k])
	}
	if s.Seen == 0 {
		e.Rules.Returns, e.Rules.Missed = Defaults().Returns, 1
	}
	e.Rules.Bare = min(0.5, bare.with(s.Pages))
	e.Rules.Rotates = s.Renewed.Of > 0 && float64(s.Renewed.Are) > rotating*float64(s.Renewed.Of)
	return e
}

// Observe adds what the device shows of its kind.
func (d *Device) Observe(s *Stats) {
	for _, list := range d.byConn {
		d.observeConnection(list, s)
	}
	for i := range d.sightings {
		x := &d.sightings[i]
		if x.Away { // counted where it was
			continue
		}
		s.Seen++
		if !x.empty() && x.Sets > 0 {
			s.Renewed.add(!x.Issued.IsZero() && x.Issued != x.Session)
		}
	}
	for i := range d.hits {
		d.observeHit(i, s)
	}
}

// observeConnection looks at requests between two that presented the same
// session over the same connection: their client was signed in.
func (d *Device) observeConnection(list []int, s *Stats) {
	for n := 1; n+1 < len(list); n++ {
		was, x, will := &d.sightings[list[n-1]], &d.sightings[list[n]], &d.sightings[list[n+1]]
		if was.empty() || was.who != will.who || will.Start.Lo.Sub(was.Start.Lo) > idle {
			continue
		}
		if x.Blank {
			continue
		}
		if x.Asset {
			s.Assets[x.Kind].add(!x.empty())
		} else {
			s.Pages.add(x.empty())
		}
	}
}

// clear is how sure a delivery must be to be learnt from.
const clear = 0.95

func (d *Device) observeHit(i int, s *Stats) {
	h := &d.hits[i]
	r := d.Read(i)
	delivered, applied := 0.0, 0.0
	for n, v := range r.Verdicts {
		if h.Candidates[n].Bears && !v.Same && v.Self == LinkNone {
			delivered += v.Delivered
			applied += v.Applied
		}
	}
	if applied < 1-clear {
		s.Returns[h.Kind].add(r.Again)
	}
	if delivered >= clear && r.Again && !h.Foreign && !d.signedIn(h) {
		s.Unsigned[h.Kind].Of++
		s.Unsigned[h.Kind].Are += int64(float64(applied/delivered)*1000 + 0.5)
	}
}

// signedFor is how far from a hit a sighting still shows that its client keeps
// sessions.
const signedFor = time.Hour

// signedIn reports whether the client of h was seen to present a session that
// it may have got by itself.
func (d *Device) signedIn(h *Hit) bool {
	list := d.own
	if d.shared() {
		list = d.byConn[h.Conn]
		if !h.jar.IsZero() {
			list = d.byJar[h.jar]
		}
	}
	for n := d.after(list, h.Start.Lo.Add(-signedFor)); n < len(list); n++ {
		s := &d.sightings[list[n]]
		if gap(s.Start, h.Start) > signedFor {
			break
		}
		if !s.empty() && (!d.shared() || !d.maybeBrought(s) && !d.broughtOver(s)) {
			return true
		}
	}
	return false
}

// jar returns how likely the client of h takes the cookie. One rule of
// browsers decides for both directions whether cookies flow (semantics.md B2):
// a request that carried one takes one.
func (d *Device) jar(h *Hit) float64 {
	if h.Jar == 0 {
		return 0
	}
	known := d.signedIn(h)
	switch {
	case h.Cookie == model.Yes:
		return d.rules.Flows
	case h.Cookie == model.No && known:
		return d.rules.NoFlow
	case known && h.Signed > 0:
		return h.Signed
	case !known && (d.refused[h.Conn] || !d.shared() && d.refused[model.ID{}]):
		return d.rules.NoFlow
	}
	return h.Jar
}

// Habits is how the clients of a kind behave, for the manifest: the estimate,
// and the counts that it pools with the default.
type Habits struct {
	Kind     string  `json:"kind"`
	Takes    float64 `json:"takes_cookie"`
	Signed   float64 `json:"takes_cookie_if_signed_in"`
	Returns  float64 `json:"seen_again"`
	Assets   Count   `json:"asset_requests_signed_in"`
	Returned Count   `json:"hits_that_changed_nothing"`
	Unsigned Count   `json:"clear_deliveries_not_signed_in"`
}

// Report is what was learnt of the case's clients.
type Report struct {
	Kinds   []Habits `json:"kinds"`
	Bare    float64  `json:"request_without_its_session"`
	Pages   Count    `json:"requests_signed_in"`
	Rotates bool     `json:"sessions_rotate"`
}

var kindNames = [kinds]string{"unknown", "browser", "app", "bot", "tool", "monitor"}

// Report states the estimate for the manifest.
func (e *Estimate) Report() Report {
	r := Report{Bare: round(e.Rules.Bare), Pages: e.Stats.Pages, Rotates: e.Rules.Rotates}
	for k, name := range kindNames {
		u := e.Stats.Unsigned[k]
		r.Kinds = append(r.Kinds, Habits{
			Kind: name, Takes: round(e.Jar[k]), Signed: round(e.Signed[k]), Returns: round(e.Rules.Returns[k]),
			Assets: e.Stats.Assets[k], Returned: e.Stats.Returns[k], Unsigned: Count{Of: u.Of, Are: u.Are / 1000},
		})
	}
	return r
}

func round(p float64) float64 { return math.Round(p*1e4) / 1e4 }
