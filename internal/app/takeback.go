package app

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"trueup/internal/store"
)

// takeBackEvery is how often processes that are no more are looked for: nodes,
// and commands that were killed beside this one.
const takeBackEvery = time.Second

// takeBack takes back what dead processes held, until ctx ends.
func (a *App) takeBack(ctx context.Context) {
	ticker := time.NewTicker(takeBackEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			a.takeBackNow(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// takeBackNow does it once. What cannot be taken back waits for its lease.
func (a *App) takeBackNow(ctx context.Context) {
	n, err := a.store.TakeBack(ctx)
	if err != nil {
		a.warn(ctx, "take back the work of a process that is gone", err)
		return
	}
	if n == 0 {
		return
	}
	a.log.Info("a process ended without shutting down; its work continues at once", slog.Int("taken_back", n))
	c := a.wiring.Load()
	c.pipeline.Wake(slices.Collect(maps.Keys(c.config.Syncs))...)
}

// takeBackBefore lets a command wait for nobody who was killed a moment ago.
func takeBackBefore(ctx context.Context, db *store.DB) error {
	_, err := db.TakeBack(ctx)
	return err
}
