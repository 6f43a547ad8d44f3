package scan

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/model/identity"
	"github.com/spillscope/spillscope/model/verdict"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// judge turns hits into deliveries and everything counted from them. Its maps
// grow with the sessions and users that were delivered, not with deliveries.
type judge struct {
	*state
	deliveries *spill.Writer
	atoms      *spill.Writer
	access     *spill.Writer
	orphans    *spill.Writer
	outsides   *spill.Writer
	cited      citer
	edgeGaps   []model.Span
	key, val   []byte
}

// outcome is what judging adds up to.
type outcome struct {
	hits         verdict.Tally
	unattributed int
	used         int
	outside      outside
	accessRows   int
	lastUse      model.Instant // of a delivered session
	staff        map[string]bool
	revoke       map[model.ID]*model.Revocation
	flags        map[model.FlagName]int
	span         model.Span // of its deliveries
}

func newOutcome() outcome {
	return outcome{
		staff: map[string]bool{}, revoke: map[model.ID]*model.Revocation{}, flags: map[model.FlagName]int{},
	}
}

func newJudge(s *state) *judge {
	s.deliveries = s.listing(derivedShare, 1)
	s.atoms = s.sorter(derivedShare, 1)
	s.access = s.listing(derivedShare/2, 1)
	s.orphans = s.listing(derivedShare/2, 1)
	s.outsides = s.listing(derivedShare/4, 1)
	s.outcome = newOutcome()
	return &judge{
		state: s, deliveries: s.deliveries.Writer(), atoms: s.atoms.Writer(),
		access: s.access.Writer(), orphans: s.orphans.Writer(), outsides: s.outsides.Writer(), cited: citer{to: s.cited.Writer()},
		edgeGaps: s.gapsIn(s.edgeMinutes()),
	}
}

func (j *judge) close() error {
	return errors.Join(j.deliveries.Close(), j.atoms.Close(), j.access.Close(), j.orphans.Close(), j.outsides.Close(), j.cited.Close())
}

// judged is one row of a hit with what the rows of its kind share.
type judged struct {
	delivery  model.Delivery
	component string // of the hit
	line      uint64 // hash of the hit's row: tells rows of one request id apart
	use       *identity.Sighting
	link      identity.Link
	trail     []*identity.Sighting
	opened    model.Tri
	changed   model.Tri
	spaces    spaces
	cats      []string
}

// hit judges hit i of device d.
func (j *judge) hit(d *identity.Device, i int, h *hit, r *identity.Reading) error {
	rows := make([]judged, 0, len(h.Candidates)+1)
	for c := range h.Candidates {
		rows = append(rows, j.candidate(h, r, c))
	}
	if r.Stranger != nil && r.Unknown.Use != nil {
		rows = append(rows, j.stranger(h, r))
	}
	switch {
	case h.Part == margin:
		return j.keepOutside(h, rows)
	case h.Part >= control:
		j.countControl(h.Part.control(), rows)
		return nil
	case h.Part != window:
		return nil
	}
	j.tally.met.hit(r)
	j.follow(d, i, rows)
	for n := range rows {
		if err := j.keep(&rows[n], r); err != nil {
			return err
		}
	}
	if err := j.keepAccess(rows); err != nil {
		return err
	}
	j.countHit(h, rows)
	return j.keepUnattributed(h, r, rows)
}

func anyCounts(rows []judged) bool {
	return slices.ContainsFunc(rows, func(x judged) bool { return x.delivery.Tier > model.TierUnlikely })
}

func (j *judge) countControl(i int, rows []judged) {
	if i < 0 {
		return
	}
	c := j.tally.controlResult(i, j.Incident)
	best := model.TierSetAside
	for _, x := range rows {
		best = max(best, x.delivery.Tier)
	}
	switch best {
	case model.TierSetAside:
		return
	case model.TierConfirmed:
		c.Confirmed++
	case model.TierProbable:
		c.Probable++
	}
	c.Deliveries++
}

