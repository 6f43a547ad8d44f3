package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spillscope/spillscope/export/seal"
	"github.com/spillscope/spillscope/model"
)

// Schema is the version of the case's layout. Adding a column or a file does
// not change it.
const Schema = 1

// Options are the choices of [Create]. The zero value replaces nothing and
// writes the records alone.
type Options struct {
	Force   bool     // replace a case that exists, once the new one is finished
	Outputs []Output // what else to write, in this order
}

// Output is a file of a case that is made from its records. It is given the
// case as any reader sees it, so that a report made now and one made in a
// year say the same.
type Output struct {
	Path  string // in the case, slash-separated
	Write func(io.Writer, *Case) error
}

// Run is what differs between two runs over the same input. It goes to
// run.json and nowhere else.
type Run struct {
	Start       time.Time `json:"start_utc"`
	End         time.Time `json:"end_utc"`
	Host        string    `json:"host"`
	CommandLine []string  `json:"command_line"`
	Version     string    `json:"tool_version"`
	Revision    string    `json:"vcs_revision"`
	Modified    bool      `json:"vcs_modified"`
	GoVersion   string    `json:"go_version"`
	OS          string    `json:"os"`
	Arch        string    `json:"arch"`
	Workers     int       `json:"workers"`
	MemoryBytes int64     `json:"memory_budget_bytes"`
}

// Writer writes one case. It is a [model.Sink]: Put is called from one
// goroutine, and the inputs come before the records that cite them. Exactly
// one of Finish and Abort ends it; Abort after Finish does nothing.
type Writer struct {
	dir, temp string // the case's place, and the folder in which it is made
	opts      Options
	objects   *objects

	deliveries   *csvFile[model.Delivery]
	users        *csvFile[model.UserFinding]
	workspaces   *csvFile[model.WorkspaceFinding]
	accesses     *csvFile[model.Access]
	revocations  *csvFile[model.Revocation]
	unattributed *csvFile[model.Unattributed]
	unresolved   *csvFile[model.UnresolvedUser]
	inputs       *csvFile[model.Input]
	coverage     *csvFile[model.Coverage]
	joins        *csvFile[model.JoinRate]
	outside      *csvFile[model.OutsideDelivery]
	phases       *csvFile[model.PhaseMinute]
	reports      *csvFile[model.ReportMatch]
	second       *csvFile[model.TwoDevices]
	sensitivity  *csvFile[model.TierChange]
	rejects      *jsonFile
	rows         *jsonFile
	sums         *file
	lastRow      string // request id

	open []closer
	err  error // the first that occurred; a broken case cannot be finished
	done bool
}

type closer interface{ close() error }

// Create begins a case that will stand at dir. Until Finish nothing is there.
func Create(dir string, o Options) (*Writer, error) {
	place, err := claim(dir, o.Force)
	if err != nil {
		return nil, err
	}
	parent := filepath.Dir(place)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("case %s: %w", dir, err)
	}
	temp, err := os.MkdirTemp(parent, filepath.Base(place)+".partial-*")
	if err != nil {
		return nil, fmt.Errorf("case %s: %w", dir, err)
	}
	w := &Writer{dir: place, temp: temp, opts: o, objects: newObjects()}
	if err := w.openFiles(); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

func (w *Writer) openFiles() error {
	for _, sub := range []string{"privileged", "outgoing"} {
		if err := os.Mkdir(filepath.Join(w.temp, sub), 0o700); err != nil {
			return fmt.Errorf("case: %w", cause(err))
		}
	}
	w.deliveries = openCSV(w, deliveries())
	w.users = openCSV(w, users())
	w.workspaces = openCSV(w, workspaces())
	w.accesses = openCSV(w, accesses())
	w.revocations = openCSV(w, revocations())
	w.unattributed = openCSV(w, unattributed())
	w.unresolved = openCSV(w, unresolved())
	w.inputs = openCSV(w, inputs())
	w.coverage = openCSV(w, coverage())
	w.joins = openCSV(w, joins())
	w.outside = openCSV(w, outside())
	w.phases = openCSV(w, phases())
	w.reports = openCSV(w, reports())
	w.second = openCSV(w, second())
	w.sensitivity = openCSV(w, sensitivity())
	w.rejects = &jsonFile{file: w.openFile(RejectsFile)}
	w.rows = &jsonFile{file: w.openFile(RowsFile)}
	w.sums = w.openFile(InputSums)
	return w.err
}

