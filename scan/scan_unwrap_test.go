package scan_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wraps are the ways in which a log service hands over the lines of a log.
var wraps = map[string]func(t *testing.T, lines []string) string{
	"export": func(_ *testing.T, lines []string) string {
		var b strings.Builder
		for _, line := range lines {
			b.WriteString("2023-03-07T18:21:05.123Z " + line + "\n")
		}
		return b.String()
	},
	"envelopes": func(t *testing.T, lines []string) string {
		return strings.Join(envelopes(t, lines), "")
	},
	"envelopes, packed each": func(t *testing.T, lines []string) string {
		var b strings.Builder
		for _, e := range envelopes(t, lines) {
			b.WriteString(zip(t, e))
		}
		return b.String()
	},
	"events of the API": func(t *testing.T, lines []string) string {
		return `{"events": [` + strings.Join(events(t, lines, "eventId"), ",\n") + `], "searchedLogStreams": []}`
	},
	"Docker": func(t *testing.T, lines []string) string {
		var b strings.Builder
		for _, line := range lines {
			b.WriteString(docker(t, line) + "\n")
		}
		return b.String()
	},
	"Docker in envelopes": func(t *testing.T, lines []string) string {
		within := make([]string, 0, len(lines))
		for _, line := range lines {
			within = append(within, docker(t, line))
		}
		return strings.Join(envelopes(t, within), "\n")
	},
}

// wrapsJSON are those of JSON alone.
var wrapsJSON = map[string]func(t *testing.T, lines []string) string{
	"no line breaks": func(_ *testing.T, lines []string) string { return strings.Join(lines, "") },
	"array":          func(_ *testing.T, lines []string) string { return "[" + strings.Join(lines, ", ") + "]\n" },
	"syslog": func(_ *testing.T, lines []string) string {
		var b strings.Builder
		for _, line := range lines {
			b.WriteString("<134>2023-03-07T18:21:05Z web-1 app[7]: " + line + "\n")
		}
		return b.String()
	},
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func docker(t *testing.T, line string) string {
	return `{"log":` + quoted(t, line+"\n") + `,"stream":"stdout","time":"2023-03-07T18:21:05.123456789Z"}`
}

func events(t *testing.T, lines []string, id string) []string {
	var out []string
	for _, line := range lines {
		of := fnv.New64a()
		of.Write([]byte(line))
		out = append(out, fmt.Sprintf(`{"timestamp":1678213265123,"message":%s,"%s":"%056d"}`, quoted(t, line), id, of.Sum64()))
	}
	return out
}

// envelopes puts one to seven lines in each, some as one message.
func envelopes(t *testing.T, lines []string) []string {
	var out []string
	for n := 1; len(lines) > 0; n = n%7 + 1 {
		some := slices.Clone(lines[:min(n, len(lines))])
		lines = lines[len(some):]
		if n == 5 {
			some = []string{strings.Join(some, "\n") + "\n"}
		}
		out = append(out, fmt.Sprintf(`{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"web","logStream":"web/1","subscriptionFilters":["all"],"logEvents":[%s]}`,
			strings.Join(events(t, some, "id"), ",")))
	}
	return out
}

// wrapAll wraps the lines of the files in a folder.
func wrapAll(t *testing.T, pattern string, wrap func(*testing.T, []string) string) {
	t.Helper()
	for _, name := range glob(t, pattern) {
		writeFile(t, name, wrap(t, strings.Split(strings.TrimSuffix(readFile(t, name), "\n"), "\n")))
	}
}

// TestWrapped: in what a log was delivered shows in the positions alone.
func TestWrapped(t *testing.T) {
	t.Parallel()
	want := evidenceFree(t, run(t, inputOf(t, leaking(t))))
	check := func(name, folder string, wrap func(*testing.T, []string) string) {
		t.Run(name+", "+folder, func(t *testing.T) {
			dir := leaking(t)
			wrapAll(t, filepath.Join(dir, folder, "*.gz"), wrap)
			f := run(t, inputOf(t, dir))
			balanced(t, f)
			if got := evidenceFree(t, f); got != want {
				t.Error(firstDifference(want, got))
			}
		})
	}
	for name, wrap := range wraps {
		check(name, "edge", wrap)
		check(name, "origin", wrap)
	}
	for name, wrap := range wrapsJSON {
		check(name, "origin", wrap)
	}
}

// TestWrappedWorld is TestWrapped on an incident with everything that could
// disturb it: control hours, duplicates, late and lost rows.
func TestWrappedWorld(t *testing.T) {
	computes(t)
	t.Parallel()
	want := evidenceFree(t, run(t, inputOf(t, mixed(t, 6_000))))
	dir := mixed(t, 6_000)
	wrapAll(t, filepath.Join(dir, "edge", "*.gz"), wraps["envelopes, packed each"])
	wrapAll(t, filepath.Join(dir, "origin", "*.gz"), wraps["Docker in envelopes"])
	if got := evidenceFree(t, run(t, inputOf(t, dir))); got != want {
		t.Error(firstDifference(want, got))
	}
}

// TestDeliveredAgain delivers envelopes twice, in another object and in other
// company: every row is a duplicate of its first delivery and changes nothing.
func TestDeliveredAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, drop string }{{"with request ids", ""}, {"without request ids", ", request_id: cf_id"}} {
		t.Run(tt.name, func(t *testing.T) {
			dir := leaking(t)
			name := glob(t, filepath.Join(dir, "origin", "*.gz"))[0]
			lines := strings.Split(strings.TrimSpace(readFile(t, name)), "\n")
			writeFile(t, name, strings.Join(envelopes(t, lines), ""))
			replace := []string{}
			if tt.drop != "" {
				replace = []string{tt.drop, ""}
			}
			once := run(t, inputOf(t, dir, replace...))
			writeFile(t, filepath.Join(dir, "origin", "again.jsonl.gz"), zip(t, wraps["events of the API"](t, lines)))
			twice := run(t, inputOf(t, dir, replace...))
			balanced(t, twice)
			if b := twice.manifest.Balance; b.Duplicate != int64(len(lines)) {
				t.Errorf("of %d rows delivered again %d count as duplicate", len(lines), b.Duplicate)
			}
			if a, b := tell(once), tell(twice); a != b {
				t.Errorf("once:\n%s\ntwice:\n%s", a, b)
			}
			if once.manifest.Balance.Parsed != twice.manifest.Balance.Parsed {
				t.Errorf("parsed %+v once, %+v twice", once.manifest.Balance, twice.manifest.Balance)
			}
		})
	}
}

