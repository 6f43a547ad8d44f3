package identity

import (
	"cmp"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
)

// A Fill is a request for an asset of which no row shows the session.
type Fill struct {
	Start model.Interval
	Conn  model.ID
}

// Held is what a rung of the ladder (design.md 6) says that a fill presented.
type Held struct {
	Rung    model.Rung
	Session model.ID
	User    string
	Empty   bool // no session at all
}

// alike is how far apart the sightings around a fill may be that carry no
// session: a login leaves no other trace.
const alike = time.Minute

// Climb finds what f presented from what its client presented just before and
// just after it: on its connection, else under its device id, else from its
// address and User-Agent. seen is of one address and User-Agent, by time.
//
// The two must agree. If a delivery or a login fell between them, the fill may
// have carried either session: that voids the rung and the weaker ones too. What
// both show is the holder even if a delivery had brought it before: the fill
// then passed the session on.
//
// That no other id and no other user showed about then speaks for a fill's own
// only where requests would show them. Of a page whose script somebody blocks
// there is no record, so between two records alone a fill is of an address and a
// User-Agent, whatever ids they name.
func Climb(f Fill, seen []Sighting) Held { return climb(f, seen, -1) }

func climb(f Fill, seen []Sighting, skip int) Held {
	conn := func(s *Sighting) bool { return s.Conn == f.Conn }
	if was, will := around(f, seen, skip, conn); !f.Conn.IsZero() && was != nil && will != nil {
		return agree(was, will, model.RungConnection)
	}
	alone := !crowded(f, seen, skip)
	id, tied := deviceID(f, seen, skip, alone)
	same := func(s *Sighting) bool { return s.DeviceID == id }
	if was, will := around(f, seen, skip, same); !id.IsZero() && was != nil && will != nil {
		if !tied && was.Told && will.Told {
			return agree(was, will, model.RungAgent)
		}
		return agree(was, will, model.RungDeviceID)
	}
	here := func(s *Sighting) bool { return !s.Away && !apart(s.DeviceID, id) }
	if was, will := around(f, seen, skip, here); alone && was != nil && will != nil {
		return agree(was, will, model.RungAgent)
	}
	return Held{Rung: model.RungUnknown}
}

// deviceID returns the device id of f: what its connection showed about then,
// which ties it, else what its address and User-Agent did if that was one id
// alone.
func deviceID(f Fill, seen []Sighting, skip int, alone bool) (id model.ID, tied bool) {
	at := func(fits func(*Sighting) bool) model.ID {
		was, will := around(f, seen, skip, func(s *Sighting) bool { return !s.DeviceID.IsZero() && fits(s) })
		var list []showing
		for _, s := range [...]*Sighting{was, will} {
			if s != nil {
				list = append(list, showing{s.Start.Lo, s.DeviceID})
			}
		}
		return shownAt(list, f.Start.Lo)
	}
	if id := at(func(s *Sighting) bool { return s.Conn == f.Conn && !f.Conn.IsZero() }); !id.IsZero() || !alone {
		return id, true
	}
	return at(func(s *Sighting) bool { return !s.Away }), false
}

// around returns the last sighting that fits surely before f and the first
// surely after.
func around(f Fill, seen []Sighting, skip int, fits func(*Sighting) bool) (was, will *Sighting) {
	at, _ := slices.BinarySearchFunc(seen, f.Start.Lo, func(s Sighting, t model.Instant) int { return cmp.Compare(s.Start.Lo, t) })
	for n := at - 1; n >= 0 && f.Start.Lo.Sub(seen[n].Start.Hi) <= idle; n-- {
		if seen[n].Start.Hi <= f.Start.Hi && seen[n].Start.Lo < f.Start.Lo && n != skip && fits(&seen[n]) {
			was = &seen[n]
			break
		}
	}
	for n := at; n < len(seen) && seen[n].Start.Lo.Sub(f.Start.Hi) <= idle; n++ {
		if seen[n].Start.Lo >= f.Start.Lo && n != skip && fits(&seen[n]) {
			will = &seen[n]
			break
		}
	}
	return was, will
}

// agree returns what both sightings show.
func agree(was, will *Sighting, rung model.Rung) Held {
	held := Held{Rung: rung, Session: was.Session, User: was.User}
	if !was.Issued.IsZero() && was.Issued != was.Session {
		held.Session, held.User = was.Issued, was.Heir
	}
	switch {
	case held.Session == will.Session && !held.Session.IsZero(), held.User != "" && held.User == will.User:
		held.User = cmp.Or(held.User, will.User)
		return held
	case held.Session.IsZero() && held.User == "" && will.Session.IsZero() && will.User == "" &&
		rung != model.RungAgent && gap(was.Start, will.Start) <= alike:
		held.Empty = true
		return held
	}
	return Held{Rung: model.RungUnknown}
}

