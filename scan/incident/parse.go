package incident

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/spillscope/spillscope/model"
)

// What is parsed is bounded, because the time and memory of the YAML parser
// grow with the square of size and depth. The commented template has 12 kB and
// five levels; a file that is much larger is a log that was named by mistake.
const (
	maxSize  = 256 << 10
	maxDepth = 100
)

// Load reads the incident file at path. If its content is wrong, the error is
// an *Error with all problems.
func Load(path string) (*model.Incident, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("incident file: %w; `spillscope init` writes one to fill in", err)
	}
	if err != nil {
		return nil, fmt.Errorf("incident file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("incident file: %w", err)
	}
	return Parse(path, data)
}

// Parse reads an incident file from data; name is used in messages. If the
// content is wrong, the error is an *Error with all problems.
func Parse(name string, data []byte) (*model.Incident, error) {
	root, problems := document(bytes.TrimPrefix(data, []byte("\ufeff")))
	if len(problems) > 0 {
		return nil, &Error{File: name, Problems: problems}
	}
	r := &reader{at: map[string]position{}, faulty: map[string]bool{}}
	inc := defaults()
	r.incident(value{node: root, pos: position{1, 1}}, inc)
	if inc.Window.FollowUntil == 0 && inc.Window.Span.To != 0 {
		inc.Window.FollowUntil = inc.Window.Span.To.Add(defaultFollow)
	}
	r.contradictions(inc.Validate())
	if len(r.problems) > 0 {
		sortProblems(r.problems)
		return nil, &Error{File: name, Problems: r.problems}
	}
	return inc, nil
}

// contradictions adds the problems of Validate at the lines of their keys.
// What follows from a problem that is reported already is left out: whoever
// mistypes window.from need not be told that it is missing.
func (r *reader) contradictions(ps []model.Problem) {
	windowFaulty := r.related("window")
	for _, p := range ps {
		if r.related(p.Path) || windowFaulty && strings.HasPrefix(p.Path, "control") {
			continue
		}
		pos := r.nearestKey(p.Path)
		r.problems = append(r.problems, Problem{pos.line, pos.column, p.Path, p.Message})
	}
}

// related reports whether path, a key above it or a key below it has a problem.
func (r *reader) related(path string) bool {
	for faulty := range r.faulty {
		if faulty == path || above(faulty, path) || above(path, faulty) {
			return true
		}
	}
	return false
}

// above reports whether the key at path holds the one at other.
func above(path, other string) bool {
	rest, ok := strings.CutPrefix(other, path)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// nearestKey returns where path stands or, if it was left out, where the key
// stands that should hold it.
func (r *reader) nearestKey(path string) position {
	for path != "" {
		if pos, ok := r.at[path]; ok {
			return pos
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return position{1, 1}
}

// document returns the one mapping that an incident file consists of.
func document(data []byte) (root ast.Node, problems []Problem) {
	whole := func(format string, args ...any) (ast.Node, []Problem) {
		return nil, []Problem{{1, 1, "", fmt.Sprintf(format, args...)}}
	}
	if what := notText(data); what != "" {
		return whole("%s, not an incident file; `spillscope init` writes one to fill in", what)
	}
	file, err := parseYAML(data)
	if err != nil {
		return nil, syntaxProblems(data, err)
	}
	var docs []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil {
			docs = append(docs, d.Body)
		}
	}
	if len(docs) == 0 {
		return whole("the file is empty; `spillscope init` writes one to fill in")
	}
	if len(docs) > 1 {
		pos := itemPosition(docs[1])
		return nil, []Problem{{pos.line, pos.column, "", "a second document begins here (after ---); an incident file is one document"}}
	}
	if _, ok := docs[0].(ast.MapNode); !ok {
		return whole("this is %s, not an incident file, which begins with `version: 1`", kindOf(docs[0]))
	}
	return docs[0], nil
}

// notText says what a file is that cannot be YAML, or "".
func notText(data []byte) string {
	switch {
	case len(data) > maxSize:
		return fmt.Sprintf("this file is longer than %d bytes", maxSize)
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}):
		return "this file is compressed with gzip"
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return "this is a ZIP or Excel file"
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return "this file is UTF-16 text (save it as UTF-8)"
	case bytes.IndexByte(data, 0) >= 0:
		return "this is a binary file"
	case !utf8.Valid(data):
		return "this file is not UTF-8 text"
	case bracketDepth(data) > maxDepth:
		return fmt.Sprintf("this file opens more than %d brackets inside each other", maxDepth)
	}
	return ""
}

