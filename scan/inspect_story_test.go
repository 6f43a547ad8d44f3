package scan_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/scan"
)

const (
	edgeHead = "#Version: 1.0\n#Fields: date time x-edge-location c-ip cs-method cs(Host) cs-uri-stem sc-status cs-uri-query cs(Cookie) " +
		"x-edge-result-type x-edge-request-id time-taken x-edge-response-result-type sc-content-type\n"
	secretSession = "5e55100a5e55100b5e55100c5e55100d"
	secretUser    = "u-8841"
)

// story is a small pair of logs: every 10 seconds a fill of a script and,
// from leak to stop, one second later a hit; API calls all along.
type story struct {
	from, to   int // seconds after 18:00
	leak, stop int
	stray      int // second of one more fill with a session; 0: none
	api        string
}

func at(second int) time.Time {
	return time.Date(2023, 3, 7, 18, 0, second, 0, time.UTC)
}

func edgeRow(second int, location, path, result, id, kind string) string {
	return fmt.Sprintf("%s\t%s\t192.0.2.%d\tGET\td111.cdn.example.net\t%s\t200\ttoken=hunter2\t-\t%s\t%s\t0.010\t%s\t%s\n",
		at(second).Format("2006-01-02\t15:04:05"), location, 1+second%7, path, result, id, result, kind)
}

func originRow(second int, path, id, session string) string {
	return fmt.Sprintf(`{"ts":%q,"cf_id":%q,"method":"GET","path":%q,"status":200,"sid_hash":%s,"user_id":%q,"set_cookie":%t,"ua":"Mozilla/5.0 (X11)","xff":"192.0.2.1"}`+"\n",
		at(second).Format("2006-01-02T15:04:05.000Z"), id, path, session, secretUser, session != "null")
}

// logs writes the story.
func (s story) logs() (edge, origin []string) {
	js, session := "application/javascript", `"`+secretSession+`"`
	for t := s.from; t < s.to; t += 10 {
		id, presented := fmt.Sprintf("fill%05d==", t), "null"
		if s.leak <= t && t < s.stop || t == s.stray && t > 0 {
			presented = session
		}
		edge = append(edge, edgeRow(t, "SEA19-C1", "/static/js/app.3f2a.js", "Miss", id, js))
		origin = append(origin, originRow(t, "/static/js/app.3f2a.js", id, presented))
		edge = append(edge, edgeRow(t+1, "SEA19-C1", "/static/js/app.3f2a.js", "Hit", fmt.Sprintf("hit%05d==", t), js))
		id = fmt.Sprintf("api%05d==", t)
		edge = append(edge, edgeRow(t+3, "SEA19-C1", "/api/videos/8841-private", "Miss", id, "application/json"))
		origin = append(origin, originRow(t+3, "/api/videos/8841-private", id, session))
	}
	if s.api != "" {
		edge = append(edge, edgeRow(s.from+5, "SEA19-C1", s.api, "Hit", "apihit==", "application/json"))
	}
	return edge, origin
}

func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func gz(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

func (s story) write(t *testing.T) string {
	edge, origin := s.logs()
	half := len(edge) / 2
	return write(t, t.TempDir(), map[string]string{
		"edge/E1.2023-03-07-18.a.log": edgeHead + strings.Join(edge[half:], ""),
		"edge/E1.2023-03-07-18.b.log": edgeHead + strings.Join(edge[:half], ""),
		"origin/app.jsonl":            strings.Join(origin, ""),
	})
}

func inspect(t *testing.T, dir string, paths ...string) *scan.Inspection {
	t.Helper()
	got, err := scan.Inspect(t.Context(), scan.InspectInput{Paths: paths, Base: dir})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func textOf(t *testing.T, in *scan.Inspection) string {
	t.Helper()
	var b bytes.Buffer
	if err := in.Text(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
