package decode_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// placed notes where each row stands and which event it came in.
type placed struct {
	rows   []string
	events []uint64
	event  uint64
}

func (p *placed) Event(id uint64) { p.event = id }

func (p *placed) Line(ref model.Ref, row []byte) (decode.Outcome, string) {
	p.rows = append(p.rows, fmt.Sprintf("%d@%d %s", ref.Line, ref.Offset, row))
	p.events = append(p.events, p.event)
	return decode.Parsed, ""
}

func records(t *testing.T, r io.Reader, unwrap string) (rows, rejects []string, b model.Balance, err error) {
	t.Helper()
	var p placed
	b, err = decode.Records(r, 3, unwrap, &p, func(x model.Reject) {
		rejects = append(rejects, fmt.Sprintf("%d@%d %s", x.Ref.Line, x.Ref.Offset, x.Reason))
	})
	if !b.Holds() || b.Parsed != int64(len(p.rows)) || b.Rejected != int64(len(rejects)) {
		t.Errorf("balance %+v with %d rows and %d rejects", b, len(p.rows), len(rejects))
	}
	return p.rows, rejects, b, err
}

// TestRecords: «» mark in the input where a row stands, and are no part of it.
func TestRecords(t *testing.T) {
	for _, tt := range []struct {
		name, unwrap, in string
		want             []string // texts of rows
		comments         int64
		rejects          []string
	}{
		{"nothing wrapped", "", "«{\"ts\":1}\n«{\"ts\":2}\n", []string{`{"ts":1}`, `{"ts":2}`}, 0, nil},
		{"no line breaks", "", `«{"ts":1}«{"ts":2} «{"ts":3}`, []string{`{"ts":1}`, `{"ts":2}`, `{"ts":3}`}, 0, nil},
		{"some line breaks", "", "«{\"ts\":1}\n«{\"ts\":2}«{\"ts\":3}\n", []string{`{"ts":1}`, `{"ts":2}`, `{"ts":3}`}, 0, nil},
		{"over several lines", "", "«{\n \"ts\": 1\n}\n«{\n \"ts\": 2\n}\n", []string{"{\n \"ts\": 1\n}", "{\n \"ts\": 2\n}"}, 0, nil},
		{"array", "", "[«{\"ts\":1},\n «{\"ts\":\"}{\"}]\n", []string{`{"ts":1}`, `{"ts":"}{"}`}, 0, nil},
		{"byte order mark", "", "\xef\xbb\xbf«{\"ts\":1}«{\"ts\":2}", []string{`{"ts":1}`, `{"ts":2}`}, 0, nil},
		{"damaged value", "", `«{"ts":1}«{"ts":2}{"ts":"cut{"ts":3}«{"ts":4}`, []string{`{"ts":1}`, `{"ts":2}`, `{"ts":4}`}, 0, []string{"1@16 not JSON"}},
		{"value cut off by a line break", "", "«{\"ts\":1}«{\"ts\":2}{\"ts\":\"cu\n«{\"ts\":4}", []string{`{"ts":1}`, `{"ts":2}`, `{"ts":4}`}, 0, []string{"1@16 not JSON"}},
		{"last value cut off", "", `«{"ts":1}«{"ts":2}{"ts":`, []string{`{"ts":1}`, `{"ts":2}`}, 0, []string{"1@16 cut short"}},

		{"export", "", "2023-03-07T18:21:05.123Z «{\"ts\":1}\n2023-03-07T18:21:05.124Z «{\"ts\":2}\n", []string{`{"ts":1}`, `{"ts":2}`}, 0, nil},
		{"export, time of ingestion", "", "2023-03-07T18:21:05.123Z 2023-03-07T18:21:09.001Z «{\"ts\":1}\n", []string{`{"ts":1}`}, 0, nil},
		{"export, a row over lines", "", "2023-03-07T18:21:05.123Z «{\n  \"ts\":1\n}\n2023-03-07T18:21:05.124Z «{\"ts\":2}\n", []string{"{\n  \"ts\":1\n}", `{"ts":2}`}, 0, nil},
		{"export, rows in a message", "", "2023-03-07T18:21:05.123Z «{\"ts\":1}\n«{\"ts\":2}\n", []string{`{"ts":1}`, `{"ts":2}`}, 0, nil},
		{"export, a trace", "", "2023-03-07T18:21:05.123Z «{\"ts\":1}\n2023-03-07T18:21:05.124Z «Error: no\r\n\tat a\r\n    at b\r\n", []string{`{"ts":1}`, "Error: no\n\tat a\n    at b"}, 0, nil},
		{"export, Lambda", "", "2023-03-07T18:21:05.123Z START RequestId: 1 Version: 2\n2023-03-07T18:21:05.123Z «{\"ts\":1}\n2023-03-07T18:21:05.124Z END RequestId: 1\n", []string{`{"ts":1}`}, 2, nil},
		{"tailed", "", "2023-03-07T18:21:05.123000+00:00 web/1 «{\"ts\":1}\n", []string{`{"ts":1}`}, 0, nil},
		{"container runtime", "", "2023-03-07T18:21:05.123456789Z stdout F «{\"ts\":1}\n", []string{`{"ts":1}`}, 0, nil},
		{"export of key=value", "", "2023-03-07T18:21:05.123Z «ts=1 a=b\n", []string{"ts=1 a=b"}, 0, nil},
		{"stamp of the application's own", "", "«2023-03-07T18:21:05.123Z GET /a 200\n", []string{"2023-03-07T18:21:05.123Z GET /a 200"}, 0, nil},
		{"said to be an export", "cloudwatch-export", "2023-03-07T18:21:05.123Z «GET /a 200\n", []string{"GET /a 200"}, 0, nil},
		{"said to be an export, of the API", "cloudwatch-export", `{"events":[{"timestamp":1,"message":"«a b"}]}`, []string{"a b"}, 0, nil},

		{"envelope", "", `{"messageType":"DATA_MESSAGE","owner":"1","subscriptionFilters":["f"],"logEvents":[{"id":"1","timestamp":1,"message":"«{\"ts\":1}"},{"id":"2","timestamp":2,"message":"«{\"ts\":2}"}]}`,
			[]string{`{"ts":1}`, `{"ts":2}`}, 0, nil},
		{"envelopes without line breaks", "", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"«{\"ts\":1}"}]}{"messageType":"DATA_MESSAGE","logEvents":[{"id":"2","message":"«{\"ts\":2}"}]}`,
			[]string{`{"ts":1}`, `{"ts":2}`}, 0, nil},
		{"envelope over lines", "", "{\n \"messageType\": \"DATA_MESSAGE\",\n \"logEvents\": [\n  {\n   \"id\": \"1\",\n   \"message\": \"«{\\\"ts\\\":1}\"\n  }\n ]\n}\n{\"logEvents\":[]}{\"owner\":\"1\"}",
			[]string{`{"ts":1}`}, 1, []string{"10@120 JSON, but neither an envelope with logEvents nor one with events"}},
		{"control message", "", `{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}{"messageType":"DATA_MESSAGE","logEvents":[{"id":"2","message":"«{\"ts\":2}"}]}`,
			[]string{`{"ts":2}`}, 1, nil},
		{"several lines a message", "", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"«{\"ts\":1}\n«{\"ts\":\"\u00e9\ud83d\ude00\\n\"}\n"}]}`,
			[]string{`{"ts":1}`, `{"ts":"é😀\n"}`}, 0, nil},
		{"a row over lines", "", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"«{\n\"ts\":1\n}\n«{\"ts\":2}"}]}`,
			[]string{"{\n\"ts\":1\n}", `{"ts":2}`}, 0, nil},
		{"events of the API", "", `{"events":[{"logStreamName":"s","timestamp":1,"message":"«{\"ts\":1}","ingestionTime":2,"eventId":"3"}],"searchedLogStreams":[]}`,
			[]string{`{"ts":1}`}, 0, nil},
		{"no message", "", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1"},{"id":"2","message":""},{"id":"3","message":"«{}"}]}`,
			[]string{`{}`}, 1, []string{"1@43 an event without a message"}},
		{"damaged envelope", "", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"«{\"ts\":1}"},{"id":"2",oops}]}{"messageType":"DATA_MESSAGE","logEvents":[{"id":"3","message":"«{\"ts\":3}"}]}`,
			[]string{`{"ts":1}`, `{"ts":3}`}, 0, []string{"1@77 not JSON"}},
		{"envelope cut off in a message", "", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"«{\"ts\":1}"},{"id":"2","message":"{\"ts\"`,
			[]string{`{"ts":1}`}, 0, []string{"1@77 cut short"}},
		{"envelope cut off behind a message", "", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"«{\"ts\":1}"`,
			[]string{`{"ts":1}`}, 0, []string{"1@43 cut short"}},

		{"Docker", "", "{\"log\":\"«{\\\"ts\\\":1}\\n\",\"stream\":\"stdout\",\"time\":\"2023-03-07T18:21:05Z\"}\n", []string{`{"ts":1}`}, 0, nil},
		{"Docker, plain text", "", `{"log":"«ts=1 a=b\n","stream":"stdout","time":"2023-03-07T18:21:05Z"}`, []string{"ts=1 a=b"}, 0, nil},
		{"Docker, a message of the application's own", "", `{"log":"«{\"ts\":1,\"message\":\"GET /\"}\n","stream":"stdout","time":"2023-03-07T18:21:05Z"}`, []string{`{"ts":1,"message":"GET /"}`}, 0, nil},
		{"said to be wrapped, JSON in a field", "string-json", `{"log":"«{\"a\":\"{\\\"b\\\":1}\"}"}`, []string{`{"a":"{\"b\":1}"}`}, 0, nil},
		{"a shipper's fields", "", `{"@timestamp":"2023-03-07T18:21:05Z","host":{"name":"a"},"message":"«{\"ts\":1}"}`, []string{`{"ts":1}`}, 0, nil},
		{"the application's own message", "", `«{"ts":1,"cf_id":"a","message":"{\"b\":1}"}`, []string{`{"ts":1,"cf_id":"a","message":"{\"b\":1}"}`}, 0, nil},
		{"said to be wrapped", "string-json", `{"ts":1,"cf_id":"a","payload":"«{\"b\":1}"}`, []string{`{"b":1}`}, 0, nil},
		{"said not to be", "none", `«{"@timestamp":1,"message":"{\"b\":1}"}`, []string{`{"@timestamp":1,"message":"{\"b\":1}"}`}, 0, nil},
		{"syslog", "", "<134>2023-03-07T18:21:05Z web-1 app[7]: «{\"ts\":1}\n", []string{`{"ts":1}`}, 0, nil},
		{"compose", "", "web_1  | «{\"ts\":1}\n", []string{`{"ts":1}`}, 0, nil},
		{"a column of JSON", "", "«1678213265,{\"ts\":1}\n", []string{`1678213265,{"ts":1}`}, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, want := marked(tt.in, tt.want)
			rows, rejects, b, err := records(t, strings.NewReader(in), tt.unwrap)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, rows); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.rejects, rejects); diff != "" {
				t.Errorf("rejects (-want +got):\n%s", diff)
			}
			if b.Comment != tt.comments {
				t.Errorf("%d comments, want %d", b.Comment, tt.comments)
			}
			slow, _, _, _ := records(t, iotest.OneByteReader(strings.NewReader(in)), tt.unwrap)
			if diff := cmp.Diff(rows, slow); diff != "" {
				t.Errorf("byte by byte (-at once +byte by byte):\n%s", diff)
			}
		})
	}
}

// marked takes the marks out of in and puts the places they stood at before
// the rows.
func marked(in string, rows []string) (string, []string) {
	var out strings.Builder
	var want []string
	for i, part := range strings.Split(in, "«") {
		if i > 0 {
			line := 1 + strings.Count(out.String(), "\n")
			want = append(want, fmt.Sprintf("%d@%d %s", line, out.Len(), rows[i-1]))
		}
		out.WriteString(part)
	}
	return out.String(), want
}

// TestNested: a row wrapped twice is cited by the message it came in.
func TestNested(t *testing.T) {
	in := `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"{\"log\":\"{\\\"ts\\\":1}\\n\",\"stream\":\"stdout\",\"time\":\"t\"}"}]}`
	rows, _, _, err := records(t, strings.NewReader(in), "")
	want := []string{fmt.Sprintf("1@%d %s", strings.Index(in, `{\"log`), `{"ts":1}`)}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Errorf("error %v, rows (-want +got):\n%s", err, diff)
	}
}