// bracketDepth is the most brackets that are open at once. Those in quotes
// and comments count too; there they come in pairs, or not by the hundred.
func bracketDepth(data []byte) int {
	depth, most := 0, 0
	for _, c := range data {
		switch c {
		case '[', '{':
			depth++
			most = max(most, depth)
		case ']', '}':
			depth = max(depth-1, 0)
		}
	}
	return most
}

// parseYAML calls the YAML parser. A panic of it becomes an error here, at the
// one border to code that is not ours: the input is a file that a person
// wrote, and no such file may end the program with a stack trace.
func parseYAML(data []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the YAML parser cannot make sense of this file")
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

// syntaxProblems tells in the words of the user what the YAML parser found.
// Tab-indented lines are listed first and all at once: the parser stops at
// the first, and its message names the symptom.
func syntaxProblems(data []byte, err error) []Problem {
	var tabs []Problem
	for i, line := range strings.Split(string(data), "\n") {
		text := strings.TrimLeft(line, " \t\r")
		indent := line[:len(line)-len(text)]
		if at := strings.IndexByte(indent, '\t'); at >= 0 && text != "" && text[0] != '#' {
			tabs = append(tabs, Problem{i + 1, at + 1, "", "this line is indented with a tab; YAML indents with spaces"})
		}
	}
	if len(tabs) > 0 {
		return tabs
	}
	var ye yaml.Error
	if !errors.As(err, &ye) || ye.GetToken() == nil || ye.GetToken().Position == nil {
		return []Problem{{1, 1, "", "not YAML: " + strings.SplitN(err.Error(), "\n", 2)[0]}}
	}
	p := ye.GetToken().Position
	return []Problem{{p.Line, p.Column, "", "not YAML: " + ye.GetMessage() + syntaxHint(ye.GetMessage())}}
}

// syntaxHint says what is usually behind a message of the YAML parser.
func syntaxHint(message string) string {
	for _, h := range []struct{ part, hint string }{
		{"reserved character", "put the value in quotes"},
		{"directive", "a value that begins with % must be in quotes"},
		{"mapping value is not allowed", "a value with a colon in it must be in quotes"},
		{"end token", "an opening bracket is not closed"},
		{"must be specified", "an opening bracket is not closed, or a comma is missing"},
		{"end character", "an opening quote is not closed"},
		{"value is not allowed", "keys that belong together must be indented alike"},
		{"unexpected key name", "keys that belong together must be indented alike, with a colon and a space after each"},
	} {
		if strings.Contains(message, h.part) {
			return " (" + h.hint + ")"
		}
	}
	return ""
}

// The defaults that Template states.
const (
	defaultKeyFile  = "incident.key"
	defaultLookback = time.Hour
	defaultMargin   = 10 * time.Minute
	defaultFollow   = 4 * time.Hour
	// defaultErrorTTL is CloudFront's error caching minimum TTL (semantics.md A2.21).
	defaultErrorTTL    = 10 * time.Second
	defaultRejects     = 0.001
	defaultCoverageGap = 5 * time.Minute
	defaultJoinRate    = 0.5
)

func defaults() *model.Incident {
	return &model.Incident{
		KeyFile: defaultKeyFile,
		Window:  model.Window{Lookback: defaultLookback, Margin: defaultMargin},
		Cache: model.CachePolicy{
			ErrorTTL:     defaultErrorTTL,
			Expiry:       model.ExpiryAny,
			Scope:        model.ScopeLocation,
			Revalidation: model.RevalidationUnknown,
		},
		Cookie: model.Cookie{
			SameSite:  "unknown",
			Revocable: "unknown",
			SetOn:     model.SetOn{Rule: model.SetOnLogged},
		},
		Thresholds: model.Thresholds{
			Rejects:     defaultRejects,
			CoverageGap: defaultCoverageGap,
			JoinRate:    defaultJoinRate,
		},
	}
}
