package decode

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/spillscope/spillscope/model"
)

// What rows can be wrapped in, as the incident file has it.
const (
	UnwrapNone     = "none"
	UnwrapExport   = "cloudwatch-export" // stamp and message, as CloudWatch Logs exports them
	UnwrapFirehose = "firehose"          // envelopes of messages, one behind the other
	UnwrapString   = "string-json"       // a row as a string within a row
)

// Eventful is a Decoder that is told which event a row came in. A service that
// delivers at least once gives each event an id of its own, so that a second
// delivery can be told from a second row that says the same.
type Eventful interface {
	Decoder
	// Event is called before each row that was wrapped. 0: no id.
	Event(id uint64)
}

// Records feeds the rows of r, the decompressed stream of an object, to d and
// accounts for each of them, as Lines does, after taking off what another
// service wrapped them in. unwrap says what that is; "" finds it out by the
// content, and where nothing is wrapped Records is Lines.
//
// What is counted is rows, however they stand in the stream: an envelope with
// seven messages of a line each is seven. The position of a row is that of its
// first byte, as it stands there; a row wrapped twice is cited by the message
// it came in.
//
// Memory is bounded whatever the size of an envelope: only a row is held whole.
func Records(r io.Reader, object uint32, unwrap string, d Decoder, reject func(model.Reject)) (model.Balance, error) {
	br := bufio.NewReaderSize(r, headSize)
	head, _ := br.Peek(headSize) // an error shows when it is read
	if LooksBinary(head[:min(len(head), 4<<10)]) {
		return model.Balance{}, ErrBinary
	}
	w, err := wrapOf(head, unwrap)
	if err != nil {
		return model.Balance{}, err
	}
	if w == (wrap{}) {
		return Lines(br, object, d, reject)
	}
	u := newUnwrapper(w, d, reject)
	defer u.wipe()
	err = u.read(br, object)
	return u.b, err
}

// unwrapper takes rows out of what they are wrapped in.
type unwrapper struct {
	account
	wrap
	// A level each: messages of the stream, and strings within rows of the
	// level before.
	messages [4]messages
	adders   [4]func([]byte, model.Ref)
	within   [4]cursor

	open  bool      // in an export, a stamp has been read
	start model.Ref // of the message behind it

	told  Eventful // the decoder, if it wants to know
	event uint64   // the event in hand
	nth   uint64   // rows of it so far
}

func newUnwrapper(w wrap, d Decoder, reject func(model.Reject)) *unwrapper {
	u := &unwrapper{account: account{d: d, reject: reject}, wrap: w}
	u.told, _ = d.(Eventful)
	for i := range u.messages {
		m := &u.messages[i]
		m.out = func(ref model.Ref, row []byte, reason string) { u.peel(i, ref, row, reason, false) }
		u.adders[i] = m.add
	}
	return u
}

func (u *unwrapper) wipe() {
	for i := range u.messages {
		u.messages[i].wipe()
	}
}

// read reads all of br.
func (u *unwrapper) read(br *bufio.Reader, object uint32) error {
	switch u.frame {
	case frameExport:
		err := scanLines(br, object, u.exported)
		u.endExported()
		return err
	case frameEnvelopes, frameValues:
		c := newCursor(br, object)
		defer c.wipe()
		if mark, _ := br.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
			n, _ := br.Discard(len(byteOrderMark))
			c.base = int64(n)
		}
		if u.frame == frameValues {
			return u.values(c)
		}
		return (&envelopes{unwrapper: u, c: c}).read()
	}
	return scanLines(br, object, func(ref model.Ref, line []byte, reason string) { u.peel(0, ref, line, reason, true) })
}

// exported reads a line of an export. A line without a stamp continues the
// message before.
func (u *unwrapper) exported(ref model.Ref, line []byte, reason string) {
	if reason != "" {
		u.endExported()
		u.row(ref, nil, reason)
		return
	}
	n := stampLen(line)
	ref.Offset += int64(n)
	if n > 0 {
		u.endExported()
		u.open, u.start = true, ref
	}
	m := &u.messages[0]
	m.add([]byte{'\n'}, ref)
	m.add(line[n:], ref)
}

func (u *unwrapper) endExported() {
	if m := &u.messages[0]; u.open || m.begun {
		m.end(u.start)
	}
	u.open = false
}

