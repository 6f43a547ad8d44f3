// Package sniff tells by the beginning of an object what it is: which of the
// formats that the incident file knows, what its rows are wrapped in, or, in
// words, why nothing of it can be read and what to do about that.
//
// It looks at bytes alone. Names of files lie: an error page is saved as
// .gz, a gzip file is unpacked and keeps its name.
package sniff

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/scan/internal/decode"
)

// The formats that can be read, as the incident file words them.
const (
	CloudFront = "cloudfront"
	RealTime   = "cloudfront-realtime"
	JSONL      = "jsonl"
	CSV        = "csv"
	Logfmt     = "logfmt"
	ALB        = "alb"
	Parquet    = "parquet"
)

// What an object can be besides.
const (
	Empty  = "empty"
	Text   = "other text"
	Binary = "binary"
)

// Size is how much of the beginning of an object Of is best given.
const Size = 64 << 10

// Found is what an object looks like.
type Found struct {
	Format  string // one of the words above, or what else it is, in words
	Unwrap  string // what its rows are wrapped in, as decode.Records has it
	Advice  string // what to do, where the incident file knows no such format
	Opaque  bool   // no decoder can read a row of it
	Columns int    // of a row of CloudFront, where no line before it names them
}

// Known reports whether the incident file has a word for the format.
func (f Found) Known() bool {
	switch f.Format {
	case CloudFront, RealTime, JSONL, CSV, Logfmt, ALB, Parquet:
		return true
	}
	return false
}

// Look completes "the object looks …".
func (f Found) Look() string {
	switch f.Format {
	case Empty, Binary:
		return f.Format
	}
	return "like " + f.Format
}

// Of tells what an object is by its first bytes, decompressed.
func Of(head []byte) Found {
	if len(head) == 0 {
		return Found{Format: Empty}
	}
	if f, ok := byMagic(head); ok {
		return f
	}
	if decode.LooksBinary(head[:min(len(head), 4<<10)]) {
		return Found{Format: Binary, Opaque: true, Advice: "if it was packed or encrypted, undo that"}
	}
	if f, ok := byMarkup(head); ok {
		return f
	}
	if fastlyRow.Match(head[:min(len(head), 4<<10)]) {
		return Found{Format: "Fastly log", Advice: notRead}
	}
	rows, unwrap := decode.Peek(head)
	f := ofRows(rows)
	f.Unwrap = unwrap
	return f
}

// ofRows tells the format by the first row that is like one.
func ofRows(rows [][]byte) Found {
	if len(rows) == 0 {
		return Found{Format: Empty}
	}
	defer func() {
		for _, row := range rows {
			clear(row) // it may hold a session in clear
		}
	}()
	for _, row := range rows {
		if f, ok := ofRow(bytes.TrimSpace(row)); ok {
			return f
		}
	}
	return Found{Format: Text, Advice: "no format of this version; say in the incident file what it is, if it is one"}
}

var (
	stampedRow  = regexp.MustCompile(`^\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\t[^\t]+\t`)
	realTimeRow = regexp.MustCompile(`^\d{10}\.\d{3}\t`)
	fastlyRow   = regexp.MustCompile(`(?m)^<\d{1,3}>(1 )?\S+ cache-[a-z]{3}-?[a-z]*\d{4,}\S* `) // by a node's name (formats.md 4)
	albRow      = regexp.MustCompile(`^(https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z (app/)?\S+ \S+:\d+ `)
	logfmtRow   = regexp.MustCompile(`^[A-Za-z_][\w.\-]*=("([^"\\]|\\.)*"|[^\s"]*)( +[A-Za-z_][\w.\-]*=("([^"\\]|\\.)*"|[^\s"]*))+\s*$`)
	location    = regexp.MustCompile(`^[A-Z]{3}\d{1,2}-[A-Z]{1,2}\d{1,2}$`)
	result      = regexp.MustCompile(`^(Hit|RefreshHit|OriginShieldHit|Miss|Error|Redirect|LimitExceeded|CapacityExceeded)$`)
	csvHeader   = regexp.MustCompile(`^"?[A-Za-z_@][A-Za-z0-9_ .@()\-]*"?([,;\t|]"?[A-Za-z_@][A-Za-z0-9_ .@()\-]*"?)+$`)
)

func ofRow(row []byte) (Found, bool) {
	lower := strings.ToLower(string(row[:min(len(row), 4<<10)]))
	switch {
	case strings.HasPrefix(lower, "#fields") && strings.Contains(lower, "x-edge-location"):
		return Found{Format: CloudFront}, true
	case strings.HasPrefix(lower, "#fields"):
		return Found{Format: "W3C log, not of CloudFront", Advice: "this version reads CloudFront's alone; export it as JSON lines or CSV if it is the application's"}, true
	case row[0] == '#':
		return Found{}, false
	case stampedRow.Match(row):
		return Found{Format: CloudFront, Columns: bytes.Count(row, []byte{'\t'}) + 1}, true
	case realTimeRow.Match(row):
		return Found{Format: RealTime, Columns: bytes.Count(row, []byte{'\t'}) + 1}, true
	case row[0] == '{':
		return ofObject(row)
	case albRow.Match(row):
		return Found{Format: ALB}, true
	case logfmtRow.Match(row):
		return Found{Format: Logfmt}, true
	case csvHeader.Match(row):
		return Found{Format: CSV}, true
	}
	n := plainColumns(row)
	return Found{Format: CloudFront, Columns: n}, n > 0
}

// plainColumns returns how many columns a row of standard logging v2 has that
// is written plain: no line names them, so the row is told by two values that
// nothing else has side by side, an edge location and what the cache did
// (formats.md 2). 0: it is none.
func plainColumns(row []byte) int {
	for _, delimiter := range [...]string{"\t", "|", ";", ",", " "} {
		cells := bytes.Split(row, []byte(delimiter))
		if slices.ContainsFunc(cells, location.Match) && slices.ContainsFunc(cells, result.Match) {
			return len(cells)
		}
	}
	return 0
}

const notRead = "a CDN whose logs this version does not read: it reads CloudFront's"

// cdns are the logs of CDNs that are written as JSON, by keys that no other
// log has.
var cdns = [...]struct {
	format string
	keys   []string
}{
	{CloudFront, []string{"x-edge-location", "x-edge-result-type", "x-edge-request-id"}},
	{"Cloudflare log", []string{"RayID", "EdgeStartTimestamp", "CacheCacheStatus"}},
	{"Fastly log", []string{"fastly_info", "fastly_server", "fastly_is_edge"}},
	{"Akamai DataStream log", []string{"reqTimeSec", "turnAroundTimeMSec", "cliIP"}},
	{"Azure Front Door log", []string{"trackingReference"}},
	{"log of a CDN", []string{"cacheStatus"}},
}

func ofObject(row []byte) (Found, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(row, &object) != nil && len(row) < Size {
		return Found{}, false
	}
	for _, cdn := range cdns {
		for _, k := range cdn.keys {
			if _, ok := object[k]; !ok {
				continue
			}
			if cdn.format == CloudFront {
				return Found{Format: CloudFront}, true
			}
			return Found{Format: cdn.format, Advice: notRead}, true
		}
	}
	return Found{Format: JSONL}, true
}
