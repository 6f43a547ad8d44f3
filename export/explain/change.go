package explain

import (
	"github.com/spillscope/spillscope/export/words"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/verdict"
)

// certain is the probability from which a step needs no further evidence.
const certain = 0.95

// changes tells which evidence would raise or lower the verdict: the weakest
// step first decides, so only steps that are open are named.
func (t *teller) changes(h *hit) {
	d := &h.best
	t.line("  What would change this:")
	for _, flag := range d.Flags {
		if def, ok := verdict.Lookup(flag.Name); ok && def.SetAside() {
			t.line("    - it counts again if %s does not hold; check its evidence against the rows below", string(flag.Name))
		}
	}
	if d.Tier == model.TierSetAside {
		return
	}
	if d.Tier == model.TierConfirmed {
		t.line("    - it falls if the recipient's device had logged in as this user itself, e.g. one person with two accounts: ask %s", orNobody(d.RecipientUser))
		return
	}
	if d.PDelivered < certain {
		t.line("    - the holder is uncertain (%.4f): stamps finer than a second, or the rows that are missing, would decide between %s", d.PDelivered, choices(len(h.candidates)))
	}
	if d.Rung != model.RungOriginRow {
		t.line("    - the fill has no origin row of its own: if the application logged it, the holder would be known and not inferred")
	}
	if d.RecipientUser == "" {
		t.line("    - the recipient's user is not known: sightings of this device before %s (lookback, audit tables) would name it or clear it", d.HitTime.String())
	}
	if d.PDelivered > 0 && d.PApplied < certain*d.PDelivered {
		t.line("    - whether the client kept the cookie is uncertain: its next request at the origin shows which session it presents")
	}
	t.line("    - it becomes confirmed if a later request of this device presents session %s without a login in between", d.HolderSession.String())
	t.line("    - it falls if the device is seen to go on with its own session after %s", d.HitTime.String())
}

func choices(candidates int) string {
	if candidates == 1 {
		return "this candidate and an unknown one"
	}
	return "the " + words.Plural(candidates, "candidate")
}

func orNobody(user string) string {
	if user == "" {
		return "the holder"
	}
	return "user " + user
}
