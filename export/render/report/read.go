package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/export/store"
	"github.com/spillscope/spillscope/model"
)

// tierRow counts one tier over the files.
type tierRow struct {
	Tier                       model.Tier
	Holders, Recipients, Users int // workspaces on either side; users
	Deliveries                 int // rows
}

// tierRows starts the table of tiers with the workspaces. They are counted as in
// the headline, by side: a workspace can be set aside on one side only, which
// its row does not list as a side of it.
func tierRows(h *model.Headline) []tierRow {
	holders, recipients := byTier(&h.HolderWorkspaces), byTier(&h.RecipientWorkspaces)
	var out []tierRow
	for t := model.TierConfirmed; len(out) <= int(model.TierConfirmed); t-- {
		out = append(out, tierRow{Tier: t, Holders: holders[t], Recipients: recipients[t]})
	}
	return out
}

func byTier(b *model.Bounds) [model.TierConfirmed + 1]int {
	return [...]int{
		model.TierConfirmed: b.Confirmed, model.TierProbable: b.Probable, model.TierPossible: b.Possible,
		model.TierUnlikely: b.Unlikely, model.TierSetAside: b.SetAside,
	}
}

func (v *view) tier(t model.Tier) *tierRow { return &v.TierRows[model.TierConfirmed-t] }

