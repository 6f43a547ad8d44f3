// Package terminal prints the answer of a case to a terminal, or as one JSON
// object to a program. It reads the manifest alone and decides nothing.
package terminal

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/export/words"
	"github.com/spillscope/spillscope/model"
)

// few is how many reasons, gaps or assumptions are printed of a kind; the rest
// is counted. The summary has to fit a screen; the report has them all.
const few = 3

// page collects lines; it keeps the first write error, so that the summary
// reads like a page and not like error handling.
type page struct {
	w     io.Writer
	color bool
	err   error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// bold and loud mark text that is inert already.
func (p *page) bold(s string) string { return p.paint("1", s) }
func (p *page) loud(s string) string { return p.paint("1;31", s) }

func (p *page) paint(code, s string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// some prints up to few of the texts under a label.
func (p *page) some(label string, texts []string) {
	for i, t := range texts[:min(few, len(texts))] {
		if i > 0 {
			label = ""
		}
		p.line("%-13s %s", label, inert.Text(t))
	}
	if rest := len(texts) - few; rest > 0 {
		p.line("%-13s and %d more, see the report", "", rest)
	}
}

// Summary prints the answer, then what it rests on. dir is where the case is.
func Summary(w io.Writer, m model.Manifest, dir string, color bool) error {
	p := &page{w: w, color: color}
	h := &m.Headline
	p.line("%s  %s to %s", p.bold(inert.Text(m.Case)), inert.Text(m.Window.From), inert.Text(m.Window.To))
	if !m.Complete || len(m.Partial) > 0 {
		p.some(p.pad(p.loud("PARTIAL"), "PARTIAL"), orElse(m.Partial, "the scan did not complete"))
	}
	if h.StaffSessions > 0 {
		p.line("%s", p.loud(words.Plural(h.StaffSessions, "staff or impersonation session")+" among the delivered: what these could open reaches beyond the workspaces below"))
	}
	p.line("")
	if m.OriginOnly != "" {
		p.some("answer", words.OriginOnly(&m))
	} else {
		p.answer(&m)
	}
	p.basis(&m)
	p.line("")
	p.line("case          %s", inert.Text(dir))
	if m.OriginOnly != "" {
		p.line("open next     privileged/report.html · privileged/revoke.csv · privileged/second.csv")
		return p.err
	}
	p.line("open next     privileged/report.html · privileged/workspaces.csv · outgoing/notify.csv")
	p.line("              spillscope explain %s ID, for the rows behind any line", inert.Text(dir))
	return p.err
}

// answer prints the numbers and how each is defined.
func (p *page) answer(m *model.Manifest) {
	h := &m.Headline
	p.counts(h)
	ceiling := "all not set aside, plus unattributed"
	if h.NotACeiling {
		ceiling += p.loud(" · NOT A CEILING: " + words.Exceeded(m))
	}
	p.line("lower: confirmed · best: expected, 90 %% interval · upper: %s", ceiling)
	p.line("")
	p.line("%-13s %s with use seen, %s by recipients, %s unattributed, %s outside the window", "deliveries",
		words.Count(h.UsedDeliveries), words.Plural(h.AccessRows, "request"), words.Count(h.Unattributed), words.Count(h.DeliveriesOutside))
	b := h.HolderWorkspaces
	p.line("%-13s %d confirmed, %d probable, %d possible, %d unlikely, %d set aside", "holder ws", b.Confirmed, b.Probable, b.Possible, b.Unlikely, b.SetAside)
	if h.TotalWorkspaces > 0 {
		total := float64(h.TotalWorkspaces)
		p.line("%-13s %s best, %s to %s, of %s workspaces (%s)", "share", words.Percent(b.Best, total), words.Percent(float64(b.Lower), total),
			words.Percent(float64(b.Upper), total), words.Count(h.TotalWorkspaces), inert.Text(h.TotalWorkspacesBase))
	}
}

// pad widens painted text as if it were plain.
func (p *page) pad(painted, plain string) string {
	return painted + strings.Repeat(" ", max(0, 13-len(plain)))
}

func (p *page) counts(h *model.Headline) {
	if p.err != nil {
		return
	}
	t := tabwriter.NewWriter(p.w, 0, 0, 3, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(t, "\tlower\tbest\t90 %%\tupper\t\n")
	for _, c := range []struct {
		name string
		b    model.Bounds
	}{
		{"holders: workspaces", h.HolderWorkspaces},
		{"holders: users", h.HolderUsers},
		{"recipients: devices", h.RecipientDevices},
		{"recipients: users known", h.RecipientUsers},
		{"recipients: workspaces", h.RecipientWorkspaces},
		{"deliveries", h.Deliveries},
	} {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s–%s\t%s\t\n", c.name, words.Count(c.b.Lower), words.Expected(c.b.Best),
			words.Expected(c.b.BestLow), words.Expected(c.b.BestHigh), words.Count(c.b.Upper))
	}
	p.err = t.Flush()
}

// basis prints what the numbers rest on: assumptions, joins, control, gaps.
func (p *page) basis(m *model.Manifest) {
	p.some("assumes", orElse(m.Assumptions, "nothing beyond the logs"))
	var joins []string
	for _, r := range words.Joins(m.Joins) {
		joins = append(joins, fmt.Sprintf("%s %s", r.What, r.Share()))
	}
	p.line("%-13s %s", "joins", strings.Join(joins[:2], " · "))
	p.line("%-13s %s", "", strings.Join(joins[2:], " · "))
	var gaps, control []string
	for _, g := range m.Gaps {
		gaps = append(gaps, fmt.Sprintf("%s, %s to %s", g.Source, g.From, g.To))
	}
	for _, c := range m.Control {
		control = append(control, fmt.Sprintf("%s to %s: %s, %d confirmed, %d probable", c.From, c.To, words.Plural(c.Deliveries, "delivery row"), c.Confirmed, c.Probable))
	}
	p.some("phases", words.Phases(m))
	if m.Headline.Ceilings != (model.Ceilings{}) && m.OriginOnly == "" {
		p.some("ceilings", []string{words.CeilingsShort(&m.Headline.Ceilings)})
	}
	if m.Reports != nil {
		p.some("reports", []string{words.Reports(m.Reports)})
	}
	if s := m.Second; s != nil && s.Sessions > 0 {
		p.some("second", []string{words.SecondShort(s)})
	}
	if s := words.Sensitivity(m.Sensitivity); s != "" {
		p.some("sensitivity", []string{s})
	}
	p.some("gaps", orElse(gaps, "none found"))
	if m.OriginOnly == "" {
		p.some("control", orElse(control, "no clean hours given: false alarms not measured"))
	}
	p.some("warnings", m.Warnings)
}

func orElse(texts []string, none string) []string {
	if len(texts) == 0 {
		return []string{none}
	}
	return texts
}

// JSON prints the answer as one object for other programs.
func JSON(w io.Writer, m model.Manifest, dir string) error {
	body, err := json.MarshalIndent(struct {
		Case        string                `json:"case"`
		Dir         string                `json:"dir"`
		Complete    bool                  `json:"complete"`
		Partial     []string              `json:"partial"`
		Window      model.Period          `json:"window"`
		Headline    model.Headline        `json:"headline"`
		Assumptions []string              `json:"assumptions"`
		Warnings    []string              `json:"warnings"`
		Joins       model.JoinSummary     `json:"joins"`
		Gaps        []model.Gap           `json:"gaps"`
		Control     []model.ControlResult `json:"control"`
		Phases      []model.PhaseResult   `json:"phases"`
		Reports     *model.ReportsResult  `json:"reports"`
		Second      *model.SecondMethod   `json:"second_method"`
		HeldOut     *model.HeldOut        `json:"held_out"`
		Sensitivity []model.Sensitivity   `json:"sensitivity"`
		Funnel      model.Funnel          `json:"funnel"`
		Balance     model.Balance         `json:"balance"`
	}{m.Case, dir, m.Complete, notNil(m.Partial), m.Window, m.Headline, notNil(m.Assumptions), notNil(m.Warnings),
		m.Joins, notNil(m.Gaps), notNil(m.Control), notNil(m.Phases), m.Reports, m.Second, m.HeldOut, notNil(m.Sensitivity), m.Funnel, m.Balance}, "", "  ")
	if err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	_, err = w.Write(append(inert.JSON(body), '\n'))
	return err
}

// notNil makes an empty list print as [] and not as null.
func notNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
