package incident_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/scan/incident"
)

func TestKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "incident.key")
	if err := incident.NewKey(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	first, err := incident.ReadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := incident.NewKey(path); err == nil || !strings.Contains(err.Error(), "is there already and is not overwritten") {
		t.Errorf("second NewKey: %v", err)
	}
	if again, err := os.ReadFile(path); err != nil || string(again) != string(text) {
		t.Error("the key has changed")
	}
	other := filepath.Join(t.TempDir(), "other.key")
	if err := incident.NewKey(other); err != nil {
		t.Fatal(err)
	}
	second, err := incident.ReadKey(other)
	if err != nil || first.Fingerprint() == second.Fingerprint() {
		t.Errorf("two keys are alike (%v)", err)
	}
	if err := incident.NewKey(filepath.Join(path, "none", "k")); err == nil {
		t.Error("a key was written into a file as if it were a folder")
	}
}

func TestReadKeyErrors(t *testing.T) {
	good := strings.Repeat("0123456789abcdef", 4)
	for _, c := range []struct {
		name, text string
		mode       fs.FileMode
		want       string // "" for none
	}{
		{"plain", good, 0o600, ""},
		{"CRLF", good + "\r\n", 0o600, ""},
		{"group may read", good + "\n", 0o640, ""},
		{"world may read", good, 0o644, "can be read or changed by others (mode 0644); run: chmod 600 "},
		{"group may write", good, 0o660, "can be read or changed by others (mode 0660); run: chmod 600 "},
		{"short", good[:62], 0o600, "is not a key: want one line of 64 hex digits"},
		{"long", good + "00", 0o600, "is not a key: want one line of 64 hex digits"},
		{"raw", "\x00\x01" + strings.Repeat("x", 30), 0o600, "is not a key: want one line of 64 hex digits"},
		{"empty", "", 0o600, "is not a key: want one line of 64 hex digits"},
	} {
		path := filepath.Join(t.TempDir(), "k")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := incident.ReadKey(path)
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: err = %v, want %q", c.name, err, c.want)
		case err != nil && len(c.text) > 8 && strings.Contains(err.Error(), c.text[:8]):
			t.Errorf("%s: the message quotes the key", c.name)
		}
	}
	if _, err := incident.ReadKey(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "`spillscope init` makes one") {
		t.Errorf("missing key: %v", err)
	}
}

func TestPreserve(t *testing.T) {
	all := ""
	for _, e := range incident.Preserve() {
		if e.What == "" || e.Why == "" {
			t.Errorf("%+v lacks a half", e)
		}
		all += e.What + "\n"
	}
	for _, want := range []string{"session store", "database", "retention", "CDN configuration", "origin", "analytics", "WAF", "tickets"} {
		if !strings.Contains(all, want) {
			t.Errorf("the list lacks: %s", want)
		}
	}
}
