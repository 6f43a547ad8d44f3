package scan

import (
	"encoding/binary"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/reconstruct"
	"github.com/spillscope/spillscope/model/verdict"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// appendInstant appends t so that bytes sort like time.
func appendInstant(key []byte, t model.Instant) []byte {
	return binary.BigEndian.AppendUint64(key, uint64(t)^1<<63)
}

// appendRef appends r so that bytes sort like Ref.Compare.
func appendRef(key []byte, r model.Ref) []byte {
	key = binary.BigEndian.AppendUint32(key, r.Object)
	key = binary.BigEndian.AppendUint64(key, uint64(r.Offset))
	return binary.BigEndian.AppendUint64(key, r.Line)
}

// holding is what is known of the session that a response carried.
type holding struct {
	Session  model.ID
	User     string
	DeviceID model.ID // of the client, where its origin row shows one
	Rung     model.Rung
	Bears    bool // carried a session cookie, or may have
	Quiet    bool // presented a session, and its response set none
	Assumed  bool // that it set one is an assumption
	Origin   bool // has an origin row
	Stamp    model.Interval
	OriginID model.Ref
	Placed   placedBy // how an origin row without a request id was found for it
}

// known reports whether it is known whose session the response carried: by the
// session, or by the user where the log names no session.
func (h *holding) known() bool { return !h.Session.IsZero() || h.User != "" }

// answered reports whether the origin is known to have answered the request
// itself, by its id or by a place that leaves no doubt.
func (h *holding) answered() bool { return h.Origin || h.Placed.Sure }

// empty reports whether the ladder found that the fill presented no session.
func (h *holding) empty() bool {
	switch h.Rung {
	case model.RungPlaced, model.RungConnection, model.RungDeviceID, model.RungAgent:
		return !h.known()
	}
	return false
}

func (h *holding) fields(c *wire.Codec) {
	c.ID(&h.Session)
	wire.Text(c, &h.User)
	c.ID(&h.DeviceID)
	wire.Number(c, &h.Rung)
	c.Bool(&h.Bears)
	c.Bool(&h.Quiet)
	c.Bool(&h.Assumed)
	c.Bool(&h.Origin)
	c.Interval(&h.Stamp)
	c.Ref(&h.OriginID)
	h.Placed.fields(c)
}

// cacheRow is a row of a suspect route with what the origin knows of it.
type cacheRow struct {
	Edge   model.EdgeRow
	Cache  string
	Device model.ID
	Conn   model.ID
	Hold   holding
	Origin *model.OriginRow // as cited; nil on hits
	Alts   []mayHold        // holders it may have, where a placed row leaves it open

	cited bool
	above *above // what an upper tier may have handed it
}

func (r *cacheRow) fields(c *wire.Codec) {
	wire.Edge(c, &r.Edge)
	wire.Text(c, &r.Cache)
	c.ID(&r.Device)
	c.ID(&r.Conn)
	r.Hold.fields(c)
	wire.Optional(c, &r.Origin, wire.Origin)
	wire.Slice(c, &r.Alts, func(c *wire.Codec, a *mayHold) { a.fields(c) })
}

// sighting is a request that shows a device's session.
type sighting struct {
	ID       string
	Device   model.ID
	Conn     model.ID
	DeviceID model.ID
	Away     bool // a copy: it was seen at another device of its id
	Start    model.Interval
	Done     model.Interval
	Session  model.ID
	User     string
	Issued   model.ID
	Origin   *model.OriginRow // nil: seen in the edge's cookie column
	EdgeRef  model.Ref        // zero: only told, or its edge row is lost
	Hit      bool             // answered from the cache
	Asset    bool             // of a suspect route
	Kind     model.ClientKind
}

func (s *sighting) fields(c *wire.Codec) {
	wire.Text(c, &s.ID)
	c.ID(&s.Device)
	c.ID(&s.Conn)
	c.ID(&s.DeviceID)
	c.Bool(&s.Away)
	c.Interval(&s.Start)
	c.Interval(&s.Done)
	c.ID(&s.Session)
	wire.Text(c, &s.User)
	c.ID(&s.Issued)
	wire.Optional(c, &s.Origin, wire.Origin)
	c.Ref(&s.EdgeRef)
	c.Bool(&s.Hit)
	c.Bool(&s.Asset)
	wire.Number(c, &s.Kind)
}

// candidate is one possible fill of a hit. Its probability is kept for each
// answer to what 304s do; P and a hit's Unknown are set when that was learned.
type candidate struct {
	P      float64
	Each   reconstruct.Each
	Rules  uint8
	Marks  verdict.Mark
	Fill   model.Citation
	Also   []model.Ref   // of the fill's row, in other deliveries of the log
	Time   model.Instant // as logged
	Device model.ID
	Conn   model.ID
	Hold   holding
}

func eachFields(c *wire.Codec, x *reconstruct.Each) {
	for i := range x {
		c.Float(&x[i])
	}
}

func candidateFields(c *wire.Codec, x *candidate) {
	eachFields(c, &x.Each)
	wire.Number(c, &x.Rules)
	wire.Number(c, &x.Marks)
	wire.Citation(c, &x.Fill)
	wire.Slice(c, &x.Also, (*wire.Codec).Ref)
	wire.Number(c, &x.Time)
	c.ID(&x.Device)
	c.ID(&x.Conn)
	x.Hold.fields(c)
}

// forwarded reports whether the origin was asked on behalf of a request: it
// logged that itself, or the edge logged how long it took (origin-fbl). A hit
// so forwarded was refreshed behind its client's back, and is a fill.
func (r *cacheRow) forwarded() bool {
	return r.Hold.Origin || r.Edge.Asked == model.Yes
}

// hit is a response from the cache with its candidates.
type hit struct {
	Row        cacheRow
	Part       part
	Unknown    float64
	Unknowns   reconstruct.Each
	Component  string // of the hits that were weighed together
	Candidates []candidate
}

func (h *hit) fields(c *wire.Codec) {
	h.Row.fields(c)
	wire.Number(c, &h.Part)
	eachFields(c, &h.Unknowns)
	wire.Text(c, &h.Component)
	wire.Slice(c, &h.Candidates, candidateFields)
}
