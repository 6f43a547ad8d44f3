package scan_test

import (
	"path/filepath"
	"reflect"
	"regexp"
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
	forms := []string{"", "copy", "dump", "jsonl", "snowflake", "raw"}
	if raceEnabled { // they are read by one goroutine
		forms = forms[:2]
	}
	for _, form := range forms {
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

// TestWorkspaceOfRequests has the origin log name the workspace of a request:
// what was opened and changed is then known for each workspace of a holder.
func TestWorkspaceOfRequests(t *testing.T) {
	computes(t)
	t.Parallel()
	cfg := demo(3)
	cfg.Rows = 14_000
	dir, _ := simulate(t, cfg)
	plain := run(t, inputOf(t, dir))
	for _, name := range glob(t, filepath.Join(dir, "origin", "*.gz")) {
		writeFile(t, name, nameWorkspaces(readFile(t, name)))
	}
	named := run(t, inputOf(t, dir, "user: user_id,", "user: user_id, workspace: ws,"))

	if len(named.access) != len(plain.access) || len(named.deliveries) != len(plain.deliveries) {
		t.Fatalf("%d accesses, %d deliveries; without the key %d, %d", len(named.access), len(named.deliveries), len(plain.access), len(plain.deliveries))
	}
	opened, exact := map[string]bool{}, 0
	for i, a := range named.access {
		if !strings.HasPrefix(a.Pattern, "/api/workspaces/") && !strings.HasPrefix(a.Pattern, "/w/") {
			continue
		}
		if len(a.WorkspaceIDs) != 1 {
			t.Fatalf("%s %s was about %v", a.Method, a.Pattern, a.WorkspaceIDs)
		}
		opened[a.WorkspaceIDs[0]] = opened[a.WorkspaceIDs[0]] || a.Status < 300
		if len(plain.access[i].WorkspaceIDs) > 1 {
			exact++
		}
	}
	if exact == 0 {
		t.Fatal("no holder of several workspaces was acted for")
	}
	for _, w := range named.workspaces {
		if opened[w.ID] && w.AsHolder > model.TierSetAside && w.Opened != model.Yes {
			t.Errorf("%s was opened by the access rows, and opened is %v", w.ID, w.Opened)
		}
	}
}

// nameWorkspaces adds to the rows of an origin log the workspace in their path.
func nameWorkspaces(log string) string {
	path := regexp.MustCompile(`"path":"/(?:api/workspaces|w)/([^/"]+)`)
	var b strings.Builder
	for line := range strings.Lines(log) {
		if m := path.FindStringSubmatch(line); m != nil {
			line = `{"ws":"` + m[1] + `",` + strings.TrimPrefix(line, "{")
		}
		b.WriteString(line)
	}
	return b.String()
}
