package scan_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/model"
)

// TestDirectoryForms scans one incident with its directory exported in every
// form: what is found must be the same. What the inputs are called, where
// their rows stand and how revoke.csv names a session differ with the form.
func TestDirectoryForms(t *testing.T) {
	t.Parallel()
	cfg := demo(6)
	cfg.Rows = 14_000
	cfg.UnknownUsers, cfg.UnknownSessions = 0.02, 0.02
	var want string
	for _, form := range []string{"", "copy", "dump", "jsonl", "snowflake", "raw"} {
		cfg.DirectoryForm = form
		dir, _ := simulate(t, cfg)
		f := run(t, inputOf(t, dir))
		for _, r := range f.revocations {
			if live := form == "raw"; r.DirectoryID != "" && live != strings.Contains(r.DirectoryID, "directory/sessions.csv:") {
				t.Fatalf("%s: a session is named %q", form, r.DirectoryID)
			}
		}
		got := formFree(t, f)
		if form == "" {
			want = got
			if len(f.deliveries) < 15 || len(f.workspaces) < 5 || len(f.revocations) < 5 || len(f.unresolved) == 0 {
				t.Fatalf("only %d deliveries, %d workspaces, %d revocations, %d unresolved to compare", len(f.deliveries), len(f.workspaces), len(f.revocations), len(f.unresolved))
			}
		}
		if got != want {
			t.Errorf("%s: %s", form, firstDifference(want, got))
		}
	}
}

// formFree is f without what the form of the directory changes.
func formFree(t *testing.T, f *findings) string {
	t.Helper()
	bare := &findings{manifest: f.manifest}
	for _, x := range f.all {
		switch v := x.(type) {
		case model.Input:
			continue
		case model.Revocation:
			v.DirectoryID = ""
			x = v
		}
		v := reflect.New(reflect.TypeOf(x)).Elem()
		v.Set(reflect.ValueOf(x))
		clearRefs(v)
		bare.all = append(bare.all, v.Interface().(model.Finding))
	}
	bare.manifest.Inputs, bare.manifest.Balance, bare.manifest.Incident = nil, model.Balance{}, ""
	return bare.text(t)
}
