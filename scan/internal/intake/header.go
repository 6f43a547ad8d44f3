package intake

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// column is one column of a table, by our name.
type column struct {
	name     string
	optional bool
	also     []string // other names under which it is known
	without  string   // what is lost if it is not there; "": nothing worth a word
}

// bind settles which columns a file has, by its first record, by the incident
// file or by the parts of the table read before. It reports whether that
// record is a header.
func (f *file) bind(first record) (isHeader bool, err error) {
	names := make([]string, len(first.cells))
	for i, name := range first.cells {
		names[i] = strings.Clone(strings.TrimSpace(name))
	}
	f.columns, err = f.find(names)
	if err == nil {
		f.names = names
		return true, nil
	}
	given := f.table.source.Columns
	switch {
	case len(given) > 0 && slices.EqualFunc(names, given, sameName), len(given) > 0 && f.oursIn(names):
		isHeader, names = true, given
	case len(given) > 0 && len(given) != len(names):
		return false, f.errorAt(first.ref.Line, "%d columns, and %s: columns names %d; name them all, with _ for one that does not matter", len(names), f.table.key, len(given))
	case len(given) > 0:
		names = given
	case !holdsValues(names) && (f.table.names == nil || !slices.ContainsFunc(names, notAName)):
		return false, err
	case f.table.names == nil:
		return false, f.errorAt(first.ref.Line, "the first line holds values, not names of columns: name them in their order under %s: columns: [%s]", f.table.key, strings.Join(f.table.suggested(len(names)), ", "))
	case len(f.table.names) != len(names):
		return false, f.errorAt(first.ref.Line, "the first line holds values, %d of them, and the files before have %d columns: put a header line into each file, or name the columns under %s: columns", len(names), len(f.table.names), f.table.key)
	default:
		names = f.table.names
	}
	f.names = names
	f.columns, err = f.find(names)
	return isHeader, err
}

// sameName compares names of columns as databases do.
func sameName(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }

// oursIn reports whether names has all our names of needed columns: then it
// is a header even if the incident file maps other names.
func (f *file) oursIn(names []string) bool {
	for _, c := range f.table.columns {
		has := func(name string) bool { return sameName(name, c.name) }
		if !c.optional && !slices.ContainsFunc(names, has) {
			return false
		}
	}
	return true
}

// find returns the place of each column of the table among names, -1 for an
// optional one that is not there.
func (f *file) find(names []string) ([]int, error) {
	columns := make([]int, len(f.table.columns))
	for i, c := range f.table.columns {
		at, err := f.findOne(c, names)
		if err != nil {
			return nil, err
		}
		columns[i] = at
	}
	return columns, nil
}

func (f *file) findOne(c column, names []string) (int, error) {
	theirs, mapped := f.table.source.Map[c.name]
	at, err := f.indexOf(names, c.name, theirs)
	if at >= 0 || err != nil {
		return at, err
	}
	for _, other := range c.also {
		if at, err := f.indexOf(names, other, ""); !mapped && (at >= 0 || err != nil) {
			return at, err
		}
	}
	if c.optional && !mapped {
		return -1, nil
	}
	return -1, f.errorf("%s", f.table.missing(c.name, theirs, names))
}

// indexOf returns where theirs, or else ours, stands among names, or -1.
func (f *file) indexOf(names []string, ours, theirs string) (int, error) {
	if theirs == "" {
		theirs = ours
	}
	at := -1
	for i, name := range names {
		if !sameName(name, theirs) {
			continue
		}
		if at >= 0 {
			return 0, f.errorf("the column %s occurs twice", theirs)
		}
		at = i
	}
	return at, nil
}

// tellHeader tells the table which of its columns the file has.
func (f *file) tellHeader() {
	have := make([]bool, len(f.columns))
	for i, at := range f.columns {
		have[i] = at >= 0
	}
	if f.table.tell != nil {
		f.table.tell(f.table, f.object.URI, have)
	}
}

// missing says that a column is not there and what to write about it.
func (t *table) missing(ours, theirs string, names []string) string {
	what := fmt.Sprintf("no column %s", ours)
	if theirs != "" {
		what = fmt.Sprintf("no column %s, which map says is %s", theirs, ours)
	}
	return fmt.Sprintf("%s; it has %s. If one of these is it, write under %s: map: {%s: %s}",
		what, strings.Join(shown(names), ", "), t.key, ours, similar(ours, names))
}

// value matches what stands in rows and in no header: addresses, numbers and
// times, JSON, ids that machines make.
var value = regexp.MustCompile(`^(.*@.*|[-+0-9][-+0-9.,:TZ /]*|[{\[].*|\\N|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})$`)

// holdsValues reports whether the first line of a file is a row.
func holdsValues(cells []string) bool {
	return slices.ContainsFunc(cells, func(s string) bool { return value.MatchString(s) || hasLongWord(s) })
}

// columnName matches what can only be a column's name.
var columnName = regexp.MustCompile(`^[A-Za-z_][A-Za-z_ .-]{0,39}[0-9]{0,2}$`)

// shown returns the names in a header for a message. What does not look like
// one is left out: in a file without header it may be a live session.
func shown(have []string) []string {
	names := make([]string, len(have))
	for i, name := range have {
		names[i] = name
		if notAName(name) {
			names[i] = "(column " + fmt.Sprint(i+1) + ": not a name; is the header line missing?)"
		}
	}
	return names
}

func notAName(s string) bool { return !columnName.MatchString(s) || hasLongWord(s) }

// hasLongWord reports whether a part of name is longer than the words that
// names are made of, or shorter and mixed with digits: a token is.
func hasLongWord(name string) bool {
	words := strings.FieldsFunc(name, func(c rune) bool { return strings.ContainsRune("_ .-", c) })
	return slices.ContainsFunc(words, func(w string) bool {
		return len(w) > 16 || len(w) > 10 && strings.ContainsAny(w, "0123456789")
	})
}

// similar returns the column that was probably meant, or a placeholder.
func similar(ours string, have []string) string {
	plain := func(s string) string {
		return strings.ToLower(strings.NewReplacer("_", "", " ", "", "-", "", ".", "").Replace(s))
	}
	last := ours[strings.LastIndexByte(ours, '_')+1:]
	for _, match := range []func(string) bool{
		func(s string) bool { return plain(s) == plain(ours) },
		func(s string) bool { return strings.Contains(plain(s), plain(ours)) },
		func(s string) bool { return plain(s) == last },
		func(s string) bool { return strings.Contains(plain(s), last) },
		func(s string) bool { return len(s) > 2 && strings.Contains(plain(ours), plain(s)) },
	} {
		for i, name := range shown(have) {
			if name == have[i] && match(name) {
				return name
			}
		}
	}
	return "THEIR_NAME"
}
