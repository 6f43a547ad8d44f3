// Spillscope tells a company, after a shared cache has handed one user's
// session cookie to other clients, whose sessions were delivered, to whom,
// what was then done with them, how sure that is, and on what evidence.
//
// Usage:
//
//	spillscope init                                 write incident.yaml, a key, and what to preserve
//	spillscope inspect PATH...                      what are these logs, and what do they show?
//	spillscope scan -c incident.yaml -o CASE        reconstruct the incident into a case folder
//	spillscope explain CASE QUERY                   one workspace, user, delivery or request, down to its rows
//	spillscope verify CASE                          is the case as it was sealed?
//	spillscope audit -c incident.yaml               after the fix: does a cached route still meet a session?
//	spillscope sample CASE                          draw rows for people to check blind
//	spillscope selfcheck [-o DIR]                   how right this build is on synthetic incidents
//	spillscope demo [-o DIR]                        all of it on a synthetic incident
//	spillscope version                              which build this is
//
// This package holds what a person at a terminal meets: commands, messages,
// hints, exit codes. It composes package scan, which makes findings, with
// package export, which keeps them; it reasons about neither.
//
// # Exit status
//
//	0    complete
//	1    audit found a leak
//	2    wrong usage, or an input that must be mended first
//	3    finished, but a threshold is broken: outputs are written and stamped PARTIAL
//	4    a check failed: a case is not as it was sealed, a build not as it must be
//	5    nothing could be read
//	70   an internal error: nothing that was written may be relied on
//	74   an output could not be written
//	130  interrupted: no case is left
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	// Should a goroutine panic that nothing recovers, the arguments on its
	// stack are not printed: they may point at log text.
	debug.SetTraceback("none")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C kills at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}
