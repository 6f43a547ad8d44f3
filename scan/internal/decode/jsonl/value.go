package jsonl

import (
	"bytes"
	"strconv"
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
	var found []byte
	n := 0
	elements(raw, func(e []byte) { found = e; n++ })
	if n != 1 || found[0] == 'n' {
		return nil
	}
	return found
}

// elements calls f for each element of the valid JSON list raw.
func elements(raw []byte, f func([]byte)) {
	s := scanner{data: raw[:len(raw)-1]}
	for i := s.space(1); i < len(s.data); {
		end := s.value(i, nil, 0)
		if end < 0 {
			return
		}
		f(s.data[i:end])
		i = s.space(s.space(end) + 1) // behind the comma
	}
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

// decimal splits a number into mantissa and power of ten; digits beyond the
// eighteenth are dropped. written reports whether the exponent follows from
// the digits alone, so that it tells the precision.
func decimal(b []byte) (mantissa int64, exp int, written, ok bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	number, scientific := b, false
	if i := bytes.IndexAny(b, "eE"); i >= 0 {
		number, scientific = b[:i], true
		n, err := strconv.Atoi(string(b[i+1:]))
		if err != nil || n < -30 || n > 30 {
			return 0, 0, false, false
		}
		exp = n
	}
	digits, fraction := 0, false
	for _, c := range number {
		switch {
		case c == '.' && !fraction:
			fraction = true
		case c < '0' || c > '9':
			return 0, 0, false, false
		case mantissa < 1e17:
			mantissa = mantissa*10 + int64(c-'0')
			digits++
			if fraction {
				exp--
			}
		case !fraction:
			exp++
		}
	}
	if negative {
		mantissa = -mantissa
	}
	return mantissa, exp, !scientific, digits > 0
}
