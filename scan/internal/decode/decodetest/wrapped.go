package decodetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// wrapping is a way to hand over lines in something else.
type wrapping struct {
	name, unwrap string
	one          func(line string) string // a line
	all          func(ones []string) string
	nested       bool // a row is cited by the message it came in
}

const stamp = "2023-03-07T18:21:05.123Z "

func wrappings() []wrapping {
	docker := func(line string) string {
		return `{"log":"` + escaped(line+"\n") + `","stream":"stdout","time":"2023-03-07T18:21:05Z"}`
	}
	event := func(line string) string {
		return `{"id":"1","timestamp":1678213265123,"message":"` + escaped(line) + `"}`
	}
	envelope := func(events []string) string {
		var b strings.Builder
		for part := range slices.Chunk(events, 7) {
			b.WriteString(`{"messageType":"DATA_MESSAGE","owner":"123456789012","logEvents":[` + strings.Join(part, ",") + `]}`)
		}
		return b.String()
	}
	eachLine := func(ones []string) string { return strings.Join(ones, "\n") + "\n" }
	return []wrapping{
		{"export", decode.UnwrapExport, func(line string) string { return stamp + line }, eachLine, false},
		{"envelopes", decode.UnwrapFirehose, event, envelope, false},
		{"strings", decode.UnwrapString, docker, eachLine, false},
		{"strings in envelopes", decode.UnwrapFirehose, func(line string) string { return event(docker(line)) }, envelope, true},
	}
}

// escaped writes s as the inside of a JSON string, and its bytes as they are.
func escaped(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// wrapped hands the lines over in each way: the rows are the same, and each
// stands where it is said to.
func (c Case) wrapped(t *testing.T, whole Result) {
	var in []string
	for _, line := range lines(c.Input) {
		in = append(in, strings.TrimSuffix(string(line), "\n"))
	}
	for _, w := range wrappings() {
		ones := make([]string, 0, len(in))
		for _, line := range in {
			ones = append(ones, w.one(line))
		}
		text := w.all(ones)
		var got Result
		d := c.New(func(row Row) { got.Rows = append(got.Rows, row) })
		got.Balance, got.Err = decode.Records(strings.NewReader(text), 7, w.unwrap, d, func(r model.Reject) { got.Rejects = append(got.Rejects, r) })
		if got.Err != nil || got.Balance != whole.Balance {
			t.Errorf("%s: %+v, want %+v; error %v", w.name, got.Balance, whole.Balance, got.Err)
			continue
		}
		if want, have := texts(whole.Rows), texts(got.Rows); !slices.Equal(want, have) {
			t.Errorf("%s: %s", w.name, difference(want, have))
			continue
		}
		for i, row := range got.Rows {
			line := in[whole.Rows[i].Ref.Line-1]
			at := text[min(row.Ref.Offset, int64(len(text))):]
			if w.nested {
				line = strings.TrimSuffix(strings.TrimPrefix(w.one(line), `{"id":"1","timestamp":1678213265123,"message":"`), `"}`)
			} else if w.unwrap != decode.UnwrapExport {
				line = escaped(line)
			}
			if number := 1 + bytes.Count([]byte(text[:row.Ref.Offset]), []byte("\n")); !strings.HasPrefix(at, line) || uint64(number) != row.Ref.Line {
				t.Errorf("%s: row %d is said to stand at line %d, byte %d", w.name, i, row.Ref.Line, row.Ref.Offset)
			}
		}
		NoSecret(t, got, c.Secrets...)
	}
}
