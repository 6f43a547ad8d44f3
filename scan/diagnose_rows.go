package scan

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/storage"
)

// rowsMissing asks whether the logs are all there: hours without an object,
// stretches without a row of one location, and rows that may yet arrive.
func (d *diagnosis) rowsMissing() {
	d.missingHours()
	d.missingPlaces()
	d.fresh()
	d.twice()
}

// named lists the hours in the names of the edge objects by what stands before
// the hour: each distribution has objects of its own.
func (d *diagnosis) named() map[string]map[time.Time]bool {
	out := map[string]map[time.Time]bool{}
	for i := range d.state.objects {
		o := &d.state.objects[i]
		hour, ok := storage.HourOf(o.URI)
		if !o.edge || !ok {
			continue
		}
		prefix, _, _ := strings.Cut(path.Base(o.URI), hour.Format("2006-01-02-15")) // folders may tell hours too
		if out[prefix] == nil {
			out[prefix] = map[time.Time]bool{}
		}
		out[prefix][hour] = true
	}
	return out
}

// hours returns the first and the last hour in the names of the edge objects.
func (d *diagnosis) hours() (from, to time.Time) {
	for _, hours := range d.named() {
		for h := range hours {
			if from.IsZero() || h.Before(from) {
				from = h
			}
			if h.After(to) {
				to = h
			}
		}
	}
	return from, to
}

// missingHours names hours between others of which there is no object. CloudFront
// writes none for an hour without traffic (formats.md 1.2), so hours outside
// the spans are not asked about.
func (d *diagnosis) missingHours() {
	named := d.named()
	for _, prefix := range slices.Sorted(maps.Keys(named)) {
		hours := slices.SortedFunc(maps.Keys(named[prefix]), time.Time.Compare)
		hours = slices.DeleteFunc(hours, func(h time.Time) bool { return !meets(hourFrom(h), d.spans.read[0]) })
		for i := 1; i < len(hours); i++ {
			for h := hours[i-1].Add(time.Hour); h.Before(hours[i]); h = h.Add(time.Hour) {
				d.missingHour(prefix, h, hours[i-1], hours[i])
			}
		}
	}
}

func (d *diagnosis) missingHour(prefix string, h, before, after time.Time) {
	say := d.warn
	if meets(hourFrom(h), d.spans.judged()) {
		say = d.open
	}
	say("no edge object is named for the hour %s, though %s and %s are there: what it logged is missing; fetch %s*",
		h.Format("2006-01-02-15"), before.Format("2006-01-02-15"), after.Format("2006-01-02-15"), prefix+h.Format("2006-01-02-15"))
}

func hourFrom(h time.Time) model.Span {
	return model.Span{From: model.InstantOf(h), To: model.InstantOf(h.Add(time.Hour)) - 1}
}

func meets(a, b model.Span) bool { return a.From <= b.To && b.From <= a.To }

// Where a location of which so many rows must be expected, by its share of the
// others' requests, has none for so long as thresholds.coverage_gap, rows are
// missing. People come in visits of many requests, so that fewer say little.
const expectedRows = 300

// silence is a stretch of minutes without a row of a location.
type silence struct {
	cache    string
	span     model.Span // whole minutes
	expected float64
}

// missingPlaces names the stretches in which one location has no row although
// the others have.
func (d *diagnosis) missingPlaces() {
	for _, s := range d.silences() {
		n, usual, known := d.unseen(s.span)
		text := fmt.Sprintf("%s has no edge row from %s to %s, where its share of the others' requests is about %s", s.cache,
			clockTime(s.span.From), clockTime(s.span.To), commas(int64(s.expected)))
		switch {
		case !known:
			d.open("%s: are its objects missing? Deliveries there are in no list", text)
		case n > 2*usual+10:
			d.open("at least %s unseen at %s between %s and %s: so many origin rows lack an edge row, %s would be usual, and %s. Deliveries there are in no list: fetch the missing objects",
				times(n-usual, "request"), s.cache, clockTime(s.span.From), clockTime(s.span.To), commas(usual), text)
		}
	}
}

func (d *diagnosis) silences() []silence {
	judged := d.spans.judged()
	rows, all := map[string]map[model.Instant]int{}, map[model.Instant]int{}
	own, total := map[string]int{}, 0
	for k, c := range d.tally.coverage {
		if rows[k.cache] == nil {
			rows[k.cache] = map[model.Instant]int{}
		}
		rows[k.cache][k.minute] += c.Rows
		all[k.minute] += c.Rows
		own[k.cache], total = own[k.cache]+c.Rows, total+c.Rows
	}
	var out []silence
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		for _, gap := range d.silent(rows[name], judged) {
			if s := (silence{name, gap, due(own[name], total, all, gap)}); s.expected >= expectedRows {
				out = append(out, s)
			}
		}
	}
	return out
}

