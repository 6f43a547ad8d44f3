package scan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/inflate"
	"github.com/spillscope/spillscope/scan/internal/survey"
)

// logFormat is what an object looks like. Those that can be read come first.
type logFormat uint8

const (
	formatUnknown logFormat = iota // could not even be opened
	formatCloudFront
	formatJSON
	formatJSONEdge
	formatSyslogJSON
	formatW3C
	formatCSV
	formatText
	formatBinary
	formatEmpty
)

var formatNames = [...]string{"unreadable", "CloudFront standard log", "JSON lines", "JSON lines of a CDN", "JSON lines behind a prefix",
	"W3C log, not of CloudFront", "CSV table", "other text", "binary", "empty"}

func (f logFormat) String() string { return formatNames[f] }

// readable reports whether inspect reads more than the beginning.
func (f logFormat) readable() bool { return f == formatCloudFront || f == formatJSON }

const (
	headBytes  = 1 << 20
	sniffLines = 20
	headLines  = 400
)

// sniff tells the format of an object by its beginning. An object that breaks
// off later is told by reading it.
func sniff(r io.Reader) (logFormat, error) {
	lines, err := head(r, sniffLines)
	switch {
	case errors.Is(err, decode.ErrBinary):
		return formatBinary, nil
	case len(lines) > 0:
		return formatOf(lines), nil
	case err != nil:
		return formatUnknown, err
	}
	return formatEmpty, nil
}

// head returns the first lines of an object that are not empty, without those
// that its beginning cuts off.
func head(r io.Reader, most int) ([][]byte, error) {
	plain, _, err := inflate.Open(r)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	in := bufio.NewReaderSize(io.LimitReader(plain, headBytes), 64<<10)
	start, err := in.Peek(4 << 10)
	if len(start) == 0 {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return nil, err
	}
	if !isText(start) {
		return nil, decode.ErrBinary
	}
	var lines [][]byte
	for len(lines) < most {
		line, err := in.ReadBytes('\n')
		complete := err == nil || len(lines) == 0
		if line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))); len(line) > 0 && complete {
			lines = append(lines, line)
		}
		if err != nil {
			break
		}
	}
	return lines, nil
}

// isText reports whether b is text rather than binary data.
func isText(b []byte) bool {
	odd := 0
	for i := 0; i < len(b); {
		c, n := utf8.DecodeRune(b[i:])
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == utf8.RuneError && n == 1 {
			odd++
		}
		i += n
	}
	return odd*10 <= len(b)
}

var (
	stampedRow = regexp.MustCompile(`^\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t[^\t]+\t`)
	prefixed   = regexp.MustCompile(`^[^{"\t]{1,200}\{".*\}$`)
)

func formatOf(lines [][]byte) logFormat {
	for _, line := range lines {
		lower := strings.ToLower(string(line[:min(len(line), 4<<10)]))
		switch {
		case strings.HasPrefix(lower, "#fields") && strings.Contains(lower, "x-edge-location"):
			return formatCloudFront
		case strings.HasPrefix(lower, "#fields"):
			return formatW3C
		case line[0] == '#':
		case stampedRow.Match(line):
			return formatCloudFront
		case line[0] == '{':
			if f := jsonFormat(line); f != formatText {
				return f
			}
		case prefixed.Match(line):
			return formatSyslogJSON
		case csvHeader.Match(line):
			return formatCSV
		}
	}
	return formatText
}

var csvHeader = regexp.MustCompile(`^"?[A-Za-z_][A-Za-z0-9_ ]*"?(,"?[A-Za-z_][A-Za-z0-9_ ]*"?)+$`)

// cdnKeys are fields that only logs of CDNs have: hits and misses, not what an
// application saw.
var cdnKeys = []string{"RayID", "EdgeStartTimestamp", "CacheCacheStatus", "cacheStatus", "x-edge-location", "x-edge-result-type"}

func jsonFormat(line []byte) logFormat {
	var row map[string]json.RawMessage
	if json.Unmarshal(line, &row) != nil {
		return formatText
	}
	for _, k := range cdnKeys {
		if _, ok := row[k]; ok {
			return formatJSONEdge
		}
	}
	return formatJSON
}

// maxHeads is how many objects of a source are looked at to guess its fields.
const maxHeads = 4

// guess guesses the fields of each JSON source.
func (s *inspection) guess() error {
	for _, src := range s.sources {
		if src.format == formatJSON {
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
	lines, err := head(file, headLines)
	if err != nil {
		return nil
	}
	return lines
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
