package scan

import (
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// citer keeps the rows that findings cite, once each per writer; those that
// two writers keep meet when they are written.
type citer struct {
	to       *spill.Writer
	key, val []byte
}

func citedFields(c *wire.Codec, r *model.CitedRow) {
	wire.Citation(c, &r.Citation)
	wire.Text(c, &r.Kind)
	wire.Optional(c, &r.Edge, wire.Edge)
	wire.Optional(c, &r.Orig, wire.Origin)
}

func (c *citer) add(r *model.CitedRow) error {
	c.key = append(append(c.key[:0], r.RequestID...), 0, r.Kind[0])
	c.key = appendRef(c.key, r.Ref)
	c.val = wire.Encode(c.val[:0], func(w *wire.Codec) { citedFields(w, r) })
	return c.to.Add(c.key, c.val)
}

// cacheRow cites row and its origin row.
func (c *citer) cacheRow(row *cacheRow) error {
	if row.cited {
		return nil
	}
	row.cited = true
	cite := model.Citation{RequestID: row.Edge.ID, Ref: row.Edge.Ref}
	if err := c.add(&model.CitedRow{Citation: cite, Kind: "edge", Edge: &row.Edge}); err != nil {
		return err
	}
	return c.origin(row.Origin)
}

// origin cites an origin row, if there is one.
func (c *citer) origin(o *model.OriginRow) error {
	if o == nil {
		return nil
	}
	return c.add(&model.CitedRow{
		Citation: model.Citation{RequestID: o.RequestID, Ref: o.Ref}, Kind: "origin", Orig: asLogged(o),
	})
}

// Close hands the rows over.
func (c *citer) Close() error { return c.to.Close() }
