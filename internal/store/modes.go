package store

import (
	"context"
	"fmt"
	"time"
)

// SetMode stores whether a sync writes and, when it did not before, since when.
// What a tool held before then is history: only a plan carries it. Since when it
// watches is stored as well.
func (db *DB) SetMode(ctx context.Context, sync string, live bool) error {
	mode := map[bool]string{true: "live", false: "watch"}[live]
	err := db.update(ctx, func(t *tx) error {
		since := int64(0)
		if live {
			since = ms(t.now)
		}
		_, err := t.exec(`insert into modes (sync, mode, since, changed_at) values ($1, $2, $3, $4)
on conflict (sync) do update set mode = excluded.mode, since = case when modes.mode = excluded.mode then modes.since else excluded.since end,
    changed_at = case when modes.mode = excluded.mode then modes.changed_at else excluded.changed_at end`, sync, mode, since, ms(t.now))
		return err
	})
	if err != nil {
		return fmt.Errorf("store the mode of %s: %w", sync, err)
	}
	return nil
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
}

// Modes returns the mode of each sync that a process has noted.
func (db *DB) Modes(ctx context.Context) (map[string]Mode, error) {
	all := map[string]Mode{}
	err := db.view(ctx, func(s scanner) error {
		var sync string
		var m Mode
		var since int64
		err := s.Scan(&sync, &m.Mode, &since)
		m.Since = at(since)
		all[sync] = m
		return err
	}, "select sync, mode, changed_at from modes")
	if err != nil {
		return nil, fmt.Errorf("read since when syncs write: %w", err)
	}
	return all, nil
}
