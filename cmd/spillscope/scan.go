package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/export/render"
	"github.com/spillscope/spillscope/export/render/terminal"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/export/words"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan"
	"github.com/spillscope/spillscope/scan/incident"
)

// scanOptions are the flags of scan.
type scanOptions struct {
	config  string // the incident file
	out     string // the case folder to make
	force   bool
	workers int
	memory  byteSize
	temp    string // "": the system's
	json    bool
	sense   bool // judge again under other assumptions
	dry     bool // only look what the inputs can name
}

// defaultScan is what scan does unless its flags say otherwise.
func defaultScan() scanOptions {
	return scanOptions{workers: runtime.GOMAXPROCS(0), memory: 1 << 30}
}

func newScan(c *console) *cobra.Command {
	o := defaultScan()
	cmd := &cobra.Command{
		Use:   "scan -c incident.yaml -o CASE | --dry-run",
		Short: "Reconstruct an incident into a case folder",
		Long: `Scan reads the logs that the incident file names, once, and writes a case folder:
the deliveries with their candidates, the users and workspaces they reach, what
recipients then did, what to revoke, whom to notify, and the account of every
input line. The answer is printed when it is done.

With --dry-run nothing is written: it tells what would be read and, by a look at the
beginning of some files, what these inputs can and cannot name, why, and what would
change it. It exits with 3 if the main question could not be answered.

With --sensitivity the same rows are judged again under other assumptions (time to
live, expiry, clocks, scope, upper tier, collapsing), without reading the logs
again: which workspaces appear, vanish or change tier.

CASE appears only when it is finished. The same inputs make the same bytes for
any --workers and --memory; only run.json varies.
` + exitStatus(exitComplete, exitUsage, exitPartial, exitUnreadable, exitInternal, exitOutput, exitInterrupted),
		Example: `  spillscope scan -c incident.yaml -o case-1
  spillscope scan -c incident.yaml --dry-run
  spillscope scan -c incident.yaml -o case-1 --force --memory 4GiB --temp /mnt/tmp
  spillscope scan -c incident.yaml -o case-1 --json | jq .headline.holder_workspaces`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(cmd.CommandPath()); err != nil {
				return err
			}
			if o.dry {
				return runDry(cmd.Context(), c, o)
			}
			return runScan(cmd.Context(), c, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.config, "config", "c", "", "incident `file`")
	f.StringVarP(&o.out, "output", "o", "", "case `folder` to make")
	f.BoolVar(&o.dry, "dry-run", false, "tell what these inputs can name, and read no further")
	f.BoolVar(&o.force, "force", false, "replace the case that is there")
	o.resources(cmd)
	f.BoolVar(&o.sense, "sensitivity", false, "judge again under other assumptions (sensitivity.csv)")
	f.BoolVar(&o.json, "json", false, "print the summary as JSON")
	return cmd
}

// resources are the flags that say what reading may use up.
func (o *scanOptions) resources(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&o.workers, "workers", o.workers, "`number` of objects to read at once")
	f.Lookup("workers").DefValue = "one a core" // the help is the same everywhere
	f.Var(&o.memory, "memory", "memory for sorting; what does not fit goes to --temp")
	f.StringVar(&o.temp, "temp", "", "`folder` for sorting (default: the system's)")
}

// heapLimit is the size from which the collector works harder: what is sorted
// in memory, as much again by half for all else, and never so little that it
// would only collect.
func (o scanOptions) heapLimit() int64 {
	return max(int64(o.memory)+int64(o.memory)/2, 512<<20)
}

func (o scanOptions) validate(command string) error {
	switch {
	case o.config == "":
		return missingFlag(command, "-c", "-c incident.yaml -o case")
	case o.out == "" && !o.dry:
		return missingFlag(command, "-o", "-c "+o.config+" -o case")
	case o.workers < 1:
		return usageError(command, fmt.Errorf("--workers %d: must be at least 1", o.workers))
	case o.memory < 64<<20:
		return usageError(command, fmt.Errorf("--memory %v: must be at least 64MiB", &o.memory))
	}
	return nil
}

func runScan(ctx context.Context, c *console, o scanOptions) error {
	m, err := makeCase(ctx, c, o)
	if err != nil {
		return err
	}
	if o.json {
		err = terminal.JSON(c.out, m, o.out)
	} else {
		err = terminal.Summary(c.out, m, o.out, c.colour)
	}
	if err != nil {
		return outputFailed(err)
	}
	if !m.Complete {
		return partial(m.Partial)
	}
	return nil
}

