package scan

import (
	"errors"
	"fmt"

	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/parquet"
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
	o.balance, err = parquet.Read(file, size, o.number, into, r.reject)
	d.finish()
	return err
}
