package scan_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan"
)

// TestLook takes from a good incident one thing at a time and asks what can
// then be named. A look reads no log to its end and writes nothing.
func TestLook(t *testing.T) {
	t.Parallel()
	dir, _ := simulate(t, dense(0.35, 3*time.Minute))
	map1 := func(name string) string { return name + ": " }
	for _, c := range []struct {
		name    string
		edit    []string
		what    string
		verdict string
		why     string
		useless bool
	}{
		{"as it is", nil, "whose session", model.CapabilityYes, "edge Misses looked at are found there", false},
		{"no edge log", []string{edgeSource(t, dir), ""}, "which hits", model.CapabilityNo, "there is no edge log", true},
		{"no origin log", []string{originSource(t, dir), ""}, "whose session", model.CapabilityNo, "there is no origin row", true},
		{"no origin log: use", []string{originSource(t, dir), ""}, "used by its recipient", model.CapabilityNo, "nothing can be confirmed", true},
		{"other routes", []string{"/static/", "/nowhere/", "/static/", "/nowhere/"}, "which hits", model.CapabilityPartly, "is on a route", false},
		{"other hours", []string{"2023-03-07T", "2023-03-17T", "2023-03-07T", "2023-03-17T", "2023-03-07T", "2023-03-17T"}, "which hits", model.CapabilityNo, "outside the hours to read", true},
		{"no request id", []string{map1("request_id") + "cf_id", map1("request_id") + "nothing"}, "whose session", model.CapabilityPartly, "no request id", false},
		{"another id", []string{map1("request_id") + "cf_id", map1("request_id") + "path"}, "whose session", model.CapabilityPartly, "0 of ", false},
		{"no set_cookie", []string{"set_cookie: set_cookie, set_session: set_sid_hash", "host: host"}, "which responses", model.CapabilityPartly, "neither log says it", false},
		{"a sample", []string{"uri: edge/*.gz, format: auto", "uri: edge/*.gz, format: auto, sampled: 10%"}, "did not happen", model.CapabilityNo, "10 % of the requests", false},
		{"a real-time log", []string{"uri: edge/*.gz, format: auto", "uri: edge/*.gz, format: cloudfront-realtime, fields: [timestamp, c-ip]"}, "did not happen", model.CapabilityNo, "is not stated", true},
		{"a sample beside all", []string{"  - {kind: edge, uri: edge/*.gz, format: auto", "  - {kind: edge, uri: edge/*.gz, format: auto, sampled: 10%}\n  - {kind: edge, uri: edge/*.gz, format: auto"}, "did not happen", model.CapabilityPartly, "best-effort", false},
		{"another delimiter", []string{"uri: edge/*.gz, format: auto", "uri: edge/*.gz, format: auto, delimiter: ';'"}, "which hits", model.CapabilityNo, "lines looked at were rejected, the first because: ", true},
		{"signed", []string{"revocable: server", "revocable: signed"}, "to revoke", model.CapabilityNo, "until they expire", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := scan.Look(context.Background(), inputOf(t, dir, c.edit...))
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, x := range p.Capabilities {
				if x.Verdict != model.CapabilityYes && x.Change == "" && !strings.Contains(x.Why, "best-effort") && !strings.Contains(x.Why, "no edge row to time") {
					t.Errorf("nothing is said to change it: %+v", x)
				}
				if strings.Contains(x.What, c.what) {
					found = true
					if x.Verdict != c.verdict || !strings.Contains(x.Why, c.why) {
						t.Errorf("%+v", x)
					}
				}
			}
			if !found || p.Useless() != c.useless {
				t.Errorf("found %v, useless %v: %+v", found, p.Useless(), p.Capabilities)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "case*")); len(left) > 0 {
		t.Errorf("a look left %v", left)
	}
}

// TestLookCuts: a look that ends within a record does not blame the file.
func TestLookCuts(t *testing.T) {
	t.Parallel()
	dir, _ := simulate(t, sim.Bench(8000, 5))
	var b strings.Builder // what a log service delivers, with no end of a line
	n := 0
	for row := range strings.Lines(readFile(t, glob(t, filepath.Join(dir, "origin", "*.gz"))[0])) {
		n++
		fmt.Fprintf(&b, `{"messageType":"DATA_MESSAGE","logGroup":"app","logEvents":[{"id":"%d","timestamp":0,"message":%q}]}`, n, strings.TrimSpace(row))
	}
	if err := os.WriteFile(filepath.Join(dir, "origin", "app"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := scan.Look(context.Background(), inputOf(t, dir, "origin/*.jsonl.gz", "origin/app"))
	if err != nil || len(p.Problems) > 0 || p.Sources[1].Bytes < 1<<20 {
		t.Errorf("%+v, %v", p, err)
	}
}
