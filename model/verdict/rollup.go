package verdict

import (
	"math"
	"math/bits"
	"slices"

	"github.com/spillscope/spillscope/model"
)

// Kind says what an atom counts towards.
type Kind uint8

// The kinds of entity, in the order in which they are rolled up.
const (
	KindUser Kind = iota
	KindWorkspace
	KindDevice
)

// Atom is one judged row's share in one entity. Atoms arrive in the order of
// Kind, Entity, Fill, Hit.
type Atom struct {
	Kind    Kind
	Entity  string
	Fill    string // request id of the fill; "" if its row is lost
	Hit     string
	Role    model.Role
	P       float64
	Tier    model.Tier
	Used    bool
	Opened  model.Tri
	Changed model.Tri
	Time    model.Instant
	Holder  string   // user
	Device  model.ID // recipient
	Flags   []model.FlagName
	Row     string // delivery id

	Component string // hits that were attributed together
	Cats      []string
}

// side collects one role of one entity.
type side struct {
	hits      map[string]float64 // hit → Σ over its candidates, which exclude each other
	fill      string
	fillBest  float64 // the hits of one fill stand or fall together
	noneOf    float64 // Π over fills of 1 − their best
	confirmed bool
	present   bool   // some row names this side
	listed    bool   // and is not set aside
	strongest string // component of the row with the largest p, for Bounds
	strength  float64
	free      *side // of a holder: the rows whose tier is not capped; who it is may be doubtful where that something came is not
}

// Rollup turns sorted atoms into entities and bounds.
type Rollup struct {
	emit    func(Kind, model.Entity, []string)
	kind    Kind
	cur     *model.Entity
	sides   [2]side // holder, recipient
	holders map[string]bool
	devices map[model.ID]bool
	used    map[string]bool
	hits    map[string]bool
	flags   map[model.FlagName]bool
	cats    map[string]bool
	best    float64

	counting   bool // some row is not set aside
	holderSeen bool

	asideRole model.Role
	tallies   map[tallyKey]*Tally
}

type tallyKey struct {
	kind Kind
	role model.Role
}

// NewRollup returns an empty rollup. It calls emit for each entity, with the
// categories of data its recipients reached.
func NewRollup(emit func(Kind, model.Entity, []string)) *Rollup {
	return &Rollup{emit: emit, tallies: map[tallyKey]*Tally{}}
}

// Add takes the next atom.
func (r *Rollup) Add(a *Atom) {
	if r.cur == nil || r.kind != a.Kind || r.cur.ID != a.Entity {
		r.Flush()
		r.begin(a)
	}
	r.sides[a.Role-1].add(a)
	aside := a.Tier == model.TierSetAside
	if aside && r.counting {
		return
	}
	if !aside && !r.counting {
		r.counting = true
		r.clear() // of what was set aside: it describes the entity only if nothing else does
	}
	r.describe(a)
}

// describe adds a to what is said of the entity besides its tiers.
func (r *Rollup) describe(a *Atom) {
	e := r.cur
	if e.First == 0 || a.Time < e.First {
		e.First = a.Time
	}
	e.Last = max(e.Last, a.Time)
	if a.Role == model.RoleHolder {
		if r.holderSeen {
			e.Opened, e.Change = either(e.Opened, a.Opened), either(e.Change, a.Changed)
		} else {
			e.Opened, e.Change = a.Opened, a.Changed
		}
		r.holderSeen = true
	}
	for _, f := range a.Flags {
		r.flags[f] = true
	}
	for _, c := range a.Cats {
		r.cats[c] = true
	}
	if a.Holder != "" && a.Role == model.RoleHolder {
		r.holders[a.Holder] = true
	}
	r.devices[a.Device] = true
	r.hits[a.Hit] = true
	if a.Used {
		r.used[a.Hit] = true
	}
	if score := a.P + float64(a.Tier); e.Evidence == "" || score > r.best || score == r.best && a.Row < e.Evidence {
		r.best, e.Evidence = score, a.Row
	}
}

// either joins statements about two recipients: seen once is seen, and not
// seen is known only if it is known of both.
func either(a, b model.Tri) model.Tri {
	switch {
	case a == model.Yes || b == model.Yes:
		return model.Yes
	case a == model.No && b == model.No:
		return model.No
	}
	return model.Unknown
}

func (r *Rollup) begin(a *Atom) {
	r.kind = a.Kind
	r.counting, r.asideRole = false, 0
	r.cur = &model.Entity{ID: a.Entity}
	r.clear()
	for i := range r.sides {
		r.sides[i] = side{hits: map[string]float64{}, noneOf: 1}
	}
	r.sides[model.RoleHolder-1].free = &side{hits: map[string]float64{}, noneOf: 1}
}

// clear forgets the description of the entity.
func (r *Rollup) clear() {
	*r.cur = model.Entity{ID: r.cur.ID}
	r.best, r.holderSeen = 0, false
	r.holders, r.devices = map[string]bool{}, map[model.ID]bool{}
	r.used, r.hits = map[string]bool{}, map[string]bool{}
	r.flags, r.cats = map[model.FlagName]bool{}, map[string]bool{}
}

func (s *side) add(a *Atom) {
	s.present = true
	if a.Tier == model.TierSetAside {
		return
	}
	s.listed = true
	if s.free != nil && a.Tier >= TierOf(a.P) {
		s.free.add(a)
	}
	if a.Fill != s.fill {
		s.closeFill()
		s.fill = a.Fill
	}
	s.fillBest = max(s.fillBest, a.P)
	s.hits[a.Hit] += a.P
	s.confirmed = s.confirmed || a.Tier == model.TierConfirmed
	if a.P > s.strength || a.P == s.strength && a.Component < s.strongest {
		s.strength, s.strongest = a.P, a.Component
	}
}

