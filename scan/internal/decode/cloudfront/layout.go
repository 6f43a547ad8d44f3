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
	numColumns
)

var columnNames = [numColumns]string{"date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method",
	"cs(host)", "cs-uri-stem", "sc-status", "cs(referer)", "cs(user-agent)", "cs-uri-query", "cs(cookie)",
	"x-edge-result-type", "x-edge-request-id", "x-host-header", "cs-protocol", "time-taken",
	"x-edge-response-result-type", "cs-protocol-version", "c-port", "time-to-first-byte",
	"x-edge-detailed-result-type", "sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end"}

// standardFields is the order of all standard logs since 2012; each extension
// was appended, so older rows are shorter and nothing else.
const standardFields = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status " +
	"cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header " +
	"cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type " +
	"cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type " +
	"sc-content-type sc-content-len sc-range-start sc-range-end distribution-tenant-id connection-id"

// plausibleCount reports whether a log has ever had n columns (formats.md 1.1).
func plausibleCount(n int) bool {
	switch n {
	case 12, 15, 18, 19, 23, 24, 26, 33, 34, 35:
		return true
	}
	return false
}

// required are the columns without which a row says nothing: when, at which
// cache, who, what was asked and what became of it. Every log since 2012 has
// them. x-edge-result-type joins them where the header names it: a row that
// ends before it is cut off, and a hit could pass for an unknown. Logs of 12
// columns never had it.
var required = [...]column{colDate, colTime, colLocation, colClient, colMethod, colPath, colStatus}

// shared are the columns that tell whether two rows of one request id are the
// same row: those of all logs with an id, but for the cookie, whose logging
// is a setting that can differ between two deliveries of one request.
var shared = [...]column{colDate, colTime, colLocation, colBytes, colClient, colMethod, colDistribution,
	colPath, colStatus, colReferer, colAgent, colQuery, colResult}

// layout says where the columns are.
type layout struct {
	at         [numColumns]int // index in the row, or -1
	width      int             // number of columns named
	need       int             // columns that a row must have at least
	missing    string          // reason why no row of this layout can be read, or ""
	stampFirst bool            // date and time are the first two columns
	columns    uint64          // hash of the names
}

// newLayout reads the names of a #Fields line; some writers separate them
// with tabs.
func newLayout(names []byte) *layout {
	l := &layout{}
	for c := range l.at {
		l.at[c] = -1
	}
	for i, name := range bytes.Fields(names) {
		l.width++
		l.columns = decode.Hash(l.columns, name)
		lower := strings.ToLower(string(name))
		for c, want := range columnNames {
			if lower == want && l.at[c] < 0 {
				l.at[c] = i
			}
		}
	}
	for _, c := range required {
		if l.at[c] < 0 {
			l.missing = "the #Fields line names no " + columnNames[c]
			break
		}
		l.need = max(l.need, l.at[c]+1)
	}
	l.need = max(l.need, l.at[colResult]+1)
	l.stampFirst = l.at[colDate] == 0 && l.at[colTime] == 1
	return l
}

// lacks returns the needed column that a row of n columns ends before.
func (l *layout) lacks(n int) column {
	for _, c := range required {
		if l.at[c] >= n {
			return c
		}
	}
	return colResult
}
