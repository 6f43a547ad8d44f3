package scan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/scan"
	"github.com/spillscope/spillscope/scan/incident"
)

func TestInspectText(t *testing.T) {
	dir := story{from: 0, to: 1200, leak: 630, stop: 870, stray: 100, api: "/api/feed/42"}.write(t)
	got := textOf(t, inspect(t, dir, "edge", "origin/*.jsonl"))
	want, err := os.ReadFile(filepath.Join("testdata", "inspect_small.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

// TestInspectOnset: the onset is a change, not the first row with a session.
func TestInspectOnset(t *testing.T) {
	for _, tt := range []struct {
		name   string
		story  story
		onset  string
		first  string
		last   string
		strays int
		since  bool
		still  bool
	}{
		{"in the middle", story{from: 0, to: 3600, leak: 1270, stop: 2000}, "18:21:00", "18:21:10", "18:33:10", 0, false, false},
		{"a stray row before", story{from: 0, to: 3600, leak: 1270, stop: 2000, stray: 300}, "18:21:00", "18:21:10", "18:33:10", 1, false, false},
		{"a stray row after", story{from: 0, to: 3600, leak: 1270, stop: 2000, stray: 3000}, "18:21:00", "18:21:10", "18:33:10", 0, false, false},
		{"since the logs begin", story{from: 0, to: 1200, leak: 0, stop: 600}, "18:00:00", "18:00:00", "18:09:50", 0, true, false},
		{"until the logs end", story{from: 0, to: 1200, leak: 600, stop: 1200}, "18:10:00", "18:10:00", "18:19:50", 0, false, true},
		{"throughout", story{from: 0, to: 600, leak: 0, stop: 600}, "18:00:00", "18:00:00", "18:09:50", 0, true, true},
		{"a single row", story{from: 0, to: 1200, stray: 600}, "18:10:00", "18:10:00", "18:10:00", 0, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := inspect(t, tt.story.write(t), "edge", "origin")
			r := got.Routes[0]
			if r.Pattern != "/static/js/*.js" || !r.Leaks {
				t.Fatalf("first route is %s, leaks %v", r.Pattern, r.Leaks)
			}
			stamp := func(clock string) string { return "2023-03-07T" + clock + ".000Z" }
			if r.Onset != stamp(tt.onset) || r.First != stamp(tt.first) || r.Last != stamp(tt.last) {
				t.Errorf("onset %s, first %s, last %s", r.Onset, r.First, r.Last)
			}
			if r.Strays != tt.strays || r.SinceStart != tt.since || r.StillOn != tt.still {
				t.Errorf("strays %d, since start %v, still on %v", r.Strays, r.SinceStart, r.StillOn)
			}
			if r.TTL != nil && (r.TTL.About < 1 || r.TTL.Low > r.TTL.About) {
				t.Errorf("ttl %+v", *r.TTL)
			}
		})
	}
}

func TestInspectNoLeak(t *testing.T) {
	got := inspect(t, story{from: 0, to: 600}.write(t), "edge", "origin")
	if want := []string{"No cached route met a session in these logs.", "No page or API route was ever served from the cache (1 route)."}; !slices.Equal(got.Answer, want) {
		t.Errorf("answer %q", got.Answer)
	}
	if strings.Contains(got.Incident, "window") || strings.Contains(got.Incident, "routes") {
		t.Errorf("suggests a window although nothing leaked:\n%s", got.Incident)
	}
}

// TestInspectSnippet: what is printed can be pasted.
func TestInspectSnippet(t *testing.T) {
	dir := story{from: 0, to: 1200, leak: 630, stop: 870}.write(t)
	got := inspect(t, dir, "edge", "origin")
	text := "version: 1\ncase: pasted\ncookie: {names: [sid]}\n" + got.Incident
	inc, err := incident.Parse("incident.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if from := inc.Window.Span.From.String(); from != "2023-03-07T18:10:00.000Z" {
		t.Errorf("from %s", from)
	}
	if len(inc.Routes) != 1 || inc.Routes[0].Path != "/static/js/*" {
		t.Errorf("routes %+v", inc.Routes)
	}
	if len(inc.Sources) != 2 || inc.Sources[1].Map["session"] != "sid_hash" {
		t.Errorf("sources %+v", inc.Sources)
	}
}

// TestInspectFields: the map is guessed by names and by values.
func TestInspectFields(t *testing.T) {
	edge := edgeHead
	for i := range 20 {
		edge += edgeRow(i, "SEA19-C1", "/a.js", "Miss", fmt.Sprintf("id%02d==", i), "-")
	}
	for _, tt := range []struct {
		name string
		line func(i int) string
		want map[string]string
		yaml string
	}{
		{"nested, headers", func(i int) string {
			return fmt.Sprintf(`{"@timestamp":"2023-03-07T18:00:%02d.123Z","req":{"method":"GET","url":"/a.js?x=1","id":"r%d","headers":{"x-amz-cf-id":"id%02d==","user-agent":"curl/8.0","x-forwarded-for":"192.0.2.1, 198.51.100.7"}},"res":{"statusCode":200},"session":{"id":"k3J9x0PqLmN8zT7v"},"user":{"id":41}}`, i, i, i)
		}, map[string]string{"time": "@timestamp", "request_id": "req.headers.x-amz-cf-id", "method": "req.method", "path": "req.url", "status": "res.statusCode",
			"session": "session.id", "user": "user.id", "user_agent": "req.headers.user-agent", "client_ip": "req.headers.x-forwarded-for"}, `time: "@timestamp"`},
		{"epoch, an id by its values", func(i int) string {
			return fmt.Sprintf(`{"t":%d,"edge":"id%02d==","request_id":"%08x","uri":"/a.js","code":304,"sid":"8f14e45fceea167a5a36dedd4bea2543","set_session":null,"uid":"ann"}`, 1678212000000+i*1000, i, i*7919)
		}, map[string]string{"time": "t", "request_id": "edge", "path": "uri", "status": "code", "session": "sid", "user": "uid"}, "request_id: edge"},
		{"no zone", func(i int) string {
			return fmt.Sprintf(`{"time":"2023-03-07 18:00:%02d","request_id":"id%02d==","path":"/a.js","new_session_id":"8f14e45fceea167a5a36dedd4bea2543"}`, i, i)
		}, map[string]string{"time": "time", "request_id": "request_id", "path": "path", "set_session": "new_session_id"}, "time_zone: UTC"},
		{"names that lie", func(i int) string {
			return fmt.Sprintf(`{"ts":"2023-03-07T18:00:%02dZ","status":"ok","path":"not a path","session":"no","method":"GET","user_agent":"/"}`, i)
		}, map[string]string{"time": "ts", "method": "method"}, "map: {time: ts, method: method}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var origin string
			for i := range 20 {
				origin += tt.line(i) + "\n"
			}
			dir := write(t, t.TempDir(), map[string]string{"e/log": edge, "o/log": origin})
			got := inspect(t, dir, ".")
			for _, s := range got.Sources {
				if s.Format != "JSON lines" {
					continue
				}
				if diff := cmp.Diff(tt.want, s.Map); diff != "" {
					t.Errorf("map (-want +got):\n%s", diff)
				}
				if s.Rows != 20 || s.Rejected != 0 {
					t.Errorf("%d rows, %d rejected (%s)", s.Rows, s.Rejected, s.Reason)
				}
			}
			if !strings.Contains(got.Incident, tt.yaml) {
				t.Errorf("no %q in\n%s", tt.yaml, got.Incident)
			}
		})
	}
}

func TestInspectFormats(t *testing.T) {
	row := edgeRow(0, "SEA19-C1", "/a.js", "Miss", "id==", "-")
	noise := make([]byte, 9000)
	for i := range noise {
		noise[i] = byte(i*i>>3) ^ 0x93
	}
	for name, tt := range map[string]struct{ text, want string }{
		"cloudfront":       {edgeHead + row, "CloudFront standard log"},
		"cloudfront gzip":  {gz(edgeHead + row), "CloudFront standard log"},
		"header only":      {edgeHead, "CloudFront standard log"},
		"no header":        {row, "CloudFront log without names"},
		"json":             {`{"ts":1678212000}` + "\n", "JSON lines"},
		"json, one line":   {`{"ts":1678212000}`, "JSON lines"},
		"json of a CDN":    {`{"RayID":"1","EdgeStartTimestamp":1}` + "\n", "Cloudflare log"},
		"syslog":           {`<134>2023-03-07T18:00:00Z cache-1 log[1]: {"a":1}` + "\n", "JSON lines"},
		"w3c":              {"#Fields: date time s-ip\n", "W3C log, not of CloudFront"},
		"csv":              {"user_id,email\nu1,ann@example.com\n", "CSV table, users"},
		"text":             {"hello\nworld\n", "other text"},
		"binary":           {string(noise), "binary"},
		"empty":            {"", "empty"},
		"blank":            {"\n\n", "empty"},
		"gzip of nothing":  {gz(""), "empty"},
		"damaged gzip":     {"\x1f\x8b\x08\x00garbage", "unreadable"},
		"almost JSON":      {"{not json\n", "other text"},
		"byte order mark":  {"\xef\xbb\xbf" + edgeHead + row, "CloudFront standard log"},
		"windows newlines": {strings.ReplaceAll(edgeHead+row, "\n", "\r\n"), "CloudFront standard log"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, t.TempDir(), map[string]string{"a/good": edgeHead + row, "b/this": tt.text})
			got := inspect(t, dir, "a", "b")
			for _, s := range got.Sources {
				if s.Folder == "b" && s.Format != tt.want {
					t.Errorf("format %q, want %q", s.Format, tt.want)
				}
			}
		})
	}
}

