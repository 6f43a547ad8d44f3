package scan

import (
	"errors"
	"fmt"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/parquet"
	"github.com/spillscope/spillscope/scan/internal/sniff"
)

// columns reads a Parquet object, which is told by its beginning but read from
// its end.
func (r *reader) columns(o *object, d decoding) error {
	into, ok := d.rows.(decode.Columnar)
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
	if r.peek != nil {
		o.balance, err = parquet.Peek(file, size, o.number, peekRows, into, r.reject)
	} else {
		o.balance, err = parquet.Read(file, size, o.number, into, r.reject)
	}
	d.finish()
	return err
}

// sniffColumns tells by its columns what log a Parquet object holds.
func (s *inspection) sniffColumns(o *inspected) error {
	file, size, err := s.store.OpenAt(s.ctx, o.Object)
	if err != nil {
		return err
	}
	defer file.Close()
	names, _, err := parquet.Columns(file, size)
	if err != nil {
		return err
	}
	o.columnar, o.names = true, names
	if s.likeEdge(names) {
		o.found.Format = sniff.CloudFront
		return nil
	}
	o.table, o.renamed = directoryTable(names)
	return nil
}

// columns reads so many rows of a Parquet object for inspect; 0: all.
func (s *inspection) columns(o *inspected, into decode.Columnar, most int64, reject func(model.Reject)) (model.Balance, error) {
	file, size, err := s.store.OpenAt(s.ctx, o.Object)
	if err != nil {
		return model.Balance{}, err
	}
	defer file.Close()
	if most > 0 {
		return parquet.Peek(file, size, 0, most, into, reject)
	}
	return parquet.Read(file, size, 0, into, reject)
}
