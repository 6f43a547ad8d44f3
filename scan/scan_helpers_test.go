package scan_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/fixtures/naive"
	"github.com/spillscope/spillscope/fixtures/score"
	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan"
	"github.com/spillscope/spillscope/scan/incident"
)

// The tests of this package may not import export/store (the layering test of
// cmd/spillscope forbids it), so they collect findings in memory.

// findings is a sink that keeps everything it is given.
type findings struct {
	all          []model.Finding
	deliveries   []model.Delivery
	users        []model.UserFinding
	workspaces   []model.WorkspaceFinding
	access       []model.Access
	revocations  []model.Revocation
	unattributed []model.Unattributed
	unresolved   []model.UnresolvedUser
	inputs       []model.Input
	rejects      []model.Reject
	cited        []model.CitedRow

	manifest model.Manifest
}

func (f *findings) Put(x model.Finding) error {
	f.all = append(f.all, x)
	switch x := x.(type) {
	case model.Delivery:
		f.deliveries = append(f.deliveries, x)
	case model.UserFinding:
		f.users = append(f.users, x)
	case model.WorkspaceFinding:
		f.workspaces = append(f.workspaces, x)
	case model.Access:
		f.access = append(f.access, x)
	case model.Revocation:
		f.revocations = append(f.revocations, x)
	case model.Unattributed:
		f.unattributed = append(f.unattributed, x)
	case model.UnresolvedUser:
		f.unresolved = append(f.unresolved, x)
	case model.Input:
		f.inputs = append(f.inputs, x)
	case model.Reject:
		f.rejects = append(f.rejects, x)
	case model.CitedRow:
		f.cited = append(f.cited, x)
	}
	return nil
}

// input returns the finding about the object whose name contains part.
func (f *findings) input(t *testing.T, part string) model.Input {
	t.Helper()
	for _, in := range f.inputs {
		if strings.Contains(in.URI, part) {
			return in
		}
	}
	t.Fatalf("no input named %s among %d", part, len(f.inputs))
	return model.Input{}
}

// text is every finding and the manifest as JSON, a line each.
func (f *findings) text(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, x := range f.all {
		fmt.Fprintf(&b, "%T ", x)
		if err := enc.Encode(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Encode(f.manifest); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// inputOf loads the incident in dir, with lines of its file replaced in pairs.
func inputOf(t *testing.T, dir string, replace ...string) scan.Input {
	t.Helper()
	name := filepath.Join(dir, "incident.yaml")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	edited := string(text)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(edited, replace[i]) {
			t.Fatalf("incident.yaml holds no %q", replace[i])
		}
		edited = strings.Replace(edited, replace[i], replace[i+1], 1)
	}
	inc, err := incident.Parse(name, []byte(edited))
	if err != nil {
		t.Fatal(err)
	}
	key, err := incident.ReadKey(filepath.Join(dir, "incident.key"))
	if err != nil {
		t.Fatal(err)
	}
	return scan.Input{Incident: inc, Key: key, Base: dir}
}

// run scans and fails the test on an error.
func run(t *testing.T, in scan.Input) *findings {
	t.Helper()
	f, err := try(in)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func try(in scan.Input) (*findings, error) {
	f := &findings{}
	m, err := scan.Run(context.Background(), in, f)
	f.manifest = m
	return f, err
}

// computes skips a test under the race detector that is long for what it
// computes and runs no code concurrently that the shorter ones do not.
func computes(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("runs without the race detector")
	}
}

// simulate writes the incident that cfg describes.
func simulate(t *testing.T, cfg sim.Config) (dir string, sum sim.Summary) {
	t.Helper()
	dir = t.TempDir()
	sum, err := sim.Write(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return dir, sum
}

// compare scores f, and the naive rule, against the truth of the simulation in dir.
func compare(t *testing.T, dir string, f *findings) score.Report {
	t.Helper()
	rows, err := naive.Attribute(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := score.Compare(writeCase(t, f), filepath.Join(dir, "truth"), rows)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// covers checks that enough was delivered to show something, and that the true
// fill of each delivery is among the candidates.
func covers(t *testing.T, r *score.Report) {
	t.Helper()
	if r.Coverage.Of < 50 {
		t.Errorf("only %d deliveries", r.Coverage.Of)
	}
	if len(r.Missed) > 0 {
		t.Errorf("true fill not among the candidates: covered %v, first missed %v", r.Coverage, r.Missed[:min(3, len(r.Missed))])
	}
}

// writeCase writes the columns of a case that package score reads.
func writeCase(t *testing.T, f *findings) string {
	t.Helper()
	dir := t.TempDir()
	list := func(ids []string) string { return strings.Join(ids, ";") }
	p := func(x float64) string { return fmt.Sprintf("%.4f", x) }
	deliveries := [][]string{{"hit_request_id", "hit_time_utc", "recipient_workspace_ids", "fill_request_id", "holder_user_id",
		"holder_workspace_ids", "p_delivered", "p_applied", "p_used", "tier"}}
	for _, d := range f.deliveries {
		deliveries = append(deliveries, []string{d.Hit.RequestID, d.HitTime.String(), list(d.RecipientWorkspaces), d.Fill.RequestID,
			d.HolderUser, list(d.HolderWorkspaces), p(d.PDelivered), p(d.PApplied), p(d.PUsed), d.Tier.String()})
	}
	users := [][]string{{"user_id", "role", "tier"}}
	for _, u := range f.users {
		users = append(users, []string{u.ID, u.Role.String(), u.Tier.String()})
	}
	workspaces := [][]string{{"workspace_id", "role", "tier"}}
	for _, w := range f.workspaces {
		workspaces = append(workspaces, []string{w.ID, w.Role.String(), w.Tier.String()})
	}
	for name, rows := range map[string][][]string{"deliveries.csv": deliveries, "users.csv": users, "workspaces.csv": workspaces} {
		var b bytes.Buffer
		if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "privileged", name), b.String())
	}
	return dir
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".gz") {
		text = zip(t, text)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func zip(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// readFile returns the text of a file, inflated if its name says so.
func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".gz") {
		return string(data)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// edit rewrites the one file that pattern names.
func edit(t *testing.T, pattern string, change func(string) string) {
	t.Helper()
	names := glob(t, pattern)
	if len(names) != 1 {
		t.Fatalf("%s names %d files", pattern, len(names))
	}
	writeFile(t, names[0], change(readFile(t, names[0])))
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, error %v", pattern, len(names), err)
	}
	return names
}
