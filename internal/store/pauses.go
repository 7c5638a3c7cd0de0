package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
)

// SyncPause is a person's word that a sync writes nothing for a while.
type SyncPause struct {
	Since  time.Time // zero: it is not paused
	By     string
	Reason string
	// PlanFirst says that it ends only once a plan was made, and none was since.
	PlanFirst bool
}

// ErrPaused means that a person has paused the sync: nothing may be written.
var ErrPaused = errors.New("the sync is paused")

// PauseSync stops the writes of a sync until Resume. Events are received and wait.
// A write that has begun ends; when this returns no other begins. changed is false when the sync was
// paused already: that pause, and its reason, stay.
func (db *DB) PauseSync(ctx context.Context, sync, who, why string) (now SyncPause, changed bool, err error) {
	err = db.update(ctx, func(t *tx) error {
		n, err := t.exec("insert into pauses (sync, since, who, reason) values ($1, $2, $3, $4) on conflict (sync) where ended_at = 0 do nothing", sync, ms(t.now), who, why)
		if changed = n > 0; err == nil && changed {
			err = t.record(ctx, Activity{Who: who, Sync: sync, Act: reason.Reason{Code: reason.ActPaused}, Why: why})
		}
		return err
	})
	if err == nil && db.lock != "" {
		// A write that began beside that transaction may not have seen the pause: it has
		// locked its customer.
		err = db.update(ctx, func(t *tx) error {
			_, err := t.exec("select 1 from customers where sync = $1 and lease_until > $2 order by sync, customer for update", sync, ms(t.now))
			return err
		})
	}
	if err == nil {
		now, err = db.SyncPaused(ctx, sync)
	}
	if err != nil {
		return SyncPause{}, false, fmt.Errorf("pause %s: %w", sync, err)
	}
	return now, changed, nil
}

// endPause ends a sync's pause and reports whether there was one.
func (t *tx) endPause(sync, who string) (bool, error) {
	n, err := t.exec("update pauses set ended_at = $2, ended_by = $3 where sync = $1 and ended_at = 0", sync, ms(t.now), who)
	return n > 0, err
}

// SyncPaused returns the pause that a sync is in, the zero value when it is in none.
func (db *DB) SyncPaused(ctx context.Context, sync string) (SyncPause, error) {
	paused, err := db.SyncsPaused(ctx)
	return paused[sync], err
}

// SyncsPaused returns the pauses of all syncs that are in one.
func (db *DB) SyncsPaused(ctx context.Context) (map[string]SyncPause, error) {
	paused := map[string]SyncPause{}
	err := db.view(ctx, func(s scanner) error {
		var sync string
		var p SyncPause
		var since int64
		plan := 0
		err := s.Scan(&sync, &since, &p.By, &p.Reason, &plan)
		p.Since, p.PlanFirst = at(since), plan == 1
		paused[sync] = p
		return err
	}, "select p.sync, p.since, p.who, p.reason, case when "+waitsForPlan+" then 1 else 0 end from pauses p where p.ended_at = 0")
	if err != nil {
		return nil, fmt.Errorf("read which syncs are paused: %w", err)
	}
	return paused, nil
}
