package scan_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
)

// mixed is a small incident with everything that could disturb an order:
// duplicates, late rows, lost rows, control hours, unknown users.
func mixed(t *testing.T, rows int) string {
	cfg := demo(4)
	cfg.Rows = rows
	cfg.Duplicates, cfg.Late, cfg.DropEdge, cfg.DropOrigin = 0.02, 0.02, 0.01, 0.01
	cfg.UnknownUsers, cfg.UnknownSessions, cfg.AnonymousSessions = 0.02, 0.02, true
	dir, _ := simulate(t, cfg)
	return dir
}

// TestSameInputSameFindings compares findings and manifest byte for byte.
func TestSameInputSameFindings(t *testing.T) {
	t.Parallel()
	dir := mixed(t, 16_000)
	var want string
	for _, how := range []struct {
		workers int
		memory  int64
	}{{1, 1 << 30}, {8, 1 << 30}, {8, 8 << 20}, {3, 1}} {
		in := inputOf(t, dir)
		in.Workers, in.Memory = how.workers, how.memory
		f := run(t, in)
		got := f.text(t)
		if want == "" {
			want = got
			enough(t, f)
		}
		if got != want {
			t.Errorf("%d workers, %d bytes of memory: %s", how.workers, how.memory, firstDifference(want, got))
		}
	}
}

// enough checks that f has something of each kind to compare.
func enough(t *testing.T, f *findings) {
	t.Helper()
	for name, n := range map[string]int{"deliveries": len(f.deliveries), "users": len(f.users), "workspaces": len(f.workspaces),
		"access": len(f.access), "revocations": len(f.revocations), "unattributed": len(f.unattributed), "unresolved": len(f.unresolved), "cited": len(f.cited)} {
		if n < 5 {
			t.Errorf("only %d %s to compare", n, name)
		}
	}
}

// TestListingOrder compares scans of the same objects under other names and in
// sources of another order: only where the evidence stands may differ.
func TestListingOrder(t *testing.T) {
	computes(t)
	t.Parallel()
	dir := mixed(t, 16_000)
	want := evidenceFree(t, run(t, inputOf(t, dir)))
	in := inputOf(t, dir)
	slices.Reverse(in.Incident.Sources)
	if got := evidenceFree(t, run(t, in)); got != want {
		t.Errorf("sources reversed: %s", firstDifference(want, got))
	}
	for i, name := range glob(t, filepath.Join(dir, "edge", "*.gz")) {
		// distribution.hour.unique.gz: the order within an hour is turned round.
		parts := strings.Split(filepath.Base(name), ".")
		parts[2] = fmt.Sprintf("%08x", 1<<30-i)
		if err := os.Rename(name, filepath.Join(dir, "edge", strings.Join(parts, "."))); err != nil {
			t.Fatal(err)
		}
	}
	if got := evidenceFree(t, run(t, inputOf(t, dir))); got != want {
		t.Errorf("objects renamed: %s", firstDifference(want, got))
	}
}

// TestShuffledRows compares scans of the same rows in other places of the
// files of their hour.
func TestShuffledRows(t *testing.T) {
	computes(t)
	t.Parallel()
	dir := mixed(t, 16_000)
	want := evidenceFree(t, run(t, inputOf(t, dir)))
	for seed := range uint64(2) {
		shuffle(t, filepath.Join(dir, "edge"), rand.New(rand.NewPCG(seed, 1)))
		shuffle(t, filepath.Join(dir, "origin"), rand.New(rand.NewPCG(seed, 2)))
		if got := evidenceFree(t, run(t, inputOf(t, dir))); got != want {
			t.Errorf("shuffled: %s", firstDifference(want, got))
		}
	}
}

// shuffle deals the rows of each hour anew to the hour's files.
func shuffle(t *testing.T, dir string, rng *rand.Rand) {
	t.Helper()
	hours := map[string][]string{} // names by hour
	for _, name := range glob(t, filepath.Join(dir, "*.gz")) {
		hour := filepath.Base(name)
		if i := strings.Index(hour, "2023-"); i >= 0 {
			hour = hour[i : i+len("2023-03-07-18")]
		}
		hours[hour] = append(hours[hour], name)
	}
	for _, hour := range slices.Sorted(maps.Keys(hours)) {
		var head string
		var rows []string
		names := hours[hour]
		for _, name := range names {
			head = ""
			for line := range strings.Lines(readFile(t, name)) {
				if strings.HasPrefix(line, "#") {
					head += line
				} else {
					rows = append(rows, line)
				}
			}
		}
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		for i, name := range names {
			from, to := i*len(rows)/len(names), (i+1)*len(rows)/len(names)
			writeFile(t, name, head+strings.Join(rows[from:to], ""))
		}
	}
}

