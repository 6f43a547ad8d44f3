// Package identity says who a recipient was and whose session its client
// presented before and after a delivery, and lets that re-weigh the
// candidates of package reconstruct (semantics.md C9).
//
// It looks at one device at a time: an address and a User-Agent, with the
// connections seen from it. Behind a shared egress that is many jars, so a
// connection (address and port) always counts for more than a device; a device
// id that the application logged tells the jars apart, and brings along what
// the same jar showed at other addresses.
package identity

import (
	"cmp"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// Sighting is a request that shows which session a device presented.
type Sighting struct {
	RequestID string
	Start     model.Interval // the request left with the jar of then
	Done      model.Interval // its response may have changed the jar
	Conn      model.ID       // zero: not known
	DeviceID  model.ID       // zero: none logged
	Session   model.ID       // presented
	User      string         // of Session; "" unknown
	Issued    model.ID       // zero: none
	Heir      string         // user of Issued, where the directory knows it
	Named     string         // user in the row, of Session or of Issued
	Kind      model.ClientKind
	Asset     bool    // of a suspect route
	Blank     bool    // what it presented is not known: only what its response left
	Away      bool    // seen at another address or User-Agent, under a device id that was seen here too
	Told      bool    // somebody's record of what a user did: its stamp orders nothing within seconds
	Sets      float64 // how likely its response set the session cookie
	Payload   any

	jar       model.ID // device id, its own or its connection's
	who, left who      // presented, and what the jar held once it was answered
	login     bool     // the response changed the user: the jar's content has another cause than a delivery
}

// Candidate is one possible fill of a hit with its holder.
type Candidate struct {
	Prior   float64  // from reconstruct
	Bears   bool     // the stored response carries a session cookie, or may
	Session model.ID // holder's; zero: unknown
	User    string
	Device  model.ID // of the client that filled
	Conn    model.ID
	Filled  model.Instant // 0: at about the hit

	DeviceID model.ID // that its origin row shows

	jar     model.ID
	who     who
	content content // that it would bring
}

// Hit is a response from the cache to the device.
type Hit struct {
	RequestID  string
	Start      model.Interval
	Available  model.Interval
	Conn       model.ID
	Device     model.ID
	Kind       model.ClientKind
	Foreign    bool      // asked for by another site's page
	Cookie     model.Tri // whether the hit's own row shows a session, where cookies are logged
	Jar        float64   // how likely a client of which no session is known takes the cookie
	Signed     float64   // how likely one does that was seen to present sessions; 0: as Jar
	Candidates []Candidate
	Unknown    float64 // prior of the fill not being listed
	Nothing    float64 // prior of what came having carried no session, apart from candidates that bear none
	Payload    any

	jar   model.ID // device id that its connection shows
	takes float64  // how likely this one takes the cookie
}

// Link is what ties a sighting to a hit.
type Link uint8

// The links, weakest first.
const (
	LinkNone   Link = iota
	LinkShared      // same address and User-Agent, several users there
	LinkDevice      // same address and User-Agent, one user

	// LinkDeviceID is weaker than LinkConnection although an id is of one jar
	// and a connection may be pooled: no hit shows an id, so that a hit has it
	// by its connection, and what the id ties is tied by both.
	LinkDeviceID   // same device id, at any address, at any time
	LinkConnection // same address and port, minutes apart

	links = iota
)

var linkNames = [links]string{"nothing", "the same address and user agent, shared by several users", "the same address and user agent", "the same device id", "the same connection"}

func (l Link) String() string { return linkNames[l] }

// Reading is what the sightings say of one hit.
type Reading struct {
	Own      model.ID // session before, not counting sessions that deliveries brought
	OwnUser  string
	OwnLink  Link
	whose    who       // Own's
	OwnOpen  bool      // the sighting of Own may as well be later than the hit
	Jars     int       // users that the device's own sightings show
	Again    bool      // the device was seen after the hit
	Kept     *Sighting // presented Own again
	KeptLink Link
	Empty    *Sighting // came back without any session, before it showed one
	Bare     bool      // the hit carried no cookie although its client was signed in
	Racing   bool      // an own request was under way: its response may have set Own back
	Verdicts []Verdict // one a candidate
	Unknown  Verdict
	// Stranger is a session that appeared after the hit without a login, of a
	// holder that no candidate names; nil if none.
	Stranger *Sighting
}

// Verdict is the joint probability of a candidate and what became of it.
type Verdict struct {
	Delivered, Applied, Used float64
	Self                     Link      // the fill was the recipient's own, tied by this
	Same                     bool      // the recipient's own session or user
	Use                      *Sighting // presented the holder's session; nil: not seen
	UseLink                  Link
}

// Device is everything known of one address and User-Agent.
type Device struct {
	rules     *Rules
	sightings []Sighting
	byWho     map[who][]int
	byConn    map[model.ID][]int
	byJar     map[model.ID][]int // by device id
	same      map[model.ID]model.ID
	ids       int               // device ids seen
	labelled  bool              // every sighting of a session has one
	travels   map[model.ID]bool // device ids seen elsewhere too
	widest    time.Duration
	logins    []int
	refused   map[model.ID]bool // connections whose client did not take what it was issued; zero: any
	own       []int             // sightings of sessions that no delivery need have brought
	hits      []Hit
	owners    map[model.ID]string    // users of sessions
	brought   map[who][]int          // hits that may have brought it
	firstHit  map[over]model.Instant // start of the first hit that may have brought it over a connection
	firstSeen map[over]model.Instant // latest start of its first sighting there
	jars      int
	groups    map[model.ID]int // places of one jar; nil: all of them are
	weighed   [][]outcome      // by hit: one a candidate, and the unlisted fill's
}

// over is a session at a place.
type over struct {
	who   who
	place model.ID
}

// NewDevice indexes what was seen of a device. It sorts both slices.
func NewDevice(sightings []Sighting, hits []Hit, rules *Rules) *Device {
	slices.SortStableFunc(sightings, func(a, b Sighting) int {
		return cmp.Or(cmp.Compare(a.Start.Lo, b.Start.Lo), cmp.Compare(a.RequestID, b.RequestID))
	})
	slices.SortStableFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Start.Lo, b.Start.Lo), cmp.Compare(a.RequestID, b.RequestID))
	})
	d := &Device{
		rules: rules, sightings: sightings, hits: hits, widest: widest,
		byWho: map[who][]int{}, byConn: map[model.ID][]int{}, byJar: map[model.ID][]int{}, travels: map[model.ID]bool{}, owners: map[model.ID]string{},
		refused: map[model.ID]bool{}, brought: map[who][]int{}, firstHit: map[over]model.Instant{}, firstSeen: map[over]model.Instant{},
	}
	d.name()
	d.label()
	d.indexSightings()
	d.indexHits()
	d.jars = d.countJars()
	d.group()
	for i := range d.hits {
		d.hits[i].takes = d.jar(&d.hits[i])
	}
	d.weighed = make([][]outcome, len(hits))
	d.infer()
	return d
}

