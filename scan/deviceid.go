package scan

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// Sightings that show a device id are sorted by it first. Each then goes to its
// own device, and a copy of it to every other address and User-Agent at which
// the id was seen about then: a telephone that leaves the Wi-Fi takes its jar
// along. An id that is no id is found on the way, and used nowhere.

// DeviceIDs is what became of the device ids, for the manifest.
type DeviceIDs struct {
	IDs       int64 `json:"ids"`
	Sightings int64 `json:"sightings"`
	Moved     int64 `json:"at_several_devices"`
	Rotten    int64 `json:"not_used"` // ids that many devices share
	Dropped   int64 `json:"sightings_of_them"`
}

const (
	// maxDevices is the number of addresses and User-Agents from which on an id
	// is taken for a constant. A telephone behind a carrier changes its address
	// some times an hour.
	maxDevices = 32
	// maxClashes is the number of minutes of clash from which on an id is none:
	// a delivery and a login after it may look like one.
	maxClashes = 3
	// nearby is how long before and after a device was seen under an id what the
	// id showed elsewhere concerns it.
	nearby = time.Hour
)

// census is what one id was seen with.
type census struct {
	devices map[model.ID]model.Span // up to maxDevices+1
	seen    []presence              // of the last users, latest last
	clashed model.Instant           // minute
	clashes int
	n       int64
}

// presence is a user seen under an id.
type presence struct {
	who          string
	device, conn model.ID
	at           model.Instant
}

// recent bounds the users that a census remembers.
const recent = 8

func (c *census) add(x *sighting) error {
	c.n++
	if !x.Device.IsZero() && len(c.devices) <= maxDevices {
		c.devices[x.Device] = including(c.devices[x.Device], x.Start.Lo)
	}
	who := cmp.Or(x.User, string(x.Session[:]))
	if x.User == "" && x.Session.IsZero() || x.told() { // when that was is not known to the minute
		return nil
	}
	n := slices.IndexFunc(c.seen, func(p presence) bool { return p.who == who })
	if n >= 0 {
		if last := c.seen[len(c.seen)-1]; last.who != who && returned(c.seen[n], last, x) {
			if m := truncate(x.Start.Lo, time.Minute); m != c.clashed {
				c.clashed = m
				c.clashes++
			}
		}
		c.seen = slices.Delete(c.seen, n, n+1)
	} else if len(c.seen) == recent {
		c.seen = slices.Delete(c.seen, 0, 1)
	}
	c.seen = append(c.seen, presence{who, x.Device, x.Conn, x.Start.Lo})
	return nil
}

// returned reports whether x shows a user again too soon for one jar, another
// having been seen in between elsewhere: within a minute at another connection,
// within a step of the second method at another device. What one connection
// shows in turn, deliveries may have brought.
func returned(was, other presence, x *sighting) bool {
	limit := time.Minute
	if other.device != x.Device {
		limit = step
	}
	return was.device == x.Device && was.conn == x.Conn && other.conn != x.Conn && x.Start.Lo.Sub(was.at) <= limit
}

func (c *census) rotten() bool { return len(c.devices) > maxDevices || c.clashes >= maxClashes }

// idGroups reads the sightings of one device id after the other.
type idGroups struct {
	it   *spill.Iterator
	dec  *wire.Decoder
	more bool
}

func newIDGroups(s *spill.Sorter) (*idGroups, error) {
	it, err := s.Iterator()
	if err != nil {
		return nil, err
	}
	return &idGroups{it: it, dec: wire.NewDecoder(), more: it.Next()}, nil
}

// each calls do with the sightings of id, which is the next.
func (g *idGroups) each(id model.ID, do func(*sighting) error) error {
	for ; g.more; g.more = g.it.Next() {
		key, val := g.it.Record()
		if !bytes.HasPrefix(key, id[:]) {
			return nil
		}
		x := new(sighting)
		if err := g.dec.Decode(val, x.fields); err != nil {
			return err
		}
		if err := do(x); err != nil {
			return err
		}
	}
	return g.it.Err()
}

// handOut moves the sightings that show a device id to their devices. Two
// readers walk them, the first one id ahead: it says whether the id is one, and
// where it was seen.
func (j *joiner) handOut() error {
	if j.labelled.Len() == 0 {
		return nil
	}
	ahead, err := newIDGroups(j.labelled)
	if err != nil {
		return err
	}
	behind, err := newIDGroups(j.labelled)
	if err != nil {
		return err
	}
	for ahead.more {
		key, _ := ahead.it.Record()
		id := model.ID(key)
		c := census{devices: map[model.ID]model.Span{}}
		if err := ahead.each(id, c.add); err != nil {
			return err
		}
		j.countID(&c)
		devices := slices.SortedFunc(maps.Keys(c.devices), model.ID.Compare)
		err := behind.each(id, func(x *sighting) error { return j.hand(x, &c, devices) })
		if err != nil {
			return err
		}
	}
	return errors.Join(ahead.it.Err(), behind.it.Err())
}

func (j *joiner) countID(c *census) {
	t := &j.deviceIDs
	t.IDs++
	t.Sightings += c.n
	if len(c.devices) > 1 {
		t.Moved++
	}
	if c.rotten() {
		t.Rotten++
		t.Dropped += c.n
	}
}

// hand gives x to its own device, and to the others of its id.
func (j *joiner) hand(x *sighting, c *census, devices []model.ID) error {
	if c.rotten() {
		x.DeviceID = model.ID{}
	}
	own := x.Device
	if !own.IsZero() {
		if err := j.putSighting(x); err != nil {
			return err
		}
	}
	if c.rotten() {
		return nil
	}
	x.Conn, x.Away = model.ID{}, true
	for _, d := range devices {
		if d == own || !c.devices[d].Extend(nearby, nearby).Contains(x.Start.Lo) {
			continue
		}
		x.Device = d
		if err := j.putSighting(x); err != nil {
			return err
		}
	}
	return nil
}
