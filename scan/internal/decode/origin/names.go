package origin

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// columnName matches what can only be a field's name. A log that keeps values
// as keys, or a table without its header, must not have them shown.
var columnName = regexp.MustCompile(`^[A-Za-z_@][A-Za-z0-9_ .()-]{0,63}$`)

// maxShown is how many names a message lists.
const maxShown = 30

// isName reports whether n can be shown as a name.
func isName(n string) bool { return columnName.MatchString(n) && !longWord(n) }

// Shown lists names for a message, those alone that are no values.
func Shown(names []string) string {
	list := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !isName(n) })
	slices.Sort(list)
	list = slices.Compact(list)
	if hidden := len(names) - len(list); len(list) > maxShown || hidden > 0 {
		list = append(list[:min(len(list), maxShown)], "…")
	}
	return strings.Join(list, ", ")
}

// IsHeader reports whether names can be those of columns: of a first row that
// is none, a word could be shown that is a password.
func IsHeader(names []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return n != "" && !isName(n) })
}

// longWord reports whether a part of name is longer than words are, or has
// many digits: tokens and their hashes are so.
func longWord(name string) bool {
	words := strings.FieldsFunc(name, func(c rune) bool { return strings.ContainsRune("_ .-@()", c) })
	return slices.ContainsFunc(words, func(w string) bool {
		digits := len(w) - len(strings.Trim(w, "0123456789"))
		return len(w) > 20 || digits > 4 || len(w) > 8 && strings.ContainsAny(w[1:len(w)-1], "0123456789")
	})
}

// lacks says that what the map calls f is not among names, which are some of
// those there are.
func lacks(f Field, theirs string, names []string) string {
	return fmt.Sprintf("no field %s, which map.%s names; there are %s", theirs, f, Shown(names))
}

// Dotted writes headers["x-amz-cf-id"] as headers.x-amz-cf-id.
func Dotted(path string) string { return brackets.Replace(path) }

var brackets = strings.NewReplacer(`["`, ".", `['`, ".", `"]`, "", `']`, "")
