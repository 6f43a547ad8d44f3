// Package calibrate learns from the log itself what nobody wrote down: how far
// the origin's clock is from the edge's, by which formula responses expire and
// how long they live, whether one name hides several caches, when each of them
// leaked, how many rows are missing.
//
// It counts into statistics that can be merged in any order, because they are
// integers, and turns them into the Params of package reconstruct.
package calibrate

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// Clock compares origin stamps with edge intervals of joined requests. The
// zero Clock is empty and ready to use.
type Clock struct {
	all    pair
	far    far
	joined int64
	waits  waits
	caches map[string]*pair        // every location has a clock of its own
	steps  map[model.Instant]*pair // and each may be set while the log is written
}

// pair holds the two readings of a stamp.
type pair struct {
	fromStart lags // origin stamp − middle of the lookup's interval
	fromFirst lags // origin stamp − middle of the first byte's interval
	width     int64
}

func (p *pair) merge(o *pair) {
	p.fromStart.merge(&o.fromStart)
	p.fromFirst.merge(&o.fromFirst)
	p.width += o.width
}

// centre returns lag and spread as Offset has them.
func (p *pair) centre(fromStart bool) (lag, spread time.Duration) {
	lag, spread = p.lags(fromStart).centre(p.blur())
	return -lag, spread
}

// midrange returns the lag where several clocks, or one that was set anew, are
// taken as one: between them.
func (p *pair) midrange(fromStart bool) time.Duration { return -p.lags(fromStart).midrange() }

func (p *pair) lags(fromStart bool) *lags {
	if fromStart {
		return &p.fromStart
	}
	return &p.fromFirst
}

// blur returns the mean width of the edge's intervals.
func (p *pair) blur() time.Duration {
	return time.Duration(p.width/max(1, p.fromStart.n)) * time.Millisecond
}

// marksStart reports whether stamps mark the start of a request, not its answer.
//
// No origin stamps a request before it arrives, nor after its answer is there;
// but on a busy host it may stamp long after the arrival, or long before the
// answer. So one side of the differences is sharp, if they are taken from the
// instant that is marked: fewer lie beyond it than beyond the same side of the
// other reading. The slope of stamp against wait is fooled where requests queue
// before they are stamped, since then both grow together; it is asked where
// clocks that drift have left neither side sharp.
func (c *Clock) marksStart() bool {
	var start, end, beside, n int64
	for _, p := range c.caches { // each has a clock of its own
		width := p.blur()
		early, queued := p.fromStart.beside(width)
		ahead, late := p.fromFirst.beside(width)
		start, end = start+impossible*early+queued, end+impossible*late+ahead
		beside, n = beside+min(early+queued, late+ahead), n+p.fromStart.n
	}
	if start == end || beside > n/8 {
		return c.waits.slope() < 0.5
	}
	return start < end
}

// impossible is how many times as much as a stamp that tarried one counts that
// comes too soon: it may still be a stray, or near the edge.
const impossible = 8

// driftStep is the time within which a clock is taken to be steady.
const driftStep = 10 * time.Minute

// Add notes an edge row's intervals and the stamp of its origin row.
func (c *Clock) Add(cacheName string, start, available, origin model.Interval) {
	c.joined++
	fromStart, fromFirst := middle(origin).Sub(middle(start)), middle(origin).Sub(middle(available))
	if fromStart.Abs() > fineReach || fromFirst.Abs() > fineReach {
		c.far.add(fromStart)
		return
	}
	c.waits.add(fromStart, available.Lo.Sub(start.Lo))
	width := start.Hi.Sub(start.Lo).Milliseconds()
	for _, p := range []*pair{&c.all, pairOf(&c.caches, cacheName), pairOf(&c.steps, driftOf(start.Lo))} {
		p.fromStart.add(fromStart)
		p.fromFirst.add(fromFirst)
		p.width += width
	}
}

func driftOf(at model.Instant) model.Instant { return at - at%model.Instant(driftStep) }

func pairOf[K comparable, P any](m *map[K]*P, k K) *P {
	if *m == nil {
		*m = map[K]*P{}
	}
	p := (*m)[k]
	if p == nil {
		p = new(P)
		(*m)[k] = p
	}
	return p
}

