package reconstruct_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model/reconstruct"
)

// TestAdvance: time passing elsewhere settles a quiet cache, and changes nothing.
func TestAdvance(t *testing.T) {
	w := simulate(4, 2, 300, rules["ceil"])
	tell := func(every int) []string {
		var out []string
		s := reconstruct.NewSweep(reconstruct.Policy{TTL: second}, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
			line := e.ID
			for _, c := range cs {
				line += fmt.Sprint(" ", c.Fill.ID, c.Rules)
			}
			out = append(out, line)
		})
		for i, e := range w.events {
			if every > 0 && i%every == 0 {
				s.Advance(e.Start.Lo)
			}
			s.Add(e)
		}
		if every > 0 {
			s.Advance(w.events[len(w.events)-1].Start.Lo.Add(time.Hour))
			if len(out) != len(w.events) {
				t.Errorf("an hour later %d of %d events were settled", len(out), len(w.events))
			}
		}
		s.Close()
		return out
	}
	slices.SortFunc(w.events, func(a, b *reconstruct.Event) int { return int(a.Start.Lo - b.Start.Lo) })
	if a, b := tell(0), tell(7); !slices.Equal(a, b) {
		t.Errorf("%d events without, %d with Advance, and they differ", len(a), len(b))
	}
}
