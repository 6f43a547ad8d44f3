package storage

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// NotFoundError says that a pattern names no object, and what is there.
type NotFoundError struct {
	Pattern string
	Nearby  string // e.g. `folder edge holds 3 files (3 *.log)`
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no file matches %s: %s", e.Pattern, e.Nearby)
}

// Is makes errors.Is(err, fs.ErrNotExist) true.
func (e *NotFoundError) Is(target error) bool { return target == fs.ErrNotExist }

// nearby describes the deepest folder of pattern that exists.
func nearby(pattern string) string {
	dir := pattern
	for {
		info, err := os.Stat(dir)
		if err == nil && info.IsDir() {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "nothing of that path exists"
		}
		dir = up
	}
	return describe(dir)
}

// describe says what dir holds, by kind of name, the most frequent first.
func describe(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Sprintf("folder %s cannot be read: %v", dir, reason(err))
	}
	kinds, files, folders, hidden := map[string]int{}, 0, 0, 0
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, "."):
			hidden++
		case e.IsDir():
			folders++
		default:
			files++
			kinds[kindOf(name)]++
		}
	}
	if files+folders == 0 {
		return fmt.Sprintf("folder %s is empty%s", dir, some(hidden, " but for %d hidden"))
	}
	return fmt.Sprintf("folder %s holds %d files%s%s", dir, files, list(kinds), some(folders, " and %d folders"))
}

func kindOf(name string) string {
	if ext := filepath.Ext(name); ext != "" && len(ext) <= 9 {
		return "*" + ext
	}
	return "without extension"
}

func some(n int, format string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(format, n)
}

// list prints at most four kinds.
func list(kinds map[string]int) string {
	names := make([]string, 0, len(kinds))
	for k := range kinds {
		names = append(names, k)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(kinds[b], kinds[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, k := range names[:min(4, len(names))] {
		parts = append(parts, fmt.Sprintf("%d %s", kinds[k], k))
	}
	if len(names) > 4 {
		parts = append(parts, "…")
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// reason strips the operation and path that a *PathError repeats.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
