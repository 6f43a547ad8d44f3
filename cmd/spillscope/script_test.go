package main

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/incident"
)

// scriptCommands are what the scripts in testdata/script may use besides
// testscript's own commands.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"append":   appendTo,
		"edit":     edit,
		"gzip":     compress,
		"makecase": makeSmallCase,
		"random":   random,
		"small":    small,
		"status":   status,
		"truncate": truncate,
	}
}

func args(ts *testscript.TestScript, neg bool, got []string, usage string) {
	if neg || len(got) != strings.Count(usage, " ") {
		ts.Fatalf("usage: %s", usage)
	}
}

//go:embed testdata/small.txtar
var smallArchive []byte

// small lays out the incident of testdata/small.txtar in the current folder,
// with a key.
func small(ts *testscript.TestScript, neg bool, got []string) {
	args(ts, neg, got, "small")
	for _, f := range txtar.Parse(smallArchive).Files {
		path := ts.MkAbs(f.Name)
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
		ts.Check(os.WriteFile(path, f.Data, 0o600))
	}
	key := ts.MkAbs("incident.key")
	if _, err := os.Stat(key); err != nil {
		ts.Check(incident.NewKey(key))
	}
}

// makeSmallCase DIR writes a sealed case of one workspace, without a scan.
func makeSmallCase(ts *testscript.TestScript, neg bool, got []string) {
	args(ts, neg, got, "makecase DIR")
	w, err := store.Create(ts.MkAbs(got[0]), store.Options{})
	ts.Check(err)
	ts.Check(w.Put(model.WorkspaceFinding{
		Entity: model.Entity{ID: "ws_1", Role: model.RoleHolder, Tier: model.TierConfirmed},
		Name:   "First", Known: true,
	}))
	ts.Check(w.Finish(model.Manifest{Schema: store.Schema, Case: "small", Complete: true}, store.Run{Start: time.Unix(0, 0)}))
}

// appendTo FILE TEXT appends; \t and \n in TEXT stand for themselves.
func appendTo(ts *testscript.TestScript, neg bool, got []string) {
	args(ts, neg, got, "append FILE TEXT")
	path := ts.MkAbs(got[0])
	raw, err := os.ReadFile(path)
	ts.Check(err)
	text := strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(got[1])
	ts.Check(os.WriteFile(path, append(raw, text...), 0o600))
}

// compress FILE FILE.gz
func compress(ts *testscript.TestScript, neg bool, got []string) {
	args(ts, neg, got, "gzip FILE GZ")
	raw, err := os.ReadFile(ts.MkAbs(got[0]))
	ts.Check(err)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(raw)
	ts.Check(err)
	ts.Check(z.Close())
	ts.Check(os.WriteFile(ts.MkAbs(got[1]), b.Bytes(), 0o600))
}

// random FILE N writes N bytes that are no text.
func random(ts *testscript.TestScript, neg bool, got []string) {
	args(ts, neg, got, "random FILE N")
	n, err := strconv.Atoi(got[1])
	ts.Check(err)
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	ts.Check(os.WriteFile(ts.MkAbs(got[0]), b, 0o600))
}

// status N COMMAND… runs spillscope in this process and requires its exit
// status, where `! exec` accepts any but 0.
func status(ts *testscript.TestScript, neg bool, got []string) {
	if neg || len(got) < 2 {
		ts.Fatalf("usage: status N spillscope [ARG...]")
	}
	want, err := strconv.Atoi(got[0])
	ts.Check(err)
	if got[1] != "spillscope" {
		ts.Fatalf("status runs spillscope only")
	}
	err = ts.Exec(got[1], got[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit status %d, want %d", code, want)
	}
}

// edit FILE OLD NEW replaces the first OLD, which must be there.
func edit(ts *testscript.TestScript, neg bool, got []string) {
	args(ts, neg, got, "edit FILE OLD NEW")
	path := ts.MkAbs(got[0])
	raw, err := os.ReadFile(path)
	ts.Check(err)
	if !strings.Contains(string(raw), got[1]) {
		ts.Fatalf("%s does not contain %q", got[0], got[1])
	}
	ts.Check(os.WriteFile(path, []byte(strings.Replace(string(raw), got[1], got[2], 1)), 0o600))
}

// truncate FILE N cuts the last N bytes off.
func truncate(ts *testscript.TestScript, neg bool, got []string) {
	args(ts, neg, got, "truncate FILE N")
	path := ts.MkAbs(got[0])
	info, err := os.Stat(path)
	ts.Check(err)
	n, err := strconv.ParseInt(got[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(path, info.Size()-n))
}
