package app

import (
	"context"
	"errors"

	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// MakePlan compares both sides of a sync, beside a running service or without
// one, and returns the plan. A plan that was interrupted is continued.
func MakePlan(ctx context.Context, cfg *config.Config, db *store.DB, sync string, progress func(compare.Progress)) (store.Sweep, error) {
	s, conns, err := oneSync(cfg, db, sync)
	if err != nil {
		return store.Sweep{}, err
	}
	defer conns.close()
	if err := errors.Join(noteSync(ctx, cfg, db, sync), takeBackBefore(ctx, db)); err != nil {
		return store.Sweep{}, err
	}
	return compare.Run(ctx, compare.Options{Sync: s, Store: db, Purpose: store.ForPlan, Ask: true, Progress: progress, Resting: conns.resting})
}
