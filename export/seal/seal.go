// Package seal makes later changes to a finished case visible.
//
// manifest-sha256.txt lists every file of a case with its SHA-256, in the form
// that `sha256sum -c` reads. run.json is not in it: it holds what varies
// between two runs over the same input, and the list must not vary. It is
// bound the other way round: it carries the digest of the list, and its last
// line the digest of the lines above it.
//
// A seal does not tell who made a case: whoever can change a file can also
// write a new list. Keep [Result.Digest] somewhere else, or have it signed
// or time-stamped.
package seal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Names of the files that a seal consists of.
const (
	List = "manifest-sha256.txt"
	Run  = "run.json"
)

// Write lists the files under dir in dir's manifest-sha256.txt and returns
// the SHA-256 of that list.
func Write(dir string) (string, error) {
	names, err := files(dir)
	if err != nil {
		return "", err
	}
	var list bytes.Buffer
	for _, name := range names {
		sum, err := File(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return "", fmt.Errorf("seal: %w", err)
		}
		list.WriteString(Line(sum, name))
	}
	if err := os.WriteFile(filepath.Join(dir, List), list.Bytes(), 0o600); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return digest(list.Bytes()), nil
}

// WriteRun writes v, which must encode to a JSON object, as dir's run.json:
// with the list's digest added in front and its own at the end.
func WriteRun(dir, list string, v any) error {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", Run, err)
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(string(body), "{\n"), "\n}")
	above := fmt.Sprintf("{\n  \"manifest_sha256\": %q,\n%s,\n", list, inner)
	all := fmt.Sprintf("%s  \"sha256_of_lines_above\": %q\n}\n", above, digest([]byte(above)))
	if err := os.WriteFile(filepath.Join(dir, Run), []byte(all), 0o600); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}

// Line returns the line by which sha256sum names a file. Names with a line
// break or backslash are escaped its way.
func Line(sum, name string) string {
	escaped := escapes.Replace(name)
	if escaped != name {
		return `\` + sum + "  " + escaped + "\n"
	}
	return sum + "  " + name + "\n"
}

var (
	escapes   = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`)
	unescapes = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r")
)

// parse is the inverse of Line for one line without its end.
func parse(line string) (sum, name string, err error) {
	body, escaped := strings.CutPrefix(line, `\`)
	sum, name, ok := strings.Cut(body, "  ")
	if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != sha256.Size {
		return "", "", errors.New("is not a SHA-256, two spaces and a file name")
	}
	if escaped {
		name = unescapes.Replace(name)
	}
	// A list is data from outside: a name that leaves the case is refused, not
	// followed, or verify would hash files of the reader's machine.
	if strings.Contains(name, `\`) && filepath.Separator == '\\' || !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", "", errors.New("names a file outside the case")
	}
	return sum, name, nil
}

// File returns the SHA-256 of a regular file.
func File(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", &fs.PathError{Op: "hash", Path: path, Err: errors.New("not a regular file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// files returns the slash-separated names of what a list covers, sorted.
func files(dir string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if name = filepath.ToSlash(name); name != List && name != Run {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	sort.Strings(names)
	return names, nil
}

// readList returns name → digest.
func readList(dir string) (map[string]string, string, error) {
	raw, err := os.ReadFile(filepath.Join(dir, List))
	if err != nil {
		return nil, "", fmt.Errorf("case %s: not sealed, or not a case: %w", dir, err)
	}
	listed := make(map[string]string)
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for n := 1; lines.Scan(); n++ {
		sum, name, err := parse(lines.Text())
		if err != nil {
			return nil, "", fmt.Errorf("%s:%d: %w", List, n, err)
		}
		if _, twice := listed[name]; twice {
			return nil, "", fmt.Errorf("%s:%d: names a file twice", List, n)
		}
		listed[name] = sum
	}
	if err := lines.Err(); err != nil {
		return nil, "", fmt.Errorf("%s: %w", List, err)
	}
	return listed, digest(raw), nil
}