// TestEvents: what was delivered twice has the same event, whatever envelope
// it comes in, and each row of a message its own.
func TestEvents(t *testing.T) {
	events := func(in string) []uint64 {
		var p placed
		if _, err := decode.Records(strings.NewReader(in), 0, "", &p, func(model.Reject) {}); err != nil {
			t.Fatal(err)
		}
		return p.events
	}
	one := events(`{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"{}\n{}"},{"id":"2","message":"{}"}]}`)
	two := events(`{"events":[{"timestamp":1,"message":"{}","eventId":"2"}]}`)
	none := events(`{"events":[{"timestamp":1,"message":"{}"}]}`)
	if len(one) != 3 || one[0] == one[1] || one[1] == one[2] || one[0] == 0 {
		t.Errorf("events %v", one)
	}
	if len(two) != 1 || two[0] != one[2] || len(none) != 1 || none[0] != 0 {
		t.Errorf("again %v, without id %v; first %v", two, none, one)
	}
}

// TestLongRecords: what is too long is passed over, not held, and what follows
// is read.
func TestLongRecords(t *testing.T) {
	long := strings.Repeat("x", decode.MaxLine)
	for name, in := range map[string]string{
		"value":    `{"ts":1}{"ts":"` + long + `"}{"ts":2}`,
		"envelope": `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"{\"ts\":1}"},{"id":"2","message":"{\"ts\":\"` + long + `\"}"},{"id":"3","message":"{\"ts\":2}"}]}`,
		"export":   "2023-03-07T18:21:05.123Z {\"ts\":1}\n2023-03-07T18:21:05.123Z {\"ts\":\"" + long + "\"}\n2023-03-07T18:21:05.123Z {\"ts\":2}\n",
	} {
		rows, rejects, _, err := records(t, strings.NewReader(in), "")
		if err != nil || len(rows) != 2 || len(rejects) != 1 || !strings.Contains(rejects[0], "1 MiB") {
			t.Errorf("%s: %d rows, rejects %q, error %v", name, len(rows), rejects, err)
		}
	}
}