func (d *Device) indexSightings() {
	for i := range d.sightings {
		s := &d.sightings[i]
		d.widest = max(d.widest, s.Start.Hi.Sub(s.Start.Lo))
		d.byWho[s.who] = append(d.byWho[s.who], i)
		if !s.Conn.IsZero() {
			d.noteRefusal(s)
			d.byConn[s.Conn] = append(d.byConn[s.Conn], i)
		}
		if s.Away {
			d.travels[s.jar] = true
		}
		if !s.jar.IsZero() {
			d.byJar[s.jar] = append(d.byJar[s.jar], i)
		}
		if k := (over{s.who, s.place()}); !k.place.IsZero() && d.firstSeen[k] == 0 {
			d.firstSeen[k] = s.Start.Hi
		}
		if s.login {
			d.logins = append(d.logins, i)
		}
	}
}

// noteRefusal notes that the client of s was issued a session by the response
// before it on the same connection, and presents none: it keeps no cookies.
func (d *Device) noteRefusal(s *Sighting) {
	list := d.byConn[s.Conn]
	if len(list) == 0 || !s.empty() || s.Blank {
		return
	}
	if last := &d.sightings[list[len(list)-1]]; !last.Issued.IsZero() && last.Done.Hi.Add(flight) <= s.Start.Lo {
		d.refused[s.Conn], d.refused[model.ID{}] = true, true
	}
}