// runDry tells what a scan would read and what that can name.
func runDry(ctx context.Context, c *console, o scanOptions) error {
	in, err := scanInput(o)
	if err != nil {
		return err
	}
	p, err := scan.Look(ctx, in)
	if err != nil {
		return scanFailed(ctx, err)
	}
	if err := printPreview(c, p, o.json); err != nil {
		return outputFailed(err)
	}
	if p.Useless() {
		return lookedInVain()
	}
	return nil
}

func printPreview(c *console, p scan.Preview, asJSON bool) error {
	if asJSON {
		return printJSON(c.out, p)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Would read:\n")
	for _, s := range p.Sources {
		fmt.Fprintf(&b, "  %s %s (line %d): %s, %.1f MB as stored", s.Kind, inert.Text(s.URI), s.Line, words.Plural(s.Objects, "object"), float64(s.Bytes)/1e6)
		if s.Rows > 0 {
			fmt.Fprintf(&b, ", %s; rows seen from %s to %s", s.Format, s.First, s.Last)
		}
		b.WriteByte('\n')
	}
	if p.Pruned > 0 {
		fmt.Fprintf(&b, "  and not %s whose names place them in other hours\n", words.Plural(p.Pruned, "object"))
	}
	for _, why := range p.Problems {
		fmt.Fprintf(&b, "Look at: %s\n", inert.Text(why))
	}
	b.WriteByte('\n')
	if _, err := io.WriteString(c.out, b.String()); err != nil {
		return err
	}
	return terminal.Capabilities(c.out, p.Capabilities)
}

// makeCase scans into a new case. The case exists only if it returns no error.
func makeCase(ctx context.Context, c *console, o scanOptions) (m model.Manifest, err error) {
	started := time.Now()
	in, err := scanInput(o)
	if err != nil {
		return m, err
	}
	w, err := store.Create(o.out, store.Options{Force: o.force, Outputs: render.Outputs()})
	if err != nil {
		return m, caseNotCreated(o.out, err)
	}
	// Runs when a panic passes through, too; does nothing after Finish. What it
	// cannot remove stands beside the case's place, never in it.
	defer func() { _ = w.Abort() }()
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(o.heapLimit()))
	if c.progress { // to a person; whoever reads the output later finds it in the report
		in.Before = func(list []model.Capability) { _ = terminal.Capabilities(c.err, list) }
	}
	var done func()
	in.Progress, done = progress(c)
	m, err = scan.Run(ctx, in, &caseSink{w})
	done()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return m, scanFailed(ctx, err)
	}
	if err := w.Finish(m, thisRun(started, c.args, o)); err != nil {
		return m, outputFailed(err)
	}
	return m, nil
}

// scanInput reads what a scan needs besides the logs.
func scanInput(o scanOptions) (scan.Input, error) {
	raw, err := os.ReadFile(o.config)
	if err != nil {
		return scan.Input{}, incidentInvalid(o.config, err)
	}
	inc, err := incident.Parse(o.config, raw)
	if err != nil {
		return scan.Input{}, incidentInvalid(o.config, err)
	}
	base := filepath.Dir(o.config)
	keyFile := inc.KeyFile
	if !filepath.IsAbs(keyFile) {
		keyFile = filepath.Join(base, keyFile)
	}
	key, err := incident.ReadKey(keyFile)
	if err != nil {
		return scan.Input{}, keyUnreadable(keyFile, err)
	}
	sum := sha256.Sum256(raw)
	return scan.Input{
		Incident: inc, IncidentSHA256: hex.EncodeToString(sum[:]),
		Key: key, Base: base,
		Workers: o.workers, Memory: int64(o.memory), TempDir: o.temp, Tool: thisBuild().String(), Sensitivity: o.sense,
	}, nil
}

// printJSON prints an answer for other programs.
func printJSON(w io.Writer, answer any) error {
	body, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(inert.JSON(body), '\n'))
	return err
}

// thisRun is what goes to run.json: everything that another run over the same
// inputs may have otherwise.
func thisRun(started time.Time, args []string, o scanOptions) store.Run {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	b := thisBuild()
	return store.Run{
		Start: started.UTC(), End: time.Now().UTC(), Host: host,
		CommandLine: append([]string{"spillscope"}, args...),
		Version:     b.version, Revision: b.revision, Modified: b.modified,
		GoVersion: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Workers: o.workers, MemoryBytes: int64(o.memory),
	}
}

// caseSink marks the errors of a case that cannot be written, which no change
// of the inputs would mend.
type caseSink struct{ w *store.Writer }

func (s *caseSink) Put(f model.Finding) error {
	if err := s.w.Put(f); err != nil {
		return &writeError{err}
	}
	return nil
}

type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }
