package app

import (
	"context"
	"errors"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/store"
)

// Ask has the path look now at a customer whom a comparison found to need a person
// and whom nobody has checked since, so that its exception opens. It does so beside
// a running service or without one, and reports whether there was one to look at.
func Ask(ctx context.Context, cfg *config.Config, db *store.DB, sync, customer string) (asked bool, err error) {
	known, err := db.Snapshots(ctx, sync, []string{customer})
	if err != nil {
		return false, err
	}
	if k := known[customer]; !k.Unheard || k.DueAt.IsZero() {
		return false, nil
	}
	if err := CheckNames(ctx, cfg, db); err != nil {
		return false, err
	}
	s, conns, err := oneSync(cfg, db, sync)
	if err != nil {
		return false, err
	}
	defer conns.close()
	if err := errors.Join(noteSync(ctx, cfg, db, sync), takeBackBefore(ctx, db)); err != nil {
		return false, err
	}
	p := pipeline.New(pipeline.Options{Store: db, Syncs: []pipeline.Sync{s}, Gap: conns.gaps(), Ahead: conns.ahead, Resting: conns.resting,
		Barred: barred(cfg, db), Holding: db.WhileHeld, Digest: cfg.Hash})
	return p.Ask(ctx, db, sync, customer)
}
