package decode

import (
	"bufio"
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// frame is how the rows of an object stand in its stream.
type frame uint8

const (
	frameLines     frame = iota // a line each
	frameExport                 // behind a stamp, over several lines if need be
	frameEnvelopes              // as messages of envelopes
	frameValues                 // as JSON values with or without line breaks between
)

// wrap is what the rows of an object are wrapped in.
type wrap struct {
	frame
	prefix  bool // text before the JSON of a row, as syslog and container runtimes put it
	strings bool // rows hold rows as strings
	forced  bool // in any field, since the incident file says so
}

// wrapOf finds out what the rows of an object are wrapped in. unwrap settles
// what it is about; what an envelope holds is always found out.
func wrapOf(head []byte, unwrap string) (wrap, error) {
	w := wrap{forced: unwrap == UnwrapString}
	switch unwrap {
	case UnwrapNone:
		return w, nil
	case "", UnwrapFirehose, UnwrapString:
		w.frame = frameOf(head)
	case UnwrapExport:
		if w.frame = frameOf(head); w.frame == frameLines {
			w.frame = frameExport
		}
	default:
		return w, unknownWrap(unwrap)
	}
	rows := sampleOf(wrap{frame: w.frame}, head)
	if w.prefix = most(rows, func(row []byte) bool { return prefixLen(row) > 0 }); w.prefix {
		for i, row := range rows {
			rows[i] = row[prefixLen(row):]
		}
	}
	w.strings = w.forced || most(rows, isWrapper)
	return w, nil
}

// sampleRows is how many rows are looked at.
const sampleRows = 20

// sample keeps the first rows of an object as its frame gives them.
type sample struct{ rows [][]byte }

func (s *sample) Line(_ model.Ref, row []byte) (Outcome, string) {
	if len(s.rows) < sampleRows && len(bytes.TrimSpace(row)) > 0 {
		s.rows = append(s.rows, bytes.Clone(row))
	}
	return Parsed, ""
}

// sampleHead is enough of an object for some rows of most logs.
const sampleHead = 8 << 10

func sampleOf(w wrap, head []byte) [][]byte {
	if len(head) > sampleHead {
		// Of a part, the last row is cut off.
		if rows := readSample(w, head[:sampleHead]); len(rows) > sampleRows/4 {
			return rows[:len(rows)-1]
		}
	}
	return readSample(w, head)
}

func readSample(w wrap, head []byte) [][]byte {
	var s sample
	u := newUnwrapper(w, &s, func(model.Reject) {})
	defer u.wipe()
	// The last row may be cut off. It is one of many, or there is but one.
	_ = u.read(bufio.NewReader(bytes.NewReader(head)), 0)
	return s.rows
}

func most(rows [][]byte, is func([]byte) bool) bool {
	n := 0
	for _, row := range rows {
		if is(row) {
			n++
		}
	}
	return 2*n > len(rows)
}

// frameOf finds out how the rows stand in the stream.
func frameOf(head []byte) frame {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(byteOrderMark)), " \t\r\n")
	switch {
	case len(text) == 0:
		return frameLines
	case text[0] == '{' || text[0] == '[':
		return jsonFrame(text)
	case stampLen(text) > 0 && slices.ContainsFunc(sampleOf(wrap{frame: frameExport}, text), rowLike):
		return frameExport
	}
	return frameLines
}

// rowLike tells rows that are at home elsewhere: an application that puts a
// stamp before its own lines means it as a column.
func rowLike(row []byte) bool {
	return row[0] == '{' || prefixLen(row) > 0 || bytes.IndexByte(row, '\t') >= 0 || keyValue.Match(row) || balancer.Match(row)
}

var (
	keyValue = regexp.MustCompile(`^[A-Za-z_][\w.\-]*=\S* +[A-Za-z_][\w.\-]*=`)
	balancer = regexp.MustCompile(`^(https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT`)
)

// jsonFrame tells how the JSON values of text follow each other.
func jsonFrame(text []byte) frame {
	c := &cursor{buf: text, ref: model.Ref{Line: 1}, hold: -1, look: -1}
	if text[0] == '[' {
		c.pos++
		if b, err := c.next(); err != nil || b != '{' {
			return frameLines
		}
		return frameValues
	}
	if isEnvelope(text) {
		return frameEnvelopes
	}
	for c.space() {
		line := c.ref.Line
		err := c.skip(0)
		switch {
		case c.ref.Line > line && !errors.Is(err, errSyntax): // one value over several lines
			return frameValues
		case err != nil:
			return frameLines
		}
		if rest := bytes.TrimLeft(c.buf[c.pos:], " \t\r,"); len(rest) > 0 && rest[0] == '{' {
			return frameValues
		}
	}
	return frameLines
}

// isEnvelope reports whether the first object of text is an envelope.
func isEnvelope(text []byte) bool {
	c := &cursor{buf: text, hold: -1, look: -1}
	kind, found := false, false
	_ = c.members(func() error { // it may go on beyond text
		kind = kind || string(c.key) == "messageType"
		list := c.buf[c.pos] == '['
		found = found || list && string(c.key) == "logEvents"
		if list && string(c.key) == "events" {
			event := c.window(headSize)
			found = found || bytes.Contains(event, []byte(`"message"`)) && bytes.Contains(event, []byte(`"timestamp"`))
		}
		return c.skip(0)
	})
	return found || kind
}

