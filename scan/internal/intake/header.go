package intake

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// header reads the first record and finds the table's columns in it.
func (f *file) header() error {
	record, err := f.csv.Read()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: the file is empty", f.object.URI)
	}
	if err != nil {
		if _, err := f.readError(err, model.Ref{}); err != nil {
			return err
		}
		return fmt.Errorf("%s:1: the header line cannot be read: a quote is not closed or not doubled", f.object.URI)
	}
	f.balance.Lines, f.balance.Comment, f.width = 1, 1, len(record)
	have := make([]string, len(record))
	for i, name := range record {
		have[i] = strings.Clone(strings.TrimSpace(name))
	}
	f.columns = make([]int, len(f.table.columns))
	f.cells = make([]string, len(f.table.columns))
	found := make([]bool, len(f.table.columns))
	for i, c := range f.table.columns {
		if f.columns[i], err = f.find(c, have); err != nil {
			return err
		}
		found[i] = f.columns[i] >= 0
	}
	if f.table.header != nil {
		f.table.header(found)
	}
	return nil
}

// find returns the place of column c in the header, or -1 if it is optional
// and not there.
func (f *file) find(c column, have []string) (int, error) {
	theirs, mapped := f.table.source.Map[c.name]
	if !mapped {
		theirs = c.name
	}
	at := -1
	for i, name := range have {
		if !strings.EqualFold(name, strings.TrimSpace(theirs)) {
			continue
		}
		if at >= 0 {
			return 0, fmt.Errorf("%s: the column %s occurs twice", f.object.URI, theirs)
		}
		at = i
	}
	if at >= 0 || c.optional && !mapped {
		return at, nil
	}
	return 0, fmt.Errorf("%s: %s", f.object.URI, f.missing(c.name, theirs, mapped, have))
}

// missing says that a column is not there and what to write about it.
func (f *file) missing(ours, theirs string, mapped bool, have []string) string {
	if len(have) == 1 && strings.ContainsAny(have[0], ";\t|") {
		return "its columns are not separated by commas: save it as comma-separated CSV"
	}
	what := fmt.Sprintf("no column %s", ours)
	if mapped {
		what = fmt.Sprintf("no column %s, which map says is %s", theirs, ours)
	}
	return fmt.Sprintf("%s; it has %s. If one of these is it, write under %s: map: {%s: %s}",
		what, strings.Join(shown(have), ", "), f.table.key, ours, similar(ours, have))
}

// columnName matches what can only be a column's name.
var columnName = regexp.MustCompile(`^[A-Za-z_][A-Za-z_ .-]{0,39}[0-9]{0,2}$`)

// shown returns the names in a header for a message. What does not look like
// one is left out: in a file without header it may be a live session.
func shown(have []string) []string {
	names := make([]string, len(have))
	for i, name := range have {
		names[i] = name
		if !columnName.MatchString(name) || hasLongWord(name) {
			names[i] = "(column " + fmt.Sprint(i+1) + ": not a name; is the header line missing?)"
		}
	}
	return names
}

// hasLongWord reports whether a part of name is longer than the words that
// names are made of: a token of letters alone is.
func hasLongWord(name string) bool {
	words := strings.FieldsFunc(name, func(c rune) bool { return strings.ContainsRune("_ .-", c) })
	return slices.ContainsFunc(words, func(w string) bool { return len(w) > 16 })
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
	} {
		for i, name := range shown(have) {
			if name == have[i] && match(name) {
				return name
			}
		}
	}
	return "THEIR_NAME"
}
