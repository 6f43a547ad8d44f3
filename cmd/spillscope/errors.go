package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"syscall"

	"github.com/spillscope/spillscope/export/explain"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/export/words"
	"github.com/spillscope/spillscope/scan"
)

// exitCode is the status of the process: the part of an error that scripts read.
type exitCode int

const (
	exitComplete    exitCode = 0
	exitLeak        exitCode = 1
	exitUsage       exitCode = 2
	exitPartial     exitCode = 3
	exitVerify      exitCode = 4
	exitUnreadable  exitCode = 5
	exitInternal    exitCode = 70 // EX_SOFTWARE
	exitOutput      exitCode = 74 // EX_IOERR
	exitInterrupted exitCode = 130
)

func (c exitCode) meaning() string {
	switch c {
	case exitComplete:
		return "complete"
	case exitLeak:
		return "a cached route still meets a session"
	case exitUsage:
		return "wrong usage, or an input that must be mended first"
	case exitPartial:
		return "finished, but a threshold is broken: outputs are written and stamped PARTIAL"
	case exitVerify:
		return "a check failed: a case is not as it was sealed, a build not as it must be"
	case exitUnreadable:
		return "nothing could be read"
	case exitOutput:
		return "an output could not be written"
	case exitInterrupted:
		return "interrupted: no case is left"
	}
	return "an internal error: nothing that was written may be relied on"
}

// exitStatus is the section that ends each command's help.
func exitStatus(codes ...exitCode) string {
	var b strings.Builder
	b.WriteString("\nExit status:\n")
	for _, c := range codes {
		fmt.Fprintf(&b, "  %-4d %s\n", c, c.meaning())
	}
	return strings.TrimRight(b.String(), "\n")
}

// fault is an error as a person meets it: what is wrong, what to do about
// it, and the exit status. Every fault is made in this file, so that the
// messages can be read, and kept alike, side by side.
type fault struct {
	code exitCode
	err  error
	hint string // may be empty
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// report prints err to w and returns the exit status that it stands for.
func report(w io.Writer, err error) exitCode {
	if err == nil {
		return exitComplete
	}
	f, ok := errors.AsType[*fault](err)
	if !ok {
		f = &fault{code: exitUsage, err: err}
	}
	text := fmt.Sprintf("spillscope: %v\n", f.err)
	if f.hint != "" {
		text += fmt.Sprintf("hint: %s\n", f.hint)
	}
	_, _ = io.WriteString(w, text) // the status says it all the same
	return f.code
}

// usageError says that a command line makes no sense.
func usageError(command string, err error) error {
	return &fault{exitUsage, err, fmt.Sprintf("`%s --help` shows what it takes", command)}
}

// noCommand answers a bare `spillscope`. It is not a success: a script whose
// command went missing must not look as if it had scanned.
func noCommand(usage string) error {
	return &fault{exitUsage, errors.New("which command?\n\n" + strings.TrimRight(usage, "\n")), ""}
}

func unknownCommand(name string, suggestions []string) error {
	hint := "`spillscope --help` lists the commands"
	if len(suggestions) > 0 {
		hint = "did you mean " + strings.Join(suggestions, " or ") + "?"
	}
	return &fault{exitUsage, fmt.Errorf("unknown command %q", name), hint}
}

// missingFlag says that a flag without a sensible default was not given.
func missingFlag(command, flag, example string) error {
	return &fault{exitUsage, fmt.Errorf("%s is missing", flag), fmt.Sprintf("for example `%s %s`", command, example)}
}

// fileExists refuses to write over a file of an earlier run.
func fileExists(path string) error {
	return &fault{exitUsage, fmt.Errorf("%s exists already, and nothing was written", path), "choose another folder, or move it away first"}
}

// caseNotCreated says why no case can stand at dir.
func caseNotCreated(dir string, err error) error {
	there, ok := errors.AsType[*store.ExistsError](err)
	if !ok {
		return outputFailed(err)
	}
	hint := "it is not a case, and --force replaces cases only; choose another -o"
	if there.Case {
		hint = "choose another -o, or give --force to replace that case"
	}
	return &fault{exitUsage, fmt.Errorf("%s exists already, and nothing was written", dir), hint}
}

// demoExists refuses to write a demo into a folder that holds something.
func demoExists(dir string) error {
	return &fault{exitUsage, fmt.Errorf("%s exists already, and nothing was written", dir), "choose another -o; without one, demo makes a new folder"}
}

// incidentInvalid says that the incident file cannot be used.
func incidentInvalid(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &fault{exitUsage, fmt.Errorf("%s: no such file", path), "`spillscope init` writes one to fill in; -c says where it is"}
	}
	return &fault{exitUsage, err, "mend it and run the same command again; nothing was written"}
}

