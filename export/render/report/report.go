// Package report makes report.html: the whole answer on one page that needs
// no network, no script and no other file, and that prints.
//
// The order is that of a reader's questions: what happened to how many, how
// sure is that, what does it rest on, which workspaces, on what evidence, what
// can it not say. The page is made from the stored case alone. It names
// workspaces but no client address; those stay in rows.jsonl.
package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/export/words"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/model/verdict"
)

// How much of a long list the page shows; the CSV files have all of it.
const (
	maxWorkspaces = 5000
	maxInputs     = 300
	maxCaches     = 100
	maxParams     = 1000 // some thirty figures a location
	maxUnmatched  = 50
	examples      = 5
)

var (
	//go:embed report.gohtml
	pageSource string
	//go:embed report.css
	styleSource string
)

// view is all that the page shows, ready to print.
type view struct {
	M       *model.Manifest
	Version string
	Style   template.CSS

	Answer      answer
	Populations []population

	OutsideWords, CeilingWords string
	OriginOnly                 []string // the answer, if nothing was reconstructed

	Joins      []words.Rate
	Funnel     []step
	Timeline   timeline
	Caches     []cacheLine
	CachesMore int
	TierRows   []tierRow
	Flags      []flagRow
	Workspaces []model.WorkspaceFinding
	WSMore     int
	Examples   []example
	Inputs     []model.Input
	InputsMore int
	Params     []param
	ParamsMore int
	Unmatched  []model.ReportMatch // reports that no delivery explains
	UnmatchedN int
	Limits     []string
	Tiers      []words.Definition
	Bounds     []words.Definition
	Terms      []words.Definition
	Files      []fileCount
}

// population is one line of the headline.
type population struct {
	Name, Note string
	B          model.Bounds
}

// answer is what the first paragraph says.
type answer struct {
	Opened, Changed int // workspaces
	ShareLower      string
	ShareBest       string
	ShareUpper      string
}

type step struct {
	Name string
	N    int
}

type flagRow struct {
	verdict.FlagDef
	N int
}

type fileCount struct {
	Name string
	N    int
}

// Write writes the report of c.
func Write(w io.Writer, c *store.Case) error {
	page, err := template.New("report").Funcs(template.FuncMap{
		"count":    words.Count[int],
		"count64":  words.Count[int64],
		"expected": words.Expected,
		"percent":  func(part, whole int) string { return words.Percent(float64(part), float64(whole)) },
		"tri":      store.TriWord,
		"cite":     c.Cite,
		"dot1":     func(x float64) string { return fmt.Sprintf("%.1f", x) },
		"prob":     func(p float64) string { return fmt.Sprintf("%.4f", p) },
		"flag":     func(n model.FlagName) string { s, _ := words.Flag(n); return s },
		"slug":     slug,
		"phases":   words.Phases,
		"reports":  words.Reports,
		"second":   words.Second,
		"exceeded": words.Exceeded,
		"heldout":  words.HeldOut,
		"title":    words.Sentence,
		"hangs":    words.Sensitivity,
		"effect":   words.Effect,
	}).Parse(pageSource)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	v, err := build(c)
	if err != nil {
		return err
	}
	// The page is bounded by the limits above, so it may be made in memory.
	var buf bytes.Buffer
	if err := page.Execute(&buf, v); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = w.Write(inert.HTML(buf.Bytes()))
	return err
}

// build reads each file of the case once.
func build(c *store.Case) (*view, error) {
	m := &c.Manifest
	h := &m.Headline
	v := &view{M: m, Version: c.Version, Style: template.CSS(styleSource), Joins: words.Joins(m.Joins),
		Limits: words.Limits(m), Tiers: words.Tiers(), Bounds: words.Bounds(), Terms: words.Terms(), TierRows: tierRows(h)}
	v.Populations = []population{
		{"Workspaces of holders", "a session of one of their users was delivered to a client outside the workspace", h.HolderWorkspaces},
		{"Holders", "users whose session was delivered", h.HolderUsers},
		{"Recipient devices", "clients that held a session of another user", h.RecipientDevices},
		{"Recipients known by name", "users to whom such a client had belonged; one that several people share counts for each of them", h.RecipientUsers},
		{"Workspaces of recipients", "workspaces of those users", h.RecipientWorkspaces},
		{"Deliveries", "responses from the cache with a session of another user, which the client then held", h.Deliveries},
	}
	if m.OriginOnly != "" {
		v.OriginOnly = words.OriginOnly(m)
	}
	v.OutsideWords, v.CeilingWords = words.Outside(h), words.Ceilings(&h.Ceilings)
	total := float64(h.TotalWorkspaces)
	v.Answer.ShareLower = words.Percent(float64(h.HolderWorkspaces.Lower), total)
	v.Answer.ShareBest = words.Percent(h.HolderWorkspaces.Best, total)
	v.Answer.ShareUpper = words.Percent(float64(h.HolderWorkspaces.Upper), total)
	f := &m.Funnel
	v.Funnel = []step{
		{"rows of the CDN log, in all spans", f.EdgeRows}, {"rows of the origin log, in all spans", f.OriginRows}, {"CDN rows on the suspect routes in the window", f.SuspectRows},
		{"of these answered from the cache (hits)", f.Hits}, {"responses that entered the cache (fills)", f.Fills},
		{"fills with a row in the origin log", f.FillsWithOriginRow}, {"fills that carried a session", f.SessionFills},
		{"hits on stored responses without a session", f.HitsWithoutSession}, {"hits with at least one session-bearing candidate", f.HitsWithCandidates},
		{"hits that no stored response explains", f.Orphans},
		{"of these while no session was stored", f.OrphansNotLive},
		{"of these without the bytes of a cookie", f.OrphansBare},
	}
	v.Params, v.ParamsMore = flatten(m.Params)
	for _, def := range verdict.Flags() {
		if n := m.Flags[def.Name]; n > 0 {
			v.Flags = append(v.Flags, flagRow{def, n})
		}
	}
	for _, read := range []func(*store.Case) error{v.readWorkspaces, v.readDeliveries, v.readCoverage, v.readReports, v.readInputs, v.countRest} {
		if err := read(c); err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
	}
	return v, nil
}
