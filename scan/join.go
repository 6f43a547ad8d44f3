package scan

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/scan/internal/join"
	"github.com/spillscope/spillscope/scan/internal/sniff"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// joiner parts the joined rows into cache rows and sightings.
type joiner struct {
	*state
	cache    *spill.Writer
	seen     *spill.Writer
	labelled *spill.Sorter // sightings with a device id, by it
	labels   *spill.Writer
	nameless *spill.Writer // rows that wait for the ladder
	places   *placer       // nil: every origin row has a request id
	digests  *model.Digester
	row      cacheRow // of the edge row in hand: on the heap once, not once a row
	key, val []byte

	readsPlaced bool // no row is joined by its id: placed ones tell what the stamps are off by
}

// join walks the rows by request id: duplicates are charged to their objects,
// edge and origin meet, and what follows needs is sorted its own way.
func (s *state) join() error {
	s.cacheRows = s.sorter(derivedShare, 1)
	s.sightings = s.sorter(derivedShare, 1)
	s.watch, s.phases, s.reports = s.newWatch(), newPhases(s.Incident), newReports(s.dir)
	if err := s.followTraces(); err != nil {
		return err
	}
	s.feeds = newFeeds(s.objects)
	if err := s.readClocks(); err != nil {
		return err
	}
	rows, labelled := s.sorter(derivedShare/2, 1), s.sorter(derivedShare/2, 1)
	j := &joiner{
		state: s, cache: s.cacheRows.Writer(), seen: s.sightings.Writer(), nameless: rows.Writer(),
		labelled: labelled, labels: labelled.Writer(), places: s.newPlacer(), digests: s.Key.Digester(),
	}
	if err := join.Requests(s.requests, j.request); err != nil {
		return errors.Join(err, rows.Close(), labelled.Close(), j.places.close())
	}
	if err := j.place(); err != nil {
		return errors.Join(err, rows.Close(), labelled.Close())
	}
	err := errors.Join(j.nameless.Close(), j.labels.Close(), s.requests.Close(), s.watch.freeze())
	s.requests = nil
	if err == nil {
		err = j.handOut()
	}
	err = errors.Join(err, j.seen.Close(), labelled.Close())
	s.clock.Strangers(&s.tally.alone, &s.notes.origin.Outside)
	s.offset = s.clock.Offset(s.originInstant())
	if err == nil {
		err = s.timeTold()
	}
	if err == nil {
		err = j.climb(rows)
	}
	return errors.Join(err, rows.Close(), j.cache.Close())
}

// originInstant returns what the origin sources say their stamps mark, if
// they agree.
func (s *state) originInstant() string {
	said := ""
	for i := range s.Incident.Sources {
		src := &s.Incident.Sources[i]
		if src.Kind != model.SourceOrigin {
			continue
		}
		says := s.instantOf(src)
		if said != "" && said != says {
			return "unknown"
		}
		said = says
	}
	return said
}

// instantOf returns what the stamps of src mark. Those of a load balancer's
// log mark the start, also where the content alone told that it is one.
func (s *state) instantOf(src *model.Source) string {
	says := src.Instant
	for i := range s.objects {
		switch o := &s.objects[i]; {
		case o.source != src || o.format == "": // not of this source, or not read
		case o.format != sniff.ALB:
			return src.Instant
		default:
			says = "start"
		}
	}
	return says
}

func (j *joiner) request(r *join.Request) error {
	for _, d := range r.Duplicates {
		j.duplicate(d)
	}
	for i := range r.Origins {
		j.set(&r.Origins[i])
	}
	r.Origins = join.Merge(r.Origins, j.logOf)
	if len(r.Edges) > 1 {
		j.tally.funnel.ConflictingIDs++
	}
	origins, told := partTold(r.Origins)
	r.Origins = origins
	if err := j.tell(r, told); err != nil || len(r.Edges)+len(origins) == 0 {
		return err
	}
	for i := range r.Origins {
		j.countOrigin(&r.Origins[i], len(r.Edges) > 0)
	}
	for i := range r.Edges {
		j.feeds.row(&r.Edges[i])
	}
	if len(r.Edges) > 0 && j.places.waits(&r.Edges[0], r.Origins) {
		return j.places.keep(r)
	}
	for i := range r.Edges {
		if err := errors.Join(j.places.try(&r.Edges[i], r.Origins), j.edge(&r.Edges[i], r.Origins, nil)); err != nil {
			return err
		}
	}
	if len(r.Edges) > 0 {
		return nil
	}
	if j.places != nil && isStray(&r.Origins[0]) {
		return j.places.stray(&r.Origins[0])
	}
	return j.unmatched(r.Origins)
}

