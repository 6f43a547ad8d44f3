package inflate_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/spillscope/spillscope/scan/internal/inflate"
)

func gz(t testing.TB, parts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&out)
		if _, err := io.WriteString(w, p); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func zst(t testing.TB, parts ...string) []byte {
	t.Helper()
	var out []byte
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		out = w.EncodeAll([]byte(p), out)
	}
	return out
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// read opens and reads in; the guard must repeat its error.
func read(t testing.TB, in io.Reader) (text, format string, err error) {
	t.Helper()
	r, format, err := inflate.Open(in)
	if err != nil {
		return "", format, err
	}
	b, err := io.ReadAll(r)
	if _, again := r.Read(make([]byte, 1)); err != nil && again == nil {
		t.Errorf("after %v the reader goes on", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return string(b), format, err
}

func TestOpen(t *testing.T) {
	long := strings.Repeat("a line of a log\n", 20_000)
	for _, tt := range []struct {
		name   string
		in     []byte
		want   string
		format string
	}{
		{"empty", nil, "", inflate.Plain},
		{"one byte", []byte("x"), "x", inflate.Plain},
		{"plain", []byte(long), long, inflate.Plain},
		{"half a magic number", []byte{0x1f}, "\x1f", inflate.Plain},
		{"gzip", gz(t, long), long, inflate.Gzip},
		{"gzip of nothing", gz(t, ""), "", inflate.Gzip},
		{"gzip members", gz(t, "a\n", "", long, "c"), "a\n" + long + "c", inflate.Gzip},
		{"gzip, zero padding", cat(gz(t, long), make([]byte, 100_000)), long, inflate.Gzip},
		{"gzip, padding between members", cat(gz(t, "a"), make([]byte, 512), gz(t, "b")), "ab", inflate.Gzip},
		{"gzip in gzip", gz(t, string(gz(t, "a\n", long))), "a\n" + long, "gzip in gzip"},
		{"gzip in gzip, delimiters", gz(t, string(cat(gz(t, "a"), []byte("\n"), gz(t, "b"), []byte("\n")))), "ab", "gzip in gzip"},
		{"gzip in zstd in gzip", gz(t, string(zst(t, string(gz(t, long))))), long, "gzip in zstd in gzip"},
		{"UTF-16, little end first", []byte("\xff\xfea\x00\n\x00=\xd8\x00\xde"), "a\n😀", inflate.Plain},
		{"UTF-16, big end first", gz(t, "\xfe\xff\x00a\x00\n\x00\xe9"), "a\né", inflate.Gzip},
		{"UTF-16 cut off", []byte("\xff\xfea\x00b"), "a\ufffd", inflate.Plain},
		{"zstd", zst(t, long), long, inflate.Zstd},
		{"zstd frames", zst(t, "a", long), "a" + long, inflate.Zstd},
		{"zstd skippable frame", cat([]byte{0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9}, zst(t, "a")), "a", inflate.Zstd},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{bytes.NewReader(tt.in), iotest.OneByteReader(bytes.NewReader(tt.in)), iotest.DataErrReader(bytes.NewReader(tt.in))} {
				got, format, err := read(t, r)
				if err != nil || got != tt.want || format != tt.format {
					t.Errorf("%s, %d bytes, error %v; want %s, %d bytes", format, len(got), err, tt.format, len(tt.want))
				}
			}
		})
	}
}

// noise is text that compresses badly, so that cutting it shows.
func noise() string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < 300_000 {
		b.WriteString(strconv.FormatUint(r.Uint64(), 36))
		b.WriteByte('\n')
	}
	return b.String()
}

