package decode

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// FormOf describes what a secret value looks like without telling it, for
// messages such as "log 64 hex, table 43 base64url". It can be a map key.
type FormOf struct {
	kind   shapeKind
	length int16 // in bytes, where the kind names one
}

type shapeKind uint8

const (
	shapeEmpty shapeKind = iota
	shapeUUID
	shapeSigned
	shapeSignedEscaped
	shapeJSON
	shapeJWT
	shapeDigits
	shapeHex
	shapeBase64URL
	shapeBase64
	shapeEscaped
	shapeText
)

var shapeNames = [...]string{"empty", "uuid", "s:… signed", "s%3A… signed, percent-encoded", "JSON", "JWT",
	"%d digits", "%d hex", "%d base64url", "%d base64", "%d percent-encoded", "%d characters"}

// maxShapeLength keeps the number of different shapes small.
const maxShapeLength = 512

// Shape describes raw in words.
func Shape(raw string) string { return ShapeOf([]byte(raw)).String() }

func (f FormOf) String() string {
	if f.kind < shapeDigits {
		return shapeNames[f.kind]
	}
	if f.length == maxShapeLength {
		return "≥" + fmt.Sprintf(shapeNames[f.kind], f.length)
	}
	return fmt.Sprintf(shapeNames[f.kind], f.length)
}

// ShapeOf describes raw. The first description that fits counts, the
// narrowest alphabet first.
func ShapeOf(raw []byte) FormOf {
	kind := kindOf(raw)
	if kind < shapeDigits {
		return FormOf{kind: kind}
	}
	return FormOf{kind, int16(min(len(raw), maxShapeLength))}
}

func kindOf(raw []byte) shapeKind {
	switch {
	case len(raw) == 0:
		return shapeEmpty
	case isUUID(raw):
		return shapeUUID
	case bytes.HasPrefix(raw, []byte("s:")) && bytes.IndexByte(raw, '.') > 0:
		return shapeSigned
	case hasPrefixFold(raw, "s%3a") && bytes.IndexByte(raw, '.') > 0:
		return shapeSignedEscaped
	case (raw[0] == '{' || raw[0] == '[') && json.Valid(raw):
		return shapeJSON
	}
	return alphabetOf(raw)
}

// The alphabets that a byte can belong to, as bits.
const (
	inDigits = 1 << iota
	inHex
	inURL
	inBase64
)

func alphabetsOf(c byte) (in int) {
	switch {
	case '0' <= c && c <= '9':
		return inDigits | inHex | inURL | inBase64
	case c == '-' || c == '_':
		return inURL
	case c == '+' || c == '/':
		return inBase64
	case (c < 'a' || c > 'z') && (c < 'A' || c > 'Z'):
		return 0
	}
	if _, hex := hexDigit(c); hex {
		return inHex | inURL | inBase64
	}
	return inURL | inBase64
}

func alphabetOf(raw []byte) shapeKind {
	body := bytes.TrimRight(raw, "=")
	in := inURL | inBase64
	if len(body) == len(raw) {
		in |= inDigits | inHex // no padding
	}
	for _, c := range body {
		in &= alphabetsOf(c)
	}
	switch {
	case in&inDigits != 0:
		return shapeDigits
	case in&inHex != 0 && len(raw)%2 == 0:
		return shapeHex
	case in&inURL != 0:
		return shapeBase64URL
	case in&inBase64 != 0:
		return shapeBase64
	case isJWT(raw):
		return shapeJWT
	case bytes.IndexByte(raw, '%') >= 0:
		return shapeEscaped
	}
	return shapeText
}

// isJWT reports whether raw is three parts of base64url, the first of which
// begins like a JSON object.
func isJWT(raw []byte) bool {
	if !bytes.HasPrefix(raw, []byte("eyJ")) || bytes.Count(raw, []byte{'.'}) != 2 {
		return false
	}
	for _, c := range raw {
		if c != '.' && alphabetsOf(c)&inURL == 0 {
			return false
		}
	}
	return true
}

func isUUID(b []byte) bool {
	if len(b) != 36 {
		return false
	}
	for i, c := range b {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if _, ok := hexDigit(c); !ok {
			return false
		}
	}
	return true
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && bytes.EqualFold(b[:len(prefix)], []byte(prefix))
}