// Merge adds what o has seen.
func (c *Clock) Merge(o *Clock) {
	c.all.merge(&o.all)
	c.far.merge(&o.far)
	c.joined += o.joined
	c.waits.merge(&o.waits)
	for k, p := range o.caches {
		pairOf(&c.caches, k).merge(p)
	}
	for k, p := range o.steps {
		pairOf(&c.steps, k).merge(p)
	}
}

// Offset is what a Clock says about origin stamps.
type Offset struct {
	Joined    int64         `json:"joined_rows"`
	Lag       time.Duration `json:"-"`
	Spread    time.Duration `json:"-"`
	FromStart bool          `json:"from_start"`
	LagMS     int64         `json:"lag_ms"`
	SpreadMS  int64         `json:"spread_ms"`
	Refused   string        `json:"refused,omitempty"` // why stamps are not used
	WrongBy   time.Duration `json:"-"`                 // by how much the origin's clock is ahead, if that is why
	Partly    string        `json:"partly,omitempty"`  // what a part of the stamps looks like
	Caches    []CacheLag    `json:"by_cache,omitempty"`
	Drift     []StepLag     `json:"drift,omitempty"` // ten minutes that differ from the whole
}

// CacheLag is the offset between the origin's clock and one cache's.
type CacheLag struct {
	Cache    string `json:"cache"`
	Joined   int64  `json:"joined_rows"`
	LagMS    int64  `json:"lag_ms"`
	SpreadMS int64  `json:"spread_ms"`
}

// StepLag is how far the origin's clock was from its usual offset for a while.
type StepLag struct {
	At     model.Instant `json:"-"`
	From   string        `json:"from"`
	Joined int64         `json:"joined_rows"`
	LagMS  int64         `json:"off_by_ms"`
	spread time.Duration
}

// minJoined is the least number of rows that an offset is read from: the range
// of fewer says little about its ends.
const minJoined = 50

// absorbed is the largest offset that is taken into account in silence. Past
// it a clock was set wrong, and what else it stamped is wrong with it.
const absorbed = 5 * time.Second

// Offset reads the histograms. instant is what the incident file says the
// stamp marks: start, end, or unknown; then the waits tell.
func (c *Clock) Offset(instant string) Offset {
	out := Offset{Joined: c.joined}
	if out.Refused, out.WrongBy = c.refuse(); out.Refused != "" {
		return out
	}
	out.FromStart = instant == "start" || instant != "end" && c.marksStart()
	out.Lag, out.Spread = c.all.centre(out.FromStart)
	if out.Lag.Abs() > absorbed {
		out.WrongBy = -out.Lag.Round(100 * time.Millisecond)
		out.Refused = c.wrongBy(out.WrongBy, c.all.fromStart.n)
		return out
	}
	if c.far.n*20 > c.joined {
		d, n := c.far.usual()
		out.Partly = fmt.Sprintf("%d of %d origin stamps are further off than the others", c.far.n, c.joined)
		if n*2 > c.far.n {
			out.Partly = c.wrongBy(d, n)
		}
	}
	if out.Drift = c.drift(&out); len(out.Drift) > 0 {
		out.Lag = c.all.midrange(out.FromStart)
	}
	out.Caches = c.byCache(&out)
	out.LagMS, out.SpreadMS = out.Lag.Milliseconds(), out.Spread.Milliseconds()
	return out
}

// refuse says why no offset can be read, and by how much the origin's clock is
// ahead if that is why.
func (c *Clock) refuse() (why string, by time.Duration) {
	switch d, n := c.far.usual(); {
	case c.joined == 0:
		return "no edge row was joined to an origin row", 0
	case c.far.n*2 <= c.joined:
		if c.joined < minJoined {
			return fmt.Sprintf("only %d joined rows", c.joined), 0
		}
		return "", 0
	case n == 0:
		return "origin stamps are more than a day from the edge's on most joined requests: " + wrongClock, 0
	case n*2 <= c.far.n:
		return fmt.Sprintf("origin stamps are far from the edge's on %d of %d joined requests, each by another time: the request ids are not the CDN's, or several clocks were wrong", c.far.n, c.joined), 0
	default:
		return c.wrongBy(d, n), d
	}
}

// wrongBy says by how much n stamps are off, and why that may be.
func (c *Clock) wrongBy(d time.Duration, n int64) string {
	word := "ahead of"
	if d < 0 {
		word = "behind"
	}
	return fmt.Sprintf("origin stamps are about %v %s the edge's on %d of %d joined requests: %s", d.Abs(), word, n, c.joined, likelyCause(d))
}

