package storage

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

type file struct {
	path string
	info fs.FileInfo
}

// walk collects the files that one pattern names. doublestar's own walk is
// not used: it neither reads a matched folder whole nor promises to end in a
// loop of links.
type walk struct {
	ctx     context.Context
	root    string // folder to start at, or the one file
	glob    string // "": everything below root
	depth   int    // folders below root that can matter; <0: any number
	hidden  bool   // the pattern spells out a leading dot
	found   []file
	links   []string        // links met, looked at once the plain names are done
	visited map[string]bool // real paths of what was listed or entered
}

func newWalk(ctx context.Context, full string) *walk {
	w := &walk{ctx: ctx, root: full, depth: -1, visited: map[string]bool{}}
	if _, err := os.Stat(full); err == nil {
		return w // also a name that merely looks like a glob
	}
	slashed := filepath.ToSlash(full)
	root, rest := doublestar.SplitPattern(slashed)
	if rest == "" || !strings.ContainsAny(rest, "*?[{") {
		return w
	}
	w.root, w.glob = filepath.FromSlash(root), slashed
	w.hidden = strings.HasPrefix(rest, ".") || strings.Contains(rest, "/.")
	if !strings.Contains(rest, "**") {
		w.depth = strings.Count(rest, "/")
	}
	return w
}

func (w *walk) run() error {
	info, err := os.Stat(w.root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing found; List says what is nearby
	}
	if err != nil {
		return reason(err)
	}
	if !info.IsDir() {
		w.found = append(w.found, file{w.root, info})
		return nil
	}
	if w.glob != "" && !doublestar.ValidatePathPattern(w.glob) {
		return doublestar.ErrBadPattern
	}
	if err := w.folder(w.root, w.glob == "", w.depth); err != nil {
		return err
	}
	for len(w.links) > 0 {
		link := w.links[0]
		w.links = w.links[1:]
		if err := w.link(link); err != nil {
			return err
		}
	}
	return nil
}

// folder walks dir; whole says that the pattern named dir or one above it.
func (w *walk) folder(dir string, whole bool, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if !w.enter(dir) {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return reason(err)
	}
	for _, e := range entries {
		if err := w.entry(filepath.Join(dir, e.Name()), e, whole, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(path string, e fs.DirEntry, whole bool, depth int) error {
	if strings.HasPrefix(e.Name(), ".") && !w.hidden {
		return nil
	}
	named := whole || w.matches(path)
	switch mode := e.Type(); {
	case mode&fs.ModeSymlink != 0:
		if named || depth != 0 {
			w.links = append(w.links, path)
		}
	case mode.IsDir() && (named || depth != 0):
		return w.folder(path, named, depth-1)
	case mode.IsRegular() && named && w.enter(path):
		info, err := e.Info()
		if err != nil {
			return reason(err)
		}
		w.found = append(w.found, file{path, info})
	}
	return nil
}

// link looks at what a symbolic link leads to.
func (w *walk) link(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // dangling or a loop of its own: there is no object
	}
	whole := w.glob == "" || w.matches(path) || w.belowMatch(path)
	if info.IsDir() {
		return w.folder(path, whole, w.depthAt(path))
	}
	if info.Mode().IsRegular() && whole && w.enter(path) {
		w.found = append(w.found, file{path, info})
	}
	return nil
}

// enter reports whether path leads to something not met before.
func (w *walk) enter(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil || w.visited[real] {
		return false
	}
	w.visited[real] = true
	return true
}

func (w *walk) matches(path string) bool {
	return doublestar.MatchUnvalidated(w.glob, filepath.ToSlash(path))
}

// belowMatch reports whether a folder above path is named by the pattern.
func (w *walk) belowMatch(path string) bool {
	for dir := filepath.Dir(path); len(dir) > len(w.root); dir = filepath.Dir(dir) {
		if w.matches(dir) {
			return true
		}
	}
	return false
}

func (w *walk) depthAt(path string) int {
	rel, err := filepath.Rel(w.root, path)
	if w.depth < 0 || err != nil {
		return w.depth
	}
	return max(0, w.depth-1-strings.Count(filepath.ToSlash(rel), "/"))
}

func sorted(objects []Object) []Object {
	slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.URI, b.URI) })
	return slices.CompactFunc(objects, func(a, b Object) bool { return a.URI == b.URI })
}
