package scan

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/cloudfront"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
	"github.com/spillscope/spillscope/scan/internal/inflate"
	"github.com/spillscope/spillscope/scan/internal/sniff"
	"github.com/spillscope/spillscope/scan/internal/survey"
	"github.com/spillscope/spillscope/scan/storage"
)

// InspectInput is what an inspection needs.
type InspectInput struct {
	Paths       []string // files, folders or globs
	Base        string   // relative paths start there; "": the working folder
	CookieNames []string // of the session cookie, where edge logs hold cookies
	Workers     int      // objects read at once; 0: one a core, at most 4
	Progress    func(Progress)
}

// maxInspectors bounds the workers, since each fills samples of its own.
const maxInspectors = 4

// inspection is one under way. Objects are looked at first, then all edge
// logs are read, then the origin logs, which are joined to what the edge
// logs left in the sample.
type inspection struct {
	InspectInput
	ctx     context.Context
	store   storage.Store
	dec     *decode.Context
	objects []*inspected
	sources []*InspectedSource
	all     *survey.Survey

	mu       sync.Mutex
	at       Progress
	problems []string
	notes    map[string]int // warnings of decoders, by objects
	shapes   map[decode.FormOf]int64
	headers  map[string][]string // names of columns, by these
}

// shared returns the names of o, one copy for all objects that have the same:
// archives have a file an hour. Of rows of a log they are not needed again.
func (s *inspection) shared(o *inspected) []string {
	if len(o.names) == 0 || o.found.Format == sniff.JSONL && o.table == "" {
		return nil
	}
	key := strings.Join(o.names, "\x00")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.headers == nil {
		s.headers = map[string][]string{}
	}
	if s.headers[key] == nil {
		s.headers[key] = o.names
	}
	return s.headers[key]
}

// inspected is one object.
type inspected struct {
	storage.Object
	found       sniff.Found
	columnar    bool              // Parquet, whatever log it holds
	names       []string          // of its columns, or of the fields of its first row
	table       string            // of the directory, by these
	renamed     map[string]string // its columns that go by other names than ours
	source      *InspectedSource
	first, last model.Instant
}