func likelyCause(d time.Duration) string {
	if zone, ok := CivilZone(d, NearZone); ok {
		return fmt.Sprintf("the origin log looks like local time of UTC%+.4g; set time_zone on its source", zone.Hours())
	}
	return wrongClock
}

const wrongClock = "its clock was wrong, or the request ids are not the CDN's"

func middle(v model.Interval) model.Instant { return v.Lo + (v.Hi-v.Lo)/2 }

// surely is the least deviation that a clock is said to have: less is within
// what differing routes through the network do.
const surely = 30 * time.Millisecond

// errorOf is about the standard error of a centre read from n rows: that of a
// trimmed range of uniform noise, which the whole-second stamps are.
func errorOf(blur time.Duration, n int64) time.Duration {
	return time.Duration(float64(blur) * 0.1 / math.Sqrt(float64(max(1, n))))
}

// drift lists the steps whose offset differs from the whole, and sets the
// spread of o to what is left once they are put right.
func (c *Clock) drift(o *Offset) []StepLag {
	var out, all []StepLag
	whole := c.all.midrange(o.FromStart) // of all locations, as each step is
	for _, at := range slices.Sorted(maps.Keys(c.steps)) {
		p := c.steps[at]
		n := p.fromStart.n
		if n < minJoined {
			continue
		}
		_, spread := p.centre(o.FromStart)
		off := whole - p.midrange(o.FromStart)
		s := StepLag{at, at.String(), n, off.Milliseconds(), spread}
		all = append(all, s)
		if off.Abs() > surely+spread+4*errorOf(p.blur(), n) { // ends that queues smear move by themselves
			out = append(out, s)
		}
	}
	if len(out) > 0 {
		slices.SortStableFunc(all, func(a, b StepLag) int { return int(a.spread - b.spread) })
		o.Spread = min(o.Spread, all[len(all)/2].spread)
	}
	return out
}

// Correct brings an origin stamp to the usual offset of its clock.
func (o *Offset) Correct(stamp model.Interval) model.Interval {
	if stamp.IsZero() || len(o.Drift) == 0 {
		return stamp
	}
	at := driftOf(stamp.Lo.Add(o.Lag))
	i, ok := slices.BinarySearchFunc(o.Drift, at, func(s StepLag, at model.Instant) int { return int(s.At - at) })
	if !ok {
		return stamp
	}
	return stamp.Shift(-time.Duration(o.Drift[i].LagMS) * time.Millisecond)
}

// usualSkew is how far the clocks of a CDN's locations are apart, before a
// row is read: they are set by NTP, and their distance to the origin differs.
const usualSkew = 50 * time.Millisecond

// fewest is the number of rows below which a range means nothing at all.
const fewest = 10

// byCache returns each cache's own offset, drawn towards that of all by as
// much as its few rows leave it unknown. A clock that drifted blurs all caches
// alike, so their spread is that of the whole then.
func (c *Clock) byCache(o *Offset) []CacheLag {
	var out []CacheLag
	for _, name := range slices.Sorted(maps.Keys(c.caches)) {
		p := c.caches[name]
		n := p.fromStart.n
		lag, spread := p.centre(o.FromStart)
		if n < minJoined || len(o.Drift) > 0 {
			spread = o.Spread
		}
		if len(o.Drift) > 0 {
			lag = p.midrange(o.FromStart)
		}
		doubt := float64(errorOf(p.blur(), n)) / float64(usualSkew)
		own := time.Duration(float64(lag-o.Lag) / (1 + float64(doubt*doubt)))
		if n < fewest {
			own = 0
		}
		lag = o.Lag + own
		out = append(out, CacheLag{name, n, lag.Milliseconds(), spread.Milliseconds()})
	}
	return out
}

// Apply copies the offset between the origin's clock and a cache's into p.
func (o *Offset) Apply(cacheName string, p *reconstruct.Params) {
	if o.Refused != "" {
		return
	}
	p.Lag, p.Spread, p.FromStart = o.Lag, o.Spread, o.FromStart
	for _, c := range o.Caches {
		if c.Cache == cacheName {
			p.Lag, p.Spread = time.Duration(c.LagMS)*time.Millisecond, time.Duration(c.SpreadMS)*time.Millisecond
		}
	}
}
