package calibrate

import "math"

// Confirms counts what recipients show of whether a 304 keeps or replaces the
// stored Set-Cookie: they present the session of the fill that was confirmed, or
// that of the client whose request confirmed it. RFC 9111 §3.2 asks caches to
// replace it; Varnish and Apache do, nginx keeps it.
type Confirms struct {
	Stored    int // presented the session of an older fill
	Refreshed int // presented that of a client that refreshed
	Either    int // presented one that both explain
}

// decides is how many times likelier one answer must make what a recipient
// presented for the recipient to be counted for it. Half-told ones are left
// out: there are many of them, and what is a little off in the likelihood of
// each would add up to more than all that is plain.
const decides = 3

// Add counts one recipient; what it presented is kept times likelier if 304s
// keep the stored Set-Cookie than if either is open, and replaced times if they
// replace it.
func (c *Confirms) Add(kept, replaced float64) {
	switch {
	case kept >= decides*replaced:
		c.Stored++
	case replaced >= decides*kept:
		c.Refreshed++
	default:
		c.Either++
	}
}

// Sum returns how many recipients decide between the two.
func (c *Confirms) Sum() int { return c.Stored + c.Refreshed }

// ample is how many recipients a cache must have for it to be judged by them
// alone: fewer of one cache say less than those of all, which mostly run the
// same software.
const ample = 20

// Ample reports whether there are as many.
func (c *Confirms) Ample() bool { return c.Sum() >= ample }

const (
	// misread is the share of recipients whose session may have come by another
	// hit than supposed, or from a fill whose row is lost.
	misread = 0.2

	// doubtful keeps either answer possible, however many recipients agree: they
	// may all be misread in one way.
	doubtful = 0.002
)

// Kept returns the probability that 304s keep the stored Set-Cookie; either is
// as likely where nobody shows it.
func (c *Confirms) Kept() float64 {
	p := 1 / (1 + math.Pow(misread/(1-misread), float64(c.Stored-c.Refreshed)))
	return round(min(max(p, doubtful), 1-doubtful))
}

// Keeping is what was found of one cache, for the manifest.
type Keeping struct {
	Cache     string  `json:"cache"`
	Kept      float64 `json:"p_304_keeps_stored_cookie"`
	Stored    int     `json:"presented_stored_session"`
	Refreshed int     `json:"presented_refreshed_session"`
	Either    int     `json:"presented_undecided"`
}

// Report states what was found of the cache of that name.
func (c *Confirms) Report(name string) Keeping {
	return Keeping{Cache: name, Kept: c.Kept(), Stored: c.Stored, Refreshed: c.Refreshed, Either: c.Either}
}