func (d *Device) indexHits() {
	for i := range d.hits {
		h := &d.hits[i]
		for n := range h.Candidates {
			c := &h.Candidates[n]
			if !c.brings(h) {
				continue
			}
			if list := d.brought[c.who]; len(list) == 0 || list[len(list)-1] != i {
				d.brought[c.who] = append(list, i)
			}
			if k := (over{c.who, h.place()}); d.firstHit[k] == 0 {
				d.firstHit[k] = h.Start.Lo
			}
		}
	}
}

// brings reports whether c may have put a foreign session on the device of h.
func (c *Candidate) brings(h *Hit) bool {
	if !c.Bears || c.who == (who{}) || c.Prior <= 0 {
		return false
	}
	switch {
	case !c.jar.IsZero() && !h.jar.IsZero():
		return c.jar != h.jar
	case c.Conn.IsZero() || h.Conn.IsZero():
		return c.Device != h.Device
	}
	return !c.sameConn(h) // behind a shared egress the holder may look like the same device
}

// sameConn reports whether the fill came over the hit's connection, and not so
// long before that the port may have passed to somebody else.
func (c *Candidate) sameConn(h *Hit) bool {
	return !apart(c.jar, h.jar) && !h.Conn.IsZero() && c.Conn == h.Conn && (c.Filled == 0 || h.Start.Lo.Sub(c.Filled) <= idle)
}

// Hits returns the hits in the order that Read numbers them.
func (d *Device) Hits() []Hit { return d.hits }

// countJars counts the users that sign in from here by themselves. A session
// that a delivery may have brought does not make another jar.
func (d *Device) countJars() int {
	jars := map[who]bool{}
	for i := range d.sightings {
		s := &d.sightings[i]
		if s.empty() || d.maybeBrought(s) {
			continue
		}
		jars[s.who] = true
		if !d.broughtOver(s) {
			d.own = append(d.own, i)
		}
	}
	return len(jars)
}

// maybeBrought reports whether a hit before s may have put its session here.
// A session that was here before the first such hit is at home here.
func (d *Device) maybeBrought(s *Sighting) bool {
	by := d.brought[s.who]
	if len(by) == 0 {
		return false
	}
	hit := &d.hits[by[0]]
	if slices.ContainsFunc(hit.Candidates, func(c Candidate) bool { return c.who == s.who && c.Device == hit.Device }) {
		return false // the fill itself shows that the session was here before
	}
	first := &d.sightings[d.byWho[s.who][0]]
	return hit.Start.Lo < s.Start.Hi && first.Start.Hi > hit.Start.Lo
}

// broughtOver is maybeBrought for one place: behind a shared egress the holder
// may be at home on the device, and yet not on this connection. A sighting in
// the second of the hit may well be the first use.
func (d *Device) broughtOver(s *Sighting) bool {
	k := over{s.who, s.place()}
	hit, ok := d.firstHit[k]
	return ok && hit < s.Start.Hi && d.firstSeen[k] > hit
}

// shared reports whether the device is several jars. That of one device id, at
// which people take turns, is one.
func (d *Device) shared() bool { return d.ids > 1 || d.jars > 1 && (d.ids == 0 || !d.labelled) }

// link returns what ties s to h.
func (d *Device) link(s *Sighting, h *Hit) Link {
	switch {
	case apart(s.jar, h.jar):
		return LinkNone
	case !h.Conn.IsZero() && s.Conn == h.Conn && gap(s.Start, h.Start) <= idle:
		return LinkConnection
	case together(s.jar, h.jar):
		return LinkDeviceID
	case !d.shared():
		return LinkDevice
	case s.Away:
		return LinkNone
	}
	return LinkShared
}

func gap(a, b model.Interval) time.Duration {
	return max(a.Lo.Sub(b.Hi), b.Lo.Sub(a.Hi), 0)
}
