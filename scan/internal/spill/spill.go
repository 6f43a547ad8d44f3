// Package spill sorts more records than fit in memory.
//
// A record is a key and a value, both bytes; records sort by key, then by
// value, so that the order never depends on who added what when. Writers fill
// their own share of the memory budget, sort it and write it to a compressed
// run on disk; reading merges the runs. Runs are unlinked as soon as they are
// created, so that no way of dying leaves one behind.
package spill

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
)

// Sorter collects records from any number of Writers.
type Sorter struct {
	dir    string
	budget int
	drop   bool // every record

	mu   sync.Mutex
	runs []*run
	err  error
	n    int64
}

// New returns a sorter that keeps its runs in dir. Each of its Writers holds
// at most budget bytes of records in memory.
func New(dir string, budget int) *Sorter {
	return &Sorter{dir: dir, budget: max(budget, minBudget)}
}

// Discard returns a sorter that keeps nothing.
func Discard() *Sorter { return &Sorter{drop: true} }

// minBudget keeps runs from becoming so many that merging them needs more
// memory than the budget saved.
const minBudget = 1 << 20

// Writer adds records from one goroutine.
type Writer struct {
	s      *Sorter
	blocks [][]byte // records, in blocks: one growing slice would need twice its size while it grows
	used   int      // blocks in use; the others are kept for the next run
	size   int
	index  []entry
}

// entry locates a record. prefix is the start of its key, so that most
// comparisons touch no other memory.
type entry struct {
	prefix     uint64
	block, off uint32
	key, val   uint32
}

// Writer returns a new writer. Its Close must be called before Scan.
func (s *Sorter) Writer() *Writer { return &Writer{s: s} }

const (
	blockSize = 256 << 10
	entrySize = 2 * 24 // what an index entry costs beside its record, growth included
)

// Add copies a record.
func (w *Writer) Add(key, val []byte) error {
	if w.s.drop {
		return nil
	}
	n := len(key) + len(val)
	if w.size > 0 && w.size+n+(len(w.index)+1)*entrySize > w.s.budget {
		if err := w.spill(); err != nil {
			return err
		}
	}
	b := w.room(n)
	e := entry{prefix: prefix(key), block: uint32(w.used - 1), off: uint32(len(*b)), key: uint32(len(key)), val: uint32(len(val))}
	*b = append(append(*b, key...), val...)
	w.index = append(w.index, e)
	w.size += n
	return nil
}

// room returns the block that takes n more bytes. A record larger than a
// block gets one of its own.
func (w *Writer) room(n int) *[]byte {
	if w.used > 0 {
		if b := &w.blocks[w.used-1]; len(*b)+n <= cap(*b) {
			return b
		}
	}
	if w.used == len(w.blocks) {
		w.blocks = append(w.blocks, make([]byte, 0, max(blockSize, n)))
	} else if cap(w.blocks[w.used]) < n {
		w.blocks[w.used] = make([]byte, 0, n)
	}
	w.used++
	b := &w.blocks[w.used-1]
	*b = (*b)[:0]
	return b
}

func prefix(key []byte) uint64 {
	var p uint64
	for i := range 8 {
		p <<= 8
		if i < len(key) {
			p |= uint64(key[i])
		}
	}
	return p
}

func (w *Writer) record(e entry) (key, val []byte) {
	b := w.blocks[e.block][e.off:]
	return b[:e.key:e.key], b[e.key : e.key+e.val : e.key+e.val]
}

// spill sorts what is in memory into a run on disk.
func (w *Writer) spill() error {
	w.sort()
	r, err := writeRun(w.s.dir, w.all)
	if err != nil {
		w.s.fail(err)
		return err
	}
	w.s.add(r, len(w.index))
	w.used, w.size, w.index = 0, 0, w.index[:0]
	return nil
}

func (w *Writer) sort() {
	slices.SortFunc(w.index, func(a, b entry) int {
		if a.prefix != b.prefix {
			if a.prefix < b.prefix {
				return -1
			}
			return 1
		}
		ak, av := w.record(a)
		bk, bv := w.record(b)
		if c := bytes.Compare(ak, bk); c != 0 {
			return c
		}
		return bytes.Compare(av, bv)
	})
}

func (w *Writer) all(yield func(key, val []byte) error) error {
	for _, e := range w.index {
		if err := yield(w.record(e)); err != nil {
			return err
		}
	}
	return nil
}

// Close hands what is left in memory to the sorter. A small rest stays in
// memory as a run of its own.
func (w *Writer) Close() error {
	if len(w.index) == 0 {
		w.blocks = nil
		return nil
	}
	w.sort()
	w.blocks = w.blocks[:w.used]
	w.s.add(&run{memory: w}, len(w.index))
	return nil
}

func (s *Sorter) add(r *run, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs = append(s.runs, r)
	s.n += int64(n)
}

func (s *Sorter) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = errors.Join(s.err, err)
}

// Len returns the number of records of closed writers.
func (s *Sorter) Len() int64 { return s.n }

// Scan calls yield with every record in order. The slices are valid until the
// next call. It may be called again: the runs stay until Close.
func (s *Sorter) Scan(yield func(key, val []byte) error) error {
	if s.err != nil {
		return s.err
	}
	m, err := newMerge(s.runs)
	if err != nil {
		return err
	}
	for m.next() {
		if err := yield(m.record()); err != nil {
			return err
		}
	}
	return m.err
}

// Iterator returns a walk over the records in order, for callers that merge
// several sorters. Like Scan it may be called again.
func (s *Sorter) Iterator() (*Iterator, error) {
	if s.err != nil {
		return nil, s.err
	}
	m, err := newMerge(s.runs)
	if err != nil {
		return nil, err
	}
	return &Iterator{m: m}, nil
}

// Iterator walks sorted records.
type Iterator struct{ m *merge }

// Next advances to the next record and reports whether there is one.
func (it *Iterator) Next() bool { return it.m.next() }

// Record returns the current record, valid until the next call of Next.
func (it *Iterator) Record() (key, val []byte) { return it.m.record() }

// Err returns what ended the walk early.
func (it *Iterator) Err() error { return it.m.err }

// Close releases the runs.
func (s *Sorter) Close() error {
	var errs []error
	for _, r := range s.runs {
		if r.file != nil {
			errs = append(errs, r.file.Close())
		}
	}
	s.runs = nil
	return errors.Join(errs...)
}

// create opens a file in dir that vanishes with the process.
func create(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "spillscope-run-*")
	if err != nil {
		return nil, fmt.Errorf("temporary files: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, fmt.Errorf("temporary files: %w", errors.Join(err, f.Close()))
	}
	return f, nil
}
