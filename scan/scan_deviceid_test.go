package scan_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spillscope/spillscope/fixtures/score"
	"github.com/spillscope/spillscope/fixtures/sim"
	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan"
)

// learnedIDs is what the manifest says of device ids and sighting sources.
type learnedIDs struct {
	IDs  scan.DeviceIDs    `json:"device_ids"`
	Told []scan.ToldSource `json:"sighting_sources"`
}

func idsOf(t *testing.T, f *findings) learnedIDs {
	t.Helper()
	raw, err := json.Marshal(f.manifest.Params)
	if err != nil {
		t.Fatal(err)
	}
	var out learnedIDs
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// tellEvents turns the analytics export of a simulation into JSON lines, as
// rewritten by change; "" leaves a row out.
func tellEvents(t *testing.T, dir string, change func(map[string]string)) {
	t.Helper()
	for _, name := range glob(t, filepath.Join(dir, "analytics", "*.gz")) {
		rows, err := csv.NewReader(strings.NewReader(readFile(t, name))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, r := range rows[1:] {
			row := map[string]string{}
			for i, column := range rows[0] {
				row[column] = r[i]
			}
			change(row)
			line, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n", line)
		}
		writeFile(t, filepath.Join(dir, "told", filepath.Base(strings.TrimSuffix(name, ".csv.gz"))+".jsonl.gz"), b.String())
	}
}

// crowded are incidents in which an address and a User-Agent do not tell clients
// apart, or do not stay with them.
func crowded(length time.Duration) map[string]sim.Config {
	change := func(set func(*sim.Config)) sim.Config {
		cfg := dense(1, length)
		set(&cfg)
		return cfg
	}
	return map[string]sim.Config{
		"many behind one address":       change(func(c *sim.Config) { c.SharedEgress = 0.8 }),
		"clients change their network":  change(func(c *sim.Config) { c.Roaming = 0.8 }),
		"both":                          change(func(c *sim.Config) { c.SharedEgress, c.Roaming = 0.6, 0.4 }),
		"many, and assets not logged":   change(func(c *sim.Config) { c.SharedEgress, c.HideAssets = 0.8, true }),
		"one browser behind an address": change(func(*sim.Config) {}),
	}
}

// TestDeviceIDs compares the same incidents with and without device ids in the
// origin log. They may only help: who recipients were is known of more, no more
// is called probable that is not so, and the candidates are the same.
func TestDeviceIDs(t *testing.T) {
	computes(t)
	t.Parallel()
	var wrong, known [2]int // without, with
	var found [2]score.Rate
	for name, cfg := range crowded(4 * time.Minute) {
		var pairs [2]string
		for with := range 2 {
			cfg.DeviceID = with == 1
			dir, _ := simulate(t, cfg)
			f := run(t, inputOf(t, dir))
			r := compare(t, dir, f)
			covers(t, &r)
			pairs[with] = candidatesOf(f)
			sum(&found[with], r.Case.Rows.Recall)
			bad := r.Case.Rows.Precision.Of - r.Case.Rows.Precision.Are
			wrong[with] += bad
			known[with] += recipientsKnown(f)
			t.Logf("%s, ids %v: precision %v, recall %v, confirmed %v, recipients known %d of %d", name, cfg.DeviceID,
				r.Case.Rows.Precision, r.Case.Rows.Recall, r.Tiers[0].Rate, recipientsKnown(f), len(f.deliveries))
			if ids := idsOf(t, f).IDs; cfg.DeviceID && (ids.IDs < 300 || ids.Rotten*100 > ids.IDs) {
				t.Errorf("%s: device ids %+v", name, ids)
			}
			if missed := r.Tiers[0].Rate.Of - r.Tiers[0].Rate.Are; float64(missed) > 0.025*float64(r.Tiers[0].Rate.Of) {
				t.Errorf("%s, ids %v: %d of %d confirmed are wrong", name, cfg.DeviceID, missed, r.Tiers[0].Rate.Of)
			}
		}
		if pairs[0] != pairs[1] {
			t.Errorf("%s: other candidates: %s", name, firstDifference(pairs[0], pairs[1]))
		}
	}
	t.Logf("recall %v without, %v with; wrong %v; recipients known %v", found[0], found[1], wrong, known)
	if found[1].Are < found[0].Are+20 || known[1] < known[0]+500 {
		t.Errorf("device ids find no more: recall %v without, %v with; recipients known %v", found[0], found[1], known)
	}
	if wrong[1] > wrong[0]+10 {
		t.Errorf("device ids claim more that is not so: %v", wrong)
	}
}

func sum(to *score.Rate, r score.Rate) { to.Of, to.Are = to.Of+r.Of, to.Are+r.Are }

// candidatesOf lists which fills stand as candidates of which hit. A row without
// a fill is a reading of what came after, not a candidate.
func candidatesOf(f *findings) string {
	var lines []string
	for _, d := range f.deliveries {
		if d.Fill.RequestID != "" {
			lines = append(lines, d.Hit.RequestID+" "+d.Fill.RequestID)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func recipientsKnown(f *findings) int {
	n := 0
	for _, d := range f.deliveries {
		if d.RecipientUser != "" {
			n++
		}
	}
	return n
}

// claims is what the deliveries of a case say.
func claims(f *findings) string {
	var lines []string
	for _, d := range f.deliveries {
		lines = append(lines, fmt.Sprint(d.ID, d.HolderUser, d.RecipientUser, d.PDelivered, d.PApplied, d.PUsed, d.Tier))
	}
	return strings.Join(lines, "\n")
}

// TestConstantIDs: what a script sends for every browser is no id. The case is
// then what it is without any.
func TestConstantIDs(t *testing.T) {
	computes(t)
	t.Parallel()
	cfg := dense(1, 4*time.Minute)
	cfg.SharedEgress, cfg.DeviceID = 0.5, true
	dir, _ := simulate(t, cfg)
	without := run(t, inputOf(t, dir, ", device_id: device_id", ""))
	for _, c := range []struct { // each edit starts from the one before
		name     string
		constant func(id string) string
	}{
		{"one for each sixteenth", func(id string) string { return "group-" + id[len(id)-1:] }},
		{"one for all", func(string) string { return "00000000-0000-0000-0000-000000000000" }},
	} {
		name, constant := c.name, c.constant
		edit(t, filepath.Join(dir, "origin", "*.gz"), func(text string) string {
			return ids.ReplaceAllStringFunc(text, func(m string) string { return `"device_id":"` + constant(strings.Trim(m[12:], `"`)) + `"` })
		})
		f := run(t, inputOf(t, dir))
		got := idsOf(t, f).IDs
		if got.Rotten == 0 || got.Rotten != got.IDs || got.Dropped != got.Sightings {
			t.Errorf("%s: %+v", name, got)
		}
		if claims(f) != claims(without) {
			t.Errorf("%s: %s", name, firstDifference(claims(without), claims(f)))
		}
		if !slices.ContainsFunc(f.manifest.Warnings, func(w string) bool { return strings.Contains(w, "device ids belong to no single browser") }) {
			t.Errorf("%s: no warning", name)
		}
	}
}

var ids = regexp.MustCompile(`"device_id":"[^"]*"`)

// toldWorld is an incident with an analytics export, whose rows change rewrites.
func toldWorld(t *testing.T, change func(map[string]string), set func(*sim.Config)) (dir string, in scan.Input) {
	t.Helper()
	cfg := dense(1, 3*time.Minute)
	cfg.Analytics = true
	set(&cfg)
	dir, _ = simulate(t, cfg)
	tellEvents(t, dir, change)
	return dir, inputOf(t, dir, "analytics/*.csv.gz\n    format: csv", "told/*.jsonl.gz\n    format: jsonl")
}

// untold leaves the sighting source of in out.
func untold(in scan.Input) scan.Input {
	inc := *in.Incident
	inc.Sources = slices.DeleteFunc(slices.Clone(inc.Sources), func(s model.Source) bool { return s.Kind == model.SourceSighting })
	in.Incident = &inc
	return in
}

func same(map[string]string) {}

// TestToldSightings: where the origin logs no assets, and loses rows, an
// analytics export finds more of what was applied. It counts for no join, no
// loss and no ceiling.
func TestToldSightings(t *testing.T) {
	computes(t)
	t.Parallel()
	for name, set := range map[string]func(*sim.Config){
		"assets not logged": func(c *sim.Config) { c.HideAssets = true },
		"origin rows lost":  func(c *sim.Config) { c.DropOrigin = 0.6 },
		"no origin log":     func(c *sim.Config) { c.NoOrigin, c.LogCookie = true, true },
	} {
		dir, in := toldWorld(t, same, set)
		f, g := run(t, in), run(t, untold(in))
		with, without := compare(t, dir, f), compare(t, dir, g)
		covers(t, &with)
		t.Logf("%s: precision %v, recall %v, confirmed %v; without %v, %v, %v", name, with.Case.Rows.Precision, with.Case.Rows.Recall, with.Tiers[0].Rate,
			without.Case.Rows.Precision, without.Case.Rows.Recall, without.Tiers[0].Rate)
		if with.Case.Rows.Recall.Are < without.Case.Rows.Recall.Are+5 {
			t.Errorf("%s: finds no more", name)
		}
		if with.Case.Rows.Precision.Share() < without.Case.Rows.Precision.Share()-0.01 || with.Tiers[0].Rate.Share() < without.Tiers[0].Rate.Share()-0.01 {
			t.Errorf("%s: claims more that is not so", name)
		}
		m, n := f.manifest, g.manifest
		if m.Joins != n.Joins || m.Headline.Ceilings != n.Headline.Ceilings || m.Funnel.OriginRows != n.Funnel.OriginRows {
			t.Errorf("%s: joins %+v, ceilings %+v; without %+v, %+v", name, m.Joins, m.Headline.Ceilings, n.Joins, n.Headline.Ceilings)
		}
		src := idsOf(t, f).Told[0]
		if src.Rows < 1000 || src.Clock != "compared" || src.LagMS < 0 || src.LagMS > 1000 || src.UsersKnown < src.Users*9/10 || src.ByDevice < src.Rows*2/3 {
			t.Errorf("%s: %+v", name, src)
		}
		if told := toldAccess(f); told < 5 {
			t.Errorf("%s: %d rows of access cite what was told", name, told)
		}
	}
}

// TestToldAlone: where neither log shows a session, a record names who was at an
// address, and not whose request a fill was: no more than possible.
func TestToldAlone(t *testing.T) {
	computes(t)
	t.Parallel()
	dir, in := toldWorld(t, same, func(c *sim.Config) { c.NoOrigin = true; lasts(c, 5*time.Minute) }) // few are named
	f := run(t, in)
	r := compare(t, dir, f)
	covers(t, &r)
	named := 0
	for _, d := range f.deliveries {
		if d.HolderUser != "" && d.Tier == model.TierPossible {
			named++
		}
		if d.Tier > model.TierPossible {
			t.Errorf("%s is %v by %v", d.ID, d.Tier, d.Rung)
		}
	}
	if named < 10 {
		t.Errorf("only %d deliveries have a holder at all", named)
	}
}

// toldAccess counts the accesses that cite a row of the analytics export.
func toldAccess(f *findings) int {
	told := map[uint32]bool{}
	for i, in := range f.inputs {
		told[uint32(i)] = strings.Contains(in.URI, "told/")
	}
	n := 0
	for _, a := range f.access {
		if told[a.Row.Ref.Object] {
			n++
		}
	}
	return n
}

// TestToldWrongly: an export that cannot be used changes nothing, and its
// sentence says why.
func TestToldWrongly(t *testing.T) {
	computes(t)
	t.Parallel()
	for _, x := range []struct {
		name    string
		change  func(map[string]string)
		warning string
		same    bool // as without the source
	}{
		{"stamps of another zone", func(r map[string]string) {
			at, err := time.Parse(time.RFC3339Nano, r["at"])
			if err != nil {
				t.Fatal(err)
			}
			r["at"] = at.Add(-time.Hour / 2).Format(time.RFC3339Nano)
		}, "was not used: only", true},
		{"users in another form", func(r map[string]string) { r["user_id"] = strings.ToUpper(r["user_id"]) },
			"0 of the 1", false},
		{"an address alone", func(r map[string]string) { r["ua"], r["device_id"] = "", "" },
			"an address alone fits every device behind it", true},
	} {
		_, in := toldWorld(t, x.change, func(c *sim.Config) { c.HideAssets = true })
		in.Incident.Window.Lookback = time.Hour
		f := run(t, in)
		if !slices.ContainsFunc(f.manifest.Warnings, func(w string) bool { return strings.Contains(w, x.warning) }) {
			t.Errorf("%s: %q", x.name, f.manifest.Warnings)
		}
		if x.same && claims(f) != claims(run(t, untold(in))) {
			t.Errorf("%s: not as without the source: %+v", x.name, idsOf(t, f))
		}
	}
}

// TestSameSightings compares the findings of a case with device ids and told
// rows for other numbers of workers, amounts of memory and orders of rows.
func TestSameSightings(t *testing.T) {
	computes(t)
	t.Parallel()
	dir, _ := toldWorld(t, same, func(c *sim.Config) {
		c.Start, c.Revert = c.Change.Add(-20*time.Second), c.Change.Add(80*time.Second)
		c.WindowTo, c.End = c.Revert.Add(c.Spread), c.Change.Add(2*time.Minute)
		c.SharedEgress, c.Roaming, c.DeviceID, c.DropOrigin = 0.5, 0.4, true, 0.2
	})
	input := func() scan.Input {
		return inputOf(t, dir, "analytics/*.csv.gz\n    format: csv", "told/*.jsonl.gz\n    format: jsonl")
	}
	f := run(t, input())
	want, free := f.text(t), evidenceFree(t, f)
	if got := idsOf(t, f); got.IDs.Moved < 20 || got.Told[0].ByDevice < 100 {
		t.Fatalf("little to compare: %+v", got)
	}
	for _, how := range []struct {
		workers int
		memory  int64
	}{{8, 1 << 30}, {3, 1}} {
		in := input()
		in.Workers, in.Memory = how.workers, how.memory
		if got := run(t, in).text(t); got != want {
			t.Errorf("%d workers, %d bytes of memory: %s", how.workers, how.memory, firstDifference(want, got))
		}
	}
	for _, folder := range []string{"edge", "origin", "told"} {
		shuffle(t, filepath.Join(dir, folder), rand.New(rand.NewPCG(7, 1)))
	}
	if got := evidenceFree(t, run(t, input())); got != free {
		t.Errorf("shuffled: %s", firstDifference(free, got))
	}
}
