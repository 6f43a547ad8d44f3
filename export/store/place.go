package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spillscope/spillscope/export/seal"
)

// ExistsError says that something stands where a case should go.
type ExistsError struct {
	Dir  string
	Case bool // it is a case, so Force would replace it
}

func (e *ExistsError) Error() string {
	if e.Case {
		return fmt.Sprintf("case %s: exists already; name another folder, or replace it with --force", e.Dir)
	}
	return fmt.Sprintf("case %s: exists and is not a case; name a folder that does not exist", e.Dir)
}

// claim returns the absolute place of a new case, or why it cannot be there.
// An empty folder is taken away now, not at the end: if it is a mount point
// that cannot be replaced, the user should know before the scan.
func claim(dir string, force bool) (string, error) {
	place, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("case %s: %w", dir, err)
	}
	if real, err := filepath.EvalSymlinks(place); err == nil {
		place = real
	}
	entries, err := os.ReadDir(place)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return place, nil
	case err != nil: // a file, or not ours to read
		if info, serr := os.Stat(place); serr == nil && !info.IsDir() {
			return "", &ExistsError{Dir: dir}
		}
		return "", fmt.Errorf("case %s: %w", dir, cause(err))
	case len(entries) == 0:
		if err := os.Remove(place); err != nil {
			return "", fmt.Errorf("case %s: the empty folder cannot be replaced (%w); name a folder inside it", dir, cause(err))
		}
		return place, nil
	case !isCase(place):
		// Even with force: it might be somebody's home directory.
		return "", &ExistsError{Dir: dir}
	case !force:
		return "", &ExistsError{Dir: dir, Case: true}
	}
	return place, nil
}

func isCase(dir string) bool {
	for _, name := range []string{ManifestFile, seal.List} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}

// publish moves the finished folder to its place.
func (w *Writer) publish() error {
	if err := syncAll(w.temp); err != nil {
		return err
	}
	old := ""
	if isCase(w.dir) && w.opts.Force {
		old = w.temp + ".replaced"
		if err := os.Rename(w.dir, old); err != nil {
			return fmt.Errorf("case: set the old one aside: %w", err)
		}
	}
	if err := os.Rename(w.temp, w.dir); err != nil {
		if old != "" {
			err = errors.Join(err, os.Rename(old, w.dir))
		}
		return fmt.Errorf("case: move it to its place: %w", err)
	}
	if err := syncDir(filepath.Dir(w.dir)); err != nil {
		return err
	}
	if old != "" {
		if err := os.RemoveAll(old); err != nil {
			return fmt.Errorf("case: finished, but the old one remains at %s: %w", old, err)
		}
	}
	return nil
}

// syncAll makes sure that what a rename will publish is on the disk. Files
// are synced once more because those of the seal have only been written.
func syncAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("case: %w", err)
		}
		return syncDir(path)
	})
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("case: sync: %w", err)
	}
	return nil
}
