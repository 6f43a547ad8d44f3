// Package figures holds how right this build was on synthetic incidents, and
// finds those whose conditions are nearest to a case's.
//
// The table, figures.json, is measured by `spillscope selfcheck` and carries
// the SHA-256 of the model that was measured; a test fails when the model has
// changed since, and tells how to measure again.
package figures

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/spillscope/spillscope/model"
)

//go:embed figures.json
var embedded []byte

// Label stands wherever these figures are shown.
const Label = "synthetic data"

// Table is what figures.json holds.
type Table struct {
	Model string `json:"model_sha256"`
	Cells []Cell `json:"cells"`
}

// Cell is one synthetic incident.
type Cell struct {
	Name       string                `json:"name"`
	Mechanism  string                `json:"mechanism,omitempty"` // what it adds to a plain incident
	Conditions model.Conditions      `json:"conditions"`
	Tiers      []model.SyntheticTier `json:"tiers"`
	ECE        map[string]float64    `json:"ece"`
}

// Nearest returns the figures of the embedded incident that is nearest to the
// conditions of a case.
func Nearest(c model.Conditions) *model.Synthetic {
	var t Table
	if err := json.Unmarshal(embedded, &t); err != nil {
		panic("figures.json: " + err.Error()) // embedded at build time, and tested
	}
	return t.Nearest(c)
}

// Nearest returns the figures of the incident of t that is nearest to c.
func (t *Table) Nearest(c model.Conditions) *model.Synthetic {
	s := &model.Synthetic{Label: Label, Model: t.Model, Case: c, Conditions: []model.ConditionPair{}}
	best := math.Inf(1)
	var cell *Cell
	for i := range t.Cells {
		if d := distance(&c, &t.Cells[i]); d < best {
			best, cell = d, &t.Cells[i]
		}
	}
	if cell == nil {
		s.Sentence = "Nothing was measured on synthetic data for this build."
		return s
	}
	s.Cell, s.Tiers, s.ECE = cell.Name, cell.Tiers, cell.ECE
	for _, a := range axes {
		of := *a.of(&c)
		s.Conditions = append(s.Conditions, model.ConditionPair{Name: a.name, Case: a.text(of), Synthetic: a.text(*a.of(&cell.Conditions))})
		if t.unlike(a, of) {
			s.Outside = append(s.Outside, a.name)
		}
	}
	s.Sentence = sentence(cell, s.Outside)
	return s
}

// sentence answers the question how often a tier is wrong.
func sentence(c *Cell, outside []string) string {
	parts := []string{}
	for _, t := range c.Tiers {
		if t.Tier != "confirmed" && t.Tier != "probable" {
			continue
		}
		if t.Claims == 0 {
			parts = append(parts, fmt.Sprintf("no claim was called %s", t.Tier))
			continue
		}
		parts = append(parts, fmt.Sprintf("of %d claims called %s %d were wrong: %.1f %% (95 %% interval %.1f to %.1f %%)",
			t.Claims, t.Tier, t.Wrong, 100*t.Share, 100*t.Low, 100*t.High))
	}
	text := fmt.Sprintf("On %s, not on this case: under the nearest conditions measured (%s), %s.", Label, c.Name, strings.Join(parts, "; "))
	if len(outside) > 0 {
		text += fmt.Sprintf(" Nothing was measured near this case in: %s.", strings.Join(outside, ", "))
	}
	return text
}
