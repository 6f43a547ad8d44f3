package scan_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/fixtures/sim"
)

// The planted values: a session as it travels in a cookie, and a short
// one.
const (
	secret      = "s:kPq8Zr2vXw5Ty7Lm3Nb9Cd4Fg6Hj1.QsWeRtYuIoPaSdFg/hJk+lZ="
	shortSecret = "hunter2zwei"
)

// TestNoSecretSurvives plants session values wherever a log can hold them and
// looks for them in all that a scan says, also of lines that it cannot read.
func TestNoSecretSurvives(t *testing.T) {
	for _, value := range []string{secret, shortSecret} {
		dir := leaking(t)
		sum := sha256.Sum256([]byte(value))
		digest := hex.EncodeToString(sum[:])
		plantEdge(t, dir, value)
		plantOrigin(t, dir, value)
		edit(t, filepath.Join(dir, "directory", "sessions.csv"), func(s string) string { return s + digest + ",ann\n" })
		in := inputOf(t, dir,
			"uri: edge/*.gz, format: auto", "uri: edge/*.gz, format: auto, session_form: {hash: sha256-hex}",
			"format: jsonl\n", "format: jsonl\n    session_form: {hash: sha256-hex}\n")
		f := run(t, in)
		balanced(t, f)
		if len(f.rejects) < 6 || len(f.unresolved) == 0 || len(f.deliveries) < 1 || len(f.cited) < 4 {
			t.Fatalf("%d rejects, %d unresolved, %d deliveries, %d cited rows: too little to look through", len(f.rejects), len(f.unresolved), len(f.deliveries), len(f.cited))
		}
		if d := f.deliveries[0]; d.HolderUser != "ann" {
			t.Errorf("the planted session was not understood: %+v", d)
		}
		clean(t, "findings and manifest", f.text(t), value)

		// The directory may hold live values; its errors must not quote them.
		for name, line := range map[string]string{
			"sessions.csv":    value + ",ann,too many,cells\n",
			"users.csv":       "ann," + value + "\n",
			"memberships.csv": "ann,acme," + value + ",\n",
		} {
			spoiled := leaking(t)
			edit(t, filepath.Join(spoiled, "directory", name), func(s string) string { return s + line })
			f, err := try(inputOf(t, spoiled))
			if err != nil {
				clean(t, "error about "+name, err.Error(), value)
			} else {
				clean(t, "findings with a bad "+name, f.text(t), value)
			}
		}
	}
}

// clean fails if text holds value in any of the forms a log could have it in.
func clean(t *testing.T, what, text, value string) {
	t.Helper()
	for form, v := range map[string]string{
		"clear": value, "query-escaped": url.QueryEscape(value), "path-escaped": url.PathEscape(value),
		"hex": hex.EncodeToString([]byte(value)), "base64": base64.RawStdEncoding.EncodeToString([]byte(value)),
		"its first half": value[:len(value)/2],
	} {
		if i := strings.Index(strings.ToLower(text), strings.ToLower(v)); i >= 0 {
			t.Errorf("%s: the value stands there in %s: …%s…", what, form, text[max(0, i-200):min(len(text), i+100)])
		}
	}
}

// plantEdge puts value into every column of edge rows that comes from outside,
// and adds lines with it that no decoder can read.
func plantEdge(t *testing.T, dir, value string) {
	escaped := strings.NewReplacer("+", "%2B", "/", "%2F").Replace(value)
	edit(t, filepath.Join(dir, "edge", "*-07-18.*.gz"), func(log string) string {
		var b strings.Builder
		for line := range strings.Lines(log) {
			f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if len(f) > 30 {
				f[9] = "https://app.example.com/reset/" + escaped + "?sid=" + escaped
				f[10] += "%20sid=" + escaped
				f[11] = "sid=" + escaped + "&next=" + escaped
				if f[14] == sim.RequestID("f1") {
					f[12] = "theme=dark;%20sid=" + escaped + ";%20other=" + escaped
				}
				if f[14] == sim.RequestID("b1") || f[14] == sim.RequestID("b0") {
					f[7] = "/reset/" + escaped + "/" + escaped
				}
				line = strings.Join(f, "\t") + "\n"
			}
			b.WriteString(line)
		}
		text := b.String()
		var last string
		for line := range strings.Lines(text) {
			last = line
		}
		broken := strings.Split(last, "\t")
		for _, column := range []int{0, 1, 4, 8, 18, 26} { // date, time, address, status, time-taken, port
			f := append([]string(nil), broken...)
			f[column], f[14] = escaped, "broken-"+strings.Repeat("x", column)
			text += strings.Join(f, "\t")
		}
		return text + escaped + "\n" + "a\t" + escaped + "\tb\n" + "#Fields: " + escaped + "\n"
	})
}

// plantOrigin has the application log the cookie's value itself.
func plantOrigin(t *testing.T, dir, value string) {
	edit(t, filepath.Join(dir, "origin", "*-18.jsonl.gz"), func(log string) string {
		var b strings.Builder
		for line := range strings.Lines(log) {
			if strings.Contains(line, sim.RequestID("f1")) || strings.Contains(line, sim.RequestID("b1")) {
				for _, key := range []string{"sid_hash", "set_sid_hash"} {
					before, after, _ := strings.Cut(line, `"`+key+`":"`)
					_, rest, _ := strings.Cut(after, `"`)
					line = before + `"` + key + `":"` + value + `"` + rest
				}
				before, after, _ := strings.Cut(line, `"path":"`)
				_, rest, _ := strings.Cut(after, `"`)
				line = before + `"path":"/reset/` + value + `/` + value + `?sid=` + value + `"` + rest
				line = strings.Replace(line, `"ua":"`, `"ua":"`+value+" ", 1)
			}
			b.WriteString(line)
		}
		return b.String() + value + "\n" +
			`{"ts":"` + value + `","cf_id":"x1","sid_hash":"` + value + `"}` + "\n" +
			`{"ts":"2023-03-07T18:21:01Z","cf_id":"x2","status":"` + value + `","xff":"` + value + `","sid_hash":"` + value + "\"}\n" +
			`{"ts":"2023-03-07T18:21:01Z","cf_id":"x3","sid_hash":{"a":"` + value + "\"}}\n" +
			`{"ts":"2023-03-07T18:21:01Z","cf_id":"x4","method":"` + value + `","path":"/` + value + `","sid_hash":"` + value + "\"}\n" +
			`{"ts":"2023-03-07T18:21:01Z","cf_id":"x5","sid_hash":"` + value + "\n"
	})
}
