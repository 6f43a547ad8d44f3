// Package inflate opens a stored object as the stream of bytes it stands for,
// whatever it was compressed with.
//
// What was packed twice is unpacked twice: Firehose packs what CloudWatch Logs
// packed already. Text in UTF-16, as tools of Windows save it, is delivered as
// UTF-8. Positions in the stream are those in what is delivered, that is, what
// `zcat | zcat` or `iconv -f utf-16 -t utf-8` print.
//
// Archives are copied, cut off and glued together on their way to an
// investigator, so the aim is to deliver every byte that can still be read
// and then to say exactly what was wrong. Nothing here knows lines or logs.
package inflate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The formats that Open tells apart.
const (
	Gzip  = "gzip"
	Zstd  = "zstd"
	Plain = "plain"
)

// TrailingError says that bytes which belong to no member follow the last
// valid one. Everything before them has been delivered.
type TrailingError struct {
	Format string
	Good   int64 // bytes of the stored object that were read well; of "gzip in gzip", unpacked once
}

func (e *TrailingError) Error() string {
	return fmt.Sprintf("%s: trailing garbage: the first %d bytes of the object were read well", e.Format, e.Good)
}

// errPanic stands for a panic inside a decompressor. Its value is left out:
// it may quote what was being read.
var errPanic = errors.New("decompressor failed on damaged data")

// maxWindow bounds what a zstd frame may make us allocate; `zstd --long=27`,
// the most that its own tool unpacks without being told to, stays below.
const maxWindow = 128 << 20

// maxLayers is how often an object may have been packed.
const maxLayers = 4

// Open returns the decompressed stream of r and the format it found by magic
// number; "gzip in gzip" is one. An object cut short gives an error that wraps
// io.ErrUnexpectedEOF after all bytes that could be read; bytes after the last
// member give a *TrailingError, but padding is passed over. Closing the result
// does not close r.
func Open(r io.Reader) (rc io.ReadCloser, format string, err error) {
	out := &layers{Reader: r}
	for range maxLayers {
		head, rest := peek(out.Reader)
		if format != "" && !isGzip(head) && !isZstd(head) {
			out.Reader = utf8Of(head, rest)
			return out, format, nil
		}
		layer, name, err := open(rest, format)
		if err != nil {
			_ = out.Close() // nothing was written
			return nil, name, err
		}
		if out.Reader, format = layer, name; format == Plain {
			out.Reader = utf8Of(head, layer)
			return out, format, nil
		}
		out.packed = append(out.packed, layer)
	}
	return out, format, nil
}

// peek returns the first bytes of r, and r with them. An error of r shows when
// they have been read.
func peek(r io.Reader) (head []byte, whole io.Reader) {
	head = make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if head = head[:n]; err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return head, io.MultiReader(bytes.NewReader(head), broken{err})
	}
	return head, io.MultiReader(bytes.NewReader(head), r)
}

// broken is a stream that has failed.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// layers is a stream and the decompressors it comes through.
type layers struct {
	io.Reader
	packed []io.Closer
}

func (l *layers) Close() error {
	var err error
	for _, c := range slices.Backward(l.packed) {
		err = errors.Join(err, c.Close())
	}
	return err
}

// utf8Of returns r, or if it begins as UTF-16 does, its text as UTF-8.
func utf8Of(head []byte, r io.Reader) io.Reader {
	mark := unicode.BOMOverride(transform.Nop)
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return transform.NewReader(r, mark)
	}
	return r
}

// open opens the outermost layer of r. within names the layers around it.
func open(r io.Reader, within string) (rc io.ReadCloser, format string, err error) {
	defer func() {
		if recover() != nil {
			rc, err = nil, fmt.Errorf("%s: %w", format, errPanic)
		}
	}()
	if within != "" {
		within = " in " + within
	}
	in := &source{}
	in.Reader = bufio.NewReaderSize(&counter{r: r, in: in}, 64<<10)
	magic, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", err
	}
	switch {
	case isGzip(magic):
		format = Gzip + within
		m := &members{in: in, format: format}
		return &guard{r: m, format: format, close: func() {}}, format, nil
	case isZstd(magic):
		format = Zstd + within
		// One goroutine only: a panic in another could not be recovered.
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, format, fmt.Errorf("%s: %w", format, err)
		}
		return &guard{r: &frames{in: in, d: d, format: format}, format: format, close: d.Close}, format, nil
	}
	return io.NopCloser(in), Plain, nil
}

