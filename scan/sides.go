package scan

import (
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// emitter takes a hit or a miss with its candidates. The slice is reused.
type emitter func(*reconstruct.Event, []reconstruct.Candidate, reconstruct.Policy) error

// sides walks the caches of one object side by side, all to the same instant.
type sides struct {
	key    model.ID
	policy reconstruct.Policy
	emit   emitter
	sweeps map[string]*reconstruct.Sweep
	names  []string // of sweeps, sorted
	at     model.Instant
	failed error
}

// abreast is how far the caches of one object may be apart. Bringing them all
// up at every row would cost rows × caches.
const abreast = 10 * time.Second

func (s *state) newSides(first *cacheRow, emit emitter) *sides {
	return &sides{
		key: first.Edge.Key, policy: s.policy(first.Edge.Route), emit: emit,
		sweeps: map[string]*reconstruct.Sweep{}, at: first.Edge.Start().Lo,
	}
}

// add takes the object's next row; they come in the order of their starts.
func (o *sides) add(cache string, e *reconstruct.Event) error {
	if now := e.Start.Lo; now.Sub(o.at) >= abreast {
		o.at = now
		for _, name := range o.names {
			o.sweeps[name].Advance(now)
		}
	}
	o.of(cache).Add(e)
	return o.failed
}

func (o *sides) of(cache string) *reconstruct.Sweep {
	s := o.sweeps[cache]
	if s == nil {
		s = reconstruct.NewSweep(o.policy, func(e *reconstruct.Event, cs []reconstruct.Candidate) {
			if o.failed == nil {
				o.failed = o.emit(e, cs, o.policy)
			}
		})
		o.sweeps[cache] = s
		o.names = slices.Sorted(maps.Keys(o.sweeps))
	}
	return s
}

// close settles what is left of the object; a nil sides has nothing.
func (o *sides) close() error {
	if o == nil {
		return nil
	}
	for _, name := range o.names {
		o.sweeps[name].Close()
	}
	return o.failed
}
