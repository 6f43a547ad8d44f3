package scan

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/scan/internal/sniff"
)

// maxSources is the most sources that are told apart before folders are
// taken together: archives have a folder an hour.
const maxSources = 12

// group gathers objects of one format and folder into sources.
func (s *inspection) group() error {
	depth := 0
	for _, o := range s.objects {
		depth = max(depth, strings.Count(o.URI, "/"))
	}
	for {
		by := map[string]*InspectedSource{}
		for _, o := range s.objects {
			dir := folder(o.URI, depth)
			key := dir + "\x00" + o.found.Format + "\x00" + o.table
			if by[key] == nil {
				by[key] = newInspectedSource(dir, o)
			}
			by[key].take(o)
		}
		if len(by) <= maxSources || depth == 0 {
			for _, src := range by {
				s.sources = append(s.sources, src)
			}
			break
		}
		depth--
	}
	slices.SortFunc(s.sources, func(a, b *InspectedSource) int {
		return cmp.Or(cmp.Compare(formatRank(a), formatRank(b)), cmp.Compare(a.Format, b.Format), cmp.Compare(a.Folder, b.Folder), cmp.Compare(a.table, b.table))
	})
	for _, o := range s.objects {
		if formatRank(o.source) < 2 { // more is known when the fields have been guessed
			s.at.ObjectsTotal++
			s.at.BytesTotal += o.Size
		}
	}
	return nil
}

// dated is a folder of a year, below which archives have one an hour.
var dated = regexp.MustCompile(`^(year=.*|(19|20)\d\d)$`)

// folder returns the folder of a URI, at most depth levels deep, and above
// those of single hours.
func folder(uri string, depth int) string {
	dir := path.Dir(uri)
	root := ""
	if strings.HasPrefix(dir, "/") {
		root, dir = "/", dir[1:]
	}
	parts := strings.Split(dir, "/")
	if year := slices.IndexFunc(parts, dated.MatchString); year > 0 {
		parts = parts[:year]
	}
	dir = strings.Join(parts[:min(len(parts), depth)], "/")
	return path.Clean(root + dir)
}

func newInspectedSource(dir string, o *inspected) *InspectedSource {
	format := formatName(o.found.Format)
	if o.table != "" {
		format += ", " + o.table
	}
	return &InspectedSource{
		Folder: dir, Format: format, Problem: o.found.Advice, format: o.found.Format, unwrap: o.found.Unwrap,
		names: o.names, table: o.table, renamed: o.renamed, prefix: path.Base(o.URI), below: strings.TrimPrefix(o.URI, dir+"/"),
		forms: map[string]bool{}, rejects: map[string]int64{},
	}
}

// take adds an object that has not been read yet.
func (src *InspectedSource) take(o *inspected) {
	o.source = src
	src.Objects++
	src.Bytes += o.Size
	src.columns = max(src.columns, o.found.Columns)
	if o.found.Unwrap != src.unwrap {
		src.unwrap = ""
	}
	src.saw(path.Base(o.URI))
	src.deep = src.deep || path.Dir(o.URI) != src.Folder
}

// saw notes how objects are called, to name them by one glob.
func (src *InspectedSource) saw(name string) {
	for !strings.HasPrefix(name, src.prefix) {
		src.prefix = src.prefix[:len(src.prefix)-1]
	}
	if src.suffixes == nil {
		src.suffixes = map[string]bool{}
	}
	if len(src.suffixes) < 8 {
		src.suffixes[suffix(name)] = true
	}
}

// suffix returns the part of a name that tells its kind: .jsonl.gz, .gz.
func suffix(name string) string {
	ext := path.Ext(name)
	if ext == ".gz" || ext == ".zst" {
		if inner := path.Ext(strings.TrimSuffix(name, ext)); len(inner) > 1 && len(inner) <= 6 && strings.Trim(inner[1:], "abcdefghijklmnopqrstuvwxyz") == "" {
			return inner + ext
		}
	}
	return ext
}

// formWords are what a log of CloudFront is written as, by the decoder's word.
var formWords = map[string]string{"cloudfront-v2-json": "JSON", "cloudfront-v2-parquet": "Parquet"}

// settle says what the rows turned out to be, and of those of CloudFront that
// could not be read for want of names what would name them.
func (src *InspectedSource) settle() {
	if src.unnamed() {
		if src.format == sniff.CloudFront {
			src.Format = "CloudFront log without names"
		}
		src.Problem = fmt.Sprintf("its rows have %d columns, which no line names: give the source format: %s and, as fields, these columns in the order of the delivery's configuration", src.columns, src.format)
		return
	}
	var words []string
	for _, form := range sortedKeys(src.forms) {
		for word := range strings.SplitSeq(form, "+") {
			if w := formWords[word]; w != "" && !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
	}
	if len(words) > 0 {
		src.Format += " (" + strings.Join(words, ", ") + ")"
	}
}

// unnamed reports whether the source is a log of CloudFront whose columns must
// be named for it to be read.
func (src *InspectedSource) unnamed() bool { return src.columns > 0 && src.Rows == 0 }
