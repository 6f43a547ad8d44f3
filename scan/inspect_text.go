package scan

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spillscope/spillscope/scan/internal/survey"
)

// maxRoutesShown is how many routes the text shows; leaking and cached ones
// come first.
const maxRoutesShown = 24

// maxLinesShown bounds lists of problems and gaps in the text.
const maxLinesShown = 12

// Text writes the inspection for a person: the answer first.
func (in *Inspection) Text(w io.Writer) error {
	var b strings.Builder
	for _, line := range in.Answer {
		fmt.Fprintln(&b, line)
	}
	in.textLeaks(&b)
	in.textRoutes(&b)
	in.textSources(&b)
	in.textHours(&b)
	gaps := make([]string, 0, len(in.Gaps))
	for _, g := range in.Gaps {
		gaps = append(gaps, fmt.Sprintf("%s: nothing from %s to %s", g.Source, toMinute(g.From), toMinute(g.To)))
	}
	list(&b, "gaps", gaps)
	list(&b, "problems", in.Problems)
	list(&b, "how this was found", in.Notes)
	list(&b, "missing to go further", in.Missing)
	fmt.Fprintf(&b, "\nfor incident.yaml (suggestions to check)\n\n%s", in.Incident)
	_, err := io.WriteString(w, harmless(b.String()))
	return err
}

func list(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for i, line := range lines {
		if i == maxLinesShown {
			fmt.Fprintf(b, "  and %d more\n", len(lines)-i)
			break
		}
		fmt.Fprintf(b, "  %s\n", oneLine(line))
	}
}

