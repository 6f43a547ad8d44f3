package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/spillscope/spillscope/scan"
)

func newInspect(c *console) *cobra.Command {
	var cookies []string
	cmd := &cobra.Command{
		Use:   "inspect PATH...",
		Short: "Tell what logs are, and what they show",
		Long: `Inspect reads logs without an incident file: files, folders or quoted globs.
It tells their formats, spans, rates and gaps; which routes were served from the
cache; and, where the logs show sessions, when these first reached each cached
route. It ends with the routes, ttl and window that it would put into
incident.yaml: suggestions to check, not findings.
` + exitStatus(exitComplete, exitUsage, exitUnreadable, exitInternal, exitInterrupted),
		Example: `  spillscope inspect edge/ origin/
  spillscope inspect --cookie sid 'logs/*.gz'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return missingFlag(cmd.CommandPath(), "PATH", "edge/ origin/")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInspect(cmd.Context(), c, scan.InspectInput{Paths: args, CookieNames: cookies})
		},
	}
	cmd.Flags().StringSliceVar(&cookies, "cookie", nil, "`name` of the session cookie, where a log holds cookies")
	return cmd
}

func runInspect(ctx context.Context, c *console, in scan.InspectInput) error {
	report, done := progress(c)
	in.Progress = report
	found, err := scan.Inspect(ctx, in)
	done()
	if err != nil {
		return inspectFailed(ctx, err)
	}
	if err := found.Text(c.out); err != nil {
		return outputFailed(err)
	}
	return nil
}
