package storage_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/scan/storage"
)

func tree(t *testing.T, files ...string) string {
	t.Helper()
	base := t.TempDir()
	for _, f := range files {
		full := filepath.Join(base, filepath.FromSlash(f))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(f), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return base
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skip("no symbolic links here")
	}
}

func uris(objects []storage.Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, o.URI)
	}
	return out
}

func TestList(t *testing.T) {
	base := tree(t, "edge/b.gz", "edge/a.gz", "edge/2023/03/c.gz", "edge/2023/04/d.gz", "edge/x.log",
		"edge/.hidden.gz", "edge/.git/e.gz", "edge/[odd].gz", "other/o.gz")
	for pattern, want := range map[string][]string{
		"edge/a.gz":           {"edge/a.gz"},
		"./edge/../edge/a.gz": {"edge/a.gz"},
		"edge":                {"edge/2023/03/c.gz", "edge/2023/04/d.gz", "edge/[odd].gz", "edge/a.gz", "edge/b.gz", "edge/x.log"},
		"edge/*.gz":           {"edge/[odd].gz", "edge/a.gz", "edge/b.gz"},
		"edge/**/*.gz":        {"edge/2023/03/c.gz", "edge/2023/04/d.gz", "edge/[odd].gz", "edge/a.gz", "edge/b.gz"},
		"**/{c,o}.gz":         {"edge/2023/03/c.gz", "other/o.gz"},
		"edge/*/03":           {"edge/2023/03/c.gz"},
		"edge/20*":            {"edge/2023/03/c.gz", "edge/2023/04/d.gz"},
		"edge/[odd].gz":       {"edge/[odd].gz"}, // a file before it is a glob
		"edge/.hidden.gz":     {"edge/.hidden.gz"},
		"edge/.*/*.gz":        {"edge/.git/e.gz"},
	} {
		for _, p := range []string{pattern, filepath.Join(base, filepath.FromSlash(pattern))} {
			got, err := storage.NewLocal(base).List(t.Context(), p)
			if err != nil {
				t.Errorf("%s: %v", p, err)
				continue
			}
			if diff := cmp.Diff(want, uris(got)); diff != "" {
				t.Errorf("%s: %s", p, diff)
			}
		}
	}
	got, err := storage.NewLocal(filepath.Join(base, "edge")).List(t.Context(), filepath.Join(base, "other"))
	if err != nil || len(got) != 1 || !filepath.IsAbs(filepath.FromSlash(got[0].URI)) {
		t.Errorf("outside the base: %v, %v", got, err)
	}
}

