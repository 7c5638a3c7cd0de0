package app

import (
	"context"
	"errors"
	"time"

	"trueup/internal/config"
	"trueup/internal/pipeline"
	"trueup/internal/store"
	"trueup/internal/sweep"
)

// MakePlan compares both sides of a sync, beside a running service or without
// one, and returns the plan. One that was left is gone on with.
func MakePlan(ctx context.Context, cfg *config.Config, db *store.DB, sync string, progress func(sweep.Progress)) (store.Sweep, error) {
	s, conns, err := oneSync(cfg, db, sync)
	if err != nil {
		return store.Sweep{}, err
	}
	defer conns.hangUp()
	if err := errors.Join(NoteAccounts(ctx, cfg, db, sync), takeBackBefore(ctx, db)); err != nil {
		return store.Sweep{}, err
	}
	return sweep.Run(ctx, sweep.Options{Sync: s, Store: db, Purpose: store.ForPlan, Progress: progress, Paused: conns.paused})
}

// Apply carries the rows of a plan. lease is how long a claimed customer is this
// process's; 0 is the pipeline's default.
func Apply(ctx context.Context, cfg *config.Config, db *store.DB, a sweep.Application, lease time.Duration) (sweep.Applied, error) {
	if err := CheckNames(ctx, cfg, db); err != nil {
		return sweep.Applied{}, err
	}
	s, conns, err := oneSync(cfg, db, a.Plan.Sync)
	if err != nil {
		return sweep.Applied{}, err
	}
	defer conns.hangUp()
	if err := errors.Join(NoteAccounts(ctx, cfg, db, a.Plan.Sync), takeBackBefore(ctx, db)); err != nil {
		return sweep.Applied{}, err
	}
	a.Store = db
	a.Pipeline = pipeline.New(pipeline.Options{Store: db, Syncs: []pipeline.Sync{s}, Lease: lease, Paused: conns.paused, Barred: barred(cfg, db), Holding: db.WhileHeld})
	return a.Run(ctx)
}