func TestCutShort(t *testing.T) {
	text := noise()
	twice := gz(t, string(gz(t, "first\n", text)))
	if got, _, err := read(t, bytes.NewReader(twice[:len(twice)/2])); !errors.Is(err, io.ErrUnexpectedEOF) || len(got) < len(text)/3 || !strings.HasPrefix("first\n"+text, got) {
		t.Errorf("gzip in gzip, cut in half: %d bytes of %d, error %v", len(got), len(text), err)
	}
	for name, whole := range map[string][]byte{"gzip": gz(t, "first\n", text), "zstd": zst(t, "first\n", text)} {
		want := "first\n" + text
		for n := 4; n < len(whole); n += len(whole)/97 + 1 {
			got, _, err := read(t, bytes.NewReader(whole[:n]))
			if err == nil && got == "first\n" {
				continue // cut between members: nothing tells
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%s cut at %d: error %v", name, n, err)
			}
			if !strings.HasPrefix(want, got) {
				t.Fatalf("%s cut at %d: delivered what is not there", name, n)
			}
			// Deflate gives up its bytes as they come; zstd by blocks of 128 KiB.
			if least := n*len(want)/len(whole) - 256<<10; len(got) < least || name == "gzip" && len(got) < n-1000 {
				t.Errorf("%s cut at %d of %d: only %d bytes of %d delivered", name, n, len(whole), len(got), len(want))
			}
		}
	}
}

func TestTrailingGarbage(t *testing.T) {
	text := noise()
	for name, tt := range map[string]struct{ good, bad []byte }{
		"gzip":               {gz(t, text), []byte("garbage")},
		"gzip, one byte":     {gz(t, text), []byte("g")},
		"gzip members":       {gz(t, "a\n", text), bytes.Repeat([]byte("garbage"), 50_000)},
		"gzip after padding": {gz(t, text), []byte("\x00\x00garbage")},
		"zstd":               {zst(t, "a\n", text), []byte("garbage")},
	} {
		got, _, err := read(t, bytes.NewReader(cat(tt.good, tt.bad)))
		var trailing *inflate.TrailingError
		if !errors.As(err, &trailing) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		if trailing.Good != int64(len(tt.good)) || !strings.HasSuffix(got, text) {
			t.Errorf("%s: %d bytes read well, want %d; %d bytes delivered", name, trailing.Good, len(tt.good), len(got))
		}
	}
}

func TestDamaged(t *testing.T) {
	whole := gz(t, noise())
	whole[len(whole)-6] ^= 1 // in the checksum
	got, _, err := read(t, bytes.NewReader(whole))
	if err == nil || !errors.Is(err, gzip.ErrChecksum) || got != noise() {
		t.Errorf("wrong checksum: %d bytes, error %v", len(got), err)
	}
	broken := errors.New("disk on fire")
	_, _, err = read(t, io.MultiReader(bytes.NewReader(gz(t, noise())[:1000]), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || strings.Contains(err.Error(), "damaged") {
		t.Errorf("error of the storage became %v", err)
	}
	if _, _, err := inflate.Open(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("error of the storage at once became %v", err)
	}
}

type bomb struct{ r io.Reader }

func (b *bomb) Read(p []byte) (int, error) {
	if n, err := b.r.Read(p); err == nil {
		return n, nil
	}
	panic("secret")
}

func TestPanic(t *testing.T) {
	_, _, err := read(t, &bomb{bytes.NewReader(gz(t, noise())[:200])})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(gz(f, "a", "b"))
	f.Add(zst(f, "a", "b"))
	f.Add(gz(f, string(gz(f, "a", "b"))))
	f.Add([]byte("\xff\xfea\x00"))
	f.Add([]byte("plain"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, format, err := inflate.Open(bytes.NewReader(in))
		if err != nil {
			return
		}
		defer r.Close()
		n, err := io.Copy(io.Discard, io.LimitReader(r, 64<<20))
		var trailing *inflate.TrailingError
		once := !strings.Contains(format, " in ")
		if errors.As(err, &trailing) && (trailing.Good < 0 || once && trailing.Good > int64(len(in))) {
			t.Errorf("%d bytes delivered, %v of %d", n, err, len(in))
		}
	})
}

func BenchmarkGzip(b *testing.B) {
	text := strings.Repeat(noise(), 10)
	in := gz(b, text)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r, _, err := inflate.Open(bytes.NewReader(in))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
