package calibrate

import (
	"cmp"
	"hash/fnv"
	"slices"

	"github.com/spillscope/spillscope/model"
)

// Sample holds the stamps of the requests whose ids hash lowest. Two samples
// of logs that were read apart share requests, however long the logs are: so
// an origin log that is hours off, none of whose rows lies in the spans that
// were read, can still be held against the edge's. The zero Sample is empty
// and ready to use.
type Sample struct {
	kept []sampledID
	full bool
	top  uint64 // the highest hash that is worth keeping, once full
}

type sampledID struct {
	hash uint64
	at   model.Instant
}

// sampleSize bounds a Sample. Logs of which one is twenty times as long as the
// other still share some hundred of these.
const sampleSize = 4096

// Add notes a request.
func (s *Sample) Add(id []byte, at model.Instant) {
	h := fnv.New64a()
	h.Write(id)
	s.add(sampledID{h.Sum64() * 0x9e3779b97f4a7c15, at}) // spread FNV's lazy high bits
}

func (s *Sample) add(x sampledID) {
	if s.full && x.hash > s.top {
		return
	}
	if s.kept = append(s.kept, x); len(s.kept) >= 2*sampleSize {
		s.trim()
	}
}

// trim keeps the lowest hashes.
func (s *Sample) trim() {
	slices.SortFunc(s.kept, func(a, b sampledID) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.at, b.at)) })
	s.kept = slices.Compact(s.kept)
	if len(s.kept) >= sampleSize {
		s.kept = s.kept[:sampleSize]
		s.full, s.top = true, s.kept[sampleSize-1].hash
	}
}

// Clone returns a copy of s.
func (s *Sample) Clone() Sample { return Sample{slices.Clone(s.kept), s.full, s.top} }

// Merge adds what o has seen.
func (s *Sample) Merge(o *Sample) {
	for _, x := range o.kept {
		s.add(x)
	}
}

// Strangers notes requests of both logs that were not joined because the
// origin's stamps lie outside the spans that are read.
func (c *Clock) Strangers(edge, origin *Sample) {
	edge.trim()
	origin.trim()
	stamps := map[uint64]model.Instant{}
	for _, x := range origin.kept {
		if at, ok := stamps[x.hash]; !ok || x.at < at {
			stamps[x.hash] = x.at
		}
	}
	for _, x := range edge.kept {
		at, ok := stamps[x.hash]
		if d := at.Sub(x.at); ok && d.Abs() > fineReach { // else at the very edge of what was read
			c.far.add(d)
			c.joined++
		}
	}
}
