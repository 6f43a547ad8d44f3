package scan

import (
	"maps"
	"slices"

	"github.com/spillscope/spillscope/model/calibrate"
)

// headerSizes holds the header bytes of hits by protocol: HTTP/2 and HTTP/3
// compress what HTTP/1.1 does not.
type headerSizes map[string]*calibrate.Headers

// The share of a hit's candidates from which it counts as one that carried a
// session, and below which as one that carried none.
const (
	carried   = 0.9
	carriedNo = 0.1
)

// add notes the header bytes of a hit whose row shows them and whose
// candidates agree on whether they carried a session.
func (s headerSizes) add(h *hit) {
	e := &h.Row.Edge
	if e.Method != "GET" || e.Status != 200 || e.Result == "Error" || e.Bytes <= 0 || e.ContentLength < 0 {
		return
	}
	p := 0.0
	for _, c := range h.Candidates {
		if c.Hold.Bears && !c.Hold.Session.IsZero() {
			p += c.P
		}
	}
	if p > carriedNo && p < carried || p <= carriedNo && h.Unknown > carriedNo {
		return
	}
	sizes := s[e.Protocol]
	if sizes == nil {
		sizes = new(calibrate.Headers)
		s[e.Protocol] = sizes
	}
	sizes.Add(p >= carried, e.Bytes-e.ContentLength)
}

func (s headerSizes) report() []calibrate.HeaderSizes {
	var out []calibrate.HeaderSizes
	for _, protocol := range slices.Sorted(maps.Keys(s)) {
		out = append(out, s[protocol].Read(protocol))
	}
	return out
}

// headers asks whether the bytes of the hits bear out that they carried a cookie.
func (d *diagnosis) headers() {
	for _, h := range d.headerSizes.report() {
		if h.Agrees != nil && !*h.Agrees {
			d.warn("only %.0f %% of %d hits over %s that should have carried a session have larger headers than hits that carried none (medians %d and %d bytes): was Set-Cookie removed at the edge? If so, state the span as cookie.stripped",
				100*h.Larger, h.With, h.Protocol, h.MedianWith, h.MedianWithout)
		}
	}
}
