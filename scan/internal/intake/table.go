package intake

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
)

// outcome is what became of a row: "", duplicate, or why it is rejected.
type outcome string

const duplicate outcome = "\x00duplicate"

// table is one table of the directory: what to read and what to do with a row.
type table struct {
	name    string // kind of its inputs
	key     string // in the incident file
	source  model.Table
	columns []column
	tell    func(t *table, uri string, have []bool) // told which columns a file has; may be nil
	take    func(*table, row) (outcome, error)
	places  places
	names   []string // of the columns of the file read last, for parts without a header
	object  *object  // what JSON files showed so far
	zone    *time.Location
}

// width is the number of columns in a file of the table, if it is known
// before the file is read, else 0.
func (t *table) width() int {
	if n := len(t.source.Columns); n > 0 {
		return n
	}
	return len(t.names)
}

// called reports whether a table of a database has the name of this one, alone
// or behind that of an application: django_session, auth_user.
func (t *table) called(name string) bool {
	name = strings.ToLower(unquoted(name[strings.LastIndexByte(name, '.')+1:]))
	return strings.HasSuffix(name, t.name) || strings.HasSuffix(name, strings.TrimSuffix(t.name, "s"))
}

// suggested names n columns as they may be.
func (t *table) suggested(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "_"
		if i < len(t.columns) {
			names[i] = t.columns[i].name
			if theirs, ok := t.source.Map[names[i]]; ok {
				names[i] = theirs
			}
		}
	}
	return names
}

// finish settles what only all files together can say: JSON leaves out keys
// that have no value.
func (t *table) finish() error {
	if t.object == nil || len(t.object.keys) == 0 {
		return nil
	}
	for i, c := range t.columns {
		theirs := t.source.Map[c.name]
		if !t.object.found[i] && (!c.optional || theirs != "") {
			return fmt.Errorf("%s: %s", t.source.URI, t.missing(c.name, theirs, slices.Sorted(maps.Keys(t.object.keys))))
		}
	}
	if t.tell != nil {
		t.tell(t, t.source.URI, t.object.found)
	}
	return nil
}
