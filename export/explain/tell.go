package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/export/words"
	"github.com/spillscope/spillscope/model"
)

// teller writes lines and keeps the first error. Every string among the
// arguments is made inert, so no caller has to remember it.
type teller struct {
	w    io.Writer
	c    *store.Case
	told map[string]bool // request ids whose rows were printed
	err  error
}

func (t *teller) line(format string, args ...any) {
	if t.err != nil {
		return
	}
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = inert.Text(s)
		}
	}
	_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
}

// subject tells what the query is and what the case concludes about it.
func (t *teller) subject(s *subject) {
	for _, ws := range s.workspaces {
		name := ws.Name
		if !ws.Known {
			name = "not in the directory"
		}
		t.line("Workspace %s (%s): %s. %s.", ws.ID, name, ws.Tier.String(), capital(words.Role(ws.Role)))
		t.entity(&ws.Entity)
		t.line("  Opened by recipients: %s. Changed: %s.", store.TriWord(ws.Opened), store.TriWord(ws.Change))
	}
	for _, u := range s.users {
		t.line("User %s: %s. %s.", u.ID, u.Tier.String(), capital(words.Role(u.Role)))
		t.entity(&u.Entity)
		if len(u.WorkspaceIDs) > 0 {
			t.line("  Member of %s.", some(u.WorkspaceIDs))
		}
		if u.UserRole != "" {
			t.line("  Role in the directory: %s.", u.UserRole)
		}
	}
	if s.named > 0 {
		t.line("%s names %s.", s.query, words.Plural(s.named, "delivery row"))
	}
	t.side("as holder", s.asHolder)
	t.side("as recipient", s.asOther)
	if s.accessed > 0 {
		t.line("%s made with a session after its delivery:", capital(words.Plural(s.accessed, "request")))
		for _, a := range s.accesses {
			t.line("  %s  %s %s  status %d%s  %s", a.Time.String(), a.Method, a.Pattern, a.Status, lasting(&a), t.c.Cite(a.Row.Ref))
		}
	}
}

func lasting(a *model.Access) string {
	if a.Lasting == "" {
		return ""
	}
	return "  outlives revocation: " + a.Lasting
}

func (t *teller) entity(e *model.Entity) {
	t.line("  The probability that at least one delivery reached a client that kept it is %.4f.", e.PApplied)
	t.line("  %s between %s and %s, to %s, of sessions of %s; %d with use seen.", capital(words.Plural(e.Deliveries, "hit")),
		e.First.String(), e.Last.String(), words.Plural(e.Devices, "device"), words.Plural(e.HolderUsers, "user"), e.Used)
}

func (t *teller) side(label string, n tally) {
	if n.total() == 0 {
		return
	}
	var parts []string
	for tier := model.TierConfirmed; ; tier-- {
		if n[tier] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[tier], tier))
		}
		if tier == model.TierSetAside {
			break
		}
	}
	t.line("Delivery rows %s: %s.", label, strings.Join(parts, ", "))
}

// hit tells one hit: what happened, who it may have been, why, on what rows.
func (t *teller) hit(h *hit) error {
	d := &h.best
	t.line("")
	t.line("%s  %s", d.ID, d.Tier.String())
	t.line("  At %s the cache %s (distribution %s) answered request %s for %s to device %s%s.", d.HitTime.String(), d.Cache, d.Distribution,
		d.Hit.RequestID, d.Route, d.Device.String(), belonging(d.RecipientUser, d.RecipientWorkspaces))
	if d.Fill.RequestID == "" {
		t.line("  The stored response behind it has no row in the logs.")
	} else {
		t.line("  The stored response came from request %s of %s; it carried session %s%s.", d.Fill.RequestID, d.FillTime.String(),
			d.HolderSession.String(), belonging(d.HolderUser, d.HolderWorkspaces))
	}
	t.line("  The holder is known by: %s.", d.Rung.String())
	t.line("  Delivered with probability %.4f, kept by the client %.4f, presented later %.4f.", d.PDelivered, d.PApplied, d.PUsed)
	t.candidates(h)
	t.flags(d)
	t.changes(h)
	if err := t.rows("hit", d.Hit); err != nil {
		return err
	}
	if err := t.rows("fill", d.Fill); err != nil {
		return err
	}
	return t.err
}

