package jsonl

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzScan holds the scanner to encoding/json: the same texts are JSON, and
// the same values stand at the same keys. It tests from within, since a row
// shows too little of a value.
func FuzzScan(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1,"b":{"c":"x\u00e9\ud83d\ude00\ud800"}}`, `{"a":[1,{"b":null}],"a":-0.5e+3}`, `{"b":{"c":1},"b":{}}`,
		`{"b.c":"literal","b":{"c":2}}`, `{"a":01}`, `{"a":1,}`, `{"a" 1}`, "{\"a\":\"\x01\"}", `{"\u0061":"k"}`, `[1]`, `null`, ` {"a":tru}`, `{"a":"\x"}`, `{"a":1}{}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := scanner{root: &node{}, values: make([][]byte, 3)}
		s.root.insert([]string{"a"}, 0)
		s.root.insert([]string{"b.c"}, 1)
		s.root.insert([]string{"b", "c"}, 2)
		reason := s.scan(in)
		if s.deep {
			return // ours is the lower limit
		}
		if valid := json.Valid(in); (reason != "not JSON") != valid {
			t.Fatalf("%q: %q, but json.Valid is %v", in, reason, valid)
		}
		var m map[string]json.RawMessage
		object := json.Unmarshal(in, &m) == nil && m != nil
		if object != (reason == "") {
			t.Fatalf("%q: %q, but encoding/json reads an object: %v", in, reason, object)
		}
		if !object || !utf8.Valid(in) {
			return
		}
		var inner map[string]json.RawMessage
		json.Unmarshal(m["b"], &inner)
		for slot, want := range []json.RawMessage{m["a"], m["b.c"], inner["c"]} {
			if string(want) == "null" {
				want = nil
			}
			if !bytes.Equal(bytes.TrimSpace(want), s.values[slot]) {
				t.Fatalf("%q: slot %d is %q, want %q", in, slot, s.values[slot], want)
			}
			var str string
			if len(want) > 0 && want[0] == '"' && json.Unmarshal(want, &str) == nil {
				if got := text(nil, s.values[slot]); string(got) != str {
					t.Fatalf("%q: text %q, want %q", in, got, str)
				}
			}
		}
	})
}

func TestDepth(t *testing.T) {
	s := scanner{root: &node{}}
	deep := bytes.Repeat([]byte(`{"a":[`), 1<<18)
	if got := s.scan(deep); got != "JSON nested too deeply" {
		t.Errorf("got %q", got)
	}
}
