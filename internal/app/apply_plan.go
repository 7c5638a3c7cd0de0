package app

import (
	"context"
	"errors"
	"time"

	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/store"
)

// ApplyRequest is what a person asks for who applies a plan.
type ApplyRequest struct {
	Rows  compare.Selection
	Limit int           // how many rows are tried; 0 is all
	Lease time.Duration // how long a claimed customer belongs to this process; 0 is the pipeline's default
	// Asked: a job has recorded who wants it.
	Asked bool
	// Beside, if set, is called when another process applies the plan as well.
	Beside func()
	// Cut is that of compare.ApplyOptions.
	Cut context.Context
	// Began and Progress are those of compare.ApplyOptions.
	Began    time.Time
	Progress func(compare.ApplyResult)
}

// Apply applies the rows of a plan, beside a running service or without one.
func Apply(ctx context.Context, cfg *config.Config, db *store.DB, r ApplyRequest) (compare.ApplyResult, error) {
	plan := r.Rows.Plan
	if err := CheckNames(ctx, cfg, db); err != nil {
		return compare.ApplyResult{}, err
	}
	if _, err := NoticeCopy(ctx, cfg, db); err != nil {
		return compare.ApplyResult{}, err
	}
	s, conns, err := oneSync(cfg, db, plan.Sync)
	if err != nil {
		return compare.ApplyResult{}, err
	}
	defer conns.close()
	if err := errors.Join(noteSync(ctx, cfg, db, plan.Sync), takeBackBefore(ctx, db)); err != nil {
		return compare.ApplyResult{}, err
	}
	begin := func() (bool, error) { return db.BeginApply(ctx, plan, r.Rows.Chosen != nil) }
	if r.Asked {
		begin = func() (bool, error) { return db.ContinueApply(ctx, plan.ID) }
	}
	other, err := begin()
	if err != nil {
		return compare.ApplyResult{}, err
	}
	if other && r.Beside != nil {
		r.Beside()
	}
	result, err := compare.Apply(ctx, compare.ApplyOptions{
		Selection: r.Rows,
		Store:     db,
		Pipeline: pipeline.New(pipeline.Options{Store: db, Syncs: []pipeline.Sync{s}, Lease: r.Lease, Gap: conns.gaps(), Ahead: conns.ahead,
			Resting: conns.resting, Barred: barred(cfg, db), Holding: db.WhileHeld, Digest: cfg.Hash}),
		Limit:    r.Limit,
		Workers:  conns.rowsAtOnce(s),
		Cut:      r.Cut,
		Began:    r.Began,
		Progress: r.Progress,
	})
	return result, errors.Join(err, db.EndApply(context.WithoutCancel(ctx), plan.ID))
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
	for _, name := range []string{s.From.Name, s.To.Name} {
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
