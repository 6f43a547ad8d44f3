package scan

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/place"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// Placing says what became of the origin rows without a request id.
type Placing struct {
	Rows      int64 `json:"rows"` // without a request id, and without a trace that leads to one
	ByAddress int64 `json:"placed_by_address_path_and_time"`
	ByPath    int64 `json:"placed_by_path_and_time"`
	Several   int64 `json:"fit_several"` // that fit a request, but not it alone
	Nowhere   int64 `json:"fit_none"`
	Fills     int64 `json:"fills_named"` // of the suspect routes whose holder a placed row names
	Open      int64 `json:"fills_open"`  // whose rows name several
}

// sweepAll walks requests and stamps side by side, in the order of time within
// each group, and matches what overlaps.
func (p *placer) sweepAll(j *joiner) error {
	stamped := p.sorter(placeShare, 1)
	defer stamped.Close()
	to := stamped.Writer()
	for _, s := range []*spill.Sorter{p.strays, p.tried} {
		if err := p.restamp(s, to); err != nil {
			return errors.Join(err, to.Close())
		}
	}
	if err := to.Close(); err != nil {
		return err
	}
	w := &sweeper{placer: p, joiner: j, foundTo: p.found.Writer(), dec: wire.NewDecoder()}
	err := merged(p.offers, stamped, w.add)
	return errors.Join(err, w.solve(), w.foundTo.Close())
}

// restamp puts the rows of s under the instant of the edge's clock at which
// they were stamped.
func (p *placer) restamp(s *spill.Sorter, to *spill.Writer) error {
	dec := wire.NewDecoder()
	return s.Scan(func(key, val []byte) error {
		var o model.OriginRow
		if err := dec.Decode(val, func(c *wire.Codec) { wire.Origin(c, &o) }); err != nil {
			return err
		}
		l := laneOf(key)
		if !l.trial {
			p.set(&o)
		}
		row := p.rowOf(&o, p.lag(&o))
		p.key = append(p.key[:0], key[:groupSize]...)
		p.key = append(appendInstant(p.key, row.At.Lo), rowSide)
		p.key = binary.BigEndian.AppendUint64(p.key, o.Line)
		p.val = wire.Encode(p.val[:0], func(c *wire.Codec) { wire.Origin(c, &o) })
		return to.Add(p.key, p.val)
	})
}

// merged walks two sorters as one.
func merged(a, b *spill.Sorter, yield func(key, val []byte) error) error {
	x, err := a.Iterator()
	if err != nil {
		return err
	}
	y, err := b.Iterator()
	if err != nil {
		return err
	}
	left, right := x.Next(), y.Next()
	for left || right {
		from := x
		if !left {
			from = y
		} else if right {
			k, _ := x.Record()
			l, _ := y.Record()
			if bytes.Compare(l, k) < 0 {
				from = y
			}
		}
		if err := yield(from.Record()); err != nil {
			return err
		}
		if from == x {
			left = x.Next()
		} else {
			right = y.Next()
		}
	}
	return errors.Join(x.Err(), y.Err())
}

// sweeper matches the requests and rows of one group that overlap in time.
type sweeper struct {
	*placer
	joiner   *joiner
	foundTo  *spill.Writer
	dec      *wire.Decoder
	group    []byte
	until    model.Instant // the last instant that what is held, or was cut off from it, reaches to
	cut      bool          // a part of what overlaps was solved before, and may be what fits
	requests []offer
	rows     []model.OriginRow
	matched  []place.Row
}

// overlapping bounds what is matched at once. So many of one path overlap where it
// is asked for all the time and no address tells requests apart: then a row
// shows that the origin was asked, and no more. That goes for all up to the next
// pause, as rivals of the last ones may have been solved with the first.
const overlapping = 512

func (w *sweeper) add(key, val []byte) error {
	at := model.Instant(binary.BigEndian.Uint64(key[groupSize:]) ^ 1<<63)
	switch {
	case !bytes.Equal(key[:groupSize], w.group) || at > w.until:
		if err := w.solve(); err != nil {
			return err
		}
		w.group, w.until, w.cut = append(w.group[:0], key[:groupSize]...), at, false
	case len(w.requests)+len(w.rows) >= overlapping:
		w.cut = true
		if err := w.solve(); err != nil {
			return err
		}
	}
	if key[groupSize+8] == offerSide {
		var x offer
		if err := w.dec.Decode(val, x.fields); err != nil {
			return err
		}
		w.requests, w.until = append(w.requests, x), max(w.until, x.To)
		return nil
	}
	var o model.OriginRow
	if err := w.dec.Decode(val, func(c *wire.Codec) { wire.Origin(c, &o) }); err != nil {
		return err
	}
	row := w.rowOf(&o, w.lag(&o))
	w.rows, w.matched, w.until = append(w.rows, o), append(w.matched, row), max(w.until, row.At.Hi)
	return nil
}

// solve matches what is held and hands it on.
func (w *sweeper) solve() error {
	if len(w.requests)+len(w.rows) == 0 {
		return nil
	}
	l := laneOf(w.group)
	asked := make([]place.Request, len(w.requests))
	for i := range asked {
		asked[i] = w.requests[i].request()
	}
	found := place.Match(asked, w.matched, l.client)
	var err error
	switch {
	case !l.trial:
		err = w.handOn(l, found)
	case !w.cut:
		w.tryAll(l, found)
	}
	w.requests, w.rows, w.matched = w.requests[:0], w.rows[:0], w.matched[:0]
	return err
}

