package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spillscope/spillscope/export/inert"
	"github.com/spillscope/spillscope/model"
)

// table is one CSV file of a case: T's fields as columns.
type table[T any] struct {
	file    string
	columns []column[T]
}

// column is one column: its name and how a cell is made and read.
type column[T any] struct {
	name string
	put  func(*objects, *T) (string, error)
	get  func(*objects, *T, string) error
}

func (t table[T]) header() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

// simple makes a column whose cells need no knowledge of the inputs.
func simple[T, V any](name string, at func(*T) *V, put func(V) string, get func(string) (V, error)) column[T] {
	return column[T]{
		name: name,
		put:  func(_ *objects, r *T) (string, error) { return put(*at(r)), nil },
		get: func(_ *objects, r *T, cell string) (err error) {
			*at(r), err = get(cell)
			return err
		},
	}
}

// where leaves the cells of c empty for rows of which it says nothing; they are
// read as the zero value.
func (c column[T]) where(says func(*T) bool) column[T] {
	put, get := c.put, c.get
	c.put = func(o *objects, r *T) (string, error) {
		if !says(r) {
			return "", nil
		}
		return put(o, r)
	}
	c.get = func(o *objects, r *T, cell string) error {
		if cell == "" {
			return nil
		}
		return get(o, r, cell)
	}
	return c
}

func text[T any](name string, at func(*T) *string) column[T] {
	return simple(name, at, inert.Cell, func(s string) (string, error) { return inert.Undo(s), nil })
}

// key is text that other tools join on.
func key[T any](name string, at func(*T) *string) column[T] {
	return simple(name, at, inert.IDCell, func(s string) (string, error) { return inert.Undo(s), nil })
}

func count[T any](name string, at func(*T) *int) column[T] {
	return simple(name, at, strconv.Itoa, strconv.Atoi)
}