// edge handles one edge row with the origin rows of its request id, and with
// what was placed there.
func (j *joiner) edge(e *model.EdgeRow, origins []model.OriginRow, placed *placedRow) error {
	p := j.spans.of(e.End.Lo)
	suspect := e.Route != model.NoRoute && p != nowhere
	row := &j.row
	*row = cacheRow{Edge: *e, Cache: cache.Name(j.Incident.Cache.Scope, e.Location)}
	row.Device, row.Conn = j.device(e)
	if suspect {
		row.Hold = j.holder(e, origins)
		if len(origins) > 0 {
			row.Origin = &origins[len(origins)-1]
		}
		placed.hold(row)
		j.countPlaced(row)
	}
	if p == window {
		j.countTraffic(row, origins)
	}
	waits := suspect && nameless(row)
	if !waits {
		j.countEdge(row, p, len(origins) > 0 || placed.contact())
	}
	if last := j.timing(origins, placed); last != nil && cache.Classify(e) == cache.Miss { // a background refresh answers later than its row
		j.clock.Add(row.Cache, e.Start(), e.Available(), last.Time)
	}
	var err error
	switch {
	case waits:
		err = j.keepNameless(row)
	case suspect:
		err = j.keepCacheRow(row)
	}
	if err != nil {
		return err
	}
	joined := len(origins) > 0
	if placed != nil {
		origins = append(slices.Clip(origins), placed.shows...)
	}
	if err := j.watchEdge(e, row, origins, joined); err != nil {
		return err
	}
	return j.sightingsOf(e, row, origins)
}

// timing returns the origin row whose stamp is compared with the edge's.
func (j *joiner) timing(origins []model.OriginRow, placed *placedRow) *model.OriginRow {
	switch {
	case len(origins) > 0:
		return &origins[len(origins)-1]
	case j.readsPlaced && placed != nil:
		return placed.row
	}
	return nil
}

func (j *joiner) keepCacheRow(row *cacheRow) error {
	j.key = append(j.key[:0], row.Edge.Key[:]...)
	j.key = appendInstant(j.key, row.Edge.Start().Lo)
	j.key = binary.BigEndian.AppendUint64(append(j.key, row.Edge.ID...), row.Edge.Line)
	j.val = wire.Encode(j.val[:0], row.fields)
	return j.cache.Add(j.key, j.val)
}

// device names the client of e, and its connection.
func (j *joiner) device(e *model.EdgeRow) (device, conn model.ID) {
	addr := e.Client.As16()
	device = j.digests.Digest("device", addr[:], e.Agent[:])
	if e.Port != 0 {
		var port [2]byte
		binary.BigEndian.PutUint16(port[:], e.Port)
		conn = j.digests.Digest("connection", addr[:], port[:])
	}
	return device, conn
}

// holder climbs the ladder of design.md 6: the fill's own origin row, the
// edge's cookie column, unknown.
func (j *joiner) holder(e *model.EdgeRow, origins []model.OriginRow) holding {
	if len(origins) == 0 {
		return j.holderAtEdge(e)
	}
	// Where the edge asked more than once, the last answer is the one it kept.
	o := &origins[len(origins)-1]
	if !j.tells(o) {
		h := j.holderAtEdge(e)
		h.Origin, h.Stamp, h.OriginID = true, o.Time, o.Ref
		return h
	}
	return j.holderAtOrigin(o)
}

// holderAtOrigin says whose session the response that o tells of carried.
func (j *joiner) holderAtOrigin(o *model.OriginRow) holding {
	h := holding{Rung: model.RungOriginRow, Origin: true, Stamp: o.Time, OriginID: o.Ref, Session: o.Issued, DeviceID: o.Device}
	if h.Session.IsZero() {
		h.Session = o.Presented
	}
	h.User = j.userOf(h.Session, o.User)
	logged := j.objects[o.Ref.Object].sets
	switch rule := j.Incident.Cookie.SetOn.Rule; {
	case o.SetCookie == model.Yes || !o.Issued.IsZero():
		h.Bears = true
	case logged && rule != model.SetOnEvery && rule != model.SetOnOncePer:
		h.Quiet = h.known()
	default:
		h.Bears, h.Assumed = h.known(), true
	}
	return h
}

// tells reports whether the log of o shows anything of sessions. A load
// balancer's proves that the origin was asked, and when; that the request bore
// none it does not.
func (j *joiner) tells(o *model.OriginRow) bool {
	from := &j.objects[o.Ref.Object]
	return from.shows || from.sets || knownOf(o) || o.SetCookie != model.Unknown
}

func (j *joiner) holderAtEdge(e *model.EdgeRow) holding {
	switch {
	case !e.Session.IsZero():
		return holding{Rung: model.RungEdgeCookie, Session: e.Session, User: j.userOf(e.Session, ""), Bears: true, Assumed: true}
	case e.CookieLogged && e.Session.IsZero() && j.cookiesSeen():
		return holding{Rung: model.RungEdgeCookie}
	}
	return holding{Rung: model.RungUnknown, Bears: true, Assumed: true}
}

