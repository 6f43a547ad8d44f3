package intake

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spillscope/spillscope/model"
	"github.com/spillscope/spillscope/scan/storage"
)

// column is one column of a table, by our name.
type column struct {
	name     string
	optional bool
}

// outcome is what became of a row: "", duplicate, or why it is rejected.
type outcome string

const duplicate outcome = "\x00duplicate"

// table is one table of the directory: what to read and what to do with a row.
type table struct {
	name    string // kind of its inputs
	key     string // in the incident file
	source  model.Table
	columns []column
	header  func(have []bool) // told which columns a file has; may be nil
	take    func(row) (outcome, error)
	places  places
}

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
		store: store,
		words: map[string]string{},
		d: &Directory{
			users: newIDs(), workspaces: newIDs(),
			userRows: map[uint32]placedUser{}, spaceRows: map[uint32]placedWorkspace{},
			shapes: map[string]int{},
			store:  store, table: inc.Directory.Sessions, digest: digest,
			printable: printable(inc),
		},
	}
	tables := l.tables(inc)
	sessions, memberships := tables[0], tables[2]
	for _, t := range tables {
		if t.source.URI == "" {
			continue
		}
		if err := l.table(ctx, t); err != nil {
			return nil, l.inputs, fmt.Errorf("%s: %w", t.key, err)
		}
	}
	if err := l.settleSessions(&sessions.places); err != nil {
		return nil, l.inputs, fmt.Errorf("%s: %w", sessions.key, err)
	}
	l.settleMemberships(&memberships.places)
	l.d.dated = l.d.dated || inc.Directory.AsOf != 0
	return l.d, l.inputs, nil
}

// printable reports whether values of the sessions table may be shown. They
// may if the incident file says that they are digests, or says how to hash a
// logged value to find it there.
func printable(inc *model.Incident) bool {
	hashed := slices.ContainsFunc(inc.Sources, func(s model.Source) bool { return s.SessionForm.Hash != "" })
	return inc.Directory.Sessions.Values == "digest" || inc.Directory.Sessions.Values == "" && hashed
}

type loader struct {
	store  storage.Store
	d      *Directory
	inputs []model.Input

	words  map[string]string // roles, locales, countries: few, and repeated
	broken int               // cells of the current file that are not UTF-8
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
	for _, o := range objects {
		if err := l.file(ctx, t, o); err != nil {
			return err
		}
	}
	return nil
}

// file reads one file of t and draws conclusions from its balance.
func (l *loader) file(ctx context.Context, t *table, o storage.Object) error {
	l.broken = 0
	f := &file{object: o, index: uint32(len(l.inputs)), table: t}
	t.places.add(o, len(l.inputs))
	in, err := f.read(ctx, l.store)
	if err != nil {
		return err
	}
	l.inputs = append(l.inputs, in)
	l.d.rejects = append(l.d.rejects, f.rejects...)
	if in.Parsed+in.Duplicate == 0 && in.Rejected > 0 {
		r := f.rejects[0]
		return fmt.Errorf("%s: none of its %d rows can be read; the first, line %d: %s", o.URI, in.Rejected, r.Ref.Line, r.Reason)
	}
	if in.Parsed+in.Duplicate == 0 {
		l.warn("%s: a header, but no rows", o.URI)
	}
	if in.Problem != "" {
		l.warn("%s: %s", o.URI, in.Problem)
	}
	if l.broken > 0 {
		l.warn("%s: %d values are not UTF-8 and were mended with �; export the table as UTF-8", o.URI, l.broken)
	}
	return nil
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
