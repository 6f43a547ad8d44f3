package terminal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/export/internal/smallcase"
	"github.com/spillscope/spillscope/export/render/terminal"
	"github.com/spillscope/spillscope/model"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func summary(t *testing.T, m model.Manifest, color bool) string {
	t.Helper()
	var buf bytes.Buffer
	if err := terminal.Summary(&buf, m, "out/case", color); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(buf.String(), "\n"); n > 35 {
		t.Errorf("summary has %d lines; it should fit a screen", n)
	}
	return buf.String()
}

func TestSummary(t *testing.T) {
	golden(t, "small.txt", summary(t, smallcase.Manifest(), false))
	golden(t, "empty.txt", summary(t, model.Manifest{Case: "nothing", Complete: true}, false))
	if got := summary(t, model.Manifest{}, false); !strings.Contains(got, "PARTIAL") {
		t.Error("a scan that did not complete is not called PARTIAL")
	}
}

func TestCapabilities(t *testing.T) {
	var buf bytes.Buffer
	if err := terminal.Capabilities(&buf, smallcase.Capabilities()); err != nil {
		t.Fatal(err)
	}
	golden(t, "capabilities.txt", buf.String())
	if strings.ContainsAny(buf.String(), smallcase.Acting+"\r") {
		t.Errorf("the table holds an acting character:\n%q", buf.String())
	}
}

func TestHostileManifest(t *testing.T) {
	m := smallcase.Manifest()
	h := smallcase.Hostile
	m.Case, m.Window.From, m.Headline.TotalWorkspacesBase = h, h, h
	m.Partial, m.Assumptions, m.Warnings = []string{h, h, h, h, h}, []string{h}, []string{h}
	m.Gaps, m.Control = []model.Gap{{From: h, To: h, Source: h}}, []model.ControlResult{{From: h, To: h}}
	if got := summary(t, m, false); strings.ContainsAny(got, smallcase.Acting+"\r") {
		t.Errorf("summary holds an acting character:\n%q", got)
	}
	if got := summary(t, m, true); strings.Contains(got, "\x1b[2J") {
		t.Error("colour lets an escape of the data through")
	}
	var buf bytes.Buffer
	if err := terminal.JSON(&buf, m, h); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(buf.String(), smallcase.Acting) || !json.Valid(buf.Bytes()) {
		t.Errorf("JSON summary is not inert: %q", buf.String())
	}
}

func TestJSON(t *testing.T) {
	var buf bytes.Buffer
	if err := terminal.JSON(&buf, model.Manifest{Case: "nothing"}, "out/case"); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(buf.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"partial", "assumptions", "warnings", "gaps", "control"} {
		if _, ok := got[list].([]any); !ok {
			t.Errorf("%s is %v, want a list even if empty", list, got[list])
		}
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestWriteErrorSurfaces(t *testing.T) {
	if err := terminal.Summary(brokenPipe{}, smallcase.Manifest(), "case", false); err == nil {
		t.Error("Summary to a broken pipe succeeds")
	}
}
