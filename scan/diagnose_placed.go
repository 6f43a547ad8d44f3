package scan

import "fmt"

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
