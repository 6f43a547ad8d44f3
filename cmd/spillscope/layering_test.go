package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/spillscope/spillscope"

// topLevel is everything that the root of the repository may hold.
var topLevel = []string{
	"cmd", "scan", "model", "export", "fixtures", "go.mod", "go.sum", "README.md",
	"LICENSE", "CHANGELOG.md", ".ci", ".golangci.yml", ".gitignore", ".gitattributes", ".git",
}

// pure is what package model and those below it may use of the standard
// library: nothing that reads a file, a clock, a socket or the environment.
var pure = []string{
	"bytes", "cmp", "container/heap", "crypto/hmac", "crypto/sha256",
	"encoding/binary", "encoding/hex", "errors", "fmt", "hash", "hash/fnv",
	"hash/maphash", "iter", "maps", "math", "math/big", "math/bits", "math/rand/v2",
	"net/netip", "path", "regexp", "slices", "sort", "strconv", "strings",
	"time", "unicode", "unicode/utf8", "unsafe",
}

// impure are the functions of pure packages that are not: they read the
// clock, draw from a seed that nobody wrote down, or print.
var impure = map[string][]string{
	"time":         {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "LoadLocation", "Local"},
	"math/rand/v2": {"Int", "IntN", "Int32", "Int32N", "Int64", "Int64N", "Uint32", "Uint64", "Uint64N", "Float32", "Float64", "Perm", "Shuffle", "N", "NormFloat64", "ExpFloat64"},
	"hash/maphash": {"MakeSeed"},
	"fmt":          {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
}

// source is one parsed Go file.
type source struct {
	name string // slash-separated, from the root
	test bool
	tree *ast.File
}

// dir is the folder of the file's package.
func (s source) dir() string { return path.Dir(s.name) }

// imports lists what the file imports.
func (s source) imports() []string {
	var paths []string
	for _, spec := range s.tree.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err) // the parser has unquoted it before
		}
		paths = append(paths, p)
	}
	return paths
}

// sources parses every Go file of the repository.
func sources(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	var all []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		all = append(all, source{filepath.ToSlash(rel), strings.HasSuffix(name, "_test.go"), tree})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d Go files found below %s", len(all), root)
	}
	return all
}

// TestLayering keeps the arrows between the packages pointing one way.
func TestLayering(t *testing.T) {
	for _, s := range sources(t) {
		for _, imported := range s.imports() {
			if why := forbidden(s.name, s.test, imported); why != "" {
				t.Errorf("%s imports %s: %s", s.name, imported, why)
			}
		}
	}
}

// forbidden tells why a file may not import a package, or "".
func forbidden(file string, test bool, imported string) string {
	ours, internal := strings.CutPrefix(imported, module+"/")
	layer, _, _ := strings.Cut(file, "/")
	if !internal {
		if layer == "model" && !test && !slices.Contains(pure, imported) {
			return "the model is pure; see the allow-list in layering_test.go"
		}
		return ""
	}
	target, _, _ := strings.Cut(ours, "/")
	switch {
	case target == "cmd":
		return "nothing imports a command"
	case layer == "fixtures" && target != "fixtures" && !test:
		return "the truth shares no code with what it tests"
	case target == "fixtures" && layer != "fixtures" && !test && !slices.Contains([]string{"cmd/spillscope/demo.go", "cmd/spillscope/selfcheck.go"}, file):
		return "only tests, demo and selfcheck use synthetic data"
	case layer == "model" && (target == "scan" || target == "export"):
		return "arrows point to the model"
	case path.Dir(file) == "model" && !test:
		return "package model is below the packages under it"
	case layer == "scan" && target == "export":
		return "they meet in model.Sink; cmd composes them"
	case layer == "export" && target == "scan":
		return "exporters read the store, never the logs"
	}
	return ""
}

// TestForbidden shows that the rules above can fail.
func TestForbidden(t *testing.T) {
	for _, tt := range []struct {
		file, imported string
		ok             bool
	}{
		{"model/row.go", "net/netip", true},
		{"model/row.go", "net", false},
		{"model/row.go", "os", false},
		{"model/row_test.go", "os", true},
		{"model/row.go", module + "/model/cache", false},
		{"model/cache/key.go", module + "/model", true},
		{"model/cache/key.go", "log", false},
		{"model/cache/key.go", "github.com/goccy/go-yaml", false},
		{"model/cache/key.go", module + "/scan", false},
		{"scan/run.go", module + "/model/verdict", true},
		{"scan/run.go", module + "/export/store", false},
		{"scan/run_test.go", module + "/export/store", false},
		{"scan/run_test.go", module + "/fixtures/sim", true},
		{"scan/run.go", module + "/fixtures/sim", false},
		{"export/explain/explain.go", module + "/export/store", true},
		{"export/explain/explain.go", module + "/scan", false},
		{"fixtures/sim/write.go", module + "/model", false},
		{"cmd/spillscope/demo.go", module + "/fixtures/sim", true},
		{"cmd/spillscope/scan.go", module + "/fixtures/sim", false},
		{"cmd/spillscope/scan.go", module + "/scan", true},
		{"scan/run.go", module + "/cmd/spillscope", false},
	} {
		why := forbidden(tt.file, strings.HasSuffix(tt.file, "_test.go"), tt.imported)
		if (why == "") != tt.ok {
			t.Errorf("%s imports %s: %q, want ok=%v", tt.file, tt.imported, why, tt.ok)
		}
	}
}

// TestPure keeps the clock, unwritten seeds and the terminal out of the model.
func TestPure(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !strings.HasPrefix(s.name, "model/") {
			continue
		}
		names := map[string]string{} // what the file calls a package → its path
		for _, spec := range s.tree.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			name := path.Base(strings.TrimSuffix(p, "/v2"))
			if spec.Name != nil {
				name = spec.Name.Name
			}
			names[name] = p
		}
		ast.Inspect(s.tree, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil && slices.Contains(impure[names[x.Name]], sel.Sel.Name) {
				t.Errorf("%s uses %s.%s: the model takes such values as arguments", s.name, x.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

// TestPackages: a name says what a package is about, its comment what belongs
// there, and nothing happens before main.
func TestPackages(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		name := s.tree.Name.Name
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "shared"}, name) {
			t.Errorf("%s: package %s: name the idea instead", s.name, name)
		}
		if !s.test {
			documented[s.dir()] = documented[s.dir()] || s.tree.Doc.Text() != ""
		}
		for _, decl := range s.tree.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init(): list it in a table, or call it", s.name)
			}
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no package comment", dir)
		}
	}
}

// TestTopLevel: a stray file in the root is the first thing a reader sees.
func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(topLevel, e.Name()) {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
}
