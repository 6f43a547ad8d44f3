package scan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
)

// misplaced is how far the window may begin before the leak, or end after it,
// before a sentence is due: as a share of it, and at least.
const (
	misplaced      = 3
	leastMisplaced = 10 * time.Minute
)

// extent is from where to where sessions were seen to leak.
type extent struct {
	first, last string // the caches that began first and ceased last
	from, to    calibrate.LeakSpan
}

func (d *diagnosis) leaked() (x extent, ok bool) {
	spans := d.tally.leakSpans()
	for _, name := range slices.Sorted(maps.Keys(spans)) {
		s := spans[name]
		if x.first == "" || s.FromHi < x.from.FromHi {
			x.first, x.from = name, s
		}
		if x.last == "" || s.ToLo > x.to.ToLo {
			x.last, x.to = name, s
		}
	}
	return x, x.first != ""
}

// onset compares the leak with the window.
func (d *diagnosis) onset() {
	x, ok := d.leaked()
	if !ok {
		return
	}
	w := d.Incident.Window.Span
	d.tooLate(&x)
	d.tooShort(&x)
	far := max(leastMisplaced, w.To.Sub(w.From)/misplaced)
	if x.from.FromLo != 0 && x.from.FromLo.Sub(w.From) > far {
		d.warn("no location leaked before %v, %s after window.from (the first was %s): is the window right and in UTC, are the logs whole?%s",
			x.from.FromLo, about(x.from.FromLo.Sub(w.From)), x.first, strings.TrimPrefix(d.shifted(&x), "."))
	}
	if x.to.ToHi != 0 && w.To.Sub(x.to.ToHi) > far {
		d.warn("no location leaked after %v, %s before window.to (the last was %s)%s", x.to.ToHi, about(w.To.Sub(x.to.ToHi)), x.last, d.shifted(&x))
	}
}

// tooLate says that the leak began before the window. What was delivered in
// the margin is listed and in no count, what was before it is in no list.
func (d *diagnosis) tooLate(x *extent) {
	w := d.Incident.Window
	if x.from.FromHi > w.Span.From {
		return
	}
	d.open("the leak began before your window: %s filled with sessions by %v, window.from is %v%s; set window.from to %v or earlier%s",
		x.first, x.from.FromHi, w.Span.From, inMargin(d.outcome.outside.before, w.Margin, "before window.from"), earliest(x.from), d.shifted(x))
}

// onTheWay is how long before the last minute's end the last fill with a
// session must be for the leak to be still on: busy routes are filled more often.
const onTheWay = 90 * time.Second

// enoughFills is how many fills with a session make a leak that is on, rather
// than a few requests with the logs cut around them.
const enoughFills = 20

// tooShort says that the leak went on after the window.
func (d *diagnosis) tooShort(x *extent) {
	w := d.Incident.Window
	switch {
	case x.to.ToLo > w.Span.To:
		still := ""
		if x.to.ToHi == 0 {
			still = " and had not ended in the last row there that was read"
		}
		d.open("the leak ended after your window: %s still filled with sessions at %v%s, window.to is %v%s; set window.to to %v or later%s",
			x.last, x.to.ToLo, still, w.Span.To, inMargin(d.outcome.outside.after, w.Margin, "after window.to"), latest(x.to), d.shifted(x))
	case x.to.ToHi == 0 && x.to.Fills >= enoughFills && d.lastRow() < w.Span.To.Add(w.Margin/2) && d.lastRow().Sub(x.to.ToLo) < onTheWay:
		d.open("the logs end at %v with the leak still on (%s filled with a session at %v): nothing shows when it stopped, or what was delivered until then; add what was logged later",
			d.lastRow(), x.last, x.to.ToLo)
	}
}

