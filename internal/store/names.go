package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// NameKind is what a name of the configuration is of.
type NameKind string

// What has a name.
const (
	SyncName       NameKind = "sync"
	ConnectionName NameKind = "connection"
)

// Named is a name that a configuration has given, and what is known of it.
type Named struct {
	Kind NameKind
	Name string
	// Source and Target are the connections of a sync.
	Source, Target string
	// Became is the name it has now, "" while this is it.
	Became string
	// Ended says that a person has ended it.
	Ended bool
}

// ErrNotKnown means that the database has never had anything of a name.
var ErrNotKnown = errors.New("the database knows nothing of this name")

// ErrRenamed means that a sync has another name now, which the caller's file does
// not have yet.
var ErrRenamed = errors.New("the sync has another name now: trueup status says which")

// NamesakeError means that a sync cannot take a name under which the database
// holds something already.
type NamesakeError struct{ Holding }

func (e *NamesakeError) Error() string {
	return fmt.Sprintf("%s has a memory of its own: %s", e.Name, e.Holding)
}

// names are all of them, as a transaction found them. A rename waits for the
// transactions that have read them, and those that come later wait for it.
type names []Named

const selectNames = "select kind, name, source, target, became, ended_at from names order by kind, name"

func scanNamed(s scanner) (Named, error) {
	var n Named
	var ended int64
	err := s.Scan(&n.Kind, &n.Name, &n.Source, &n.Target, &n.Became, &ended)
	n.Ended = ended > 0
	return n, err
}

func (t *tx) readNames() error {
	t.names = nil
	return t.query(func(s scanner) error {
		n, err := scanNamed(s)
		t.names = append(t.names, n)
		return err
	}, selectNames)
}

// Names returns every name that the database knows.
func (db *DB) Names(ctx context.Context) ([]Named, error) {
	var all []Named
	err := db.view(ctx, func(s scanner) error {
		n, err := scanNamed(s)
		all = append(all, n)
		return err
	}, selectNames)
	return all, nameError("read the names of syncs and connections", err)
}

func nameError(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// Find returns what is known of a name, false when nothing is.
func Find(all []Named, kind NameKind, name string) (Named, bool) {
	i := slices.IndexFunc(all, func(n Named) bool { return n.Kind == kind && n.Name == name })
	if i < 0 {
		return Named{}, false
	}
	return all[i], true
}

// current is what a name has become, the name itself when nothing.
func (all names) current(kind NameKind, name string) string {
	if n, ok := Find(all, kind, name); ok && n.Became != "" {
		return n.Became
	}
	return name
}

// renamed reports whether a sync has another name now: a node whose file does not
// say so yet has nothing to do for it.
func (t *tx) renamed(sync string) bool { return t.names.current(SyncName, sync) != sync }

// NoteNames stores what a configuration names, with what it is of. A name that it
// uses again is its own again, whatever it had become.
func (db *DB) NoteNames(ctx context.Context, named []Named) error {
	err := db.run(&job{ctx: ctx, names: true, do: func(t *tx) error {
		for _, n := range named {
			if have, ok := Find(t.names, n.Kind, n.Name); ok && have == n {
				continue
			}
			_, err := t.exec(`insert into names (kind, name, source, target) values ($1, $2, $3, $4)
on conflict (kind, name) do update set source = excluded.source, target = excluded.target, became = '', ended_at = 0`,
				string(n.Kind), n.Name, n.Source, n.Target)
			if err != nil {
				return err
			}
		}
		return nil
	}})
	return nameError("note the names of the configuration", err)
}

// renamedMeanwhile returns the name that the sync of a claimed customer has now,
// when that is why its claim was not found. The claim is as good as before: its
// fence and its lease have moved along.
func (db *DB) renamedMeanwhile(ctx context.Context, w *Work, err error) (sync string, renamed bool) {
	if !errors.Is(err, ErrFenced) {
		return "", false
	}
	all, err := db.Names(ctx)
	if err != nil {
		return "", false
	}
	sync = names(all).current(SyncName, w.Sync)
	return sync, sync != w.Sync
}

// under is a claimed customer under another name of its sync.
func under(sync string, w *Work) *Work {
	other := *w
	other.Sync = sync
	return &other
}

// under is a settlement under another name of its sync.
func (s Settlement) under(sync string) Settlement {
	if s.Decision != nil {
		d := *s.Decision
		d.Sync, s.Decision = sync, &d
	}
	if s.Park != nil {
		x := *s.Park
		x.Sync, s.Park = sync, &x
	}
	return s
}

// know notes a name that no configuration has given yet: whatever has a memory
// can be asked for.
func (t *tx) know(kind NameKind, name string) error {
	if _, ok := Find(t.names, kind, name); ok || name == "" {
		return nil
	}
	t.names = append(t.names, Named{Kind: kind, Name: name})
	_, err := t.exec("insert into names (kind, name) values ($1, $2) on conflict (kind, name) do nothing", string(kind), name)
	return err
}

// underItsName is an event under the names that its sync and its connection have
// now: a node with an older file stores what it receives where it belongs.
func (t *tx) underItsName(e NewEvent) NewEvent {
	e.Connection = t.names.current(ConnectionName, e.Connection)
	e.Sync = t.names.current(SyncName, e.Sync)
	if e.Exception != nil {
		x := *e.Exception
		x.Sync = e.Sync
		e.Exception = &x
	}
	return e
}

// alsoFor are the events of a call for the syncs that have their connection and that
// the receiver does not know: its file is older than another node's, or the sync
// left the file and no person has ended it.
func (t *tx) alsoFor(events []NewEvent) []NewEvent {
	type id struct{ connection, event string }
	have := map[id][]string{}
	for _, e := range events {
		k := id{e.Connection, e.ID}
		have[k] = append(have[k], e.Sync)
	}
	var more []NewEvent
	for _, e := range events {
		if e.ReplayOf > 0 {
			continue
		}
		k := id{e.Connection, e.ID}
		for _, n := range t.names {
			if n.Kind != SyncName || n.Became != "" || n.Ended || n.Source != e.Connection && n.Target != e.Connection || slices.Contains(have[k], n.Name) {
				continue
			}
			have[k] = append(have[k], n.Name)
			other := e
			other.Sync, other.Side = n.Name, SourceSide
			if n.Source != e.Connection {
				other.Side = TargetSide
			}
			if e.Exception != nil {
				x := *e.Exception
				x.Sync, x.Owner = n.Name, ""
				other.Exception = &x
			}
			more = append(more, other)
		}
	}
	return more
}