func belonging(user string, workspaces []string) string {
	switch {
	case user == "":
		return ", of a user who is not known"
	case len(workspaces) == 0:
		return " of user " + user + ", in no known workspace"
	}
	return " of user " + user + " in " + some(workspaces)
}

// some lists ids, and counts what would not fit a sentence.
func some(ids []string) string {
	const few = 5
	if len(ids) <= few {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:few], ", "), len(ids)-few)
}

func (t *teller) candidates(h *hit) {
	rest := 1.0
	if n := len(h.candidates); n == 1 {
		t.line("  The logs leave one candidate for this hit:")
	} else {
		t.line("  The logs leave %d candidates for this hit:", n)
	}
	slices.SortStableFunc(h.candidates, func(a, b model.Delivery) int {
		switch {
		case a.PDelivered > b.PDelivered:
			return -1
		case a.PDelivered < b.PDelivered:
			return 1
		}
		return 0
	})
	for i := range h.candidates {
		d := &h.candidates[i]
		rest -= d.PDelivered
		holder := d.HolderUser
		if holder == "" {
			holder = "not known"
		}
		t.line("    %.4f  fill %s at %s, holder %s, %s (%s)", d.PDelivered, d.Fill.RequestID, d.FillTime.String(), holder, d.Tier.String(), d.ID)
	}
	if h.unknown != nil {
		t.line("    %.4f  unknown: %s", h.unknown.PUnknown, h.unknown.Reason)
	} else if rest > 0.00005 {
		t.line("    %.4f  none of these: a lost row, an unseen tier, or no cookie", rest)
	}
}

func (t *teller) flags(d *model.Delivery) {
	for _, f := range d.Flags {
		means, factor := words.Flag(f.Name)
		t.line("  %s (moves: %s). %s", string(f.Name), factor, means)
		if f.Evidence != "" {
			t.line("    Evidence: %s.", strings.TrimSuffix(f.Evidence, "."))
		}
	}
}

// rows prints the cited rows of one request.
func (t *teller) rows(what string, cited model.Citation) error {
	if cited.RequestID == "" {
		return t.err
	}
	if t.told[cited.RequestID] {
		t.line("  Rows of the %s: as above, request %s", what, cited.RequestID)
		return t.err
	}
	rows, err := t.c.RowsOf(cited.RequestID)
	if err != nil {
		return err
	}
	t.told[cited.RequestID] = true
	if len(rows) == 0 {
		t.line("  Row of the %s: %s", what, t.c.Cite(cited.Ref))
	}
	for i := range rows {
		t.row(what, &rows[i])
	}
	return t.err
}

func (t *teller) row(what string, r *store.Row) {
	t.line("  Row of the %s (%s log):", what, r.Kind)
	t.line("    object %s", r.URI)
	t.line("    sha256 %s", r.SHA256)
	t.line("    %s", r.Place())
	for _, place := range r.Also {
		t.line("    also at %s", place)
	}
	for _, f := range r.Fields() {
		t.line("    %-18s %s", f.Name, f.Value)
	}
}

// orphanRows tells hits that have no delivery row, and rows that are cited
// for another reason.
func (t *teller) orphanRows(s *subject) error {
	for _, u := range s.loose {
		t.line("")
		t.line("Request %s at %s: a delivery from cache %s for %s to device %s that could be tied to no holder (probability %.4f that it is unknown).", u.Hit.RequestID,
			u.HitTime.String(), u.Cache, u.Route, u.Device.String(), u.PUnknown)
		t.line("  Reason: %s.", strings.TrimSuffix(u.Reason, "."))
		if err := t.rows("hit", u.Hit); err != nil {
			return err
		}
	}
	if s.hitCount > 0 || len(s.loose) > 0 {
		return t.err
	}
	for i := range s.rows {
		t.row("request", &s.rows[i])
	}
	return t.err
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
