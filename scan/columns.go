package scan

import (
	"errors"
	"fmt"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
	"github.com/spillscope/spillscope/scan/internal/decode/parquet"
)

// columns reads a Parquet object, which is told by its beginning but read from
// its end.
func (r *reader) columns(o *object, d decoding) error {
	into, ok := d.rows.(decode.Columnar)
	if d.columns != nil {
		into, ok = d.columns, true
	}
	if !ok {
		return fmt.Errorf("is Parquet, which cannot be read as %s", o.format)
	}
	file, size, err := r.store.OpenAt(r.ctx, o.Object)
	if err != nil {
		return err
	}
	defer file.Close()
	var head [4]byte
	if _, err := file.ReadAt(head[:], 0); err == nil && !parquet.Is(head[:]) {
		return errors.New("is Parquet inside a compressed file, which cannot be read in place: unpack it first, with gunzip or unzstd")
	}
	o.balance, err = parquet.Read(file, size, o.number, into, r.reject)
	d.finish()
	return err
}

// openColumns reads rows of an application's log that come as columns.
func openColumns(r *reader, o *object) (decoding, error) {
	d, err := origin.NewColumns(r.dec, origin.Options{Source: *o.source, Spans: r.spans.read, Memo: r.memo}, func(row *model.OriginRow) bool {
		o.saw(row.Time.Lo)
		r.origin(row)
		return true
	})
	if err != nil {
		return decoding{}, err
	}
	return decoding{columns: d, finish: func() {
		r.notes.origin.Merge(d.Stats())
		for _, w := range d.Warnings() {
			r.notes.warn(o.URI + ": " + w)
		}
	}}, nil
}
