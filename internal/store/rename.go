package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// renameLimit bounds a rename, which may change every row that there is. Others
// wait for it meanwhile: webhooks are told to come back. A million customers with two
// million events took two minutes on SQLite.
const renameLimit = 10 * time.Minute

// Rename is a name that becomes another one.
type Rename struct {
	Kind     NameKind
	Old, New string
	// Reseal makes a connection's sealed token valid for the new name; nil when that
	// cannot be done here.
	Reseal func(sealed string) (string, error)
}

// Rename moves all that the database holds under a name to another name, in one
// transaction, and returns what that was. From then on nothing is synced under the
// old name, and what is received under it belongs to the new one. If it has been
// renamed already, nothing changes. ErrNotKnown and a *NamesakeError change nothing
// either.
func (db *DB) Rename(ctx context.Context, r Rename) (moved Holding, err error) {
	err = db.exclusively(ctx, func(t *tx) error {
		old, ok := Find(t.names, r.Kind, r.Old)
		switch {
		case ok && old.Became == r.New:
			moved = Holding{Kind: r.Kind, Name: r.Old}
			return nil
		case !ok || old.Became != "":
			return ErrNotKnown
		}
		if moved, err = db.holding(t.query, r.Kind, r.Old); err != nil {
			return err
		}
		if r.Kind == ConnectionName {
			err = t.renameConnection(r)
		} else {
			err = t.renameSync(r)
		}
		if err != nil {
			return err
		}
		if err := t.renamedTo(old, r.New); err != nil {
			return err
		}
		return t.record(ctx, ofName(Activity{Act: reason.Reason{Code: reason.ActRenamed, Facts: reason.Facts{Found: r.Old}}}, r.Kind, r.New))
	})
	if err != nil {
		return Holding{}, fmt.Errorf("rename %s to %s: %w", r.Old, r.New, err)
	}
	return moved, nil
}

// renameSync moves the rows of every table that has a sync: one that is added
// later is moved as well.
func (t *tx) renameSync(r Rename) error {
	there, err := t.db.holding(t.query, SyncName, r.New)
	if err != nil {
		return err
	}
	if !there.Empty() {
		return &NamesakeError{there}
	}
	// A comparison in progress continues under the new name; of two, the old one's.
	if _, err := t.exec("update sweeps set phase = 'failed', failure = 'the sync was renamed', ended_at = $2, lease_until = 0 where sync = $1 and phase not in ('done', 'failed')",
		r.New, ms(t.now)); err != nil {
		return err
	}
	// The process that runs it would read and store under the old name.
	if _, err := t.exec("update sweeps set fence = fence + 1, lease_until = 0 where sync = $1 and phase not in ('done', 'failed')", r.Old); err != nil {
		return err
	}
	if _, err := t.exec("update plan_jobs set fence = fence + 1, lease_until = 0 where sync = $1 and ended_at = 0", r.Old); err != nil {
		return err
	}
	tables, err := t.tablesWith("sync")
	if err != nil {
		return err
	}
	for _, table := range tables {
		// What a sync without a memory may have is in the way: a mode, a halt, a notice.
		if !besides[table] {
			if _, err := t.exec("delete from "+table+" where sync = $1", r.New); err != nil {
				return err
			}
		}
		if _, err := t.exec("update "+table+" set sync = $2 where sync = $1", r.Old, r.New); err != nil {
			return err
		}
	}
	return nil
}

// besides are the tables in which the rows of two syncs may become those of one.
var besides = map[string]bool{"sweeps": true, "decisions": true, "events": true, "intents": true, "watched": true, "link_history": true, "activity": true}

// tablesWith returns the tables that have a column, customers first: a claim holds
// its row to the end of its transaction.
func (t *tx) tablesWith(column string) ([]string, error) {
	var all []string
	err := t.query(func(s scanner) error {
		var table string
		err := s.Scan(&table)
		all = append(all, table)
		return err
	}, t.db.tablesWith, column)
	slices.SortStableFunc(all, func(a, b string) int {
		return cmp.Or(-cmp.Compare(bit(a == "customers"), bit(b == "customers")), strings.Compare(a, b))
	})
	return all, err
}

