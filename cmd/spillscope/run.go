package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// console is where a command reads and writes. Commands get it as a value
// and touch neither os.Stdout nor the environment, so that tests can run them.
type console struct {
	args     []string // as typed, for run.json
	in       io.Reader
	out      io.Writer // what was asked for: a summary, an explanation, JSON
	err      io.Writer // progress, warnings, errors
	colour   bool      // out is a terminal that wants colour
	progress bool      // err is a terminal
}

func newConsole(in io.Reader, out, err io.Writer, env []string) *console {
	plain := false
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		// https://no-color.org: present and not empty, whatever the value.
		plain = plain || name == "NO_COLOR" && value != "" || name == "TERM" && value == "dumb"
	}
	return &console{
		in: in, out: out, err: err,
		colour:   isTerminal(out) && !plain,
		progress: isTerminal(err),
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// run executes one command line and returns its exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env []string) (status int) {
	defer func() {
		if v := recover(); v != nil {
			status = int(report(stderr, internalError(v)))
		}
	}()
	c := newConsole(stdin, stdout, stderr, env)
	c.args = args
	root := newRoot(c)
	err := root.ExecuteContext(ctx)
	return int(report(stderr, err))
}

func newRoot(c *console) *cobra.Command {
	root := &cobra.Command{
		Use:   "spillscope",
		Short: "Scope a session leak through a shared cache, from archived logs",
		Long: `Spillscope reads the archived logs of a CDN and of the application behind it,
after the CDN has handed one user's session cookie to other clients. It tells
whose sessions were delivered, to whom, what was then done with them, how sure
that is, and on what evidence.

In an incident, now: ` + "`spillscope init`" + ` writes the list of what to preserve before
it is lost, and the file to fill in. To see what comes out, run ` + "`spillscope demo`" + `.
`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(args[0], cmd.SuggestionsFor(args[0]))
			}
			return noCommand(cmd.UsageString())
		},
		CompletionOptions:          cobra.CompletionOptions{HiddenDefaultCmd: true},
		SuggestionsMinimumDistance: 2,
	}
	root.SetArgs(c.args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		// `spillscope scna -c x` is a wrong command, not a wrong flag.
		if cmd == root && len(c.args) > 0 && !strings.HasPrefix(c.args[0], "-") {
			return unknownCommand(c.args[0], cmd.SuggestionsFor(c.args[0]))
		}
		return usageError(cmd.CommandPath(), err)
	})
	root.AddCommand(
		newInit(c), newInspect(c), newScan(c), newExplain(c),
		newVerify(c), newAudit(c), newSample(c), newSelfcheck(c), newDemo(c), newVersion(c),
	)
	return root
}

// exactly refuses any other number of arguments than those named.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usageError(cmd.CommandPath(), fmt.Errorf("%s is missing", names[len(args)]))
		case len(args) > len(names):
			return usageError(cmd.CommandPath(), fmt.Errorf("unexpected argument %q", args[len(names)]))
		}
		return nil
	}
}

// atMostOne refuses more than one argument.
func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError(cmd.CommandPath(), fmt.Errorf("unexpected argument %q", args[1]))
	}
	return nil
}
