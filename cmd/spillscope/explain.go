package main

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/spillscope/spillscope/export/explain"
	"github.com/spillscope/spillscope/export/store"
)

func newExplain(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "explain CASE QUERY",
		Short: "Explain one id of a case, down to the rows of the logs",
		Long: `Explain tells why something is in a case, or how sure it is: which deliveries
carry it, which fills could have been theirs, which flags moved them, and the
rows that each of these rests on, by file, line and offset.

QUERY is a workspace, user, delivery or request id, as it stands in the case's
CSV files.
` + exitStatus(exitComplete, exitUsage),
		Example: `  spillscope explain case-1 ws_0042
  spillscope explain case-1 user_0815`,
		Args: exactly("CASE", "QUERY"),
		RunE: func(_ *cobra.Command, args []string) error {
			return runExplain(c, args[0], args[1])
		},
	}
}

func runExplain(c *console, dir, query string) error {
	if !exists(dir) {
		return caseUnreadable(dir, fs.ErrNotExist)
	}
	cs, err := store.Open(dir)
	if err != nil {
		return caseUnreadable(dir, err)
	}
	err = explain.Explain(c.out, cs, query)
	if unknown, ok := errors.AsType[*explain.UnknownError](err); ok {
		return notInCase(unknown)
	}
	if err != nil {
		return caseUnreadable(dir, err)
	}
	return nil
}
