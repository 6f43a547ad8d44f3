package spill

import "bytes"

// Set collects keys and gives each back once, in order. It counts what is
// distinct exactly, however many there are: a table of recent keys drops most
// repeats at once, the sorter the rest. It is for one goroutine.
type Set struct {
	sorter *Sorter
	writer *Writer
	recent map[string]struct{}
}

// recentKeys bounds the table.
const recentKeys = 1 << 14

// NewSet returns an empty set that holds about budget bytes in memory.
func NewSet(dir string, budget int) *Set {
	s := New(dir, budget)
	return &Set{sorter: s, writer: s.Writer(), recent: map[string]struct{}{}}
}

// Add copies key into the set.
func (s *Set) Add(key []byte) error {
	if _, ok := s.recent[string(key)]; ok {
		return nil
	}
	if len(s.recent) == recentKeys {
		clear(s.recent)
	}
	s.recent[string(key)] = struct{}{}
	return s.writer.Add(key, nil)
}

// Freeze ends the adding; it must come before Scan.
func (s *Set) Freeze() error {
	s.recent = nil
	return s.writer.Close()
}

// Scan calls yield with each key in order. It may be called again.
func (s *Set) Scan(yield func(key []byte) error) error {
	var last []byte
	first := true
	return s.sorter.Scan(func(key, _ []byte) error {
		if !first && bytes.Equal(key, last) {
			return nil
		}
		first = false
		last = append(last[:0], key...)
		return yield(key)
	})
}

// Close releases what the set holds.
func (s *Set) Close() error { return s.sorter.Close() }