// Inspect tells what the logs at in.Paths are and what they show, without an
// incident file. Problems of single objects are part of the answer; if
// nothing can be read the error is a *NothingReadable.
func Inspect(ctx context.Context, in InspectInput) (*Inspection, error) {
	if in.Workers <= 0 {
		in.Workers = min(runtime.GOMAXPROCS(0), maxInspectors)
	}
	if in.Progress == nil {
		in.Progress = func(Progress) {}
	}
	// Digests only tell values apart here and are thrown away, so their key
	// may be empty; a random one would make samples differ between runs.
	dec, err := decode.NewContext(&model.Incident{Cookie: model.Cookie{Names: in.CookieNames}}, model.NewKey(nil))
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	s := &inspection{
		InspectInput: in, ctx: ctx, store: storage.NewLocal(in.Base), dec: dec, all: survey.New(),
		notes: map[string]int{}, shapes: map[decode.FormOf]int64{},
	}
	for _, step := range []func() error{s.list, s.sniffAll, s.joinParts, s.group, s.readEdges, s.guess, s.readOrigins} {
		if err := step(); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if why := s.nothing(); why != "" {
		return nil, &NothingReadable{why}
	}
	return s.result(), nil
}

// list finds the objects. A path that names nothing is a problem of its own.
func (s *inspection) list() error {
	seen := map[string]bool{}
	for _, p := range s.Paths {
		found, err := s.store.List(s.ctx, p)
		if err != nil {
			s.problems = append(s.problems, err.Error())
			continue
		}
		for _, o := range found {
			if !seen[o.Path] {
				seen[o.Path] = true
				s.objects = append(s.objects, &inspected{Object: o})
			}
		}
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if len(s.objects) == 0 {
		return &NothingReadable{strings.Join(s.problems, "; ")}
	}
	slices.SortFunc(s.objects, func(a, b *inspected) int { return cmp.Compare(a.URI, b.URI) })
	return nil
}

// each runs f on the objects that pick chooses, some at a time. f gets a
// survey of its worker, which is merged into that of all in the end.
func (s *inspection) each(pick func(*inspected) bool, f func(*inspected, *worker) error) error {
	work := make(chan *inspected)
	g, ctx := errgroup.WithContext(s.ctx)
	g.Go(func() error {
		defer close(work)
		for _, o := range s.objects {
			if !pick(o) {
				continue
			}
			select {
			case work <- o:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	parts := make([]*survey.Survey, s.Workers)
	for i := range parts {
		w := &worker{survey: survey.New(), memo: s.dec.NewMemo()}
		parts[i] = w.survey
		g.Go(func() error {
			for o := range work {
				if err := f(o, w); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, p := range parts {
		s.all.Merge(p)
	}
	return nil
}

// worker is what one goroutine keeps from object to object.
type worker struct {
	survey *survey.Survey
	memo   *decode.Memo
}

func (s *inspection) sniffAll() error {
	return s.each(func(*inspected) bool { return true }, func(o *inspected, _ *worker) error {
		file, err := s.store.Open(s.ctx, o.Object)
		if err == nil {
			o.found, o.names, err = sniffed(file)
			_ = file.Close() // it was only read
			o.table, o.renamed = directoryTable(o.names)
			o.names = s.shared(o)
		}
		if o.found.Format == sniff.Parquet {
			err = s.sniffColumns(o)
		}
		if err != nil {
			s.problem(o, err)
		}
		return s.ctx.Err()
	})
}

func (s *inspection) readEdges() error {
	pick := func(o *inspected) bool { return o.found.Format == sniff.CloudFront }
	return s.each(pick, func(o *inspected, w *worker) error {
		d := cloudfront.New(s.dec, cloudfront.Options{Object: o.URI, Memo: w.memo}, func(r *model.EdgeRow) bool {
			o.saw(r.End.Lo)
			w.survey.Edge(r)
			return true
		})
		err := s.read(o, d)
		s.mu.Lock()
		defer s.mu.Unlock()
		o.source.cookieRows += d.CookieRows()
		o.source.forms[d.Format()] = true
		for _, text := range d.Warnings() {
			s.notes[text]++
		}
		return err
	})
}

func (s *inspection) readOrigins() error {
	pick := func(o *inspected) bool { return o.source.mapped() }
	edges := s.all
	return s.each(pick, func(o *inspected, w *worker) error {
		src := o.source
		d, err := s.decoder(src, w.memo, func(r *model.OriginRow) bool {
			o.saw(r.Time.Lo)
			switch {
			case src.format == sniff.ALB:
				w.survey.Balancer(r)
			case src.Kind == model.SourceOrigin:
				w.survey.Origin(r, edges)
			}
			return true
		})
		if err != nil {
			return fmt.Errorf("inspect %s: %w", o.URI, err)
		}
		err = s.read(o, d)
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, text := range d.Warnings() {
			s.notes[text]++
		}
		if src.Kind != model.SourceOrigin {
			return err
		}
		for shape, n := range d.Stats().Shapes {
			s.shapes[shape] += n
		}
		return err
	})
}

// decoder reads an object of src as a scan would.
func (s *inspection) decoder(src *InspectedSource, memo *decode.Memo, keep func(*model.OriginRow) bool) (rowDecoder, error) {
	of := model.Source{Kind: src.Kind, Format: src.format, Map: src.Map, TimeZone: src.zone}
	return formatOf(src.Kind, src.format).rows(s.dec, origin.Options{Source: of, Memo: memo}, keep)
}

// mapped reports whether rows of the source are read as those of an origin or
// as sightings.
func (src *InspectedSource) mapped() bool {
	return src.Kind == model.SourceOrigin || src.Kind == model.SourceSighting
}

func (o *inspected) saw(t model.Instant) {
	if o.first == 0 || t < o.first {
		o.first = t
	}
	o.last = max(o.last, t)
}

// read decodes o. Only the end of the inspection is an error; what is wrong
// with o is noted.
func (s *inspection) read(o *inspected, d decode.Decoder) error {
	reasons := map[string]int64{}
	balance, err := s.lines(o, d, func(r model.Reject) { reasons[r.Reason]++ })
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	if err != nil {
		s.problem(o, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o.source.add(o, balance, reasons)
	s.at.Phase = "read"
	s.at.Objects++
	s.at.Rows += balance.Parsed
	s.Progress(s.at)
	return nil
}

func (s *inspection) lines(o *inspected, d decode.Decoder, reject func(model.Reject)) (model.Balance, error) {
	if into, ok := d.(decode.Columnar); ok && o.columnar {
		return s.columns(o, into, 0, reject)
	}
	file, err := s.store.Open(s.ctx, o.Object)
	if err != nil {
		return model.Balance{}, err
	}
	defer file.Close()
	plain, _, err := inflate.Open(&counting{s, file})
	if err != nil {
		return model.Balance{}, err
	}
	defer plain.Close()
	return decode.Records(plain, 0, "", d, reject)
}

// counting counts the bytes read, and ends when the inspection does.
type counting struct {
	s *inspection
	r io.Reader
}

func (c *counting) Read(p []byte) (int, error) {
	if err := c.s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	before := c.s.at.Bytes / reportEvery
	c.s.at.Bytes += int64(n)
	if c.s.at.Bytes/reportEvery != before {
		c.s.at.Phase = "read"
		c.s.Progress(c.s.at)
	}
	return n, err
}

func (s *inspection) problem(o *inspected, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, o.URI+": "+err.Error())
}

// nothing says why no row could be read; "" if one could.
func (s *inspection) nothing() string {
	var rejected int64
	formats := map[string]int{}
	for _, src := range s.sources {
		if src.Rows > 0 {
			return ""
		}
		rejected += src.Rejected
		formats[src.Format] += src.Objects
	}
	why := fmt.Sprintf("%d files, not one row of a log that can be read", len(s.objects))
	for _, f := range sortedKeys(formats) {
		why += fmt.Sprintf("; %d %s", formats[f], f)
	}
	for _, src := range s.sources {
		if src.Problem != "" {
			why += fmt.Sprintf("; %s: %s", src.Folder, src.Problem)
		}
	}
	if rejected > 0 {
		why += fmt.Sprintf("; %d lines rejected", rejected)
	}
	if len(s.problems) > 0 {
		slices.Sort(s.problems)
		why += "; first problem: " + s.problems[0]
	}
	return why
}
