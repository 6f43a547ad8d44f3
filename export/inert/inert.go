// Package inert makes text from logs and directories harmless to the programs
// that show it: a spreadsheet, a terminal, a browser, a JSON reader.
//
// A request id, a workspace's name or the name of a log file is written by
// strangers. Three things in it can act: control characters (terminal escapes,
// line breaks that forge rows), characters that reorder text, and a first
// character that makes a spreadsheet calculate. The first two are replaced by
// visible marks such as <U+001B>, never dropped: a reader must see that
// something was there. The third is guarded with an apostrophe, which
// [Undo] takes off again.
//
// What belongs here: rules about single strings. What does not: knowing which
// field of a record holds which kind of text.
package inert

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Text returns s with everything that is not plain text replaced by a visible
// mark. It cannot be undone: an id that held an escape is not worth joining.
func Text(s string) string {
	if clean(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, "<0x%02X>", s[0])
		case acts(r):
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// clean reports whether Text would change nothing. Nearly all text is ASCII
// and clean, and a case holds tens of millions of cells.
func clean(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return utf8.ValidString(s) && strings.IndexFunc(s, acts) < 0
		}
	}
	return true
}

// acts reports whether r does something other than being seen. The joiners
// U+200C and U+200D and the marks U+200E and U+200F stay: names are spelled
// with them and they cannot turn other text around.
func acts(r rune) bool {
	switch {
	case r < ' ', 0x7f <= r && r <= 0x9f: // controls, among them ESC and CSI
		return true
	case r == 0x2028, r == 0x2029: // line and paragraph separator
		return true
	case 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069: // reordering
		return true
	case r == 0x200b, r == 0xfeff, 0xfff9 <= r && r <= 0xfffb: // unseen
		return true
	case 0xe0000 <= r && r <= 0xe007f: // tags: text that no font shows
		return true
	}
	return false
}

// Cell returns s as a cell of a CSV file that a spreadsheet will not calculate.
func Cell(s string) string {
	s = Text(s)
	if rest := strings.TrimLeft(s, "'"); triggers(rest) {
		return "'" + s
	}
	return s
}

// IDCell is [Cell] for identifiers. A CDN's request ids are base64url: one in
// 64 starts with "-". Guarding those would break every join that another tool
// makes with the log, and text of that alphabet cannot call a function or
// start a program (no bracket, bar, quote or exclamation mark). It is left
// alone; all else is guarded.
func IDCell(s string) string {
	if strings.HasPrefix(s, "-") && strings.TrimLeft(strings.TrimRight(s, "="), idAlphabet) == "" {
		return s
	}
	return Cell(s)
}

const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// Undo takes the guard off a cell: Undo(Cell(s)) == Text(s).
func Undo(cell string) string {
	rest := strings.TrimLeft(cell, "'")
	if len(rest) < len(cell) && triggers(rest) {
		return cell[1:]
	}
	return cell
}

// triggers reports whether a spreadsheet takes s for a formula. TAB, CR, LF
// and NUL, which also do, are gone by then.
func triggers(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return strings.ContainsRune("=+-@＝＋－＠", r) && s != ""
}

// JSON returns the encoded JSON b with every acting character escaped. Unlike
// Text it loses nothing: such characters can only stand inside strings, where
// \uXXXX means the same.
func JSON(b []byte) []byte {
	if clean(string(b)) {
		return b
	}
	out := make([]byte, 0, len(b)+64)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == '\n' || r == '\t' || !acts(r):
			out = append(out, b[:n]...)
		case r > 0xffff:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		b = b[n:]
	}
	return out
}

// HTML returns the finished page b with every acting character that is left
// in it shown as a mark. Escaping what means something to HTML is html/template's
// work; this catches what a browser would obey or hide all the same, wherever
// in the page it came from.
func HTML(b []byte) []byte {
	out := make([]byte, 0, len(b)+64)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			out = fmt.Appendf(out, "&lt;0x%02X&gt;", b[0])
		case r == '\n' || r == '\t' || !acts(r):
			out = append(out, b[:n]...)
		default:
			out = fmt.Appendf(out, "&lt;U+%04X&gt;", r)
		}
		b = b[n:]
	}
	return out
}
