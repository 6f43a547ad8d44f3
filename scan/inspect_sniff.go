package scan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/cloudfront"
	"github.com/spillscope/spillscope/scan/internal/decode/delimited"
	"github.com/spillscope/spillscope/scan/internal/decode/logfmt"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
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

// formatRank puts first what inspect reads to the end, and of it the edge.
func formatRank(src *InspectedSource) int {
	switch {
	case src.format == sniff.CloudFront, src.format == sniff.RealTime:
		return 0
	case src.table != "":
		return 2
	case mappable(src.format), src.format == sniff.ALB:
		return 1
	}
	return 3
}

// mappable reports whether rows of a format are read by a map.
func mappable(name string) bool {
	return name != sniff.ALB && slices.ContainsFunc(formats[:], func(f format) bool { return f.kind == model.SourceOrigin && f.name == name })
}

const (
	headBytes = 1 << 20
	headLines = 400
)

// sniffed tells what an object is by its beginning, and what its columns are
// called. An object that breaks off later is told by reading it.
func sniffed(r io.Reader) (sniff.Found, []string, error) {
	plain, _, err := inflate.Open(r)
	if err != nil {
		return sniff.Found{}, nil, err
	}
	defer plain.Close()
	head, err := io.ReadAll(io.LimitReader(plain, sniff.Size))
	if len(head) == 0 && err != nil {
		return sniff.Found{}, nil, err
	}
	defer clear(head) // it may hold sessions in clear
	found := sniff.Of(head)
	return found, namesIn(head, found.Format), nil
}

