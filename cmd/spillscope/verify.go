package main

import (
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spillscope/spillscope/export/seal"
)

func newVerify(c *console) *cobra.Command {
	var inputs string
	cmd := &cobra.Command{
		Use:   "verify CASE",
		Short: "Check that a case is as it was sealed",
		Long: `Verify compares every file of a case with the SHA-256 it was sealed under, and
names what was changed, removed or added. With --inputs it compares the logs that
the case was made from, too. VERIFY.txt in the case tells how to do the same
without this program.

A seal shows changes, not who made them: compare the digest that is printed with
the one you kept elsewhere.
` + exitStatus(exitComplete, exitUsage, exitVerify),
		Example: `  spillscope verify case-1
  spillscope verify case-1 --inputs incident-2023-03-07`,
		Args: exactly("CASE"),
		RunE: func(_ *cobra.Command, args []string) error {
			return runVerify(c, args[0], inputs)
		},
	}
	cmd.Flags().StringVar(&inputs, "inputs", "", "`folder` of the incident file: check the logs as well")
	return cmd
}

func runVerify(c *console, dir, inputs string) error {
	if !exists(dir) {
		return caseUnreadable(dir, fs.ErrNotExist)
	}
	sealed, err := seal.Verify(dir)
	if err != nil {
		return sealBroken(dir, err)
	}
	told, ok := checked("case", sealed), sealed.OK()
	if inputs != "" {
		logs, err := seal.VerifyInputs(dir, inputs)
		if err != nil {
			return sealBroken(dir, err)
		}
		told += checked("inputs", logs)
		ok = ok && logs.OK()
	}
	if ok {
		told += fmt.Sprintf("%s is as it was sealed\nmanifest-sha256.txt: %s\n", dir, sealed.Digest)
	}
	if _, err := io.WriteString(c.out, told); err != nil {
		return err
	}
	if !ok {
		return sealBroken(dir, fmt.Errorf("%s: not as it was sealed", dir))
	}
	return nil
}

// checked lists what differs. %q, because a name in a tampered case may hold
// what a terminal would obey.
func checked(what string, r seal.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d files checked\n", what, r.Checked)
	for _, list := range []struct {
		verdict string
		names   []string
	}{{"changed", r.Changed}, {"missing", r.Missing}, {"added", r.Added}, {"not checked", r.Skipped}} {
		for _, name := range list.names {
			fmt.Fprintf(&b, "  %s: %q\n", list.verdict, name)
		}
	}
	return b.String()
}
