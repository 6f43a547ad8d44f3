package calibrate_test

import (
	"math/rand/v2"
	"testing"

	"github.com/spillscope/spillscope/model/calibrate"
)

// TestHeaders: whether the bytes of hits bear out that they carried a cookie.
func TestHeaders(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	noise := func() int64 { return 380 + rnd.Int64N(24) }
	cookie := func() int64 { return noise() + 120 }
	for _, c := range []struct {
		name          string
		with, without func() int64
		hits          int
		agrees        string
	}{
		{"cookies came through", cookie, noise, 400, "yes"},
		{"stripped at the edge", noise, noise, 400, "no"},
		{"compressed away on most connections", func() int64 {
			if rnd.IntN(3) > 0 {
				return noise()
			}
			return cookie()
		}, noise, 400, "no"},
		{"some attributed to the wrong fill", func() int64 {
			if rnd.IntN(4) == 0 {
				return noise()
			}
			return cookie()
		}, noise, 400, "yes"},
		{"too few to say", cookie, noise, 20, "?"},
		{"beyond any header", func() int64 { return 1 << 40 }, func() int64 { return -1 }, 400, "yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var all, half calibrate.Headers
			for i := range c.hits {
				h := &all
				if i%2 == 1 {
					h = &half
				}
				h.Add(true, c.with())
				h.Add(false, c.without())
			}
			all.Merge(&half)
			got := all.Read("HTTP/2.0")
			word := "?"
			switch {
			case got.Agrees == nil:
			case *got.Agrees:
				word = "yes"
			default:
				word = "no"
			}
			if word != c.agrees || got.With != int64(c.hits) || got.Without != int64(c.hits) {
				t.Errorf("%+v agrees: %s, want %s", got, word, c.agrees)
			}
		})
	}
}

// TestRatios: bytes speak for a cookie, against it, or not at all.
func TestRatios(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	var h calibrate.Headers
	if got := h.Ratios().Of(500); got != 1 {
		t.Errorf("nothing was counted, and 500 bytes say %v", got)
	}
	for range 300 {
		h.Add(false, 380+rnd.Int64N(24))
		h.Add(true, 500+rnd.Int64N(24))
	}
	r := h.Ratios()
	for bytes, ok := range map[int64]func(float64) bool{
		390:   func(x float64) bool { return x < 0.05 },
		510:   func(x float64) bool { return x > 20 },
		450:   func(x float64) bool { return x == 1 },
		9_000: func(x float64) bool { return x == 1 },
	} {
		if got := r.Of(bytes); !ok(got) {
			t.Errorf("%d bytes say %v", bytes, got)
		}
	}
}
