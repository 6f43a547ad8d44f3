package identity

import "github.com/spillscope/spillscope/model"

// chance is how likely a sighting would be if the cookie in question had not
// been applied, by link: somebody else's session appearing by itself.
var chance = [...]float64{LinkNone: 1, LinkShared: 0.05, LinkDevice: 1e-3, LinkConnection: 1e-4}

// keptAnyway is how likely the recipient's own session is presented again
// although the cookie was applied: it was set back by a response still under
// way, or the sighting is of another jar behind the same address.
var keptAnyway = [...]float64{LinkNone: 1, LinkShared: 0.8, LinkDevice: 0.06, LinkConnection: 0.03}

// keptRacing is keptAnyway when an own request was under way at the hit.
const keptRacing = 0.4

// usedUnseen is how likely an applied session was presented where nothing was
// seen of the device, usedKept where it was seen with its own session.
const (
	usedUnseen = 0.25
	usedKept   = 0.05
)

// strangerIdle bounds how long after a hit a stranger's session still speaks
// for it.
const strangerIdle = idle

// readStranger looks for a session that came without a login and that no
// candidate of any hit explains: the fill's row is lost, the switch is not.
func (d *Device) readStranger(i int, r *Reading) {
	h := &d.hits[i]
	for n := d.before(h); n < len(d.sightings); n++ {
		s := &d.sightings[n]
		if gap(s.Start, h.Start) > strangerIdle {
			return
		}
		if s.Session.IsZero() || s.Session == r.Own || s.Start.Hi <= h.Available.Lo {
			continue
		}
		if d.link(s, h) != LinkConnection && (d.shared() || r.OwnLink == LinkNone) {
			continue
		}
		if len(d.brought[s.Session]) > 0 || s.User != "" && s.User == r.OwnUser || d.seenBefore(s) {
			continue
		}
		if d.loginBetween(h, s) {
			return
		}
		if r.OwnLink != LinkNone && !r.OwnOpen {
			r.Stranger = s
			r.Jars-- // its user was counted, and is not at home here
		}
		return
	}
}

// seenBefore reports whether s is not the first sighting of its session here.
func (d *Device) seenBefore(s *Sighting) bool {
	first := &d.sightings[d.bySession[s.Session][0]]
	return first.Start.Lo < s.Start.Lo && first != s && first.Start.Lo < d.hits[0].Start.Lo
}

// weigh computes the joint posterior of candidates and of what became of them.
//
// Each candidate splits into "applied" and "not applied" by the hit's Jar.
// What was seen afterwards multiplies each half by how likely it is there. A
// session seen in use may have been brought by another hit of the same device
// as well, so it is not all credited to one.
func (d *Device) weigh(i int, r *Reading) {
	h := &d.hits[i]
	states := make([][2]float64, len(h.Candidates)+1) // not applied, applied
	for c := range h.Candidates {
		jar := h.Jar
		if !h.Candidates[c].Bears {
			jar = 0
		}
		states[c] = [2]float64{h.Candidates[c].Prior * (1 - jar), h.Candidates[c].Prior * jar}
	}
	last := len(states) - 1
	states[last] = [2]float64{h.Unknown * (1 - h.Jar), h.Unknown * h.Jar}
	seen := d.creditUse(i, r, states)
	switch {
	case seen:
	case r.Stranger != nil:
		d.creditStranger(i, r, states)
	case r.Kept != nil:
		creditKept(r, states)
	}
	total := 0.0
	for _, s := range states {
		total += s[0] + s[1]
	}
	if total == 0 { // nothing was likely: nothing is known
		states[last][0], total = 1, 1
	}
	for c := range r.Verdicts {
		r.Verdicts[c].conclude(states[c], total, r)
	}
	r.Unknown.conclude(states[last], total, r)
	if r.Stranger != nil && !seen {
		r.Unknown.Use, r.Unknown.UseLink = r.Stranger, d.link(r.Stranger, h)
		r.Unknown.Used = r.Unknown.Applied
	}
}

func (v *Verdict) conclude(state [2]float64, total float64, r *Reading) {
	v.Delivered = (state[0] + state[1]) / total
	v.Applied = state[1] / total
	switch {
	case v.Use != nil:
		v.Used = v.Applied
	case r.Kept != nil && !v.Same:
		v.Used = v.Applied * usedKept
	default:
		v.Used = v.Applied * usedUnseen
	}
}

// creditUse weighs the candidates whose session was seen in use.
func (d *Device) creditUse(i int, r *Reading, states [][2]float64) bool {
	best := LinkNone
	var session model.ID
	var use *Sighting
	for c, v := range r.Verdicts {
		if v.Use != nil && v.UseLink > best {
			best, session, use = v.UseLink, d.hits[i].Candidates[c].Session, v.Use
		}
	}
	if best == LinkNone {
		return false
	}
	otherwise := max(chance[best], d.otherHits(i, session, use, best))
	for c := range states {
		states[c][0] *= otherwise
		if c == len(r.Verdicts) || r.Verdicts[c].Use == nil || d.hits[i].Candidates[c].Session != session {
			states[c][1] *= otherwise
		}
	}
	return true
}

// otherHits returns how likely another hit of the device brought session. Only
// hits that are tied to its use as closely as hit i can have.
func (d *Device) otherHits(i int, session model.ID, use *Sighting, link Link) float64 {
	none := 1.0
	for n, h := range d.brought[session] {
		if h == i || n > 0 && d.brought[session][n-1] == h {
			continue
		}
		if gap(d.hits[h].Start, d.hits[i].Start) > idle || d.link(use, &d.hits[h]) < link {
			continue
		}
		none *= 1 - float64(d.prior(h, session))
	}
	return 1 - none
}

// prior returns how likely hit i brought session before sightings are asked.
func (d *Device) prior(i int, session model.ID) float64 {
	p := 0.0
	for _, c := range d.hits[i].Candidates {
		if c.Session == session && c.Bears {
			p += c.Prior
		}
	}
	return p * d.hits[i].Jar
}

// creditStranger raises the unknown fill: some hit brought a session that no
// listed fill carried. n hits may have been it.
func (d *Device) creditStranger(i int, r *Reading, states [][2]float64) {
	n := 0.0
	for h := range d.hits {
		if gap(d.hits[h].Start, r.Stranger.Start) <= strangerIdle && d.hits[h].Start.Lo < r.Stranger.Start.Hi {
			n++
		}
	}
	n = max(n, 1)
	otherwise := max(chance[LinkConnection], (n-1)/n)
	last := len(states) - 1
	for c := range states {
		states[c][0] *= otherwise
		if c != last {
			states[c][1] *= otherwise
		}
	}
	states[last][1] /= n
}

// creditKept lowers "applied": the device went on as itself.
func creditKept(r *Reading, states [][2]float64) {
	still := keptAnyway[r.KeptLink]
	if r.Racing {
		still = max(still, keptRacing)
	}
	for c := range states {
		if c < len(r.Verdicts) && r.Verdicts[c].Same {
			continue
		}
		states[c][1] *= still
	}
}