// crowded reports whether several users' sessions were presented from the
// address and User-Agent about the time of f, or several device ids shown.
func crowded(f Fill, seen []Sighting, skip int) bool {
	at, _ := slices.BinarySearchFunc(seen, f.Start.Lo.Add(-idle), func(s Sighting, t model.Instant) int { return cmp.Compare(s.Start.Lo, t) })
	var first *Sighting
	var id model.ID
	for n := at; n < len(seen) && seen[n].Start.Lo.Sub(f.Start.Hi) <= idle; n++ {
		s := &seen[n]
		if n == skip || s.Away {
			continue
		}
		if apart(s.DeviceID, id) {
			return true
		}
		if !s.DeviceID.IsZero() {
			id = s.DeviceID
		}
		if s.Session.IsZero() && s.User == "" {
			continue
		}
		if first != nil && s.Session != first.Session && (s.User == "" || s.User != first.User) {
			return true
		}
		if first == nil {
			first = s
		}
	}
	return false
}

// Trials says how often a rung of the ladder was right where that is known.
type Trials struct {
	Connection Count `json:"connection"`
	DeviceID   Count `json:"device_id,omitzero"`
	Agent      Count `json:"address_and_user_agent"`

	// Rows whose request id was hidden, placed as if they had none: by address,
	// path and time, and by path and time alone.
	Placed Count `json:"address_path_and_time"`
	ByPath Count `json:"path_and_time"`
}

// Merge adds o.
func (t *Trials) Merge(o Trials) {
	t.Connection.merge(o.Connection)
	t.DeviceID.merge(o.DeviceID)
	t.Agent.merge(o.Agent)
	t.Placed.merge(o.Placed)
	t.ByPath.merge(o.ByPath)
}

// Place notes whether a row whose request id was hidden was placed rightly.
func (t *Trials) Place(byAddress, right bool) {
	if byAddress {
		t.Placed.add(right)
	} else {
		t.ByPath.add(right)
	}
}

// PlacedReliability returns how likely the holder is right that a placed row
// names.
func (t *Trials) PlacedReliability(byAddress bool) float64 {
	if byAddress {
		return byPlace.with(t.Placed)
	}
	return byPath.with(t.ByPath)
}

// maxTrials bounds the trials of one device: the busiest would speak for all.
const maxTrials = 50

// Try hides sightings one by one and asks the ladder for what they presented.
// Records are left out: they are of clients that tell, and fills are of all.
func (t *Trials) Try(seen []Sighting) {
	step := len(seen)/maxTrials + 1
	for n := 0; n < len(seen); n += step {
		s := &seen[n]
		if s.Away || s.Told {
			continue
		}
		held := climb(Fill{s.Start, s.Conn}, seen, n)
		right := held.Session == s.Session || held.User != "" && held.User == s.User
		switch held.Rung {
		case model.RungConnection:
			t.Connection.add(right)
		case model.RungDeviceID:
			t.DeviceID.add(right)
		case model.RungAgent:
			t.Agent.add(right)
		}
	}
}

// The beliefs about the rungs before a case is known: a request between two of
// one connection comes from the same jar unless it is a frame's or a fetch
// without credentials; so does one between two of one device id, if it is known
// to be of that id, which hangs by its connection or by the absence of others;
// between two of one address and User-Agent it may come from a neighbour as well.
var (
	byConnection = Belief{0.95, 50}
	byDeviceID   = Belief{0.9, 50}
	byAgent      = Belief{0.75, 50}
)

// The beliefs about placed rows: one that an address asked for within the
// second that the edge took to answer it is nearly always that request; without
// the address it may be anybody's, and nothing shows how many rows are missing.
var (
	byPlace = Belief{0.9, 50}
	byPath  = Belief{0.6, 50}
)

// Reliability returns how likely the holder that a rung names is right.
func (t *Trials) Reliability(r model.Rung) float64 {
	switch r {
	case model.RungConnection:
		return byConnection.with(t.Connection)
	case model.RungDeviceID:
		return byDeviceID.with(t.DeviceID)
	case model.RungAgent:
		return byAgent.with(t.Agent)
	}
	return 1
}