// shifted says which time zone makes the window hold all of the leak, if it
// does not as it is.
func (d *diagnosis) shifted(x *extent) string {
	w := d.Incident.Window.Span
	zone, ok := calibrate.CivilZone(w.From.Sub(x.from.FromHi), nearZone)
	if !ok || x.from.FromLo == 0 || w.Contains(x.from.FromHi) && w.Contains(x.to.ToLo) {
		return ""
	}
	moved := model.Span{From: w.From.Add(-zone - nearZone), To: w.To.Add(-zone)}
	if !moved.Contains(x.from.FromHi) || !moved.Contains(x.to.ToLo) {
		return ""
	}
	return inZone(w, zone)
}

// inZone says what the window would be if it was given in a local time.
func inZone(w model.Span, zone time.Duration) string {
	return fmt.Sprintf(". If it was given in the local time of %s, it is {from: %s, to: %s}",
		utc(zone), w.From.Add(-zone).Time().Format(time.RFC3339), w.To.Add(-zone).Time().Format(time.RFC3339))
}

func inMargin(n int, margin time.Duration, where string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("; 1 delivery in the %s %s is in no count (outside.csv)", about(margin), where)
	}
	return fmt.Sprintf("; %s deliveries in the %s %s are in no count (outside.csv)", commas(int64(n)), about(margin), where)
}

// earliest returns the earliest instant that the leak may have begun at.
func earliest(s calibrate.LeakSpan) model.Instant {
	if s.FromLo == 0 {
		return s.FromHi
	}
	return s.FromLo
}

// latest returns the latest instant that the leak may have ended at.
func latest(s calibrate.LeakSpan) model.Instant {
	if s.ToHi == 0 {
		return s.ToLo
	}
	return s.ToHi
}

// lastRow returns the end of the last minute in which an edge row was read.
func (d *diagnosis) lastRow() model.Instant {
	var last model.Instant
	for k := range d.tally.coverage {
		last = max(last, k.minute.Add(time.Minute))
	}
	return last
}

// stillUsed is how close to follow_until a use is that says that there may be
// more of it after.
const stillUsed = 5 * time.Minute

// followed asks whether what recipients did was followed to its end.
func (d *diagnosis) followed() {
	until, last := d.Incident.Window.FollowUntil, d.outcome.lastUse
	until = max(until, d.Incident.Window.Span.To)
	end := d.notes.origin.All.Last
	if last == 0 || until.Sub(last) > stillUsed || end <= until.Add(time.Minute) {
		return
	}
	d.open("recipients still used sessions at %v, %s before window.follow_until, and the origin log goes on until %v: what they opened later is in no list; set window.follow_until to that",
		last, until.Sub(last).Round(time.Second), end)
}

// elsewhere says when sessions reach the suspect routes, if not in the window.
func (d *diagnosis) elsewhere() string {
	var first model.Instant
	for _, r := range d.notes.origin.Routes {
		if r.Rows > 0 && (first == 0 || r.First < first) {
			first = r.First
		}
	}
	if first == 0 {
		if d.sources(model.SourceOrigin) == 0 {
			return "; without an origin log only logged cookies could show one"
		}
		return "; the origin log shows no session on these routes at any time it covers"
	}
	if by := d.offset.WrongBy; by != 0 {
		return fmt.Sprintf("; sessions first reach these routes at %v by the origin's clock, which is off by %v", first, by)
	}
	w := d.Incident.Window.Span
	if w.Contains(first) {
		return fmt.Sprintf("; the origin log shows sessions on these routes from %v, so look at set_cookie and the joins", first)
	}
	off, word := first.Sub(w.From), "later"
	if off < 0 {
		word = "earlier"
	}
	text := fmt.Sprintf("; sessions first reach these routes at %v, %s %s: is the window in UTC?", first, about(off), word)
	if zone, ok := calibrate.CivilZone(-off, nearZone); ok {
		text += strings.TrimPrefix(inZone(w, zone), ".")
	}
	return text
}

// covered says which hours the objects of the edge hold, by their names.
func (d *diagnosis) covered() string {
	from, to := d.hours()
	if from.IsZero() {
		return ""
	}
	return fmt.Sprintf("; the edge objects are named for the hours from %s to %s", from.Format(time.RFC3339), to.Add(time.Hour).Format(time.RFC3339))
}
