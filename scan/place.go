package scan

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/scan/internal/join"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// Origin rows that no request id and no trace leads to their request are
// strays. They are placed: put where the edge was answering a request for the
// same path, for the same viewer's address if they have it, at the instant of
// their stamp (formats.md 10, step c). Both sides are sorted by what must be
// equal and by time, and swept; what is in memory at once is what overlaps.

// lane is rows that are alike in what they can be placed by. Each source has
// its own, since two may tell of one request.
type lane struct {
	source int
	client bool // by the viewer's address
	trial  bool // rows whose request id is known, and hidden
}

const laneSize = 3

func (l lane) append(key []byte) []byte {
	var flags byte
	if l.client {
		flags |= 1
	}
	if l.trial {
		flags |= 2
	}
	return append(binary.BigEndian.AppendUint16(key, uint16(l.source)), flags)
}

func laneOf(key []byte) lane {
	return lane{source: int(binary.BigEndian.Uint16(key)), client: key[2]&1 != 0, trial: key[2]&2 != 0}
}

// strays counts rows without a request id by lane, so that the edge's rows are
// offered to those only that wait for one.
type strays map[lane]int64

func (c strays) rows() (n int64) {
	for _, k := range c {
		n += k
	}
	return n
}

// by reports whether there are any that can be placed by the viewer's address,
// or that cannot.
func (c strays) by(client bool) bool {
	for l := range c {
		if l.client == client {
			return true
		}
	}
	return false
}

// offer is an edge row that went to the origin, as placing sees it.
type offer struct {
	ID     string
	Line   uint64
	Start  model.Interval
	From   model.Instant
	To     model.Instant
	Method string
	Status int
	Host   string
	Agent  model.ID
}

func (x *offer) fields(c *wire.Codec) {
	wire.Text(c, &x.ID)
	c.Hash(&x.Line)
	c.Interval(&x.Start)
	wire.Number(c, &x.From)
	wire.Number(c, &x.To)
	wire.Text(c, &x.Method)
	wire.Number(c, &x.Status)
	wire.Text(c, &x.Host)
	c.ID(&x.Agent)
}

// placer collects both sides while requests are joined.
type placer struct {
	*state
	open   *spill.Sorter // edge rows that wait, with the origin rows that do not name a holder
	offers *spill.Sorter // edge rows by lane, path, address and time
	strays *spill.Sorter // origin rows by lane, path and address
	tried  *spill.Sorter // origin rows of trials, likewise
	found  *spill.Sorter // what was found, by request id

	openTo                     *join.Writer
	offersTo, straysTo, trysTo *spill.Writer
	key, val                   []byte
	share                      uint64                    // one group in so many is tried
	hosts                      map[string]bool           // that viewers asked for
	writers                    map[calibrate.Writer]bool // of strays
	lags                       map[calibrate.Writer]reading
}

// reading is how far stamps of a writer lie behind the start of their requests.
type reading struct {
	lag  time.Duration
	sure bool
}

// placeTrials is about how many rows are tried: more would only cost time.
const placeTrials = 20_000

// newPlacer returns nil where every origin row has a request id.
func (s *state) newPlacer() *placer {
	if s.notes.strays.rows() == 0 {
		return nil
	}
	sorter := func() *spill.Sorter { return s.sorter(placeShare, 1) }
	p := &placer{state: s, open: sorter(), offers: sorter(), strays: sorter(), tried: sorter(), found: sorter(),
		share: uint64(s.requests.Len()/placeTrials + 1), hosts: map[string]bool{}, writers: map[calibrate.Writer]bool{}, lags: map[calibrate.Writer]reading{}}
	p.openTo, p.offersTo, p.straysTo, p.trysTo = join.NewWriter(p.open), p.offers.Writer(), p.strays.Writer(), p.tried.Writer()
	return p
}

func (p *placer) close() error {
	if p == nil {
		return nil
	}
	return closeAll(p.open, p.offers, p.strays, p.tried, p.found)
}

// waits reports whether an edge row may have an origin row among the strays: it
// went to the origin, and none that is joined to it says whose session it bore.
func (p *placer) waits(e *model.EdgeRow, origins []model.OriginRow) bool {
	if p == nil || !forwarded(e) {
		return false
	}
	for i := range origins {
		if p.objects[origins[i].Ref.Object].shows {
			return false
		}
	}
	return true
}

// forwarded reports whether the edge may have asked the origin for e.
func forwarded(e *model.EdgeRow) bool {
	switch cache.Classify(e) {
	case cache.Miss, cache.Revalidated, cache.Failed:
		return true
	}
	return false
}

