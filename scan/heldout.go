package scan

import (
	"math"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/identity"
	"github.com/spillscope/spillscope/model/verdict"
)

// heldOut asks how well this case's own probabilities foretell: of some devices
// one hit is judged again as if nothing had been seen of the device after it,
// and that is compared with what was seen.
//
// All later sightings are hidden, not a part of them: a device shows its session
// with every request, so that any part tells it. Earlier ones stay: they say who
// the recipient was, and without them another question would be asked than the
// case asks. What counts is a hit after which a telling request was seen (the
// holder's session used, or the own session kept), and during which no own
// request was under way: its response may have set the own session back, so that
// to see it kept tells nothing. One hit a device keeps the trials independent.
type heldOut struct {
	oneIn     uint64
	hits      int
	table     reliability
	held, top int
	asideHeld int
}

// heldOutHits is about how many hits the devices may have that are tried. Most
// devices come to no trial; those of some ten thousand hits show an error of a
// few in a hundred, and more would only cost time.
const heldOutHits = 40_000

func newHeldOut(hits int64) *heldOut { return &heldOut{oneIn: uint64(hits/heldOutHits) + 1} }

// tryHeldOut tries a device; full holds what all of its sightings say of each
// hit.
func (j *judge) tryHeldOut(d *identity.Device, known []identity.Sighting, full []identity.Reading) {
	hits := d.Hits()
	if j.heldOut == nil || len(known) == 0 || sample(hits[0].Device.String())%j.heldOut.oneIn != 0 {
		return
	}
	trial := -1
	for i := range hits {
		if telling(&full[i]) == nil || full[i].Racing || hits[i].Payload.(*hit).Part != window {
			continue
		}
		if trial < 0 || sample(hits[i].RequestID) < sample(hits[trial].RequestID) {
			trial = i
		}
	}
	if trial < 0 {
		return
	}
	before := slices.DeleteFunc(slices.Clone(known), func(s identity.Sighting) bool {
		return s.Start.Hi > hits[trial].Start.Lo
	})
	r := identity.NewDevice(before, slices.Clone(hits), &j.habits.Rules).Read(trial)
	j.foretold(hits[trial].Payload.(*hit), &r, &full[trial])
}

// telling returns the request by which a reading knows what became of the hit.
func telling(r *identity.Reading) *identity.Sighting {
	for i := range r.Verdicts {
		if u := &r.Verdicts[i]; u.Use != nil && u.UseLink >= identity.LinkDevice {
			return u.Use
		}
	}
	if r.Unknown.Use != nil {
		return nil // a session of no candidate: there is nothing to foretell
	}
	if r.KeptLink >= identity.LinkDevice {
		return r.Kept
	}
	return nil
}

// foretold compares what r, which lacks the later sightings, says of each
// candidate with what all of them together say. A session may have come by another hit
// of the device, as the two files of one page do, so that to see it used is not
// yet to know that this hit brought it; the full reading shares the credit out.
func (j *judge) foretold(h *hit, r, full *identity.Reading) {
	t := j.heldOut
	best, p, seen := false, -1.0, false
	for c := range h.Candidates {
		before, after := j.candidate(h, r, c).delivery, j.candidate(h, full, c).delivery
		held := after.PApplied >= 0.5
		switch {
		case h.Candidates[c].Hold.Session.IsZero():
			continue // what cannot be recognised cannot be foretold
		case before.Tier == model.TierSetAside:
			if held {
				t.asideHeld++
			}
			continue
		}
		t.table.add(before.PApplied, after.PApplied)
		seen = seen || held
		if before.PApplied > p {
			best, p = held, before.PApplied
		}
	}
	if p < 0 {
		return
	}
	t.hits++
	if seen {
		t.held++
	}
	if best {
		t.top++
	}
}

// reliability sums up foretold against found, in whole ten-thousandths so that
// the order of adding does not show.
type reliability struct {
	n               [reliabilityBins]int
	foretold, found [reliabilityBins]int64
}

const reliabilityBins = 10

func (r *reliability) add(foretold, found float64) {
	p := int64(math.Round(foretold * 1e4))
	b := min(int(p*reliabilityBins/1e4), reliabilityBins-1)
	r.n[b]++
	r.foretold[b] += p
	r.found[b] += int64(math.Round(found * 1e4))
}

// report returns the bins that are not empty, the number of pairs and the
// expected calibration error: the mean distance between foretold and found.
func (r *reliability) report() (bins []model.Reliability, n int, ece float64) {
	var off int64
	for b := range r.n {
		if r.n[b] == 0 {
			continue
		}
		n += r.n[b]
		d := r.foretold[b] - r.found[b]
		off += max(d, -d)
		mean := func(sum int64) float64 { return verdict.Round(float64(sum) / 1e4 / float64(r.n[b])) }
		bins = append(bins, model.Reliability{
			From: float64(b) / reliabilityBins, To: float64(b+1) / reliabilityBins, N: r.n[b],
			Foretold: mean(r.foretold[b]), Found: mean(r.found[b]),
		})
	}
	if n > 0 {
		ece = verdict.Round(float64(off) / 1e4 / float64(n))
	}
	return bins, n, ece
}

// result is nil where nothing could be tried.
func (t *heldOut) result() *model.HeldOut {
	if t == nil || t.hits == 0 {
		return nil
	}
	out := &model.HeldOut{
		Hits: t.hits, Held: t.held, RankedTop: t.top, AsideHeld: t.asideHeld, OneDeviceIn: int(t.oneIn),
	}
	out.Bins, out.Pairs, out.ECE = t.table.report()
	return out
}
