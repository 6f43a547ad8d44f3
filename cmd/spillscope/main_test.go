package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"spillscope": main})
}

// TestScripts runs the real command. Scripts are grouped by behaviour; each
// block is headed by what it guards.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Cmds:                scriptCommands(),
		Setup: func(env *testscript.Env) error {
			env.Setenv("TMPDIR", filepath.Join(env.WorkDir, "tmp"))
			env.Setenv("SMALL_DISK", os.Getenv("SPILLSCOPE_SMALL_DISK"))
			return os.Mkdir(filepath.Join(env.WorkDir, "tmp"), 0o700)
		},
		Condition: condition,
	})
}

// condition knows [race] and [small-disk]. Where the gate requires every
// component, a missing one fails instead of skipping the script.
func condition(name string) (bool, error) {
	switch name {
	case "race":
		return raceEnabled, nil
	case "small-disk":
		return smallDisk()
	}
	return false, strconv.ErrSyntax
}

func smallDisk() (bool, error) {
	has := os.Getenv("SPILLSCOPE_SMALL_DISK") != ""
	if !has && os.Getenv("SPILLSCOPE_REQUIRE") == "all" {
		return false, os.ErrNotExist
	}
	return has, nil
}

// TestHelp holds what every help text owes a reader in a hurry.
func TestHelp(t *testing.T) {
	root := newRoot(newConsole(strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}, nil))
	for _, cmd := range root.Commands() {
		t.Run(cmd.Name(), func(t *testing.T) {
			checkHelp(t, cmd)
		})
	}
}

func checkHelp(t *testing.T, cmd *cobra.Command) {
	if i := strings.Index(cmd.Long, "\nExit status:\n"); i < 0 || strings.Contains(cmd.Long[i+1:], "\n\n") {
		t.Error("the help does not end with the exit status")
	}
	if len(cmd.Short) > 60 {
		t.Errorf("Short has %d characters; the list of commands would wrap", len(cmd.Short))
	}
	for _, line := range strings.Split(cmd.Long+"\n"+cmd.Example, "\n") {
		if n := len([]rune(line)); n > 84 {
			t.Errorf("line of %d characters: %s", n, line)
		}
	}
}

// TestPanic: a panic may carry a row of a log; none of it reaches the terminal.
func TestPanic(t *testing.T) {
	const secret = "sid=5f1c3d"
	var stderr bytes.Buffer
	status := run(t.Context(), []string{"version"}, nil, panicWriter(secret), &stderr, nil)
	if status != 70 {
		t.Errorf("exit status %d, want 70", status)
	}
	got := stderr.String()
	if strings.Contains(got, secret) || strings.Contains(got, "goroutine") {
		t.Errorf("the message quotes the panic:\n%s", got)
	}
	if !strings.Contains(got, "internal error in ") || !strings.Contains(got, "panicWriter.Write:") {
		t.Errorf("the message does not say where it happened:\n%s", got)
	}
}

type panicWriter string

func (p panicWriter) Write([]byte) (int, error) { panic(string(p)) }

// TestColour: a file or a pipe gets no escape codes.
func TestColour(t *testing.T) {
	for _, env := range [][]string{nil, {"NO_COLOR=1"}, {"TERM=dumb"}} {
		if newConsole(nil, &bytes.Buffer{}, &bytes.Buffer{}, env).colour {
			t.Errorf("%v: colour on what is no terminal", env)
		}
	}
}

func TestByteSize(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want byteSize
		text string
	}{
		{"1073741824", 1 << 30, "1GiB"},
		{"4GiB", 4 << 30, "4GiB"},
		{"4g", 4 << 30, "4GiB"},
		{"512 MB", 512 << 20, "512MiB"},
		{"1k", 1024, "1KiB"},
		{"7", 7, "7"},
		{"7b", 7, "7"},
	} {
		var got byteSize
		if err := got.Set(tt.in); err != nil || got != tt.want || got.String() != tt.text {
			t.Errorf("Set(%q) = %d (%v), %v; want %d (%s)", tt.in, got, &got, err, tt.want, tt.text)
		}
	}
	for _, in := range []string{"", "x", "-1", "1.5G", "9999999999GiB", "GiB"} {
		var b byteSize
		if err := b.Set(in); err == nil {
			t.Errorf("Set(%q) = %d, want an error", in, b)
		}
	}
}
