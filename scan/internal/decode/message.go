package decode

import (
	"bytes"

	"github.com/spillscope/spillscope/model"
)

// messages cuts the text of a message into rows. A service that carries log
// lines takes what a program wrote at once for one message: often a line with
// its ending, but also a batch of lines, or one row spread over many.
//
// A line belongs to the row before it if it begins with white space or a
// closing bracket, or if that row is JSON not yet complete. Else it is a row
// of its own: to join too much would hide rows, to join too little costs a
// reject for each further line of a stack trace.
type messages struct {
	out func(ref model.Ref, row []byte, reason string)

	text  []byte
	ref   model.Ref // where text begins
	begun bool      // text holds a row, if an empty one
	long  bool      // a row beyond MaxLine: the rest of it is passed over
	brk   bool      // a line break came since
	rows  int       // given out since the message began
	pin   model.Ref // where every row of the message is said to stand, if fixed
	fixed bool
	shape nesting
}

// add takes a run of text that holds no line break, or is one.
func (m *messages) add(run []byte, at model.Ref) {
	if len(run) == 1 && run[0] == '\n' {
		m.brk = true
		return
	}
	if len(run) == 0 {
		return
	}
	if m.brk && m.begun && !m.continues(run[0]) {
		m.flush()
	}
	if !m.begun {
		if m.fixed {
			at = m.pin
		}
		m.ref, m.begun = at, true
	} else if m.brk {
		m.put([]byte{'\n'})
	}
	m.brk = false
	m.put(run)
}

func (m *messages) put(b []byte) {
	if m.long = m.long || len(m.text)+len(b) > MaxLine+len("\r"); !m.long {
		m.text = append(m.text, b...)
	}
}

func (m *messages) continues(first byte) bool {
	switch first {
	case ' ', '\t', '}', ']', ')':
		return true
	}
	return !m.long && m.shape.open(m.text)
}

// flush gives out the row in hand.
func (m *messages) flush() {
	text, reason := bytes.TrimSuffix(m.text, []byte{'\r'}), ""
	if m.long || len(text) > MaxLine {
		text, reason = nil, reasonLong
	}
	m.rows++
	m.out(m.ref, text, reason)
	m.drop()
}

// drop forgets the row in hand.
func (m *messages) drop() {
	m.text, m.shape, m.begun, m.long = m.text[:0], nesting{}, false, false
}

// end ends the message that began at ref. One without text is an empty row.
func (m *messages) end(ref model.Ref) {
	if m.begun {
		m.flush()
	} else if m.rows == 0 {
		m.out(ref, nil, "")
	}
	m.brk, m.rows = false, 0
}

// wipe overwrites what may be left of a session.
func (m *messages) wipe() { clear(m.text[:cap(m.text)]) }

// nesting follows the brackets of JSON text that is still growing.
type nesting struct {
	seen     int // bytes of the text
	depth    int
	str, esc bool
}

// open reports whether text began as JSON and has brackets left to close. A
// line break within a string is none of JSON's: such a row was cut off.
func (n *nesting) open(text []byte) bool {
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return false
	}
	for ; n.seen < len(text); n.seen++ {
		c := text[n.seen]
		switch {
		case n.esc:
			n.esc = false
		case n.str:
			n.esc, n.str = c == '\\', c != '"'
		case c == '"':
			n.str = true
		case c == '{' || c == '[':
			n.depth++
		case c == '}' || c == ']':
			n.depth--
		}
	}
	return n.depth > 0 && !n.str
}
