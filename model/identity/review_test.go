package identity_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model/identity"
)

// TestHotKeySwitch: on a hot key every candidate is negligible by itself. The
// switch is in the same second as the hit, so stamps do not order the two;
// the holder's session must not pass for the recipient's own.
func TestHotKeySwitch(t *testing.T) {
	var cs []identity.Candidate
	for i := range 150 {
		cs = append(cs, from(fmt.Sprintf("v%d x", i), 1.0/151))
	}
	r := read([]identity.Sighting{saw(-5, "c", "ann 1"), saw(0.2, "c", "v7 x")}, got(0, "c", cs...))
	check(t, "ann, switched to v7", r.OwnUser == "ann" && r.Verdicts[7].Use != nil && !r.Verdicts[7].Same, identity.Reading{
		Own: r.Own, OwnUser: r.OwnUser, OwnLink: r.OwnLink, Jars: r.Jars, Verdicts: r.Verdicts[7:8], Unknown: r.Unknown})
}

// TestStrangerWithinTheSecond: the same, with the fill's row lost.
func TestStrangerWithinTheSecond(t *testing.T) {
	r := read([]identity.Sighting{saw(-5, "c", "ann 1"), saw(0.2, "c", "eve 1")}, got(0, "c", from("vic 1", 0.8)))
	check(t, "ann, switched to a stranger", r.OwnUser == "ann" && r.Stranger != nil, r)
}

// TestHitWithoutMass: a hit whose probabilities were all rounded to nothing
// must not turn into NaN, which JSON cannot hold.
func TestHitWithoutMass(t *testing.T) {
	h := got(0, "c", from("vic 1", 0))
	h.Unknown = 0
	r := read(nil, h)
	check(t, "a number", r.Verdicts[0].Applied >= 0 && r.Unknown.Applied >= 0, r)
}

// BenchmarkDevice is one address and User-Agent with many hits and sightings
// of one session: an office behind NAT, a monitor. Time per hit should not
// grow with their number.
func BenchmarkDevice(b *testing.B) {
	for _, n := range []int{1000, 4000, 16000} {
		for _, anonymous := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d hits, new sessions %v", n, anonymous), func(b *testing.B) {
				for b.Loop() {
					var seen []identity.Sighting
					var hits []identity.Hit
					for i := range n {
						s := float64(i) * 0.05
						if anonymous {
							seen = append(seen, login(s, "", "", fmt.Sprint("n ", i)))
						} else {
							seen = append(seen, saw(s, "c", "ann 1"))
						}
						hits = append(hits, got(s, "c", from("vic 1", 0.4), from("bob 1", 0.4)))
					}
					d := identity.NewDevice(seen, hits, identity.Defaults())
					for i := range hits {
						d.Read(i)
					}
				}
				b.ReportMetric(float64(b.Elapsed())/float64(time.Microsecond)/float64(b.N*n), "µs/hit")
			})
		}
	}
}