// tryAll compares what the rows of hidden request ids would have said with what
// they say.
func (w *sweeper) tryAll(l lane, found []place.Found) {
	truth := map[string]*model.OriginRow{}
	for i := range w.rows {
		truth[w.rows[i].RequestID] = &w.rows[i]
	}
	for i := range found {
		o := truth[w.requests[i].ID]
		says := w.says(l, &w.requests[i], &found[i])
		if o == nil || len(says) != 1 || says[0].Share < surely {
			continue
		}
		own := w.holdOf(o)
		if h := says[0].Hold; own.known() && h.known() {
			w.trials.Place(l.client, h.Session == own.Session && h.User == own.User)
		}
	}
}

// surely is the share from which what the fitting rows say is taken as one.
const surely = 0.999

// handOn keeps what was found for each request, and lets go the rows that no
// request has for itself.
func (w *sweeper) handOn(l lane, found []place.Found) error {
	taken := make([]bool, len(w.rows))
	fits := make([]bool, len(w.rows))
	var err error
	for i := range found {
		f, x := &found[i], &w.requests[i]
		for _, k := range f.Fits {
			fits[k.Row] = true
		}
		if len(f.Fits) == 0 {
			continue
		}
		out := placing{Address: l.client, Contact: f.Row >= 0, Sure: f.Sure && !w.cut, Others: len(f.Fits) - 1, Within: x.To.Sub(x.From) - 2*placeSlack}
		if f.Sole && !w.cut {
			taken[f.Row] = true
			out.Row = &w.rows[f.Row]
		}
		if !w.cut {
			out.Says = w.says(l, x, f)
		}
		w.key = binary.BigEndian.AppendUint64(append(append(w.key[:0], x.ID...), 0), x.Line)
		w.val = wire.Encode(w.val[:0], out.fields)
		err = errors.Join(err, w.foundTo.Add(w.key, w.val))
	}
	for n := range w.rows {
		w.placing.Rows++
		if at := w.rows[n].Time.Lo; l.client && w.spans.read[0].Contains(at) { // by the path alone, anything fits
			w.tally.loss.Origin(strayPrefix, at, fits[n])
		}
		switch {
		case taken[n] && l.client:
			w.placing.ByAddress++
			continue // a sighting of the edge row's device
		case taken[n]:
			w.placing.ByPath++
		case fits[n]:
			w.placing.Several++
		default:
			w.placing.Nowhere++
		}
		err = errors.Join(err, w.joiner.unmatched(w.rows[n:n+1]))
	}
	return err
}

// mayHold is one of the holders that a fill may have.
type mayHold struct {
	Share float64
	Hold  holding
}

func (a *mayHold) fields(c *wire.Codec) {
	c.Float(&a.Share)
	a.Hold.fields(c)
}

// says returns whose session the rows that fit a request may have presented,
// with their shares. Rows of a log that shows no session say nothing.
func (w *sweeper) says(l lane, x *offer, f *place.Found) []mayHold {
	var out []mayHold
	for _, fit := range f.Fits {
		o := &w.rows[fit.Row]
		if !w.objects[o.Ref.Object].shows {
			continue
		}
		h := w.holdOf(o)
		h.Placed = placedBy{Address: l.client, Others: len(f.Fits) - 1, Within: x.To.Sub(x.From) - 2*placeSlack}
		i := slices.IndexFunc(out, func(a mayHold) bool { return a.Hold.Session == h.Session && a.Hold.User == h.User })
		if i < 0 {
			out = append(out, mayHold{Hold: h})
			i = len(out) - 1
		}
		out[i].Share += fit.Share
		out[i].Hold.Assumed = out[i].Hold.Assumed || h.Assumed
	}
	slices.SortFunc(out, func(a, b mayHold) int {
		return cmp.Or(a.Hold.Session.Compare(b.Hold.Session), cmp.Compare(a.Hold.User, b.Hold.User))
	})
	if len(out) > mostHolders {
		return nil
	}
	return out
}

// mostHolders is how many holders one fill is listed with. Of more of them each
// is so unlikely that to name them all says less than that it is not known.
const mostHolders = 8

// holdOf is what a placed row says of the response to its request. A row that
// shows no session, or none that was set, may be another request's: such a fill
// is not proved to have carried nothing.
func (s *state) holdOf(o *model.OriginRow) holding {
	h := holding{Rung: model.RungPlaced, Bears: true, Assumed: true}
	session := cmp.Or(o.Issued, o.Presented)
	sets := o.SetCookie == model.Yes || !o.Issued.IsZero()
	if o.SetCookie == model.No && !sets && s.Incident.Cookie.SetOn.Rule != model.SetOnEvery && s.Incident.Cookie.SetOn.Rule != model.SetOnOncePer {
		return h
	}
	h.Session, h.User, h.Assumed = session, s.userOf(session, o.User), !sets
	return h
}

// placing is what was found for one edge row in one lane.
type placing struct {
	Address bool
	Contact bool // a row is left for it if each is one request's
	Sure    bool // as is for all that compete for the same rows
	Others  int
	Within  time.Duration
	Row     *model.OriginRow // nothing else fits, and it fits nothing else
	Says    []mayHold
}

func (p *placing) fields(c *wire.Codec) {
	c.Bool(&p.Address)
	c.Bool(&p.Contact)
	c.Bool(&p.Sure)
	wire.Number(c, &p.Others)
	c.Duration(&p.Within)
	wire.Optional(c, &p.Row, wire.Origin)
	wire.Slice(c, &p.Says, func(c *wire.Codec, a *mayHold) { a.fields(c) })
}
