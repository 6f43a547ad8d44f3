package intake

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/spillscope/spillscope/scan/storage"
)

// places numbers the lines of the files of a table through, so that the place
// of a row fits into four bytes.
type places struct {
	files []placedFile
	last  uint64
}

type placedFile struct {
	object storage.Object
	input  int      // index among the inputs
	base   uint64   // lines of the files before
	names  []string // of the columns of the file before, which a part without header has
}

var errTooManyLines = errors.New("more than 4 billion lines: split the table by what the incident concerns")

// add begins the next file.
func (p *places) add(o storage.Object, input int, names []string) {
	p.files = append(p.files, placedFile{o, input, p.last, names})
}

// number returns the number of a line of the file added last.
func (p *places) number(line uint64) (uint32, error) {
	p.last = p.files[len(p.files)-1].base + line
	if p.last > math.MaxUint32 {
		return 0, errTooManyLines
	}
	return uint32(p.last), nil
}

// find returns the file and the line in it that a number stands for.
func (p *places) find(at uint32) (placedFile, uint64) {
	i := sort.Search(len(p.files), func(i int) bool { return p.files[i].base >= uint64(at) }) - 1
	return p.files[i], uint64(at) - p.files[i].base
}

// name is file:line.
func (p *places) name(at uint32) string {
	f, line := p.find(at)
	return fmt.Sprintf("%s:%d", f.object.URI, line)
}
