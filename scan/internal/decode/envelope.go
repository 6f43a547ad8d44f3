package decode

import (
	"bytes"
	"errors"

	"github.com/spillscope/spillscope/model"
)

// envelopes reads what CloudWatch Logs hands to a subscription, and Firehose
// to S3: objects one behind the other, with or without a line break between,
//
//	{"messageType":"DATA_MESSAGE","owner":…,"logEvents":[{"id":…,"timestamp":…,"message":"…"}, …]}
//
// and what `aws logs filter-log-events` prints: {"events":[{…,"message":"…","eventId":…}, …]}.
// Messages are decoded as they pass, so that an envelope may have any size.
type envelopes struct {
	*unwrapper
	c       *cursor
	control bool
	listed  bool      // the envelope has a list of events
	events  int       // seen in it
	whole   bool      // its message in hand has been read to its end
	from    model.Ref // where the event in hand begins
	id      uint64    // of the event in hand; 0: none yet
}

// read reads to the end of the stream. Its error is that of the stream.
func (e *envelopes) read() error {
	defer e.c.wipe()
	for e.c.space() {
		start := e.c.at()
		e.from, e.listed, e.events, e.control, e.whole = start, false, 0, false, false
		err := e.envelope()
		switch {
		case err == nil && e.events > 0:
		case err == nil && (e.control || e.listed):
			e.row(start, nil, "")
		case err == nil:
			e.row(start, nil, reasonNoEnvelope)
		default:
			e.broken(err)
			if !errors.Is(err, errSyntax) {
				return e.c.ended()
			}
			e.c.resync(opensEnvelope)
		}
	}
	return e.c.ended()
}

// broken accounts for an envelope that cannot be read to its end: messages
// that were complete count, what is left of it is one reject.
func (e *envelopes) broken(err error) {
	if e.whole {
		e.end(e.from)
	} else {
		e.messages[0].drop()
	}
	reason := reasonNotJSON
	if !errors.Is(err, errSyntax) {
		reason = reasonCut
	}
	e.row(e.from, nil, reason)
}

func (e *envelopes) envelope() error {
	return e.c.members(func() error {
		b, err := e.c.next()
		switch {
		case err != nil:
			return err
		case string(e.c.key) == "messageType" && b == '"':
			return e.kind()
		case b == '[' && (string(e.c.key) == "logEvents" || string(e.c.key) == "events"):
			e.listed = true
			return e.c.list('[', ']', e.event)
		}
		return e.c.skip(0)
	})
}

// kind notes whether the envelope is the service's own check of its target.
func (e *envelopes) kind() error {
	const control = "CONTROL_MESSAGE"
	var kind [maxKey]byte
	n := 0
	err := e.c.str(func(run []byte, _ model.Ref) { n += copy(kind[n:], run) })
	e.control = string(kind[:n]) == control
	return err
}

// event reads one event. Its last row is given out when the event ends:
// filter-log-events has the id behind the message.
func (e *envelopes) event() error {
	if _, err := e.c.next(); err != nil {
		return err
	}
	e.from, e.id, e.whole = e.c.at(), 0, false
	var text model.Ref
	err := e.c.members(func() error {
		b, err := e.c.next()
		switch {
		case err != nil:
			return err
		case string(e.c.key) == "message" && b == '"' && !e.whole:
			text = e.c.at()
			text.Offset++ // behind the quote
			err = e.message()
			return err
		case string(e.c.key) == "id" || string(e.c.key) == "eventId":
			return e.ident()
		}
		return e.c.skip(0)
	})
	if err != nil {
		return err
	}
	e.events++
	if !e.whole {
		e.row(e.from, nil, reasonNoMessage)
		return nil
	}
	e.end(text)
	e.whole, e.from = false, e.c.at()
	return nil
}

func (e *envelopes) message() error {
	add := e.messages[0].add
	if e.control {
		add = func([]byte, model.Ref) {}
	}
	err := e.c.str(add)
	e.whole = err == nil
	return err
}

func (e *envelopes) ident() error {
	if b, err := e.c.next(); err != nil || b != '"' {
		return errors.Join(err, e.c.skip(0))
	}
	var id [maxKey]byte
	n := 0
	err := e.c.str(func(run []byte, _ model.Ref) { n += copy(id[n:], run) })
	e.id = Hash(1, id[:n])
	e.in(e.id)
	return err
}

// end ends the message of an event.
func (e *envelopes) end(text model.Ref) {
	e.messages[0].end(text)
	e.in(0)
}

// opensEnvelope reports whether b begins as an envelope does. Within a
// message the quotes would be escaped.
func opensEnvelope(b []byte) bool {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte{'{'}), " \t\r\n")
	for _, key := range [...]string{`"messageType"`, `"owner"`, `"logEvents"`, `"events"`} {
		if bytes.HasPrefix(b, []byte(key)) {
			return true
		}
	}
	return false
}
