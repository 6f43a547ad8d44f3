package jsonl

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// status returns the status; 0 if the row has none.
func (d *Decoder) status() (int, bool) {
	b := d.text(fieldStatus)
	if b == nil {
		return 0, true
	}
	m, exp, _, ok := decimal(b)
	if n, fits := scale(m, exp, 1); ok && fits && 0 <= n && n <= 999 {
		return int(n), true
	}
	return 0, false
}

// place says what the path means. Applications log it with or without query,
// some as a full URL.
func (d *Decoder) place() decode.Place {
	b := d.text(fieldPath)
	if len(b) > 0 && b[0] != '/' && bytes.Contains(b, []byte("://")) {
		if host, path := decode.SplitURL(string(b)); host != "" {
			return d.memo.Place(host, []byte(path))
		}
	}
	if i := bytes.IndexAny(b, "?#"); i >= 0 {
		b = b[:i]
	}
	return d.memo.Place("", b)
}

// sessions reads the session presented and the one issued. For a row that is
// not wanted only the statistics are kept.
func (d *Decoder) sessions(wanted bool) {
	d.row.Presented = d.session(fieldSession, wanted)
	d.row.Issued = d.session(fieldSetSession, wanted)
	d.row.SetCookie = d.setCookie()
	if d.row.SetCookie == model.Unknown && d.value(fieldSetSession) != nil && d.text(fieldSetSession) != nil {
		d.row.SetCookie = model.Yes // a session issued was set
	}
	d.wipe()
}

func (d *Decoder) session(f field, wanted bool) model.ID {
	raw := d.text(f)
	if raw == nil {
		return model.ID{}
	}
	value, err := decode.ApplyForm(raw, d.opts.Source.SessionForm)
	if err != nil {
		d.stats.FormFailures++
	}
	d.stats.Shapes[decode.ShapeOf(value)]++
	if !wanted {
		return model.ID{}
	}
	id := d.memo.Digest("session", value)
	d.wipe()
	return id
}

// observe adds the row to what the source says of itself.
func (d *Decoder) observe(t model.Instant, wanted bool) {
	d.stats.All.add(t)
	if id := d.text(fieldID); id == nil {
		d.stats.WithoutID++
	} else {
		d.stats.WithID++
		if !wanted {
			d.stats.Outside.Add(id, t)
		}
	}
	bearing := d.text(fieldSession) != nil || d.text(fieldSetSession) != nil
	if d.row.Route != model.NoRoute && bearing {
		d.stats.Routes[d.row.Route].add(t)
	}
	d.wipe()
}

// rest reads what only wanted rows need.
func (d *Decoder) rest(line []byte) {
	r := &d.row
	r.Method = d.memo.Word(d.text(fieldMethod))
	if writes(r.Method) {
		r.Lasting, r.Entrance = d.lasting, d.entrance
	}
	r.User = d.memo.Word(d.text(fieldUser))
	r.Workspace = d.memo.Word(d.text(fieldWorkspace))
	r.Agent, _ = d.memo.Agent(d.text(fieldAgent))
	r.Client = d.client()
	r.Taken = d.duration()
	r.RequestID = d.ids.String(d.text(fieldID))
	r.Line = decode.Hash(0, line)
}

// writes reports whether a method may change something.
func writes(method string) bool {
	switch method {
	case "POST", "PUT", "PATCH", "DELETE":
		return true
	}
	return false
}

// setCookie reads what an application notes about Set-Cookie: a boolean, or
// the names of the cookies set, as a list or in one string.
func (d *Decoder) setCookie() model.Tri {
	raw := d.value(fieldSetCookie)
	switch {
	case raw == nil || raw[0] == '{':
		return model.Unknown
	case raw[0] == '[':
		set := model.No
		elements(raw, func(e []byte) {
			if d.namesCookie(d.textOf(e)) {
				set = model.Yes
			}
		})
		return set
	}
	b := d.textOf(raw)
	switch {
	case equalAny(b, "true", "True", "TRUE", "yes", "1"):
		return model.Yes
	case equalAny(b, "false", "False", "FALSE", "no", "0"):
		return model.No
	case d.namesCookie(b):
		return model.Yes
	}
	return model.No
}

func equalAny(b []byte, words ...string) bool {
	for _, w := range words {
		if string(b) == w {
			return true
		}
	}
	return false
}

// namesCookie reports whether b holds a name of the session cookie, bare or
// with a value behind it.
func (d *Decoder) namesCookie(b []byte) bool {
	for len(b) > 0 {
		word := b
		if i := bytes.IndexAny(b, ",; "); i >= 0 {
			word, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		name, _, _ := bytes.Cut(word, []byte{'='})
		if d.ctx.IsCookie(name) {
			return true
		}
	}
	return false
}

// client returns the viewer's address out of a single one or a forwarded
// list. The last entry is the one CloudFront appended; those before it are
// the client's own word.
func (d *Decoder) client() netip.Addr {
	raw := d.value(fieldClient)
	if len(raw) > 0 && raw[0] == '[' {
		raw = d.pick(raw)
	}
	b := d.textOf(raw)
	if b == nil {
		return netip.Addr{}
	}
	i := bytes.LastIndexByte(b, ',') + 1
	if d.xffFirst {
		b, _, _ = bytes.Cut(b, []byte{','})
		i = 0
	}
	if a, ok := d.address(bytes.TrimSpace(b[i:])); ok {
		return a
	}
	d.stats.UnreadableClients++
	return netip.Addr{}
}

// pick returns the first or the last element of a list.
func (d *Decoder) pick(list []byte) []byte {
	var found []byte
	elements(list, func(e []byte) {
		if found == nil || !d.xffFirst {
			found = e
		}
	})
	return found
}

// address reads an address with or without port.
func (d *Decoder) address(b []byte) (netip.Addr, bool) {
	if a, ok := d.memo.Addr(b); ok {
		return a, true
	}
	if i := bytes.LastIndexByte(b, ':'); i >= 0 && (bytes.Count(b, []byte{':'}) == 1 || b[i-1] == ']') {
		b = b[:i]
	}
	return d.memo.Addr(bytes.Trim(b, "[]"))
}

// duration returns how long the application took; -1 if that is not known. A
// bare number needs Source.Unit: 12.5 is milliseconds to some loggers and
// seconds to others, and no size tells which.
func (d *Decoder) duration() time.Duration {
	b := d.text(fieldDuration)
	if b == nil {
		return -1
	}
	if m, exp, _, ok := decimal(b); ok && d.stamper.unit != 0 {
		if n, fits := scale(m, exp, d.stamper.unit); fits && n >= 0 {
			return time.Duration(n)
		}
	}
	if n, err := time.ParseDuration(string(b)); err == nil && n >= 0 && string(b) != "0" {
		return n
	}
	d.stats.UnreadableDuration++
	return -1
}