// cookiesSeen reports whether any edge row showed a session: the cookie column
// exists in every CloudFront log, and is empty where cookie logging is off.
func (j *joiner) cookiesSeen() bool { return j.notes.edgeCookies }

// userOf resolves a session to its user. The directory was exported later than
// the row was written, so what the application logged is the fallback only
// where the directory has no answer.
func (s *state) userOf(session model.ID, logged string) string {
	if user, ok := s.dir.SessionUser(session); ok {
		return user
	}
	return logged
}

// sightingsOf keeps what the request shows of its device's session.
func (j *joiner) sightingsOf(e *model.EdgeRow, row *cacheRow, origins []model.OriginRow) error {
	base := sighting{
		ID: e.ID, Device: row.Device, Conn: row.Conn, Start: e.Start(), Done: e.Available(), EdgeRef: e.Ref,
		Hit: cache.Classify(e) == cache.Hit, Asset: e.Route != model.NoRoute, Kind: e.Kind,
	}
	for i := range origins {
		o := &origins[i]
		x := base
		x.DeviceID = o.Device
		if o.Issued.IsZero() && o.Presented.IsZero() && j.presenter(o) == "" {
			if !j.objects[o.Ref.Object].shows || !carries(e) {
				continue
			}
		} else {
			x.Session, x.Issued, x.Origin = o.Presented, o.Issued, o
			x.User = j.presenter(o)
		}
		if err := j.keepSighting(&x); err != nil {
			return err
		}
	}
	if len(origins) > 0 || e.Session.IsZero() && (j.cookieShown(e) != model.No || !carries(e)) {
		return nil
	}
	base.Session, base.User = e.Session, j.userOf(e.Session, "")
	return j.keepSighting(&base)
}

// presenter returns the user whose session a request presented. A row whose
// response issued another session is about two, and the user it names may be
// either's: of a login the new one, of a logout the old.
func (j *joiner) presenter(o *model.OriginRow) string {
	if o.Presented.IsZero() && j.objects[o.Ref.Object].sessions || !o.Issued.IsZero() && o.Issued != o.Presented {
		return j.userOf(o.Presented, "")
	}
	return j.userOf(o.Presented, o.User)
}

// carries reports whether a request of a signed-in client would have carried
// its session, as far as its row shows: not from another site's page, nor
// ahead of a request proper. To come back with an empty jar is evidence.
func carries(e *model.EdgeRow) bool { return !foreign(e) && e.Method != "OPTIONS" }

// unmatched keeps origin rows whose edge row is missing as sightings, where
// the application logged the address and the User-Agent itself.
func (j *joiner) unmatched(origins []model.OriginRow) error {
	for i := range origins {
		o := &origins[i]
		var device model.ID
		if o.Client.IsValid() && !o.Agent.IsZero() {
			addr := o.Client.As16()
			device = j.digests.Digest("device", addr[:], o.Agent[:])
		}
		if err := j.watchOrigin(o, device); err != nil {
			return err
		}
		if device.IsZero() || o.Presented.IsZero() && j.presenter(o) == "" {
			continue
		}
		x := sighting{
			ID: o.RequestID, Device: device,
			Start: o.Time, Done: o.Time, Session: o.Presented, Issued: o.Issued,
			User: j.presenter(o), Origin: o, DeviceID: o.Device,
		}
		if err := j.keepSighting(&x); err != nil {
			return err
		}
	}
	return nil
}

// keepSighting keeps x: at its device, or first with the others of its device id.
func (j *joiner) keepSighting(x *sighting) error {
	if !x.Device.IsZero() {
		j.reports.sighting(x.User, x.Device)
	}
	if x.DeviceID.IsZero() {
		return j.putSighting(x)
	}
	j.sightingKey(x.DeviceID, x)
	j.val = wire.Encode(j.val[:0], x.fields)
	return j.labels.Add(j.key, j.val)
}

func (j *joiner) putSighting(x *sighting) error {
	j.sightingKey(x.Device, x)
	j.val = wire.Encode(j.val[:0], x.fields)
	return j.seen.Add(j.key, j.val)
}

// sightingKey sets the key by which sightings of the same group are in order.
func (j *joiner) sightingKey(group model.ID, x *sighting) {
	j.key = append(j.key[:0], group[:]...)
	j.key = appendInstant(j.key, x.Start.Lo)
	j.key = append(j.key, x.ID...)
	if x.Origin != nil { // rows of one id come in the order of what they say, not of where they stand
		j.key = binary.BigEndian.AppendUint64(j.key, x.Origin.Line)
	}
}
