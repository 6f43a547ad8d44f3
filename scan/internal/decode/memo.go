package decode

import (
	"net/netip"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
)

// Memo remembers what follows from values that recur: most rows of a log
// share their agent, path, address and status words. It is not safe for
// concurrent use; a worker keeps one and passes it from object to object. It
// never holds a session value.
//
// One table for all workers was rejected: each row would take a lock ten
// times over, and most of them for the same few words.
type Memo struct {
	c        *Context
	digests  *model.Digester
	words    table[string]
	agents   table[agent]
	paths    table[Place]
	hosts    table[string]
	addrs    table[netip.Addr]
	referers table[model.RefererClass]
	keys     table[model.ID]
	scratch  []byte
}

// Place is what a path means in the incident.
type Place struct {
	Route    int // or model.NoRoute
	Category int // or -1
	Pattern  string
	Path     model.ID // digest of the path alone
	Entrance bool     // people log in there
	Lasting  string   // what a write there leaves behind; see Lasting
}

type agent struct {
	id   model.ID
	kind model.ClientKind
}

const (
	tableSize = 1 << 14 // entries of a table
	maxMemo   = 1 << 10 // longest value that is remembered
)

// table is a bounded memo. A full one is emptied: what recurs is back at
// once, and no order of use has to be kept.
type table[V any] map[string]V

func (t *table[V]) add(key []byte, v V) V {
	if len(key) > maxMemo {
		return v
	}
	if *t == nil || len(*t) >= tableSize {
		*t = table[V]{}
	}
	(*t)[string(key)] = v
	return v
}

// NewMemo returns an empty memo of c.
func (c *Context) NewMemo() *Memo { return &Memo{c: c, digests: c.key.Digester()} }

// Word returns b as a string, the same one for equal words.
func (m *Memo) Word(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := m.words[string(b)]; ok {
		return s
	}
	return m.words.add(b, string(b))
}

// Host returns b as a host name in lower case and without port.
func (m *Memo) Host(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := m.hosts[string(b)]; ok {
		return s
	}
	return m.hosts.add(b, hostName(string(b)))
}

// Agent returns the digest of a User-Agent and what it claims to be.
func (m *Memo) Agent(b []byte) (model.ID, model.ClientKind) {
	if len(b) == 0 || string(b) == viaCDN {
		return model.ID{}, model.ClientUnknown
	}
	a, ok := m.agents[string(b)]
	if !ok {
		a = m.agents.add(b, agent{m.digests.Digest("agent", b), ClientKind(string(b))})
	}
	return a.id, a.kind
}

// Addr reads an address; an IPv4 address in IPv6 clothing becomes plain.
func (m *Memo) Addr(b []byte) (netip.Addr, bool) {
	if a, ok := m.addrs[string(b)]; ok {
		return a, a.IsValid()
	}
	a, err := netip.ParseAddr(string(b))
	if err != nil {
		return m.addrs.add(b, netip.Addr{}), false
	}
	return m.addrs.add(b, a.Unmap().WithZone("")), true
}

// Place returns what path means on a host, "" if that is not known.
func (m *Memo) Place(host string, path []byte) Place {
	key := m.join(host, path)
	if p, ok := m.paths[string(key)]; ok {
		return p
	}
	text := string(path)
	place := Place{
		Route:    m.c.Route(host, text),
		Category: m.c.Category(text),
		Pattern:  m.Word([]byte(m.c.Pattern(text))),
		Entrance: Entrance(text),
		Lasting:  Lasting(text),
	}
	if text != "" {
		place.Path = m.digests.Digest("path", path)
	}
	return m.paths.add(key, place)
}

// Referer classifies the Referer of a request to host.
func (m *Memo) Referer(host string, referer []byte) model.RefererClass {
	if len(referer) == 0 {
		return model.RefererNone
	}
	key := m.join(host, referer)
	if r, ok := m.referers[string(key)]; ok {
		return r
	}
	return m.referers.add(key, m.c.RefererClass(host, string(referer)))
}

// Key returns the digest of the object key under which the cache of a
// distribution files a response.
func (m *Memo) Key(distribution string, path, query []byte) model.ID {
	m.scratch = append(m.join(distribution, path), 0)
	m.scratch = append(m.scratch, query...)
	if k, ok := m.keys[string(m.scratch)]; ok {
		return k
	}
	return m.keys.add(m.scratch, cache.Key(m.c.key, m.c.query, distribution, string(path), string(query)))
}

// Digest digests a value that is not worth remembering.
func (m *Memo) Digest(kind string, value []byte) model.ID { return m.digests.Digest(kind, value) }

func (m *Memo) join(a string, b []byte) []byte {
	m.scratch = append(append(m.scratch[:0], a...), 0)
	m.scratch = append(m.scratch, b...)
	return m.scratch
}
