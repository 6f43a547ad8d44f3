package cloudfront

import (
	"bytes"
	"strings"

	"github.com/spillscope/spillscope/scan/internal/decode"
)

// column is a column that the decoder reads.
type column int

const (
	colDate column = iota
	colTime
	colLocation
	colBytes
	colClient
	colMethod
	colDistribution
	colPath
	colStatus
	colReferer
	colAgent
	colQuery
	colCookie
	colResult
	colID
	colHost
	colScheme
	colTaken
	colResponseResult
	colProtocol
	colPort
	colFirstByte
	colDetailed
	colContentType
	colContentLength
	colRangeStart
	colRangeEnd
	colTimestamp
	colMillis
	colDistributionID
	colOriginFirst
	numColumns
)

// columnNames are the names in the documentation's spelling, for people.
var columnNames = [numColumns]string{"date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method",
	"cs(host)", "cs-uri-stem", "sc-status", "cs(referer)", "cs(user-agent)", "cs-uri-query", "cs(cookie)",
	"x-edge-result-type", "x-edge-request-id", "x-host-header", "cs-protocol", "time-taken",
	"x-edge-response-result-type", "cs-protocol-version", "c-port", "time-to-first-byte",
	"x-edge-detailed-result-type", "sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end",
	"timestamp", "timestamp(ms)", "distributionid", "origin-fbl"}

// columnOf finds a column by the folded name. cs(Host), cs_Host and cs-host
// fold alike; what cs-host means is another matter, see Options.Realtime.
var columnOf = func() map[string]column {
	m := map[string]column{
		"cs-referrer":             colReferer, // so in tables that people declared by hand
		"distribution-id":         colDistributionID,
		"primary-distribution-id": colDistributionID,
	}
	for c, name := range columnNames {
		m[fold([]byte(name))] = column(c)
	}
	return m
}()

// fold brings the spellings of a column name to one: Parquet and Athena write
// x_edge_location and cs_Host where the log says x-edge-location and cs(Host).
func fold(name []byte) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch r {
		case '_', '(', ')':
			return '-'
		}
		return r
	}, strings.ToLower(string(name))), "-")
}

// noColumn is where a name leads that the decoder does not read.
const noColumn column = -1

func lookup(name []byte) column {
	if c, ok := columnOf[fold(name)]; ok {
		return c
	}
	return noColumn
}

// standardFields is the order of all legacy logs since 2012; each extension
// was appended, so older rows are shorter and nothing else.
const standardFields = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status " +
	"cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header " +
	"cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type " +
	"cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type " +
	"sc-content-type sc-content-len sc-range-start sc-range-end distribution-tenant-id connection-id"

// standardNames are the folded names of the legacy log.
var standardNames = func() []string {
	names := strings.Fields(standardFields)
	for i, name := range names {
		names[i] = fold([]byte(name))
	}
	return names
}()

// plausibleCount reports whether a log has ever had n columns (formats.md 1.1).
func plausibleCount(n int) bool {
	switch n {
	case 12, 15, 18, 19, 23, 24, 26, 33, 34, 35:
		return true
	}
	return false
}

// required are the columns without which a row says nothing, but for its
// stamp, of which there are several: at which cache, who, what was asked and
// what became of it. Every log since 2012 has them. x-edge-result-type joins
// them where the header names it: a row that ends before it is cut off, and a
// hit could pass for an unknown. Logs of 12 columns never had it.
var required = [...]column{colLocation, colClient, colMethod, colPath, colStatus}

// lead is the stamp that a row begins with. Where it is outside what was asked
// for, the rest of the row need not be looked at.
type lead uint8

const (
	leadNone  lead = iota
	leadDay        // date, then time
	leadEpoch      // timestamp or timestamp(ms)
)

// layout says where the columns are.
type layout struct {
	at      [numColumns]int // index in the row, or -1
	width   int             // number of columns named
	need    int             // columns that a row must have at least
	exact   bool            // a row has all of them and no other
	missing string          // reason why no row of this layout can be read, or ""
	lead    lead
	delim   []byte // between columns; nil: not found out yet
	legacy  bool   // the columns of the legacy log, in its order
	columns uint64 // hash of the names
}

// newLayout places the named columns.
func newLayout(names [][]byte) *layout {
	l := &layout{width: len(names), legacy: true}
	for c := range l.at {
		l.at[c] = -1
	}
	for i, name := range names {
		l.columns = decode.Hash(l.columns, name)
		l.legacy = l.legacy && i < len(standardNames) && fold(name) == standardNames[i]
		if c := lookup(name); c != noColumn && l.at[c] < 0 {
			l.at[c] = i
		}
	}
	l.settle()
	return l
}

// settle works out what follows from the places of the columns.
func (l *layout) settle() {
	day := l.at[colDate] >= 0 && l.at[colTime] >= 0
	epoch := l.at[colTimestamp] >= 0 || l.at[colMillis] >= 0
	switch {
	case !day && !epoch:
		l.missing = "the list of columns names no date and time, and no timestamp"
	case !epoch:
		l.need = max(l.at[colDate], l.at[colTime]) + 1
	}
	for _, c := range required {
		if l.at[c] < 0 && l.missing == "" {
			l.missing = "the list of columns names no " + columnNames[c]
		}
		l.need = max(l.need, l.at[c]+1)
	}
	l.need = max(l.need, l.at[colResult]+1)
	switch {
	case l.at[colDate] == 0 && l.at[colTime] == 1:
		l.lead = leadDay
	case l.at[colTimestamp] == 0 || l.at[colMillis] == 0:
		l.lead = leadEpoch
	}
}

// lacks returns the needed column that a row of n columns ends before.
func (l *layout) lacks(n int) column {
	for _, c := range required {
		if l.at[c] >= n {
			return c
		}
	}
	for _, c := range [...]column{colDate, colTime} {
		if l.at[c] >= n && l.at[colResult] < n {
			return c
		}
	}
	return colResult
}

// swapHosts exchanges the two columns of hosts, whose names mean the opposite
// in real-time logs (formats.md 3).
func (l *layout) swapHosts() {
	l.at[colDistribution], l.at[colHost] = l.at[colHost], l.at[colDistribution]
}

// namesOf parts the names of a #Fields line. They are separated by spaces in
// most logs, by tabs in some, and by the delimiter of a delivery that set one:
// by all that no name holds.
func namesOf(list []byte) [][]byte {
	return bytes.FieldsFunc(list, func(r rune) bool {
		named := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '(' || r == ')'
		return !named
	})
}

// delimiters are those that are looked for, if the source names none.
var delimiters = [...]string{"\t", ",", ";", "|", " "}

// delimiterOf returns what parts the columns of line, a row of l; nil if it is
// none of the usual ones.
func (l *layout) delimiterOf(line []byte) []byte {
	for _, d := range delimiters {
		n := bytes.Count(line, []byte(d))
		if n+1 == l.width || d == "\t" && n > 0 { // a row may be cut off, or longer than its header
			return []byte(d)
		}
	}
	return nil
}
