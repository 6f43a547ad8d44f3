package cloudfront

import (
	"bytes"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// col returns a column as logged; nil if it is absent or "-".
func (d *Decoder) col(l *layout, c column) []byte {
	i := l.at[c]
	if i < 0 || i >= len(d.cols) || len(d.cols[i]) == 1 && d.cols[i][0] == '-' {
		return nil
	}
	return d.cols[i]
}

// text returns a column without its layer of percent-encoding, until the next
// call.
func (d *Decoder) text(l *layout, c column) []byte {
	raw := d.col(l, c)
	if bytes.IndexByte(raw, '%') < 0 {
		return raw
	}
	d.buf = decode.Unescape(d.buf[:0], raw)
	return d.buf
}

// has reports whether the row has a column, be it empty.
func (d *Decoder) has(l *layout, c column) bool {
	i := l.at[c]
	return i >= 0 && i < len(d.cols) && d.cols[i] != nil
}

// end reads the instant at which the response ended, from the finest stamp.
func (d *Decoder) end(l *layout) (model.Interval, string) {
	date, day := d.col(l, colDate), d.col(l, colTime)
	if b := d.col(l, colMillis); b != nil {
		end, ok := epoch(b, true)
		if !ok {
			return end, "timestamp(ms) is not a number of milliseconds since 1970"
		}
		if second, ok := d.clock.read(date, day); ok && !second.Overlaps(end) {
			d.warn("timestamp(ms) is not always within the second that date and time name; it counts")
		}
		return end, ""
	}
	stamp := d.col(l, colTimestamp)
	if stamp != nil && (date == nil || day == nil || bytes.IndexByte(stamp, '.') >= 0) {
		end, ok := epoch(stamp, false)
		if !ok {
			return end, "timestamp is not a number of seconds since 1970"
		}
		return end, ""
	}
	end, ok := d.clock.read(date, day)
	if !ok {
		return end, "date and time are not YYYY-MM-DD HH:MM:SS"
	}
	return end, ""
}

// fill reads the columns that d.cols holds into d.row.
func (d *Decoder) fill(l *layout, line []byte) string {
	for _, part := range [...]func(*Decoder, *layout) string{
		(*Decoder).times, (*Decoder).client, (*Decoder).request, (*Decoder).response} {
		if reason := part(d, l); reason != "" {
			return reason
		}
	}
	d.origin(l)
	d.session(l)
	d.identity(l, line)
	return ""
}

func (d *Decoder) times(l *layout) string {
	r := &d.row
	var ok bool
	r.Taken, r.FirstByte = -1, -1
	if b := d.col(l, colTaken); b != nil {
		if r.Taken, ok = seconds(b); !ok {
			return "time-taken is not a number of seconds"
		}
	}
	if b := d.col(l, colFirstByte); b != nil {
		if r.FirstByte, ok = seconds(b); !ok {
			return "time-to-first-byte is not a number of seconds"
		}
	}
	return ""
}

func (d *Decoder) client(l *layout) string {
	r := &d.row
	if b := d.col(l, colClient); b != nil { // "-" where addresses were blanked out
		var ok bool
		if r.Client, ok = d.memo.Addr(b); !ok {
			return "c-ip is not an address"
		}
	}
	if port := d.number(l, colPort); port > 0 && port <= 0xffff {
		r.Port = uint16(port)
	}
	r.Agent, r.Kind = d.memo.Agent(d.text(l, colAgent))
	return ""
}

func (d *Decoder) request(l *layout) string {
	r := &d.row
	if r.Location = d.memo.Word(d.col(l, colLocation)); r.Location == "" {
		return "x-edge-location is empty: the row belongs to no cache"
	}
	r.Distribution = d.memo.Host(d.col(l, colDistribution))
	viewed := d.memo.Host(d.col(l, colHost))
	if r.Host = viewed; viewed == "" {
		r.Host = r.Distribution
	}
	if r.Distribution == "" {
		r.Distribution = d.memo.Word(d.col(l, colDistributionID))
	}
	if r.Distribution == "" {
		r.Distribution = d.prefix
	}
	r.Method = d.memo.Word(d.col(l, colMethod))
	r.Scheme = d.memo.Word(d.col(l, colScheme))
	r.Protocol = d.memo.Word(d.col(l, colProtocol))
	r.Referer = model.RefererNone
	if viewed != "" { // seen from the distribution's own domain every page would be another site's
		r.Referer = d.memo.Referer(viewed, d.text(l, colReferer))
	}

	path, query := d.col(l, colPath), []byte(nil)
	if d.opts.Realtime {
		path, query, _ = bytes.Cut(path, []byte{'?'})
	}
	d.path = append(d.path[:0], path...)
	if bytes.IndexByte(path, '%') >= 0 {
		d.path = decode.Unescape(d.path[:0], path)
	}
	path = d.path
	place := d.memo.Place(r.Host, path)
	if place.Route == model.NoRoute && r.Distribution != r.Host {
		// A route may be given by the distribution's own domain.
		place = d.memo.Place(r.Distribution, path)
	}
	r.Route, r.Pattern, r.Path = place.Route, place.Pattern, place.Path
	if r.Route != model.NoRoute {
		if own := d.text(l, colQuery); own != nil {
			query = own
		} else {
			query = decode.Unescape(nil, query)
		}
		r.Key = d.memo.Key(r.Distribution, path, query)
	}
	return ""
}

func (d *Decoder) response(l *layout) string {
	r := &d.row
	status, ok := decode.Int(d.col(l, colStatus))
	if !ok || status > 999 {
		return "sc-status is not a number"
	}
	r.Status = int(status)
	r.Result = d.memo.Word(d.col(l, colResult))
	r.ResponseResult = d.memo.Word(d.col(l, colResponseResult))
	r.Detailed = d.memo.Word(d.col(l, colDetailed))
	r.ContentType = d.memo.Word(d.text(l, colContentType))
	r.Bytes = d.number(l, colBytes)
	r.ContentLength = d.number(l, colContentLength)
	r.RangeStart = d.number(l, colRangeStart)
	r.RangeEnd = d.number(l, colRangeEnd)
	return ""
}

// origin reads what origin-fbl says: how long the origin took to answer, or
// nothing where it was not asked.
func (d *Decoder) origin(l *layout) {
	if !d.has(l, colOriginFirst) {
		return
	}
	d.row.Asked = model.No
	if b := d.col(l, colOriginFirst); b != nil {
		d.row.Asked = model.Unknown
		if _, ok := seconds(b); ok {
			d.row.Asked = model.Yes
		}
	}
}

// number reads a column that only adds detail. A value that is no number is
// not worth the row: it counts as not logged, and a warning says so.
func (d *Decoder) number(l *layout, c column) int64 {
	b := d.col(l, c)
	if b == nil {
		return -1
	}
	n, ok := decode.Int(b)
	if !ok {
		d.warn(columnNames[c] + " is not always a number; taken as not logged there")
		return -1
	}
	return n
}

// cookieLimit is where real-time logs cut cs-cookie off (formats.md 3). From
// cookieCut on a value may have been cut: an escape is not torn apart.
const (
	cookieLimit = 800
	cookieCut   = cookieLimit - len("%XX") + 1
)

// session digests the session cookie. Everything else in the column is
// dropped, and the buffer it was decoded into is wiped.
func (d *Decoder) session(l *layout) {
	d.row.CookieLogged = d.has(l, colCookie)
	header := d.text(l, colCookie)
	if len(header) == 0 {
		return
	}
	d.cookies++
	names := d.ctx.Cookies()
	cut := d.opts.Realtime && len(d.col(l, colCookie)) >= cookieCut
	if cut {
		// The last cookie may go on, and another may have followed it: only the
		// one that servers look for first is sure to be what they saw.
		d.cut++
		header, names = header[:max(0, bytes.LastIndexByte(header, ';'))], names[:min(1, len(names))]
	}
	value, shown := findCookie(header, names)
	if cut && !shown {
		d.row.CookieLogged = false
	}
	var err error
	d.row.Session, err = d.memo.Session(value, d.opts.Form)
	if err != nil {
		d.badForms++
	}
	clear(d.buf)
}

// findCookie returns the value of the first cookie of the first name that
// header holds. Browsers send the cookie of the longest path first, and
// servers read that one.
func findCookie(header []byte, names []string) (value []byte, found bool) {
	for _, name := range names {
		for rest := header; len(rest) > 0; {
			var pair []byte
			pair, rest, _ = bytes.Cut(rest, []byte{';'})
			key, value, _ := bytes.Cut(bytes.TrimSpace(pair), []byte{'='})
			if string(key) == name {
				return unquote(value), true
			}
		}
	}
	return nil, false
}

func unquote(v []byte) []byte {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}

// identity sets the request id and the hashes that duplicates are told by.
// Shared covers what every form of the log has, once its spelling is undone:
// the second stands beside a millisecond elsewhere, and paths are encoded or
// not.
func (d *Decoder) identity(l *layout, line []byte) {
	r := &d.row
	addr := r.Client.As16()
	r.Shared = decode.Hash(uint64(r.Status), addr[:])
	r.Shared = decode.Hash(r.Shared, d.col(l, colLocation))
	r.Shared = decode.Hash(r.Shared, d.col(l, colMethod))
	r.Shared = decode.Hash(r.Shared, d.path)
	if id := d.col(l, colID); id != nil {
		r.ID = d.ids.String(id)
		return
	}
	// Keyed, since the id is printed: a plain hash would let anyone test
	// guesses at the line, which may hold a cookie.
	r.ID = "line-" + d.memo.Digest("line", line).String()
}
