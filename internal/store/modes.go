package store

import (
	"context"
	"fmt"
	"time"
)

// SetMode stores whether a sync writes and, when it did not before, since when.
// What a tool held before then is history: only a plan carries it.
func (db *DB) SetMode(ctx context.Context, sync string, live bool) error {
	mode := map[bool]string{true: "live", false: "watch"}[live]
	err := db.update(ctx, func(t *tx) error {
		since := int64(0)
		if live {
			since = ms(t.now)
		}
		_, err := t.exec(`insert into modes (sync, mode, since) values ($1, $2, $3)
on conflict (sync) do update set mode = excluded.mode, since = case when modes.mode = excluded.mode then modes.since else excluded.since end`, sync, mode, since)
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
