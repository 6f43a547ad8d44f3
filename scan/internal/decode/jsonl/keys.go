package jsonl

import (
	"slices"
)

// keySample is what the fields of the first rows are called: what a map that
// names a field that is not there is shown instead.
type keySample struct {
	rows  int
	names []string
}

const (
	sampleRows = 20
	sampleKeys = 60
	sampleNest = 4
)

// add notes the keys of the valid JSON object line, dotted.
func (k *keySample) add(line []byte) {
	k.rows++
	s := scanner{data: line}
	k.object(&s, s.space(0), "", 0)
}

// object notes the keys of the object at i.
func (k *keySample) object(s *scanner, i int, prefix string, depth int) {
	if depth >= sampleNest {
		return
	}
	for i = s.space(i + 1); s.data[i] == '"'; {
		end := s.string(i)
		name := prefix + string(unquote(nil, s.data[i+1:end-1]))
		from := s.space(s.space(end) + 1)
		if s.data[from] == '{' {
			k.object(s, from, name+".", depth+1)
		} else if len(k.names) < sampleKeys && !slices.Contains(k.names, name) {
			k.names = append(k.names, name)
		}
		if i = s.space(s.value(from, nil, 0)); s.data[i] == ',' {
			i = s.space(i + 1)
		}
	}
}
