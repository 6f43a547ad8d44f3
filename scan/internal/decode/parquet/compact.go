package parquet

import (
	"encoding/binary"
	"errors"
)

// A Parquet file describes itself in Thrift's compact protocol: its footer and
// the header of every page. The library reads both into structs, and sizes
// slices by counts it has not seen yet; one flipped bit could ask for
// gigabytes, and running out of memory cannot be recovered from. So they are
// gone over here first, which allocates nothing.

// field is the place of a value in a Thrift struct: the field ids that lead to
// it, at most three deep. Elements of a list have the field of the list.
type field [3]int16

var (
	errShort  = errors.New("cut short")
	errThrift = errors.New("not the structure it should be")
)

// maxNesting is deeper than anything the format defines.
const maxNesting = 16

// skim goes over the struct that b begins with and tells visit each number in
// it, each truth value (0 or 1), the length of each text and the count of
// each list. It returns the size of the struct.
func skim(b []byte, visit func(at field, v int64)) (int, error) {
	s := skimmer{b: b, visit: visit}
	s.structure(field{}, 0)
	return s.i, s.err
}

type skimmer struct {
	b     []byte
	i     int
	err   error
	visit func(at field, v int64)
}

// The types of the compact protocol.
const (
	typeStop = iota
	typeTrue
	typeFalse
	typeByte
	typeI16
	typeI32
	typeI64
	typeDouble
	typeBinary
	typeList
	typeSet
	typeMap
	typeStruct
)

func (s *skimmer) structure(at field, depth int) {
	if depth >= maxNesting {
		s.fail(errThrift)
	}
	id := int16(0)
	for s.err == nil {
		head := s.byte()
		if s.err != nil || head&15 == typeStop {
			return
		}
		if delta := head >> 4; delta != 0 {
			id += int16(delta)
		} else {
			id = int16(s.number())
		}
		inner := at
		if depth < len(at) {
			inner[depth] = id
		}
		s.value(int(head&15), inner, depth+1)
	}
}

// value goes over one value; depth is how many fields lead to it.
func (s *skimmer) value(typ int, at field, depth int) {
	switch typ {
	case typeTrue:
		s.tell(at, depth, 1)
	case typeFalse:
		s.tell(at, depth, 0)
	case typeByte:
		s.tell(at, depth, int64(int8(s.byte())))
	case typeI16, typeI32, typeI64:
		s.tell(at, depth, s.number())
	case typeDouble:
		s.skip(8)
	case typeBinary:
		n := s.count()
		s.tell(at, depth, n)
		s.skip(n)
	case typeList, typeSet:
		s.list(at, depth)
	case typeStruct:
		s.structure(at, depth)
	default: // Parquet has no maps
		s.fail(errThrift)
	}
}

func (s *skimmer) list(at field, depth int) {
	head := s.byte()
	n, typ := int64(head>>4), int(head&15)
	if n == 15 {
		n = s.count()
	}
	if n > int64(len(s.b)-s.i) { // an element has at least one byte
		s.fail(errShort)
	}
	s.tell(at, depth, n)
	for ; n > 0 && s.err == nil; n-- {
		if typ == typeTrue || typ == typeFalse {
			s.skip(1)
			continue
		}
		s.value(typ, at, depth)
	}
}

func (s *skimmer) tell(at field, depth int, v int64) {
	if s.err == nil && depth <= len(at) {
		s.visit(at, v)
	}
}

func (s *skimmer) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *skimmer) byte() byte {
	if s.i >= len(s.b) || s.err != nil {
		s.fail(errShort)
		return 0
	}
	s.i++
	return s.b[s.i-1]
}

func (s *skimmer) skip(n int64) {
	if n > int64(len(s.b)-s.i) {
		s.fail(errShort)
		return
	}
	s.i += int(n)
}

// count reads a number that cannot be negative.
func (s *skimmer) count() int64 {
	v, n := binary.Uvarint(s.b[s.i:])
	switch {
	case n == 0:
		s.fail(errShort)
		return 0
	case n < 0 || v > 1<<31:
		s.fail(errThrift)
		return 0
	}
	s.i += n
	return int64(v)
}

func (s *skimmer) number() int64 {
	v, n := binary.Varint(s.b[s.i:])
	switch {
	case n == 0:
		s.fail(errShort)
	case n < 0:
		s.fail(errThrift)
	default:
		s.i += n
	}
	return v
}
