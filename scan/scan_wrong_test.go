package scan_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan"
)

// leak is a small incident that a test may then spoil.
const leak = `
user ann acme
user bob zeta
b0  -5.00  bob  SEA19-C1  /library           Miss  sid=bob
f1   0.000 ann  SEA19-C1  /static/js/app.js  Miss  sid=ann
h1   0.420 bob  SEA19-C1  /static/js/app.js  Hit   of=f1
b1   4.000 bob  SEA19-C1  /api/videos/v_1    Miss  sid=ann
`

func leaking(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	perform(t, dir, leak)
	return dir
}

// balanced checks that every line of every input is accounted for.
func balanced(t *testing.T, f *findings) {
	t.Helper()
	var sum model.Balance
	for _, in := range f.inputs {
		if !in.Holds() {
			t.Errorf("%s: %+v does not balance", in.URI, in.Balance)
		}
		sum = sum.Add(in.Balance)
	}
	if sum != f.manifest.Balance {
		t.Errorf("inputs add up to %+v, the manifest says %+v", sum, f.manifest.Balance)
	}
}

// stillConfirmed checks that what can be read is not lost with what cannot.
func stillConfirmed(t *testing.T, f *findings) {
	t.Helper()
	if len(f.deliveries) != 1 || f.deliveries[0].Tier != model.TierConfirmed {
		t.Errorf("want the one confirmed delivery:\n%s", tell(f))
	}
}

// partial checks that the scan is stamped PARTIAL for a reason with all words.
func partial(t *testing.T, f *findings, words ...string) {
	t.Helper()
	all := strings.Join(f.manifest.Partial, "\n")
	if f.manifest.Complete {
		t.Error("complete")
	}
	for _, w := range words {
		if !strings.Contains(all, w) {
			t.Errorf("no %q in %q", w, all)
		}
	}
}

func TestDamagedObjects(t *testing.T) {
	const spoiled = "E2EXAMPLE0DEMO.2023-03-07-18.spoiled.gz"
	tests := []struct {
		name    string
		spoil   func(t *testing.T, good string) string // bytes of the spoiled object, from those of a good one
		problem bool
		words   string
		want    model.Balance
	}{
		{"truncated", func(t *testing.T, good string) string { return good[:len(good)-20] }, true, "gzip", model.Balance{}},
		{"trailing garbage", func(t *testing.T, good string) string { return good + "no gzip member" }, true, "gzip", model.Balance{}},
		{"binary", func(t *testing.T, _ string) string {
			return zip(t, strings.Repeat("\x00\x01\xff\xfe\x80\n", 300))
		}, true, "looks binary", model.Balance{}},
		{"row of 3 columns", func(t *testing.T, _ string) string {
			return zip(t, "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes\n2023-03-07\t18:21:05\tSEA19-C1\n")
		}, false, "rejected", model.Balance{Lines: 3, Comment: 2, Rejected: 1}},
		{"no lines", func(t *testing.T, _ string) string { return zip(t, "") }, false, "", model.Balance{}},
		{"no bytes", func(t *testing.T, _ string) string { return "" }, false, "", model.Balance{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := leaking(t)
			good, err := os.ReadFile(glob(t, filepath.Join(dir, "edge", "*-07-18.*.gz"))[0])
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(dir, "edge", spoiled)
			if err := os.WriteFile(name, []byte(tt.spoil(t, string(good))), 0o644); err != nil {
				t.Fatal(err)
			}
			f := run(t, inputOf(t, dir))
			balanced(t, f)
			stillConfirmed(t, f)
			in := f.input(t, "spoiled")
			if tt.want != (model.Balance{}) && in.Balance != tt.want {
				t.Errorf("account %+v, want %+v", in.Balance, tt.want)
			}
			if (in.Problem != "") != tt.problem || in.SHA256 == "" || in.Size > 0 && len(in.SHA256) != 64 {
				t.Errorf("input %+v", in)
			}
			if tt.problem {
				partial(t, f, spoiled, "could not be read to their end", tt.words)
			}
			if tt.words == "rejected" {
				partial(t, f, "lines were rejected")
				if len(f.rejects) != int(in.Rejected) || f.rejects[0].Ref.Object != in.Object || f.rejects[0].Ref.Line == 0 || f.rejects[0].Reason == "" {
					t.Errorf("%d rejects, first %+v", len(f.rejects), f.rejects[0])
				}
			}
		})
	}
}