// renameConnection moves what a connection has told and how far it was asked. A
// connection that has been used under the new name already keeps its own place
// and tokens: then only what was told is joined.
func (t *tx) renameConnection(r Rename) error {
	if err := t.reseal(r); err != nil {
		return err
	}
	for _, text := range []string{
		// An event that both have told is one event.
		`update events set connection = $2 where connection = $1 and not exists (
    select 1 from events e where e.connection = $2 and e.event_id = events.event_id and e.sync = events.sync)`,
		"delete from turns where kind = 'changes' and name = $2 and cursor = '' and exists (select 1 from turns t where t.kind = 'changes' and t.name = $1)",
		"update turns set name = $2 where kind = 'changes' and name = $1 and not exists (select 1 from turns t where t.kind = 'changes' and t.name = $2)",
		"update rests set name = $2 where kind = 'connection' and name = $1 and not exists (select 1 from rests r where r.kind = 'connection' and r.name = $2)",
		"update connections set name = $2 where name = $1 and not exists (select 1 from connections c where c.name = $2)",
		"delete from refused where connection = $2 and exists (select 1 from refused r where r.connection = $1)",
		"update refused set connection = $2 where connection = $1",
		// The group of a connection's exceptions, and its message, are the same ones.
		"delete from notices where kind = 'connection_failed' and cause = $2 and exists (select 1 from notices n where n.kind = notices.kind and n.sync = notices.sync and n.what = notices.what and n.recipient = notices.recipient and n.cause = $1)",
		"update notices set cause = $2 where kind = 'connection_failed' and cause = $1",
		"update exceptions set cause = $2 where kind = 'connection_failed' and cause = $1",
		"update names set source = $2 where source = $1",
		"update names set target = $2 where target = $1",
	} {
		if _, err := t.exec(text, r.Old, r.New); err != nil {
			return err
		}
	}
	return nil
}

// reseal moves a connection's tokens, sealed for the new name.
func (t *tx) reseal(r Rename) error {
	sealed, there := "", ""
	err := errors.Join(
		t.query(func(s scanner) error { return s.Scan(&sealed) }, "select sealed from tokens where connection = $1", r.Old),
		t.query(func(s scanner) error { return s.Scan(&there) }, "select sealed from tokens where connection = $1", r.New))
	if err != nil || sealed == "" || there != "" || r.Reseal == nil {
		return err
	}
	if sealed, err = r.Reseal(sealed); err != nil {
		return err
	}
	if _, err := t.exec("delete from tokens where connection = $1", r.New); err != nil {
		return err
	}
	_, err = t.exec("update tokens set connection = $2, sealed = $3, lease_until = 0, fence = fence + 1 where connection = $1", r.Old, r.New, sealed)
	return err
}

// renamedTo notes what a name has become, also for the names it had before.
func (t *tx) renamedTo(old Named, name string) error {
	_, err := t.exec(`insert into names (kind, name, source, target) values ($1, $2, $3, $4)
on conflict (kind, name) do update set source = excluded.source, target = excluded.target, became = '', ended_at = 0`,
		string(old.Kind), name, old.Source, old.Target)
	if err != nil {
		return err
	}
	_, err = t.exec("update names set became = $3, source = '', target = '' where kind = $1 and (name = $2 or became = $2)", string(old.Kind), old.Name, name)
	return err
}

// exclusively runs do in a transaction that no other one of Receive or Claim is
// beside.
func (db *DB) exclusively(ctx context.Context, do func(t *tx) error) error {
	return retried(ctx, func() error { return db.exclusive(ctx, do) })
}

func (db *DB) exclusive(ctx context.Context, do func(t *tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, renameLimit)
	defer cancel()
	inner, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer inner.Rollback() // has no effect after the commit
	t := &tx{ctx: ctx, limit: ctx, db: db, inner: inner, plain: true, woken: map[key]int{}, asked: map[key]int64{}, halted: map[string]time.Time{}}
	if db.lockNames != "" {
		if _, err := inner.ExecContext(ctx, db.lockNames); err != nil {
			return fmt.Errorf("wait for the transactions under way: %w", err)
		}
	}
	if t.now, err = t.clock(); err != nil {
		return err
	}
	if err := t.readNames(); err != nil {
		return err
	}
	if err := do(t); err != nil {
		return err
	}
	if err := inner.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