// values reads JSON values that stand one behind the other, or in an array.
func (u *unwrapper) values(c *cursor) error {
	array := false
	for c.space() {
		switch b := c.buf[c.pos]; {
		case b == '[' && !array, b == ']' && array:
			array = !array
			c.pos++
			continue
		case b == ',' && array:
			c.pos++
			continue
		}
		if err := u.value(c, array); err != nil {
			return c.ended()
		}
	}
	return c.ended()
}

// value reads one value. The error says that the stream ended in it.
func (u *unwrapper) value(c *cursor, array bool) error {
	start, err := c.at(), errSyntax
	c.hold, c.lost = c.pos, false
	if array || c.buf[c.pos] == '{' {
		err = c.skip(0)
	}
	from := c.hold
	c.hold = -1
	switch {
	case errors.Is(err, errSyntax):
		u.row(start, nil, reasonNotJSON)
		c.resync(opensObject)
		return nil
	case err != nil:
		u.row(start, nil, reasonCut)
		return err
	case c.lost || c.pos-from > MaxLine:
		u.row(start, nil, reasonLong)
		return nil
	}
	u.peel(0, start, c.buf[from:c.pos], "", true)
	return nil
}

func opensObject(b []byte) bool {
	b = bytes.TrimLeft(b[1:], " \t\r\n")
	return len(b) > 0 && (b[0] == '"' || b[0] == '}')
}

// peel takes off what a single row is wrapped in: text before JSON, a string
// that holds the row proper. exact says that row stands in the stream as it is.
func (u *unwrapper) peel(level int, ref model.Ref, row []byte, reason string, exact bool) {
	if u.prefix && reason == "" {
		n := prefixLen(row)
		ref.Offset += int64(n)
		row = row[n:]
	}
	if reason != "" || len(row) == 0 || !u.strings || level+1 == len(u.messages) || !u.unquote(level+1, ref, row, exact) {
		u.take(ref, row, reason)
	}
}

// unquote gives out the rows in the string that row holds, if it holds one.
func (u *unwrapper) unquote(level int, ref model.Ref, row []byte, exact bool) bool {
	c := &u.within[level]
	*c = cursor{buf: row, base: ref.Offset, ref: ref, flat: !exact, hold: -1, look: -1, key: c.key}
	if !c.toMessage(u.forced && level == 1) {
		return false
	}
	m := &u.messages[level]
	m.fixed, m.pin = !exact, ref
	at := c.at()
	at.Offset++ // behind the quote
	if !exact {
		at = ref
	}
	if c.str(u.adders[level]) != nil { // toMessage has read it
		m.drop()
	}
	m.end(at)
	return true
}

// take hands a row to the decoder. What the Lambda service itself writes
// between the lines of a function is no row of the application.
func (u *unwrapper) take(ref model.Ref, row []byte, reason string) {
	if reason == "" && u.frame != frameLines && byPlatform(row) {
		row = nil
	}
	if u.told != nil {
		id := u.event
		if id != 0 {
			u.nth++
			id = Hash(id, binary.BigEndian.AppendUint64(nil, u.nth))
		}
		u.told.Event(id)
	}
	u.row(ref, row, reason)
}

// in says which event the rows that follow came in.
func (u *unwrapper) in(event uint64) { u.event, u.nth = event, 0 }

func byPlatform(row []byte) bool {
	for _, begins := range [...]string{"START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "INIT_START Runtime Version: "} {
		if bytes.HasPrefix(row, []byte(begins)) {
			return true
		}
	}
	return false
}

// Peek returns rows from the first bytes of an object as Records would give
// them to a decoder, and what they are wrapped in as the incident file words
// it; "" if in nothing that must be said.
func Peek(head []byte) (rows [][]byte, unwrap string) {
	w, err := wrapOf(head, "")
	if err != nil {
		return nil, ""
	}
	switch {
	case w.frame == frameEnvelopes:
		unwrap = UnwrapFirehose
	case w.frame == frameExport:
		unwrap = UnwrapExport
	case w.strings:
		unwrap = UnwrapString
	}
	return sampleOf(w, head), unwrap
}

func unknownWrap(unwrap string) error {
	return fmt.Errorf("unwrap: %q is none of %s, %s, %s, %s", unwrap, UnwrapExport, UnwrapFirehose, UnwrapString, UnwrapNone)
}
