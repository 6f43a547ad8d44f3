// Package origintest is what the tests of all formats of origin logs share: one
// incident, one map, and a way to write a row for a person to read.
package origintest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
	"github.com/spillscope/spillscope/scan/internal/decode/decodetest"
	"github.com/spillscope/spillscope/scan/internal/decode/origin"
)

// Secret and Secret2 are the sessions that logs of tests hold in clear.
const (
	Secret  = "planted-secret-value"
	Secret2 = "planted-secret-two"
)

// Key is the key of the tests.
func Key() model.Key { return model.NewKey([]byte("0123456789abcdef0123456789abcdef")) }

// Digest is the digest of a value under Key.
func Digest(kind, value string) model.ID { return Key().Digest(kind, []byte(value)) }

// Context is that of an incident with two routes and one category.
func Context(t testing.TB) *decode.Context {
	t.Helper()
	c, err := decode.NewContext(&model.Incident{
		Routes:         []model.Route{{Path: "/static/js/*"}, {Path: "/static/css/*"}},
		Cookie:         model.Cookie{Names: []string{"sid"}},
		DataCategories: []model.Category{{Path: "/api/videos/**", Name: "video metadata"}},
	}, Key())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Source maps every field there is.
func Source() model.Source {
	return model.Source{Kind: model.SourceOrigin, Map: map[string]string{
		"time": "ts", "request_id": "cf_id", "trace_id": "trace", "method": "method", "host": "vhost", "path": "path", "status": "status",
		"session": "sid_hash", "user": "user_id", "set_cookie": "set_cookie", "set_session": "set_sid_hash", "user_agent": "ua",
		"client_ip": "xff", "device_id": "device", "instance": "pod", "duration": "took", "workspace": "ws"}}
}

// Instant reads RFC 3339, and panics where it cannot.
func Instant(s string) model.Instant {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return model.InstantOf(at)
}

// Span is an hour that holds most rows of the tests.
func Span() model.Span {
	return model.Span{From: Instant("2023-03-07T18:00:00Z"), To: Instant("2023-03-07T19:00:00Z")}
}

// Decoder is what every decoder of origin rows is.
type Decoder interface {
	decode.Decoder
	Stats() origin.Stats
	Use() origin.Use
	Warnings() []string
}

// Open makes a decoder.
type Open func(*decode.Context, origin.Options, func(*model.OriginRow) bool) (Decoder, error)

// New makes decoders that emit their rows as Text.
func New(t testing.TB, open Open, o origin.Options) decodetest.New {
	ctx := Context(t)
	return func(emit func(decodetest.Row)) decode.Decoder {
		d, err := open(ctx, o, func(r *model.OriginRow) bool {
			emit(decodetest.Row{Ref: r.Ref, Text: Text(r)})
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

// One decodes lines and returns the last row, the last reason and what the
// decoder says of them.
func One(t testing.TB, open Open, src model.Source, lines ...string) (row model.OriginRow, reason string, d Decoder) {
	t.Helper()
	d, err := open(Context(t), origin.Options{Source: src}, func(r *model.OriginRow) bool { row = *r; return true })
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		_, reason = d.Line(model.Ref{Line: uint64(i + 1)}, []byte(line))
	}
	return row, reason, d
}

// Text writes what r says, without its place and the hash of its line.
func Text(r *model.OriginRow) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%v +%v", r.Time.Lo, r.Time.Hi.Sub(r.Time.Lo))
	for _, x := range []struct {
		name, text string
		said       bool
	}{
		{"id", r.RequestID, r.RequestID != ""},
		{"taken", r.Taken.String(), r.Taken >= 0},
		{"trace", r.Trace.String(), !r.Trace.IsZero()},
		{"instance", r.Instance, r.Instance != ""},
		{"told", "", r.Told},
		{"host", r.Host, r.Host != ""},
		{"method", r.Method, r.Method != ""},
		{"route", fmt.Sprint(r.Route), r.Route != model.NoRoute},
		{"pattern", r.Pattern, r.Pattern != ""},
		{"path", r.Path.String(), !r.Path.IsZero()},
		{"category", fmt.Sprint(r.Category), r.Category >= 0},
		{"status", fmt.Sprint(r.Status), r.Status != 0},
		{"presented", r.Presented.String(), !r.Presented.IsZero()},
		{"issued", r.Issued.String(), !r.Issued.IsZero()},
		{"set", fmt.Sprint(r.SetCookie), r.SetCookie != model.Unknown},
		{"user", r.User, r.User != ""},
		{"workspace", r.Workspace, r.Workspace != ""},
		{"entrance", "", r.Entrance},
		{"lasting", r.Lasting, r.Lasting != ""},
		{"client", r.Client.String(), r.Client.IsValid()},
		{"agent", r.Agent.String(), !r.Agent.IsZero()},
		{"device", r.Device.String(), !r.Device.IsZero()},
	} {
		if x.said {
			out.WriteString(strings.TrimSuffix(" "+x.name+" "+x.text, " "))
		}
	}
	return out.String()
}