// Put adds one finding to the case.
func (w *Writer) Put(f model.Finding) error {
	if w.done {
		return errors.New("case: put after its end")
	}
	if w.err == nil {
		w.err = w.put(f)
	}
	return w.err
}

func (w *Writer) put(f model.Finding) error {
	switch f := f.(type) {
	case model.Delivery:
		return w.deliveries.put(&f)
	case model.UserFinding:
		return w.users.put(&f)
	case model.WorkspaceFinding:
		return w.workspaces.put(&f)
	case model.Access:
		return w.accesses.put(&f)
	case model.Revocation:
		return w.revocations.put(&f)
	case model.Unattributed:
		return w.unattributed.put(&f)
	case model.UnresolvedUser:
		return w.unresolved.put(&f)
	case model.Input:
		return w.putInput(&f)
	case model.Coverage:
		return w.coverage.put(&f)
	case model.JoinRate:
		return w.joins.put(&f)
	case model.OutsideDelivery:
		return w.outside.put(&f)
	case model.PhaseMinute:
		return w.phases.put(&f)
	case model.ReportMatch:
		return w.reports.put(&f)
	case model.TwoDevices:
		return w.second.put(&f)
	case model.TierChange:
		return w.sensitivity.put(&f)
	case model.Reject:
		return w.rejects.put(newReject(w.objects, f))
	case model.CitedRow:
		return w.putRow(&f)
	}
	return fmt.Errorf("case: no file for a %T", f)
}

func (w *Writer) putInput(in *model.Input) error {
	w.objects.add(in)
	if in.SHA256 != "" && !in.Pruned {
		if err := w.sums.print(seal.Line(in.SHA256, in.URI)); err != nil {
			return err
		}
	}
	return w.inputs.put(in)
}

// putRow insists on the order that RowsOf searches by: a row that cannot be
// found again would be lost in silence.
func (w *Writer) putRow(r *model.CitedRow) error {
	if r.RequestID < w.lastRow {
		return fmt.Errorf("%s: rows are not in the order of their request ids", RowsFile)
	}
	w.lastRow = r.RequestID
	return w.rows.put(newRow(w.objects, *r))
}

// Finish writes the manifest and every output, seals the case and moves it to
// its place. After an error nothing is there, or what was there before.
func (w *Writer) Finish(m model.Manifest, r Run) error {
	if w.done {
		return errors.New("case: finished twice")
	}
	if err := w.finish(m, r); err != nil {
		return errors.Join(err, w.Abort())
	}
	w.done = true
	return nil
}

func (w *Writer) finish(m model.Manifest, r Run) error {
	if w.err != nil {
		return w.err
	}
	for _, f := range w.open {
		if err := f.close(); err != nil {
			return err
		}
	}
	w.open = nil
	m.Schema = Schema
	manifest, err := marshal(m, "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", ManifestFile, err)
	}
	if err := w.write(ManifestFile, manifest); err != nil {
		return err
	}
	if err := w.render(); err != nil {
		return err
	}
	if err := w.write(VerifyFile, []byte(verifyText)); err != nil {
		return err
	}
	list, err := seal.Write(w.temp)
	if err != nil {
		return cause(err)
	}
	if err := seal.WriteRun(w.temp, list, r); err != nil {
		return cause(err)
	}
	return w.publish()
}

func (w *Writer) render() error {
	c, err := Open(w.temp)
	if err != nil {
		return err
	}
	for _, out := range w.opts.Outputs {
		f := w.openFile(out.Path)
		if w.err != nil {
			return w.err
		}
		if err := out.Write(f.buf, c); err != nil {
			return fmt.Errorf("%s: %w", out.Path, cause(err))
		}
		if err := f.close(); err != nil {
			return err
		}
		w.open = nil
	}
	return nil
}

func (w *Writer) write(name string, b []byte) error {
	f := w.openFile(name)
	if w.err != nil {
		return w.err
	}
	w.open = nil
	return errors.Join(f.print(string(b)), f.close())
}

// Abort removes what was written. It is safe to defer.
func (w *Writer) Abort() error {
	if w.done {
		return nil
	}
	w.done = true
	for _, f := range w.open {
		_ = f.close() // the file is about to be removed
	}
	if err := os.RemoveAll(w.temp); err != nil {
		return fmt.Errorf("case: leftover %s: %w", w.temp, err)
	}
	return nil
}

// cause strips the temporary path off a file error: the caller names the file
// as it is called in the case.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Op, pe.Err)
	}
	return err
}
