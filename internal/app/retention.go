package app

import (
	"context"
	"log/slog"
	"time"

	"trueup/internal/config"
	"trueup/internal/metrics"
	"trueup/internal/store"
)

const (
	// retainEvery is how often old things are looked for.
	retainEvery = 6 * time.Hour
	// retainTime bounds one look.
	retainTime = 30 * time.Minute
	// retainBatch is how many rows go in one transaction, and retainPause how
	// long others have the database in between.
	retainBatch = 200
	retainPause = 50 * time.Millisecond
)

// retention deletes what is older than the configuration keeps, one node at a
// time.
type retention struct {
	config.Retention
	db      *store.DB
	log     *slog.Logger
	metrics *metrics.Metrics
}

func (r retention) run(ctx context.Context) {
	if r.Payloads == 0 && r.History == 0 {
		return
	}
	ticker := time.NewTicker(retainEvery / 72)
	defer ticker.Stop()
	for {
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("could not delete old data", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look deletes unless another node does or has done so lately.
func (r retention) look(ctx context.Context) error {
	turn := store.Turn{Kind: store.RetentionTurn}
	cursor, fence, ok, err := r.db.TakeTurn(ctx, turn, retainEvery, retainTime)
	if err != nil || !ok {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, retainTime)
	defer cancel()
	if err := r.deleteAll(ctx); err != nil {
		// Somebody else may go on at once: nothing was left half done.
		if releaseErr := r.db.LeaveTurn(context.WithoutCancel(ctx), turn, fence); releaseErr != nil {
			return releaseErr
		}
		return err
	}
	return r.db.SaveTurn(ctx, turn, fence, cursor, true)
}

func (r retention) deleteAll(ctx context.Context) error {
	now, err := r.db.Now(ctx)
	if err != nil {
		return err
	}
	var all []any
	if r.Payloads > 0 {
		n, err := r.delete(ctx, store.OldPayloads, now.Add(-r.Payloads))
		if err != nil {
			return err
		}
		all = append(all, slog.Int(string(store.OldPayloads), n))
	}
	if r.History > 0 {
		for _, what := range store.OldHistory {
			n, err := r.delete(ctx, what, now.Add(-r.History))
			if err != nil {
				return err
			}
			all = append(all, slog.Int(string(what), n))
		}
	}
	r.log.Info("old data deleted", all...)
	return nil
}

func (r retention) delete(ctx context.Context, what store.OldThing, before time.Time) (total int, err error) {
	pause := time.NewTicker(retainPause)
	defer pause.Stop()
	for after := int64(0); ; {
		n, next, err := r.db.DeleteOld(ctx, what, before, after, retainBatch)
		total += n
		r.metrics.Deleted(string(what), n)
		if err != nil || next == 0 {
			return total, err
		}
		after = next
		select {
		case <-ctx.Done():
			return total, ctx.Err()
		case <-pause.C:
		}
	}
}
