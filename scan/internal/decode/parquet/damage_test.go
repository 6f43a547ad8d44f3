package parquet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"

	"github.com/spillscope/spillscope/model"
	reader "github.com/spillscope/spillscope/scan/internal/decode/parquet"
	"github.com/spillscope/spillscope/scan/internal/decode/parquet/parquettest"
)

// specimen is a small valid file and the rows that it has.
type specimen struct {
	name   string
	b      []byte
	rows   map[model.Ref]string
	summed bool // its pages have checksums
}

const perGroup = 120

// specimens are of the forms that differ in what a flipped bit does to them.
func specimens(t testing.TB) []specimen {
	var rows [][]string
	for i := range 3 * perGroup {
		row := []string{"2023-03-07", fmt.Sprintf("18:%02d:%02d", i/60, i%60), fmt.Sprintf("/static/js/%x.js", i*2654435761), parquettest.Null}
		if i%4 > 0 {
			row[3] = strings.Repeat("ab", i%5)
		}
		rows = append(rows, row)
	}
	names := []string{"date", "time", "cs_uri_stem", "cs_Cookie"}
	form := func(props ...parquet.WriterProperty) []byte {
		return parquettest.Strings(t, names, rows, perGroup, append(props, parquet.WithDataPageSize(400), parquet.WithBatchSize(50))...)
	}
	codecs, encodings := compress.Codecs, parquet.Encodings
	v2, plain := parquet.WithDataPageVersion(parquet.DataPageV2), parquet.WithDictionaryDefault(false)
	out := []specimen{
		{name: "snappy, dictionaries", b: form(parquet.WithCompression(codecs.Snappy))},
		{name: "as it is, plain", b: form(plain)},
		{name: "zstd, plain, v2", b: form(parquet.WithCompression(codecs.Zstd), plain, v2)},
		{name: "as it is, deltas", b: form(plain, parquet.WithEncoding(encodings.DeltaByteArray))},
		{name: "gzip, lengths, v2", b: form(parquet.WithCompression(codecs.Gzip), plain, v2, parquet.WithEncoding(encodings.DeltaLengthByteArray))},
		{name: "lz4, dictionaries, v2", b: form(parquet.WithCompression(codecs.Lz4Raw), v2)},
	}
	for i := range out {
		all := &table{}
		if _, _, err := read(t, out[i].b, all); err != nil {
			t.Fatal(err)
		}
		out[i].rows = map[model.Ref]string{}
		for n, ref := range all.refs {
			out[i].rows[ref] = all.rows[n]
		}
		with := out[i]
		with.name, with.summed, with.b = with.name+", checksums", true, parquettest.WithChecksums(t, with.b)
		out = append(out, with)
	}
	return out
}

// footerAt returns where the footer of a valid file begins.
func footerAt(b []byte) int { return len(b) - 8 - int(binary.LittleEndian.Uint32(b[len(b)-8:])) }

// A mutation damages b between from and to, its own copy, and returns it.
type mutation struct {
	name string
	do   func(r *rand.Rand, b []byte, from, to int, other []byte) []byte
}

var mutations = []mutation{
	{"a bit", func(r *rand.Rand, b []byte, from, to int, _ []byte) []byte {
		b[from+r.IntN(to-from)] ^= 1 << r.IntN(8)
		return b
	}},
	{"some bits", func(r *rand.Rand, b []byte, from, to int, _ []byte) []byte {
		for range 2 + r.IntN(8) {
			b[from+r.IntN(to-from)] ^= 1 << r.IntN(8)
		}
		return b
	}},
	{"zeros", func(r *rand.Rand, b []byte, from, to int, _ []byte) []byte {
		at := from + r.IntN(to-from)
		clear(b[at:min(to, at+1+r.IntN(600))])
		return b
	}},
	{"ones", func(r *rand.Rand, b []byte, from, to int, _ []byte) []byte {
		at := from + r.IntN(to-from)
		for i := at; i < min(to, at+1+r.IntN(12)); i++ {
			b[i] = 0xff
		}
		return b
	}},
	{"a number", func(r *rand.Rand, b []byte, from, to int, _ []byte) []byte {
		at := from + r.IntN(max(1, to-from-5)) // as a varint it is close to the greatest
		copy(b[at:], []byte{0xfe, 0xff, 0xff, 0xff, 0x0f})
		return b
	}},
	{"noise", func(r *rand.Rand, b []byte, from, to int, _ []byte) []byte {
		at := from + r.IntN(to-from)
		for i := at; i < min(to, at+1+r.IntN(64)); i++ {
			b[i] = byte(r.IntN(256))
		}
		return b
	}},
	{"a hole", func(r *rand.Rand, b []byte, from, to int, _ []byte) []byte {
		at := from + r.IntN(to-from)
		return append(b[:at], b[min(to, at+1+r.IntN(40)):]...)
	}},
	{"cut", func(r *rand.Rand, b []byte, _, _ int, _ []byte) []byte { return b[:r.IntN(len(b))] }},
	{"another's footer", func(r *rand.Rand, b []byte, _, _ int, other []byte) []byte {
		return append(b[:footerAt(b)], other[footerAt(other):]...)
	}},
	{"the footer's length", func(r *rand.Rand, b []byte, _, _ int, _ []byte) []byte {
		binary.LittleEndian.PutUint32(b[len(b)-8:], uint32(r.IntN(3*len(b))))
		return b
	}},
}