// silent lists the stretches of span, of whole minutes, of which rows has none.
func (d *diagnosis) silent(rows map[model.Instant]int, span model.Span) []model.Span {
	var out []model.Span
	from, end := truncate(span.From.Add(time.Minute-1), time.Minute), truncate(span.To, time.Minute)
	start := from
	for t := from; t <= end; t = t.Add(time.Minute) {
		if t < end && rows[t] == 0 {
			continue
		}
		if t.Sub(start) >= d.Incident.Thresholds.CoverageGap {
			out = append(out, model.Span{From: start, To: t})
		}
		start = t.Add(time.Minute)
	}
	return out
}

// due returns how many rows a location that has own rows in all should have
// within gap, where it has none, by its share of the rows outside it.
func due(own, total int, all map[model.Instant]int, gap model.Span) float64 {
	there := 0
	for t := gap.From; t < gap.To; t = t.Add(time.Minute) {
		there += all[t]
	}
	return float64(there) * float64(own) / float64(max(1, total-there-own))
}

// unseen counts the origin rows within span whose edge row is missing, beside
// how many are usual. known is false where origin rows cannot tell.
func (d *diagnosis) unseen(span model.Span) (n, usual int64, known bool) {
	by := d.offset.WrongBy
	var elsewhere, minutes, rows int64
	for t, all := range d.tally.origins {
		at, alone := t.Add(-by), int64(d.tally.adrift[t])
		rows += int64(all)
		if at >= span.From && at < span.To {
			n += alone
		} else {
			elsewhere, minutes = elsewhere+alone, minutes+1
		}
	}
	usual = elsewhere * int64(span.To.Sub(span.From)/time.Minute) / max(1, minutes)
	return n, usual, rows > 0 && d.tally.summary(d.Incident.Window.Span).MissesAtOrigin > 0
}

// unseenIn says how many requests of a gap in the edge's log the origin saw.
func (d *diagnosis) unseenIn(g *model.Gap) string {
	from, err := time.Parse(time.RFC3339, g.From)
	to, wrong := time.Parse(time.RFC3339, g.To)
	if g.Source != "edge" || err != nil || wrong != nil {
		return ""
	}
	n, usual, known := d.unseen(model.Span{From: model.InstantOf(from), To: model.InstantOf(to)})
	if !known || n <= 2*usual+10 {
		return ""
	}
	return fmt.Sprintf("; at least %s unseen: so many origin rows lack an edge row", times(n-usual, "request"))
}

// lateBy is how late CloudFront may deliver a row (formats.md 1.2).
const lateBy = 24 * time.Hour

// fresh asks whether the edge logs were taken before all rows can have arrived,
// by when their objects were last written: a copy can be later, never earlier.
func (d *diagnosis) fresh() {
	var newest time.Time
	last := model.Instant(0)
	for i := range d.state.objects {
		if o := &d.state.objects[i]; o.edge {
			last = max(last, o.last)
			if o.Modified.After(newest) {
				newest = o.Modified
			}
		}
	}
	at := model.InstantOf(newest)
	w := d.Incident.Window
	if newest.IsZero() || at < last { // not the time at which it was written
		return
	}
	until := max(w.FollowUntil, w.Span.To)
	switch {
	case at < w.Span.To.Add(lateBy):
		d.open("the newest edge object was last written at %s, %s after window.to: CloudFront delivers rows up to 24 h late, so some of the window may still arrive; unless the logs were copied later than that, scan again with objects fetched after %s",
			clockTime(at), sooner(at.Sub(w.Span.To)), clockTime(w.Span.To.Add(lateBy)))
	case at < until.Add(lateBy):
		d.warn("the newest edge object was last written at %s, %s after window.follow_until: rows of what recipients did may still arrive; unless the logs were copied later than that, scan again with objects fetched after %s",
			clockTime(at), sooner(at.Sub(until)), clockTime(until.Add(lateBy)))
	}
}

func sooner(d time.Duration) string {
	if d < 0 {
		return "less than 0 s"
	}
	return about(d)
}

// twice counts the objects that are there under several names.
func (d *diagnosis) twice() {
	first := map[string]string{}
	var pairs []string
	for i := range d.state.objects {
		o := &d.state.objects[i]
		if o.sha256 == "" || o.balance.Lines == 0 {
			continue
		}
		key := fmt.Sprint(o.source.Kind, " ", o.sha256)
		if _, ok := first[key]; !ok {
			first[key] = o.URI
			continue
		}
		pairs = append(pairs, fmt.Sprintf("%s is %s", o.URI, first[key]))
	}
	if len(pairs) > 0 {
		slices.SortFunc(pairs, cmp.Compare[string])
		d.warn("%s under another name (%s%s): their rows were counted once", are(len(pairs), "object"), strings.Join(pairs[:min(few, len(pairs))], "; "), andMore(len(pairs)-few))
	}
}
