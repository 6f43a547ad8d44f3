package scan_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
)

var rewrite = flag.Bool("rewrite", false, "write what the stories of testdata/story now give")

// TestStories tells small incidents request by request. Each archive in
// testdata/story has these parts:
//
//	story     a script of package sim
//	edge      optional edits of edge rows: LABEL: OLD => NEW, \t for a tab
//	origin    optional edits of origin rows, in the same form
//	incident  optional edits of the incident file: OLD => NEW
//	FILE      optional: replaces that file, e.g. directory/memberships.csv
//	want      everything that the scan then says, in short
//
// All flags of a row are listed, so a flag raised where it should not be fails
// the test as one that is missing does.
func TestStories(t *testing.T) {
	for _, name := range glob(t, filepath.Join("testdata", "story", "*.txtar")) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			want := -1
			// Few rows in a long window are no gap here.
			edits := []string{"version: 1\n", "version: 1\nthresholds: {coverage_gap: 2h}\n"}
			for i, f := range a.Files {
				text := string(f.Data)
				switch f.Name {
				case "story":
					perform(t, dir, text)
				case "edge":
					editRows(t, filepath.Join(dir, "edge", "*.gz"), text)
				case "origin":
					editRows(t, filepath.Join(dir, "origin", "*.gz"), text)
				case "incident":
					edits = append(edits, arrows(t, text)...)
				case "want":
					want = i
				default:
					writeFile(t, filepath.Join(dir, f.Name), text)
				}
			}
			got := tell(run(t, inputOf(t, dir, edits...)))
			if *rewrite {
				a.Files[want].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if w := string(a.Files[want].Data); got != w {
				t.Errorf("%s\ngot:\n%s\nwant:\n%s", a.Comment, got, w)
			}
		})
	}
}

func perform(t *testing.T, dir, text string) {
	t.Helper()
	s, err := sim.ParseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(dir); err != nil {
		t.Fatal(err)
	}
}

// arrows reads lines of the form OLD => NEW.
func arrows(t *testing.T, text string) (pairs []string) {
	t.Helper()
	for line := range strings.Lines(text) {
		from, to, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " => ")
		if !ok {
			t.Fatalf("edit %q: want OLD => NEW", line)
		}
		pairs = append(pairs, from, to)
	}
	return pairs
}

// editRows changes the row of each label that text names.
func editRows(t *testing.T, pattern, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		label, change, _ := strings.Cut(line, ": ")
		pair := arrows(t, strings.ReplaceAll(change, `\t`, "\t"))
		edit(t, pattern, func(log string) string {
			var b strings.Builder
			done := false
			for row := range strings.Lines(log) {
				if strings.Contains(row, sim.RequestID(label)) {
					done = strings.Contains(row, pair[0])
					row = strings.ReplaceAll(row, pair[0], pair[1])
				}
				b.WriteString(row)
			}
			if !done {
				t.Fatalf("row %s holds no %q", label, pair[0])
			}
			return b.String()
		})
	}
}

// tell says in short what f holds.
func tell(f *findings) string {
	var b strings.Builder
	label := func(id string) string {
		if p := strings.Split(id, "-"); len(p) > 1 {
			return p[1]
		}
		return "lost"
	}
	who := func(user string) string {
		if user == "" {
			return "unknown"
		}
		return user
	}
	for _, d := range f.deliveries {
		fmt.Fprintf(&b, "%s of %s: %s's to %s, %v", label(d.Hit.RequestID), label(d.Fill.RequestID), who(d.HolderUser), who(d.RecipientUser), d.Tier)
		if d.Generation > 1 {
			fmt.Fprintf(&b, ", generation %d", d.Generation)
		}
		for _, x := range d.Flags {
			fmt.Fprintf(&b, " %s", x.Name)
		}
		b.WriteString("\n")
	}
	for _, u := range f.unattributed {
		fmt.Fprintf(&b, "%s unattributed: %s\n", label(u.Hit.RequestID), strings.Fields(u.Reason)[0])
	}
	for _, a := range f.access {
		fmt.Fprintf(&b, "%s: %s %s as %s", label(a.Row.RequestID), a.Method, a.Pattern, a.HolderUser)
		if a.Lasting != "" {
			fmt.Fprintf(&b, ", %s", a.Lasting)
		}
		b.WriteString("\n")
	}
	entity := func(kind string, e model.Entity) {
		fmt.Fprintf(&b, "%s %s: %v, %v%s%s\n", kind, e.ID, e.Role, e.Tier, tri(", opened", e.Opened), tri(", changed", e.Change))
	}
	for _, u := range f.users {
		entity("user", u.Entity)
	}
	for _, w := range f.workspaces {
		entity("workspace", w.Entity)
	}
	for _, r := range f.revocations {
		fmt.Fprintf(&b, "revoke one of %s: %v\n", who(r.User), r.Tier)
	}
	return b.String()
}

func tri(what string, x model.Tri) string {
	switch x {
	case model.Yes:
		return what
	case model.No:
		return strings.Replace(what, ", ", ", not ", 1)
	}
	return ""
}