// TestEqualLines: what says the same in two events is two rows, in none it is
// one.
func TestEqualLines(t *testing.T) {
	t.Parallel()
	row := `{"ts":"2023-03-07T18:25:05.123Z","path":"/health","status":200}`
	event := `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"%d","timestamp":1,"message":` + quoted(t, row) + `}]}`
	for _, tt := range []struct {
		name, text string
		duplicate  int64
	}{
		{"lines", row + "\n" + row + "\n", 1},
		{"events", fmt.Sprintf(event, 1) + fmt.Sprintf(event, 2), 0},
		{"an event twice", fmt.Sprintf(event, 1) + fmt.Sprintf(event, 1), 1},
	} {
		dir := leaking(t)
		writeFile(t, filepath.Join(dir, "origin", "more.jsonl.gz"), tt.text)
		f := run(t, inputOf(t, dir))
		balanced(t, f)
		if in := f.input(t, "more"); in.Lines != 2 || in.Duplicate != tt.duplicate {
			t.Errorf("%s: %+v, want %d duplicate", tt.name, in.Balance, tt.duplicate)
		}
	}
}

// TestLooksOtherwise: an object that is not what its source says is read all
// the same, and said to be something else; one that nobody can read is named.
func TestLooksOtherwise(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, file, text, warning, problem string }{
		{"a CDN log among the application's", "origin/more.jsonl.gz", "2023-03-07\t18:21:05\tSEA19-C1\t1\n", "looks like cloudfront, but is read as jsonl of the kind origin", ""},
		{"rows of the application among the CDN's", "edge/E2EXAMPLE0DEMO.2023-03-07-18.more.gz", `{"ts":1}` + "\n", "looks like jsonl, but is read as cloudfront of the kind edge", ""},
		{"an error page", "origin/more.jsonl.gz", "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>", "", "download it again"},
	} {
		dir := leaking(t)
		writeFile(t, filepath.Join(dir, tt.file), tt.text)
		f := run(t, inputOf(t, dir))
		balanced(t, f)
		told := strings.Join(f.manifest.Warnings, "\n")
		if tt.warning != "" && !strings.Contains(told, tt.warning) {
			t.Errorf("%s: no %q in\n%s", tt.name, tt.warning, told)
		}
		if in := f.input(t, "more"); tt.problem != "" && !strings.Contains(fmt.Sprintf("%+v", in)+strings.Join(f.manifest.Partial, "\n"), tt.problem) {
			t.Errorf("%s: no %q in %+v, %q", tt.name, tt.problem, in, f.manifest.Partial)
		}
	}
}
