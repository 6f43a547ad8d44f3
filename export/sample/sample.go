// Package sample draws deliveries of a case for people to check blind: with
// what the logs show, and without what the program made of it.
//
// The draw is stratified by tier, rows that were set aside included, because a
// rule that sets aside wrongly hides in the very rows nobody looks at. Each
// stratum gives its rows with the smallest digest of seed and delivery id, so
// that one seed draws one sample, whoever draws it, and nobody can choose.
package sample

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/model"
)

// Row is one drawn delivery.
type Row struct {
	Name     string // in the sample
	Delivery model.Delivery
	Stratum  int // rows of its tier in the case
	Drawn    int // of these in the sample
	rank     [sha256.Size]byte
}

// tiers are the strata. When some are short of rows, the others take over in
// this order: what is claimed, then what is denied, matters most.
var tiers = [...]model.Tier{model.TierConfirmed, model.TierProbable, model.TierSetAside, model.TierPossible, model.TierUnlikely}

// Draw returns n deliveries of c, or all if it has fewer, in an order that
// tells nothing of their tiers.
func Draw(c *store.Case, n int, seed uint64) ([]Row, error) {
	strata := map[model.Tier][]Row{}
	sizes := map[model.Tier]int{}
	for d, err := range c.Deliveries() {
		if err != nil {
			return nil, fmt.Errorf("sample: %w", err)
		}
		sizes[d.Tier]++
		strata[d.Tier] = keep(strata[d.Tier], Row{Delivery: d, rank: rank(seed, d.ID)}, n)
	}
	var out []Row
	for t, share := range shares(sizes, n) {
		rows := lowest(strata[t], share)
		for i := range rows {
			rows[i].Stratum, rows[i].Drawn = sizes[t], share
		}
		out = append(out, rows...)
	}
	slices.SortFunc(out, byRank)
	for i := range out {
		out[i].Name = fmt.Sprintf("s%04d", i+1)
	}
	return out, nil
}

func rank(seed uint64, id string) [sha256.Size]byte {
	return sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), id...))
}

func byRank(a, b Row) int {
	return cmp.Or(bytes.Compare(a.rank[:], b.rank[:]), cmp.Compare(a.Delivery.ID, b.Delivery.ID))
}

// keep adds a row to a list of which only the lowest n matter; it holds at
// most twice as many.
func keep(list []Row, r Row, n int) []Row {
	if list = append(list, r); len(list) > 2*n {
		list = lowest(list, n)
	}
	return list
}

func lowest(list []Row, n int) []Row {
	slices.SortFunc(list, byRank)
	return list[:min(n, len(list))]
}

// shares parts n evenly over the tiers, as far as each has rows.
func shares(sizes map[model.Tier]int, n int) map[model.Tier]int {
	out := map[model.Tier]int{}
	for more := true; n > 0 && more; {
		more = false
		for _, t := range tiers {
			if n > 0 && out[t] < sizes[t] {
				out[t]++
				n--
				more = true
			}
		}
	}
	return out
}

// column is one column of a file: its name and its cell.
type column struct {
	name string
	cell func(*store.Case, *Row) string
}

func text(name string, at func(*Row) string) column {
	return column{name, func(_ *store.Case, r *Row) string { return inert.IDCell(at(r)) }}
}

func evidence(name string, at func(*Row) model.Ref) column {
	return column{name, func(c *store.Case, r *Row) string {
		if at(r) == (model.Ref{}) {
			return ""
		}
		return inert.Cell(c.Cite(at(r)))
	}}
}

func prob(name string, at func(*Row) float64) column {
	return column{name, func(_ *store.Case, r *Row) string { return strconv.FormatFloat(at(r), 'f', 4, 64) }}
}

// blind is what the checker gets: where to look, and what to answer. Nothing in
// it depends on a probability, a tier or a flag.
func blind() []column {
	empty := func(*Row) string { return "" }
	return []column{
		text("sample", func(r *Row) string { return r.Name }),
		text("hit_time_utc", func(r *Row) string { return r.Delivery.HitTime.String() }),
		text("cache", func(r *Row) string { return r.Delivery.Cache }),
		text("route", func(r *Row) string { return r.Delivery.Route }),
		text("hit_request_id", func(r *Row) string { return r.Delivery.Hit.RequestID }),
		evidence("hit_evidence", func(r *Row) model.Ref { return r.Delivery.Hit.Ref }),
		text("recipient_device", func(r *Row) string { return r.Delivery.Device.String() }),
		text("fill_time_utc", func(r *Row) string { return r.Delivery.FillTime.String() }),
		text("fill_request_id", func(r *Row) string { return r.Delivery.Fill.RequestID }),
		evidence("fill_evidence", func(r *Row) model.Ref { return r.Delivery.Fill.Ref }),
		text("holder_session", func(r *Row) string { return r.Delivery.HolderSession.String() }),
		text("holder_user_id", func(r *Row) string { return r.Delivery.HolderUser }),
		text("was_served_this_response", empty),
		text("client_held_this_session", empty),
		text("remarks", empty),
	}
}

// secret is what the case says of the same rows, to be opened afterwards.
func secret() []column {
	return []column{
		text("sample", func(r *Row) string { return r.Name }),
		text("delivery_id", func(r *Row) string { return r.Delivery.ID }),
		text("tier", func(r *Row) string { return r.Delivery.Tier.String() }),
		prob("p_delivered", func(r *Row) float64 { return r.Delivery.PDelivered }),
		prob("p_applied", func(r *Row) float64 { return r.Delivery.PApplied }),
		prob("p_used", func(r *Row) float64 { return r.Delivery.PUsed }),
		{"flags", func(_ *store.Case, r *Row) string {
			var names []byte
			for i, f := range r.Delivery.Flags {
				if i > 0 {
					names = append(names, ';')
				}
				names = append(names, f.Name...)
			}
			return inert.Cell(string(names))
		}},
		text("rows_of_this_tier", func(r *Row) string { return strconv.Itoa(r.Stratum) }),
		text("of_these_drawn", func(r *Row) string { return strconv.Itoa(r.Drawn) }),
	}
}

// WriteBlind writes the list for the checker.
func WriteBlind(w io.Writer, c *store.Case, rows []Row) error { return write(w, c, rows, blind()) }

// WriteKey writes what the case says of the rows, with the sizes by which the
// findings of the check are to be weighted.
func WriteKey(w io.Writer, c *store.Case, rows []Row) error { return write(w, c, rows, secret()) }

func write(w io.Writer, c *store.Case, rows []Row, columns []column) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	cells := make([]string, len(columns))
	for i, col := range columns {
		cells[i] = col.name
	}
	err := out.Write(cells)
	for r := range rows {
		for i, col := range columns {
			cells[i] = col.cell(c, &rows[r])
		}
		err = cmp.Or(err, out.Write(cells))
	}
	out.Flush()
	if err = cmp.Or(err, out.Error()); err != nil {
		return fmt.Errorf("sample: %w", err)
	}
	return nil
}
