package scan

import (
	"slices"

	"github.com/spillscope/spillscope/scan/internal/decode/origin"
)

// notes is what decoding noticed besides rows, for diagnoses: also about rows
// outside the spans.
type notes struct {
	origin      origin.Stats
	edgeCookies bool // some edge row had a cookie logged
	cookieRows  int64
	sessionRows int64 // of them, with a session of the incident's cookie
	badForms    int64
	withoutID   int64 // origin rows without a request id
	cutCookies  int64 // rows whose Cookie header a real-time log cut off
	warnings    []string
}

func (n *notes) warn(text string) { n.warnings = append(n.warnings, text) }

// merge adds o. The order of merging does not show.
func (n *notes) merge(o *notes) {
	n.origin.Merge(o.origin)
	n.edgeCookies = n.edgeCookies || o.edgeCookies
	n.cookieRows += o.cookieRows
	n.sessionRows += o.sessionRows
	n.badForms += o.badForms
	n.withoutID += o.withoutID
	n.cutCookies += o.cutCookies
	n.warnings = append(n.warnings, o.warnings...)
	slices.Sort(n.warnings)
}
