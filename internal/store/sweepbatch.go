package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"trueup/internal/status"
)

// Known is a customer that nobody has claimed, with all that is known of it.
type Known struct {
	Work
	// Stored says that the customer has a row: an event, a person or a sweep
	// has brought it here.
	Stored bool
	// Waits says that mass_change has halted its write: resuming the sync wakes it.
	Waits bool
	// DueAt is when it is looked at next, zero when nothing is left to do.
	DueAt time.Time
	// Shown are the kinds of its exceptions that are not resolved.
	Shown []status.Kind
}

// Known returns all that is known of customers of a sync, without claiming
// them. Of one that was never heard of there is an empty one.
func (db *DB) Known(ctx context.Context, sync string, customers []string) (map[string]*Known, error) {
	now, err := db.Now(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]*Known{}
	err = inParts(customers, func(part []string) error {
		by := map[string]*Work{}
		for _, customer := range part {
			k := &Known{Work: Work{Sync: sync, Customer: customer, Now: now}}
			all[customer], by[customer] = k, &k.Work
		}
		places, args := padded(part, 1)
		args = append([]any{sync}, args...)
		among := " where sync = $1 and customer in (" + places + ")"
		view := func(scan func(scanner) error, query string, args ...any) error {
			return db.view(ctx, scan, query, args...)
		}
		err := view(func(s scanner) error {
			var due sql.NullInt64
			var halted string
			w, err := scanWork(s, &due, &halted)
			w.Sync, w.Now = sync, now
			if k := all[w.Customer]; k != nil {
				k.Work, k.DueAt, k.Waits = w, at(due.Int64), halted == haltWaits
				// A claim by name makes a row, and a plan's row that is refused leaves
				// it as empty as it was.
				k.Stored = w.Generation > 0 || !w.Desired.SeenAt.IsZero()
			}
			return err
		}, "select "+workColumns+", due_at, halted from customers"+among, args...)
		if err != nil {
			return err
		}
		if err := loadWork(view, by, among, args); err != nil {
			return err
		}
		return view(func(s scanner) error {
			var customer string
			var kind status.Kind
			err := s.Scan(&customer, &kind)
			all[customer].Shown = append(all[customer].Shown, kind)
			return err
		}, "select customer, kind from exceptions"+among+" and state <> 'resolved' order by id", args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read customers of %s: %w", sync, err)
	}
	return all, nil
}

// SweepCustomers returns the next customers that a comparison has to look at:
// those that the source listed and those that are linked; of a source that
// cannot list, all that are known.
func (db *DB) SweepCustomers(ctx context.Context, w Sweep, limit int) ([]string, error) {
	first := "select customer from customers where sync = $1 and customer > $2"
	args := []any{w.Sync, w.ComparedTo, limit}
	if w.SourceListed {
		first = "select customer from sweep_sources where sweep = $4 and customer > $2"
		args = append(args, w.ID)
	}
	var found []string
	err := db.view(ctx, func(s scanner) error {
		var customer string
		err := s.Scan(&customer)
		found = append(found, customer)
		return err
	}, "select customer from (select customer from ("+first+` order by customer limit $3) a
    union select customer from (select customer from links where sync = $1 and customer > $2 order by customer limit $3) b) both_sides order by customer limit $3`, args...)
	if err != nil {
		return nil, fmt.Errorf("look whom to compare of %s: %w", w.Sync, err)
	}
	return found, nil
}

// ListedSource is a record of the source as a comparison has read it.
type ListedSource struct {
	Record status.SourceRecord
	ReadAt time.Time
}

// ListedSources returns the records that the source listed of customers.
func (db *DB) ListedSources(ctx context.Context, w Sweep, customers []string) (map[string]ListedSource, error) {
	all := map[string]ListedSource{}
	err := inParts(customers, func(part []string) error {
		places, args := padded(part, 1)
		return db.view(ctx, func(s scanner) error {
			var l ListedSource
			var none, value, updated, read int64
			var keys string
			if err := s.Scan(&l.Record.ID, &l.Record.Value, &none, &value, &updated, &keys, &read); err != nil {
				return err
			}
			l.Record.NoStatus, l.Record.ValueAt, l.Record.UpdatedAt, l.ReadAt = none == 1, at(value), at(updated), at(read)
			return keysOf(keys, &l.Record.Keys, func() { all[l.Record.ID] = l })
		}, "select customer, value, no_status, value_at, updated_at, keys, read_at from sweep_sources where sweep = $1 and customer in ("+places+")",
			append([]any{w.ID}, args...)...)
	})
	if err != nil {
		return nil, fmt.Errorf("read what %s listed: %w", w.Sync, err)
	}
	return all, nil
}

// ListedTarget is a record of the target as a comparison has read it.
type ListedTarget struct {
	Record  status.TargetRecord
	ReadAt  time.Time
	TakenBy string // the customer that the match rules found it for
}

// ListedTargets returns the records that the target listed under the ids.
func (db *DB) ListedTargets(ctx context.Context, w Sweep, ids []string) (map[string]ListedTarget, error) {
	all := map[string]ListedTarget{}
	err := inParts(ids, func(part []string) error {
		places, args := padded(part, 1)
		return db.view(ctx, func(s scanner) error {
			var l ListedTarget
			var edited, field, read int64
			var keys string
			r := &l.Record
			if err := s.Scan(&r.ID, &r.Value, &edited, &field, &r.Actor, &r.By, &r.Revision, &keys, &read, &l.TakenBy); err != nil {
				return err
			}
			r.EditedAt, r.FieldTime, l.ReadAt = at(edited), field == 1, at(read)
			return keysOf(keys, &r.Keys, func() { all[r.ID] = l })
		}, `select target_id, value, edited_at, field_time, actor, edited_by, revision, keys, read_at, taken_by
from sweep_targets where sweep = $1 and read_at > 0 and target_id in (`+places+")", append([]any{w.ID}, args...)...)
	})
	if err != nil {
		return nil, fmt.Errorf("read what the target of %s listed: %w", w.Sync, err)
	}
	return all, nil
}

// keysOf reads keys and then keeps the record.
func keysOf(text string, into *map[string]string, keep func()) error {
	err := json.Unmarshal([]byte(text), into)
	keep()
	return err
}

// ListedUnder returns the ids of the target's records that have one of the
// values under a key, by the value.
func (db *DB) ListedUnder(ctx context.Context, w Sweep, name string, values []string) (map[string][]string, error) {
	all := map[string][]string{}
	err := inParts(values, func(part []string) error {
		places, args := padded(part, 2)
		return db.view(ctx, func(s scanner) error {
			var value, id string
			err := s.Scan(&value, &id)
			all[value] = append(all[value], id)
			return err
		}, "select value, target_id from sweep_keys where sweep = $1 and name = $2 and value in ("+places+") order by value, target_id",
			append([]any{w.ID, name}, args...)...)
	})
	if err != nil {
		return nil, fmt.Errorf("search what the target of %s listed: %w", w.Sync, err)
	}
	return all, nil
}

// RecordOwners returns which customers have records of the target: by a link, or
// because the match rules found them earlier in the comparison.
func (db *DB) RecordOwners(ctx context.Context, w Sweep, ids []string) (map[string]string, error) {
	all := map[string]string{}
	err := inParts(ids, func(part []string) error {
		places, args := padded(part, 2)
		return db.view(ctx, func(s scanner) error {
			var id, customer string
			err := s.Scan(&id, &customer)
			all[id] = customer
			return err
		}, "select target_id, taken_by from sweep_targets where sweep = $2 and taken_by <> '' and target_id in ("+places+`)
union all select target_id, customer from links where sync = $1 and target_id in (`+places+")", append([]any{w.Sync, w.ID}, args...)...)
	})
	if err != nil {
		return nil, fmt.Errorf("look whose records of the target of %s are: %w", w.Sync, err)
	}
	return all, nil
}
