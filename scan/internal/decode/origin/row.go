package origin

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// status returns the status; 0 if the row has none.
func (m *Rows) status() (int, bool) {
	b := m.text(Status)
	if b == nil {
		return 0, true
	}
	n, exp, _, ok := decimal(b)
	if n, fits := scale(n, exp, 1); ok && fits && 0 <= n && n <= 999 {
		return int(n), true
	}
	return 0, false
}

// place says what the path means, and the host that was asked. Applications
// log the path with or without query, some as a full URL.
//
// A host of its own field does not choose the route: behind a CDN it may be
// the origin's own name, under which no route is known, and a row too many
// among the suspects can be judged, one too few cannot.
func (m *Rows) place() (decode.Place, string) {
	host := m.memo.Host(m.text(Host))
	b := m.text(Path)
	if of, path := splitURL(b); len(of) > 0 {
		asked := m.memo.Host(of)
		if host == "" {
			host = asked
		}
		return m.memo.Place(asked, path), host
	}
	if i := bytes.IndexAny(b, "?#"); i >= 0 {
		b = b[:i]
	}
	return m.memo.Place("", b), host
}

// splitURL returns host, with its port, and path of a URL; see decode.SplitURL,
// which makes strings of them.
func splitURL(b []byte) (host, path []byte) {
	if len(b) == 0 || b[0] == '/' {
		return nil, nil
	}
	at := bytes.Index(b, []byte("://"))
	if at < 0 {
		return nil, nil
	}
	host, path = b[at+len("://"):], b[at+1:at+2] // a slash, without allocating one
	if i := bytes.IndexAny(host, "/?#\\"); i >= 0 {
		if host[i] == '/' {
			path = host[i:]
		}
		host = host[:i]
	}
	if i := bytes.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	return host[bytes.LastIndexByte(host, '@')+1:], path
}

// sessions reads the session presented and the one issued, and reports whether
// there is either. For a row that is not wanted only the statistics are kept.
func (m *Rows) sessions(at model.Instant, wanted bool) (bearing bool) {
	var presented, issued bool
	m.row.Presented, presented = m.session(Session, at, wanted)
	m.row.Issued, issued = m.session(SetSession, at, wanted)
	m.row.SetCookie = m.setCookie()
	if m.row.SetCookie == model.Unknown && issued {
		m.row.SetCookie = model.Yes // a session issued was set
	}
	return presented || issued
}

func (m *Rows) session(f Field, at model.Instant, wanted bool) (id model.ID, ok bool) {
	raw := m.text(f)
	if raw == nil {
		return model.ID{}, false
	}
	value, err := decode.ApplyForm(raw, m.opts.Source.SessionForm)
	if err != nil {
		m.stats.FormFailures++
	}
	m.shapes.add(&m.stats, ShapeAt{decode.ShapeOf(value), at - at%shapeStep})
	if !wanted {
		return model.ID{}, true
	}
	return m.memo.Digest("session", value), true
}

// observe adds the row to what the source says of itself.
func (m *Rows) observe(t model.Instant, bearing, wanted bool) {
	m.stats.All.add(t)
	if m.told {
		return // what a page told says nothing about requests
	}
	if id := m.text(RequestID); id == nil {
		m.stats.WithoutID++
	} else {
		m.stats.WithID++
		if !wanted {
			m.stats.Outside.Add(id, t)
		}
	}
	if m.row.Route != model.NoRoute && bearing {
		m.stats.Routes[m.row.Route].add(t)
	}
}

// rest reads what only wanted rows need.
func (m *Rows) rest() {
	r := &m.row
	r.Method = m.memo.Word(m.text(Method))
	if writes(r.Method) {
		r.Lasting, r.Entrance = m.lasting, m.entrance
	}
	r.User = m.memo.Word(m.text(User))
	r.Workspace = m.memo.Word(m.text(Workspace))
	r.Instance = m.memo.Word(m.text(Instance))
	r.Agent, _ = m.memo.Agent(m.text(UserAgent))
	r.Client = m.client()
	r.Taken = m.duration()
	if trace := traceRoot(m.text(TraceID)); trace != nil {
		r.Trace = m.memo.Digest("trace", trace)
	}
	if device := m.text(DeviceID); device != nil {
		r.Device = m.memo.Digest("device id", device)
	}
	r.RequestID = m.ids.String(m.text(RequestID))
	r.Line = m.in.Hash()
}

