package spill

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/klauspost/compress/s2"
)

// run is a sorted sequence of records, in a file or still in a writer's memory.
type run struct {
	file   *os.File
	size   int64
	memory *Writer
}

// writeRun writes sorted records. S2 compresses at the speed of the disk;
// denser formats would make the processor wait instead.
func writeRun(dir string, all func(func(key, val []byte) error) error) (*run, error) {
	f, err := create(dir)
	if err != nil {
		return nil, err
	}
	z := s2.NewWriter(f, s2.WriterConcurrency(1), s2.WriterBlockSize(256<<10))
	w := bufio.NewWriterSize(z, 64<<10)
	err = all(func(key, val []byte) error {
		var head [2 * binary.MaxVarintLen32]byte
		n := binary.PutUvarint(head[:], uint64(len(key)))
		n += binary.PutUvarint(head[n:], uint64(len(val)))
		_, _ = w.Write(head[:n]) // the error stays with w
		_, _ = w.Write(key)
		_, err := w.Write(val)
		return err
	})
	if err = errors.Join(err, w.Flush(), z.Close()); err != nil {
		return nil, fmt.Errorf("temporary files: %w", errors.Join(err, f.Close()))
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, fmt.Errorf("temporary files: %w", errors.Join(err, f.Close()))
	}
	return &run{file: f, size: size}, nil
}

// source reads one run.
type source struct {
	r        *bufio.Reader
	buf      []byte
	mem      *Writer
	at       int
	key, val []byte
}

func (r *run) open() *source {
	if r.memory != nil {
		return &source{mem: r.memory}
	}
	// A section of the file: several merges may read it at once.
	z := s2.NewReader(io.NewSectionReader(r.file, 0, math.MaxInt64-1), s2.ReaderMaxBlockSize(256<<10))
	return &source{r: bufio.NewReaderSize(z, 16<<10)}
}

// next reads the next record; io.EOF says that there is none.
func (s *source) next() error {
	if s.mem != nil {
		if s.at == len(s.mem.index) {
			return io.EOF
		}
		s.key, s.val = s.mem.record(s.mem.index[s.at])
		s.at++
		return nil
	}
	k, err := binary.ReadUvarint(s.r)
	if err != nil {
		return err
	}
	v, err := binary.ReadUvarint(s.r)
	if err != nil {
		return noEOF(err)
	}
	if need := int(k + v); cap(s.buf) < need {
		s.buf = make([]byte, need*2)
	}
	s.buf = s.buf[:k+v]
	if _, err := io.ReadFull(s.r, s.buf); err != nil {
		return noEOF(err)
	}
	s.key, s.val = s.buf[:k], s.buf[k:]
	return nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// merge is a heap of sources by their current record.
type merge struct {
	sources []*source
	started bool
	err     error
}

func newMerge(runs []*run) (*merge, error) {
	m := &merge{}
	for _, r := range runs {
		s := r.open()
		switch err := s.next(); {
		case err == nil:
			m.sources = append(m.sources, s)
		case !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("temporary files: %w", err)
		}
	}
	heap.Init(m)
	return m, nil
}

func (m *merge) record() (key, val []byte) { return m.sources[0].key, m.sources[0].val }

func (m *merge) next() bool {
	if m.err != nil || len(m.sources) == 0 {
		return false
	}
	if !m.started {
		m.started = true
		return true
	}
	switch err := m.sources[0].next(); {
	case err == nil:
		heap.Fix(m, 0)
	case errors.Is(err, io.EOF):
		heap.Pop(m)
	default:
		m.err = fmt.Errorf("temporary files: %w", err)
		return false
	}
	return len(m.sources) > 0
}

// Len, Less, Swap, Push and Pop make merge a heap.Interface.
func (m *merge) Len() int { return len(m.sources) }

func (m *merge) Less(i, j int) bool {
	a, b := m.sources[i], m.sources[j]
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c < 0
	}
	return bytes.Compare(a.val, b.val) < 0
}

func (m *merge) Swap(i, j int) { m.sources[i], m.sources[j] = m.sources[j], m.sources[i] }

func (m *merge) Push(x any) { m.sources = append(m.sources, x.(*source)) }

func (m *merge) Pop() any {
	last := len(m.sources) - 1
	s := m.sources[last]
	m.sources = m.sources[:last]
	return s
}
