package explain_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/export/explain"
	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/export/internal/smallcase"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/model"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func small(t *testing.T) *store.Case {
	t.Helper()
	return smallcase.Write(t, filepath.Join(t.TempDir(), "case"), smallcase.Findings(), smallcase.Manifest())
}

func tell(t *testing.T, c *store.Case, query string) string {
	t.Helper()
	var buf bytes.Buffer
	if err := explain.Explain(&buf, c, query); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(buf.String(), smallcase.Acting+"\r") {
		t.Errorf("explaining %q holds an acting character", query)
	}
	return buf.String()
}

func TestGolden(t *testing.T) {
	c := small(t)
	for query, name := range map[string]string{
		"ws-1": "workspace", "u-bert": "user", "dl_2": "delivery", "req-orphan": "unattributed", "req-access": "access",
	} {
		got, path := tell(t, c, query), filepath.Join("testdata", name+".txt")
		if *rewrite {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
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
			t.Errorf("%s (-want +got):\n%s", query, d)
		}
	}
}

func TestHostileID(t *testing.T) {
	if got := tell(t, small(t), inert.Text(smallcase.Hostile)); !strings.Contains(got, "dl_4") {
		t.Errorf("an id is found in the form in which the files print it:\n%s", got)
	}
}

func TestFillIsExplainedByItsHits(t *testing.T) {
	got := tell(t, small(t), "-fill_A==")
	for _, id := range []string{"dl_1", "dl_2", "dl_4", "dl_5"} {
		if !strings.Contains(got, id+"  ") {
			t.Errorf("the fill's story lacks %s", id)
		}
	}
}

func TestUnknown(t *testing.T) {
	c := small(t)
	for _, tt := range []struct{ query, near string }{
		{"ws-8", "ws-1"}, {"u-ana", "u-anna"}, {"req-hit", "req-hit1"}, {"WS-1", "ws-1"}, {"no such thing", ""}, {"", ""},
	} {
		var unknown *explain.UnknownError
		err := explain.Explain(&bytes.Buffer{}, c, tt.query)
		if !errors.As(err, &unknown) {
			t.Errorf("Explain(%q) = %v, want an UnknownError", tt.query, err)
			continue
		}
		if near := strings.Join(unknown.Near, " "); !strings.Contains(near, tt.near) || tt.near == "" && near != "" {
			t.Errorf("Explain(%q) suggests %q, want %q", tt.query, near, tt.near)
		}
	}
	err := explain.Explain(&bytes.Buffer{}, c, smallcase.Hostile+"?")
	if err == nil || strings.ContainsAny(err.Error(), smallcase.Acting) {
		t.Errorf("error repeats acting characters: %q", err)
	}
}

// TestAmbiguous: an id that is a workspace and a user is told as both.
func TestAmbiguous(t *testing.T) {
	both := model.Entity{ID: "77", Role: model.RoleHolder, Tier: model.TierProbable}
	c := smallcase.Write(t, filepath.Join(t.TempDir(), "case"),
		[]model.Finding{model.UserFinding{Entity: both}, model.WorkspaceFinding{Entity: both}}, model.Manifest{})
	got := tell(t, c, "77")
	if !strings.Contains(got, "Workspace 77") || !strings.Contains(got, "User 77") {
		t.Errorf("not told as both:\n%s", got)
	}
}

// TestManyHits: the strongest are told, the rest is counted.
func TestManyHits(t *testing.T) {
	var findings []model.Finding
	for i := range 1000 {
		findings = append(findings, model.Delivery{ID: fmt.Sprintf("dl_%d", i), Hit: model.Citation{RequestID: fmt.Sprintf("h%d", i)},
			HolderUser: "u", PApplied: float64(i) / 1000, Tier: model.TierProbable, Rung: model.RungOriginRow})
	}
	c := smallcase.Write(t, filepath.Join(t.TempDir(), "case"), findings, model.Manifest{})
	got := tell(t, c, "u")
	for _, want := range []string{"Delivery rows as holder: 1000 probable", "dl_999  ", "dl_980  ", "980 further hits"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q", want)
		}
	}
	if strings.Contains(got, "dl_979  ") {
		t.Error("tells more than the strongest hits")
	}
}
