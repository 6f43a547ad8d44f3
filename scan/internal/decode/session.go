package decode

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// Session digests a logged session value, once form has brought it to the
// form that the directory holds. An absent value gives the zero ID.
//
// If form does not fit, the ID is that of the raw value, beside the error: the
// row did present a session, though one that no directory can know. To treat
// it as none would turn a leaking fill into a harmless one.
func (m *Memo) Session(raw []byte, form model.SessionForm) (model.ID, error) {
	if len(raw) == 0 {
		return model.ID{}, nil
	}
	value, err := ApplyForm(raw, form)
	return m.Digest("session", value), err
}

// ApplyForm applies the steps of form to raw, in the order of the fields but
// for one: a claim is taken before the hash, since a hash has no claims. The
// result is a credential like raw and may share its memory; beside an error it
// is raw itself.
func ApplyForm(raw []byte, form model.SessionForm) ([]byte, error) {
	v, err := applySteps(raw, form)
	if err != nil {
		return raw, err
	}
	return v, nil
}

func applySteps(v []byte, form model.SessionForm) ([]byte, error) {
	var err error
	for _, step := range form.Decode {
		if v, err = decodeStep(v, step); err != nil {
			return nil, err
		}
	}
	v = bytes.TrimPrefix(v, []byte(form.StripPrefix))
	if form.CutAt != "" {
		v, _, _ = bytes.Cut(v, []byte(form.CutAt))
	}
	if form.Claim != "" {
		if v, err = claim(v, form.Claim); err != nil {
			return nil, err
		}
	}
	if len(v) == 0 {
		return nil, errors.New("session_form: nothing is left of the value")
	}
	return hashStep(v, form.Hash)
}

// The errors below leave out those they come from, which quote the value.

func decodeStep(v []byte, step string) ([]byte, error) {
	var out []byte
	var err error
	switch step {
	case "percent":
		return Unescape(nil, v), nil
	case "base64":
		out, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(string(v), "="))
	case "base64url":
		out, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(string(v), "="))
	case "hex":
		out, err = hex.DecodeString(string(v))
	default:
		return nil, fmt.Errorf("session_form.decode: unknown step %q", step)
	}
	if err != nil {
		return nil, fmt.Errorf("session_form.decode: a value is not %s", step)
	}
	return out, nil
}

func hashStep(v []byte, name string) ([]byte, error) {
	switch name {
	case "":
		return v, nil
	case "sha256-hex":
		sum := sha256.Sum256(v)
		return hex.AppendEncode(nil, sum[:]), nil
	case "sha256-base64url":
		sum := sha256.Sum256(v)
		return base64.RawURLEncoding.AppendEncode(nil, sum[:]), nil
	case "sha1-hex":
		sum := sha1.Sum(v)
		return hex.AppendEncode(nil, sum[:]), nil
	case "md5-hex":
		sum := md5.Sum(v)
		return hex.AppendEncode(nil, sum[:]), nil
	}
	return nil, fmt.Errorf("session_form.hash: unknown hash %q", name)
}

// claim takes the value at a dotted path out of a JSON object, which may be
// wrapped in base64 or be the payload of a JWT.
func claim(v []byte, path string) ([]byte, error) {
	var node any
	if !unwrapJSON(v, &node) {
		return nil, errors.New("session_form.claim: a value is not JSON")
	}
	for _, key := range strings.Split(path, ".") {
		object, _ := node.(map[string]any)
		node = object[key]
	}
	switch n := node.(type) {
	case string:
		return []byte(n), nil
	case json.Number:
		return []byte(n), nil
	}
	return nil, errors.New("session_form.claim: a value has no such claim")
}

func unwrapJSON(v []byte, node *any) bool {
	text := v
	if !bytes.HasPrefix(bytes.TrimSpace(v), []byte("{")) {
		if parts := bytes.Split(v, []byte(".")); len(parts) == 3 {
			v = parts[1]
		}
		plain := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(string(v), "="))
		var err error
		if text, err = base64.RawURLEncoding.DecodeString(plain); err != nil {
			return false
		}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // a user id of 17 digits must not become a float
	return d.Decode(node) == nil
}