func TestInspectNothingReadable(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no such path", nil, "no file matches logs"},
		{"empty file", map[string]string{"logs/a": ""}, "1 empty"},
		{"binary", map[string]string{"logs/a": "\x00\x01\x02\x03\x04\x05"}, "1 binary"},
		{"header only", map[string]string{"logs/a": edgeHead}, "1 CloudFront standard log"},
		{"short rows", map[string]string{"logs/a": edgeHead + "2023-03-07\t18:00:00\tSEA19-C1\n"}, "1 lines rejected"},
		{"damaged", map[string]string{"logs/a.gz": "\x1f\x8b\x08\x00garbage"}, "logs/a.gz: gzip"},
		{"no time", map[string]string{"logs/a": `{"a":"b"}` + "\n"}, "1 JSON lines"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, t.TempDir(), tt.files)
			_, err := scan.Inspect(t.Context(), scan.InspectInput{Paths: []string{"logs"}, Base: dir})
			if n, ok := errors.AsType[*scan.NothingReadable](err); !ok || !strings.Contains(n.Reason, tt.want) {
				t.Errorf("error %v, want NothingReadable with %q", err, tt.want)
			}
		})
	}
}

// TestInspectMixed: problems of single files are told and the rest is read.
func TestInspectMixed(t *testing.T) {
	s := story{from: 0, to: 1200, leak: 630, stop: 870}
	dir := s.write(t)
	whole := inspect(t, dir, "edge", "origin")
	cut := gz(edgeHead + strings.Repeat(edgeRow(5, "SEA19-C1", "/static/css/a.css", "Hit", "again==", "text/css"), 40_000))
	write(t, dir, map[string]string{
		"edge/E1.2023-03-07-18.c.gz": cut[:len(cut)/2],
		"edge/noise":                 "\x00\x01\x02\x03\x04",
		"edge/short":                 edgeHead + "2023-03-07\t18:00:00\tSEA19-C1\n" + edgeRow(9, "SEA19-C1", "/x", "Miss", "x==", "-"),
	})
	got := inspect(t, dir, "edge", "origin", "nowhere")
	if !slices.Equal(got.Answer[:2], whole.Answer[:2]) {
		t.Errorf("answer %q, want %q", got.Answer, whole.Answer)
	}
	if len(got.Problems) != 2 || !strings.Contains(got.Problems[0], "edge/E1.2023-03-07-18.c.gz: gzip: the object is cut short") || !strings.Contains(got.Problems[1], "nowhere") {
		t.Errorf("problems %q", got.Problems)
	}
	if src := got.Sources[0]; src.Rejected != 2 || src.Objects != 4 { // the short row, and the one cut short
		t.Errorf("source %+v", src)
	}
}

