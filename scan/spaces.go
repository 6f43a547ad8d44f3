package scan

import (
	"maps"
	"slices"

	"github.com/spillscope/spillscope/model"
)

// spaces is what a recipient did as the holder in each workspace that the
// origin log names (map.workspace), and in none that it names.
type spaces struct {
	named    map[string]bool // whether something was changed there
	nameless int             // requests that opened something and name no workspace
	changes  int             // of these, those that changed something
}

// look notes a request that opened something.
func (s *spaces) look(o *model.OriginRow) {
	switch {
	case o.Workspace == "":
		s.nameless++
		if writes(o) {
			s.changes++
		}
	case o.Status < 300: // a redirect away from a workspace opens nothing of it
		if s.named == nil {
			s.named = map[string]bool{}
		}
		s.named[o.Workspace] = s.named[o.Workspace] || writes(o)
	}
}

// with returns the holder's workspaces by the directory, and those that the
// log shows to have been opened in the holder's name beside them: memberships
// are of another day.
func (s *spaces) with(holders []string) []string {
	all := slices.Concat(holders, slices.Collect(maps.Keys(s.named)))
	slices.Sort(all)
	return slices.Compact(all)
}

// reached returns what was opened and changed in workspace w, given what was
// in any, of a holder who is in so many. A request that names none may concern
// each of several.
func (s *spaces) reached(w string, opened, changed model.Tri, of int) (model.Tri, model.Tri) {
	switch {
	case opened != model.Yes, len(s.named) == 0 && of <= 1:
		return opened, changed
	case len(s.named) == 0:
		return model.Unknown, model.Unknown // the log does not say which one
	}
	opened, changed = model.No, model.No
	if s.nameless > 0 {
		opened = model.Unknown
	}
	if s.changes > 0 {
		changed = model.Unknown
	}
	if change, named := s.named[w]; named {
		opened = model.Yes
		if change {
			changed = model.Yes
		}
	}
	return opened, changed
}
