package figures

import (
	"fmt"
	"math"

	"github.com/spillscope/spillscope/model"
)

// An axis is one condition: how to tell it, and how far apart two values are.
// Distances are such that 1 is a different kind of incident.
type axis struct {
	name string
	of   func(*model.Conditions) *float64
	text func(float64) string
	far  func(a, b float64) float64
}

var axes = []axis{
	{"time to live", func(c *model.Conditions) *float64 { return &c.TTL }, unit("s"), times(10)},
	{"arrivals at an object and cache", func(c *model.Conditions) *float64 { return &c.Rate }, unit("per second"), times(3)},
	{"expiry in real time", func(c *model.Conditions) *float64 { return &c.Real }, probability, plain},
	{"expiry by whole seconds, rounded down", func(c *model.Conditions) *float64 { return &c.Floor }, probability, plain},
	{"expiry by whole seconds, rounded up", func(c *model.Conditions) *float64 { return &c.Ceil }, probability, plain},
	{"caches behind a name", func(c *model.Conditions) *float64 { return &c.Caches }, unit(""), times(2)},
	{"rows missing from the CDN log", func(c *model.Conditions) *float64 { return &c.EdgeLost }, percent, share(5)},
	{"stored responses with a row in the origin log", func(c *model.Conditions) *float64 { return &c.Logged }, percent, missing},
	{"stored responses with a cookie in the CDN log", func(c *model.Conditions) *float64 { return &c.Cookies }, percent, share(1)},
	{"cache misses answered by an upper tier", func(c *model.Conditions) *float64 { return &c.Tier }, percent, share(2)},
	{"hits that the origin saw too", func(c *model.Conditions) *float64 { return &c.Behind }, percent, share(3)},
	{"responses revalidated", func(c *model.Conditions) *float64 { return &c.Refreshed }, percent, share(3)},
	{"hits from addresses of several users", func(c *model.Conditions) *float64 { return &c.Shared }, percent, share(1.5)},
	{"spread of origin stamps", func(c *model.Conditions) *float64 { return &c.Spread }, unit("s"), share(1)},
}

func unit(name string) func(float64) string {
	return func(x float64) string {
		if name == "" {
			return fmt.Sprintf("%.3g", x)
		}
		return fmt.Sprintf("%.3g %s", x, name)
	}
}

func probability(x float64) string { return fmt.Sprintf("p = %.2f", x) }

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

func plain(a, b float64) float64 { return a - b }

// times says that a factor of n is a distance of 1. Nothing and next to
// nothing are alike.
func times(n float64) func(a, b float64) float64 {
	return func(a, b float64) float64 { return math.Log(max(a, 0.01)/max(b, 0.01)) / math.Log(n) }
}

// share compares shares by their roots, so that 0 and 1 % are as far apart as
// 30 and 42 %.
func share(weight float64) func(a, b float64) float64 {
	return func(a, b float64) float64 { return weight * (math.Sqrt(max(a, 0)) - math.Sqrt(max(b, 0))) }
}

// missing compares shares by the roots of what lacks to all.
func missing(a, b float64) float64 { return share(5)(1-a, 1-b) }

// addition is what a mechanism adds to the distance: where a plain incident is
// as near, it is the nearer one.
const addition = 0.01

func distance(c *model.Conditions, cell *Cell) float64 {
	sum := 0.0
	if cell.Mechanism != "" {
		sum = addition
	}
	for _, a := range axes {
		d := a.far(*a.of(c), *a.of(&cell.Conditions))
		sum += float64(d * d)
	}
	return sum
}

// unlike reports whether x is further than a distance of 1 from what any
// incident of t has on this axis.
func (t *Table) unlike(a axis, x float64) bool {
	for i := range t.Cells {
		if math.Abs(a.far(x, *a.of(&t.Cells[i].Conditions))) <= 1 {
			return false
		}
	}
	return true
}
