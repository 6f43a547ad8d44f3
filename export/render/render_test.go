package render_test

import (
	"encoding/csv"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/export/internal/smallcase"
	"github.com/spillscope/spillscope/export/render"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/export/words"
	"github.com/spillscope/spillscope/model"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func writeSmall(t *testing.T) *store.Case {
	t.Helper()
	return smallcase.Write(t, filepath.Join(t.TempDir(), "case"), smallcase.Findings(), smallcase.Manifest(), render.Outputs()...)
}

// TestGolden compares every file that a person or another tool reads with
// testdata, where lines end in LF so that they can be read and diffed.
func TestGolden(t *testing.T) {
	c := writeSmall(t)
	err := filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".html") {
			return err
		}
		name, _ := filepath.Rel(c.Dir, path)
		if filepath.Dir(name) == "." { // the manifest and the seal have tests of their own
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// The list version is a digest of the manifest, and so of its every field.
		got := strings.ReplaceAll(string(raw), c.Version, "LIST_VERSION")
		golden(t, name, strings.ReplaceAll(got, "\r\n", "\n"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// TestHostileTextIsInert looks at every byte of every file.
func TestHostileTextIsInert(t *testing.T) {
	c := writeSmall(t)
	err := filepath.WalkDir(c.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if i := strings.IndexAny(string(raw), smallcase.Acting); i >= 0 || strings.Contains(string(raw), "\xff") {
			t.Errorf("%s holds an acting character at byte %d", path, i)
		}
		switch filepath.Ext(path) {
		case ".html":
			if strings.Contains(string(raw), "<script") {
				t.Errorf("%s holds a script", path)
			}
		case ".csv":
			checkCSV(t, path, string(raw))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkCSV(t *testing.T, path, raw string) {
	if strings.Count(raw, "\n") != strings.Count(raw, "\r\n") || !strings.HasSuffix(raw, "\r\n") {
		t.Errorf("%s: lines must end in CRLF", path)
	}
	rows, err := csv.NewReader(strings.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	id := regexp.MustCompile(`^-[A-Za-z0-9_-]+={0,2}$`)
	for i, row := range rows {
		for j, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t", rune(cell[0])) && !id.MatchString(cell) {
				t.Errorf("%s:%d: column %s starts a formula: %q", path, i+1, rows[0][j], cell)
			}
		}
	}
}

// TestHeadlineEqualsCSV: what the page counts itself must be what the files say.
func TestHeadlineEqualsCSV(t *testing.T) {
	c := writeSmall(t)
	raw, err := os.ReadFile(filepath.Join(c.Dir, filepath.FromSlash(store.ReportFile)))
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	files := map[string]string{"deliveries": "", "users": "", "workspaces": "", "access": "", "unattributed": "", "inputs": ""}
	for name := range files {
		n := len(column(t, c, "privileged/"+name+".csv", 0)) // data rows
		want := "<code>privileged/" + name + ".csv</code></td><td class=\"n\">" + strconv.Itoa(n) + "</td>"
		if !strings.Contains(page, want) {
			t.Errorf("report does not say that %s.csv has %d rows", name, n)
		}
	}
	h := c.Manifest.Headline
	tiers := make(map[string]int)
	roles := column(t, c, "privileged/workspaces.csv", 2)
	for i, tier := range column(t, c, "privileged/workspaces.csv", 3) {
		if roles[i] != "recipient" {
			tiers[tier]++
		}
	}
	b := h.HolderWorkspaces
	got := map[string]int{"confirmed": b.Confirmed, "probable": b.Probable, "possible": b.Possible, "unlikely": b.Unlikely, "set aside": b.SetAside}
	if d := cmp.Diff(tiers, got); d != "" {
		t.Errorf("tiers in workspaces.csv and in the headline differ: %s", d)
	}
	for _, want := range []string{"<b>" + words.Expected(b.Best) + "</b>", "<b>" + words.Count(b.Upper) + "</b>", "0.055 %", "not a ceiling", "PARTIAL", "1 staff or impersonation session<"} {
		if !strings.Contains(page, want) {
			t.Errorf("report lacks %q", want)
		}
	}
	if n := len(column(t, c, "privileged/unattributed.csv", 0)); n != h.Unattributed {
		t.Errorf("%d unattributed rows, headline says %d", n, h.Unattributed)
	}
	if strings.Contains(page, "192.0.2.17") || strings.Contains(page, "2001:db8::9") {
		t.Error("report shows a client's address")
	}
	if regexp.MustCompile(`(src|href)="?(https?:)?//`).MatchString(page) || strings.Contains(page, "@import") {
		t.Error("report refers to the network")
	}
}

// column returns the cells of one column without its header.
func column(t *testing.T, c *store.Case, name string, i int) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(c.Dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var cells []string
	for _, row := range rows[1:] {
		cells = append(cells, row[i])
	}
	return cells
}

// TestNoticesTellNothingOfOthers is the rule of the outgoing folder.
func TestNoticesTellNothingOfOthers(t *testing.T) {
	c := writeSmall(t)
	for _, name := range []string{"notify.csv", "contacts_missing.csv", "README.txt"} {
		raw, err := os.ReadFile(filepath.Join(c.Dir, "outgoing", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"u-anna", "u-bert", "USE_SEEN", "192.0.2.", "SEA19", "dl_1", "0000000000000051", "1.0000", "never shown", "Left Alone", "Aside"} {
			if strings.Contains(string(raw), secret) {
				t.Errorf("outgoing/%s tells %q", name, secret)
			}
		}
	}
	var want []string
	for _, ws := range smallcase.Workspaces() {
		if ws.Tier >= model.TierPossible {
			want = append(want, ws.ID)
		}
	}
	listed := make(map[string]bool)
	for _, id := range append(column(t, c, "outgoing/notify.csv", 3), column(t, c, "outgoing/contacts_missing.csv", 2)...) {
		listed[id] = true
	}
	if len(listed) != len(want) {
		t.Errorf("lists name %d workspaces, want %d: %v", len(listed), len(want), listed)
	}
}

// TestEmptyCase: a clean result is a complete page, too.
func TestEmptyCase(t *testing.T) {
	c := smallcase.Write(t, filepath.Join(t.TempDir(), "case"), nil, model.Manifest{Case: "nothing", Complete: true}, render.Outputs()...)
	raw, err := os.ReadFile(filepath.Join(c.Dir, filepath.FromSlash(store.ReportFile)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"No delivery of tier possible or more.", "No row of the suspect routes", "</html>"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("report of an empty case lacks %q", want)
		}
	}
	if strings.Contains(string(raw), "PARTIAL") {
		t.Error("report of a complete case says PARTIAL")
	}
}

// TestSyntheticIsLabelled: figures of synthetic data stand in the report with
// their label, their N and the conditions of both sides, or not at all.
func TestSyntheticIsLabelled(t *testing.T) {
	report := func(m model.Manifest) string {
		c := smallcase.Write(t, filepath.Join(t.TempDir(), "case"), nil, m, render.Outputs()...)
		raw, err := os.ReadFile(filepath.Join(c.Dir, filepath.FromSlash(store.ReportFile)))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	m := smallcase.Manifest()
	got := report(m)
	for _, want := range []string{"Measured on synthetic data", m.Synthetic.Sentence, "3/s real", "caches behind a name</td><td class=\"n\">1.5</td><td class=\"n\">1<", "0.0008–0.0051"} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	m.Synthetic = nil
	if strings.Contains(report(m), "synthetic") {
		t.Error("a case without such figures speaks of them")
	}
}
