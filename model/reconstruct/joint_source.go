package reconstruct

import (
	"math"
	"time"

	"github.com/spillscope/spillscope/model"
)

// source is a fill whose arrival is supposed.
type source struct {
	event  *Event // nil: a fill whose row would be lost
	places []place
	deck   []uint16 // indices of places, each as often as it should be tried
	wait   int64    // from lookup to arrival
	life   time.Duration
	class  uint8
	miss   bool // says that nothing fresh was there when it was asked for
}

func (b *problem) source(e *Event) source {
	s := source{event: e, life: usualLife(b.policy, e), class: class(e), miss: e.Miss && !e.Recipient}
	v := e.Available
	if e.Recipient {
		v = e.arrival()
	} else {
		s.wait = micros(model.Instant(e.ttfb()))
	}
	v.Hi = min(v.Hi, v.Lo.Add(longest)) // in a long download the first byte leaves early
	lo, hi := micros(v.Lo), max(micros(v.Hi), micros(v.Lo)+1)
	even := 1.0
	if p := b.params; !e.Origin.IsZero() && p.Spread > 0 {
		centre := e.Origin.Lo.Add(p.Lag)
		if p.FromStart {
			centre = centre.Add(e.ttfb())
		}
		s.near(micros(centre), float64(p.Spread)/float64(8*usec), lo, hi, b.tail)
		even = astray
	}
	s.beside(lo, hi, even, b.tail)
	s.shuffle()
	return s
}

// astray is how often an origin stamp says nothing of the fill: it may belong
// to a retry, or its clock may have jumped.
const astray = 0.01

// ladder holds the distances, in scales, at which the density around an origin
// stamp steps down.
var ladder = [...]float64{0, 0.5, 1, 1.5, 2, 3, 4, 6, 8}

// near adds what the origin's stamp says: s arrived around centre, and within
// [lo, hi) but for the tail.
func (s *source) near(centre int64, scale float64, lo, hi int64, tail float64) {
	for i := range len(ladder) - 1 {
		a, b := ladder[i], ladder[i+1]
		mass := (math.Exp(-a) - math.Exp(-b)) / 2
		x, y := int64(a*scale), max(int64(b*scale), int64(a*scale)+1)
		for _, box := range [...][2]int64{{centre - y, centre - x}, {centre + x, centre + y}} {
			inside := max(0, min(hi, box[1])-max(lo, box[0]))
			share := float64(inside) / float64(box[1]-box[0])
			s.add(box[0], box[1], mass*(share+float64(tail*(1-share))))
		}
	}
}

// beside adds what the log alone says: anywhere in [lo, hi), or a little
// outside of it.
func (s *source) beside(lo, hi int64, mass, tail float64) {
	reach := int64(beside) / usec
	out := mass * tail / 2 * min(1, float64(hi-lo)/float64(reach)/2)
	s.add(lo, hi, mass-2*out)
	s.add(lo-reach, lo, out)
	s.add(hi, hi+reach, out)
}

// add notes that s may have arrived in [lo, hi). What is next to impossible is
// not worth a try.
func (s *source) add(lo, hi int64, mass float64) {
	if mass > faint {
		s.places = append(s.places, place{lo: lo, hi: hi, p: toNats(mass)})
	}
}

// tries is about how many cards a deck has.
const tries = 64

// shuffle lays out how often each place is tried: as often as it is likely,
// and each at least once.
func (s *source) shuffle() {
	total := 0.0
	for i := range s.places {
		total += s.places[i].p.weight()
	}
	for i := range s.places {
		s.deal(i, max(1, int(math.Round(tries*s.places[i].p.weight()/total))))
	}
}

// deal puts place i on n cards.
func (s *source) deal(i, n int) {
	s.places[i].bias = s.places[i].p - toNats(float64(n))
	for range n {
		s.deck = append(s.deck, uint16(i))
	}
}