// stampLen returns the length of the stamps before a message and of the space
// behind them: one as exports have it, two where a tool adds the time of
// ingestion; 0 if there is none. Before anything but JSON a second stamp is
// the message's own.
func stampLen(b []byte) int {
	n := oneStamp(b)
	if n == 0 {
		return 0
	}
	if k := oneStamp(b[n:]); k > 0 && bytes.HasPrefix(b[n+k:], []byte{'{'}) {
		n += k
	}
	for _, stream := range [...]string{"stdout F ", "stderr F "} { // of a container runtime
		if bytes.HasPrefix(b[n:], []byte(stream)) {
			return n + len(stream)
		}
	}
	return n
}

const stampForm = "0000-00-00T00:00:00"

func oneStamp(b []byte) int {
	if len(b) <= len(stampForm) {
		return 0
	}
	for i := range len(stampForm) {
		digit := '0' <= b[i] && b[i] <= '9'
		if want := stampForm[i]; want == '0' && !digit || want != '0' && b[i] != want {
			return 0
		}
	}
	n := len(stampForm)
	if b[n] == '.' {
		for n++; n < len(b) && '0' <= b[n] && b[n] <= '9'; n++ {
		}
	}
	for _, zone := range [...]string{"Z", "+00:00", "+0000"} {
		if rest, ok := bytes.CutPrefix(b[n:], []byte(zone)); ok && len(rest) > 0 && rest[0] == ' ' {
			return n + len(zone) + 1
		}
	}
	return 0
}

// maxPrefix is the longest text before JSON that is taken off.
const maxPrefix = 300

// prefixLen returns the length of what stands before the JSON object that a
// row ends with: `<134>2023-03-07T18:21:05Z host app[7]: {…}`. Text that ends
// in a comma or an equals sign is a column, not a prefix.
func prefixLen(row []byte) int {
	head := row[:min(len(row), maxPrefix)]
	n := bytes.Index(head, []byte(`{"`))
	if n <= 0 || bytes.ContainsAny(head[:n], "\"\\\t\n") || strings.IndexByte(" :|]", head[n-1]) < 0 {
		return 0
	}
	if end := bytes.TrimRight(row, " \t\r"); end[len(end)-1] != '}' {
		return 0
	}
	return n
}

// messageKeys are the fields in which services that carry log lines put them.
var messageKeys = []string{"log", "message", "@message", "MESSAGE", "msg"}

// carrierKeys are the fields that such services add. A row with any other
// field is taken for one that a program wrote itself.
var carrierKeys = []string{"log", "message", "@message", "MESSAGE", "msg", "stream", "time", "timestamp", "@timestamp", "date",
	"@version", "tag", "attrs", "source", "source_type", "file", "offset", "host", "hostname", "port", "type", "partial_message",
	"kubernetes", "docker", "container_id", "container_name", "ecs_cluster", "ecs_task_arn", "ecs_task_definition",
	"ec2_instance_id", "logStream", "logStreamName", "logGroup", "@logStream", "@log", "@ptr", "ingestionTime",
	"@ingestionTime", "id", "eventId", "owner", "level", "severity", "labels", "agent", "input", "ecs", "event", "PRIORITY"}

// isWrapper reports whether row is one that a service wrapped another in.
func isWrapper(row []byte) bool {
	c := cursor{buf: row, hold: -1, look: -1}
	return c.toMessage(false)
}

// holdsObject reports whether b is a string that begins as a JSON object does.
func holdsObject(b []byte) bool {
	return bytes.HasPrefix(b, []byte(`"{\"`)) || bytes.HasPrefix(b, []byte(`"{}`))
}

// toMessage goes to the string in which an object holds a row, and reports
// whether there is one. An object is taken for a service's if it has no field
// of its own and its message is JSON, or if it is as Docker writes every line;
// forced, if any of its fields could be a row.
func (c *cursor) toMessage(forced bool) bool {
	found, own, docker, object := -1, false, 0, false
	err := c.members(func() error {
		own = own || !carried(c.key)
		if isOneOf(c.key, "log", "stream", "time") {
			docker++
		}
		holds := c.buf[c.pos] == '"' && holdsObject(c.buf[c.pos:])
		if c.buf[c.pos] == '"' && isOneOf(c.key, messageKeys...) || forced && holds {
			if found < 0 || holds && !object {
				found, object = c.pos, holds
			}
		}
		return c.skip(0)
	})
	if err != nil || found < 0 || !forced && (own || docker < 3 && !object) {
		return false
	}
	c.pos = found
	return true
}

// carried reports whether key is one that services add, rather than programs.
func carried(key []byte) bool {
	return len(key) > 0 && key[0] == '_' || isOneOf(key, carrierKeys...)
}

func isOneOf(key []byte, of ...string) bool {
	for _, k := range of {
		if string(key) == k {
			return true
		}
	}
	return false
}
