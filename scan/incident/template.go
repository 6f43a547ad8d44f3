package incident

import (
	_ "embed" // the template
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/spillscope/spillscope/model"
)

//go:embed template.yaml
var templateText string

// TemplateOptions are the lines of the template that may be known already,
// for instance from inspecting the logs. What is zero becomes an example that
// is marked CHANGE.
type TemplateOptions struct {
	Case      string
	KeyFile   string
	Window    model.Span
	Routes    []string // globs of paths
	Cookie    string   // name
	EdgeURI   string
	OriginURI string
}

// Template returns the commented incident file that `init` writes. Every key
// is in it, with its default and the reason for that; it is a valid incident
// file, and stays one when its optional lines are uncommented.
func Template(opts TemplateOptions) string {
	fill := func(s *string, example string) {
		if *s == "" {
			*s = example
		}
	}
	fill(&opts.Case, "example-2023-03-07")
	fill(&opts.KeyFile, defaultKeyFile)
	fill(&opts.Cookie, "sid")
	fill(&opts.EdgeURI, "edge/*.gz")
	fill(&opts.OriginURI, "origin/*.jsonl.gz")
	if opts.Window == (model.Span{}) {
		opts.Window = model.Span{
			From: model.InstantOf(time.Date(2023, 3, 7, 18, 21, 0, 0, time.UTC)),
			To:   model.InstantOf(time.Date(2023, 3, 7, 19, 30, 0, 0, time.UTC)),
		}
	}
	if len(opts.Routes) == 0 {
		opts.Routes = []string{"/static/js/*", "/static/css/*"}
	}
	t := template.Must(template.New("").Funcs(template.FuncMap{"yaml": word, "instant": rfc3339}).Parse(templateText))
	var b strings.Builder
	if err := t.Execute(&b, suggestions{opts}); err != nil {
		panic("incident: template does not fit its options: " + err.Error())
	}
	return b.String()
}

// suggestions adds the times that follow from the window.
type suggestions struct{ TemplateOptions }

func (s suggestions) FollowUntil() model.Instant { return s.Window.To.Add(defaultFollow) }
func (s suggestions) ControlFrom() model.Instant { return s.Window.From.Add(-7 * 24 * time.Hour) }
func (s suggestions) ControlTo() model.Instant   { return s.Window.To.Add(-7 * 24 * time.Hour) }
func (s suggestions) AsOf() model.Instant        { return s.Window.From.Add(-time.Hour) }

func rfc3339(i model.Instant) string { return i.Time().Format(time.RFC3339Nano) }

// plainWord matches what needs no quotes anywhere in YAML.
var plainWord = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/_.*-]*$`)

// word writes s as YAML: as it is, or else in the quotes of JSON, which YAML reads.
func word(s string) (string, error) {
	if plainWord.MatchString(s) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off"}, strings.ToLower(s)) {
		return s, nil
	}
	b, err := json.Marshal(s)
	return string(b), err
}
