package identity

import "slices"

// A content is what a jar may hold, numbered within a story: names would be
// compared at every step.
type content int32

// Contents of a jar that are no known session. The others follow.
const (
	anyone    content = iota // nothing seen yet
	unlisted                 // came with a fill that is not in the logs
	elsewhere                // came with a fill, and never shows here
	nothing                  // no session
	contents
)

// A belief is how likely a jar holds what; rest is every content not listed,
// for the backward pass.
type belief struct {
	list []share
	rest float64
}

type share struct {
	what content
	p    float64
}

func (b *belief) of(w content) float64 {
	for i := range b.list {
		if b.list[i].what == w {
			return b.list[i].p
		}
	}
	return b.rest
}

func (b *belief) add(w content, p float64) {
	for i := range b.list {
		if b.list[i].what == w {
			b.list[i].p += p
			return
		}
	}
	b.list = append(b.list, share{w, p})
}

func (b *belief) total() float64 {
	t := 0.0
	for i := range b.list {
		t += b.list[i].p
	}
	return t
}

func (b *belief) scale(f float64) {
	for i := range b.list {
		b.list[i].p *= f
	}
	b.rest *= f
}

func (b *belief) clone() belief { return belief{slices.Clone(b.list), b.rest} }
