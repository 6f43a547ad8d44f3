package intake

import (
	"time"

	"github.com/spillscope/spillscope/model"
)

// Timing is how the rows of the tables lie to the incident in time. An export
// made afterwards shows the directory of another day.
type Timing struct {
	Created      int // sessions that say when they were created
	CreatedAfter int // of these, after the window
	Oldest       model.Instant
	Newest       model.Instant // of created

	Undated     int // memberships without dates
	BeganAfter  int // memberships that began after the last instant of the case
	EndedBefore int // that had ended before its first
}

// Timing returns how the tables lie to the incident in time.
func (d *Directory) Timing() Timing { return d.timing }

func (t *Timing) created(at model.Instant, w model.Window) {
	if t.Created++; t.Created == 1 || at < t.Oldest {
		t.Oldest = at
	}
	t.Newest = max(t.Newest, at)
	if at > w.Span.To {
		t.CreatedAfter++
	}
}

func (t *Timing) member(m membership, w model.Window) {
	switch {
	case m.from == 0 && m.to == 0:
		t.Undated++
	case m.from > max(w.Span.To, w.FollowUntil):
		t.BeganAfter++
	case m.to != 0 && m.to < w.Span.From.Add(-w.Lookback):
		t.EndedBefore++
	}
}

// flushed warns of a store that was emptied between incident and export.
func (l *loader) flushed(t *table) {
	c := l.d.timing
	if l.window.Span.To == 0 || c.CreatedAfter*2 <= c.Created {
		return
	}
	was := "most rows are younger than the incident"
	if c.CreatedAfter == c.Created {
		was = "no row is as old as the incident"
	}
	l.warn("%s: %d of %d sessions were created after the window (the oldest at %v): %s, so the store was flushed, or old rows expired, before the export. Give %s.uri an older export or backup, or let the origin log name users (map.user)",
		t.source.URI, c.CreatedAfter, c.Created, c.Oldest, was, t.key)
}

// stale is how long before or after an incident an export may have been made
// without a word: people who join or leave are few in a day.
const stale = 24 * time.Hour

// exported warns of memberships that belong to another day. Where some have
// dates, a blank is a date too: no bound.
func (l *loader) exported(asOf model.Instant) {
	w, n := l.window.Span, l.d.timing.Undated
	if asOf == 0 || w.To == 0 || n == 0 || n < l.d.counts.Memberships {
		return
	}
	if late := asOf.Sub(w.To); late > stale {
		l.warn("directory.as_of: the %d memberships have no dates and are those of %v, %v after the window: who left until then is missing, who joined counts as a member; map valid_from and valid_to, or export a backup from before the incident", n, asOf, late.Round(time.Minute))
	}
	if early := w.From.Sub(asOf); early > stale {
		l.warn("directory.as_of: the %d memberships have no dates and are those of %v, %v before the window: who joined since is missing; export a later state", n, asOf, early.Round(time.Minute))
	}
}

// misdated warns of memberships whose dates are not those of the incident: what
// writes the day of the export, or of a migration, as their beginning.
func (l *loader) misdated() {
	t, all := l.d.timing, l.d.counts.Memberships
	if away := t.BeganAfter + t.EndedBefore; l.window.Span.To == 0 || away*2 <= all {
		return
	}
	l.warn("directory.memberships: of %d memberships %d began after the case and %d had ended before it; they make nobody a member. Are valid_from and valid_to those of the membership, or of the row or the export?", all, t.BeganAfter, t.EndedBefore)
}
