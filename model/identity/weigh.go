package identity

import "github.com/spillscope/spillscope/model"

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
		if s.empty() || s.Told || s.who == r.whose { // records are too few and far between to say which hit they speak for
			continue
		}
		if s.Start.Hi <= h.Available.Lo {
			continue
		}
		switch l := d.link(s, h); {
		case l == LinkNone, l < LinkDeviceID && (d.shared() || r.OwnLink == LinkNone):
			continue
		case l == LinkDeviceID && d.travels[s.jar]: // a hit at another address may have brought it
			continue
		}
		if len(d.brought[s.who]) > 0 || d.seenBefore(s) {
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
	first := &d.sightings[d.byWho[s.who][0]]
	return first.Start.Lo < s.Start.Lo && first != s && first.Start.Lo < d.hits[0].Start.Lo
}

// conclude states what was inferred of hit i.
func (d *Device) conclude(i int, r *Reading) {
	shares := d.weighed[i]
	total := 0.0
	for _, s := range shares {
		total += s.refused + s.applied
	}
	if total <= 0 { // nothing was likely: nothing is known
		shares, total = make([]outcome, len(r.Verdicts)+1), 1
		shares[len(r.Verdicts)].refused = 1
	}
	if r.Stranger != nil {
		r.Unknown.Use, r.Unknown.UseLink = r.Stranger, d.link(r.Stranger, &d.hits[i])
	}
	for c := range r.Verdicts {
		if v := &r.Verdicts[c]; r.Stranger != nil && v.Use == nil && d.hits[i].Candidates[c].nameless() {
			v.Use, v.UseLink = r.Unknown.Use, r.Unknown.UseLink
		}
		d.conclusion(&r.Verdicts[c], shares[c], total, d.hits[i].Kind, r)
	}
	d.conclusion(&r.Unknown, shares[len(r.Verdicts)], total, d.hits[i].Kind, r)
}

// nameless reports whether the fill carried a session and nobody knows whose: a
// stranger's that shows up after the hit may be it.
func (c *Candidate) nameless() bool { return c.Bears && c.who == who{} }

func (d *Device) conclusion(v *Verdict, s outcome, total float64, kind model.ClientKind, r *Reading) {
	v.Delivered = (s.refused + s.applied) / total
	v.Applied = s.applied / total
	switch {
	case v.Use != nil:
		v.Used = v.Applied
	case r.Again && !v.Same:
		v.Used = v.Applied * d.rules.UsedKept
	default:
		v.Used = v.Applied * d.rules.usedUnseen(kind)
	}
}
