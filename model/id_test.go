package model_test

import (
	"strings"
	"testing"

	"github.com/spillscope/spillscope/model"
)

func key(fill byte) model.Key {
	secret := make([]byte, model.KeySize)
	for i := range secret {
		secret[i] = fill
	}
	return model.NewKey(secret)
}

// TestDigest: digests are keyed, and say neither more nor less than their parts.
func TestDigest(t *testing.T) {
	k := key(1)
	a := k.Digest("session", []byte("ab"), []byte("c"))
	if a != k.Digest("session", []byte("ab"), []byte("c")) {
		t.Error("the same parts give another digest")
	}
	for name, b := range map[string]model.ID{
		"parts cut elsewhere": k.Digest("session", []byte("a"), []byte("bc")),
		"parts joined":        k.Digest("session", []byte("abc")),
		"an empty part more":  k.Digest("session", []byte("ab"), []byte("c"), nil),
		"another kind":        k.Digest("path", []byte("ab"), []byte("c")),
		"another key":         key(2).Digest("session", []byte("ab"), []byte("c")),
	} {
		if a == b {
			t.Errorf("%s: same digest", name)
		}
	}
	if same := a; a.Compare(same) != 0 || a.Compare(model.ID{}) <= 0 || (model.ID{}).Compare(a) >= 0 {
		t.Error("Compare does not order by bytes")
	}
	if a.IsZero() || !(model.ID{}).IsZero() || (model.ID{}).String() != "" || len(a.String()) != 16 {
		t.Errorf("%q: want 16 hex digits, and nothing for the zero ID", a)
	}
}

// TestDigester: what it digested before does not show, and it takes no memory.
func TestDigester(t *testing.T) {
	k := key(1)
	d := k.Digester()
	long := []byte(strings.Repeat("x", 1000))
	for _, parts := range [][][]byte{{[]byte("ab"), []byte("c")}, {long}, {nil}, {}, {[]byte("ab"), []byte("c")}} {
		if got, want := d.Digest("session", parts...), k.Digest("session", parts...); got != want {
			t.Errorf("%q: %v, want %v", parts, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { d.Digest("session", long, long) }); n > 0 {
		t.Errorf("%v allocations a digest", n)
	}
}

// BenchmarkDigest digests an address and a User-Agent.
func BenchmarkDigest(b *testing.B) {
	k, parts := key(1), [2][16]byte{}
	d := k.Digester()
	b.Run("key", func(b *testing.B) {
		for b.Loop() {
			k.Digest("device", parts[0][:], parts[1][:])
		}
	})
	b.Run("digester", func(b *testing.B) {
		for b.Loop() {
			d.Digest("device", parts[0][:], parts[1][:])
		}
	})
}

// TestKeyIsCopied: whoever wipes the bytes of the key file does not change the key.
func TestKeyIsCopied(t *testing.T) {
	secret := []byte(strings.Repeat("k", model.KeySize))
	k := model.NewKey(secret)
	before := k.Fingerprint()
	clear(secret)
	if k.Fingerprint() != before {
		t.Error("the key shares the caller's bytes")
	}
	if key(1).Fingerprint() == key(2).Fingerprint() {
		t.Error("two keys have one fingerprint")
	}
}