// evidenceFree is the text of f without what says where its rows stand: object
// numbers, names, digests, lines and offsets. Objects give their sum instead.
func evidenceFree(t *testing.T, f *findings) string {
	t.Helper()
	var sum model.Balance
	bare := &findings{manifest: f.manifest}
	for _, x := range f.all {
		if in, ok := x.(model.Input); ok {
			sum = sum.Add(in.Balance)
			continue
		}
		v := reflect.New(reflect.TypeOf(x)).Elem()
		v.Set(reflect.ValueOf(x))
		clearRefs(v)
		bare.all = append(bare.all, v.Interface().(model.Finding))
	}
	bare.manifest.Inputs = nil
	return bare.text(t) + fmt.Sprintf("%+v\n", sum)
}

// clearRefs zeroes every model.Ref in v. What pointers lead to is copied first.
func clearRefs(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		if v.Type().Elem() == reflect.TypeFor[model.Ref]() {
			v.SetZero()
		}
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		c := reflect.New(v.Type().Elem())
		c.Elem().Set(v.Elem())
		clearRefs(c.Elem())
		v.Set(c)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[model.Ref]() {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				clearRefs(v.Field(i))
			}
		}
	}
}

// firstDifference shows the first line in which two texts differ.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d of %d was\n%s\nis\n%s", i+1, len(x), cut(x[i]), cut(y[i]))
		}
	}
	return fmt.Sprintf("%d lines, were %d", len(y), len(x))
}

func cut(s string) string { return s[:min(len(s), 1500)] }

// TestTiesDoNotMatter shuffles rows that share a request id and a second but
// contradict each other: which came first must not decide.
func TestTiesDoNotMatter(t *testing.T) {
	cfg := dense(1, time.Minute)
	cfg.Rows = 4000
	dir, _ := simulate(t, cfg)
	// Every tenth row again, under its own id, with other bytes; every tenth
	// origin row again, with another user.
	for _, sub := range []struct{ folder, old, new string }{{"edge", "\tGET\t", "\tHEAD\t"}, {"origin", `"status":200`, `"status":304`}} {
		for _, name := range glob(t, filepath.Join(dir, sub.folder, "*.gz")) {
			var b strings.Builder
			n := 0
			for line := range strings.Lines(readFile(t, name)) {
				b.WriteString(line)
				if n++; n%10 == 0 && !strings.HasPrefix(line, "#") {
					b.WriteString(strings.Replace(line, sub.old, sub.new, 1))
				}
			}
			writeFile(t, name, b.String())
		}
	}
	first := run(t, inputOf(t, dir))
	if first.manifest.Funnel.ConflictingIDs < 50 {
		t.Fatalf("only %d conflicting ids", first.manifest.Funnel.ConflictingIDs)
	}
	want := sortedLines(evidenceFree(t, first)) // cited rows of one id stand in the order of their places
	for seed := range uint64(3) {
		shuffle(t, filepath.Join(dir, "edge"), rand.New(rand.NewPCG(seed, 3)))
		shuffle(t, filepath.Join(dir, "origin"), rand.New(rand.NewPCG(seed, 4)))
		if got := sortedLines(evidenceFree(t, run(t, inputOf(t, dir)))); got != want {
			t.Fatalf("shuffled: %s", firstDifference(want, got))
		}
	}
}

func sortedLines(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestShortTwin delivers a log twice, once with its first columns only:
// which of the two names comes first must not decide what is known of a row.
func TestShortTwin(t *testing.T) {
	tellOf := func(short string) string {
		dir := leaking(t)
		edit(t, filepath.Join(dir, "edge", "*-07-18.*.gz"), func(log string) string {
			var b strings.Builder
			for line := range strings.Lines(log) {
				switch f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); {
				case strings.HasPrefix(line, "#Fields:"):
					words := strings.Fields(line)
					line = strings.Join(words[:1+15], " ") + "\n"
				case len(f) > 15:
					line = strings.Join(f[:15], "\t") + "\n"
				}
				b.WriteString(line)
			}
			writeFile(t, filepath.Join(dir, "edge", "E2EXAMPLE0DEMO.2023-03-07-18."+short+".gz"), b.String())
			return log
		})
		f := run(t, inputOf(t, dir))
		balanced(t, f)
		return tell(f)
	}
	first, last := tellOf("00000000"), tellOf("zzzzzzzz")
	if first != last {
		t.Errorf("short rows first:\n%s\nshort rows last:\n%s", first, last)
	}
}
