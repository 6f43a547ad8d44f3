package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a fenced block of shell commands in README.md.
type block struct {
	line   int
	script string
	reason string // why it is not run; "" = it is run
}

// The README marks a block that cannot be run here with a comment on the line
// before it: <!-- not run: needs your own logs -->. A block without is run.
var notRun = regexp.MustCompile(`^<!-- not run: (.+) -->$`)

func blocks(readme string) []block {
	var found []block
	var open *block
	lines := strings.Split(readme, "\n")
	for i, line := range lines {
		switch {
		case open == nil && line == "```sh":
			open = &block{line: i + 1}
			if i > 0 {
				if m := notRun.FindStringSubmatch(lines[i-1]); m != nil {
					open.reason = m[1]
				}
			}
		case open != nil && line == "```":
			found = append(found, *open)
			open = nil
		case open != nil:
			open.script += line + "\n"
		}
	}
	return found
}

// shell runs a block as a reader would, in bash, from top to bottom, until a
// command fails. Only the spelling of the program differs: this build stands
// in for `go run ./cmd/spillscope`, so that the reader's folder can be another
// than the repository; and `go test ./...` is what runs this test.
const shell = `set -euo pipefail
go() {
  case "$*" in
    "run ./cmd/spillscope "*) shift 2; spillscope "$@" ;;
    "build -o spillscope ./cmd/spillscope") cp "$(command -v spillscope)" spillscope ;;
    "test ./...") ;;
    *) echo "README.md: go $*: this test does not know how to run that" >&2; return 1 ;;
  esac
}
`

// TestReadme runs every command of README.md, in order, in one folder.
func TestReadme(t *testing.T) {
	if raceEnabled {
		t.Skip("runs a build without the race detector")
	}
	raw, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	readme := string(raw)
	for _, command := range []string{"go run ./cmd/spillscope demo", "go test ./..."} {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(command) + `( |$)`).MatchString(readme) {
			t.Errorf("README.md does not have %q on a line of its own", command)
		}
	}
	bin, work := t.TempDir(), t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "spillscope"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, b := range blocks(readme) {
		t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) {
			if b.reason != "" {
				t.Logf("not run, says README.md: %s\n%s", b.reason, b.script)
				return
			}
			cmd := exec.CommandContext(t.Context(), "bash", "-c", shell+b.script)
			cmd.Dir = work
			cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "TMPDIR="+t.TempDir())
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s%v\n%s", b.script, err, out)
			}
		})
	}
}

func TestBlocks(t *testing.T) {
	got := blocks("# x\n```sh\na\nb\n```\n```yaml\nno\n```\n<!-- not run: needs a bucket -->\n```sh\nc\n```\n")
	want := []block{{2, "a\nb\n", ""}, {10, "c\n", "needs a bucket"}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("blocks = %+v, want %+v", got, want)
	}
}
