package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spillscope/spillscope/export/sample"
	"github.com/spillscope/spillscope/export/store"
)

// The files of a sample.
const (
	blindFile = "sample.csv"
	keyFile   = "sample-key.csv"
)

func newSample(c *console) *cobra.Command {
	var (
		n    = 50
		seed uint64
		out  string
	)
	cmd := &cobra.Command{
		Use:   "sample CASE",
		Short: "Draw deliveries for people to check blind",
		Long: `Sample draws rows of deliveries.csv, evenly from every tier, those that were set
aside included, and writes two files. ` + blindFile + ` says where to look in the logs
and has empty columns for the answers; it holds no probability, tier or flag.
` + keyFile + ` holds these, and how many rows each tier has, to weight the
answers by. Give the first to somebody who does not have the case, and open the
second afterwards.

The same case, -n and --seed draw the same rows. The case is only read.
` + exitStatus(exitComplete, exitUsage, exitOutput),
		Example: `  spillscope sample case-1 -n 100 --seed 7 -o check`,
		Args:    exactly("CASE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if n < 1 {
				return usageError(cmd.CommandPath(), fmt.Errorf("-n %d: must be at least 1", n))
			}
			if out == "" {
				out = strings.TrimRight(args[0], "/") + ".sample"
			}
			return runSample(c, args[0], out, n, seed)
		},
	}
	f := cmd.Flags()
	f.IntVarP(&n, "number", "n", n, "`number` of rows")
	f.Uint64Var(&seed, "seed", 1, "`number` that decides which rows")
	f.StringVarP(&out, "output", "o", "", "`folder` for the two files (default CASE.sample)")
	return cmd
}

func runSample(c *console, dir, out string, n int, seed uint64) error {
	kase, err := store.Open(dir)
	if err != nil {
		return caseUnreadable(dir, err)
	}
	if inside(dir, out) {
		return usageError("spillscope sample", fmt.Errorf("-o %s: a case is sealed, and nothing may be added to it", out))
	}
	rows, err := sample.Draw(kase, n, seed)
	if err != nil {
		return caseUnreadable(dir, err)
	}
	files := [...]struct {
		path  string
		write func(io.Writer, *store.Case, []sample.Row) error
	}{{filepath.Join(out, blindFile), sample.WriteBlind}, {filepath.Join(out, keyFile), sample.WriteKey}}
	for _, f := range files {
		if exists(f.path) {
			return fileExists(f.path)
		}
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return outputFailed(err)
	}
	for _, f := range files {
		var b strings.Builder
		if err := errors.Join(f.write(&b, kase, rows), writeNew(f.path, b.String())); err != nil {
			return outputFailed(err)
		}
	}
	_, err = fmt.Fprintf(c.out, "%d rows of %s, seed %d\nto check     %s\nthe answers  %s: not to be opened before\n",
		len(rows), dir, seed, files[0].path, files[1].path)
	return err
}

// inside reports whether path lies in the folder dir, or is it.
func inside(dir, path string) bool {
	a, err1 := filepath.Abs(dir)
	b, err2 := filepath.Abs(path)
	rel, err3 := filepath.Rel(a, b)
	return errors.Join(err1, err2, err3) == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
