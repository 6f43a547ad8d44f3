package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
)

// What is wrong with an object that nothing of can be read.
var (
	errNoParquet = errors.New("not a Parquet file: it does not begin with PAR1")
	errNoFooter  = errors.New("a Parquet file cut short: its last four bytes are not PAR1, so its footer, which says where everything is, is missing; fetch the object again")
	errEncrypted = errors.New("an encrypted Parquet file: this build holds no keys; export it again without encryption")
	errFooter    = errors.New("the footer of the Parquet file is damaged, and without it nothing of the file can be read; fetch the object again")
)

// Limits on what a footer may say. Real files stay far below; what is beyond
// is damage or an attack, and would cost memory in proportion.
const (
	maxFooter    = 64 << 20 // bytes
	maxElements  = 20_000   // columns and the groups they are in
	maxRowGroups = 100_000
	maxFixed     = 64 << 10 // bytes of a value of fixed length
)

var magic = [...]byte{'P', 'A', 'R', '1'}

// tail is what a Parquet file ends with: the length of the footer and the magic.
const tail = 8

// Is reports whether an object that begins with head is a Parquet file.
func Is(head []byte) bool {
	return len(head) >= len(magic) && (string(head[:4]) == string(magic[:]) || string(head[:4]) == "PARE")
}

// source is the open file.
type source struct {
	r     io.ReaderAt
	data  int64 // where the footer begins: the pages are before it
	meta  *metadata.FileMetaData
	lib   *file.Reader
	cols  []column
	names []string
}

// open reads the footer.
func open(r io.ReaderAt, size int64) (*source, error) {
	footer, err := footerOf(r, size)
	if err != nil {
		return nil, err
	}
	if err := checkFooter(footer); err != nil {
		return nil, err
	}
	s := &source{r: r, data: size - tail - int64(len(footer))}
	if err := guard(func() error { return s.parse(footer, size) }); err != nil {
		if errors.Is(err, errEncrypted) {
			return nil, err
		}
		return nil, errFooter
	}
	return s, nil
}

// footerOf returns the bytes of the footer.
func footerOf(r io.ReaderAt, size int64) ([]byte, error) {
	var head, end [tail]byte
	if size < int64(len(magic))+tail {
		return nil, errNoParquet
	}
	if _, err := r.ReadAt(head[:4], 0); err != nil {
		return nil, err
	}
	if !Is(head[:4]) {
		return nil, errNoParquet
	}
	if _, err := r.ReadAt(end[:], size-tail); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if string(end[4:]) == "PARE" {
		return nil, errEncrypted
	}
	if string(end[4:]) != string(magic[:]) {
		return nil, errNoFooter
	}
	n := int64(binary.LittleEndian.Uint32(end[:4]))
	if n > size-tail-int64(len(magic)) || n > maxFooter {
		return nil, errFooter
	}
	footer := make([]byte, n)
	if _, err := r.ReadAt(footer, size-tail-n); err != nil {
		return nil, err
	}
	return footer, nil
}

// checkFooter goes over a footer before the library believes it. Field numbers
// are those of parquet.thrift: 2 is the schema, 2.5 the number of children of
// an element, 2.2 the length of its values, 4 the row groups.
func checkFooter(footer []byte) error {
	var elements, children int64
	sound := true
	_, err := skim(footer, func(at field, v int64) {
		switch at {
		case field{2}:
			elements = v
			sound = sound && v <= maxElements
		case field{2, 5}:
			children += v
			sound = sound && v >= 0 && v < elements
		case field{2, 2}:
			sound = sound && v >= 0 && v <= maxFixed
		case field{4}:
			sound = sound && v <= maxRowGroups
		}
	})
	if err != nil || !sound || children != elements-1 {
		return errFooter
	}
	return nil
}

// parse hands a footer to the library.
func (s *source) parse(footer []byte, size int64) error {
	meta, err := metadata.NewFileMetaData(footer, nil)
	if err != nil {
		return err
	}
	if meta.IsSetEncryptionAlgorithm() {
		return errEncrypted
	}
	meta.SetSourceFileSize(size)
	for i, g := range meta.RowGroups {
		if g == nil || g.NumRows < 0 || len(g.Columns) != meta.Schema.NumColumns() {
			return fmt.Errorf("row group %d", i)
		}
		for _, c := range g.Columns {
			if c == nil || c.MetaData == nil {
				return fmt.Errorf("row group %d", i)
			}
			// The page index only helps to skip pages, which is not done here:
			// damage in it must not cost a row.
			c.ColumnIndexOffset, c.ColumnIndexLength, c.OffsetIndexOffset, c.OffsetIndexLength = nil, nil, nil, nil
		}
	}
	// Pages are read one by one rather than a whole column chunk at once, so
	// that memory does not grow with the row group.
	props := parquet.NewReaderProperties(nil)
	props.BufferedStreamEnabled = true
	props.BufferSize = 64 << 10
	props.MaxCompressedPageSize, props.MaxUncompressedPageSize = maxPage, maxPage
	s.meta = meta
	if s.cols, err = columnsOf(meta.Schema); err != nil {
		return err
	}
	for i := range s.cols {
		s.names = append(s.names, s.cols[i].name)
	}
	s.lib, err = file.NewParquetReader(io.NewSectionReader(s.r, 0, size), file.WithMetadata(meta), file.WithReadProps(props))
	return err
}

// guard turns a panic of the library into an error. It is enough to do so
// here: package file of Arrow Go starts no goroutines, unlike pqarrow above
// it, so a panic always comes up through the caller. The panic's value is left
// out: it may quote what was being read.
func guard(f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	return f()
}

var errPanic = errors.New("the library failed on damaged data")
