package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/spillscope/spillscope/export/render/terminal"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
)

// demoSeed fixes the incident that everybody sees, so that a manual can quote it.
const demoSeed = 1

func newDemo(c *console) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "demo [-o DIR]",
		Short: "Make a synthetic incident and scan it",
		Long: `Demo writes the logs of an incident that never happened, shaped like a real one
(69 minutes, a cache that kept responses with Set-Cookie for one second, 5,000
workspaces), scans them as scan would, and prints the answer and what to try
next. It takes seconds. People, addresses and sessions are made up.

Without -o it makes a new folder among the temporary files of the system.
` + exitStatus(exitComplete, exitUsage, exitInternal, exitOutput, exitInterrupted),
		Example: `  spillscope demo
  spillscope demo -o demo`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), c, out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "`folder` to make for the incident and its case")
	return cmd
}

func runDemo(ctx context.Context, c *console, out string) error {
	dir, err := demoFolder(out)
	if err != nil {
		return err
	}
	// A demo that fails leaves nothing: its folder is all its own.
	finished := false
	defer func() {
		if !finished {
			_ = os.RemoveAll(dir)
		}
	}()
	_, _ = fmt.Fprintf(c.err, "writing a synthetic incident to %s\n", dir)
	cfg := sim.Demo(demoSeed)
	cfg.Timeline, cfg.Reports = true, 12
	if _, err := sim.Write(dir, cfg); err != nil {
		return outputFailed(err)
	}
	o := defaultScan()
	o.config, o.out = filepath.Join(dir, "incident.yaml"), filepath.Join(dir, "case")
	m, err := makeCase(ctx, c, o)
	if err != nil {
		return err
	}
	finished = true
	if err := terminal.Summary(c.out, m, o.out, c.colour); err != nil {
		return outputFailed(err)
	}
	if err := nextSteps(c, o.out); err != nil {
		return err
	}
	if !m.Complete {
		return partial(m.Partial)
	}
	return nil
}

// demoFolder makes the folder of a demo, which must not exist before.
func demoFolder(out string) (string, error) {
	if out == "" {
		dir, err := os.MkdirTemp("", "spillscope-demo-")
		if err != nil {
			return "", outputFailed(err)
		}
		return dir, nil
	}
	if exists(out) {
		return "", demoExists(out)
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return "", outputFailed(err)
	}
	return out, nil
}

// nextSteps prints what to type after the demo.
func nextSteps(c *console, dir string) error {
	workspace, err := surestWorkspace(dir)
	if err != nil {
		return caseUnreadable(dir, err)
	}
	_, err = fmt.Fprintf(c.out, `
The case is in %[1]s. Next:
  spillscope explain %[1]s %[2]s    why this workspace, down to the rows
  spillscope verify %[1]s           is the case as it was sealed?
  open %[3]s    the report, in a browser
`, dir, workspace, filepath.Join(dir, filepath.FromSlash(store.ReportFile)))
	return err
}

// surestWorkspace picks the workspace of the strongest tier, the first by id.
func surestWorkspace(dir string) (string, error) {
	cs, err := store.Open(dir)
	if err != nil {
		return "", err
	}
	best, tier := "", model.TierSetAside
	for w, err := range cs.Workspaces() {
		if err != nil {
			return "", err
		}
		if best == "" || w.Tier > tier {
			best, tier = w.ID, w.Tier
		}
	}
	if best == "" {
		return "", fmt.Errorf("workspaces.csv: no workspace")
	}
	return best, nil
}