// candidate judges one candidate of h.
func (j *judge) candidate(h *hit, r *identity.Reading, n int) judged {
	c := h.Candidates[n]
	v := &r.Verdicts[n]
	if h.own(n) { // nothing came out of the cache
		*v = identity.Verdict{Self: identity.LinkConnection}
	}
	if v.Use != nil && c.Hold.Session.IsZero() && c.Hold.User == "" { // what came of it names the holder
		c.Hold.Session, c.Hold.User = v.Use.Session, v.Use.User
	}
	x := identity.Candidate{Bears: c.Hold.Bears, Session: c.Hold.Session, User: c.Hold.User}
	out := j.row(h, r, c.Hold.User)
	out.judge(&verdict.Case{
		Hit: &h.Row.Edge, Reading: r, Verdict: v, Candidate: &x,
		Rivals: rivals(h), Edge: j.onlyGenerous(&c), Assumed: c.Hold.Bears && c.Hold.Assumed && c.Hold.Rung != model.RungUnknown,
		Quiet: c.Hold.Quiet, Rung: c.Hold.Rung, Placed: c.Hold.Placed.judged(), Anonymous: j.nobodys(&c.Hold), Ended: j.dir.SessionEnd(c.Hold.Session), Marks: c.Marks,
		Facts: j.facts(&out, &h.Row.Edge),
	})
	d := &out.delivery
	d.Fill, d.FillAlso, d.FillTime, d.FillDevice = c.Fill, c.Also, c.Time, c.Device
	d.HolderSession, d.Rung = c.Hold.Session, c.Hold.Rung
	d.ID = deliveryID(d)
	out.use, out.link = v.Use, v.UseLink
	if v.Same && d.Tier != model.TierSetAside {
		d.RecipientUser, d.RecipientWorkspaces = "", nil // if the row matters, it was another client than the holder's
	}
	return out
}

// stranger judges a switch that no fill in the logs explains.
func (j *judge) stranger(h *hit, r *identity.Reading) judged {
	s := r.Stranger
	out := j.row(h, r, s.User)
	out.judge(&verdict.Case{
		Hit: &h.Row.Edge, Reading: r, Verdict: &r.Unknown, Rivals: rivals(h), Rung: model.RungUnknown,
		Facts: j.facts(&out, &h.Row.Edge),
	})
	d := &out.delivery
	d.HolderSession, d.Rung = s.Session, model.RungUnknown
	d.ID = deliveryID(d)
	out.use, out.link = r.Unknown.Use, r.Unknown.UseLink
	return out
}

// row fills in what all rows of h share, and the holder's workspaces.
func (j *judge) row(h *hit, r *identity.Reading, holder string) judged {
	e := &h.Row.Edge
	own := r.OwnUser
	if r.OwnOpen && own == holder {
		own = "" // seen only in the hit's own second: it may be the delivery that speaks
	}
	return judged{component: h.Component, line: e.Line, delivery: model.Delivery{
		Hit: model.Citation{RequestID: e.ID, Ref: e.Ref}, HitAlso: e.Also, HitTime: e.End.Lo,
		Distribution: e.Distribution, Cache: h.Row.Cache, Route: j.Incident.Routes[e.Route].Path,
		Device: h.Row.Device, RecipientUser: own, RecipientWorkspaces: j.workspaces(own, e.End.Lo),
		HolderUser: holder, HolderWorkspaces: j.workspaces(holder, e.End.Lo),
	}}
}

func (j *judge) workspaces(user string, at model.Instant) []string {
	if user == "" {
		return nil
	}
	return j.dir.WorkspacesOf(user, at)
}

func (x *judged) judge(c *verdict.Case) {
	v := verdict.Judge(c)
	d := &x.delivery
	d.PDelivered, d.PApplied, d.PUsed = v.Delivered, v.Applied, v.Used
	d.Tier, d.Flags = v.Tier, v.Flags
}

func (x *judged) colleagues() bool {
	return slices.ContainsFunc(x.delivery.RecipientWorkspaces, func(w string) bool {
		return slices.Contains(x.delivery.HolderWorkspaces, w)
	})
}

// plausible is the probability from which a candidate counts as a rival.
const plausible = 0.01

func rivals(h *hit) int {
	n := 0
	for i, c := range h.Candidates {
		if c.P >= plausible && (i == 0 || h.Candidates[i-1].Fill != c.Fill) { // one fill may have several holders
			n++
		}
	}
	return n
}

// onlyGenerous reports whether only the formula that lets a response live
// longest allows c, where the incident file leaves the formula open.
func (j *judge) onlyGenerous(c *candidate) bool {
	generous := uint8(1) << slices.Index(cache.Rules[:], model.ExpiryCeil)
	return c.Rules == generous && j.Incident.Cache.Expiry == model.ExpiryAny
}