func (s *side) closeFill() {
	s.noneOf = float64(s.noneOf * (1 - s.fillBest))
	s.fillBest = 0
}

// p returns the probability that at least one delivery was applied. Within a
// hit candidates exclude each other, so their sum counts; hits of one fill
// share its holder, so only their best counts; fills are taken as independent.
func (s *side) p() float64 {
	s.closeFill()
	p := 1 - s.noneOf
	for _, h := range s.hits {
		p = max(p, h)
	}
	return Round(min(p, 1))
}

func (s *side) tier(p float64) model.Tier {
	switch {
	case !s.listed:
		return model.TierSetAside
	case s.confirmed:
		return model.TierConfirmed
	}
	if s.free == nil {
		return TierOf(p)
	}
	return max(s.free.tier(s.free.p()), min(TierOf(p), model.TierPossible))
}

// Flush emits the entity under way. Call it once after the last atom.
func (r *Rollup) Flush() {
	if r.cur == nil {
		return
	}
	e := r.cur
	e.AsHolder = r.closeSide(model.RoleHolder)
	e.AsRecipient = r.closeSide(model.RoleRecipient)
	if e.Role == 0 { // all of it is set aside
		e.Role = r.asideRole
	}
	e.Tier = max(e.AsHolder, e.AsRecipient)
	e.HolderUsers, e.Devices = len(r.holders), len(r.devices)
	e.Deliveries, e.Used = len(r.hits), len(r.used)
	e.Flags = sorted(r.flags)
	r.emit(r.kind, *e, sorted(r.cats))
	r.cur = nil
}

// closeSide counts the entity in role and returns its tier there.
func (r *Rollup) closeSide(role model.Role) model.Tier {
	s := &r.sides[role-1]
	if !s.present {
		return model.TierSetAside
	}
	p := s.p()
	t := s.tier(p)
	r.tally(r.kind, role).Add(t, p, s.strongest)
	r.cur.PApplied = max(r.cur.PApplied, p)
	if t == model.TierSetAside {
		r.asideRole |= role
	} else {
		r.cur.Role |= role
	}
	return t
}

func sorted[T ~string](set map[T]bool) []T {
	var out []T
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (r *Rollup) tally(k Kind, role model.Role) *Tally {
	key := tallyKey{k, role}
	if r.tallies[key] == nil {
		r.tallies[key] = &Tally{}
	}
	return r.tallies[key]
}

// Bounds returns lower, best and upper of the entities of kind in role.
func (r *Rollup) Bounds(k Kind, role model.Role) model.Bounds { return r.tally(k, role).Bounds() }

// Tally counts things by tier and adds up their probabilities.
type Tally struct {
	counts   [model.TierConfirmed + 1]int
	sum      int64            // of p, in ten-thousandths: exact in any order
	open     int64            // Σ p(1−p), likewise
	clusters map[string]int64 // what stands or falls together → Σ √(p(1−p)), likewise
}

// Add counts one thing of tier with probability p, tied to others of cluster.
func (t *Tally) Add(tier model.Tier, p float64, cluster string) {
	t.counts[tier]++
	if tier == model.TierSetAside {
		return
	}
	t.sum += int64(math.Round(p * 1e4))
	t.open += int64(math.Round(p * (1 - p) * 1e4))
	if t.clusters == nil {
		t.clusters = map[string]int64{}
	}
	t.clusters[cluster] += int64(math.Round(1e4 * math.Sqrt(p*(1-p))))
}

// ninety is the standard normal quantile of a two-sided 90 % interval.
const ninety = 1.645

// common is by how much the log-odds of all probabilities may be off at once, as
// a standard error: they rest on the same figures (how often a browser keeps a
// cookie, by which formula a cache expires), and an error of one moves them
// all the same way. 0.5 is odds of 5 to 3, the difference between 90 % and 94 %.
// It is an assumption: no log of one case can tell it, and a figure measured
// on synthetic data says nothing of this case.
const common = 0.5

// Bounds returns lower, best and upper. Within a cluster everything is taken
// as fully correlated, between clusters as independent but for what they have
// in common; shifting all log-odds by δ moves the sum by δ·Σ p(1−p). What was
// seen in use, or cannot be, hardly moves.
func (t *Tally) Bounds() model.Bounds {
	var high, low uint64 // the sum of squares does not fit 64 bits, and must not depend on the order of a map
	for _, s := range t.clusters {
		h, l := bits.Mul64(uint64(s), uint64(s))
		var carry uint64
		low, carry = bits.Add64(low, l, 0)
		high += h + carry
	}
	variance := math.Ldexp(float64(high), 64) + float64(low)
	shift := common * float64(t.open)
	spread := ninety * math.Sqrt(variance+float64(shift*shift)) / 1e4
	b := model.Bounds{
		Confirmed: t.counts[model.TierConfirmed],
		Probable:  t.counts[model.TierProbable],
		Possible:  t.counts[model.TierPossible],
		Unlikely:  t.counts[model.TierUnlikely],
		SetAside:  t.counts[model.TierSetAside],
	}
	b.Lower = b.Confirmed
	b.Upper = b.Confirmed + b.Probable + b.Possible + b.Unlikely
	lower, upper := float64(b.Lower), float64(b.Upper)
	best := min(max(lower, float64(t.sum)/1e4), upper) // what is confirmed counts whole
	b.Best = tenth(best)
	b.BestLow = tenth(max(lower, best-spread))
	b.BestHigh = tenth(min(upper, best+spread))
	return b
}

func tenth(x float64) float64 { return math.Round(x*10) / 10 }
