package app

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// takeBackEvery is how often to look for processes that are gone: nodes, and
// commands that were killed beside this one.
const takeBackEvery = time.Second

// takeBack takes back what processes that are gone held. What cannot be taken back
// waits for its lease.
func (a *App) takeBack(ctx context.Context) error {
	n, err := a.store.TakeBack(ctx)
	if err != nil || n == 0 {
		return err
	}
	a.log.Info("a process ended without shutting down; its work continues at once", slog.Int("taken_back", n))
	c := a.wiring.Load()
	c.pipeline.Wake(slices.Collect(maps.Keys(c.config.Syncs))...)
	return nil
}

// takeBackBefore spares a command the wait for a process that was killed a moment ago.
func takeBackBefore(ctx context.Context, db *store.DB) error {
	_, err := db.TakeBack(ctx)
	return err
}
