package store

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
)

// Alarm is one that is on, or was.
type Alarm struct {
	Sync  string
	Alarm status.Alarm
	Since time.Time // of what it is about
	Ended time.Time // zero while it is on
}

// SetAlarms stores which alarms of some syncs are on, and has people told of those
// that began and ended since: once, on however many nodes.
func (db *DB) SetAlarms(ctx context.Context, syncs []string, on []Alarm) error {
	type key struct {
		sync  string
		alarm status.Alarm
	}
	err := db.update(ctx, func(t *tx) error {
		was := map[key]bool{}
		err := t.query(func(s scanner) error {
			var k key
			err := s.Scan(&k.sync, &k.alarm)
			was[k] = true
			return err
		}, "select sync, alarm from alarms where ended_at = 0")
		if err != nil {
			return err
		}
		change := func(k key, query string, args ...any) error {
			n, err := t.exec(query, append([]any{k.sync, string(k.alarm)}, args...)...)
			if err != nil || n == 0 {
				return err
			}
			return t.tellOf(AlarmNotice, k.sync, status.Kind(k.alarm), "", 0)
		}
		for _, a := range on {
			k := key{a.Sync, a.Alarm}
			if was[k] {
				delete(was, k)
				continue
			}
			if err := change(k, `insert into alarms (sync, alarm, since) values ($1, $2, $3)
on conflict (sync, alarm) do update set since = excluded.since, ended_at = 0 where alarms.ended_at > 0`, ms(a.Since)); err != nil {
				return err
			}
		}
		for _, sync := range syncs {
			for _, alarm := range status.Alarms {
				if k := (key{sync, alarm}); was[k] {
					if err := change(k, "update alarms set ended_at = $3 where sync = $1 and alarm = $2 and ended_at = 0", ms(t.now)); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	return noticeError("store which alarms are on", err)
}

// SeenAlarm returns an alarm as it was last seen, zero when it was never on.
func (db *DB) SeenAlarm(ctx context.Context, sync string, alarm status.Alarm) (Alarm, error) {
	var since, ended int64
	a := Alarm{Sync: sync, Alarm: alarm}
	err := db.view(ctx, func(s scanner) error { return s.Scan(&since, &ended) },
		"select since, ended_at from alarms where sync = $1 and alarm = $2", sync, string(alarm))
	a.Since, a.Ended = at(since), at(ended)
	if err != nil {
		return a, fmt.Errorf("look when %s of %s was on: %w", alarm, sync, err)
	}
	return a, nil
}

// OverdueSince returns how many exceptions of a sync are overdue, and since when the
// first of them is. For an assigned one the time counts from its assignment.
func (db *DB) OverdueSince(ctx context.Context, sync string, after time.Duration) (n int, since time.Time, err error) {
	now, err := db.Now(ctx)
	if err != nil {
		return 0, time.Time{}, err
	}
	var first int64
	err = db.view(ctx, func(s scanner) error { return s.Scan(&n, &first) },
		"select count(*), coalesce(min(waits_since), 0) from exceptions where"+overdue, sync, ms(now.Add(-after)))
	if err == nil && n > 0 {
		since = at(first).Add(after)
	}
	return n, since, noticeError("look since when something is overdue", err)
}

// Failing returns the open exception of a sync that says that a connection fails,
// zero when there is none; of several the one that opened first.
func (db *DB) Failing(ctx context.Context, sync string) (Exception, error) {
	w := where{}
	w.that("sync = " + w.arg(sync))
	w.that("kind = " + w.arg(string(status.ConnectionFailed)))
	w.that("state in ('open', 'acknowledged')")
	found, err := db.exceptions(ctx, w, " order by opened_at, id limit ", 1)
	if err != nil || len(found) == 0 {
		return Exception{}, err
	}
	return found[0], nil
}

// HaltedSince returns since when each halted sync is.
func (db *DB) HaltedSince(ctx context.Context) (map[string]time.Time, error) {
	halted := map[string]time.Time{}
	err := db.view(ctx, func(s scanner) error {
		var sync string
		var since int64
		err := s.Scan(&sync, &since)
		halted[sync] = at(since)
		return err
	}, "select sync, halted_at from halts where halted_at > 0")
	return halted, noticeError("read which syncs are halted", err)
}
