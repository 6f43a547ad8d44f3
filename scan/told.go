package scan

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/join"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// Sources of the kind sighting hold what somebody recorded beside the logs: an
// audit table, the events of an analytics service. Their rows say who was where
// and, of a holder's account, what was done in it. They are no requests at the
// origin: they count for no join, loss or ceiling, time no fill and no clock.

// A ToldSource says what became of the rows of one such source, for the
// manifest.
type ToldSource struct {
	URI        string `json:"uri"`
	Rows       int64  `json:"rows"`
	ByRequest  int64  `json:"placed_by_request_id"`
	ByDevice   int64  `json:"placed_by_address_and_user_agent"`
	ByDeviceID int64  `json:"placed_by_device_id_alone"`
	Unplaced   int64  `json:"not_placed"` // neither: an address alone fits every device behind it
	Users      int64  `json:"rows_with_user"`
	UsersKnown int64  `json:"users_in_directory"` // of those rows

	Compared int64  `json:"compared_with_requests"` // rows of a user whom a log shows at the same device within the hour
	Near     int64  `json:"within_a_minute"`        // of these
	Clock    string `json:"clock"`                  // compared, not compared, refused
	LagMS    int64  `json:"ahead_ms"`
	SpreadMS int64  `json:"spread_ms"`
}

// told reports whether x is of a source of the kind sighting.
func (x *sighting) told() bool { return x.Origin != nil && x.Origin.Told }

// partTold returns the rows of requests, and those that were only told.
func partTold(rows []model.OriginRow) (origins, told []model.OriginRow) {
	if !slices.ContainsFunc(rows, func(o model.OriginRow) bool { return o.Told }) {
		return rows, nil
	}
	for _, o := range rows {
		if o.Told {
			told = append(told, o)
		} else {
			origins = append(origins, o)
		}
	}
	return origins, told
}

// tell keeps told rows as sightings. One with the id of a request that the edge
// logged is of that request's connection and moment. An address without a
// User-Agent fits every device behind it; such a row is counted and not used, as
// it would make each of them look like that user's.
func (j *joiner) tell(r *join.Request, told []model.OriginRow) error {
	for i := range told {
		o := &told[i]
		src := j.toldSource(o.Ref.Object)
		src.Rows++
		if o.User != "" {
			src.Users++
			if _, ok := j.dir.User(o.User); ok {
				src.UsersKnown++
			}
		}
		if o.Presented.IsZero() && j.presenter(o) == "" {
			src.Unplaced++
			continue
		}
		x := sighting{
			ID: o.RequestID, Start: o.Time, Done: o.Time, DeviceID: o.Device,
			Session: o.Presented, Issued: o.Issued, User: j.presenter(o), Origin: o,
		}
		switch {
		case len(r.Edges) > 0:
			src.ByRequest++
			e := &r.Edges[0]
			x.Device, x.Conn = j.device(e)
			x.Start, x.Done, x.EdgeRef, x.Kind = e.Start(), e.Available(), e.Ref, e.Kind
			x.Asset = e.Route != model.NoRoute
		case o.Client.IsValid() && !o.Agent.IsZero():
			src.ByDevice++
			addr := o.Client.As16()
			x.Device = j.digests.Digest("device", addr[:], o.Agent[:])
		case !o.Device.IsZero():
			src.ByDeviceID++
		default:
			src.Unplaced++
			continue
		}
		if err := j.keepSighting(&x); err != nil {
			return err
		}
	}
	return nil
}

func (s *state) toldSource(object uint32) *ToldSource {
	uri := s.objects[object].source.URI
	t := s.told[uri]
	if t == nil {
		if s.told == nil {
			s.told = map[string]*ToldSource{}
		}
		t = &ToldSource{URI: uri, Clock: "not compared"}
		s.told[uri] = t
	}
	return t
}

// toldReport lists the sources with what their clocks showed.
func (s *state) toldReport() []ToldSource {
	var out []ToldSource
	for _, uri := range slices.Sorted(maps.Keys(s.told)) {
		t := *s.told[uri]
		if c := s.toldClocks[uri]; c != nil {
			c.report(&t)
		}
		out = append(out, t)
	}
	return out
}

const (
	// untold is how far a stamp may be off that could not be compared: events
	// wait in the client for half a minute, and clocks of servers are closer.
	untold = 30 * time.Second
	// leastTold is the least uncertainty of a compared one. What a row tells
	// happened some time before it was written; nothing orders it within seconds.
	leastTold = 2 * time.Second
	// minTold is the least number of rows that a clock is read from.
	minTold = 50
	// toldReach is how far from a request of the same user at the same device a
	// told row may be and still be compared with it.
	toldReach = time.Minute
	toldBin   = 100 * time.Millisecond
)

// toldClock compares the stamps of one source with those of the requests that
// its users made at the same devices. Counts merge in any order.
type toldClock struct {
	compared, near int64
	bins           [2*int(toldReach/toldBin) + 1]int64
}

