package scan

import (
	"fmt"
	"io"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/alb"
	"github.com/spillscope/spillscope/scan/internal/decode/cloudfront"
	"github.com/spillscope/spillscope/scan/internal/decode/delimited"
	"github.com/spillscope/spillscope/scan/internal/decode/jsonl"
	"github.com/spillscope/spillscope/scan/internal/decode/logfmt"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
	"github.com/spillscope/spillscope/scan/internal/sniff"
)

// format is a way to read the objects of a kind of source.
type format struct {
	kind model.SourceKind
	name string  // as the incident file and package sniff have it
	rows newRows // of mapped fields; nil: of CloudFront
}

// formats lists them. The first of a kind is what its sources are read as
// where neither the incident file nor the content says.
var formats = [...]format{
	{model.SourceEdge, sniff.CloudFront, nil},
	{model.SourceEdge, sniff.RealTime, nil},
	{model.SourceEdge, sniff.Parquet, nil},
	{model.SourceOrigin, sniff.JSONL, rowsOf(jsonl.New)},
	{model.SourceOrigin, sniff.CSV, rowsOf(delimited.New)},
	{model.SourceOrigin, sniff.Logfmt, rowsOf(logfmt.New)},
	{model.SourceOrigin, sniff.Parquet, rowsOf(origin.NewColumns)},
	{model.SourceOrigin, sniff.ALB, rowsOf(alb.New)},
	{model.SourceSighting, sniff.JSONL, rowsOf(jsonl.New)},
	{model.SourceSighting, sniff.CSV, rowsOf(delimited.New)},
	{model.SourceSighting, sniff.Logfmt, rowsOf(logfmt.New)},
	{model.SourceSighting, sniff.Parquet, rowsOf(origin.NewColumns)},
}

// decoding is how one object is read.
type decoding struct {
	rows   decode.Decoder
	finish func() // once all of it has been read
}

// choose chooses how to read an object of src that looks like found. What the
// incident file says wins over the look of a file, which is told where they
// differ: a person knows the system, but may have named the wrong folder.
// Parquet alone can be read as nothing else, whatever was said.
func choose(src *model.Source, found sniff.Found) (f format, warning string) {
	said := src.Format
	if said == "" || said == "auto" || found.Format == sniff.Parquet {
		said = found.Format
	}
	f = formatOf(src.Kind, said)
	return f, contradiction(f, found)
}

// formatOf returns the format of that name, or else the first of the kind.
func formatOf(kind model.SourceKind, name string) format {
	var first format
	for _, f := range formats {
		switch {
		case f.kind != kind:
		case f.name == name:
			return f
		case first.name == "":
			first = f
		}
	}
	return first
}

// contradiction says that an object does not look like what it is read as. Of
// text that looks like nothing in particular nothing can be said.
func contradiction(f format, found sniff.Found) string {
	switch found.Format {
	case f.name, sniff.Empty, sniff.Text:
		return ""
	}
	text := fmt.Sprintf("looks %s, but is read as %s of the kind %s", found.Look(), f.name, f.kind)
	if found.Advice != "" {
		return text + ": " + found.Advice
	}
	return text + ": check kind and format of its source"
}

// decode reads the decompressed stream of o.
func (r *reader) decode(stored io.Reader, o *object) error {
	plain, err := r.open(stored)
	if err != nil {
		return err
	}
	defer plain.Close()
	head, _ := r.in.Peek(sniff.Size) // an error shows when it is read
	found := sniff.Of(head)
	if found.Opaque {
		o.format = found.Format
		return fmt.Errorf("looks %s: not a log; %s", found.Look(), found.Advice)
	}
	f, warning := choose(o.source, found)
	if warning != "" {
		r.notes.warn(o.URI, warning)
	}
	o.format = f.name
	d, err := f.open(r, o)
	if err != nil {
		return err
	}
	r.event = 0
	if f.name == sniff.Parquet {
		return r.columns(o, d)
	}
	o.balance, err = decode.Records(r.in, o.number, o.source.Unwrap, eventful{d.rows, r}, r.reject)
	d.finish()
	return err
}

// eventful notes which event of a log service the rows come in.
type eventful struct {
	decode.Decoder
	*reader
}

func (e eventful) Event(id uint64) { e.event = id }

// rowDecoder is what every decoder of origin rows and sightings is.
type rowDecoder interface {
	decode.Decoder
	Stats() origin.Stats
	Use() origin.Use
	Warnings() []string
}

// newRows makes a decoder of one object.
type newRows func(*decode.Context, origin.Options, func(*model.OriginRow) bool) (rowDecoder, error)

func rowsOf[D rowDecoder](f func(*decode.Context, origin.Options, func(*model.OriginRow) bool) (D, error)) newRows {
	return func(ctx *decode.Context, o origin.Options, keep func(*model.OriginRow) bool) (rowDecoder, error) {
		return f(ctx, o, keep)
	}
}

// open opens an object to be read as f.
func (f format) open(r *reader, o *object) (decoding, error) {
	if f.rows == nil {
		return openCloudFront(r, o), nil
	}
	if len(o.source.Map) == 0 && f.name != sniff.ALB {
		return decoding{}, fmt.Errorf("is read as %s, and its source (line %d of the incident file) has no map, which only the log of a load balancer can do without: name its fields, as in map: {time: ts, …}; `inspect` suggests them", f.name, o.source.Line)
	}
	d, err := f.rows(r.dec, origin.Options{Source: *o.source, Spans: r.spans.read, Memo: r.memo}, func(row *model.OriginRow) bool {
		o.saw(row.Time.Lo)
		r.origin(row)
		return true
	})
	if err != nil {
		return decoding{}, err
	}
	return decoding{rows: d, finish: func() {
		r.notes.read(o.source, d.Stats(), d.Use())
		for _, w := range d.Warnings() {
			r.notes.warn(o.URI, w)
		}
	}}, nil
}

func openCloudFront(r *reader, o *object) decoding {
	d := cloudfront.New(r.dec, cloudfront.Options{
		Object: o.URI, Spans: r.spans.read, Form: o.source.SessionForm, Memo: r.memo,
		Fields: o.source.Fields, Delimiter: o.source.Delimiter, Realtime: o.source.Format == sniff.RealTime,
	}, func(row *model.EdgeRow) bool {
		o.saw(row.End.Lo)
		r.edge(row)
		return true
	})
	return decoding{rows: d, finish: func() {
		o.format = d.Format()
		r.notes.edgeCookies = r.notes.edgeCookies || d.CookieRows() > 0
		r.notes.cookieRows += d.CookieRows()
		r.notes.badForms += d.FormFailures()
		r.notes.cutCookies += d.CutCookies()
		for _, w := range d.Warnings() {
			r.notes.warn(o.URI, w)
		}
	}}
}