func TestNothingReadable(t *testing.T) {
	tests := []struct {
		name    string
		edit    []string
		prepare func(t *testing.T, dir string)
		words   []string
	}{ // with an origin log, an edge log that is missing leaves an answer: TestOriginOnly
		{"no such file", []string{"edge/*.gz", "nowhere/*.gz"}, nil, []string{"nowhere", "line "}},
		{"empty folder", []string{"edge/*.gz", "empty/"}, func(t *testing.T, dir string) {
			if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, []string{"empty"}},
		{"binary files alone", []string{"edge/*.gz", "blob/*"}, func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, "blob", "x.bin"), strings.Repeat("\x00\xff\n", 50))
		}, []string{"edge", "looks binary"}},
		{"origin log of another format", nil, func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "origin", "*-18.jsonl.gz"), func(string) string { return "not json\n" })
		}, []string{"origin", "rejected"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := leaking(t)
			if tt.prepare != nil {
				tt.prepare(t, dir)
			}
			if tt.edit != nil {
				tt.edit = append(tt.edit, originSource(t, dir), "")
			}
			_, err := try(inputOf(t, dir, tt.edit...))
			var nothing *scan.NothingReadable
			if !errors.As(err, &nothing) {
				t.Fatalf("error %v", err)
			}
			for _, w := range tt.words {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q lacks %q", err, w)
				}
			}
		})
	}
}

// TestDuplicates charges a row that is there twice to the file in which the
// second stands, and keeps rows that share an id but differ.
func TestDuplicates(t *testing.T) {
	dir := leaking(t)
	first := glob(t, filepath.Join(dir, "edge", "*-07-18.*.gz"))[0]
	var head, fill, hit string
	for line := range strings.Lines(readFile(t, first)) {
		switch {
		case strings.HasPrefix(line, "#"):
			head += line
		case strings.Contains(line, sim.RequestID("f1")):
			fill = line
		case strings.Contains(line, sim.RequestID("h1")):
			hit = line
		}
	}
	clean := run(t, inputOf(t, dir))
	edit(t, first, func(log string) string { return log + hit }) // within a file
	writeFile(t, filepath.Join(dir, "edge", "E2EXAMPLE0DEMO.2023-03-07-18.zzzzzzzz.gz"), head+fill+hit+fill)
	edit(t, filepath.Join(dir, "origin", "*-18.jsonl.gz"), func(log string) string {
		return log + log[:strings.Index(log, "\n")+1]
	})
	f := run(t, inputOf(t, dir))
	balanced(t, f)
	for part, want := range map[string]int64{filepath.Base(first): 1, "zzzzzzzz": 3, "app-2023-03-07-18": 1} {
		if in := f.input(t, part); in.Duplicate != want {
			t.Errorf("%s: %d duplicates, want %d", part, in.Duplicate, want)
		}
	}
	if got, want := evidenceFreeFindings(t, f), evidenceFreeFindings(t, clean); got != want {
		t.Errorf("duplicates change the findings: %s", firstDifference(want, got))
	}
	if f.manifest.Funnel.ConflictingIDs != 0 {
		t.Errorf("%d conflicting ids", f.manifest.Funnel.ConflictingIDs)
	}

	writeFile(t, filepath.Join(dir, "edge", "E2EXAMPLE0DEMO.2023-03-07-18.yyyyyyyy.gz"), head+strings.Replace(hit, "SEA19-C1", "SFO5-P2", 1))
	f = run(t, inputOf(t, dir))
	balanced(t, f)
	if in := f.input(t, "yyyyyyyy"); in.Parsed != 1 || in.Duplicate != 0 || f.manifest.Funnel.ConflictingIDs != 1 {
		t.Errorf("a conflicting row: %+v, %d conflicting ids", in.Balance, f.manifest.Funnel.ConflictingIDs)
	}
	if w := strings.Join(f.manifest.Warnings, "\n"); !strings.Contains(w, "differing content") {
		t.Errorf("warnings %q", w)
	}
	stillConfirmed(t, f)
}

