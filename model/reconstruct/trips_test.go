package reconstruct_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model/reconstruct"
)

// TestTripsTellFar: strays as slow as a way there and back show an upper tier;
// strays as quick as any hit show a longer life, or lost rows.
func TestTripsTellFar(t *testing.T) {
	policy := reconstruct.Policy{TTL: second}
	fill := []reconstruct.Candidate{{Fill: origin("fill", 0)}}
	for ttfb, want := range map[time.Duration]bool{2 * ms: false, 30 * ms: true} {
		var trips reconstruct.Trips
		for i := range 400 {
			trips.Hit(hit(fmt.Sprint(i), 500*ms), time.Duration(1+i%3)*ms, fill, policy, &alike)
			if i%8 == 0 {
				trips.Hit(hit(fmt.Sprint("stray", i), 5*time.Second), ttfb, nil, policy, &alike)
			}
		}
		if n, seen := trips.Slow(); seen != want {
			t.Errorf("strays that take %v: %d slow, tier seen: %v", ttfb, n, seen)
		}
		if up := trips.Upward(ttfb, false); want && up < 0.5 || !want && up > 0.1 {
			t.Errorf("a hit of %v came from above with %.3f", ttfb, up)
		}
	}
}

// TestTripsTellLife: the tier keeps a response for as long as it goes on
// answering Misses after a fill; a few rows lost at random do not lengthen it.
func TestTripsTellLife(t *testing.T) {
	var trips reconstruct.Trips
	fill := origin("fill", 0)
	for i := range 100 {
		trips.Miss(phantom(fmt.Sprint(i), 200*ms+time.Duration(i)*40*ms, 0), fill, &alike)
	}
	trips.Miss(phantom("lost", time.Minute, 0), fill, &alike)
	trips.Miss(phantom("first", 0, 0), nil, &alike)
	if got := trips.Life(1); got < 3*time.Second || got > 5*time.Second {
		t.Errorf("%v, want about four seconds", got)
	}
}
