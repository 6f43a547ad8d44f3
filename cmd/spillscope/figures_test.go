package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/fixtures/matrix"
)

var rewrite = flag.Bool("rewrite", false, "measure the figures that scans print, anew; takes minutes")

const (
	figuresFile = "../../scan/internal/figures/figures.json"
	renewal     = "go test ./cmd/spillscope -run TestFigures -rewrite -v -timeout 30m"
)

// TestFigures: a case prints how right its build is on synthetic data. Figures
// of a model that has changed since are somebody else's.
func TestFigures(t *testing.T) {
	now := modelDigest(t, "../../model")
	if *rewrite {
		renew(t, now)
	}
	raw, err := os.ReadFile(figuresFile)
	if err != nil {
		t.Fatal(err)
	}
	var b matrix.Brief
	if err := json.Unmarshal(raw, &b); err != nil {
		t.Fatal(err)
	}
	if b.Model != now {
		t.Errorf("the model has changed since the figures were measured that scans print; measure again:\n\t%s", renewal)
	}
	if cells := matrix.Cells(1); len(b.Cells) != len(cells) {
		t.Errorf("%d incidents were measured, the matrix has %d; measure again:\n\t%s", len(b.Cells), len(cells), renewal)
	}
}

// renew measures the whole matrix and writes what scans print.
func renew(t *testing.T, model string) {
	c := newConsole(nil, os.Stdout, os.Stderr, nil)
	results, err := measureCells(t.Context(), c, matrix.Cells(1))
	if err != nil {
		t.Fatal(err)
	}
	r := matrix.NewReport(thisBuild().String(), 1, results)
	t.Log(r)
	for _, s := range r.Broken {
		t.Error(s)
	}
	raw, err := json.MarshalIndent(r.Brief(model), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(figuresFile, append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// modelDigest is the SHA-256 over the names and contents of the Go files below
// dir that are no tests, in the order of their paths.
func modelDigest(t *testing.T, dir string) string {
	t.Helper()
	sum := sha256.New()
	n := 0
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		fmt.Fprintf(sum, "%s %d\n", filepath.ToSlash(name), len(raw))
		sum.Write(raw)
		n++
		return err
	})
	if err != nil || n < 10 {
		t.Fatalf("%d Go files below %s: %v", n, dir, err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
