package jsonl

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// text returns the text of a scalar: the inside of a string, or a number or
// boolean as written. A list of one scalar counts as it, since loggers write
// header values so. Anything else is nothing. The result may share dst.
func text(dst, raw []byte) []byte {
	if len(raw) >= 2 && raw[0] == '[' {
		raw = only(raw)
	}
	switch {
	case len(raw) == 0 || raw[0] == '{' || raw[0] == '[':
		return nil
	case raw[0] != '"':
		return raw
	}
	return unquote(dst, raw[1:len(raw)-1])
}

// only returns the element of a list that has one, null aside.
func only(raw []byte) []byte {
	found, next := element(raw, 0)
	if _, more := element(raw, next); next < 0 || more >= 0 || found[0] == 'n' {
		return nil
	}
	return found
}

// element returns the element that begins at the cursor at of the valid JSON
// list raw, 0 for the first, and the cursor of the one behind it; -1 if there
// is none there.
func element(raw []byte, at int) (found []byte, next int) {
	if at < 0 || len(raw) < 2 || raw[0] != '[' {
		return nil, -1
	}
	s := scanner{data: raw[:len(raw)-1]}
	from := s.space(max(at, 1))
	end := s.value(from, nil, 0)
	if end < 0 {
		return nil, -1
	}
	return raw[from:end], s.space(end) + 1 // behind the comma
}

// unquote returns the text that the inside of a valid JSON string stands for.
// Bytes that are no UTF-8 stay as they are: they are what the client sent.
func unquote(dst, in []byte) []byte {
	if bytes.IndexByte(in, '\\') < 0 {
		return in
	}
	for len(in) > 0 {
		i := bytes.IndexByte(in, '\\')
		if i < 0 {
			return append(dst, in...)
		}
		dst = append(dst, in[:i]...)
		in = in[i+1:]
		if in[0] != 'u' {
			dst = append(dst, unescaped(in[0]))
			in = in[1:]
			continue
		}
		r, _ := hex4(in[1:])
		in = in[5:]
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if len(in) >= 6 && in[0] == '\\' && in[1] == 'u' {
				low, _ := hex4(in[2:])
				pair = utf16.DecodeRune(r, low)
			}
			if r = pair; r != utf8.RuneError {
				in = in[6:]
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
