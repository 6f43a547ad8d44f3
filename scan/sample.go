package scan

import (
	"fmt"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/sniff"
)

// sampling says why a log of this source and format may hold only a part of the
// requests; "" of one that holds all. Of a real-time log the rate is a setting,
// which only its owner can say is 100 %.
func sampling(src *model.Source, format string) string {
	switch {
	case src.Sampled > 0 && src.Sampled < 1:
		return fmt.Sprintf("%.4g %% of the requests were logged", 100*src.Sampled)
	case src.Sampled == 0 && format == sniff.RealTime:
		return "a real-time log without `sampled`: which share of the requests it holds is not stated (sampled: 100% if every one)"
	}
	return ""
}

// sampling is that of a source as its objects were read.
func (s *state) sampling(src *model.Source) string {
	format := src.Format
	if slices.ContainsFunc(s.objects, func(o object) bool { return o.source == src && o.format == sniff.RealTime }) {
		format = sniff.RealTime
	}
	return sampling(src, format)
}

// samples lists the edge's sources that may hold only a part of the requests,
// and says whether another holds all.
func (s *state) samples() (parts []*model.Source, whole bool) {
	for i := range s.Incident.Sources {
		src := &s.Incident.Sources[i]
		switch {
		case src.Kind != model.SourceEdge:
		case s.sampling(src) == "":
			whole = true
		default:
			parts = append(parts, src)
		}
	}
	return parts, whole
}

// sampleOf says that the log of e, at its time, is a sample. Where another
// delivery of the log holds all requests, nothing is missing.
func (s *state) sampleOf(e *model.EdgeRow) string {
	o := &s.objects[e.Ref.Object]
	why := sampling(o.source, o.format)
	if why == "" || s.wholeAt(e.End) {
		return ""
	}
	return why
}

// wholeAt reports whether an edge source that is no sample has rows around v.
func (s *state) wholeAt(v model.Interval) bool {
	return slices.ContainsFunc(s.feeds.list, func(f feed) bool {
		return sampling(f.source, f.format) == "" && f.span.From <= v.Lo && v.Hi <= f.span.To
	})
}