func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

func isZstd(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	skippable := b[0]&0xf0 == 0x50 && bytes.Equal(b[1:4], []byte{0x2a, 0x4d, 0x18})
	return skippable || bytes.Equal(b[:4], []byte{0x28, 0xb5, 0x2f, 0xfd})
}

// source is the stored object; it knows how far it has been consumed.
type source struct {
	*bufio.Reader
	total int64 // read from the object, buffered bytes included
	err   error // of the object's own reader, other than io.EOF
}

func (s *source) consumed() int64 { return s.total - int64(s.Buffered()) }

type counter struct {
	r  io.Reader
	in *source
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.in.total += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.in.err = err
	}
	return n, err
}

// members reads gzip members one by one. The library's own multi-member mode
// is not used: it cannot tell garbage after a member from a damaged member,
// nor say where the last good one ended.
type members struct {
	in     *source
	format string
	z      *gzip.Reader
	open   bool  // inside a member
	good   int64 // end of the last complete member
}

func (m *members) Read(p []byte) (int, error) {
	for {
		if !m.open {
			if err := m.next(); err != nil {
				return 0, err
			}
		}
		n, err := m.z.Read(p)
		if errors.Is(err, io.EOF) {
			m.open, m.good, err = false, m.in.consumed(), nil
		}
		if n > 0 || err != nil {
			return n, m.in.describe(m.format, err)
		}
		if m.open {
			return 0, nil
		}
	}
}

// next opens the member that follows; io.EOF if there is none.
func (m *members) next() error {
	if m.z != nil {
		if err := m.skipPadding(); err != nil {
			return err
		}
		if b, _ := m.in.Peek(2); !isGzip(b) {
			return &TrailingError{Format: m.format, Good: m.good}
		}
	}
	var err error
	if m.z == nil {
		m.z, err = gzip.NewReader(m.in)
	} else {
		err = m.z.Reset(m.in)
	}
	if err != nil {
		if errors.Is(err, io.EOF) { // the magic is there, so it is not the end
			err = io.ErrUnexpectedEOF
		}
		return m.in.describe(m.format, err)
	}
	m.z.Multistream(false)
	m.open = true
	return nil
}

// skipPadding passes over zeros, as tape and block copies leave them, and line
// breaks, as Firehose puts them between records if asked for a delimiter.
func (m *members) skipPadding() error {
	for {
		b, err := m.in.Peek(1)
		if err != nil {
			return err
		}
		if b[0] != 0 && b[0] != '\n' {
			return nil
		}
		if _, err := m.in.Discard(1); err != nil {
			return err
		}
	}
}

// frames turns what zstd says about bytes after the last frame into a
// TrailingError.
type frames struct {
	in     *source
	d      *zstd.Decoder
	format string
}

func (f *frames) Read(p []byte) (int, error) {
	n, err := f.d.Read(p)
	if errors.Is(err, zstd.ErrMagicMismatch) {
		// The decoder has taken the four bytes that are no magic number.
		return n, &TrailingError{Format: f.format, Good: max(0, f.in.consumed()-4)}
	}
	return n, f.in.describe(f.format, err)
}

// describe says what err means for the object.
func (s *source) describe(format string, err error) error {
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return err
	case s.err != nil: // the storage failed, not the data
		return fmt.Errorf("read: %w", s.err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: the object is cut short: %w", format, err)
	}
	return fmt.Errorf("%s: damaged data: %w", format, err)
}

// guard makes errors sticky and panics of a decompressor errors.
type guard struct {
	r      io.Reader
	format string
	err    error
	close  func()
}

func (g *guard) Read(p []byte) (n int, err error) {
	if g.err != nil {
		return 0, g.err
	}
	defer func() {
		if recover() != nil {
			n, err = 0, fmt.Errorf("%s: %w", g.format, errPanic)
		}
		g.err = err
	}()
	return g.r.Read(p)
}

func (g *guard) Close() error {
	g.close()
	return nil
}