// table aligns rows of cells under their heads: numbers to the right, the
// rest to the left.
func table(b *strings.Builder, title string, rows [][]string) {
	fmt.Fprintf(b, "\n%s\n", title)
	width, numeric := make([]int, len(rows[0])), make([]bool, len(rows[0]))
	for i := range width {
		numeric[i] = true
		for n, r := range rows {
			r[i] = oneLine(r[i])
			width[i] = max(width[i], utf8.RuneCountInString(r[i]))
			numeric[i] = numeric[i] && (n == 0 || strings.Trim(r[i], "0123456789,.%-") == "")
		}
	}
	for _, r := range rows {
		line := ""
		for i, c := range r {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if numeric[i] {
				c, pad = pad+c, ""
			}
			line += "  " + c + pad
		}
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
}

func (in *Inspection) textLeaks(b *strings.Builder) {
	leaks := in.leaking()
	if len(leaks) == 0 {
		return
	}
	rows := [][]string{{"route", "onset", "everywhere by", "last", "session fills", "sessions", "hits meanwhile", "ttl"}}
	for _, r := range leaks {
		onset, last := toMinute(r.Onset), short(r.Last)
		if r.SinceStart {
			onset = "≤ " + onset
		}
		if r.StillOn {
			last += " (log ends)"
		}
		if r.Strays > 0 {
			onset += fmt.Sprintf(" (%s before)", plural(r.Strays, "stray"))
		}
		spread := "-"
		if r.Locations > 1 {
			spread = r.lastOnset.Time().Format("15:04:05Z")
		}
		rows = append(rows, []string{r.Pattern, onset, spread, last, fmt.Sprintf("%s of %s", commas(int64(r.Bearing)), commas(int64(r.Fills))),
			commas(int64(r.Sessions)), commas(int64(r.Hitting)), r.ttlText()})
	}
	title := "cached routes that met sessions"
	switch {
	case in.Basis == string(survey.BasisCookie):
		title = "cached routes that were asked with a session cookie"
	case !in.hasEdge():
		title = "file routes that met sessions (whether a CDN cached them is not known)"
	}
	table(b, title, rows)
}

// hasEdge reports whether any row of a CDN was read.
func (in *Inspection) hasEdge() bool {
	for _, h := range in.Hours {
		if h.EdgeRows > 0 {
			return true
		}
	}
	return false
}

func (r *InspectedRoute) ttlText() string {
	switch {
	case r.TTL == nil:
		return "too few hits"
	case r.TTL.Longer:
		return fmt.Sprintf("%d s or longer", r.TTL.About)
	}
	return fmt.Sprintf("about %d s (%d–%d)", r.TTL.About, r.TTL.Low, r.TTL.High)
}

func (in *Inspection) textRoutes(b *strings.Builder) {
	rows := [][]string{{"route", "rows", "Hit", "Miss", "RefreshHit", "Error", "other", "cached", "clients", "with session"}}
	var hidden []InspectedRoute
	for i, r := range in.Routes {
		if i >= maxRoutesShown {
			hidden = append(hidden, r)
			continue
		}
		bearing := "-"
		if r.Fills > 0 {
			bearing = fmt.Sprintf("%.0f%% of %s", 100*float64(r.Bearing)/float64(r.Fills), commas(int64(r.Fills)))
		}
		if !in.hasEdge() {
			rows[0] = []string{"route", "with session"}
			rows = append(rows, []string{orDash(r.Pattern), bearing})
			continue
		}
		rows = append(rows, []string{orDash(r.Pattern), commas(r.Rows), commas(r.Hits), commas(r.Misses), commas(r.RefreshHits), commas(r.Errors),
			commas(r.Other), fmt.Sprintf("%.0f%%", 100*r.Cached), commas(r.Clients), bearing})
	}
	if len(rows) == 1 {
		return
	}
	table(b, "routes (with session: of the fills that the origin's log or cookies tell about)", rows)
	if len(hidden) > 0 {
		var n int64
		for _, r := range hidden {
			n += r.Rows
		}
		fmt.Fprintf(b, "  and %d more with %s rows\n", len(hidden), commas(n))
	}
}

func (in *Inspection) textSources(b *strings.Builder) {
	rows := [][]string{{"folder", "format", "files", "size", "rows", "rejected", "first", "last"}}
	for _, s := range in.Sources {
		rejected := commas(s.Rejected)
		if s.Reason != "" {
			rejected += " (" + s.Reason + ")"
		}
		rows = append(rows, []string{s.Folder, s.Format, commas(int64(s.Objects)), size(s.Bytes), commas(s.Rows), rejected, orDash(short(s.First)), orDash(short(s.Last))})
	}
	table(b, "logs", rows)
	for _, s := range in.Sources {
		if s.Problem != "" {
			fmt.Fprintf(b, "%s: %s\n", oneLine(s.Folder), s.Problem)
		}
	}
}

func (in *Inspection) textHours(b *strings.Builder) {
	if len(in.Hours) == 0 {
		return
	}
	name, layout := "hour", "2006-01-02 15:04Z"
	if in.Step > time.Hour {
		name, layout = "day", "2006-01-02"
	}
	rows := [][]string{{name, "edge rows", "files", "origin rows", "files"}}
	for _, h := range in.Hours {
		from, err := time.Parse(time.RFC3339, h.From)
		if err != nil {
			continue // From is made by String of model.Instant
		}
		rows = append(rows, []string{from.Format(layout), commas(h.EdgeRows), commas(int64(h.EdgeFiles)), commas(h.OriginRows), commas(int64(h.OriginFiles))})
	}
	more := len(rows) - 1 - maxHours*2
	if more > 0 {
		rows = rows[:len(rows)-more]
	}
	table(b, "rows by "+name, rows)
	if more > 0 {
		fmt.Fprintf(b, "  and %d more\n", more)
	}
	for _, p := range in.Pace {
		fmt.Fprintf(b, "  %s: median %s rows a minute, at most %s\n", p.Source, commas(int64(p.Median+0.5)), commas(int64(p.Most+0.5)))
	}
}

// short makes a stamp of String readable.
func short(stamp string) string { return shorter(stamp, "2006-01-02 15:04:05Z") }

// toMinute is short for stamps that are whole minutes.
func toMinute(stamp string) string { return shorter(stamp, "2006-01-02 15:04Z") }

func shorter(stamp, layout string) string {
	t, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return ""
	}
	return t.Format(layout)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func commas(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// oneLine keeps a name from a stranger within its cell.
func oneLine(s string) string {
	return strings.NewReplacer("\n", "<U+000A>", "\t", "<U+0009>", "\r", "<U+000D>").Replace(s)
}

// harmless shows what could act on a terminal instead of letting it act: the
// names of files are chosen by strangers too.
func harmless(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, "<0x%02X>", s[i])
		case r != '\n' && !unicode.IsPrint(r):
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
