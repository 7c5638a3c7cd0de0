package store

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// SetMode stores whether a sync writes and, if it did not before, since when. What
// a tool held until then is history: only a plan syncs it. The time since which a
// sync watches is stored as well.
func (db *DB) SetMode(ctx context.Context, sync string, live bool) error {
	mode := map[bool]string{true: "live", false: "watch"}[live]
	err := db.run(&job{ctx: ctx, names: true, do: func(t *tx) error {
		if t.renamed(sync) {
			return ErrRenamed
		}
		since := int64(0)
		if live {
			since = ms(t.now)
		}
		was := ""
		if err := t.query(func(s scanner) error { return s.Scan(&was) }, "select mode from modes where sync = $1", sync); err != nil {
			return err
		}
		switch {
		case live:
			if err := t.payOwed(sync); err != nil {
				return err
			}
		case was == "live":
			if err := t.owe(sync); err != nil {
				return err
			}
		}
		_, err := t.exec(`insert into modes (sync, mode, since, changed_at) values ($1, $2, $3, $4)
on conflict (sync) do update set mode = excluded.mode, since = case when modes.mode = excluded.mode then modes.since else excluded.since end,
    changed_at = case when modes.mode = excluded.mode then modes.changed_at else excluded.changed_at end,
    before_at = case when modes.mode = excluded.mode then modes.before_at else modes.changed_at end`, sync, mode, since, ms(t.now))
		return err
	}})
	if err != nil {
		return fmt.Errorf("store the mode of %s: %w", sync, err)
	}
	return nil
}

// owe marks who waits when a sync that was live begins to watch. A look writes
// nothing from then on, and ends what they waited for all the same. So it does for who
// is pinned, and may be unpinned before the sync writes again.
func (t *tx) owe(sync string) error {
	if t.db.lock != "" { // as lockCustomers does
		if _, err := t.exec("select 1 from customers where sync = $1 and unheard = 0 and (due_at is not null or halted = 'waits' or "+openOf+" or "+pinnedOf+" = 1) order by sync, customer for update", sync); err != nil {
			return err
		}
	}
	_, err := t.exec("update customers set owed = 1 where sync = $1 and unheard = 0 and (due_at is not null or halted = 'waits' or "+openOf+" or "+pinnedOf+" = 1)", sync)
	return err
}

// payOwed makes the marked customers due, now that the sync writes. One with an
// open exception waits for a person as before. The mark stays until an attempt that
// may write: a node that has not read the file yet may be the first to try.
func (t *tx) payOwed(sync string) error {
	if t.db.lock != "" {
		if _, err := t.exec("select 1 from customers where sync = $1 and owed = 1 order by sync, customer for update", sync); err != nil {
			return err
		}
	}
	if _, err := t.exec("update customers set owed = 0 where sync = $1 and owed = 1 and "+openOf, sync); err != nil {
		return err
	}
	_, err := t.exec(`update customers set generation = generation + 1, attempts = 0, first_try = 0,
    due_at = case when due_at <= $2 and lease_until <= $2 then due_at else $2 end where sync = $1 and owed = 1`, sync, ms(t.now))
	return err
}

// openOf is true of a customer with an exception that is open.
const openOf = `exists (select 1 from exceptions x where x.sync = customers.sync and x.customer = customers.customer and x.state in ('open', 'acknowledged'))`

// watches reports whether a sync was last seen to watch only.
func (t *tx) watches(sync string) (bool, error) {
	mode := ""
	err := t.query(func(s scanner) error { return s.Scan(&mode) }, "select mode from modes where sync = $1", sync)
	return mode == "watch", err
}

// LiveSince returns since when a sync has written, zero while it does not.
func (db *DB) LiveSince(ctx context.Context, sync string) (time.Time, error) {
	var since int64
	err := db.view(ctx, func(s scanner) error { return s.Scan(&since) }, "select since from modes where sync = $1", sync)
	if err != nil {
		return time.Time{}, fmt.Errorf("look since when %s is live: %w", sync, err)
	}
	return at(since), nil
}

// Mode is what a sync does, live or watch, and since when.
type Mode struct {
	Mode  string
	Since time.Time
	// Before is since when it had the other mode before, zero when it was never seen
	// to have another.
	Before time.Time
	// Act is the change to this mode that a person made through Trueup, nil where the
	// file was edited by hand.
	Act *Activity
}

// Modes returns the mode of each sync that a process has noted.
func (db *DB) Modes(ctx context.Context) (map[string]Mode, error) {
	all, before := map[string]Mode{}, map[string]int64{}
	err := db.view(ctx, func(s scanner) error {
		var sync string
		var m Mode
		var since, earlier int64
		err := s.Scan(&sync, &m.Mode, &since, &earlier)
		m.Since, m.Before = at(since), at(earlier)
		all[sync], before[sync] = m, earlier
		return err
	}, "select sync, mode, changed_at, before_at from modes")
	if err == nil {
		err = db.modeActs(ctx, all, before)
	}
	if err != nil {
		return nil, fmt.Errorf("read since when syncs write: %w", err)
	}
	return all, nil
}

// modeActs fills in who changed the modes. An act of before the mode that a sync had
// until it got the present one is of another change.
func (db *DB) modeActs(ctx context.Context, all map[string]Mode, before map[string]int64) error {
	codes := map[reason.Code]string{reason.ActWentLive: "live", reason.ActWatched: "watch"}
	return db.view(ctx, func(s scanner) error {
		var a Activity
		var done int64
		var code reason.Code
		if err := s.Scan(&a.ID, &done, &a.Who, &a.For, &a.Sync, &code, &a.Why); err != nil {
			return err
		}
		a.At = at(done)
		if m, ok := all[a.Sync]; ok && codes[code] == m.Mode && done >= before[a.Sync] {
			m.Act = &a
			all[a.Sync] = m
		}
		return nil
	}, fmt.Sprintf(`select id, done_at, who, behalf, sync, code, why from activity
where id in (select max(id) from activity where topic = '%s' and leads = 1 and code in ('%s', '%s') group by sync)`, reason.AboutMode, reason.ActWentLive, reason.ActWatched)) // as text: PostgreSQL knows how few they are
}
