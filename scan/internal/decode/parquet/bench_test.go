package parquet_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	reader "github.com/spillscope/spillscope/scan/internal/decode/parquet"
	"github.com/spillscope/spillscope/scan/internal/decode/parquet/parquettest"
)

// sink wants so many columns and drops the rows. If it measures, it remembers
// the most that was alive on the heap.
type sink struct {
	columns  int
	measures bool
	peak     uint64
}

func (s *sink) Bind([]string) (places []int, err error) {
	for i := range s.columns {
		places = append(places, i)
	}
	return places, nil
}

func (s *sink) Row(ref model.Ref, _ [][]byte) (decode.Outcome, string) {
	if s.measures && ref.Line%5_000 == 0 {
		s.peak = max(s.peak, alive())
	}
	return decode.Parsed, ""
}

func alive() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// wide is a log of 30 columns, as long as those of a CDN.
func wide(b *testing.B, rows, perGroup int) []byte {
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("column_%d", i))
	}
	var cells [][]string
	for i := range rows {
		row := []string{"2023-03-07", fmt.Sprintf("%02d:%02d:%02d", i/3600%24, i/60%60, i%60), fmt.Sprintf("%056x", i*2654435761)}
		for k := len(row); k < len(names); k++ {
			row = append(row, fmt.Sprintf("value %d", i%(7*k)))
		}
		cells = append(cells, row)
	}
	return parquettest.Strings(b, names, cells, perGroup, parquet.WithCompression(compress.Codecs.Snappy))
}

// BenchmarkRead reads a log of 30 columns whole and by a third of its columns,
// in row groups of two sizes: live-MB is what stays of it in memory.
func BenchmarkRead(b *testing.B) {
	const rows = 100_000
	for _, perGroup := range []int{10_000, rows} {
		file := wide(b, rows, perGroup)
		for _, columns := range []int{30, 10} {
			b.Run(fmt.Sprintf("%d columns, groups of %d", columns, perGroup), func(b *testing.B) {
				s := &sink{columns: columns}
				b.ReportAllocs()
				b.SetBytes(int64(len(file)))
				for b.Loop() {
					balance, err := reader.Read(bytes.NewReader(file), int64(len(file)), 0, s, func(model.Reject) {})
					if err != nil || balance.Parsed != rows {
						b.Fatal(balance, err)
					}
				}
				b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric(float64(len(file))/rows, "stored-B/row")
				m, before := &sink{columns: columns, measures: true}, alive()
				if _, err := reader.Read(bytes.NewReader(file), int64(len(file)), 0, m, func(model.Reject) {}); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(m.peak-before)/(1<<20), "live-MB")
			})
		}
	}
}
