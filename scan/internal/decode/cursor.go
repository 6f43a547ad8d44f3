package decode

import (
	"errors"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spillscope/spillscope/model"
)

// What a cursor can come upon. Neither quotes what it was reading.
var (
	errCut    = errors.New(reasonCut) // the stream ended within a value
	errSyntax = errors.New(reasonNotJSON)
)

// maxNesting bounds recursion; envelopes nest three or four deep.
const maxNesting = 200

// cursor walks JSON text, of a stream or in memory, and knows where it is. It
// holds one buffer of the text, so that a value of any size can be passed
// over; what is to be looked at in one piece must be held.
//
// encoding/json's Decoder was tried first: it holds every value whole, tells
// the position of its own buffer rather than of a string's lines, and after a
// damaged byte reads nothing more.
type cursor struct {
	r    io.Reader // nil: buf is all there is
	buf  []byte
	pos  int
	base int64     // offset of buf[0]
	ref  model.Ref // object, and the line at pos
	flat bool      // the text is one line of the object whatever it holds
	hold int       // what stands from here on is kept, up to MaxLine of it; -1: nothing is
	look int       // as hold, while looking ahead
	lost bool      // what was held grew too long and was given up
	key  []byte    // of the member in hand
	char [utf8.UTFMax]byte
	err  error // of r
}

func newCursor(r io.Reader, object uint32) *cursor {
	return &cursor{r: r, buf: make([]byte, 0, headSize), ref: model.Ref{Object: object, Line: 1}, hold: -1, look: -1}
}

// at returns where the cursor stands.
func (c *cursor) at() model.Ref {
	c.ref.Offset = c.base + int64(c.pos)
	return c.ref
}

// more reports whether a byte stands at pos, reading on if there is none.
func (c *cursor) more() bool {
	for tries := 0; c.pos == len(c.buf); tries++ {
		if c.r == nil || c.err != nil {
			return false
		}
		if tries == 100 {
			c.err = io.ErrNoProgress
			return false
		}
		c.slide()
		n, err := c.r.Read(c.buf[len(c.buf):cap(c.buf)])
		c.buf, c.err = c.buf[:len(c.buf)+n], err
	}
	return true
}

// slide makes room at the end of the buffer.
func (c *cursor) slide() {
	if c.hold >= 0 && c.pos-c.hold > MaxLine {
		c.hold, c.lost = -1, true
	}
	from := c.pos
	for _, kept := range [...]int{c.hold, c.look} {
		if kept >= 0 {
			from = min(from, kept)
		}
	}
	n := copy(c.buf, c.buf[from:])
	c.buf, c.pos, c.base = c.buf[:n], c.pos-from, c.base+int64(from)
	c.hold, c.look = max(c.hold-from, -1), max(c.look-from, -1)
	if n > cap(c.buf)/2 {
		grown := make([]byte, n, 2*cap(c.buf))
		copy(grown, c.buf)
		clear(c.buf)
		c.buf = grown
	}
}

// failure returns why there is no more: the reader's error, or errCut at its end.
func (c *cursor) failure() error {
	if c.err != nil && !errors.Is(c.err, io.EOF) {
		return c.err
	}
	return errCut
}

// step passes over the byte at pos.
func (c *cursor) step() {
	if c.buf[c.pos] == '\n' && !c.flat {
		c.ref.Line++
	}
	c.pos++
}

// space passes over white space and reports whether anything follows.
func (c *cursor) space() bool {
	for c.more() {
		switch c.buf[c.pos] {
		case ' ', '\t', '\r', '\n':
			c.step()
		default:
			return true
		}
	}
	return false
}

// expect passes over want, with white space before it.
func (c *cursor) expect(want byte) error {
	if !c.space() {
		return c.failure()
	}
	if c.buf[c.pos] != want {
		return errSyntax
	}
	c.pos++
	return nil
}

// next tells the byte that follows after white space, without passing over it.
func (c *cursor) next() (byte, error) {
	if !c.space() {
		return 0, c.failure()
	}
	return c.buf[c.pos], nil
}

// list walks what stands between two brackets: each is called at every
// element, and must pass over it.
func (c *cursor) list(open, closing byte, each func() error) error {
	if err := c.expect(open); err != nil {
		return err
	}
	b, err := c.next()
	if err == nil && b == closing {
		c.pos++
		return nil
	}
	for err == nil {
		if err = each(); err != nil {
			break
		}
		if b, err = c.next(); err != nil {
			break
		}
		if b != ',' && b != closing {
			return errSyntax
		}
		if c.pos++; b == closing {
			return nil
		}
	}
	return err
}

// members calls each at the value of every member of an object; its key is in
// c.key until the value is passed over.
func (c *cursor) members(each func() error) error {
	return c.list('{', '}', func() error {
		if err := c.name(); err != nil {
			return err
		}
		return each()
	})
}

// maxKey is how much is kept of a key; ours are shorter.
const maxKey = 64

