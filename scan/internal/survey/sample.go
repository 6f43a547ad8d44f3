package survey

// sample keeps the values whose hash begins with a number of zero bits, and
// raises that number when they become too many: a part of all keys, chosen by
// the keys alone. Two samples of different rows thus hold the same requests,
// which is what joining them needs; sampling rows at random would not do.
type sample[V any] struct {
	limit int
	shift uint // one key in 2^shift is kept
	kept  map[uint64]V
}

func newSample[V any](limit int) sample[V] {
	return sample[V]{limit: limit, kept: map[uint64]V{}}
}

// takes reports whether a key of hash h would be kept.
func (s *sample[V]) takes(h uint64) bool { return h>>(64-s.shift) == 0 }

// put keeps v. Of two values under one hash the one that before prefers
// stays; without before, the first.
func (s *sample[V]) put(h uint64, v V, before func(a, b V) bool) {
	if !s.takes(h) {
		return
	}
	if old, ok := s.kept[h]; ok && (before == nil || !before(v, old)) {
		return
	}
	s.kept[h] = v
	for len(s.kept) > s.limit {
		s.thin(s.shift + 1)
	}
}

func (s *sample[V]) thin(shift uint) {
	s.shift = shift
	for h := range s.kept {
		if !s.takes(h) {
			delete(s.kept, h)
		}
	}
}

func (s *sample[V]) merge(o *sample[V], before func(a, b V) bool) {
	if o.shift > s.shift {
		s.thin(o.shift)
	}
	for h, v := range o.kept {
		s.put(h, v, before)
	}
}

// distinct estimates how many keys were seen; it is exact while all are kept.
func (s *sample[V]) distinct() int64 { return int64(len(s.kept)) << s.shift }