// TestInspectSecrets: what strangers wrote and what must stay secret is not
// shown, in text or JSON.
func TestInspectSecrets(t *testing.T) {
	edge, origin := story{from: 0, to: 600, leak: 300, stop: 600}.logs()
	hostile := "\x1b]0;owned\x07\u202e"
	edge = append(edge, edgeRow(7, "SEA"+hostile, "/api/"+hostile+"/x", "Hit", "h==", "application/json"))
	origin = append(origin, fmt.Sprintf(`{"ts":"2023-03-07T18:00:00Z","time\u001b[2J\n":"2023-03-07T18:00:00Z","cf_id":"h==","path":"/%s"}`, "z")+"\n")
	dir := write(t, t.TempDir(), map[string]string{
		"edge/a" + hostile + ".log":  edgeHead + strings.Join(edge, ""),
		"edge/b" + hostile + "\n.gz": "\x1f\x8bxx",
		"origin/a.jsonl":             strings.Join(origin, ""),
	})
	in := inspect(t, dir, "edge", "origin")
	text := textOf(t, in)
	for _, r := range text {
		if r < ' ' && r != '\n' || r == 0x7f || r == 0x202e {
			t.Fatalf("text holds %U", r)
		}
	}
	asJSON, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{secretSession, secretUser, "8841", "hunter2", "3f2a", "192.0.2.", "Mozilla", "fill00"} {
		if strings.Contains(text, secret) || bytes.Contains(asJSON, []byte(secret)) {
			t.Errorf("%q is shown", secret)
		}
	}
}

