package app

import (
	"context"
	"errors"
	"time"

	"trueup/internal/compare"
	"trueup/internal/config"
	"trueup/internal/pipeline"
	"trueup/internal/store"
)

// Apply carries the rows of a plan. lease is how long a claimed customer is this
// process's; 0 is the pipeline's default.
func Apply(ctx context.Context, cfg *config.Config, db *store.DB, a compare.ApplyOptions, lease time.Duration) (compare.ApplyResult, error) {
	if err := CheckNames(ctx, cfg, db); err != nil {
		return compare.ApplyResult{}, err
	}
	s, conns, err := oneSync(cfg, db, a.Plan.Sync)
	if err != nil {
		return compare.ApplyResult{}, err
	}
	defer conns.close()
	if err := errors.Join(noteSync(ctx, cfg, db, a.Plan.Sync), takeBackBefore(ctx, db)); err != nil {
		return compare.ApplyResult{}, err
	}
	other, err := db.BeginApply(ctx, a.Plan.ID)
	if err != nil {
		return compare.ApplyResult{}, err
	}
	if other && a.Beside != nil {
		a.Beside()
	}
	a.Store, a.Workers = db, conns.rowsAtOnce(s)
	a.Pipeline = pipeline.New(pipeline.Options{Store: db, Syncs: []pipeline.Sync{s}, Lease: lease, Gap: conns.gaps(), Ahead: conns.ahead, Paused: conns.paused, Barred: barred(cfg, db), Holding: db.WhileHeld})
	return a.Run(ctx)
}

const (
	// callsOfRow is how many calls to one tool a row of a plan takes at most, and
	// rowTime how long it should not be at it: its calls wait for their turns while
	// its lease runs.
	callsOfRow = 4
	rowTime    = 30 * time.Second
)

// rowsAtOnce is how many rows of a plan the rate limits of both connections
// carry at once, 0 where there is none.
func (c *connections) rowsAtOnce(s pipeline.Sync) int {
	rows := 0
	for _, name := range []string{s.Source.Name, s.Target.Name} {
		g := c.gates[name]
		if g == nil || g.Requests == 0 {
			continue
		}
		calls := float64(g.Requests) * rowTime.Seconds() / g.Per.Seconds()
		if n := max(1, int(calls)/callsOfRow); rows == 0 || n < rows {
			rows = n
		}
	}
	return rows
}
