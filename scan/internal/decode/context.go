package decode

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// Context is what the decoders of one scan share: the incident's globs,
// compiled, and the key. It is safe for concurrent use.
type Context struct {
	key        model.Key
	query      model.QueryKey
	routes     []glob
	categories []glob
	framed     []glob
	cookies    []string
}

// NewContext compiles the globs of inc.
func NewContext(inc *model.Incident, key model.Key) (*Context, error) {
	c := &Context{key: key, query: inc.Cache.Query, cookies: inc.Cookie.Names}
	for i, r := range inc.Routes {
		g, err := compile(r.Host, r.Path)
		if err != nil {
			return nil, fmt.Errorf("routes[%d].path: %w", i, err)
		}
		c.routes = append(c.routes, g)
	}
	for i, d := range inc.DataCategories {
		g, err := compile("", d.Path)
		if err != nil {
			return nil, fmt.Errorf("data_categories[%d].path: %w", i, err)
		}
		c.categories = append(c.categories, g)
	}
	for i, f := range inc.Cookie.Framed {
		host, path := "", f
		if n := strings.IndexByte(f, '/'); n > 0 {
			host, path = f[:n], f[n:]
		}
		g, err := compile(host, path)
		if err != nil {
			return nil, fmt.Errorf("cookie.framed[%d]: %w", i, err)
		}
		c.framed = append(c.framed, g)
	}
	return c, nil
}

// Cookies returns the configured names of the session cookie.
func (c *Context) Cookies() []string { return c.cookies }

// IsCookie reports whether name is a name of the session cookie.
func (c *Context) IsCookie(name []byte) bool {
	for _, n := range c.cookies {
		if string(name) == n {
			return true
		}
	}
	return false
}

// NumRoutes returns the number of suspect routes.
func (c *Context) NumRoutes() int { return len(c.routes) }

// Route returns the index of the first suspect route that matches, or
// model.NoRoute. A host that is not known ("") matches any: a row too many
// among the suspects can be judged, one too few cannot.
func (c *Context) Route(host, path string) int {
	for i := range c.routes {
		if c.routes[i].match(host, path) {
			return i
		}
	}
	return model.NoRoute
}

// Category returns the index of the first data category that matches, or -1.
func (c *Context) Category(path string) int {
	for i := range c.categories {
		if c.categories[i].match("", path) {
			return i
		}
	}
	return -1
}

// glob is a compiled pattern of hosts and paths. It becomes a regular
// expression because those run in linear time: paths are chosen by strangers,
// and a backtracking matcher with several stars can be made to crawl.
type glob struct {
	text   string // of the path
	prefix string // literal text that every match begins with
	path   *regexp.Regexp
	host   *regexp.Regexp // nil: any
}

func compile(host, path string) (glob, error) {
	if !strings.HasPrefix(path, "/") {
		return glob{}, fmt.Errorf("must begin with /; a pattern like *.js is written /**/*.js")
	}
	g := glob{text: path, prefix: path}
	if i := strings.IndexByte(path, '*'); i >= 0 {
		g.prefix = path[:i]
		// A closing /** also matches the folder itself.
		g.prefix = strings.TrimSuffix(g.prefix, "/")
	}
	var err error
	if g.path, err = regexp.Compile(translate(path, '/')); err != nil {
		return glob{}, fmt.Errorf("glob too long: %w", err)
	}
	if host != "" {
		if g.host, err = regexp.Compile("(?i)" + translate(host, '.')); err != nil {
			return glob{}, fmt.Errorf("glob of the host: %w", err)
		}
	}
	return g, nil
}

// translate writes a glob as a regular expression: * stays within a segment,
// ** crosses segments, and /**/ also stands for a single separator.
func translate(text string, sep byte) string {
	quoted := regexp.QuoteMeta(string(sep))
	var out strings.Builder
	out.WriteString(`(?s)^`)
	for len(text) > 0 {
		switch {
		case strings.HasPrefix(text, string(sep)+"**"+string(sep)):
			out.WriteString(quoted + `(?:.*` + quoted + `)?`)
			text = text[4:]
		case text == string(sep)+"**":
			out.WriteString(`(?:` + quoted + `.*)?`)
			text = ""
		case strings.HasPrefix(text, "**"):
			out.WriteString(`.*`)
			text = strings.TrimLeft(text, "*")
		case text[0] == '*':
			out.WriteString(`[^` + quoted + `]*`)
			text = text[1:]
		default:
			n := strings.IndexAny(text[1:], "*"+string(sep)) + 1
			if n == 0 {
				n = len(text)
			}
			out.WriteString(regexp.QuoteMeta(text[:n]))
			text = text[n:]
		}
	}
	return out.String() + `$`
}

func (g *glob) match(host, path string) bool {
	if !strings.HasPrefix(path, g.prefix) || !g.path.MatchString(path) {
		return false
	}
	return host == "" || g.host == nil || g.host.MatchString(host)
}
