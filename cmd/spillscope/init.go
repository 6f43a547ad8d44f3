package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spillscope/spillscope/scan/incident"
)

func newInit(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write incident.yaml, a key, and what to preserve",
		Long: `Init starts an incident in DIR, or in the current folder. It writes

  incident.yaml   what you know about the leak; every setting and its default
                  is explained there
  incident.key    32 random bytes; session values are digested under it, and
                  are in no output. Keep it with the incident, not in the case

and prints what to preserve first: logs expire while an incident is handled.
Nothing is overwritten. A key that is there already is kept.
` + exitStatus(exitComplete, exitUsage, exitOutput),
		Example: `  spillscope init
  spillscope init incident-2023-03-07`,
		Args: atMostOne,
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			return initIncident(c, dir)
		},
	}
}

func initIncident(c *console, dir string) error {
	file, key := filepath.Join(dir, "incident.yaml"), filepath.Join(dir, "incident.key")
	if exists(file) {
		return fileExists(file)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return outputFailed(err)
	}
	kept := exists(key)
	if !kept {
		if err := incident.NewKey(key); err != nil {
			return outputFailed(err)
		}
	}
	if err := writeNew(file, incident.Template(incident.TemplateOptions{KeyFile: filepath.Base(key)})); err != nil {
		return outputFailed(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "wrote %s: fill in what you know, then run `spillscope inspect` on the logs\n", file)
	if kept {
		fmt.Fprintf(&b, "kept  %s: it was there already\n", key)
	} else {
		fmt.Fprintf(&b, "wrote %s: keep it secret, and keep it\n", key)
	}
	b.WriteString("\nPreserve now, before it is lost:\n")
	for _, item := range incident.Preserve() {
		fmt.Fprintf(&b, "  - %s\n    %s\n", item.What, item.Why)
	}
	_, err := io.WriteString(c.out, b.String())
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// writeNew writes a file that must not exist, and leaves none if that fails.
func writeNew(path, content string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