// TestBigEnvelope: an envelope may have any size, as long as its rows have not.
func TestBigEnvelope(t *testing.T) {
	const events = 40_000
	event := `{"id":"1","timestamp":1,"message":"{\"ts\":1,\"pad\":\"` + strings.Repeat("x", 400) + `\"}"}`
	r := io.MultiReader(
		strings.NewReader(`{"messageType":"DATA_MESSAGE","logEvents":[`+event),
		&repeat{text: []byte("," + event), n: events - 1},
		strings.NewReader("]}"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b, err := decode.Records(r, 0, "", &echo0{}, func(model.Reject) {})
	runtime.ReadMemStats(&after)
	if err != nil || b.Parsed != events {
		t.Errorf("balance %+v, error %v", b, err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 2<<20 {
		t.Errorf("%d MB of envelope took %d bytes of memory", events*len(event)>>20, took)
	}
}

// echo0 parses every row and keeps none.
type echo0 struct{}

func (*echo0) Line(model.Ref, []byte) (decode.Outcome, string) { return decode.Parsed, "" }

// repeat is a text n times.
type repeat struct {
	text []byte
	rest []byte
	n    int
}

func (r *repeat) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.n == 0 {
			return 0, io.EOF
		}
		r.rest, r.n = r.text, r.n-1
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// TestRecordsFail: when the stream fails, what was complete counts.
func TestRecordsFail(t *testing.T) {
	whole := `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"{\"ts\":1}"},{"id":"2","message":"{\"ts\":2}"}]}`
	for n := range len(whole) {
		r := io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(io.ErrUnexpectedEOF))
		rows, rejects, _, err := records(t, r, "firehose")
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d: error %v", n, err)
		}
		complete := strings.Count(whole[:n], `1}"`) + strings.Count(whole[:n], `2}"`)
		if n > 60 && (len(rows) != complete || len(rejects) != 1 || !strings.Contains(rejects[0], "cut short")) {
			t.Errorf("cut at %d: rows %q, rejects %q", n, rows, rejects)
		}
	}
}

// FuzzRecords: whatever the stream, the account holds, and reading it in other
// portions changes nothing.
func FuzzRecords(f *testing.F) {
	for _, seed := range []string{
		"{\"ts\":1}\n{\"ts\":2}\n", `{"ts":1}{"ts":2}`, "[{\"ts\":1},\n{\"ts\":2}]", "2023-03-07T18:21:05.123Z {\n\"ts\":1}\n",
		`{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"{\"ts\":1}\n{\"a\":\"\ud83d\ude00\"}"}]}`,
		`{"log":"{\"ts\":1}\n","stream":"stdout","time":"t"}`, "<134>1 a: {\"ts\":1}\n",
	} {
		f.Add([]byte(seed), uint8(0))
		f.Add([]byte(seed), uint8(3))
	}
	unwraps := [...]string{"", "none", "cloudwatch-export", "firehose", "string-json"}
	f.Fuzz(func(t *testing.T, in []byte, how uint8) {
		unwrap := unwraps[int(how)%len(unwraps)]
		rows, rejects, b, err := records(t, bytes.NewReader(in), unwrap)
		rows2, rejects2, b2, err2 := records(t, iotest.OneByteReader(bytes.NewReader(in)), unwrap)
		if b != b2 || !errors.Is(err2, err) || !cmp.Equal(rows, rows2) || !cmp.Equal(rejects, rejects2) {
			t.Errorf("at once %q %q %+v %v\nbyte by byte %q %q %+v %v", rows, rejects, b, err, rows2, rejects2, b2, err2)
		}
		if err == nil && unwrap == "" && len(bytes.TrimSpace(in)) > 0 && b.Lines == 0 && !emptyArray(in) {
			t.Error("nothing was counted")
		}
	})
}

// emptyArray reports whether in holds brackets and commas alone.
func emptyArray(in []byte) bool {
	return len(bytes.Trim(bytes.TrimPrefix(in, []byte("\xef\xbb\xbf")), "[], \t\r\n")) == 0
}

// BenchmarkRecords is what taking rows out of each envelope costs.
func BenchmarkRecords(b *testing.B) {
	row := `{"ts":"2023-03-07T18:21:05.123Z","level":"info","cf_id":"id-1==","method":"GET","path":"/static/js/app.js?v=1","status":200,"user":{"id":"u_0001","roles":["a","b"]}}`
	escaped := strings.ReplaceAll(row, `"`, `\"`)
	for name, in := range map[string]string{
		"lines":     row + "\n",
		"values":    row,
		"export":    "2023-03-07T18:21:05.123Z " + row + "\n",
		"envelopes": `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":1,"message":"` + escaped + `"}]}`,
		"Docker":    `{"log":"` + escaped + `\n","stream":"stdout","time":"t"}` + "\n",
	} {
		b.Run(name, func(b *testing.B) {
			text := []byte(strings.Repeat(in, 20_000))
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if got, err := decode.Records(bytes.NewReader(text), 0, "", &echo0{}, func(model.Reject) {}); err != nil || got.Parsed != 20_000 {
					b.Fatal(got, err)
				}
			}
		})
	}
}

// hoarder keeps what it was lent.
type hoarder struct{ lent [][]byte }

func (h *hoarder) Line(_ model.Ref, row []byte) (decode.Outcome, string) {
	h.lent = append(h.lent, row)
	return decode.Parsed, ""
}

// TestWiped: what was unwrapped, sessions in clear among it, is overwritten.
func TestWiped(t *testing.T) {
	const secret = "planted-secret"
	row := `{\"sid\":\"` + secret + `\"}`
	for name, in := range map[string]string{
		"envelopes": `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"` + row + `"}]}`,
		"Docker":    `{"log":"` + row + `\n","stream":"stdout","time":"t"}` + "\n",
		"values":    `{"sid":"` + secret + `"}{"sid":"` + secret + `"}`,
		"export":    "2023-03-07T18:21:05.123Z {\"sid\":\"" + secret + "\"}\n",
	} {
		var h hoarder
		if _, err := decode.Records(strings.NewReader(in), 0, "", &h, func(model.Reject) {}); err != nil || len(h.lent) == 0 {
			t.Errorf("%s: %d rows, error %v", name, len(h.lent), err)
		}
		for _, lent := range h.lent {
			if bytes.Contains(lent, []byte(secret)) {
				t.Errorf("%s: a buffer still holds the session", name)
			}
		}
	}
}
