package incident

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// Problem is one thing that is wrong in an incident file.
type Problem struct {
	Line, Column int    // from 1
	Path         string // of the key, e.g. "window.from"; "" for the whole file
	Message      string // what is wrong and what to write instead
}

// Error holds everything that is wrong in one incident file, in the order of
// its lines.
type Error struct {
	File     string
	Problems []Problem
}

// Error returns one line for each problem: file:line:column: path: message.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		where := fmt.Sprintf("%s:%d:%d: ", e.File, p.Line, p.Column)
		if p.Path != "" {
			where += p.Path + ": "
		}
		lines[i] = where + p.Message
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives access to the single problems.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		errs[i] = model.Problem{Path: p.Path, Message: p.Message}
	}
	return errs
}

// nearest returns the candidate that a mistyped word probably meant, or "".
// Spelling in another style (followUntil, follow-until) always matches; else
// the edit distance decides, with less patience for short words, where nearly
// everything is two letters away from everything.
func nearest(word string, candidates []string) string {
	separators := strings.NewReplacer("_", "", "-", "", " ", "")
	plain := func(s string) string { return separators.Replace(strings.ToLower(s)) }
	written := plain(word)
	limit := min(len(word)/3, 3)
	if len(word) >= 2 && limit == 0 {
		limit = 1
	}
	best, bestDistance := "", limit+1
	for _, c := range candidates {
		d := 0
		if written != plain(c) {
			d = distance(strings.ToLower(word), c, limit)
		}
		if d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to make b of a. Lengths that differ by more than limit
// are not measured: the answer is then limit+1, which keeps a hostile key of
// a megabyte cheap.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// quoted shortens and quotes what a person wrote, for a message.
func quoted(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}

// didYouMean is the end of a message about a word that is none of the valid ones.
func didYouMean(word string, valid []string) string {
	if n := nearest(word, valid); n != "" {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	return ""
}

func byPosition(a, b Problem) int {
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	return a.Column - b.Column
}

func sortProblems(ps []Problem) { slices.SortStableFunc(ps, byPosition) }
