package intake

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"io"
	"regexp"
	"strings"
)

// encoded matches what is no id: JSON, and the beginnings of JSON, of signed
// and of serialised data in base64.
var encoded = regexp.MustCompile(`^(["{\[]|eyJ|\.eJ|BAh|gA[JSV]|a:\d+:\{)`)

// Reasons why the user of a raw session cannot be read. A language's own
// serialisation is not read: it is a program as much as it is data.
const (
	reasonMarshal = "the session data is Ruby's Marshal, which only the application can read: export a column with the user"
	reasonPickle  = "the session data is Python's pickle, which only the application can read: export a column with the user"
	reasonPHP     = "the session data is serialised PHP, which only the application can read: export a column with the user"
	reasonOther   = "the session data is not JSON: user_claim cannot be followed"
)

// userIn returns the user at a dotted path in the data of a session; "" if it
// has none. Data are JSON as it is (connect-pg-simple), in base64, behind a
// digest in base64 (Django before 3.1) or signed and perhaps compressed
// (Django since).
func userIn(data, path string) (user string, why outcome) {
	text, why := sessionJSON([]byte(data))
	if why != "" {
		return "", why
	}
	defer clear(text)
	var keys map[string]json.RawMessage
	if json.Unmarshal(text, &keys) != nil {
		return "", reasonOther
	}
	value, _ := lookup(keys, path)
	if len(value) > 0 && (value[0] == '{' || value[0] == '[') {
		return "", "user_claim leads to an object or a list, not to the user's id"
	}
	return scalar(value), ""
}

// sessionJSON brings session data to JSON.
func sessionJSON(data []byte) ([]byte, outcome) {
	data = bytes.TrimSpace(data)
	var inner string
	switch {
	case bytes.HasPrefix(data, []byte("{")):
		return bytes.Clone(data), ""
	case bytes.HasPrefix(data, []byte(`"`)) && json.Unmarshal(data, &inner) == nil:
		return sessionJSON([]byte(inner))
	case phpData.Match(data):
		return nil, reasonPHP
	}
	payload, _, signed := bytes.Cut(data, []byte(":"))
	payload, packed := bytes.CutPrefix(payload, []byte("."))
	plain, err := base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_", "\n", "", "\r", "").Replace(strings.TrimRight(string(payload), "=\r\n")))
	if err != nil {
		return nil, reasonOther
	}
	if packed {
		if plain, err = unpack(plain); err != nil {
			return nil, reasonOther
		}
	}
	if n := len(digestBefore.Find(plain)); n > 0 && !signed {
		plain = plain[n:]
	}
	switch {
	case bytes.HasPrefix(plain, []byte("{")):
		return plain, ""
	case bytes.HasPrefix(plain, []byte("\x04\x08")):
		return nil, reasonMarshal
	case bytes.HasPrefix(plain, []byte("\x80")):
		return nil, reasonPickle
	case phpData.Match(plain):
		return nil, reasonPHP
	}
	return nil, reasonOther
}

// digestBefore matches the digest that Django puts before what it signs.
var digestBefore = regexp.MustCompile(`^[0-9a-f]{8,}:`)

// phpData matches the beginning of what PHP's serialisation writes.
var phpData = regexp.MustCompile(`^(a:\d+:\{|O:\d+:"|[A-Za-z_]\w*\|[abdisO]:)`)

// unpack inflates what Django compresses.
func unpack(packed []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return io.ReadAll(io.LimitReader(z, maxRecord))
}