func long[T any](name string, at func(*T) *int64) column[T] {
	return simple(name, at, func(n int64) string { return strconv.FormatInt(n, 10) },
		func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
}

func prob[T any](name string, at func(*T) *float64) column[T] {
	return simple(name, at, func(p float64) string { return strconv.FormatFloat(p, 'f', 4, 64) },
		func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
}

func stamp[T any](name string, at func(*T) *model.Instant) column[T] {
	return simple(name, at, model.Instant.String, parseInstant)
}

func parseInstant(s string) (model.Instant, error) {
	if s == "" {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, err
	}
	return model.InstantOf(t), nil
}

func digest[T any](name string, at func(*T) *model.ID) column[T] {
	return simple(name, at, model.ID.String, func(s string) (id model.ID, err error) {
		if s == "" {
			return id, nil
		}
		half, err := strconv.ParseUint(s, 16, 64)
		for i := range 8 {
			id[i] = byte(half >> (56 - 8*i))
		}
		return id, err
	})
}

func flagged[T any](name string, at func(*T) *bool, yes, no string) column[T] {
	return simple(name, at, func(b bool) string {
		if b {
			return yes
		}
		return no
	}, func(s string) (bool, error) {
		if s != yes && s != no {
			return false, fmt.Errorf("is neither %q nor %q", yes, no)
		}
		return s == yes, nil
	})
}

// named makes a column of a type whose values print as words.
func named[T any, V fmt.Stringer](name string, at func(*T) *V, values ...V) column[T] {
	return simple(name, at, V.String, func(s string) (none V, err error) {
		for _, v := range values {
			if v.String() == s {
				return v, nil
			}
		}
		return none, fmt.Errorf("has no value %q", s)
	})
}

func tier[T any](name string, at func(*T) *model.Tier) column[T] {
	return named(name, at, model.TierSetAside, model.TierUnlikely, model.TierPossible, model.TierProbable, model.TierConfirmed)
}

func role[T any](name string, at func(*T) *model.Role) column[T] {
	return named(name, at, 0, model.RoleHolder, model.RoleRecipient, model.RoleBoth)
}

func rung[T any](name string, at func(*T) *model.Rung) column[T] {
	return named(name, at, 0, model.RungOriginRow, model.RungEdgeCookie, model.RungPlaced, model.RungConnection, model.RungDeviceID, model.RungAgent, model.RungUnknown)
}

func tri[T any](name string, at func(*T) *model.Tri) column[T] {
	return simple(name, at, TriWord, func(s string) (model.Tri, error) {
		for _, v := range []model.Tri{model.Yes, model.No, model.Unknown} {
			if TriWord(v) == s {
				return v, nil
			}
		}
		return 0, fmt.Errorf("has no value %q", s)
	})
}

// TriWord is how the files of a case spell a Tri.
func TriWord(t model.Tri) string {
	switch t {
	case model.Yes:
		return "yes"
	case model.No:
		return "no"
	}
	return "unknown"
}

// semicolon stands for a ";" inside an element of a list.
const semicolon = "<U+003B>"

func list[T any, S ~string](name string, at func(*T) *[]S) column[T] {
	return simple(name, at, func(elems []S) string {
		cells := make([]string, len(elems))
		for i, e := range elems {
			cells[i] = strings.ReplaceAll(string(e), ";", semicolon)
		}
		return inert.IDCell(strings.Join(cells, ";"))
	}, func(s string) ([]S, error) {
		if s == "" {
			return nil, nil
		}
		var elems []S
		for e := range strings.SplitSeq(inert.Undo(s), ";") {
			elems = append(elems, S(strings.ReplaceAll(e, semicolon, ";")))
		}
		return elems, nil
	})
}

// flagNames is the list of names; flagEvidence adds to each, after the names
// were read, what speaks for it: "NAME: evidence | NAME: evidence".
func flagNames[T any](name string, at func(*T) *[]model.Flag) column[T] {
	return simple(name, at, func(flags []model.Flag) string {
		names := make([]string, len(flags))
		for i, f := range flags {
			names[i] = string(f.Name)
		}
		return inert.Cell(strings.Join(names, ";"))
	}, func(s string) ([]model.Flag, error) {
		if s == "" {
			return nil, nil
		}
		var flags []model.Flag
		for n := range strings.SplitSeq(inert.Undo(s), ";") {
			flags = append(flags, model.Flag{Name: model.FlagName(n)})
		}
		return flags, nil
	})
}

func flagEvidence[T any](name string, at func(*T) *[]model.Flag) column[T] {
	const sep, bar = " | ", "<U+007C>"
	return column[T]{name, func(_ *objects, r *T) (string, error) {
		var parts []string
		for _, f := range *at(r) {
			if f.Evidence != "" {
				parts = append(parts, string(f.Name)+": "+strings.ReplaceAll(f.Evidence, "|", bar))
			}
		}
		return inert.Cell(strings.Join(parts, sep)), nil
	}, func(_ *objects, r *T, cell string) error {
		flags := *at(r)
		for part := range strings.SplitSeq(inert.Undo(cell), sep) {
			n, evidence, _ := strings.Cut(part, ": ")
			for i := range flags {
				if string(flags[i].Name) == n && flags[i].Evidence == "" {
					flags[i].Evidence = strings.ReplaceAll(evidence, bar, "|")
					break
				}
			}
		}
		return nil
	}}
}

func evidence[T any](name string, at func(*T) *model.Ref) column[T] {
	return column[T]{name,
		func(o *objects, r *T) (string, error) {
			cite, err := o.cite(*at(r))
			return inert.Cell(cite), err
		},
		func(o *objects, r *T, cell string) (err error) {
			*at(r), err = o.resolve(inert.Undo(cell))
			return err
		}}
}

// places is where else a row stands: evidence like the first, of another log.
func places[T any](name string, at func(*T) *[]model.Ref) column[T] {
	const sep, bar = " | ", "<U+007C>"
	return column[T]{name,
		func(o *objects, r *T) (string, error) {
			var cells []string
			for _, ref := range *at(r) {
				cite, err := o.cite(ref)
				if err != nil {
					return "", err
				}
				cells = append(cells, strings.ReplaceAll(cite, "|", bar))
			}
			return inert.Cell(strings.Join(cells, sep)), nil
		},
		func(o *objects, r *T, cell string) error {
			if cell = inert.Undo(cell); cell == "" {
				return nil
			}
			for one := range strings.SplitSeq(cell, sep) {
				ref, err := o.resolve(strings.ReplaceAll(one, bar, "|"))
				if err != nil {
					return err
				}
				*at(r) = append(*at(r), ref)
			}
			return nil
		}}
}
