// Package alb decodes the access log of an AWS Application Load Balancer, which
// stands between the CDN and the application (formats.md 10).
//
// What a row can say is when a request came in and when its response left, to
// the microsecond, method, path, host, status, and the trace id that the
// application got with the request. What it cannot say, it cannot: there is no
// request id of the CDN, no session and no Set-Cookie. Its client is the CDN's
// server, not a viewer, and no forwarded address is logged, so a row has no
// client. It has the CDN's User-Agent unless the viewer's is forwarded.
//
// The instant of a row is the request's arrival (request_creation_time), and
// how long it took is counted from there: of both stamps that is the one near
// which the CDN's own row begins. Rows of before 2018 have no such column; in
// them the arrival is the end less the three processing times, which are in
// milliseconds. A row whose times are -1, as where no target answered, has the
// column.
//
// Columns are split at blanks outside of quotes. AWS adds columns at the end,
// which are not looked at.
package alb

import (
	"bytes"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
)

// The columns that are looked at, from 0.
const (
	columnType     = 0
	columnTime     = 1
	columnELB      = 2
	columnTimes    = 5 // three of them
	columnStatus   = 8
	columnRequest  = 12
	columnAgent    = 13
	columnTrace    = 17
	columnCreation = 21
)

// least is the number of columns of the oldest rows.
const least = columnTrace + 1

// fields stands in for a map, which this format does not need.
var fields = map[string]string{"time": "request_creation_time", "trace_id": "trace_id", "method": "request", "host": "request",
	"path": "request", "status": "elb_status_code", "user_agent": "user_agent"}

// Decoder reads the rows of one object.
type Decoder struct {
	rows  *origin.Rows
	row   origin.Flat
	cells [][]byte
	stamp []byte
	taken time.Duration // of the row in hand
}

// New returns a decoder for one object; see origin.New. Of the source only
// its kind counts: the format says the rest.
func New(ctx *decode.Context, o origin.Options, keep func(*model.OriginRow) bool) (*Decoder, error) {
	d := &Decoder{}
	o.Source = model.Source{Kind: o.Source.Kind, Map: fields, Format: o.Source.Format}
	rows, err := origin.New(ctx, o, func(r *model.OriginRow) bool {
		r.Taken = d.taken
		return keep == nil || keep(r)
	})
	d.rows = rows
	return d, err
}

// Stats returns what was seen so far.
func (d *Decoder) Stats() origin.Stats {
	s := d.rows.Stats()
	s.Balancer = s.All.Rows
	return s
}

// Use is there for other formats' sake: nothing can be missing.
func (d *Decoder) Use() origin.Use { return origin.Use{} }

// Warnings is there for other formats' sake.
func (d *Decoder) Warnings() []string { return nil }

// Line decodes one line.
func (d *Decoder) Line(ref model.Ref, line []byte) (decode.Outcome, string) {
	if d.cells = split(d.cells[:0], line); len(d.cells) == 0 {
		return decode.Rejected, "blank"
	}
	outcome, reason := decode.Rejected, other(d.cells)
	if reason == "" {
		reason = d.interval()
	}
	if reason == "" {
		d.request(d.cells[columnRequest])
		d.row.Values[origin.Status] = d.cells[columnStatus]
		d.row.Values[origin.UserAgent] = d.cells[columnAgent]
		d.row.Values[origin.TraceID] = d.cells[columnTrace]
		d.row.Sum = decode.Hash(0, line)
		outcome, reason = d.rows.Add(ref, &d.row)
	}
	d.row = origin.Flat{}
	return outcome, reason
}

// other says what a row is that is none of this format.
func other(cells [][]byte) string {
	switch {
	case len(cells) > 3 && string(cells[0]) == "tls" && bytes.HasPrefix(cells[3], []byte("net/")):
		return "a row of a Network Load Balancer, whose log has connections, not requests: not read"
	case stamped(cells[0]) && len(cells) > 2 && bytes.IndexByte(cells[2], ':') > 0:
		return "a row of a Classic Load Balancer, which logs no trace id: not read; give the application's own log"
	case stamped(cells[0]):
		return "a row of a load balancer's connection log: not read; give its access log"
	case len(cells) <= columnELB || !bytes.HasPrefix(cells[columnELB], []byte("app/")):
		return "not a row of an Application Load Balancer: no app/… in the third column"
	case len(cells) < least:
		return "a row of an Application Load Balancer that is cut short"
	}
	return ""
}

func stamped(cell []byte) bool {
	return len(cell) > 10 && cell[4] == '-' && cell[7] == '-' && cell[10] == 'T'
}

// interval reads when the request came in and how long it took.
func (d *Decoder) interval() (reason string) {
	end, reason := origin.Stamp(d.cells[columnTime])
	if reason != "" {
		return reason
	}
	if len(d.cells) > columnCreation {
		start, reason := origin.Stamp(d.cells[columnCreation])
		if reason != "" {
			return "request_creation_time: " + reason
		}
		if d.taken = end.Lo.Sub(start.Lo); d.taken < 0 {
			d.taken = -1 // the clock was set between
		}
		d.row.Values[origin.Time] = d.cells[columnCreation]
		return ""
	}
	d.taken = 0
	for _, cell := range d.cells[columnTimes : columnTimes+3] {
		took, err := time.ParseDuration(string(cell) + "s")
		if err != nil || took < 0 {
			return "has no request_creation_time, and its processing times do not say when the request came in"
		}
		d.taken += took
	}
	// Three times cut to milliseconds: three digits are what is known.
	d.stamp = end.Lo.Add(-d.taken).Time().AppendFormat(d.stamp[:0], "2006-01-02T15:04:05.000Z")
	d.row.Values[origin.Time] = d.stamp
	return ""
}

// request takes apart "GET https://host:443/path?query HTTP/1.1". Of what was
// no HTTP there is "- http://host:80- " alone.
func (d *Decoder) request(b []byte) {
	method, rest, _ := bytes.Cut(b, []byte{' '})
	url := rest
	if i := bytes.LastIndexByte(rest, ' '); i >= 0 {
		url = rest[:i]
	}
	d.row.Values[origin.Method] = method
	_, after, ok := bytes.Cut(url, []byte("://"))
	if !ok {
		return
	}
	host := after
	if i := bytes.IndexAny(after, "/?#"); i >= 0 {
		host = after[:i]
	}
	d.row.Values[origin.Host] = bytes.TrimSuffix(host, []byte{'-'})
	if path := after[len(host):]; len(path) > 0 && path[0] == '/' && string(method) != "-" {
		d.row.Values[origin.Path] = path
	}
}

// split appends the cells of line.
func split(cells [][]byte, line []byte) [][]byte {
	for {
		line = bytes.TrimLeft(line, " ")
		if len(line) == 0 {
			return cells
		}
		if line[0] != '"' {
			cell, rest, _ := bytes.Cut(line, []byte{' '})
			cells, line = append(cells, cell), rest
			continue
		}
		end := closing(line)
		cells, line = append(cells, line[1:end]), line[min(end+1, len(line)):]
	}
}

// closing returns where the quote is closed that b begins with: before a blank
// or the end of the line. Others in between are characters: what clients send
// is not escaped by every version alike.
func closing(b []byte) int {
	for i := 1; i < len(b); i++ {
		if b[i] == '"' && b[i-1] != '\\' && (i == len(b)-1 || b[i+1] == ' ') {
			return i
		}
	}
	return len(b)
}
