package intake

import (
	"cmp"
	"slices"
)

func (l *loader) membership(t *table, r row) (outcome, error) {
	user, workspace := r.cells[0], r.cells[1]
	if why := cmp.Or(badID("user_id", user), badID("workspace_id", workspace)); why != "" {
		return why, nil
	}
	from, to, err := t.span(r.cells[2], r.cells[3])
	if err != nil {
		return outcome(err.Error()), nil
	}
	at, err := t.places.number(r.number)
	if err != nil {
		return "", err
	}
	l.d.memberships = append(l.d.memberships,
		membership{l.d.users.number(user), l.d.workspaces.number(workspace), from, to, at})
	return "", nil
}

// settleMemberships sorts the memberships and drops rows that say the same.
// Several spans of one user in one workspace are no contradiction: people
// leave and come back.
func (l *loader) settleMemberships(places *places) {
	all := l.d.memberships
	slices.SortFunc(all, func(a, b membership) int {
		return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.workspace, b.workspace),
			cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.at, b.at))
	})
	kept := all[:0]
	for _, m := range all {
		if n := len(kept); n > 0 && kept[n-1].same(m) {
			l.duplicate(places, m.at)
			continue
		}
		kept = append(kept, m)
		l.d.timing.member(m, l.window)
	}
	l.d.memberships, l.d.counts.Memberships = kept, len(kept)
}