// namesIn returns what the columns of a table are called, or the fields of the
// first row.
func namesIn(head []byte, format string) (names []string) {
	if format != sniff.CSV && format != sniff.JSONL {
		return nil
	}
	rows, _ := decode.Peek(head)
	defer func() {
		for _, row := range rows {
			clear(row)
		}
	}()
	for _, row := range rows {
		var cells delimited.Splitter
		var object map[string]json.RawMessage
		switch {
		case format == sniff.CSV:
			for _, cell := range cells.Split(row) {
				names = append(names, strings.TrimSpace(string(cell)))
			}
			cells.Wipe()
		case json.Unmarshal(row, &object) == nil:
			names = sortedKeys(object)
		}
		if len(names) > 0 {
			return names
		}
	}
	return nil
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

// guess guesses what each source is that is read by a map, and the map.
func (s *inspection) guess() error {
	for _, src := range s.sources {
		switch {
		case src.format == sniff.CloudFront:
			src.Kind = model.SourceEdge
		case src.format == sniff.ALB:
			src.Kind = model.SourceOrigin
		case src.table != "":
			src.Problem = src.noLog()
		case mappable(src.format):
			s.guessSource(src)
		}
	}
	s.at.ObjectsTotal, s.at.BytesTotal = 0, 0
	for _, o := range s.objects {
		if o.source.Kind != "" {
			s.at.ObjectsTotal++
			s.at.BytesTotal += o.Size
		}
	}
	return nil
}

func (s *inspection) guessSource(src *InspectedSource) {
	of := s.objectsOf(src)
	f := survey.NewFields(s.all.KnowsRequest)
	step := max(1, len(of)/maxHeads)
	for i := 0; i < len(of); i += step {
		s.addFields(f, of[i])
	}
	src.guess = f.Guess()
	kind, ok := src.guess.Kind()
	tabular := src.format == sniff.CSV || src.format == sniff.Parquet
	switch {
	case tabular && s.likeEdge(src.names):
		src.Problem = "has the columns of a CloudFront log: give the files as CloudFront delivered them, or a source of kind: edge with these columns as fields"
	case tabular && !origin.IsHeader(src.names), tabular && !ok:
		src.Problem = src.noLog()
	case src.guess.Map["time"] == "":
		src.Problem = "no field looks like a time; not read further"
	case !ok:
		src.Problem = "no log of requests: of its fields none looks like a request id that the CDN's log has, nor like path, method or status; nor does it say who was there from where"
	default:
		src.Kind, src.Map = kind, src.guess.Map
		s.guessZone(src, of[0])
	}
}

// likeEdge reports whether a table of such columns is a log of CloudFront.
func (s *inspection) likeEdge(names []string) bool {
	_, err := cloudfront.New(s.dec, cloudfront.Options{}, nil).Bind(names)
	return err == nil
}

func (s *inspection) objectsOf(src *InspectedSource) (of []*inspected) {
	for _, o := range s.objects {
		if o.source == src {
			of = append(of, o)
		}
	}
	return of
}

// addFields shows f the first rows of o.
func (s *inspection) addFields(f *survey.Fields, o *inspected) {
	if o.columnar {
		var into tableHead
		_, _ = s.columns(o, &into, headLines, func(model.Reject) {}) // what is wrong shows when it is read
		for _, row := range into.rows {
			f.AddValues(into.names, row)
		}
		return
	}
	var cells delimited.Splitter
	var names []string
	defer cells.Wipe()
	for _, line := range s.head(o) {
		switch o.found.Format {
		case sniff.JSONL:
			f.Add(line)
		case sniff.Logfmt:
			addPairs(f, line)
		case sniff.CSV:
			if row := cells.Split(line); names != nil {
				f.AddValues(names, row)
			} else {
				names = o.names
			}
		}
		clear(line) // it may hold sessions in clear
	}
}

func addPairs(f *survey.Fields, line []byte) {
	var names []string
	var values [][]byte
	logfmt.Pairs(line, func(key, value []byte) {
		names, values = append(names, string(key)), append(values, bytes.Clone(value))
	})
	f.AddValues(names, values)
	for _, v := range values {
		clear(v)
	}
}

// tableHead keeps rows of named columns.
type tableHead struct {
	names []string
	rows  [][][]byte
}

func (h *tableHead) Bind(names []string) ([]int, error) {
	h.names = names
	places := make([]int, len(names))
	for i := range places {
		places[i] = i
	}
	return places, nil
}

func (h *tableHead) Row(_ model.Ref, values [][]byte) (decode.Outcome, string) {
	row := make([][]byte, len(values))
	for i, v := range values {
		row[i] = bytes.Clone(v)
	}
	h.rows = append(h.rows, row)
	return decode.Parsed, ""
}

// Stamps without an offset are taken for UTC, unless those of rows whose
// request the edge logged say otherwise.
const (
	zoneStep  = time.Hour
	zoneSlack = 5 * time.Minute // that clocks may differ by, and requests take
	zoneRows  = 5
)

// guessZone finds out in which zone the stamps of a source are.
func (s *inspection) guessZone(src *InspectedSource, o *inspected) {
	if !src.guess.NoZone {
		return
	}
	src.zone = "UTC"
	if !src.guess.Checked {
		return
	}
	var lags []time.Duration
	d, err := s.decoder(src, s.dec.NewMemo(), func(r *model.OriginRow) bool {
		if at, ok := s.all.StartOf(r.RequestID); ok {
			lags = append(lags, r.Time.Lo.Sub(at))
		}
		return true
	})
	if err != nil {
		return
	}
	if o.columnar {
		if into, ok := d.(decode.Columnar); ok {
			_, _ = s.columns(o, into, headLines, func(model.Reject) {})
		}
	} else {
		for _, line := range s.head(o) {
			d.Line(model.Ref{}, line)
			clear(line)
		}
	}
	if len(lags) < zoneRows {
		return
	}
	slices.Sort(lags)
	lag := lags[len(lags)/2]
	ahead := lag.Round(zoneStep)
	if hours := int(ahead / time.Hour); hours != 0 && -12 <= hours && hours <= 14 && (lag-ahead).Abs() < zoneSlack {
		src.zone = fmt.Sprintf("Etc/GMT%+d", -hours) // these names count to the west
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
