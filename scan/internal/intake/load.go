package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/storage"
)

// Load reads the tables that inc names. Digest brings the value of the
// session column, trimmed, to the ID that log rows carry; it must be safe to
// call again later, for SessionRefs. The inputs are in the order of reading,
// and Input.Object counts them from 0; a caller that numbers objects
// otherwise shifts it, together with the refs of rejects and reports.
//
// The error names what makes a table unusable. The inputs read until then are
// returned with it.
func Load(ctx context.Context, store storage.Store, inc *model.Incident, digest func(raw []byte) (model.ID, error)) (*Directory, []model.Input, error) {
	l := &loader{
		store: store, window: inc.Window,
		words: map[string]string{}, disagreements: map[string]*disagreement{},
		d: &Directory{
			users: newIDs(), workspaces: newIDs(),
			userRows: map[uint32]placedUser{}, spaceRows: map[uint32]placedWorkspace{}, contacts: map[uint32][]model.Contact{},
			shapes: map[string]int{},
			store:  store, table: inc.Directory.Sessions, digest: digest,
			printable: printable(inc),
		},
	}
	tables := l.tables(inc)
	for _, t := range tables {
		if t.source.URI == "" {
			continue
		}
		if err := l.table(ctx, t); err != nil {
			return nil, l.inputs, fmt.Errorf("%s: %w", t.key, err)
		}
	}
	sessions, memberships := tables[0], tables[2]
	if err := errors.Join(l.settleClaims(sessions), l.settleSessions(&sessions.places)); err != nil {
		return nil, l.inputs, fmt.Errorf("%s: %w", sessions.key, err)
	}
	l.settleMemberships(&memberships.places)
	l.settleContacts()
	l.d.dated = l.d.bounds || inc.Directory.AsOf != 0
	l.conclude(sessions, inc.Directory.AsOf)
	return l.d, l.inputs, nil
}

// conclude warns of what looks wrong with the tables as they are together.
func (l *loader) conclude(sessions *table, asOf model.Instant) {
	for _, key := range slices.Sorted(maps.Keys(l.disagreements)) {
		d := l.disagreements[key]
		more := ""
		if d.rows > len(d.places) {
			more = ", …"
		}
		l.warn("%s: %d rows say something else than an earlier row of the same id; the first that has an address counts, what it leaves empty is taken from the others: %s%s", key, d.rows, strings.Join(d.places, ", "), more)
	}
	l.flushed(sessions)
	l.exported(asOf)
	l.misdated()
}

// printable reports whether values of the sessions table may be shown. They
// may if the incident file says that they are digests, or says how to hash a
// logged value to find it there.
func printable(inc *model.Incident) bool {
	if inc.Directory.Sessions.Form.Hash != "" {
		return inc.Directory.Sessions.Values == "digest" // what must be hashed to be found in a log is none yet
	}
	hashed := slices.ContainsFunc(inc.Sources, func(s model.Source) bool { return s.SessionForm.Hash != "" })
	return inc.Directory.Sessions.Values == "digest" || inc.Directory.Sessions.Values == "" && hashed
}

type loader struct {
	store  storage.Store
	d      *Directory
	inputs []model.Input
	window model.Window

	words           map[string]string        // roles, locales, countries: few, and repeated
	broken          int                      // cells of the current file that are not UTF-8
	claims, claimed int                      // sessions whose data were read, and those that name a user
	disagreements   map[string]*disagreement // by table and column
}

// table reads all files of t.
func (l *loader) table(ctx context.Context, t *table) error {
	objects, err := l.store.List(ctx, t.source.URI)
	if err != nil {
		return err
	}
	if len(objects) == 0 {
		return fmt.Errorf("no file matches %s", t.source.URI)
	}
	if t.zone, err = zone(t.source.TimeZone); err != nil {
		return err
	}
	t.tell = l.columns
	for _, o := range objects {
		if err := l.file(ctx, t, o); err != nil {
			return err
		}
	}
	return t.finish()
}

// zone returns the zone of a table's times without offset; nil: such times
// are rejected.
func zone(name string) (*time.Location, error) {
	if name == "" {
		return nil, nil
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time_zone: %q is not in this machine's time zone database", name)
	}
	return z, nil
}

// file reads one file of t and draws conclusions from its balance.
func (l *loader) file(ctx context.Context, t *table, o storage.Object) error {
	l.broken = 0
	f := &file{object: o, index: uint32(len(l.inputs)), table: t}
	t.places.add(o, len(l.inputs), t.names)
	in, err := f.read(ctx, l.store)
	if err != nil {
		return err
	}
	l.inputs = append(l.inputs, in)
	l.d.rejects = append(l.d.rejects, f.rejects...)
	if in.Parsed+in.Duplicate == 0 && in.Rejected > 0 {
		return f.hopeless()
	}
	if in.Parsed+in.Duplicate == 0 {
		l.warn("%s: a header, but no rows", o.URI)
	}
	if in.Rejected > 0 {
		l.warn("%s: %d of %d rows were rejected: %s", o.URI, in.Rejected, in.Lines-in.Comment-in.Filtered, f.reasons())
	}
	if in.Problem != "" {
		l.warn("%s: %s", o.URI, in.Problem)
	}
	if l.broken > 0 {
		l.warn("%s: %d values are not UTF-8 and were mended with �; export the table as UTF-8", o.URI, l.broken)
	}
	return nil
}

// hopeless says why no row of a file can be read.
func (f *file) hopeless() error {
	r, hint := f.rejects[0], ""
	if strings.HasSuffix(r.Reason, noOffset) {
		hint = fmt.Sprintf("; write under %s: time_zone: UTC, or the zone in which the database printed its times", f.table.key)
	}
	return f.errorf("none of its %d rows can be read; the first, line %d: %s%s", f.balance.Rejected, r.Ref.Line, r.Reason, hint)
}

// reasons counts the reasons of the rejects, the commonest first.
func (f *file) reasons() string {
	counts := map[string]int{}
	for _, r := range f.rejects {
		counts[r.Reason]++
	}
	all := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	const few = 3
	var said []string
	for _, why := range all[:min(few, len(all))] {
		said = append(said, fmt.Sprintf("%d: %s", counts[why], why))
	}
	if len(all) > few {
		said = append(said, "…")
	}
	return strings.Join(said, "; ")
}

// columns is told which columns a file has.
func (l *loader) columns(t *table, uri string, have []bool) {
	for i, c := range t.columns {
		if !have[i] && c.without != "" {
			l.warn("%s: no column %s: %s", uri, c.name, c.without)
		}
		if have[i] && (c.name == "valid_from" || c.name == "valid_to") {
			l.d.bounds = true
		}
	}
}

func (l *loader) warn(format string, args ...any) {
	l.d.warnings = append(l.d.warnings, fmt.Sprintf(format, args...))
}

// text mends what is not UTF-8 and gives s memory of its own: a cell shares
// that of its record, which may hold a session value.
func (l *loader) text(s string) string {
	mended := strings.ToValidUTF8(s, "\uFFFD")
	if mended != s {
		l.broken++
		return mended
	}
	return strings.Clone(s)
}
