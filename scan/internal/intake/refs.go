package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spillscope/spillscope/model"
)

// SessionRefs returns how to name sessions to whoever revokes them: the value
// in the directory if it is a digest, else file:line, because a live
// credential must not be printed. Sessions that the directory lacks are left
// out. Values are read again from the table, once for all sessions: keeping
// ten million of them for the sake of a few would double the memory.
func (d *Directory) SessionRefs(ctx context.Context, sessions []model.ID) (map[model.ID]string, error) {
	refs := make(map[model.ID]string, len(sessions))
	wanted := map[int]map[uint64]model.ID{} // file → row → session
	for _, id := range sessions {
		s, ok := d.session(id)
		if !ok {
			continue
		}
		refs[id] = d.files.name(s.at)
		f, number := d.files.find(s.at)
		if wanted[f.input] == nil {
			wanted[f.input] = map[uint64]model.ID{}
		}
		wanted[f.input][number] = id
	}
	if !d.printable {
		return refs, nil
	}
	for _, f := range d.files.files {
		if len(wanted[f.input]) == 0 {
			continue
		}
		if err := d.values(ctx, f, wanted[f.input], refs); err != nil {
			return nil, fmt.Errorf("directory.sessions: %w", err)
		}
	}
	return refs, nil
}

var errChanged = errors.New("the table has changed since it was read; begin the scan again")

// values reads f again and puts the values in the wanted rows into refs.
func (d *Directory) values(ctx context.Context, f placedFile, wanted map[uint64]model.ID, refs map[model.ID]string) error {
	t := &table{name: "sessions", key: "directory.sessions", source: d.table, names: f.names,
		columns: []column{{name: "session_hash"}}}
	found := 0
	t.take = func(_ *table, r row) (outcome, error) {
		id, ok := wanted[r.number]
		if !ok {
			return "", nil
		}
		if again, _, why := d.digestCell(r.cells[0]); why != "" || again != id {
			return "", errChanged
		}
		refs[id] = strings.Clone(r.cells[0])
		found++
		return "", nil
	}
	again := &file{object: f.object, table: t}
	if _, err := again.read(ctx, d.store); err != nil {
		return err
	}
	if found != len(wanted) {
		return fmt.Errorf("%s: %w", f.object.URI, errChanged)
	}
	return nil
}
