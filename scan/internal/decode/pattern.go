package decode

import "strings"

// Pattern returns path with every variable segment starred, so that no token,
// id, name or file hash is left in it. A path that a suspect route or a data
// category matches gives that glob itself; a route that reaches across segments
// does not, since it may hold all that there is, and neither does /**.
func (c *Context) Pattern(path string) string {
	for i := range c.routes {
		if r := &c.routes[i]; !strings.Contains(r.text, "**") && r.match("", path) {
			return r.text
		}
	}
	for i := range c.categories {
		if c.categories[i].text != "/**" && c.categories[i].match("", path) {
			return c.categories[i].text
		}
	}
	return star(path)
}

// maxSegments bounds a pattern: what lies deeper becomes **.
const maxSegments = 6

func star(path string) string {
	if !strings.HasPrefix(path, "/") {
		if path == "" {
			return ""
		}
		return "*"
	}
	segments := strings.Split(path[1:], "/")
	last := len(segments) - 1
	var out strings.Builder
	for i, s := range segments {
		switch {
		case i == maxSegments-1 && last > i:
			return out.String() + "/**"
		case i == last:
			s = starLast(s)
		case !isWord(s) && !isVersion(s):
			s = "*"
		}
		out.WriteByte('/')
		out.WriteString(s)
	}
	return out.String()
}

// starLast keeps no more of a file's name than what kind of file it is.
func starLast(name string) string {
	if name == "" {
		return ""
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		if ext := strings.ToLower(name[i+1:]); extensions[ext] {
			return "*." + ext
		}
	}
	return "*"
}

// isWord reports whether s reads as a word of a route rather than a value:
// letters, - and _ only, and not the ragged mixture of cases of a token.
func isWord(s string) bool {
	if len(s) > 20 || !allPronounceable(s) {
		return false
	}
	humps := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z':
			if i > 0 && 'a' <= s[i-1] && s[i-1] <= 'z' {
				humps++
			}
		case 'a' <= c && c <= 'z', c == '-', c == '_':
		default:
			return false
		}
	}
	return humps <= 2
}

// Parts of a word: no language of routes strings six consonants together, and
// six hex digits in a row are an id.
const (
	maxConsonants = 5
	maxHex        = 5
)

// allPronounceable reports whether no part of s looks drawn at random.
func allPronounceable(s string) bool {
	for _, part := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '-' || r == '_' }) {
		run := 0
		for i := range len(part) {
			if run++; strings.IndexByte("aeiouy", part[i]) >= 0 {
				run = 0
			}
			if run > maxConsonants {
				return false
			}
		}
		if len(part) > maxHex && strings.Trim(part, "abcdef") == "" {
			return false
		}
	}
	return true
}

// isVersion reports whether s is v1, v2, … of an API.
func isVersion(s string) bool {
	return len(s) >= 2 && len(s) <= 3 && s[0] == 'v' && strings.Trim(s[1:], "0123456789") == ""
}

// extensions are the endings that say what a file is and nothing else.
var extensions = set("js", "mjs", "cjs", "css", "map", "json", "html", "htm", "xml", "txt", "md",
	"png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico", "bmp",
	"woff", "woff2", "ttf", "otf", "eot", "wasm",
	"mp4", "webm", "mov", "m3u8", "mpd", "m4s", "ts", "mp3", "m4a", "ogg", "wav", "vtt", "srt",
	"pdf", "csv", "zip", "gz", "tgz", "br", "crate", "php", "aspx", "jsp")

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}
