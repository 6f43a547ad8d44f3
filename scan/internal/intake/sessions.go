package intake

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/internal/decode"
)

// session takes a row without a user too: sessions stores hold many in which
// nobody has logged in, and a log row with one of them is not unresolved.
func (l *loader) session(t *table, r row) (outcome, error) {
	value := r.cells[0]
	if value == "" {
		return "session_hash is empty", nil
	}
	user, why := l.sessionUser(t, r.cells[1])
	if why != "" {
		return why, nil
	}
	ended, err := t.instant("ended_at", r.cells[3], end)
	if err != nil {
		return outcome(err.Error()), nil
	}
	id, shape, why := l.d.digestCell(value)
	if why != "" {
		return why, nil
	}
	at, err := t.places.number(r.number)
	if err != nil {
		return "", err
	}
	s := session{id: id, at: at, user: anonymous, ended: ended}
	if user != "" {
		s.user = l.d.users.number(user)
	}
	l.d.sessions = append(l.d.sessions, s)
	l.d.shapes[shape]++
	if created, err := t.instant("created_at", r.cells[2], beginning); err == nil && created != 0 {
		l.d.timing.created(created, l.window)
	}
	return "", nil
}

// sessionUser returns the user in the user column, "" for nobody.
func (l *loader) sessionUser(t *table, text string) (user string, why outcome) {
	path := t.source.UserClaim
	switch {
	case text == "":
		return "", ""
	case path == "" && (encoded.MatchString(text) || len(text) > longestID):
		// Taken for an id, it would be printed wherever the user is named.
		return "", "user_id holds JSON or encoded data, not an id: name the user within it with user_claim"
	case path != "":
		if text, why = userIn(text, path); why != "" {
			return "", why
		}
		l.claims++
		if text == "" {
			return "", ""
		}
		l.claimed++
	}
	return text, badID("user_id", text)
}

// longestID is longer than what names a user anywhere.
const longestID = 255

// settleClaims asks whether user_claim led to anybody.
func (l *loader) settleClaims(t *table) error {
	if l.claims > 0 && l.claimed == 0 {
		return fmt.Errorf("user_claim: %s is in none of the %d sessions of %s; look into one of them for the path to the user, e.g. passport.user or _auth_user_id", t.source.UserClaim, l.claims, t.source.URI)
	}
	return nil
}

// digestCell digests the value of a session cell as the logs hold it, and says
// what it looks like. What its copies hold is wiped.
func (d *Directory) digestCell(cell string) (id model.ID, shape string, why outcome) {
	raw := []byte(cell)
	defer clear(raw)
	value, err := decode.ApplyForm(raw, d.table.Form)
	if err != nil {
		return id, "", "session_form does not fit session_hash" // not err: it might quote the value
	}
	defer clear(value)
	if id, err = d.digest(value); err != nil || id.IsZero() {
		return id, "", "session_hash cannot be digested"
	}
	return id, decode.ShapeOf(value).String(), ""
}

// settleSessions sorts the sessions and drops duplicates. Sorting 32 bytes a
// row once takes a third of the memory of a map from the start.
//
// A session in which somebody logs in between two exports has a user in one of
// them; two users are a contradiction that would name the wrong holder.
func (l *loader) settleSessions(places *places) error {
	all := l.d.sessions
	slices.SortFunc(all, func(a, b session) int {
		return cmp.Or(a.id.Compare(b.id), cmp.Compare(a.at, b.at))
	})
	kept := all[:0]
	for _, s := range all {
		n := len(kept)
		if n == 0 || kept[n-1].id != s.id {
			kept = append(kept, s)
			continue
		}
		first := &kept[n-1]
		if first.user == anonymous {
			first.user = s.user
		}
		if s.user != anonymous && s.user != first.user {
			return fmt.Errorf("%s: this session has another user at %s; whose was it during the incident? Keep that row only", places.name(s.at), places.name(first.at))
		}
		first.ended = max(first.ended, s.ended)
		l.duplicate(places, s.at)
	}
	l.d.sessions, l.d.files, l.d.counts.Sessions = slices.Clip(kept), *places, len(kept)
	return nil
}

// duplicate charges a row that was counted as parsed to the duplicates of its file.
func (l *loader) duplicate(places *places, at uint32) {
	f, _ := places.find(at)
	l.inputs[f.input].Parsed--
	l.inputs[f.input].Duplicate++
}
