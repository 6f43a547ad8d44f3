package scan

import (
	"maps"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/calibrate"
)

// headerSizes holds the header bytes of hits by protocol: HTTP/2 and HTTP/3
// compress what HTTP/1.1 does not.
type headerSizes map[string]*calibrate.Headers

// headerRatios is what they say, by protocol.
type headerRatios map[string]*calibrate.Ratios

func (s headerSizes) ratios() headerRatios {
	out := headerRatios{}
	for protocol, sizes := range s {
		out[protocol] = sizes.Ratios()
	}
	return out
}

// The share of a hit's candidates from which it counts as one that carried a
// session, and below which as one that carried none.
const (
	carried   = 0.9
	carriedNo = 0.1
)

// bytesOf returns the header bytes of a response whose row shows them.
func bytesOf(e *model.EdgeRow) (n int64, ok bool) {
	whole := e.Method == "GET" && e.Status == 200 && e.Result != "Error" && e.Bytes > 0 && e.ContentLength >= 0
	return e.Bytes - e.ContentLength, whole
}

// add notes the header bytes of a hit whose candidates agree on whether they
// carried a session.
func (s headerSizes) add(h *hit) {
	e := &h.Row.Edge
	n, ok := bytesOf(e)
	if !ok {
		return
	}
	p, open := 0.0, h.Unknown // of fills of which nothing is known, any may have carried one
	for _, c := range h.Candidates {
		switch {
		case !c.Hold.Bears:
		case c.Hold.known():
			p += c.P
		default:
			open += c.P
		}
	}
	if p > carriedNo && p < carried || p <= carriedNo && open > carriedNo {
		return
	}
	sizes := s[e.Protocol]
	if sizes == nil {
		sizes = new(calibrate.Headers)
		s[e.Protocol] = sizes
	}
	sizes.Add(p >= carried, n)
}

// bareBytes is the ratio below which a hit's headers are too small for a cookie.
const bareBytes = 0.1

// of returns how much likelier the header bytes of e are if it carried a
// session than if not.
func (r headerRatios) of(e *model.EdgeRow) float64 {
	n, ok := bytesOf(e)
	if !ok {
		return 1
	}
	return r[e.Protocol].Of(n)
}

// weigh lets the header bytes of h speak for its candidates that carried a
// session, or against them. A fill that is not listed may be of either kind.
func (r headerRatios) weigh(h *hit) {
	ratio := r.of(&h.Row.Edge)
	if ratio == 1 || len(h.Candidates) == 0 {
		return
	}
	h.Unknown *= (ratio + 1) / 2
	total := h.Unknown
	for i := range h.Candidates {
		if h.Candidates[i].Hold.Bears {
			h.Candidates[i].P *= ratio
		}
		total += h.Candidates[i].P
	}
	for i := range h.Candidates {
		h.Candidates[i].P /= total
	}
	h.Unknown /= total
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
