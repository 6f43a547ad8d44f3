package scan

import (
	"maps"
	"slices"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/reconstruct"
)

// together weighs the hits of one object, those of each cache jointly.
type together struct {
	*state
	done   func(reconstruct.Weighed) error
	key    model.ID
	at     model.Instant
	caches map[string]*reconstruct.Joint
	failed error
}

// quiet is how long after its last row a cache is taken to have no more to
// say, beyond what its sweep may still hold.
const quiet = time.Minute

// add takes what the sweeps of an object emit.
func (g *together) add(e *reconstruct.Event, cs []reconstruct.Candidate, policy reconstruct.Policy) error {
	row := e.Payload.(*cacheRow)
	if row.Edge.Key != g.key {
		if err := g.close(); err != nil {
			return err
		}
		g.key, g.caches = row.Edge.Key, map[string]*reconstruct.Joint{}
	}
	if now := e.Start.Lo; now.Sub(g.at).Abs() >= abreast {
		g.at = now
		for _, name := range slices.Sorted(maps.Keys(g.caches)) {
			g.caches[name].Advance(now.Add(-quiet))
		}
	}
	g.of(row.Cache, policy).Add(e, cs)
	return g.failed
}

func (g *together) of(name string, policy reconstruct.Policy) *reconstruct.Joint {
	j := g.caches[name]
	if j == nil {
		params := g.paramsOf(name)
		j = reconstruct.NewJoint(policy, &params, func(w reconstruct.Weighed) {
			if g.failed == nil {
				g.failed = g.done(w)
			}
		})
		g.caches[name] = j
	}
	return j
}

// close weighs what is left of the object.
func (g *together) close() error {
	for _, name := range slices.Sorted(maps.Keys(g.caches)) {
		g.caches[name].Close()
	}
	return g.failed
}
