package store

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spillscope/spillscope/export/inert"
)

// file is one file of a case under construction. Every error of it carries
// its name in the case.
type file struct {
	name string
	f    *os.File
	buf  *bufio.Writer
}

// openFile makes a file of the case; a failure stays in w.err.
func (w *Writer) openFile(name string) *file {
	out := &file{name: name}
	if w.err != nil {
		return out
	}
	path := filepath.Join(w.temp, filepath.FromSlash(name))
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		// O_EXCL: two outputs of one name would be a mistake of ours.
		out.f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		w.err = out.fail(err)
		return out
	}
	out.buf = bufio.NewWriterSize(out.f, 64<<10)
	w.open = append(w.open, out)
	return out
}

func (f *file) fail(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", f.name, cause(err))
}

func (f *file) print(s string) error {
	_, err := f.buf.WriteString(s)
	return f.fail(err)
}

func (f *file) close() error {
	err := f.buf.Flush()
	if err == nil {
		err = f.f.Sync()
	}
	if cerr := f.f.Close(); err == nil {
		err = cerr
	}
	return f.fail(err)
}

// csvFile writes a table's rows.
type csvFile[T any] struct {
	*file
	table   table[T]
	objects *objects
	csv     *csv.Writer
	cells   []string
}

func openCSV[T any](w *Writer, t table[T]) *csvFile[T] {
	f := &csvFile[T]{file: w.openFile(t.file), table: t, objects: w.objects, cells: t.header()}
	if w.err != nil {
		return f
	}
	f.csv = csv.NewWriter(f.buf) // shares f.buf, so closing the file flushes both
	f.csv.UseCRLF = true
	w.err = f.fail(f.csv.Write(f.cells))
	return f
}

func (f *csvFile[T]) put(r *T) error {
	for i, c := range f.table.columns {
		cell, err := c.put(f.objects, r)
		if err != nil {
			return fmt.Errorf("%s: column %s: %w", f.name, c.name, err)
		}
		f.cells[i] = cell
	}
	return f.fail(f.csv.Write(f.cells))
}

// jsonFile writes one JSON object a line.
type jsonFile struct{ *file }

func (f *jsonFile) put(v any, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	line, err := marshal(v, "")
	if err != nil {
		return f.fail(err)
	}
	return f.print(string(line))
}

// marshal encodes v with a final newline. HTML stays readable: the files are
// read by people and jq, and what goes into HTML is escaped there.
func marshal(v any, indent string) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return inert.JSON(buf.Bytes()), nil
}

// verifyText is VERIFY.txt. The tools it names come with every Linux; on a
// Mac, `shasum -a 256` replaces sha256sum.
var verifyText = strings.TrimLeft(`
How to check this case without our software. Run the commands in this folder.

1. No file was changed or removed. Prints nothing and ends with status 0:

     sha256sum --check --quiet manifest-sha256.txt

2. No file was added. Prints nothing:

     find . -type f ! -name manifest-sha256.txt ! -path ./run.json | sed 's|^\./||' | LC_ALL=C sort | diff <(cut -c67- manifest-sha256.txt) -

3. The list and run.json belong together. Each pair prints the same digest twice:

     sha256sum < manifest-sha256.txt; grep '"manifest_sha256"' run.json; head -n -2 run.json | sha256sum; tail -n 2 run.json

The logs are those that were read, if they still exist. Run it in the folder of
the incident file:

     sha256sum --check --quiet CASE/privileged/inputs-sha256.txt

What this shows, and what not. Two runs over the same logs and the same incident
file give the same manifest-sha256.txt; what varies between runs (times, host,
command line) is in run.json alone, which the list therefore leaves out. The
check finds damage and careless edits. Somebody who means to deceive could write
a new list as well: note the digest of manifest-sha256.txt somewhere else on the
day the case is made, or have it signed or time-stamped.
`, "\n")
