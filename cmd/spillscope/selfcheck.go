package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/fixtures/matrix"
	"github.com/spillscope/spillscope/fixtures/score"
	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan"
)

// selfcheckOptions are the flags of selfcheck.
type selfcheckOptions struct {
	out   string // "": nothing is kept
	quick bool
	cell  string
	seed  uint64
}

func newSelfcheck(c *console) *cobra.Command {
	o := selfcheckOptions{seed: 1}
	cmd := &cobra.Command{
		Use:   "selfcheck [-o DIR]",
		Short: "Measure this build on synthetic incidents",
		Long: `Selfcheck makes some forty synthetic incidents, of which it knows the truth,
scans each, and tells how right the answers were: per tier, what share of the
claims is true; how often the likeliest fill is the true one, beside an oracle
that knows all but the hit's own sub-second phase; whether stated probabilities
come true. Incidents differ in arrival rate, expiry rule and one mechanism at a
time. It takes minutes. The figures are about synthetic data, not about a case.

With -o, DIR gets selfcheck.json and reliability.svg. It ends with a failure if
the true fill of a delivery was not among its candidates although its row was in
the logs, or if clean hours are not clean.
` + exitStatus(exitComplete, exitUsage, exitVerify, exitInternal, exitOutput, exitInterrupted),
		Example: `  spillscope selfcheck -o selfcheck
  spillscope selfcheck --quick
  spillscope selfcheck --cell '3/s real, 2 caches'`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runSelfcheck(cmd.Context(), c, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "output", "o", "", "`folder` to make for the figures")
	f.BoolVar(&o.quick, "quick", false, "one small incident: does the machinery work?")
	f.StringVar(&o.cell, "cell", "", "only the incident of that `name`")
	f.Uint64Var(&o.seed, "seed", o.seed, "`number` from which the incidents are drawn")
	return cmd
}

func runSelfcheck(ctx context.Context, c *console, o selfcheckOptions) error {
	cells, err := o.cells()
	if err != nil {
		return usageError("spillscope selfcheck", err)
	}
	if o.out != "" && exists(o.out) {
		return fileExists(o.out)
	}
	results, err := measureCells(ctx, c, cells)
	if err != nil {
		return scanFailed(ctx, err)
	}
	r := matrix.NewReport(thisBuild().String(), o.seed, results)
	if _, err := fmt.Fprint(c.out, r); err != nil {
		return outputFailed(err)
	}
	if o.out != "" {
		if err := writeFigures(o.out, r); err != nil {
			return outputFailed(err)
		}
	}
	if len(r.Broken) > 0 {
		return promiseBroken(r.Broken)
	}
	return nil
}

func (o selfcheckOptions) cells() ([]matrix.Cell, error) {
	switch {
	case o.quick:
		return matrix.Quick(o.seed), nil
	case o.cell != "":
		cell, err := matrix.Named(o.cell, o.seed)
		return []matrix.Cell{cell}, err
	}
	return matrix.Cells(o.seed), nil
}

// measureCells measures as many cells at once as there are cores, each on one.
func measureCells(ctx context.Context, c *console, cells []matrix.Cell) ([]matrix.Result, error) {
	results := make([]matrix.Result, len(cells))
	var done int
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range cells {
		g.Go(func() error {
			started := time.Now()
			r, err := measureCell(ctx, cells[i])
			if err != nil {
				return fmt.Errorf("cell %s: %w", cells[i].Name, err)
			}
			results[i] = r
			mu.Lock()
			defer mu.Unlock()
			done++
			_, _ = fmt.Fprintf(c.err, "%2d/%d %s (%.1f s)\n", done, len(cells), cells[i].Name, time.Since(started).Seconds())
			return nil
		})
	}
	return results, g.Wait()
}

// measureCell simulates a cell, scans it and compares the case with the truth.
func measureCell(ctx context.Context, cell matrix.Cell) (matrix.Result, error) {
	r := matrix.Result{Cell: cell}
	dir, err := os.MkdirTemp("", "spillscope-selfcheck-")
	if err != nil {
		return r, &writeError{err}
	}
	defer func() { _ = os.RemoveAll(dir) }()
	logs, made := filepath.Join(dir, "logs"), filepath.Join(dir, "case")
	if _, err := sim.Write(logs, cell.Config); err != nil {
		return r, &writeError{err}
	}
	weights := score.Weights{}
	m, err := scanCell(ctx, filepath.Join(logs, "incident.yaml"), made, weights)
	if err != nil {
		return r, err
	}
	r.Conditions = m.Synthetic.Case
	for _, x := range m.Control {
		r.Control.Deliveries += x.Deliveries
		r.Control.Confirmed += x.Confirmed
		r.Control.Probable += x.Probable
	}
	r.Figures, err = score.Measure(made, logs, weights, cell.Mechanics())
	return r, err
}

// scanCell scans as scan does, on one core and without the outputs for people,
// and keeps what the scan thought before it looked at sightings.
func scanCell(ctx context.Context, config, made string, weights score.Weights) (m model.Manifest, err error) {
	o := defaultScan()
	o.config, o.out, o.workers, o.memory = config, made, 1, 256<<20
	in, err := scanInput(o)
	if err != nil {
		return m, err
	}
	in.Attributed = weights.Put
	w, err := store.Create(made, store.Options{})
	if err != nil {
		return m, &writeError{err}
	}
	defer func() { _ = w.Abort() }()
	if m, err = scan.Run(ctx, in, &caseSink{w}); err != nil {
		return m, err
	}
	return m, w.Finish(m, store.Run{})
}

// writeFigures makes the folder of a report.
func writeFigures(dir string, r *matrix.Report) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	var picture bytes.Buffer
	if err := r.Plot(&picture); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "selfcheck.json"), append(data, '\n'), 0o666),
		os.WriteFile(filepath.Join(dir, "reliability.svg"), picture.Bytes(), 0o666),
	)
}