// traceRoot returns the part of X-Amzn-Trace-Id that stays the same on the
// request's way, such as Root=1-67891233-abcdef012345678912345678: hops add a
// Self and a Parent of their own, before or behind. The root alone, without its
// name, is what some libraries log.
func traceRoot(b []byte) []byte {
	for part := range bytes.SplitSeq(b, []byte{';'}) {
		if root, ok := bytes.CutPrefix(bytes.TrimSpace(part), []byte("Root=")); ok {
			b = root
			break
		}
	}
	if b = bytes.TrimSpace(b); none(b) {
		return nil
	}
	return b
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
func (m *Rows) setCookie() model.Tri {
	if m.isList(SetCookie) {
		return m.listsCookie()
	}
	b := m.raw(SetCookie)
	switch {
	case b == nil || null(b):
		return model.Unknown
	case isWord(b, "true", "t", "yes", "1"):
		return model.Yes
	case isWord(b, "false", "f", "no", "0") && !m.ctx.IsCookie(b):
		return model.No
	case m.namesCookie(b):
		return model.Yes
	}
	return model.No
}

func (m *Rows) listsCookie() model.Tri {
	set := model.No
	for at := 0; ; {
		e, next := m.in.Element(SetCookie, at)
		if next < 0 {
			return set
		}
		if m.namesCookie(e) {
			set = model.Yes
		}
		at = next
	}
}

// isWord reports whether b is one of words, which are in lower case.
func isWord(b []byte, words ...string) bool {
	for _, w := range words {
		if len(b) == len(w) && bytes.EqualFold(b, []byte(w)) {
			return true
		}
	}
	return false
}

// namesCookie reports whether b holds a name of the session cookie, bare or
// with a value behind it; several names in one text may be a list as some
// database writes it.
func (m *Rows) namesCookie(b []byte) bool {
	for len(b) > 0 {
		word := b
		if i := bytes.IndexAny(b, ",; \"'[]{}"); i >= 0 {
			word, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		name, _, _ := bytes.Cut(word, []byte{'='})
		if m.ctx.IsCookie(name) {
			return true
		}
	}
	return false
}

// client returns the viewer's address out of a single one or a forwarded
// list. The last entry is the one CloudFront appended; those before it are
// the client's own word.
func (m *Rows) client() netip.Addr {
	b := m.forwarded()
	if b == nil {
		return netip.Addr{}
	}
	i := bytes.LastIndexByte(b, ',') + 1
	if m.xffFirst {
		b, _, _ = bytes.Cut(b, []byte{','})
		i = 0
	}
	if a, ok := m.address(bytes.TrimSpace(b[i:])); ok {
		return a
	}
	m.stats.UnreadableClients++
	return netip.Addr{}
}

// forwarded returns the text of the address, of a list its first or last.
func (m *Rows) forwarded() []byte {
	if !m.isList(ClientIP) {
		return m.text(ClientIP)
	}
	from := 0
	for at := 0; !m.xffFirst; {
		_, next := m.in.Element(ClientIP, at)
		if next < 0 {
			break
		}
		from, at = at, next
	}
	if b, _ := m.in.Element(ClientIP, from); !none(b) {
		return b
	}
	return nil
}

// address reads an address with or without port.
func (m *Rows) address(b []byte) (netip.Addr, bool) {
	if a, ok := m.memo.Addr(b); ok {
		return a, true
	}
	if i := bytes.LastIndexByte(b, ':'); i > 0 && (bytes.Count(b, []byte{':'}) == 1 || b[i-1] == ']') {
		b = b[:i]
	}
	return m.memo.Addr(bytes.Trim(b, "[]"))
}

// duration returns how long the application took; -1 if that is not known. A
// bare number needs Source.Unit: 12.5 is milliseconds to some loggers and
// seconds to others, and no size tells which.
func (m *Rows) duration() time.Duration {
	b := m.text(Duration)
	if b == nil {
		return -1
	}
	if n, exp, _, ok := decimal(b); ok && m.stamper.unit != 0 {
		if n, fits := scale(n, exp, m.stamper.unit); fits && n >= 0 {
			return time.Duration(n)
		}
	}
	if n, err := time.ParseDuration(string(b)); err == nil && n >= 0 && string(b) != "0" {
		return n
	}
	m.stats.UnreadableDuration++
	return -1
}
