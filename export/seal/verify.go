package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// Result is what a check found. All names are relative to what was checked.
type Result struct {
	Digest  string   `json:"manifest_sha256,omitempty"` // of manifest-sha256.txt as it is now
	Checked int      `json:"checked"`
	Changed []string `json:"changed,omitempty"`
	Missing []string `json:"missing,omitempty"`
	Added   []string `json:"added,omitempty"`
	Skipped []string `json:"skipped,omitempty"` // inputs that are not files of this machine
}

// OK reports whether everything is as it was sealed.
func (r Result) OK() bool { return len(r.Changed)+len(r.Missing)+len(r.Added) == 0 }

// Verify compares the case in dir with its seal. An error means that the
// comparison was not possible; what differs is in the Result.
func Verify(dir string) (Result, error) {
	listed, list, err := readList(dir)
	if err != nil {
		return Result{}, err
	}
	r := Result{Digest: list}
	present, err := files(dir)
	if err != nil {
		return r, err
	}
	for _, name := range present {
		if _, ok := listed[name]; !ok {
			r.Added = append(r.Added, name)
		}
	}
	for _, name := range sortedKeys(listed) {
		if err := r.check(name, filepath.Join(dir, filepath.FromSlash(name)), listed[name]); err != nil {
			return r, err
		}
	}
	return r, r.checkRun(dir, list)
}

// VerifyInputs compares the logs that the case in dir was made from with
// their digests in manifest.json. Relative names are looked up under base,
// the folder of the incident file.
func VerifyInputs(dir, base string) (Result, error) {
	var m model.Manifest
	raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		return Result{}, fmt.Errorf("case %s: %w", dir, err)
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return Result{}, fmt.Errorf("manifest.json: %w", err)
	}
	var r Result
	for _, in := range m.Inputs {
		if in.SHA256 == "" || strings.Contains(in.URI, "://") {
			r.Skipped = append(r.Skipped, in.URI)
			continue
		}
		path := filepath.FromSlash(in.URI)
		if !filepath.IsAbs(path) {
			path = filepath.Join(base, path)
		}
		if err := r.check(in.URI, path, in.SHA256); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (r *Result) check(name, path, want string) error {
	got, err := File(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.Missing = append(r.Missing, name)
		return nil
	case err != nil && isIrregular(path):
		r.Changed = append(r.Changed, name)
		return nil
	case err != nil:
		return fmt.Errorf("verify: %w", err)
	}
	r.Checked++
	if !strings.EqualFold(got, want) {
		r.Changed = append(r.Changed, name)
	}
	return nil
}

// isIrregular reports whether a link, folder or device stands where a sealed
// file was: that is a change, not a failure to read.
func isIrregular(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && !info.Mode().IsRegular()
}

// checkRun checks run.json's last line against the lines above it, and the
// list's digest that it carries.
func (r *Result) checkRun(dir, list string) error {
	raw, err := os.ReadFile(filepath.Join(dir, Run))
	if errors.Is(err, fs.ErrNotExist) {
		r.Missing = append(r.Missing, Run)
		return nil
	}
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	r.Checked++
	var run struct {
		List string `json:"manifest_sha256"`
		Self string `json:"sha256_of_lines_above"`
	}
	last := bytes.LastIndex(raw, []byte(`  "sha256_of_lines_above"`))
	if json.Unmarshal(raw, &run) != nil || last < 0 || digest(raw[:last]) != run.Self ||
		string(raw[last:]) != fmt.Sprintf("  \"sha256_of_lines_above\": %q\n}\n", run.Self) {
		r.Changed = append(r.Changed, Run)
		return nil
	}
	if run.List != list {
		r.Changed = append(r.Changed, List)
	}
	return nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
