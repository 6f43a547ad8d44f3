package parquet

import "encoding/json"

// boundColumn is a wanted column of one row group.
type boundColumn struct {
	column
	cursors []*cursor
	buf     []byte // text of a nested value
}

// next takes the value of the next row; nil if it is null.
func (c *boundColumn) next() ([]byte, error) {
	if c.flat() {
		return c.cursors[0].next()
	}
	def, _, err := c.cursors[0].levels()
	if err != nil {
		return nil, err
	}
	for _, cur := range c.cursors {
		if _, rep, err := cur.levels(); err != nil || rep != 0 {
			return nil, firstOf(err, errRows)
		}
	}
	if def < c.shape.def {
		return nil, c.drop(&c.shape)
	}
	c.buf, err = c.append(c.buf[:0], &c.shape)
	return c.buf, err
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// drop takes the one entry that each stored column below s has for nothing.
func (c *boundColumn) drop(s *shape) error {
	if s.kind == kindLeaf {
		_, err := c.cursors[s.leaf].next()
		return err
	}
	for i := range s.kids {
		if err := c.drop(&s.kids[i]); err != nil {
			return err
		}
	}
	return nil
}

// first is the first stored column below s. What it says of the nodes above
// it, the others say as well.
func (c *boundColumn) first(s *shape) *cursor {
	for s.kind != kindLeaf {
		s = &s.kids[0]
	}
	return c.cursors[s.leaf]
}

// append writes the value of s in hand as JSON.
func (c *boundColumn) append(buf []byte, s *shape) ([]byte, error) {
	if s.kind == kindLeaf {
		cur := c.cursors[s.leaf]
		text, err := cur.next()
		return appendJSON(buf, text, cur.values.bare()), err
	}
	def, _, err := c.first(s).levels()
	if err != nil {
		return nil, err
	}
	if def < s.def {
		return append(buf, "null"...), c.drop(s)
	}
	switch s.kind {
	case kindStruct:
		return c.members(buf, s)
	case kindMap:
		return c.elements(buf, s, def, '{', '}')
	}
	return c.elements(buf, s, def, '[', ']')
}

func (c *boundColumn) members(buf []byte, s *shape) ([]byte, error) {
	buf = append(buf, '{')
	var err error
	for i := range s.kids {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(appendJSON(buf, []byte(s.kids[i].name), false), ':')
		if buf, err = c.append(buf, &s.kids[i]); err != nil {
			return nil, err
		}
	}
	return append(buf, '}'), nil
}

// elements writes the elements of a list, or the pairs of a map.
func (c *boundColumn) elements(buf []byte, s *shape, def int16, open, end byte) ([]byte, error) {
	buf = append(buf, open)
	if def < s.item {
		return append(buf, end), c.drop(s)
	}
	first := c.first(s)
	for n := 0; ; n++ {
		if n > 0 {
			if first.ended() {
				break
			}
			_, rep, err := first.levels()
			if err != nil {
				return nil, err
			}
			if rep < s.rep {
				break
			}
			buf = append(buf, ',')
		}
		var err error
		if buf, err = c.element(buf, s); err != nil {
			return nil, err
		}
	}
	return append(buf, end), nil
}

func (c *boundColumn) element(buf []byte, s *shape) ([]byte, error) {
	if s.kind == kindList {
		return c.append(buf, &s.kids[0])
	}
	start := len(buf)
	buf, err := c.append(buf, &s.kids[0])
	if err != nil {
		return nil, err
	}
	if key := buf[start:]; len(key) > 0 && key[0] != '"' { // JSON has no other keys
		quoted, err := json.Marshal(string(key))
		if err != nil {
			return nil, err
		}
		buf = append(buf[:start], quoted...)
	}
	return c.append(append(buf, ':'), &s.kids[1])
}

// appendJSON writes text as a JSON value; nil is null.
func appendJSON(buf, text []byte, bare bool) []byte {
	if text == nil {
		return append(buf, "null"...)
	}
	if bare && json.Valid(text) { // JSON has no NaN
		return append(buf, text...)
	}
	quoted, err := json.Marshal(string(text))
	if err != nil { // a string is always valid
		return append(buf, "null"...)
	}
	return append(buf, quoted...)
}
