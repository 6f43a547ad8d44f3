// Package storage finds and opens the objects that logs are kept in.
//
// A Store is two verbs, because that is all a scan needs: list what a pattern
// names, open one of them, from its beginning or at any place. Object stores fit behind the same interface; this
// build reads local files.
//
// What belongs here: names, sizes, order, and messages about what was looked
// for. What does not: what is inside an object.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Object is one stored log file.
type Object struct {
	URI  string // as shown: relative to the base when below it, slash-separated
	Path string // as opened
	Size int64  // as stored; 0 for a pipe

	// Modified is when the object was last written, as its store says. A copy
	// may bear the time of copying: it says when the object was there at the
	// latest, not when it was delivered.
	Modified time.Time
}

// Store lists and opens objects. It is safe for concurrent use.
type Store interface {
	// List returns the objects that pattern names, sorted by URI and without
	// duplicates. A pattern that names nothing is an error that says what was
	// looked for and what is there instead; it matches fs.ErrNotExist.
	List(ctx context.Context, pattern string) ([]Object, error)
	// Open returns the bytes of o as stored.
	Open(ctx context.Context, o Object) (io.ReadCloser, error)
	// OpenAt returns the same bytes and how many they are, for formats that are
	// not read from their beginning. Reading stops with an error once ctx ends.
	OpenAt(ctx context.Context, o Object) (ReaderAtCloser, int64, error)
}

// ReaderAtCloser reads an object at any place.
type ReaderAtCloser interface {
	io.ReaderAt
	io.Closer
}

// NewLocal returns the store of local files. Relative patterns start at base.
//
// A pattern is a file, a folder (all files below it), or a glob in which **
// stands for any number of folders; a folder that a glob names is read whole.
// Hidden files and folders are skipped unless the pattern spells out their
// dot. Symbolic links are followed, and what can be reached by two names is
// listed once, by the name that is no link.
func NewLocal(base string) Store { return local{base} }

type local struct{ base string }

func (s local) List(ctx context.Context, pattern string) ([]Object, error) {
	full, err := s.resolve(pattern)
	if err != nil {
		return nil, err
	}
	w := newWalk(ctx, full)
	if err := w.run(); err != nil {
		return nil, fmt.Errorf("list %s: %w", pattern, err)
	}
	if len(w.found) == 0 {
		return nil, &NotFoundError{Pattern: pattern, Nearby: nearby(full)}
	}
	objects := make([]Object, 0, len(w.found))
	for _, f := range w.found {
		objects = append(objects, Object{URI: s.uri(f.path), Path: f.path, Size: f.info.Size(), Modified: f.info.ModTime()})
	}
	return sorted(objects), nil
}

func (s local) Open(ctx context.Context, o Object) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.Open(o.Path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.URI, reason(err))
	}
	return f, nil
}

func (s local) OpenAt(ctx context.Context, o Object) (ReaderAtCloser, int64, error) {
	if info, err := os.Stat(o.Path); err == nil && !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return nil, 0, fmt.Errorf("open %s: is a pipe, and this format is read from its end: save it as a file first", o.URI)
	}
	f, err := os.Open(o.Path)
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", o.URI, reason(err))
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("open %s: %w", o.URI, reason(err)), f.Close())
	}
	return fileAt{ctx, f}, info.Size(), nil
}

// fileAt is a file that can be read while ctx lasts.
type fileAt struct {
	ctx context.Context
	*os.File
}

func (f fileAt) ReadAt(p []byte, off int64) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

// resolve returns pattern as an absolute path. It is the one place that knows
// which schemes this build reads.
func (s local) resolve(pattern string) (string, error) {
	if scheme, _, ok := strings.Cut(pattern, "://"); ok && scheme != "file" {
		return "", fmt.Errorf("%s: this build reads local files only; copy the objects here first, e.g. with `aws s3 sync`", pattern)
	}
	pattern = strings.TrimPrefix(pattern, "file://")
	if pattern == "" {
		return "", fmt.Errorf("empty path: name a file, a folder or a glob")
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(s.base, pattern)
	}
	return filepath.Abs(pattern)
}

// uri returns how the file at full is shown.
func (s local) uri(full string) string {
	if base, err := filepath.Abs(s.base); err == nil {
		if rel, err := filepath.Rel(base, full); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.ToSlash(full)
}
