package incident_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/incident"
)

// uncommented deletes the # of the template's optional keys and of the keys
// indented under them.
func uncommented(text string) string {
	return regexp.MustCompile(`(?m)^( *)#((  )*(- )?[a-z_]+:)`).ReplaceAllString(text, "$1$2")
}

func TestTemplateParses(t *testing.T) {
	text := incident.Template(incident.TemplateOptions{})
	inc := parse(t, text)
	if inc.Window.Span.To <= inc.Window.Span.From || len(inc.Routes) != 2 || len(inc.Sources) != 2 {
		t.Errorf("template gives %+v", inc)
	}
	all := parse(t, uncommented(text))
	if len(all.Control) != 1 || all.TotalWorkspaces == 0 || all.Directory.AsOf == 0 || all.Reports.URI == "" || all.Routes[0].TTL == nil {
		t.Errorf("uncommented template gives %+v", all)
	}
	if n := strings.Count(text, "# CHANGE"); n < 10 {
		t.Errorf("%d lines are marked CHANGE", n)
	}
	for i, line := range strings.Split(text, "\n") {
		if len([]rune(line)) > 96 && !strings.Contains(line, "#map:") {
			t.Errorf("line %d is too long to read: %s", i+1, line)
		}
	}
}

func TestTemplateOptions(t *testing.T) {
	opts := incident.TemplateOptions{
		Case: "March: \"swap\" #1 \\ 'x' <b>", KeyFile: "true", Cookie: "connect.sid",
		Window: model.Span{From: at("2024-02-29T23:59:59.25Z"), To: at("2024-03-01T00:10:00Z")},
		Routes: []string{"/**/*.js", "/a b/{x,y}/*"}, EdgeURI: "*.gz", OriginURI: "../o: 1/*.gz",
	}
	inc := parse(t, incident.Template(opts))
	got := incident.TemplateOptions{
		Case: inc.Case, KeyFile: inc.KeyFile, Cookie: inc.Cookie.Names[0], Window: inc.Window.Span,
		Routes: []string{inc.Routes[0].Path, inc.Routes[1].Path}, EdgeURI: inc.Sources[0].URI, OriginURI: inc.Sources[1].URI,
	}
	if diff := cmp.Diff(opts, got); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

// TestTemplateHasEveryKey asks Parse for the keys that are valid in each
// mapping of full.yaml, by planting one that is not, and looks for them in
// full.yaml itself and in the template.
func TestTemplateHasEveryKey(t *testing.T) {
	full, err := os.ReadFile(filepath.Join("testdata", "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(full, &tree); err != nil {
		t.Fatal(err)
	}
	template := incident.Template(incident.TemplateOptions{})
	mappings := 0
	eachMapping(tree, func(m map[string]any) {
		mappings++
		m["qqqqqqqqqqqqqqqq"] = 1
		text, err := json.Marshal(tree)
		delete(m, "qqqqqqqqqqqqqqqq")
		if err != nil {
			t.Fatal(err)
		}
		_, problem := incident.Parse("f", text)
		if problem == nil {
			t.Fatalf("an unknown key beside %v is accepted", m)
		}
		_, list, ok := strings.Cut(problem.Error(), "valid here: ")
		if !ok {
			t.Fatalf("no list of keys in %v", problem)
		}
		for _, key := range strings.Split(strings.SplitN(list, "\n", 2)[0], ", ") {
			if !regexp.MustCompile(`(^|[^a-z_])` + key + `:`).Match(full) {
				t.Errorf("full.yaml lacks the key %s, valid beside %v", key, m)
			}
			if !regexp.MustCompile(`(^|[^a-z_])` + key + `:`).MatchString(template) {
				t.Errorf("the template lacks the key %s", key)
			}
		}
	})
	if mappings < 25 {
		t.Errorf("only %d mappings were tried", mappings)
	}
}

func eachMapping(node any, visit func(map[string]any)) {
	switch n := node.(type) {
	case map[string]any:
		visit(n)
		for _, v := range n {
			eachMapping(v, visit)
		}
	case []any:
		for _, v := range n {
			eachMapping(v, visit)
		}
	}
}

// TestTemplateStatesRealDefaults puts each "Default: X" of the template into a
// file that lacks the key: nothing may change.
func TestTemplateStatesRealDefaults(t *testing.T) {
	absent := regexp.MustCompile(`^(none$|by their|counted from|to \+ 4h|by the log itself)`)
	stated, checked := statedDefaults(incident.Template(incident.TemplateOptions{})), 0
	for path, want := range stated {
		if path == "window.follow_until" {
			inc := parse(t, minimal)
			if want != "to + 4h" || inc.Window.FollowUntil != inc.Window.Span.To.Add(4*time.Hour) {
				t.Errorf("follow_until is %v, the template states %s", inc.Window.FollowUntil, want)
			}
			continue
		}
		if absent.MatchString(want) && path != "cache.key.query" {
			continue // the key is commented out; TestDefaults has its zero value
		}
		word := strings.Fields(want)[0]
		before, after := withOrigin(t, path, nil), withOrigin(t, path, word)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: the template states %s, but the default is another (-default +stated):\n%s", path, word, diff)
		}
		checked++
	}
	if checked < 22 {
		t.Errorf("only %d defaults are stated: %v", checked, stated)
	}
}

// withOrigin parses the minimal file with an origin source and, unless value
// is nil, the key at path.
func withOrigin(t *testing.T, path string, value any) *model.Incident {
	t.Helper()
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(minimal), &tree); err != nil {
		t.Fatal(err)
	}
	source := tree["sources"].([]any)[0].(map[string]any)
	if strings.Contains(path, "sources.") && path != "sources.0.format" {
		origin := map[string]any{"kind": "origin", "uri": "o", "map": map[string]any{"time": "t", "request_id": "r"}}
		tree["sources"] = append(tree["sources"].([]any), origin)
		source = origin
	}
	if value != nil {
		keys := strings.Split(path, ".")
		m := tree
		if keys[0] == "sources" {
			m, keys = source, keys[2:]
		}
		for _, k := range keys[:len(keys)-1] {
			if m[k] == nil {
				m[k] = map[string]any{}
			}
			m = m[k].(map[string]any)
		}
		m[keys[len(keys)-1]] = value
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

// statedDefaults reads the lines "# Default: X" and the key that follows each.
// Items of the list of sources are numbered: sources.1.instant.
func statedDefaults(text string) map[string]string {
	key := regexp.MustCompile(`^( *)(- )?#?([a-z_]+):`)
	stated := map[string]string{}
	var path []string // a key for each two columns of indentation
	pending, item := "", -1
	for _, line := range strings.Split(text, "\n") {
		if _, after, ok := strings.Cut(line, "# Default: "); ok {
			pending = after
			continue
		}
		m := key.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		depth := len(m[1]) / 2
		path = slices.Concat(path[:min(depth, len(path))], []string{m[3]})
		if m[2] != "" && path[0] == "sources" {
			item++
			path = []string{"sources", string(rune('0' + item)), m[3]}
		}
		if pending != "" {
			stated[strings.Join(path, ".")] = pending
			pending = ""
		}
	}
	return stated
}
