package scan

import (
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// outside adds up the hits of the margin: reported, never folded in.
type outside struct {
	before, after int
	span          model.Span // from the first to the last
}

func (o *outside) result() model.Outside {
	return model.Outside{Before: o.before, After: o.after, First: o.span.From.String(), Last: o.span.To.String()}
}

// keepOutside lists the rows of a hit in the margin, if any of them counts. All
// rows of such a hit are listed, so that its probabilities still add up.
func (j *judge) keepOutside(h *hit, rows []judged) error {
	c := count(rows)
	j.phases.hit(&h.Row.Edge, &c)
	if !anyCounts(rows) {
		return nil
	}
	o, at := &j.outcome.outside, h.Row.Edge.End.Lo
	if at < j.Incident.Window.Span.From {
		o.before++
	} else {
		o.after++
	}
	o.span = including(o.span, at)
	for n := range rows {
		d := &rows[n].delivery
		j.reports.row(d, true)
		j.deliveryKey(&rows[n])
		j.val = wire.Encode(j.val[:0], func(c *wire.Codec) { wire.Delivery(c, d) })
		if err := j.outsides.Add(j.key, j.val); err != nil {
			return err
		}
	}
	return nil
}

func outsideFields(c *wire.Codec, o *model.OutsideDelivery) { wire.Delivery(c, &o.Delivery) }

func (s *state) writeOutside() error { return stream(s, s.outsides, outsideFields) }
