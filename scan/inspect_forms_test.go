package scan_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan"
	"github.com/spillscope/spillscope/scan/incident"
)

// pasted parses what inspect suggests, within the least incident file.
func pasted(t *testing.T, in *scan.Inspection) *model.Incident {
	t.Helper()
	text := "version: 1\ncase: pasted\ncookie: {names: [sid]}\n" + in.Incident
	if !strings.Contains(text, "window:") {
		text += "window: {from: 2023-03-07T18:21:00Z, to: 2023-03-07T18:30:00Z}\nroutes: [{path: /static/js/*}]\n"
	}
	if !strings.Contains(text, "cache:") {
		text += "cache: {ttl: 1s}\n"
	}
	inc, err := incident.Parse("incident.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return inc
}

// TestInspectForms: the files that companies have are told apart, each with
// what its source must say; what the logs show is found in any form.
func TestInspectForms(t *testing.T) {
	for name, set := range map[string]func(*sim.Config){
		"csv": func(c *sim.Config) {
			c.OriginForm, c.EdgeForms, c.ALB, c.Analytics = "csv", []sim.EdgeForm{sim.V2JSON}, true, true
		},
		"logfmt": func(c *sim.Config) {
			c.OriginForm, c.EdgeForms, c.DeviceID, c.DirectoryForm = "logfmt", []sim.EdgeForm{sim.V2Parquet, sim.Realtime}, true, "snowflake"
		},
		"tsv": func(c *sim.Config) {
			c.OriginForm, c.EdgeForms, c.DirectoryForm = "tsv", []sim.EdgeForm{sim.V2W3C, sim.V2Plain}, "jsonl"
		},
		"raw":  func(c *sim.Config) { c.NoOrigin, c.ALB, c.DirectoryForm = true, true, "raw" },
		"dump": func(c *sim.Config) { c.DirectoryForm = "dump" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := sim.Bench(4_000, 3)
			set(&cfg)
			dir, _ := simulate(t, cfg)
			for _, name := range []string{"truth", "incident.yaml", "incident.key"} {
				if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			got := inspect(t, dir, ".")
			golden(t, "inspect_"+name+".txt", sourcesOf(got))
			inc := pasted(t, got)
			var paths []string
			for _, r := range inc.Routes {
				paths = append(paths, r.Path)
			}
			if want := []string{"/static/css/*", "/static/js/*"}; !cfg.NoOrigin && !slices.Equal(paths, want) {
				t.Errorf("routes %q, want %q", paths, want)
			}
		})
	}
}

// sourcesOf is what inspect says the files are, without sizes and counts that
// depend on how much happened.
func sourcesOf(in *scan.Inspection) string {
	var b strings.Builder
	for _, s := range in.Sources {
		read := "not read"
		if s.Rows > 0 {
			read = fmt.Sprintf("read as %s, %d rejected", s.Kind, s.Rejected)
		}
		fmt.Fprintf(&b, "%s: %s, %s\n", s.Folder, s.Format, read)
		if s.Problem != "" {
			fmt.Fprintf(&b, "  %s\n", s.Problem)
		}
	}
	fmt.Fprintf(&b, "\nmissing\n")
	for _, m := range in.Missing {
		fmt.Fprintf(&b, "  %s\n", m)
	}
	_, sources, _ := strings.Cut(in.Incident, "sources:")
	return b.String() + "\nsources:" + sources
}

var update = flag.Bool("update", false, "rewrite the goldens")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestInspectWrapped: rows are found in what log services wrap them in, and
// the source says in what.
func TestInspectWrapped(t *testing.T) {
	s := story{from: 0, to: 1200, leak: 630, stop: 870}
	edge, origin := s.logs()
	want := inspect(t, s.write(t), "edge", "origin")
	quoted := func(row string) string {
		text, err := json.Marshal(strings.TrimSpace(row))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for unwrap, wrap := range map[string]func(i int, row string) string{
		"cloudwatch-export": func(_ int, row string) string { return "2023-03-07T18:30:00.000Z " + row },
		"firehose": func(i int, row string) string {
			return fmt.Sprintf(`{"messageType":"DATA_MESSAGE","logEvents":[{"id":"%d","timestamp":1,"message":%s}]}`, i, quoted(row))
		},
		"string-json": func(_ int, row string) string {
			return `{"log":` + quoted(row) + `,"stream":"stdout","time":"2023-03-07T18:30:00Z"}` + "\n"
		},
	} {
		t.Run(unwrap, func(t *testing.T) {
			var b strings.Builder
			for i, row := range origin {
				b.WriteString(wrap(i, row))
			}
			dir := write(t, t.TempDir(), map[string]string{"edge/a.log": edgeHead + strings.Join(edge, ""), "origin/a": b.String()})
			got := inspect(t, dir, "edge", "origin")
			if diff := cmp.Diff(want.Routes[0].Onset, got.Routes[0].Onset); diff != "" || got.Sources[1].Rows != want.Sources[1].Rows {
				t.Errorf("%d rows, want %d; onset %s", got.Sources[1].Rows, want.Sources[1].Rows, diff)
			}
			if src := pasted(t, got).Sources[1]; src.Unwrap != unwrap || src.Map["request_id"] != "cf_id" {
				t.Errorf("source %+v", src)
			}
		})
	}
}

// TestInspectLocalTime: the zone of stamps that do not say it is found out by
// the requests that both logs have.
func TestInspectLocalTime(t *testing.T) {
	s := story{from: 0, to: 1200, leak: 630, stop: 870}
	edge, origin := s.logs()
	for i, row := range origin {
		origin[i] = strings.NewReplacer("2023-03-07T18:", "2023-03-07 10:", ".000Z", "").Replace(row)
	}
	dir := write(t, t.TempDir(), map[string]string{"edge/a.log": edgeHead + strings.Join(edge, ""), "origin/a": strings.Join(origin, "")})
	got := inspect(t, dir, "edge", "origin")
	if src := pasted(t, got).Sources[1]; src.TimeZone != "Etc/GMT+8" {
		t.Errorf("time_zone %q", src.TimeZone)
	}
	if got.Sources[1].First != "2023-03-07T18:00:00.000Z" || got.Routes[0].SinceStart {
		t.Errorf("first %s, route %+v", got.Sources[1].First, got.Routes[0])
	}
}

// TestInspectTables: what a table is shows in its columns; rows are an
// origin's only if they tell of requests.
func TestInspectTables(t *testing.T) {
	edge := edgeHead
	for i := range 20 {
		edge += edgeRow(i, "SEA19-C1", "/a.js", "Miss", fmt.Sprintf("id%02d==", i), "-")
	}
	for name, tt := range map[string]struct{ head, row, want string }{
		"sessions":       {"session_hash,user_id,created_at,ip,user_agent", "5e55100a5e55100b,u1,2023-03-07T18:00:00Z,192.0.2.1,curl/8.0", "sessions: {uri: t/}"},
		"sessions, raw":  {"sid\tsess\texpire", "k3J9x0PqLmN8zT7v\t{}\t2023-03-08 18:00:00", "sessions: {uri: t/, map: {session_hash: sid, user_id: sess}}  #"},
		"users":          {"ID,Email,created_at,status", "u1,ann@example.com,2023-03-01T00:00:00Z,200", "users: {uri: t/, map: {user_id: ID}}"},
		"memberships":    {"user_id;org_id;created_at", "u1;w1;2023-03-01T00:00:00Z", "memberships: {uri: t/, map: {workspace_id: org_id}}"},
		"workspaces":     {"id,title,created_at", "w1,Example,2023-03-01T00:00:00Z", "workspaces: {uri: t/, map: {name: title, workspace_id: id}}"},
		"contacts":       {"workspace_id,contact_email", "w1,ann@example.com", "contacts: {uri: t/}"},
		"analytics":      {"at,event,user_id,device_id,ip", "2023-03-07T18:00:00Z,page,u1,d1,192.0.2.1", "kind: sighting"},
		"audit table":    {"created_at|action|actor|user_id|ip_address|ip", "2023-03-07T18:00:00Z|login|ann|u1|192.0.2.1|192.0.2.1", "kind: sighting"},
		"log by its ids": {"when,edge,who", "2023-03-07T18:00:00Z,id01==,u1", "kind: origin"},
		"log by method":  {"ts,method,path", "2023-03-07T18:00:00Z,GET,/a", "kind: origin"},
		"prices":         {"sku,price,created_at", "a-1,12.50,2023-03-07T18:00:00Z", ""},
		"values":         {"k3J9x0PqLmN8zT7vaa,Ann", "m4J9x0PqLmN8zT7vbb,Bob", ""},
	} {
		t.Run(name, func(t *testing.T) {
			rows := ""
			for i := range 20 {
				rows += strings.ReplaceAll(tt.row, "id01", fmt.Sprintf("id%02d", i)) + "\n"
			}
			got := inspect(t, write(t, t.TempDir(), map[string]string{"e/log": edge, "t/table": tt.head + "\n" + rows}), ".")
			pasted(t, got)
			_, suggested, _ := strings.Cut(got.Incident, "format: cloudfront}\n")
			if !strings.Contains(suggested, tt.want) || tt.want == "" && suggested != "" {
				t.Errorf("suggests %q, want %q", suggested, tt.want)
			}
			problem := got.Sources[1].Problem
			if read := strings.HasPrefix(tt.want, "kind:"); read != (problem == "") || strings.Contains(problem, "k3J9x0") {
				t.Errorf("problem %q", problem)
			}
		})
	}
}

// TestInspectScans: a scan of the sources and tables that inspect suggests
// finds what a scan of the stated ones does.
func TestInspectScans(t *testing.T) {
	t.Parallel()
	cfg := sim.Bench(2_000, 3)
	cfg.OriginForm, cfg.EdgeForms, cfg.ALB, cfg.Analytics, cfg.DirectoryForm = "csv", []sim.EdgeForm{sim.V2JSON}, true, true, "snowflake"
	dir, _ := simulate(t, cfg)
	_, stated, _ := strings.Cut(readFile(t, filepath.Join(dir, "incident.yaml")), "sources:")
	want := deliveryLines(run(t, inputOf(t, dir)))
	_, suggested, _ := strings.Cut(inspect(t, dir, "edge-v2-json", "origin", "alb", "analytics", "directory").Incident, "sources:")
	got := deliveryLines(run(t, inputOf(t, dir, stated, suggested)))
	if len(want) < 10 || !slices.Equal(want, got) {
		t.Errorf("%d and %d deliveries; %s", len(want), len(got), firstDifference(strings.Join(want, "\n"), strings.Join(got, "\n")))
	}
}
