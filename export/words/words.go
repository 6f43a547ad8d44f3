// Package words holds the sentences that more than one output says: what a
// tier, a bound, a flag or a role means, and what a case's own data forbids to
// conclude from it. The terminal, the report and explain must not define one
// word in two ways.
//
// What belongs here: plain words made from a manifest or a record. What does
// not: layout, escaping (package inert) and legal conclusions, which are
// nobody's to print but counsel's.
package words

import (
	"math"
	"strconv"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/verdict"
)

// Definition is a word and what it means.
type Definition struct{ Word, Means string }

// Tiers defines the tiers, strongest first.
func Tiers() []Definition {
	return []Definition{
		{model.TierConfirmed.String(), "use was seen: a later request of the recipient's client presented the holder's session, with no login in between, and this delivery brought it with a probability of at least 0.9"},
		{model.TierProbable.String(), "the recipient's client held the session with a probability of at least 0.5"},
		{model.TierPossible.String(), "with a probability of at least 0.05"},
		{model.TierUnlikely.String(), "below 0.05; listed, in no notice"},
		{model.TierSetAside.String(), "a named rule says that it cannot matter; listed with the rule, in no count"},
	}
}

// Bounds defines the three numbers of every count.
func Bounds() []Definition {
	return []Definition{
		{"lower", "those with at least one confirmed row"},
		{"best", "the number to be expected, with the range that holds it in 90 of 100 cases if the stated assumptions hold"},
		{"upper", "all that were not set aside, plus the unattributed deliveries; not a ceiling where the logs have gaps or a warning says so"},
	}
}

// Terms defines the remaining words.
func Terms() []Definition {
	return []Definition{
		{"delivery", "a response from the shared cache that carried a session cookie, sent to a client"},
		{"holder", "the user whose session the delivery carried"},
		{"recipient", "the client that got it, and the user it had belonged to until then, if known"},
		{"delivered, applied, used", "the client was sent the cookie; its browser kept it; a later request of it presented the cookie"},
		{"opened, changed", "what recipients read, and what they wrote, in a workspace while they held a session of one of its members"},
		{"unattributed", "a delivery whose stored response or whose holder is not known; counted, never dropped"},
		{"control", "hours in which nothing leaked, judged by the same program; what it finds there is its false alarm"},
	}
}

// Effect says what a flag does to its factor.
func Effect(e verdict.Effect) string {
	switch e {
	case verdict.Excludes:
		return "sets aside"
	case verdict.Widens:
		return "leaves more open"
	case verdict.Annotates:
		return "none, a note"
	}
	return string(e)
}

// Flag returns the words and the factor of a flag.
func Flag(name model.FlagName) (words, factor string) {
	if def, ok := verdict.Lookup(name); ok {
		return def.Words, def.Factor
	}
	return "this build has no words for this flag; see the version named in run.json", "unknown"
}

// Role returns a workspace's or user's side of the deliveries.
func Role(r model.Role) string {
	switch r {
	case model.RoleHolder:
		return "sessions of its users were delivered to others"
	case model.RoleRecipient:
		return "its users' clients received sessions of others"
	case model.RoleBoth:
		return "sessions of its users were delivered to others, and its users' clients received sessions of others"
	}
	return "side not known"
}

// Count writes n with thousands apart: 12,345.
func Count[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Expected writes an expected number with one decimal; none where it is whole,
// nor from 100 on, where it would be false precision.
func Expected(x float64) string {
	if x >= 100 {
		x = math.Round(x)
	}
	s := strconv.FormatFloat(x, 'f', 1, 64)
	whole, tenth, _ := strings.Cut(s, ".")
	n, err := strconv.Atoi(whole)
	if err != nil {
		return s // out of range; print what there is
	}
	if tenth == "0" {
		return Count(n)
	}
	return Count(n) + "." + tenth
}

// Plural writes n and the noun, with an s if there is not one.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// Percent writes part of whole, or "–" of nothing. Small shares keep two
// significant digits: 0.18 % must not become 0 %.
func Percent(part, whole float64) string {
	if whole <= 0 {
		return "–"
	}
	p := 100 * part / whole
	digits := 1
	for limit := 1.0; p > 0 && p < limit && digits < 4; limit /= 10 {
		digits++
	}
	return strconv.FormatFloat(p, 'f', digits, 64) + " %"
}
