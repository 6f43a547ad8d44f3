package scan

import (
	"bytes"
	"io"
	"maps"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/inflate"
	"github.com/spillscope/spillscope/scan/internal/sniff"
	"github.com/spillscope/spillscope/scan/internal/survey"
)

// formatNames are the words for formats that people know.
var formatNames = map[string]string{
	"": "unreadable", sniff.CloudFront: "CloudFront standard log", sniff.RealTime: "CloudFront real-time log",
	sniff.JSONL: "JSON lines", sniff.CSV: "CSV table", sniff.ALB: "AWS load balancer log", sniff.Parquet: "Parquet table",
}

func formatName(format string) string {
	if name, ok := formatNames[format]; ok {
		return name
	}
	return format
}

// formatRank puts first what inspect reads to the end.
func formatRank(format string) int {
	switch format {
	case sniff.CloudFront:
		return 0
	case sniff.JSONL:
		return 1
	}
	return 2
}

// readable reports whether inspect reads more than the beginning.
func readable(format string) bool { return formatRank(format) < 2 }

const (
	headBytes = 1 << 20
	headLines = 400
)

// sniffed tells what an object is by its beginning. An object that breaks off
// later is told by reading it.
func sniffed(r io.Reader) (sniff.Found, error) {
	plain, _, err := inflate.Open(r)
	if err != nil {
		return sniff.Found{}, err
	}
	defer plain.Close()
	head, err := io.ReadAll(io.LimitReader(plain, sniff.Size))
	if len(head) == 0 && err != nil {
		return sniff.Found{}, err
	}
	defer clear(head) // it may hold sessions in clear
	return sniff.Of(head), nil
}

// heads keeps the first rows of an object.
type heads struct{ rows [][]byte }

func (h *heads) Line(_ model.Ref, line []byte) (decode.Outcome, string) {
	if line = bytes.TrimSpace(line); len(line) > 0 && len(h.rows) < headLines {
		h.rows = append(h.rows, bytes.Clone(line))
	}
	return decode.Parsed, ""
}

// head returns the first rows of an object, unwrapped, without those that its
// beginning cuts off.
func head(r io.Reader) ([][]byte, error) {
	plain, _, err := inflate.Open(r)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	var h heads
	start := &io.LimitedReader{R: plain, N: headBytes}
	_, err = decode.Records(start, 0, "", &h, func(model.Reject) {})
	if start.N == 0 && len(h.rows) > 1 && len(h.rows) < headLines {
		h.rows = h.rows[:len(h.rows)-1]
	}
	return h.rows, err
}

// maxHeads is how many objects of a source are looked at to guess its fields.
const maxHeads = 4

// guess guesses the fields of each JSON source.
func (s *inspection) guess() error {
	for _, src := range s.sources {
		if src.format == sniff.JSONL {
			s.guessSource(src)
		}
	}
	return nil
}

func (s *inspection) guessSource(src *InspectedSource) {
	var of []*inspected
	for _, o := range s.objects {
		if o.source == src {
			of = append(of, o)
		}
	}
	f := survey.NewFields(s.all.KnowsRequest)
	step := max(1, len(of)/maxHeads)
	for i := 0; i < len(of); i += step {
		for _, line := range s.head(of[i]) {
			f.Add(line)
			clear(line) // it may hold sessions in clear
		}
	}
	src.guess = f.Guess()
	src.Map = src.guess.Map
	if src.Map["time"] == "" {
		src.Problem = "no field looks like a time; not read further"
	}
}

// head returns the beginning of o. What is wrong with o shows when it is read.
func (s *inspection) head(o *inspected) [][]byte {
	file, err := s.store.Open(s.ctx, o.Object)
	if err != nil {
		return nil
	}
	defer file.Close()
	lines, _ := head(file)
	return lines
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
