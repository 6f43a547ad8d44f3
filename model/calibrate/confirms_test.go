package calibrate_test

import (
	"testing"

	"github.com/spillscope/spillscope/model/calibrate"
)

// TestConfirms: recipients that present what only one answer explains decide
// it, the more the surer and never for good; others leave it where it is.
func TestConfirms(t *testing.T) {
	for _, c := range []struct {
		name                      string
		stored, refreshed, either int
		from, to                  float64
		ample                     bool
	}{
		{"nobody", 0, 0, 0, 0.5, 0.5, false},
		{"nobody plainly", 0, 0, 500, 0.5, 0.5, false},
		{"one", 1, 0, 0, 0.7, 0.9, false},
		{"one each", 1, 1, 7, 0.5, 0.5, false},
		{"as nginx does", 170, 3, 40, 0.99, 0.999, true},
		{"as Varnish does", 7, 140, 40, 0.001, 0.01, true},
	} {
		var a calibrate.Confirms
		for range c.stored {
			a.Add(1.9, 0.1)
		}
		for range c.refreshed {
			a.Add(0.1, 1.9)
		}
		for range c.either {
			a.Add(1.2, 0.8)
		}
		if p := a.Kept(); p < c.from || p > c.to {
			t.Errorf("%s: kept with probability %v, want %v to %v", c.name, p, c.from, c.to)
		}
		if a.Ample() != c.ample || a.Sum() != c.stored+c.refreshed {
			t.Errorf("%s: %d decide, ample %v", c.name, a.Sum(), a.Ample())
		}
		if r := a.Report("x"); r.Kept != a.Kept() || r.Stored != c.stored || r.Refreshed != c.refreshed || r.Either != c.either {
			t.Errorf("%s: reported as %+v", c.name, r)
		}
	}
}
