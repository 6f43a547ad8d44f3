package calibrate

import "slices"

// Headers compares the sizes of response headers: of hits that reconstruction
// says carried a session with those it says carried none. No CDN logs
// Set-Cookie, but its bytes are counted (semantics.md A2.14), so the log itself
// can contradict that cookies reached clients. The zero Headers is empty and
// ready to use.
type Headers struct {
	with, without sizes
}

// sizes is a histogram of header sizes.
type sizes [largest / sizeStep]int64

const (
	sizeStep = 8
	largest  = 16 << 10
)

// Add notes the header bytes of a hit.
func (h *Headers) Add(carried bool, bytes int64) {
	s := &h.without
	if carried {
		s = &h.with
	}
	s[stepOfSize(bytes)]++
}

// Merge adds what o has seen.
func (h *Headers) Merge(o *Headers) {
	for i := range h.with {
		h.with[i] += o.with[i]
		h.without[i] += o.without[i]
	}
}

// HeaderSizes is what Headers says. Larger is the share of the hits that
// should have carried a cookie whose headers are larger than those of nineteen
// in twenty of the others.
type HeaderSizes struct {
	Protocol      string  `json:"protocol"`
	With          int64   `json:"hits_with_session"`
	Without       int64   `json:"hits_without_session"`
	MedianWith    int64   `json:"median_header_bytes_with"`
	MedianWithout int64   `json:"median_header_bytes_without"`
	Larger        float64 `json:"share_larger"`
	Agrees        *bool   `json:"agrees"` // nil: too few hits to say
}

const (
	enoughSizes = 50
	usualSizes  = 0.95
	// agreement is the share of larger headers from which the log bears the
	// reconstruction out. Chance alone gives 0.05; compressed headers (HPACK,
	// QPACK) and wrong candidates keep it below 1.
	agreement = 0.5
)

// Read compares the two.
func (h *Headers) Read(protocol string) HeaderSizes {
	r := HeaderSizes{
		Protocol: protocol, With: h.with.total(), Without: h.without.total(),
		MedianWith: h.with.quantile(0.5), MedianWithout: h.without.quantile(0.5),
	}
	if r.With < enoughSizes || r.Without < enoughSizes {
		return r
	}
	usual := int(h.without.quantile(usualSizes) / sizeStep)
	larger := int64(0)
	for _, n := range h.with[usual+1:] {
		larger += n
	}
	r.Larger = round(float64(larger) / float64(r.With))
	agrees := r.Larger >= agreement
	r.Agrees = &agrees
	return r
}

// Bounds of what the bytes of one response can say: an unusual header has many
// reasons. near is how many steps of the histogram are taken together.
const (
	mostBytes  = 50
	leastBytes = 1.0 / 50
	near       = 2
)

// Ratios says of header bytes how much likelier they are on a hit that carried
// a session than on one that carried none. The nil Ratios can tell nothing.
type Ratios [largest / sizeStep]float64

// Ratios returns what the two histograms say; nil where they are too few or
// contradict that cookies came through.
func (h *Headers) Ratios() *Ratios {
	if r := h.Read(""); r.Agrees == nil || !*r.Agrees {
		return nil
	}
	out := new(Ratios)
	with, without := h.with.total(), h.without.total()
	for i := range out {
		out[i] = min(max(h.with.around(i, with)/h.without.around(i, without), leastBytes), mostBytes)
	}
	return out
}

// Of returns the ratio for so many bytes.
func (r *Ratios) Of(bytes int64) float64 {
	if r == nil {
		return 1
	}
	return r[stepOfSize(bytes)]
}

func stepOfSize(bytes int64) int64 { return min(max(bytes, 0)/sizeStep, largest/sizeStep-1) }

// around returns the share of responses whose size is close to step i.
func (s *sizes) around(i int, total int64) float64 {
	n := int64(0)
	for _, k := range s[max(i-near, 0):min(i+near+1, len(s))] {
		n += k
	}
	return (float64(n) + 0.5) / (float64(total) + 0.5*float64(len(s))/(2*near+1))
}

func (s *sizes) total() int64 {
	n := int64(0)
	for _, k := range s {
		n += k
	}
	return n
}

// quantile returns the size at or below which a share q lies.
func (s *sizes) quantile(q float64) int64 {
	want, seen := int64(float64(s.total())*q), int64(0)
	i := slices.IndexFunc(s[:], func(n int64) bool { seen += n; return seen > want })
	return int64(max(i, 0)) * sizeStep
}