const (
	deadline  = 5 * time.Second // a file takes a millisecond; a machine under load more
	maxMemory = 24 << 20        // bytes allocated for a file of 20 KB, all told
)

// allocated returns how many bytes have ever been allocated.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func TestDamage(t *testing.T) {
	files := specimens(t)
	r := rand.New(rand.NewPCG(1, 2))
	const each = 10
	n, whole, most := 0, 0, uint64(0)
	for i, f := range files {
		data, end := 4, footerAt(f.b)
		for _, m := range mutations {
			for _, in := range [][2]int{{data, end}, {end, len(f.b)}} {
				for range each {
					b := m.do(r, bytes.Clone(f.b), in[0], in[1], files[(i+1+r.IntN(len(files)-1))%len(files)].b)
					before, began := allocated(), time.Now()
					got := &table{}
					balance, rejects, err := read(t, b, got)
					n++
					most = max(most, allocated()-before)
					name := fmt.Sprintf("%s, %s, mutation %d", f.name, m.name, n)
					if took := time.Since(began); took > deadline {
						t.Errorf("%s: took %v", name, took)
					}
					if int64(len(got.rows)) != balance.Parsed || len(rejects) > 0 && err == nil {
						t.Errorf("%s: %d rows, balance %+v, error %v", name, len(got.rows), balance, err)
					}
					if err == nil {
						whole++
					}
					if in[0] == data && m.name != "another's footer" && m.name != "the footer's length" && f.summed {
						checkRows(t, name, f, got)
					}
				}
			}
		}
	}
	if n < 2000 || most > maxMemory {
		t.Errorf("%d files, at most %d bytes were allocated for one", n, most)
	}
	t.Logf("%d damaged files, %d of which were read to their end, at most %d KB allocated", n, whole, most>>10)
}

// checkRows checks that what was parsed is what was written: pages with
// checksums cannot give anything else.
func checkRows(t *testing.T, name string, f specimen, got *table) {
	t.Helper()
	for i, ref := range got.refs {
		if want := f.rows[ref]; want != got.rows[i] {
			t.Errorf("%s: row group %d, row %d: %q, was written %q", name, ref.Offset, ref.Line, got.rows[i], want)
			return
		}
	}
}

// TestOtherGroups checks that a damaged row group costs no row of another.
func TestOtherGroups(t *testing.T) {
	for _, f := range specimens(t) {
		if !f.summed {
			continue
		}
		b := bytes.Clone(f.b)
		b[footerAt(b)/2] ^= 0x10 // in the second of three row groups
		got := &table{}
		balance, rejects, err := read(t, b, got)
		if err == nil || !strings.Contains(err.Error(), "row group 1: ") || !strings.Contains(err.Error(), "of its 120 rows are lost") {
			t.Errorf("%s: error %v", f.name, err)
		}
		if balance.Parsed < 2*perGroup || balance.Rejected != 1 || rejects[0].Ref.Offset != 1 || int64(rejects[0].Ref.Line) != balance.Parsed-2*perGroup+1 {
			t.Errorf("%s: %+v, %+v", f.name, balance, rejects)
		}
		checkRows(t, f.name, f, got)
	}
}

func TestUnreadable(t *testing.T) {
	b := parquettest.Strings(t, peopleNames, people, 3)
	change := func(at int, s string) []byte { return append(append(bytes.Clone(b[:at]), s...), b[at+len(s):]...) }
	for want, b := range map[string][]byte{
		"does not begin with PAR1":   []byte("date,time\n2023-03-07,18:21:00\n"),
		"its footer, which says":     b[:len(b)-1],
		"encrypted":                  change(len(b)-4, "PARE"),
		"the footer of the Parquet":  change(len(b)-8, "\xff\xff\xff\x7f"),
		"footer of the Parquet file": change(footerAt(b), "\x00"),
	} {
		balance, rejects, err := read(t, b, &table{})
		if err == nil || !strings.Contains(err.Error(), want) || balance != (model.Balance{}) || len(rejects) > 0 {
			t.Errorf("want %q: %+v, %v", want, balance, err)
		}
	}
	if _, _, err := read(t, nil, &table{}); err == nil {
		t.Error("an empty file is none")
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range specimens(f) {
		f.Add(s.b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		before := allocated()
		balance, err := reader.Read(bytes.NewReader(b), int64(len(b)), 0, &table{}, func(model.Reject) {})
		if !balance.Holds() {
			t.Errorf("balance %+v, %v", balance, err)
		}
		if n := allocated() - before; n > 1<<30 {
			t.Errorf("%d bytes were allocated for %d", n, len(b))
		}
	})
}
