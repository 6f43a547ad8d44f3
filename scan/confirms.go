package scan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spillscope/spillscope/model/calibrate"
	"github.com/spillscope/spillscope/model/identity"
)

// confirms is what recipients show of whether 304s keep the stored Set-Cookie.
type confirms struct {
	by   map[string]*calibrate.Confirms // cache
	pool calibrate.Confirms
}

// evens is the chance that they do, until recipients were looked at.
const evens = 0.5

// mix sets the probabilities of h where 304s keep the stored Set-Cookie with
// probability kept.
func (h *hit) mix(kept float64) {
	h.Unknown = h.Unknowns.Mix(kept)
	for i := range h.Candidates {
		h.Candidates[i].P = h.Candidates[i].Each.Mix(kept)
	}
}

// device adds what one device presented after its hits.
func (c *confirms) device(d *identity.Device) {
	for i, x := range d.Hits() {
		h := x.Payload.(*hit)
		if !slices.ContainsFunc(h.Candidates, func(c candidate) bool { return c.Each.Open() }) {
			continue
		}
		if r := d.Read(i); presented(&r) {
			kept, replaced := h.likelier(&r)
			c.of(h.Row.Cache).Add(kept, replaced)
			c.pool.Add(kept, replaced)
		}
	}
}

func (c *confirms) of(name string) *calibrate.Confirms {
	x := c.by[name]
	if x == nil {
		x = &calibrate.Confirms{}
		c.by[name] = x
	}
	return x
}

// presented reports whether the recipient was seen to use a session that some
// candidate brought. Of one that went on as itself too much else is possible: it
// keeps no cookies, or its next response put its own session back.
func presented(r *identity.Reading) bool {
	return slices.ContainsFunc(r.Verdicts, func(v identity.Verdict) bool {
		return v.Use != nil && v.UseLink >= identity.LinkDevice
	})
}

// likelier returns how much likelier what was seen after h is if 304s keep the
// stored Set-Cookie, and if they replace it, than if either is open: what a
// reading shares out among candidates, each has of what was known before.
func (h *hit) likelier(r *identity.Reading) (kept, replaced float64) {
	add := func(delivered, kept0, replaced0 float64) {
		if mean := (kept0 + replaced0) / 2; mean > 0 {
			kept += float64(delivered * (kept0 / mean))
			replaced += float64(delivered * (replaced0 / mean))
		}
	}
	for i := range h.Candidates {
		e := h.Candidates[i].Each
		add(r.Verdicts[i].Delivered, e.Kept(), e.Replaced())
	}
	add(r.Unknown.Delivered, h.Unknowns.Kept(), h.Unknowns.Replaced())
	return kept, replaced
}

// kept returns how likely 304s keep the stored Set-Cookie in a cache.
func (c *confirms) kept(name string) float64 {
	if x := c.by[name]; x != nil && x.Ample() {
		return x.Kept()
	}
	return c.pool.Kept()
}

func (c *confirms) report() []calibrate.Keeping {
	if len(c.by) == 0 {
		return nil
	}
	out := []calibrate.Keeping{c.pool.Report("all")}
	for _, name := range slices.Sorted(maps.Keys(c.by)) {
		out = append(out, c.by[name].Report(name))
	}
	return out
}

// words says what recipients showed.
func (c *confirms) words() string {
	if c.pool.Sum() == 0 {
		return "No recipient was seen afterwards whose session would tell: either is taken to be as likely, for all of them together"
	}
	kept := c.pool.Kept()
	stored := fmt.Sprintf("%d of %d recipients seen afterwards presented the stored session", c.pool.Stored, c.pool.Sum())
	switch {
	case kept >= sure:
		return stored + ": the cache keeps it"
	case kept <= 1-sure:
		return stored + ", the others that of the client that refreshed: the cache replaces it"
	}
	return fmt.Sprintf("%s: that the cache keeps it has probability %.2f", stored, kept)
}

// sure is the probability from which the answer is stated as known.
const sure = 0.95
