package store

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/spillscope/spillscope/model"
)

// Case is a finished case. It keeps its manifest and the names of its inputs;
// all else is read again for each call. It is safe for concurrent use.
type Case struct {
	Dir      string
	Manifest model.Manifest // Params is decoded JSON, numbers as json.Number
	Version  string         // 12 digits that name this state of the findings
	objects  *objects
}

// Open reads the case in dir.
func Open(dir string) (*Case, error) {
	raw, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("case %s: not a case: it has no %s; give the folder that scan wrote (-o)", dir, ManifestFile)
	}
	if err != nil {
		return nil, fmt.Errorf("case %s: %w", dir, err)
	}
	sum := sha256.Sum256(raw)
	c := &Case{Dir: dir, Version: hex.EncodeToString(sum[:6]), objects: newObjects()}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&c.Manifest); err != nil {
		return nil, fmt.Errorf("case %s: %s: %w", dir, ManifestFile, err)
	}
	if c.Manifest.Schema != Schema {
		return nil, fmt.Errorf("case %s: layout %d, this build reads %d; use the version named in run.json", dir, c.Manifest.Schema, Schema)
	}
	for in, err := range c.Inputs() {
		if err != nil {
			return nil, err
		}
		c.objects.add(&in)
	}
	return c, nil
}

// Each method below streams the records of one file in the order in which
// they were put. The pair after an error is the last.

// Deliveries yields deliveries.csv.
func (c *Case) Deliveries() iter.Seq2[model.Delivery, error] { return read(c, deliveries()) }

// Users yields users.csv.
func (c *Case) Users() iter.Seq2[model.UserFinding, error] { return read(c, users()) }

// Workspaces yields workspaces.csv.
func (c *Case) Workspaces() iter.Seq2[model.WorkspaceFinding, error] { return read(c, workspaces()) }

// Accesses yields access.csv.
func (c *Case) Accesses() iter.Seq2[model.Access, error] { return read(c, accesses()) }

// Revocations yields revoke.csv.
func (c *Case) Revocations() iter.Seq2[model.Revocation, error] { return read(c, revocations()) }

// Unattributed yields unattributed.csv.
func (c *Case) Unattributed() iter.Seq2[model.Unattributed, error] { return read(c, unattributed()) }

// UnresolvedUsers yields unresolved_users.csv.
func (c *Case) UnresolvedUsers() iter.Seq2[model.UnresolvedUser, error] { return read(c, unresolved()) }

// Inputs yields inputs.csv.
func (c *Case) Inputs() iter.Seq2[model.Input, error] { return read(c, inputs()) }

// Coverage yields coverage.csv.
func (c *Case) Coverage() iter.Seq2[model.Coverage, error] { return read(c, coverage()) }

// Joins yields joins.csv.
func (c *Case) Joins() iter.Seq2[model.JoinRate, error] { return read(c, joins()) }

// Outside yields outside.csv, the deliveries before and after the window.
func (c *Case) Outside() iter.Seq2[model.OutsideDelivery, error] { return read(c, outside()) }

// Phases yields phases.csv.
func (c *Case) Phases() iter.Seq2[model.PhaseMinute, error] { return read(c, phases()) }

// Reports yields reports.csv.
func (c *Case) Reports() iter.Seq2[model.ReportMatch, error] { return read(c, reports()) }

// TwoDevices yields second.csv.
func (c *Case) TwoDevices() iter.Seq2[model.TwoDevices, error] { return read(c, second()) }

// TierChanges yields sensitivity.csv.
func (c *Case) TierChanges() iter.Seq2[model.TierChange, error] { return read(c, sensitivity()) }

// Rejects yields rejects.jsonl.
func (c *Case) Rejects() iter.Seq2[Reject, error] { return readJSON[Reject](c, RejectsFile) }

// Rows yields rows.jsonl.
func (c *Case) Rows() iter.Seq2[Row, error] { return readJSON[Row](c, RowsFile) }

// Cite returns ref as the files of the case print it.
func (c *Case) Cite(ref model.Ref) string {
	cite, err := c.objects.cite(ref)
	if err != nil {
		return ""
	}
	return cite
}

func (c *Case) open(name string) (*os.File, error) {
	f, err := os.Open(filepath.Join(c.Dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("case %s: %s: %w", c.Dir, name, cause(err))
	}
	return f, nil
}

func read[T any](c *Case, t table[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		f, err := c.open(t.file)
		if err != nil {
			yield(none, err)
			return
		}
		defer f.Close()
		r := csv.NewReader(bufio.NewReaderSize(f, 256<<10))
		r.ReuseRecord = true
		if err := t.checkHeader(r); err != nil {
			yield(none, err)
			return
		}
		for {
			cells, err := r.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			rec, err := t.parse(c.objects, r, cells, err)
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

func (t table[T]) checkHeader(r *csv.Reader) error {
	names, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s: header: %w", t.file, err)
	}
	for i, want := range t.header() {
		if i >= len(names) || names[i] != want {
			return fmt.Errorf("%s:1: column %d should be %q; was the file edited?", t.file, i+1, want)
		}
	}
	return nil
}

func (t table[T]) parse(o *objects, r *csv.Reader, cells []string, err error) (rec T, _ error) {
	if err != nil {
		return rec, fmt.Errorf("%s: %w", t.file, err)
	}
	for i, col := range t.columns {
		if err := col.get(o, &rec, cells[i]); err != nil {
			line, _ := r.FieldPos(i)
			return rec, fmt.Errorf("%s:%d: column %s: %w", t.file, line, col.name, err)
		}
	}
	return rec, nil
}

func readJSON[T any](c *Case, name string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		f, err := c.open(name)
		if err != nil {
			yield(none, err)
			return
		}
		defer f.Close()
		dec := json.NewDecoder(bufio.NewReaderSize(f, 256<<10))
		for n := 1; ; n++ {
			var rec T
			err := dec.Decode(&rec)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				err = fmt.Errorf("%s:%d: %w", name, n, err)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}
