package reconstruct

// Variant is what a row shows of the stored form that it was sent: several
// may be stored under one object key, each with a Set-Cookie of its own.
type Variant struct {
	Length     int64  // Content-Length; 0: not known
	Type       string // content type; "": not known
	RangeStart int64  // of a 206, counted from 1; 0: the whole
	RangeEnd   int64
	Bodiless   bool // HEAD or 304: the length says nothing
}

// What the parts of a variant weigh if they differ. None reaches zero: error
// pages are rewritten, whether a HEAD fill answers a GET is not documented
// (semantics.md A2.18), a stored copy may be sent in another encoding (A2.20),
// a range may be cut from the whole (A2.19).
const (
	otherStatus = 0.02
	headForGet  = 0.5
	otherType   = 0.1
	otherLength = 0.1
	otherRange  = 0.2
	cutFrom     = 0.7
)

// agreement lowers fills whose stored response does not look like what the hit
// sent. It never decides membership.
func agreement(f, h *Event) float64 {
	w := 1.0
	if f.Error != h.Error {
		w = otherStatus
	}
	if f.Head && !h.Head {
		w *= headForGet
	}
	a, b := &f.Variant, &h.Variant
	if a.Type != "" && b.Type != "" && a.Type != b.Type {
		w *= otherType
	}
	switch partF, partH := a.RangeEnd > 0 || a.RangeStart > 0, b.RangeEnd > 0 || b.RangeStart > 0; {
	case partF != partH:
		w *= cutFrom
	case a.RangeStart != b.RangeStart || a.RangeEnd != b.RangeEnd:
		w *= otherRange
	case !a.Bodiless && !b.Bodiless && a.Length > 0 && b.Length > 0 && a.Length != b.Length:
		w *= otherLength
	}
	return w
}