// timeTold compares what was told with the requests at the same devices. It
// comes before anything is concluded from either.
func (s *state) timeTold() error {
	s.toldClocks = toldClocks{}
	if len(s.told) == 0 {
		return nil
	}
	seen, err := s.sightings.Iterator()
	if err != nil {
		return err
	}
	dec := wire.NewDecoder()
	var group []*sighting
	for seen.Next() {
		_, val := seen.Record()
		x := new(sighting)
		if err := dec.Decode(val, x.fields); err != nil {
			return err
		}
		if len(group) > 0 && group[0].Device != x.Device {
			s.compareTold(group)
			group = group[:0]
		}
		if len(group) < crowd && !x.Away {
			group = append(group, x)
		}
	}
	s.compareTold(group)
	return seen.Err()
}

// compareTold notes how far each told row of a device is from the nearest
// request of its user there.
func (s *state) compareTold(known []*sighting) {
	for i, x := range known {
		if !x.told() || x.atEdge() {
			continue
		}
		c := s.toldClocks.of(s.toldBy(x))
		switch d, ok := nearestRequest(known, i); {
		case !ok:
		case d.Abs() <= toldReach:
			c.near++
			c.compared++
			c.bins[int((d+toldReach)/toldBin)]++
		default:
			c.compared++
		}
	}
}

// toldClocks are the clocks of the sources, by their URI.
type toldClocks map[string]*toldClock

func (t toldClocks) of(uri string) *toldClock {
	if t[uri] == nil {
		t[uri] = &toldClock{}
	}
	return t[uri]
}

func (s *state) toldBy(x *sighting) string { return s.objects[x.Origin.Ref.Object].source.URI }

// atEdge reports whether the edge logged the request of x.
func (x *sighting) atEdge() bool { return x.EdgeRef != (model.Ref{}) }

// nearestRequest returns how long after the nearest request of its user the told
// row was stamped, of the requests within the hour.
func nearestRequest(known []*sighting, told int) (best time.Duration, ok bool) {
	x := known[told]
	look := func(y *sighting) (more bool) {
		d := x.Start.Lo.Sub(y.Start.Lo)
		if same := y.User == x.User && x.User != "" || y.Session == x.Session && !x.Session.IsZero(); same && !y.told() && (!ok || d.Abs() < best.Abs()) {
			best, ok = d, true
		}
		return d.Abs() <= nearby && (!ok || d.Abs() <= best.Abs())
	}
	for n := told - 1; n >= 0; n-- {
		if !look(known[n]) {
			break
		}
	}
	for n := told + 1; n < len(known); n++ {
		if !look(known[n]) {
			break
		}
	}
	return best, ok && best.Abs() <= nearby
}

// quantile returns the difference below which a share of the near rows lie.
func (c *toldClock) quantile(share float64) time.Duration {
	left := int64(math.Ceil(share * float64(c.near)))
	for i, n := range c.bins {
		if left -= n; left <= 0 {
			return time.Duration(i)*toldBin - toldReach
		}
	}
	return toldReach
}

// offset returns by how much the stamps are late, and how far they lie around
// that; refused says that they are not those of the requests at all.
func (c *toldClock) offset() (lag, spread time.Duration, refused bool) {
	switch {
	case c == nil || c.compared < minTold:
		return 0, untold, false
	case c.near*5 < c.compared:
		return 0, 0, true
	}
	lag = c.quantile(0.5)
	return lag, max(leastTold, lag-c.quantile(0.025), c.quantile(0.975)-lag), false
}

func (c *toldClock) report(t *ToldSource) {
	lag, spread, refused := c.offset()
	t.Compared, t.Near, t.Clock = c.compared, c.near, "compared"
	switch {
	case refused:
		t.Clock = "refused"
	case c.compared < minTold:
		t.Clock = "not compared"
	}
	t.LagMS, t.SpreadMS = lag.Milliseconds(), spread.Milliseconds()
}

// toldTime returns when what x tells happened; ok is false if its source's
// clock is not to be believed.
func (s *state) toldTime(x *sighting) (at model.Interval, ok bool) {
	if x.atEdge() { // and timed by it
		return x.Start, true
	}
	lag, spread, refused := s.toldClocks[s.toldBy(x)].offset()
	return x.Origin.Time.Shift(-lag).Widen(spread), !refused
}

// toldSources warns of what a source of sightings could not be used for.
func (d *diagnosis) toldSources() {
	for _, t := range d.toldReport() {
		if t.Users > 0 && t.UsersKnown*2 < t.Users {
			d.warn("%d of the %d rows of %s that name a user name one of the directory: does map.user hold the same form of id as user_id there?", t.UsersKnown, t.Users, t.URI)
		}
		if t.Unplaced > 0 {
			d.warn("%d of the %d rows of %s were not used: they name no user, or neither a device id nor an address with a User-Agent; an address alone fits every device behind it", t.Unplaced, t.Rows, t.URI)
		}
		switch t.Clock {
		case "refused":
			d.warn("%s was not used: only %d of %d of its rows lie within a minute of a request of the same user at the same device; is its time_zone right?", t.URI, t.Near, t.Compared)
		case "not compared":
			if t.ByDevice+t.ByDeviceID == 0 {
				continue
			}
			d.warn("the clock of %s could not be compared with the logs' (%d rows could be, %d are needed); its stamps were taken to be right within %v", t.URI, t.Compared, minTold, untold)
		}
	}
	if n := d.deviceIDs.Rotten; n > 0 {
		d.warn("%d of %d device ids belong to no single browser, with %d sightings: they are constants, or a service's; they were not used", n, d.deviceIDs.IDs, d.deviceIDs.Dropped)
	}
}