// readWorkspaces keeps the strongest maxWorkspaces.
func (v *view) readWorkspaces(c *store.Case) error {
	n := 0
	for ws, err := range c.Workspaces() {
		if err != nil {
			return err
		}
		n++
		if ws.Role&model.RoleHolder != 0 {
			counts := ws.AsHolder != model.TierSetAside
			v.Answer.Opened += one(counts && ws.Opened == model.Yes)
			v.Answer.Changed += one(counts && ws.Change == model.Yes)
		}
		v.Workspaces = keepTop(v.Workspaces, ws, maxWorkspaces, strongerWorkspace)
	}
	v.Workspaces = sortTop(v.Workspaces, maxWorkspaces, strongerWorkspace)
	v.WSMore = n - len(v.Workspaces)
	v.Files = append(v.Files, fileCount{"privileged/workspaces.csv", n})
	return nil
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func strongerWorkspace(a, b model.WorkspaceFinding) int {
	return cmp.Or(cmp.Compare(b.Tier, a.Tier), cmp.Compare(b.PApplied, a.PApplied), cmp.Compare(b.Deliveries, a.Deliveries))
}

// keepTop appends x to a list of which only the first n in order matter. It
// sorts once per n additions.
func keepTop[T any](list []T, x T, n int, order func(a, b T) int) []T {
	if len(list) >= 2*n {
		list = sortTop(list, n, order)
	}
	return append(list, x)
}

// sortTop is stable: equal records stay in the order of the case.
func sortTop[T any](list []T, n int, order func(a, b T) int) []T {
	slices.SortStableFunc(list, order)
	return list[:min(n, len(list))]
}

// example is a delivery shown with its rows.
type example struct {
	D    model.Delivery
	Rows []exampleRow
}

type exampleRow struct {
	What   string
	Row    store.Row
	Fields []store.Field
}

func (v *view) readDeliveries(c *store.Case) error {
	n := 0
	var best []model.Delivery
	for d, err := range c.Deliveries() {
		if err != nil {
			return err
		}
		n++
		v.tier(d.Tier).Deliveries++
		if d.Tier >= model.TierPossible {
			best = keepTop(best, d, examples, strongerDelivery)
		}
	}
	v.Files = append(v.Files, fileCount{"privileged/deliveries.csv", n})
	for _, d := range sortTop(best, examples, strongerDelivery) {
		ex := example{D: d}
		if err := ex.addRows(c, "hit", d.Hit.RequestID); err != nil {
			return err
		}
		if err := ex.addRows(c, "fill", d.Fill.RequestID); err != nil {
			return err
		}
		v.Examples = append(v.Examples, ex)
	}
	return nil
}

func strongerDelivery(a, b model.Delivery) int {
	return cmp.Or(cmp.Compare(b.Tier, a.Tier), cmp.Compare(b.PApplied, a.PApplied))
}

func (ex *example) addRows(c *store.Case, what, id string) error {
	if id == "" {
		return nil
	}
	rows, err := c.RowsOf(id)
	for _, r := range rows {
		fields := slices.DeleteFunc(r.Fields(), func(f store.Field) bool { return strings.HasPrefix(f.Name, "client") && f.Name != "client_kind" })
		ex.Rows = append(ex.Rows, exampleRow{what, r, fields})
	}
	return err
}

// cacheLine sums the coverage of one cache.
type cacheLine struct{ model.Coverage }

func (v *view) readCoverage(c *store.Case) error {
	caches := make(map[string]*model.Coverage)
	minutes := make(map[model.Instant]*model.Coverage)
	for cov, err := range c.Coverage() {
		if err != nil {
			return err
		}
		sum(caches, cov.Cache, &cov)
		sum(minutes, cov.Minute, &cov)
	}
	for name, total := range caches {
		total.Cache = name
		v.Caches = append(v.Caches, cacheLine{*total})
	}
	slices.SortFunc(v.Caches, func(a, b cacheLine) int {
		return cmp.Or(cmp.Compare(b.Deliveries, a.Deliveries), cmp.Compare(b.Hits, a.Hits), strings.Compare(a.Cache, b.Cache))
	})
	v.CachesMore = max(0, len(v.Caches)-maxCaches)
	v.Caches = v.Caches[:len(v.Caches)-v.CachesMore]
	v.Timeline = newTimeline(minutes, v.M)
	return nil
}

func sum[K comparable](by map[K]*model.Coverage, key K, c *model.Coverage) {
	t := by[key]
	if t == nil {
		t = new(model.Coverage)
		by[key] = t
	}
	t.Rows += c.Rows
	t.Suspect += c.Suspect
	t.Hits += c.Hits
	t.Fills += c.Fills
	t.SessionFills += c.SessionFills
	t.Deliveries += c.Deliveries
	t.Used += c.Used
}

func (v *view) readInputs(c *store.Case) error {
	n := 0
	for in, err := range c.Inputs() {
		if err != nil {
			return err
		}
		if n++; !in.Pruned && len(v.Inputs) < maxInputs {
			v.Inputs = append(v.Inputs, in)
		}
	}
	v.InputsMore = n - len(v.Inputs)
	v.Files = append(v.Files, fileCount{"privileged/inputs.csv", n})
	return nil
}

// readReports keeps the reports that no delivery explains: each is a lead.
func (v *view) readReports(c *store.Case) error {
	n := 0
	for r, err := range c.Reports() {
		if err != nil {
			return err
		}
		n++
		if r.Outcome == "explained" {
			continue
		}
		if v.UnmatchedN++; len(v.Unmatched) < maxUnmatched {
			v.Unmatched = append(v.Unmatched, r)
		}
	}
	v.Files = append(v.Files, fileCount{"privileged/reports.csv", n})
	return nil
}

func (v *view) countRest(c *store.Case) error {
	for u, err := range c.Users() {
		if err != nil {
			return err
		}
		v.tier(u.Tier).Users++
	}
	for _, f := range []struct {
		name  string
		count func() (int, error)
	}{
		{"privileged/users.csv", counter(c.Users())},
		{"privileged/access.csv", counter(c.Accesses())},
		{"privileged/revoke.csv", counter(c.Revocations())},
		{"privileged/unattributed.csv", counter(c.Unattributed())},
		{"privileged/unresolved_users.csv", counter(c.UnresolvedUsers())},
		{"privileged/outside.csv", counter(c.Outside())},
		{"privileged/phases.csv", counter(c.Phases())},
		{"privileged/second.csv", counter(c.TwoDevices())},
		{"privileged/sensitivity.csv", counter(c.TierChanges())},
		{"privileged/rejects.jsonl", counter(c.Rejects())},
	} {
		n, err := f.count()
		if err != nil {
			return err
		}
		v.Files = append(v.Files, fileCount{f.name, n})
	}
	return nil
}

func counter[T any](records iter.Seq2[T, error]) func() (int, error) {
	return func() (n int, _ error) {
		for _, err := range records {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
}

// param is one value of the posteriors, under its path.
type param struct{ Name, Value string }

// flatten lists the leaves of decoded JSON by path. The page need not know
// what is estimated: what the model writes down is shown.
func flatten(params any) (list []param, more int) {
	var walk func(path string, x any)
	walk = func(path string, x any) {
		switch x := x.(type) {
		case map[string]any:
			for _, k := range sortedKeys(x) {
				walk(strings.TrimPrefix(path+"."+k, "."), x[k])
			}
		case []any:
			for i, e := range x {
				walk(fmt.Sprintf("%s[%d]", path, i), e)
			}
		case json.Number:
			list = append(list, param{path, x.String()})
		case nil:
		default:
			list = append(list, param{path, fmt.Sprint(x)})
		}
	}
	walk("", params)
	more = max(0, len(list)-maxParams)
	return list[:len(list)-more], more
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// slug makes a tier's name a CSS class.
func slug(t model.Tier) string { return strings.ReplaceAll(t.String(), " ", "-") }