// TestInspectOrder: neither workers nor the order of rows and files show.
func TestInspectOrder(t *testing.T) {
	edge, origin := story{from: 0, to: 3000, leak: 1270, stop: 2000, stray: 50}.logs()
	var want string
	for _, workers := range []int{1, 4} {
		dir, files := t.TempDir(), map[string]string{}
		for i := range 6 {
			n := len(edge) / 6
			files[fmt.Sprintf("edge/%d.log", i)] = edgeHead + strings.Join(edge[i*n:(i+1)*n], "")
			m := len(origin) / 6
			files[fmt.Sprintf("origin/%d.log", i)] = strings.Join(origin[i*m:(i+1)*m], "")
		}
		write(t, dir, files)
		in, err := scan.Inspect(t.Context(), scan.InspectInput{Paths: []string{"origin", "edge"}, Base: dir, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		got := textOf(t, in)
		if want == "" {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d workers (-want +got):\n%s", workers, diff)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		rng.Shuffle(len(edge), func(i, j int) { edge[i], edge[j] = edge[j], edge[i] })
		rng.Shuffle(len(origin), func(i, j int) { origin[i], origin[j] = origin[j], origin[i] })
	}
}

func TestInspectProgressAndCancel(t *testing.T) {
	dir := story{from: 0, to: 600}.write(t)
	var last scan.Progress
	_, err := scan.Inspect(t.Context(), scan.InspectInput{Paths: []string{"."}, Base: dir, Progress: func(p scan.Progress) { last = p }})
	if err != nil || last.Objects != 3 || last.ObjectsTotal != 3 || last.Bytes != last.BytesTotal || last.Rows == 0 {
		t.Errorf("error %v, progress %+v", err, last)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := scan.Inspect(ctx, scan.InspectInput{Paths: []string{"."}, Base: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after cancelling", err)
	}
}
