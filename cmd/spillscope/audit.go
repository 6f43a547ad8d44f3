package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/export/words"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan"
)

// auditOptions are the flags of audit.
type auditOptions struct {
	scanOptions
	from, to string
	edge     []string // instead of the incident's sources
	origin   []string
}

func newAudit(c *console) *cobra.Command {
	o := auditOptions{scanOptions: defaultScan()}
	cmd := &cobra.Command{
		Use:   "audit -c incident.yaml",
		Short: "After the fix: does a cached route still meet a session?",
		Long: `Audit reads the logs after the incident and looks at every route, not only at
those of the incident file: is there an object that the CDN serves from its cache,
and whose fills meet sessions at the origin? If so it exits with 1 and prints the
routes and the rows.

Sources, cookie and key are those of the incident file. It looks at what they hold
after window.to, or at --from to --to. Give --edge and --origin where the logs of
today lie elsewhere; they are read as the incident's first source of that kind.

To find nothing counts only if the logs can show it: where too few fills are found
in the origin log, a file cannot be read, or the log is a sample, it exits with 3.
` + exitStatus(exitComplete, exitLeak, exitUsage, exitPartial, exitUnreadable, exitInternal, exitOutput, exitInterrupted),
		Example: `  spillscope audit -c incident.yaml
  spillscope audit -c incident.yaml --edge 'today/edge/*.gz' --origin today/origin/
  spillscope audit -c incident.yaml --from 2023-03-08T00:00:00Z --json`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runAudit(cmd.Context(), c, cmd.CommandPath(), o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.config, "config", "c", "", "incident `file`")
	f.StringVar(&o.from, "from", "", "look from this `time` on (default: the window's end)")
	f.StringVar(&o.to, "to", "", "look until this `time` (default: the end of the logs)")
	f.StringArrayVar(&o.edge, "edge", nil, "`URI` of CDN logs to read instead")
	f.StringArrayVar(&o.origin, "origin", nil, "`URI` of origin logs to read instead")
	o.resources(cmd)
	f.BoolVar(&o.json, "json", false, "print the answer as JSON")
	return cmd
}

func runAudit(ctx context.Context, c *console, command string, o auditOptions) error {
	o.out = "-" // no case is made
	if err := o.validate(command); err != nil {
		return err
	}
	in, err := scanInput(o.scanOptions)
	if err != nil {
		return err
	}
	span, err := o.span(in.Incident)
	if err != nil {
		return usageError(command, err)
	}
	in.Incident.Sources = o.sources(in.Incident.Sources)
	report, done := progress(c)
	a, err := scan.RunAudit(ctx, scan.AuditInput{
		Incident: in.Incident, Key: in.Key, Base: in.Base, Span: span,
		Workers: in.Workers, Memory: in.Memory, TempDir: in.TempDir, Progress: report,
	})
	done()
	if err != nil {
		return scanFailed(ctx, err)
	}
	if err := printAudit(c, a, o.json); err != nil {
		return outputFailed(err)
	}
	switch {
	case a.Leaks():
		return stillLeaking(len(a.Routes), a.Met)
	case len(a.Partial) > 0:
		return auditPartial(a.Partial)
	}
	return nil
}

// span is what the flags say, or all after the incident.
func (o *auditOptions) span(inc *model.Incident) (s model.Span, err error) {
	s.From = inc.Window.Span.To + 1
	for _, f := range []struct {
		name, text string
		to         *model.Instant
	}{{"--from", o.from, &s.From}, {"--to", o.to, &s.To}} {
		if f.text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, f.text)
		if err != nil {
			return s, fmt.Errorf("%s %s: write a time with its offset, like 2023-03-08T00:00:00Z", f.name, f.text)
		}
		*f.to = model.InstantOf(t)
	}
	if s.To != 0 && s.To < s.From {
		return s, fmt.Errorf("--to %v lies before --from %v", s.To, s.From)
	}
	return s, nil
}

// sources puts the URIs of the flags in the place of the incident's.
func (o *auditOptions) sources(stated []model.Source) []model.Source {
	instead := map[model.SourceKind][]string{}
	if len(o.edge) > 0 {
		instead[model.SourceEdge] = o.edge
	}
	if len(o.origin) > 0 {
		instead[model.SourceOrigin] = o.origin
	}
	var out []model.Source
	for _, src := range stated {
		uris, given := instead[src.Kind]
		if !given {
			out = append(out, src)
			continue
		}
		for _, src.URI = range uris {
			out = append(out, src)
		}
		instead[src.Kind] = nil // the first of a kind stands for all
	}
	return out
}

// shownRows is how many rows of a route are printed; --json has more.
const shownRows = 10

func printAudit(c *console, a *scan.Audit, asJSON bool) error {
	if asJSON {
		return printJSON(c.out, a)
	}
	var err error
	line := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(c.out, format+"\n", args...)
		}
	}
	for _, why := range a.Partial {
		line("PARTIAL       %s", inert.Text(why))
	}
	if a.EdgeRows > 0 {
		line("looked at     %s from %s to %s: %s on %s", words.Plural(a.EdgeRows, "edge row"), a.First, a.Last, words.Plural(a.Hits, "hit"), words.Plural(a.Cached, "cached object"))
		line("              %s of these objects; of %s the logs say whether it met a session", words.Plural(a.Fills, "fill"), words.Count(a.Known))
	}
	if !a.Leaks() {
		line("answer        no fill of a cached object is known to have met a session")
		return err
	}
	line("answer        LEAK: %s met sessions, on %s", words.Plural(a.Met, "fill"), words.Plural(len(a.Routes), "cached route"))
	for _, r := range a.Routes {
		line("")
		line("%s  %s, %s met a session (%s set the cookie or may have), %s to %s", inert.Text(r.Pattern), words.Plural(r.Hits, "hit"), words.Plural(r.Fills, "fill"), words.Count(r.Set), r.First, r.Last)
		for _, row := range r.Rows[:min(shownRows, len(r.Rows))] {
			line("  %s  %s  request %s  %s: %s", row.Time, inert.Text(row.Cache), inert.Text(row.Request), inert.Text(row.Evidence), row.Met)
		}
		if more := r.Fills - min(shownRows, len(r.Rows)); more > 0 {
			line("  and %s more; --json has up to 100 of each route", words.Count(more))
		}
	}
	return err
}
