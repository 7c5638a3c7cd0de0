package store

import (
	"context"
	"fmt"
	"time"
)

// Looks is the rules under which the customers of a sync are read.
type Looks struct {
	Rules  string // a hash of which record and which field a look is about
	Target string // a hash of the target's field
	Since  time.Time
}

// Looks returns the rules under which the customers of a sync are read, as the last
// process noted them, the zero Looks when none has.
func (db *DB) Looks(ctx context.Context, sync string) (l Looks, err error) {
	err = db.view(ctx, func(s scanner) error { return scanLooks(s, &l) }, readLooks, sync)
	if err != nil {
		return Looks{}, fmt.Errorf("read by which rules %s is looked at: %w", sync, err)
	}
	return l, nil
}

const readLooks = "select rules, target, since from looks where sync = $1"

func scanLooks(s scanner, l *Looks) error {
	var since int64
	err := s.Scan(&l.Rules, &l.Target, &since)
	l.Since = at(since)
	return err
}

// NoteLooks notes the rules under which the customers of a sync are read from now
// on. What was read before the first note counts as read under it. When the target
// keeps the status in another field than before, what was read and written in that
// one is forgotten: nothing is known of the new field yet.
func (db *DB) NoteLooks(ctx context.Context, sync string, now Looks) error {
	err := db.update(ctx, func(t *tx) error {
		var was Looks
		if err := t.query(func(s scanner) error { return scanLooks(s, &was) }, readLooks, sync); err != nil {
			return err
		}
		if was.Rules == now.Rules && was.Target == now.Target {
			return nil
		}
		since := int64(0)
		if was.Rules != "" {
			since = ms(t.now)
		}
		if was.Target != "" && was.Target != now.Target {
			if err := t.forgetTarget(sync); err != nil {
				return err
			}
		}
		_, err := t.exec(`insert into looks (sync, rules, target, since) values ($1, $2, $3, $4)
on conflict (sync) do update set rules = excluded.rules, target = excluded.target, since = excluded.since`, sync, now.Rules, now.Target, since)
		return err
	})
	if err != nil {
		return fmt.Errorf("note by which rules %s is looked at: %w", sync, err)
	}
	return nil
}

// forgetTarget forgets what was read and written in the target, and leaves the
// links. What an attempt in progress knows is no longer true.
func (t *tx) forgetTarget(sync string) error {
	if err := t.lockCustomersOf(sync); err != nil {
		return err
	}
	if _, err := t.exec("delete from intents where sync = $1", sync); err != nil {
		return err
	}
	_, err := t.exec(`update customers set base_known = 0, base_record_id = '', base_status = '', base_value = '', base_by = '', base_at = 0,
    base_seen_at = 0, base_sent = '', base_unverified = 0, human_at = 0, observed_status = '', observed_value = '', observed_at = 0, observed_by = '', observed_seen_at = 0, ruling = '',
    undone = '', last_write = '', fence = fence + 1 where sync = $1`, sync)
	return err
}