// evidenceFreeFindings leaves out the account of lines too.
func evidenceFreeFindings(t *testing.T, f *findings) string {
	t.Helper()
	bare := &findings{all: f.all, manifest: f.manifest}
	bare.manifest.Balance = model.Balance{}
	text := evidenceFree(t, bare)
	return text[:strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")]
}

func TestMisunderstandings(t *testing.T) {
	tests := []struct {
		name  string
		edit  []string
		spoil func(t *testing.T, dir string)
		words []string
	}{
		{"sessions hashed differently", nil, func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "directory", "sessions.csv"), func(s string) string {
				lines := strings.Split(strings.TrimSpace(s), "\n")
				for i, l := range lines[1:] {
					hash, user, _ := strings.Cut(l, ",")
					sum, err := hex.DecodeString(hash)
					if err != nil {
						t.Fatal(err)
					}
					lines[i+1] = base64.RawURLEncoding.EncodeToString(sum) + "," + user
				}
				return strings.Join(lines, "\n") + "\n"
			})
		}, []string{"0 of 2 log sessions found in directory/sessions.csv: log 64 hex, table 43 base64url: set session_form"}},
		{"window in local time", []string{
			"from: 2023-03-07T18:21:00Z, to: 2023-03-07T18:31:00Z", "from: 2023-03-07T10:21:00Z, to: 2023-03-07T10:31:00Z",
		}, nil, []string{"sessions first reach these routes at 2023-03-07T18:21:00", "8 h later"}},
		{"routes that nobody asks for", []string{"/static/js/*", "/assets/*", "/static/css/*", "/fonts/*"}, nil,
			[]string{"none of the", "matches a route"}},
		{"request ids of something else", []string{"request_id: cf_id", "request_id: path"}, nil, []string{"map.request_id"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := leaking(t)
			if tt.spoil != nil {
				tt.spoil(t, dir)
			}
			f := run(t, inputOf(t, dir, tt.edit...))
			balanced(t, f)
			partial(t, f, tt.words...)
		})
	}
}

// TestUnknownPeople counts whom the directory lacks, as after a rollback.
func TestUnknownPeople(t *testing.T) {
	dir := leaking(t)
	without := func(table, user string) {
		edit(t, filepath.Join(dir, "directory", table), func(s string) string {
			var b strings.Builder
			for line := range strings.Lines(s) {
				if !strings.Contains(","+strings.TrimSpace(line)+",", ","+user+",") {
					b.WriteString(line)
				}
			}
			return b.String()
		})
	}
	without("users.csv", "ann")
	without("sessions.csv", "ann")
	f := run(t, inputOf(t, dir))
	balanced(t, f)
	got := map[string]int{}
	for _, u := range f.unresolved {
		got[u.Kind] += u.Rows
		if u.Kind == "user" && u.Value != "ann" || u.Kind == "session" && u.Deliveries != 1 {
			t.Errorf("unresolved %+v", u)
		}
	}
	if got["user"] != 2 || got["session"] != 2 {
		t.Errorf("rows of unresolved people: %v, want 2 of a user and 2 of a session", got)
	}
	stillConfirmed(t, f) // the origin log names her
}

// brokenSink fails at its nth finding.
type brokenSink struct{ left int }

var errBroken = errors.New("broken sink")

func (b *brokenSink) Put(model.Finding) error {
	if b.left--; b.left < 0 {
		return errBroken
	}
	return nil
}

// TestFailuresOnTheWay ends scans early: the error says why, no manifest is
// returned, and no temporary file is left.
func TestFailuresOnTheWay(t *testing.T) {
	dir, _ := simulate(t, sim.Bench(8000, 5))
	input := func(t *testing.T) scan.Input {
		in := inputOf(t, dir)
		in.TempDir, in.Memory = t.TempDir(), 1 // the least budget: everything spills
		return in
	}
	emptied := func(t *testing.T, in scan.Input, m model.Manifest) {
		t.Helper()
		left, err := os.ReadDir(in.TempDir)
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		if m.Schema != 0 || m.Complete {
			t.Error("a manifest beside an error")
		}
	}
	for _, phase := range []string{"plan", "read", "join", "calibrate", "reconstruct", "identify", "write"} {
		t.Run("cancelled in "+phase, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			in := input(t)
			in.Progress = func(p scan.Progress) {
				if p.Phase == phase {
					cancel()
				}
			}
			m, err := scan.Run(ctx, in, &findings{})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			emptied(t, in, m)
		})
	}
	for _, n := range []int{0, 1, 50, 500} {
		t.Run("sink", func(t *testing.T) {
			t.Parallel()
			in := input(t)
			m, err := scan.Run(context.Background(), in, &brokenSink{n})
			if !errors.Is(err, errBroken) {
				t.Errorf("error %v after %d findings", err, n)
			}
			emptied(t, in, m)
		})
	}
	t.Run("no temporary folder", func(t *testing.T) {
		in := input(t)
		in.TempDir = filepath.Join(in.TempDir, "missing")
		_, err := try(in)
		if err == nil || !strings.Contains(err.Error(), "temporary files") || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("temporary folder is a file", func(t *testing.T) {
		in := input(t)
		in.TempDir = filepath.Join(dir, "incident.yaml")
		if _, err := try(in); err == nil || !strings.Contains(err.Error(), "temporary files") {
			t.Errorf("error %v", err)
		}
	})
}
