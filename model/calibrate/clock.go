// Package calibrate learns from the log itself what nobody wrote down: how far
// the origin's clock is from the edge's, by which formula responses expire,
// whether one name hides several caches, how many rows are missing.
//
// It counts into statistics that can be merged in any order, because they are
// integers, and turns them into the Params of package reconstruct.
package calibrate

import (
	"fmt"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// Clock compares origin stamps with edge intervals of joined requests. The
// zero Clock is empty and ready to use.
type Clock struct {
	fromStart lags // origin stamp − middle of the lookup's interval
	fromFirst lags // origin stamp − middle of the first byte's interval
	width     int64
	joined    int64
	pairs     pairs
}

// pairs sums, in milliseconds, how late an origin stamp is (x) and how long
// its request waited for the first byte (t). Integers, so that they merge in
// any order.
type pairs struct{ n, x, t, xt, tt int64 }

func (p *pairs) add(x, t time.Duration) {
	if x.Abs() > fineReach || t < 0 || t > fineReach {
		return
	}
	a, b := x.Milliseconds(), t.Milliseconds()
	p.n, p.x, p.t, p.xt, p.tt = p.n+1, p.x+a, p.t+b, p.xt+a*b, p.tt+b*b
}

// slope returns by how much the stamp moves with the wait: 0 if it marks the
// start of a request, 1 if it marks the answer. The whole-second phase of the
// edge's stamp is in both, so it cancels; the ranges of the two histograms
// do not show the difference where waits are short beside a second.
func (p *pairs) slope() float64 {
	n := float64(p.n)
	spread := float64(n*float64(p.tt)) - float64(float64(p.t)*float64(p.t))
	if spread <= 0 {
		return 0
	}
	return (float64(n*float64(p.xt)) - float64(float64(p.x)*float64(p.t))) / spread
}

// lags is a histogram of small differences, with a coarse one beyond.
type lags struct {
	fine   [2*fineReach/fineStep + 1]int64
	coarse [2*coarseReach/coarseStep + 1]int64
	beyond int64
}

const (
	fineStep    = 5 * time.Millisecond
	fineReach   = 5 * time.Second
	coarseStep  = 10 * time.Second
	coarseReach = 26 * time.Hour
)

func (l *lags) add(d time.Duration) {
	if d >= -fineReach && d <= fineReach {
		l.fine[(d+fineReach)/fineStep]++
		return
	}
	l.beyond++
	if d >= -coarseReach && d <= coarseReach {
		l.coarse[(d+coarseReach)/coarseStep]++
	}
}

func (l *lags) merge(o *lags) {
	for i, n := range o.fine {
		l.fine[i] += n
	}
	for i, n := range o.coarse {
		l.coarse[i] += n
	}
	l.beyond += o.beyond
}

// quantile returns the difference below which a share q of the fine ones lie.
func (l *lags) quantile(q float64) time.Duration {
	total := int64(0)
	for _, n := range l.fine {
		total += n
	}
	want, seen := int64(float64(total)*q), int64(0)
	for i, n := range l.fine {
		if seen += n; seen > want {
			return time.Duration(i)*fineStep - fineReach
		}
	}
	return 0
}

// usual returns about where most far differences lie; ok is false if that is
// beyond what was counted.
func (l *lags) usual() (d time.Duration, ok bool) {
	best := 0
	for i, n := range l.coarse {
		if n > l.coarse[best] {
			best = i
		}
	}
	return time.Duration(best)*coarseStep - coarseReach + coarseStep/2, l.coarse[best] > 0
}

// Add notes an edge row's intervals and the stamp of its origin row.
func (c *Clock) Add(start, available, origin model.Interval) {
	o := middle(origin)
	c.fromStart.add(o.Sub(middle(start)))
	c.fromFirst.add(o.Sub(middle(available)))
	c.width += int64(start.Hi.Sub(start.Lo) / time.Millisecond)
	c.joined++
	c.pairs.add(o.Sub(middle(start)), available.Lo.Sub(start.Lo))
}

// Merge adds what o has seen.
func (c *Clock) Merge(o *Clock) {
	c.fromStart.merge(&o.fromStart)
	c.fromFirst.merge(&o.fromFirst)
	c.width += o.width
	c.joined += o.joined
	p := o.pairs
	c.pairs = pairs{c.pairs.n + p.n, c.pairs.x + p.x, c.pairs.t + p.t, c.pairs.xt + p.xt, c.pairs.tt + p.tt}
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
}

// minJoined is the least number of rows that an offset is read from: the range
// of fewer says little about its ends.
const minJoined = 50

// Offset reads the histograms. instant is what the incident file says the
// stamp marks: start, end, or unknown; unknown takes the tighter fit.
func (c *Clock) Offset(instant string) Offset {
	out := Offset{Joined: c.joined}
	if c.joined == 0 {
		out.Refused = "no edge row was joined to an origin row"
		return out
	}
	if c.fromStart.beyond*2 > c.joined {
		out.Refused = "origin stamps are more than a day from the edge's on most joined requests: " + wrongClock
		if d, ok := c.fromStart.usual(); ok {
			out.Refused = fmt.Sprintf("origin stamps are about %v from the edge's on most joined requests: %s", d, likelyCause(d))
		}
		return out
	}
	if c.joined < minJoined {
		out.Refused = fmt.Sprintf("only %d joined rows", c.joined)
		return out
	}
	width := time.Duration(c.width/c.joined) * time.Millisecond
	sLag, sSpread := c.fromStart.centre(width)
	fLag, fSpread := c.fromFirst.centre(width)
	out.FromStart = instant == "start" || instant != "end" && c.pairs.slope() < 0.5
	out.Lag, out.Spread = -fLag, fSpread
	if out.FromStart {
		out.Lag, out.Spread = -sLag, sSpread
	}
	out.LagMS, out.SpreadMS = out.Lag.Milliseconds(), out.Spread.Milliseconds()
	return out
}

// Known differences between a clock that is wrong and one in another zone.
func likelyCause(d time.Duration) string {
	quarter := 15 * time.Minute
	if off := d - d.Round(quarter); d.Round(quarter) != 0 && off.Abs() <= 2*time.Minute {
		return fmt.Sprintf("the origin log looks like local time of UTC%+.4g; set time_zone on its source", d.Round(quarter).Hours())
	}
	return wrongClock
}

const wrongClock = "its clock was wrong, or the request ids are not the CDN's"

// Trim cuts stray rows off both ends of a histogram.
const trim = 0.01

// centre returns the middle of the differences and how far they spread beyond
// what whole-second stamps explain. The middle of the range of uniform noise
// is known far better than its mean: its error falls with 1/n, not 1/√n.
func (l *lags) centre(width time.Duration) (lag, spread time.Duration) {
	lo, hi := l.quantile(trim), l.quantile(1-trim)
	noise := time.Duration(float64(width) * (1 - 2*trim))
	return (lo + hi) / 2, max(20*time.Millisecond, (hi-lo-noise)/2)
}

func middle(v model.Interval) model.Instant { return v.Lo + (v.Hi-v.Lo)/2 }

// Apply copies the offset into p.
func (o Offset) Apply(p *reconstruct.Params) {
	if o.Refused == "" {
		p.Lag, p.Spread, p.FromStart = o.Lag, o.Spread, o.FromStart
	}
}
