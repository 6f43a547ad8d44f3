package scan

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// learned says where the log contradicts the incident file, and what the user
// should look at because of what calibration found.
func (d *diagnosis) learned() {
	d.lifetimes()
	if !d.routed() {
		d.onset()
	}
	if d.sources(model.SourceOrigin) == 0 {
		return
	}
	d.clocks()
	if d.tally.summary(d.Incident.Window.Span).MissesAtOrigin > 0 { // else nothing was joined, and has been said
		d.lostRows()
		d.upperTier()
	}
}

// noted is the share of lost rows from which it is worth a sentence.
const noted = 0.01

func (d *diagnosis) lostRows() {
	o, e := &d.losses.Origin, &d.losses.Edge
	if o.Share >= noted || o.Worst >= 10*noted {
		why := "rows of the origin log are missing"
		if d.notes.strays.rows() > 0 {
			why = "rows of the origin log are missing, or have no request id and could not be placed"
		}
		d.warn("%s of %s requests that no cache may answer have no origin row (%.1f %%; up to %.1f %% in five minutes, from %s): %s, holders of such fills are unknown",
			commas(o.Missing), commas(o.Requests), 100*o.Share, 100*o.Worst, cmp.Or(o.WorstAt, "the start"), why)
	}
	if e.Share >= noted || e.Worst >= 10*noted {
		say := d.warn
		if e.Share >= 5*noted || e.Worst >= 10*noted {
			say = d.open
		}
		say("%s of %s origin rows have no edge row (%.1f %%; up to %.1f %% in five minutes, from %s): rows of the edge log are missing, deliveries among them are in no list", commas(e.Missing), commas(e.Requests), 100*e.Share, 100*e.Worst, cmp.Or(e.WorstAt, "the start"))
	}
}

// upperTier says what the Misses without an origin row are.
func (d *diagnosis) upperTier() {
	l, o := &d.losses, &d.offset
	if l.Silent > 0 {
		d.warn("%d Misses on %s: hardly one has an origin row, while %.1f %% of the requests that no cache may answer have one: the origin does not log these files, so the holders of their fills come from weaker evidence", l.Silent, d.routeNames(l.Unlogged), 100*(1-l.Origin.Share))
	}
	tier := d.Incident.Cache.UpperTier
	switch {
	case l.Seen == 0 || float64(l.Seen) < 2*l.Expected:
	case !tier.Known && l.Tier >= 0.5:
		d.warn("%d of %d Misses on suspect routes have no origin row; lost rows explain %.0f of them: an upper tier answered the others (probability %.2f); state cache.upper_tier if you know it", l.Seen, l.Misses, l.Expected, l.Tier)
	case tier.Exists() == model.No && d.tally.loss.Settle(d.Incident.Window.Span, o.WrongBy, model.Unknown).Tier >= 0.9:
		d.warn("cache.upper_tier says none, yet %d of %d Misses on suspect routes have no origin row and lost rows explain %.0f of them", l.Seen, l.Misses, l.Expected)
	}
}

func (d *diagnosis) routeNames(routes []int) string {
	var names []string
	for _, r := range routes {
		names = append(names, d.routeName(r))
	}
	return strings.Join(names, ", ")
}

// outlived lists the routes whose responses were served for longer than the
// incident file allows: the fill of such a hit is not among its candidates.
func (s *state) outlived() []int {
	if s.upper() {
		return nil
	}
	var out []int
	for route, l := range s.caches.lives.found {
		lost := 3 * s.losses.Edge.Feared() * float64(l.Hits)
		if l.Late >= 10 && l.Late*100 >= l.Hits && float64(l.Late) > lost {
			out = append(out, route)
		}
	}
	slices.Sort(out)
	return out
}

// lifetimes says where responses lived longer, or shorter, than was stated.
// Under an upper tier the age of a location's last fill does not tell: what it
// is handed on a miss begins a life anew, and may be old already.
func (d *diagnosis) lifetimes() {
	if d.upper() {
		return
	}
	found := d.caches.lives.found
	long := d.outlived()
	for _, route := range long {
		l := found[route]
		d.open("%d of %d hits%s came longer after any fill than %s allows (%v); half of the responses lived %.4g s, one in ten %.4g s or more. Hits past the stated life have no true candidate: set %s to about %.0fs and scan again",
			l.Late, l.Hits, d.onRoute(route), ttlKey(route), d.stated(route).Max, l.P50, l.P90, ttlKey(route), math.Ceil(l.P90))
	}
	for _, route := range slices.Sorted(maps.Keys(found)) {
		l, ttl := found[route], d.stated(route)
		if l.Requests < enoughLives || slices.Contains(long, route) {
			continue
		}
		shortest := cache.Shortest(d.Incident.Cache.Expiry, ttl.Min)
		switch {
		case l.P10 > float64(ttl.Max.Seconds()*1.6):
			d.warn("responses%s lived %.4g to %.4g s, which no formula makes of %s %v: is it %.0fs? Candidates reach as far as %v",
				d.onRoute(route), l.P10, l.P90, ttlKey(route), ttl.Max, math.Round(l.P50), d.longest(route)-2*reconstruct.Slack)
		case l.P90*1.5 < shortest.Seconds() && l.AtOnce < 0.5:
			d.warn("requests%s missed although %s says that a response was fresh: nine in ten lived no more than %.4g s, %v is stated. Candidates that were gone are still listed: set %s to about %.0fs",
				d.onRoute(route), ttlKey(route), l.P90, ttl.Min, ttlKey(route), math.Ceil(l.P50))
		}
	}
}

func (d *diagnosis) onRoute(route int) string {
	if route < 0 {
		return ""
	}
	return " on " + d.routeName(route)
}

func ttlKey(route int) string {
	if route < 0 {
		return "cache.ttl"
	}
	return fmt.Sprintf("routes[%d].ttl", route)
}
