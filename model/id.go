package model

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// ID is a keyed digest: of a session value, a path, a device. The zero ID
// means that there was nothing to digest.
type ID [16]byte

// IsZero reports whether the value was absent.
func (d ID) IsZero() bool { return d == ID{} }

// Compare orders digests by their bytes.
func (d ID) Compare(e ID) int { return bytes.Compare(d[:], e[:]) }

// String prints the first 16 hex digits, or nothing for the zero ID.
// 64 bits keep the chance of two of 10⁷ digests printing alike near 10⁻⁶.
func (d ID) String() string {
	if d.IsZero() {
		return ""
	}
	return hex.EncodeToString(d[:8])
}

// Key turns values that must not be stored into IDs. Whoever lacks the key
// cannot test a guessed cookie, path or address against a case.
// It is safe for concurrent use.
type Key struct{ secret []byte }

// KeySize is the number of random bytes in a key file.
const KeySize = 32

// NewKey returns the key made of secret.
func NewKey(secret []byte) Key { return Key{bytes.Clone(secret)} }

// Digest returns the ID of the parts as a value of the given kind. Parts are
// length-prefixed, so ("ab","c") and ("a","bc") differ.
func (k Key) Digest(kind string, parts ...[]byte) ID { return k.Digester().Digest(kind, parts...) }

// Fingerprint names the key in a case without giving it away.
func (k Key) Fingerprint() string { return k.Digest("fingerprint").String() }

// Digester digests many values with one key, whose setting up takes longer than
// the digest of a short value. It is not safe for concurrent use.
type Digester struct {
	mac hash.Hash
	buf []byte
}

// Digester returns a Digester of k.
func (k Key) Digester() *Digester { return &Digester{mac: hmac.New(sha256.New, k.secret)} }

// Digest returns what Key.Digest does.
func (d *Digester) Digest(kind string, parts ...[]byte) (id ID) {
	d.buf = append(binary.BigEndian.AppendUint32(d.buf[:0], uint32(len(kind))), kind...)
	for _, p := range parts {
		d.buf = append(binary.BigEndian.AppendUint32(d.buf, uint32(len(p))), p...)
	}
	d.mac.Write(d.buf)
	clear(d.buf) // a part may be a credential
	d.buf = d.mac.Sum(d.buf[:0])
	copy(id[:], d.buf)
	d.mac.Reset()
	return id
}