// name reads a key and the colon behind it.
func (c *cursor) name() error {
	c.key = c.key[:0]
	err := c.str(func(run []byte, _ model.Ref) {
		c.key = append(c.key, run[:min(len(run), maxKey-len(c.key))]...)
	})
	if err != nil {
		return err
	}
	if err := c.expect(':'); err != nil {
		return err
	}
	_, err = c.next()
	return err
}

// skip passes over a value. It does without list: closures that call it in
// turn would be allocated for every value.
func (c *cursor) skip(depth int) error {
	b, err := c.next()
	switch {
	case err != nil:
		return err
	case depth > maxNesting:
		return errSyntax
	case b == '{' || b == '[':
		return c.skipList(b, depth+1)
	case b == '"':
		return c.str(func([]byte, model.Ref) {})
	}
	return c.word()
}

// skipList passes over an object or an array.
func (c *cursor) skipList(open byte, depth int) error {
	closing := open + 2 // of '{' and '[' alike
	c.pos++
	b, err := c.next()
	for first := true; err == nil; first = false {
		switch {
		case b == closing:
			c.pos++
			return nil
		case first:
		case b != ',':
			return errSyntax
		default:
			c.pos++
		}
		if open == '{' {
			err = c.name()
		}
		if err == nil {
			err = c.skip(depth)
		}
		if err == nil {
			b, err = c.next()
		}
	}
	return err
}

// word passes over a number or a literal, of which only the alphabet is
// checked.
func (c *cursor) word() error {
	n := 0
	for ; c.more(); c.pos++ {
		b := c.buf[c.pos]
		if letter := 'a' <= b|0x20 && b|0x20 <= 'z' || '0' <= b && b <= '9' || b == '-' || b == '+' || b == '.'; !letter {
			break
		}
		n++
	}
	switch {
	case n > 0:
		return nil
	case c.pos == len(c.buf):
		return c.failure()
	}
	return errSyntax
}

// str reads a string. Its text goes to add as it comes, unescaped, in runs
// that hold either no line break or nothing else; at is where a run stands.
func (c *cursor) str(add func(run []byte, at model.Ref)) error {
	if err := c.expect('"'); err != nil {
		return err
	}
	for c.more() {
		rest := c.buf[c.pos:]
		n := plain(rest)
		if n > 0 {
			add(rest[:n], c.at())
			c.pos += n
			continue
		}
		switch rest[0] {
		case '"':
			c.pos++
			return nil
		case '\\':
			at := c.at()
			r, err := c.escape()
			if err != nil {
				return err
			}
			add(c.char[:utf8.EncodeRune(c.char[:], r)], at)
		default: // a bare control character: the string was cut off
			return errSyntax
		}
	}
	return c.failure()
}

// plain returns how many bytes of a string stand for themselves.
func plain(b []byte) int {
	for i, x := range b {
		if x == '"' || x == '\\' || x < ' ' {
			return i
		}
	}
	return len(b)
}

// escape reads an escape. Half of a surrogate pair becomes U+FFFD, as
// encoding/json has it.
func (c *cursor) escape() (rune, error) {
	r, err := c.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if !c.more() || c.buf[c.pos] != '\\' {
		return utf8.RuneError, nil
	}
	c.look = c.pos
	low, err := c.unit()
	pair := utf16.DecodeRune(r, low)
	if err != nil || pair == utf8.RuneError {
		c.pos = c.look
	}
	c.look = -1
	return pair, nil
}

// unit reads one escape sequence.
func (c *cursor) unit() (rune, error) {
	c.pos++
	if !c.more() {
		return 0, c.failure()
	}
	b := c.buf[c.pos]
	c.pos++
	if b != 'u' {
		const short, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
		i := strings.IndexByte(short, b)
		if i < 0 {
			return 0, errSyntax
		}
		return rune(meant[i]), nil
	}
	var r rune
	for range 4 {
		if !c.more() {
			return 0, c.failure()
		}
		digit, ok := hexDigit(c.buf[c.pos])
		if !ok {
			return 0, errSyntax
		}
		r = r<<4 | rune(digit)
		c.pos++
	}
	return r, nil
}

// window returns the next n bytes, or fewer at the end.
func (c *cursor) window(n int) []byte {
	for c.look = c.pos; len(c.buf)-c.look < n; {
		if c.pos = len(c.buf); !c.more() {
			break
		}
	}
	c.pos, c.look = c.look, -1
	return c.buf[c.pos:min(len(c.buf), c.pos+n)]
}

// resync passes over what cannot be read, up to the next place where a value
// is likely to begin: an opening brace behind a closing one or at the start of
// a line, if opens says that it is one.
func (c *cursor) resync(opens func([]byte) bool) {
	before := byte(0)
	for c.more() {
		b := c.buf[c.pos]
		if b == '{' && (before == '}' || before == '\n') && opens(c.window(maxKey)) {
			return
		}
		if b != ' ' && b != '\t' && b != '\r' {
			before = b
		}
		c.step()
	}
}

// ended returns the error with which the stream ended, if it was not its end.
func (c *cursor) ended() error {
	if errors.Is(c.err, io.EOF) {
		return nil
	}
	return c.err
}

// wipe overwrites what may be left of a session.
func (c *cursor) wipe() { clear(c.buf[:cap(c.buf)]) }
