package scan

import (
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/verdict"
)

// counted is what the rows of one hit come to.
type counted struct {
	tier      model.Tier
	p         float64 // that it was applied
	delivered bool    // more likely than not
	used      bool
}

func count(rows []judged) counted {
	var c counted
	delivered := 0.0
	for _, x := range rows {
		d := &x.delivery
		if d.Tier == model.TierSetAside {
			continue
		}
		c.tier = max(c.tier, d.Tier)
		c.p += d.PApplied
		delivered += d.PDelivered
		c.used = c.used || x.use != nil
	}
	c.delivered = delivered >= 0.5
	return c
}

// countHit adds a hit of the window to the headline.
func (j *judge) countHit(h *hit, rows []judged) {
	if len(rows) == 0 {
		return // counted as unattributed
	}
	c := count(rows)
	j.outcome.hits.Add(c.tier, verdict.Round(min(c.p, 1)), h.Component)
	j.phases.hit(&h.Row.Edge, &c)
	at := h.Row.Edge.End.Lo
	if c.delivered {
		j.tally.at(at, h.Row.Cache).Deliveries++
		j.outcome.span = including(j.outcome.span, at)
	}
	if c.used {
		j.tally.at(at, h.Row.Cache).Used++
		j.outcome.used++
	}
}