// keyUnreadable says that the key of the digests cannot be used.
func keyUnreadable(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &fault{exitUsage, fmt.Errorf("key_file: %s: no such file", path), "`spillscope init` makes one; a case of before can be compared only under the key it was made with"}
	}
	return &fault{exitUsage, fmt.Errorf("key_file: %w", err), "a key is 32 random bytes that only you can read, as `spillscope init` makes it"}
}

// caseUnreadable says that a folder is no case, or a damaged one.
func caseUnreadable(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &fault{exitUsage, fmt.Errorf("%s: no case is there", dir), "CASE is the folder that `spillscope scan` wrote with -o"}
	}
	return &fault{exitUsage, err, fmt.Sprintf("`spillscope verify %s` tells whether the case was changed", dir)}
}

// notInCase answers a query that nothing in the case fits. Ids come from
// logs, so they are quoted.
func notInCase(err *explain.UnknownError) error {
	hint := "QUERY is a workspace, user, delivery or request id, as in the case's CSV files"
	if len(err.Near) > 0 {
		hint = fmt.Sprintf("did you mean %q?", err.Near)
	}
	return &fault{exitUsage, fmt.Errorf("nothing in the case is called %q", err.Query), hint}
}

// sealBroken says that a case is not what was sealed.
func sealBroken(dir string, err error) error {
	return &fault{exitVerify, err, fmt.Sprintf("do not rely on %s; scan again, or fetch the copy that was sealed", dir)}
}

// promiseBroken says that the build does not do on synthetic data what it must
// on any.
func promiseBroken(promises []string) error {
	return &fault{exitVerify, fmt.Errorf("%d promises are broken: %s", len(promises), strings.Join(promises, "; ")), "do not rely on cases of this build; please report this with `spillscope version`"}
}

// partial ends a scan that finished with a broken threshold. The summary has
// said why already, in its own place beside the numbers that it weakens.
func partial(reasons []string) error {
	return &fault{exitPartial, fmt.Errorf("PARTIAL: %s", strings.Join(reasons, "; ")), "the case is written; read these reasons before its numbers"}
}

// lookedInVain ends a dry run of what would not answer the main question.
func lookedInVain() error {
	return &fault{exitPartial, errors.New("a scan of these inputs could not tell whose sessions went to whom"), "the lines that say no tell why, and what would change it"}
}

// stillLeaking ends an audit that found what it was looking for.
func stillLeaking(routes, fills int) error {
	return &fault{exitLeak, fmt.Errorf("still leaking: %s met sessions on %s", words.Plural(fills, "fill"), words.Plural(routes, "cached route")), "stop the CDN from caching these routes, or from forwarding cookies to them; then clear its cache and audit again"}
}

// auditPartial ends an audit that found nothing in logs that cannot show it.
func auditPartial(reasons []string) error {
	return &fault{exitPartial, fmt.Errorf("PARTIAL: %s", strings.Join(reasons, "; ")), "nothing was found, which proves nothing until these are mended"}
}

// outputFailed says that an output could not be written.
func outputFailed(err error) error {
	hint := "nothing was left behind; check that the folder can be written"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		hint = "nothing was left behind; make room, or choose a larger disk with -o and --temp"
	}
	return &fault{exitOutput, err, hint}
}

// interrupted ends a run that a person stopped.
func interrupted() error {
	return &fault{exitInterrupted, errors.New("interrupted; no case was left behind"), ""}
}

// scanFailed sorts out why a scan ended without a case.
func scanFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return interrupted()
	}
	if w, ok := errors.AsType[*writeError](err); ok {
		return outputFailed(w.err)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return outputFailed(err)
	}
	if n, ok := errors.AsType[*scan.NothingReadable](err); ok {
		return &fault{exitUnreadable, n, "`spillscope inspect` on the same path tells what is there"}
	}
	return &fault{exitUsage, err, "mend it and run the same command again; nothing was written"}
}

// inspectFailed sorts out why an inspection ended without an answer.
func inspectFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return &fault{exitInterrupted, errors.New("interrupted"), ""}
	}
	if n, ok := errors.AsType[*scan.NothingReadable](err); ok {
		return &fault{exitUnreadable, n, "PATH is a file, a folder or a quoted glob of logs, plain or gzip"}
	}
	return &fault{exitUsage, err, ""}
}

// internalError stands for a panic. The value of a panic may quote log text,
// so it is not shown; which of our lines were running holds no data, and is
// what a report of the fault needs.
func internalError(any) error {
	return &fault{exitInternal, errors.New("internal error in " + wherePanicked()), "nothing that was written may be relied on; please report the line above with `spillscope version`: it holds no data of yours"}
}

// wherePanicked names the function and line of ours that panicked. It is
// called while the deferred functions of the panic run.
func wherePanicked() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	panicked := false
	for {
		f, more := frames.Next()
		ours := strings.HasPrefix(f.Function, "main.") || strings.Contains(f.Function, "/spillscope/")
		if panicked && ours {
			return fmt.Sprintf("%s:%d", f.Function, f.Line)
		}
		panicked = panicked || f.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}
