package app

import (
	"context"
	"errors"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// undoPatience is how long an undoing waits for whoever has the customer, or for a
	// connection that rests; undoPause is how often it looks.
	undoPatience = 2 * time.Minute
	undoPause    = 250 * time.Millisecond
)

// ErrStillBusy means that somebody else had the customer, or a connection rested, for
// as long as a person waits: nothing was written.
var ErrStillBusy = errors.New("the customer is being synced, or a connection is resting")

// Undo puts back what the record of a customer held before our last write, beside a
// running service or without one, whether the sync writes or only watches.
func Undo(ctx context.Context, cfg *config.Config, db *store.DB, r pipeline.UndoRequest) (pipeline.UndoResult, error) {
	if err := CheckNames(ctx, cfg, db); err != nil {
		return pipeline.UndoResult{}, err
	}
	s, conns, err := oneSync(cfg, db, r.Sync)
	if err != nil {
		return pipeline.UndoResult{}, err
	}
	defer conns.close()
	if err := errors.Join(noteSync(ctx, cfg, db, r.Sync), takeBackBefore(ctx, db)); err != nil {
		return pipeline.UndoResult{}, err
	}
	p := pipeline.New(pipeline.Options{Store: db, Syncs: []pipeline.Sync{s}, Gap: conns.gaps(), Ahead: conns.ahead,
		Resting: conns.resting, Barred: barred(cfg, db), Holding: db.WhileHeld})
	waiting, cancel := context.WithTimeout(ctx, undoPatience)
	defer cancel()
	for {
		c, err := p.Undo(context.WithoutCancel(ctx), db, r)
		switch {
		case err != nil:
			return c, err
		case c.Busy:
			if err := takeBackBefore(ctx, db); err != nil { // whoever has it may have been killed
				return c, err
			}
		case c.Rest == 0:
			return c, nil
		}
		timer := time.NewTimer(max(c.Rest, undoPause))
		select {
		case <-timer.C:
		case <-waiting.Done():
			timer.Stop()
			return pipeline.UndoResult{}, errors.Join(ErrStillBusy, ctx.Err())
		}
	}
}
