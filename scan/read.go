package scan

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/cache"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/inflate"
	"github.com/spillscope/spillscope/scan/internal/join"
	"github.com/spillscope/spillscope/scan/internal/sniff"
	"github.com/spillscope/spillscope/scan/internal/spill"
	"github.com/spillscope/spillscope/scan/internal/wire"
)

// read goes once over every planned object: hashed as stored, inflated,
// decoded, its rows put under their request ids.
func (s *state) read() error {
	s.requests = s.sorter(requestShare, s.Workers)
	s.traces = s.sorter(traceShare, s.Workers)
	s.rejects = s.sorter(0.01, s.Workers)
	work := make(chan *object)
	p := newMeter(s)
	g, ctx := errgroup.WithContext(s.ctx)
	g.Go(func() error {
		defer close(work)
		for i := range s.objects {
			select {
			case work <- &s.objects[i]:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range s.Workers {
		g.Go(func() error { return s.worker(ctx, work, p) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.anythingRead()
}

// worker reads objects from work until there are no more.
func (s *state) worker(ctx context.Context, work <-chan *object, p *meter) error {
	r := &reader{state: s, rows: join.NewWriter(s.requests), traces: join.NewTraceWriter(s.traces), rejects: s.rejects.Writer(), memo: s.dec.NewMemo()}
	for o := range work {
		if o.pruned {
			continue
		}
		if err := r.object(ctx, o, p); err != nil {
			return err
		}
		p.done()
	}
	p.merge(&r.notes)
	return errors.Join(r.rows.Close(), r.traces.Close(), r.rejects.Close())
}

// reader is one worker's view of the scan.
type reader struct {
	*state
	rows    *join.Writer
	traces  *join.TraceWriter
	rejects *spill.Writer
	memo    *decode.Memo
	notes   notes
	peek    *glimpse      // nil, or the source that is only looked into
	in      *bufio.Reader // of the object in hand
	event   uint64        // id of the event that the row in hand came in; 0: none
	buf     []byte
	err     error // of a sorter, which ends the scan
}

// safely runs f. A decoder that panics is an error of the object that it reads;
// the value may quote the log, so only its type is told.
func (r *reader) safely(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("internal error while decoding (%T)", v)
		}
	}()
	return f()
}

// object reads o. What is wrong with o is noted in it and the scan goes on.
func (r *reader) object(ctx context.Context, o *object, p *meter) (err error) {
	file, err := r.store.Open(ctx, o.Object)
	if err != nil {
		o.problem = err.Error()
		return nil
	}
	defer file.Close()
	stored := &hashing{ctx: ctx, r: file, sum: sha256.New(), meter: p}
	err = r.safely(func() error { return r.decode(stored, o) })
	if r.err != nil {
		return r.err
	}
	if err == nil || !errors.Is(err, context.Canceled) {
		_, rest := io.Copy(io.Discard, stored) // so that the hash covers all of it
		err = errors.Join(err, rest)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		o.problem = err.Error()
	}
	o.sha256 = hex.EncodeToString(stored.sum.Sum(nil))
	p.rows(o.balance.Lines)
	return nil
}

// open decompresses an object, for r.in to read.
func (r *reader) open(stored io.Reader) (io.Closer, error) {
	plain, _, err := inflate.Open(stored)
	if err != nil {
		return nil, err
	}
	if r.in == nil {
		r.in = bufio.NewReaderSize(nil, sniff.Size)
	}
	r.in.Reset(plain)
	return plain, nil
}

func (o *object) saw(t model.Instant) {
	if o.first == 0 || t < o.first {
		o.first = t
	}
	o.last = max(o.last, t)
}

// edge keeps a row. Off the suspect routes, or too far from the window to be
// reconstructed, all it can tell is which device a request came from, and,
// by its pattern, whether the origin should have logged it.
func (r *reader) edge(row *model.EdgeRow) {
	if r.peek != nil {
		r.peek.edgeRow(row)
		return
	}
	if !row.Session.IsZero() {
		r.notes.sessionRows++
	}
	if row.Route == model.NoRoute || r.spans.of(row.End.Lo) == nowhere {
		row.Key = model.ID{}
		asked := forwarded(row) // then an origin row may be placed by path and host
		if !asked {
			row.Host = ""
		}
		if !asked && (r.spans.of(row.End.Lo) != window || !cache.Storable(row)) {
			row.Path = model.ID{} // which objects of other routes a cache answered, the window tells
		}
	}
	r.fail(r.rows.Edge(row))
}

// origin keeps a row. One without a request id waits under its trace for a row
// that names both.
func (r *reader) origin(row *model.OriginRow) {
	if r.peek != nil {
		r.peek.originRow(r.state, row)
		return
	}
	r.notes.instances = r.notes.instances || row.Instance != ""
	switch {
	case row.RequestID != "" && !row.Trace.IsZero():
		r.fail(r.traces.Link(row.Trace, row.RequestID))
	case row.RequestID == "":
		r.notes.stray(row, r.sourceOf(row.Ref.Object))
		if !row.Trace.IsZero() {
			r.fail(r.traces.Row(row))
			return
		}
		r.delivered(row)
		r.stray(row)
	}
	r.fail(r.rows.Origin(row))
}

// delivered tells apart rows that say the same, where the service that
// delivered them gave each event an id: delivered again, in whatever object or
// envelope, an event keeps it, and an equal row of another event is another.
//
// Without such ids two equal lines of a log count as one, though a program
// that logs whole milliseconds may have meant two. Delivery at least once is
// the rule with these services, and both say the same of the same device at
// the same instant: to keep one costs a count, which is shown as duplicate; to
// keep both would let a second download of a file look like use of a session.
func (r *reader) delivered(row *model.OriginRow) {
	if r.event != 0 {
		row.Line = decode.Hash(row.Line, binary.BigEndian.AppendUint64(nil, r.event))
	}
}

func (r *reader) reject(x model.Reject) {
	if r.peek != nil {
		r.peek.reason = cmp.Or(r.peek.reason, x.Reason)
		return
	}
	key := appendRef(nil, x.Ref)
	r.buf = wire.Encode(r.buf[:0], func(c *wire.Codec) { rejectFields(c, &x) })
	r.fail(r.rejects.Add(key, r.buf))
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func rejectFields(c *wire.Codec, x *model.Reject) {
	c.Ref(&x.Ref)
	wire.Text(c, &x.Reason)
}

// hashing hashes and counts what passes, and stops when the scan does.
type hashing struct {
	ctx   context.Context
	r     io.Reader
	sum   hash.Hash
	meter *meter
}

func (h *hashing) Read(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := h.r.Read(p)
	h.sum.Write(p[:n])
	h.meter.bytes(int64(n))
	return n, err
}

// meter adds up progress and what the workers noted.
type meter struct {
	*state
	mu sync.Mutex
	at Progress
}

// reportEvery keeps progress from costing more than the reading.
const reportEvery = 4 << 20

func (m *meter) bytes(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.at.Bytes / reportEvery
	m.at.Bytes += n
	if m.at.Bytes/reportEvery != before {
		m.Progress(m.at)
	}
}

func (m *meter) rows(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at.Rows += n
}

func (m *meter) done() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at.Objects++
	m.Progress(m.at)
}

func newMeter(s *state) *meter {
	m := &meter{state: s, at: Progress{Phase: "read"}}
	for i := range s.objects {
		if o := &s.objects[i]; !o.pruned {
			m.at.ObjectsTotal++
			m.at.BytesTotal += o.Size
		}
	}
	return m
}

func (m *meter) merge(n *notes) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes.merge(n)
}