func TestLinks(t *testing.T) {
	base := tree(t, "edge/a.gz", "real/b.gz")
	link(t, "..", filepath.Join(base, "edge", "up"))
	link(t, "self", filepath.Join(base, "edge", "self"))
	link(t, filepath.Join(base, "edge", "a.gz"), filepath.Join(base, "edge", "0.gz"))
	link(t, filepath.Join(base, "nowhere"), filepath.Join(base, "edge", "dangling"))
	for pattern, want := range map[string][]string{
		"edge":      {"edge/a.gz", "edge/up/real/b.gz"},
		"edge/*.gz": {"edge/a.gz"},
		"edge/up":   {"edge/up/edge/a.gz", "edge/up/real/b.gz"},
		"**/*.gz":   {"edge/a.gz", "real/b.gz"},
		"edge/0.gz": {"edge/0.gz"},
	} {
		got, err := storage.NewLocal(base).List(t.Context(), pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if diff := cmp.Diff(want, uris(got)); diff != "" {
			t.Errorf("%s: %s", pattern, diff)
		}
	}
}

func TestListNothing(t *testing.T) {
	base := tree(t, "edge/a.log", "edge/b.log", "edge/c.txt", "edge/sub/d.log", "empty/.keep")
	for pattern, want := range map[string]string{
		"edge/*.gz":       "holds 3 files (2 *.log, 1 *.txt) and 1 folders",
		"edge/missing.gz": "edge holds 3 files",
		"no/such/*.gz":    "holds 0 files and 2 folders",
		"empty":           "is empty but for 1 hidden",
	} {
		_, err := storage.NewLocal(base).List(t.Context(), pattern)
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), pattern) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	for pattern, want := range map[string]string{
		"s3://bucket/logs/": "reads local files only",
		"":                  "empty path",
		"edge/[":            "syntax error",
	} {
		if _, err := storage.NewLocal(base).List(t.Context(), pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func TestOpen(t *testing.T) {
	base := tree(t, "a.gz")
	s := storage.NewLocal(base)
	objects, err := s.List(t.Context(), "a.gz")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), objects[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, err := io.ReadAll(r); err != nil || string(b) != "a.gz" || objects[0].Size != 4 {
		t.Errorf("%q, %v, size %d", b, err, objects[0].Size)
	}
	if err := os.Remove(objects[0].Path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), objects[0]); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "a.gz") {
		t.Errorf("error %v", err)
	}
}

func TestOpenAt(t *testing.T) {
	base := tree(t, "a.parquet")
	s := storage.NewLocal(base)
	o := storage.Object{URI: "a.parquet", Path: filepath.Join(base, "a.parquet")}
	ctx, cancel := context.WithCancel(t.Context())
	r, size, err := s.OpenAt(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	end := make([]byte, 7)
	if _, err := r.ReadAt(end, size-7); err != nil || string(end) != "parquet" {
		t.Errorf("%q, %v, size %d", end, err, size)
	}
	cancel()
	if _, err := r.ReadAt(end, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	if _, _, err := s.OpenAt(t.Context(), storage.Object{URI: "none", Path: filepath.Join(base, "none")}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "none") {
		t.Errorf("error %v", err)
	}
	if _, _, err := s.OpenAt(t.Context(), storage.Object{URI: "folder", Path: base}); err == nil || !strings.Contains(err.Error(), "save it as a file") {
		t.Errorf("not a file: %v", err)
	}
}

func TestHourOf(t *testing.T) {
	hour := time.Date(2019, 11, 14, 20, 0, 0, 0, time.UTC)
	for name, want := range map[string]bool{
		"example-prefix/EMLARXS9EXAMPLE.2019-11-14-20.RT4KCN4SGK9.gz": true,
		"EMLARXS9EXAMPLE.2019-11-14-20.RT4KCN4SGK9":                   true,
		"a.b.2019-11-14-20.x.gz":                                      true,
		"2019-11-14-20/E.2019-11-14-20.x.gz":                          true,
		"EMLARXS9EXAMPLE.2019-11-14-20":                               false,
		"2019-11-14-20.x.gz":                                          false,
		"E.2019-11-14-25.x.gz":                                        false,
		"E.2019-11-14-20.x/access.log":                                false,
		"access.log":                                                  false,
	} {
		got, ok := storage.HourOf(name)
		if ok != want || ok && !got.Equal(hour) {
			t.Errorf("HourOf(%q) = %v, %v", name, got, ok)
		}
	}
}

func TestHoursOf(t *testing.T) {
	day := time.Date(2023, 3, 7, 0, 0, 0, 0, time.UTC)
	for name, want := range map[string][2]int{ // hours since the day began
		"v2/E2EXAMPLE.2023-03-07-18.0a1b2c3d.gz":                                                {18, 19},
		"AWSLogs/1/CloudFront/E2EXAMPLE/2023/03/08/06/E2EXAMPLE.2023-03-07-18.0a1b2c3d.gz":      {18, 19}, // the name says it best
		"AWSLogs/1/CloudFront/DistributionId=E2/year=2023/month=03/day=07/hour=18/part.parquet": {-6, 43},
		"DistributionId=E2/Year=2023/Month=3/Day=7/Hour=5/x/part.parquet":                       {-19, 30},
		"firehose/2023/03/07/18/stream-1-2023-03-07-18-00-01-0d2e.gz":                           {-6, 43},
		"2023/03/07/18/rt/part":                  {-6, 43},
		"2023/03/07/edge.log.gz":                 {},
		"edge/2023/03/07/24/part.gz":             {},
		"edge/2023/3/7/18/part.gz":               {},
		"edge/2023/02/30/18/part.gz":             {},
		"year=2023/month=03/day=07/part.parquet": {},
		"year=2023/03/07/18/part.parquet":        {},
		"edge/access.log":                        {},
	} {
		from, to, ok := storage.HoursOf(name)
		if ok != (want != [2]int{}) {
			t.Errorf("HoursOf(%q): %v", name, ok)
			continue
		}
		if got := [2]int{int(from.Sub(day).Hours()), int(to.Sub(day).Hours())}; ok && got != want {
			t.Errorf("HoursOf(%q) = %v to %v", name, from, to)
		}
	}
}
