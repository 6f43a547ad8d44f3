package scan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// routed asks whether the routes of the incident file are those that leaked.
// wide says that they take in what no cache answers: fills with a session are
// usual there, and do not tell when the leak began.
func (d *diagnosis) routed() (wide bool) {
	if d.tally.funnel.SuspectRows == 0 {
		return false // which has been said
	}
	d.missedRoutes()
	rows := int64(0)
	for _, x := range d.tally.traffic.kinds {
		rows += x.rows
	}
	if rows < enoughRows {
		return false // too few to expect a row of each
	}
	for i := range d.Incident.Routes {
		idle, greedy := d.routeWithoutHit(i, rows), d.swallows(i)
		wide = wide || idle || greedy
	}
	return wide
}

// enoughRows is how many rows of the window show that a route has none.
const enoughRows = 100

// missedRoutes names cached routes outside the list whose responses carried
// sessions: what they delivered is in no list.
func (d *diagnosis) missedRoutes() {
	names := d.tally.traffic.under(model.NoRoute, (*kind).leaks)
	if len(names) == 0 {
		return
	}
	var each []string
	for _, name := range names[:min(few, len(names))] {
		x := d.tally.traffic.kinds[trafficKey{model.NoRoute, name}]
		each = append(each, fmt.Sprintf("%s (%s, %s with a session)", name, hits(x.hits), times(x.bearing, "response")))
	}
	d.open("%s outside `routes` came from a cache and met sessions: %s%s. What they delivered is in no list: add them to routes, unless their key holds the cookie",
		times(int64(len(names)), "route"), strings.Join(each, ", "), andMore(len(names)-few))
}

// routeWithoutHit says that a route met nothing, or nothing that a cache may
// have answered; then it reports true.
func (d *diagnosis) routeWithoutHit(i int, rows int64) bool {
	r := &d.Incident.Routes[i]
	sum := d.tally.traffic.total(i)
	switch {
	case sum.rows == 0:
		d.warn("route %s (line %d) matched 0 of %s edge rows of the window: is it spelled as the log has it?", d.routeName(i), r.Line, commas(rows))
	case sum.hits == 0 && sum.rows >= enoughRows && d.tally.funnel.Hits > 0:
		d.warn("route %s (line %d) matched %s and not one hit: no cache answered there, so nothing was delivered; leave it out", d.routeName(i), r.Line, times(sum.rows, "row"))
		return true
	}
	return false
}

// swallows says that a route reaches further than what leaked, and reports it.
func (d *diagnosis) swallows(i int) bool {
	if !strings.Contains(d.Incident.Routes[i].Path, "**") {
		return false
	}
	t := &d.tally.traffic
	leaky := t.under(i, (*kind).leaks)
	quiet := t.under(i, func(k *kind) bool { return k.hits > 0 && !k.leaks() })
	uncached := t.under(i, func(k *kind) bool { return k.hits == 0 && k.bearing > 0 })
	if len(leaky) == 0 || len(quiet)+len(uncached) == 0 {
		return false
	}
	sum, harmless, passed := t.total(i), int64(0), int64(0)
	for k, x := range t.kinds {
		switch {
		case k.route != i:
		case slices.Contains(quiet, k.pattern):
			harmless += x.hits
		case slices.Contains(uncached, k.pattern):
			passed += x.rows
		}
	}
	if harmless*10 < sum.hits && passed*10 < sum.rows {
		return false
	}
	var parts []string
	if harmless > 0 {
		parts = append(parts, fmt.Sprintf("%.0f %% of its %s are on paths whose responses never carried a session", 100*float64(harmless)/float64(sum.hits), hits(sum.hits)))
	}
	if passed > 0 {
		parts = append(parts, fmt.Sprintf("%s are of routes that no cache answered, as %s", times(passed, "row"), firstOf(uncached)))
	}
	d.warn("route %s (line %d) takes in more than what leaked: %s. Sessions leaked on %s: list these instead",
		d.routeName(i), d.Incident.Routes[i].Line, strings.Join(parts, "; "), firstOf(leaky))
	return passed > 0
}

// firstOf names a few.
func firstOf(names []string) string {
	return strings.Join(names[:min(few, len(names))], ", ") + andMore(len(names)-few)
}