// deliveryID names a row by what it says, not by where its rows stand.
func deliveryID(d *model.Delivery) string {
	sum := sha256.New()
	for _, s := range []string{d.Hit.RequestID, d.Fill.RequestID, d.HolderSession.String()} {
		sum.Write([]byte(s))
		sum.Write([]byte{0})
	}
	return "dl_" + hex.EncodeToString(sum.Sum(nil)[:8])
}

// follow reads what the device did with each session that was seen in use.
func (j *judge) follow(d *identity.Device, i int, rows []judged) {
	for n := range rows {
		x := &rows[n]
		if x.use == nil || x.delivery.Tier == model.TierSetAside {
			continue
		}
		x.trail = d.Trail(i, x.delivery.HolderSession, x.delivery.HolderUser, x.link)
		x.opened, x.changed = model.No, model.No
		for _, s := range x.trail {
			j.look(x, s.Payload.(*sighting))
		}
	}
}

// look notes what one request with the holder's session reached.
func (j *judge) look(x *judged, s *sighting) {
	o := s.Origin
	if o == nil || o.Route != model.NoRoute || !succeeded(o) {
		return
	}
	x.opened = model.Yes
	if writes(o) {
		x.changed = model.Yes
	}
	x.spaces.look(o)
	if name := j.category(o); name != "" && !slices.Contains(x.cats, name) {
		x.cats = append(x.cats, name)
	}
}

func (j *judge) category(o *model.OriginRow) string {
	if o.Category < 0 {
		return ""
	}
	return j.Incident.DataCategories[o.Category].Name
}

// writes reports whether a request changed something.
func writes(o *model.OriginRow) bool {
	switch o.Method {
	case "", "GET", "HEAD", "OPTIONS":
		return false
	}
	return succeeded(o)
}

// succeeded reports whether a request was answered as asked. A record of what a
// user did need not have a status: it is one of what was done.
func succeeded(o *model.OriginRow) bool {
	return o.Status >= 200 && o.Status < 400 || o.Told && o.Status == 0
}

// keep stores a row and its share in users, workspaces and devices.
func (j *judge) keep(x *judged, r *identity.Reading) error {
	d := &x.delivery
	for _, f := range d.Flags {
		j.outcome.flags[f.Name]++
	}
	j.reports.row(d, false)
	j.deliveryKey(x)
	j.val = wire.Encode(j.val[:0], func(c *wire.Codec) { wire.Delivery(c, d) })
	if err := j.deliveries.Add(j.key, j.val); err != nil {
		return err
	}
	j.noteSession(d)
	for _, s := range []*identity.Sighting{x.use, r.Kept, r.Empty} {
		if s == nil {
			continue
		}
		if err := j.cited.origin(s.Payload.(*sighting).Origin); err != nil {
			return err
		}
	}
	return j.keepAtoms(x)
}

// deliveryKey sets the key by which deliveries are in order.
func (j *judge) deliveryKey(x *judged) {
	d := &x.delivery
	j.key = appendInstant(j.key[:0], d.HitTime)
	j.key = append(append(append(j.key, d.Hit.RequestID...), 0), d.Fill.RequestID...)
	j.key = binary.BigEndian.AppendUint64(append(append(j.key, 0), d.ID...), x.line)
}

// noteSession puts the session on the list to revoke and the holder, if one of
// the staff, on theirs.
func (j *judge) noteSession(d *model.Delivery) {
	if d.Tier == model.TierSetAside || d.HolderSession.IsZero() {
		return
	}
	r := j.outcome.revoke[d.HolderSession]
	if r == nil {
		r = &model.Revocation{Session: d.HolderSession, User: d.HolderUser, Basis: model.BasisDelivery, First: d.HitTime}
		j.outcome.revoke[d.HolderSession] = r
	}
	r.Tier, r.First = max(r.Tier, d.Tier), min(r.First, d.HitTime)
	r.Deliveries++
	if u, ok := j.dir.User(d.HolderUser); ok && isStaff(u.Role) {
		j.outcome.staff[d.HolderUser] = true
	}
	if u := j.tally.strange[strangeKey{"session", d.HolderSession.String()}]; u != nil {
		u.Deliveries++
	}
}

// isStaff reports whether a role opens more than the holder's own workspaces.
func isStaff(role string) bool {
	switch strings.ToLower(role) {
	case "staff", "admin", "superadmin", "support", "employee", "internal", "impersonation":
		return true
	}
	return false
}