// keep puts the rows of a request aside, and offers the edge rows.
func (p *placer) keep(r *join.Request) error {
	var err error
	for i := range r.Edges {
		e := &r.Edges[i]
		p.host(e.Host)
		err = errors.Join(err, p.openTo.Edge(e))
		for l := range p.notes.strays {
			err = errors.Join(err, p.offer(e, l))
		}
	}
	for i := range r.Origins {
		err = errors.Join(err, p.openTo.Origin(&r.Origins[i]))
	}
	return err
}

// host notes a name that viewers asked for: an origin may be asked by another,
// which then says nothing.
func (p *placer) host(name string) {
	const most = 10_000
	if len(p.hosts) < most {
		p.hosts[name] = true
	}
}

// offer offers e to the rows of a lane.
func (p *placer) offer(e *model.EdgeRow, l lane) error {
	start := e.Start()
	x := offer{ID: e.ID, Line: e.Line, Start: start, From: start.Lo.Add(-placeSlack), Method: e.Method, Status: e.Status, Host: e.Host, Agent: e.Agent,
		To: min(e.End.Hi, start.Hi.Add(placeLongest)).Add(placeSlack)}
	p.group(l, e.Path, e.Client.As16())
	p.key = append(appendInstant(p.key, x.From), offerSide)
	p.key = binary.BigEndian.AppendUint64(append(p.key, e.ID...), e.Line)
	p.val = wire.Encode(p.val[:0], x.fields)
	return p.offersTo.Add(p.key, p.val)
}

// The sides under one key; offers sort first.
const (
	offerSide = 1
	rowSide   = 2
)

const (
	// placeSlack is how far a stamp may lie beside the time that the edge took,
	// once its clock is known: clocks of locations differ, and what queues is
	// stamped late.
	placeSlack = 500 * time.Millisecond
	// placeLongest bounds how long a request is taken to have been under way: a
	// row is stamped when it came or was answered, not when a slow viewer had
	// all of it.
	placeLongest = time.Minute
	// placeShare is the part of the memory budget of each of its sorters.
	placeShare = 0.04
)

// groupSize is how long the part of a key is that is equal within a group.
const groupSize = laneSize + 2*16

// group sets the key to what rows of a lane must have in common.
func (p *placer) group(l lane, path model.ID, client [16]byte) {
	if !l.client {
		client = [16]byte{}
	}
	p.key = append(append(l.append(p.key[:0]), path[:]...), client[:]...)
}

func (p *placer) laneOf(o *model.OriginRow) lane {
	return lane{source: p.sourceOf(o.Ref.Object), client: o.Client.IsValid()}
}

// mostWriters bounds memory where what is mapped as instance names requests.
// Clocks of those beyond it are taken to be unknown.
const mostWriters = 10_000

// stray keeps an origin row until all are there.
func (p *placer) stray(o *model.OriginRow) error {
	if len(p.writers) < mostWriters {
		p.writers[p.writerOf(o)] = true
	}
	return p.add(p.straysTo, p.laneOf(o), o)
}

func (p *placer) add(to *spill.Writer, l lane, o *model.OriginRow) error {
	client := [16]byte{}
	if o.Client.IsValid() {
		client = o.Client.As16()
	}
	p.group(l, o.Path, client)
	p.key = append(appendInstant(p.key, o.Time.Lo), rowSide)
	p.key = binary.BigEndian.AppendUint64(p.key, o.Line)
	p.val = wire.Encode(p.val[:0], func(c *wire.Codec) { wire.Origin(c, o) })
	return to.Add(p.key, p.val)
}

// try enters a joined pair into the trials, if its group is picked: a whole
// group, or its rows would have no rivals.
func (p *placer) try(e *model.EdgeRow, origins []model.OriginRow) error {
	if p == nil || !forwarded(e) || len(origins) != 1 || !knownOf(&origins[0]) {
		return nil
	}
	o := &origins[0]
	l := p.laneOf(o)
	if !p.notes.strays.by(l.client) {
		return nil
	}
	l.trial = true
	p.group(l, o.Path, e.Client.As16())
	if sample(string(p.key))%p.share != 0 {
		return nil
	}
	p.host(e.Host)
	return errors.Join(p.offer(e, l), p.add(p.trysTo, l, o))
}

func knownOf(o *model.OriginRow) bool {
	return !o.Presented.IsZero() || !o.Issued.IsZero() || o.User != ""
}

// place finds a place for the strays, and hands on all that waited for one.
func (j *joiner) place() error {
	p := j.places
	if p == nil {
		return nil
	}
	err := errors.Join(p.openTo.Close(), p.offersTo.Close(), p.straysTo.Close(), p.trysTo.Close())
	if err == nil {
		err = p.learnClocks()
	}
	if err == nil {
		err = p.sweepAll(j)
	}
	if err == nil {
		err = j.settlePlaced(p)
	}
	err = errors.Join(err, p.close())
	j.places = nil
	return err
}
