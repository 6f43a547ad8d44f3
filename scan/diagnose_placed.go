package scan

import (
	"fmt"
	"time"

	"github.com/spillscope/spillscope/model/calibrate"
)

// strays says what became of the origin rows that no request id leads to their
// request.
func (d *diagnosis) strays() {
	n := d.notes.withoutID
	if n == 0 {
		return
	}
	if t := &d.tracing; t.Rows > 0 {
		if t.Joined > 0 {
			d.warn("%d of %d origin rows without a request id (map.request_id) were joined by the trace id that they share with a row that has one", t.Joined, n)
		}
		if t.Traces > 0 {
			d.warn("%d trace ids name several request ids each: %d rows were not joined by them", t.Traces, t.Torn)
		}
		if t.Crowded > 0 {
			d.warn("%d rows share a few trace ids: map.trace_id names no id of one request", t.Crowded)
		}
	}
	p := &d.placing
	if p.Rows == 0 {
		return
	}
	d.warn("%d origin rows have no request id (map.request_id); %d were placed by address, path and time, %d by path and time alone, %d fit several requests and %d none: %d fills have their holder by that, %d have several possible ones; %s",
		p.Rows, p.ByAddress, p.ByPath, p.Several, p.Nowhere, p.Fills, p.Open, d.placedRight())
}

// placedRight says how often placing was right where that can be known.
func (d *diagnosis) placedRight() string {
	t := &d.trials
	if t.Placed.Of+t.ByPath.Of == 0 {
		return "no row has an id, so how often that is right cannot be measured here and is assumed"
	}
	return fmt.Sprintf("where the id is known and was hidden, %d of %d were placed rightly", t.Placed.Are+t.ByPath.Are, t.Placed.Of+t.ByPath.Of)
}

// writers names the clocks that were set back, and those that are hours off.
func (d *diagnosis) writers() {
	for _, c := range d.writerClocks() {
		if !c.Known() && !c.Placed || c.SetBack.Abs() < time.Minute && !c.Wrong() {
			continue
		}
		word := "ahead of"
		if c.Ahead < 0 {
			word = "behind"
		}
		used := "its stamps were not put right, since no clock beside it is"
		if c.SetBack != 0 {
			used = "its stamps were put right by that"
		}
		d.warn("%s is %v %s the edge's clock on %d rows: %s%s", d.writer(&c), apart(c.Ahead), word, c.Rows, used, d.zoneOf(&c))
	}
}

// apart prints how far two clocks are apart.
func apart(d time.Duration) string {
	if d.Abs() < time.Minute {
		return d.Abs().Round(time.Second).String()
	}
	return exactly(d)
}

// writer names who stamps by a clock.
func (d *diagnosis) writer(c *calibrate.WriterClock) string {
	source := fmt.Sprintf("source %s (line %d)", c.URI, d.Incident.Sources[c.Source].Line)
	if c.Instance == "" {
		return source
	}
	return fmt.Sprintf("instance %q of %s", c.Instance, source)
}

// zoneOf says which key makes up for a source that logs local time.
func (d *diagnosis) zoneOf(c *calibrate.WriterClock) string {
	if c.Zone == 0 || c.Instance != "" {
		return ""
	}
	return fmt.Sprintf("; it looks like local time of %s: set time_zone: %s there", utc(c.Zone), zoneName(c.Zone))
}
