package seal_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/export/internal/smallcase"
	"github.com/spillscope/spillscope/export/seal"
	"github.com/spillscope/spillscope/model"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestVerify(t *testing.T) {
	users := "privileged/users.csv"
	for _, tt := range []struct {
		name   string
		tamper func(t *testing.T, dir string)
		want   seal.Result
	}{
		{"untouched", func(*testing.T, string) {}, seal.Result{}},
		{"one byte changed", func(t *testing.T, dir string) {
			raw, err := os.ReadFile(filepath.Join(dir, users))
			if err != nil {
				t.Fatal(err)
			}
			raw[len(raw)/2] ^= 1
			write(t, filepath.Join(dir, users), string(raw))
		}, seal.Result{Changed: []string{users}}},
		{"file removed", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, users)); err != nil {
				t.Fatal(err)
			}
		}, seal.Result{Missing: []string{users}}},
		{"file added", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "outgoing", "note.txt"), "x") },
			seal.Result{Added: []string{"outgoing/note.txt"}}},
		{"file replaced by a link", func(t *testing.T, dir string) {
			path := filepath.Join(dir, users)
			if err := os.Rename(path, filepath.Join(filepath.Dir(dir), "moved")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("../../moved", path); err != nil {
				t.Fatal(err)
			}
		}, seal.Result{Changed: []string{users}}},
		{"run.json edited", func(t *testing.T, dir string) {
			raw, err := os.ReadFile(filepath.Join(dir, seal.Run))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, seal.Run), strings.Replace(string(raw), "host.example.com", "host.example.org", 1))
		}, seal.Result{Changed: []string{seal.Run}}},
		{"line added to run.json", func(t *testing.T, dir string) {
			raw, err := os.ReadFile(filepath.Join(dir, seal.Run))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, seal.Run), string(raw)+"\n")
		}, seal.Result{Changed: []string{seal.Run}}},
		{"list written anew", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, users), "forged")
			if _, err := seal.Write(dir); err != nil {
				t.Fatal(err)
			}
		}, seal.Result{Changed: []string{seal.List}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "case")
			smallcase.Write(t, dir, smallcase.Findings(), smallcase.Manifest())
			tt.tamper(t, dir)
			got, err := seal.Verify(dir)
			if err != nil {
				t.Fatal(err)
			}
			if clean := tt.name == "untouched"; got.OK() != clean || got.Checked < 10 {
				t.Errorf("OK() = %v after %d files", got.OK(), got.Checked)
			}
			got.Digest, got.Checked = "", 0
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	sum := strings.Repeat("a", 64)
	for _, tt := range []struct{ list, want string }{
		{sum + "  ../../etc/passwd\n", "manifest-sha256.txt:1: names a file outside the case"},
		{sum + "  /etc/passwd\n", "outside the case"},
		{sum + "  a/../../b\n", "outside the case"},
		{sum + "  a\n" + sum + "  a\n", "manifest-sha256.txt:2: names a file twice"},
		{"hello\n", "manifest-sha256.txt:1: is not a SHA-256"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, seal.List), tt.list)
		if _, err := seal.Verify(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Verify with %q = %v, want %q", tt.list, err, tt.want)
		}
	}
	if _, err := seal.Verify(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a case") {
		t.Errorf("Verify of an empty folder = %v", err)
	}
}

func TestVerifyInputs(t *testing.T) {
	sum := func(s string) string {
		h := sha256.Sum256([]byte(s))
		return hex.EncodeToString(h[:])
	}
	root := t.TempDir()
	dir, base := filepath.Join(root, "case"), filepath.Join(root, "incident")
	if err := os.Mkdir(base, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(base, "same.gz"), "same")
	write(t, filepath.Join(base, "edited.gz"), "edited since")
	write(t, filepath.Join(root, "beside.gz"), "beside")
	smallcase.Write(t, dir, nil, model.Manifest{Inputs: []model.ManifestInput{
		{URI: "same.gz", SHA256: sum("same")}, {URI: "edited.gz", SHA256: sum("edited")}, {URI: "gone.gz", SHA256: sum("gone")},
		{URI: "../beside.gz", SHA256: sum("beside")}, {URI: "s3://bucket/x.gz", SHA256: sum("x")}}})
	got, err := seal.VerifyInputs(dir, base)
	if err != nil {
		t.Fatal(err)
	}
	want := seal.Result{Checked: 3, Changed: []string{"edited.gz"}, Missing: []string{"gone.gz"}, Skipped: []string{"s3://bucket/x.gz"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestVerifyTextIsTrue runs the commands that VERIFY.txt gives, as given.
func TestVerifyTextIsTrue(t *testing.T) {
	for _, tool := range []string{"bash", "sha256sum", "find", "sed", "cut", "diff"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here", tool)
		}
	}
	dir := filepath.Join(t.TempDir(), "case")
	smallcase.Write(t, dir, smallcase.Findings(), smallcase.Manifest())
	text, err := os.ReadFile(filepath.Join(dir, "VERIFY.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for line := range strings.Lines(string(text)) {
		if cmd, ok := strings.CutPrefix(line, "     "); ok {
			commands = append(commands, strings.TrimSpace(cmd))
		}
	}
	if len(commands) != 4 {
		t.Fatalf("VERIFY.txt has %d commands: %q", len(commands), commands)
	}
	run := func(cmd string) (string, error) {
		c := exec.Command("bash", "-c", cmd)
		c.Dir = dir
		out, err := c.CombinedOutput()
		return string(out), err
	}
	for _, cmd := range commands[:2] {
		if out, err := run(cmd); err != nil || out != "" {
			t.Errorf("%s: %v\n%s", cmd, err, out)
		}
	}
	out, err := run(commands[2])
	if err != nil {
		t.Fatalf("%s: %v", commands[2], err)
	}
	for _, word := range strings.FieldsFunc(out, func(r rune) bool { return strings.ContainsRune(" \n\",:-", r) }) {
		if len(word) == 64 && strings.Count(out, word) != 2 {
			t.Errorf("%s: %s stands %d times in\n%s", commands[2], word, strings.Count(out, word), out)
		}
	}
	write(t, filepath.Join(dir, "privileged", "users.csv"), "forged")
	write(t, filepath.Join(dir, "privileged", "more.csv"), "forged")
	for _, cmd := range commands[:2] {
		if out, err := run(cmd); err == nil || out == "" {
			t.Errorf("%s finds nothing after tampering", cmd)
		}
	}
}
