package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/metrics"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// retainEvery is how often old data is deleted, retentionCheck how often a node
	// checks whether it is time.
	retainEvery    = 6 * time.Hour
	retentionCheck = retainEvery / 72
	// retainTime bounds one run.
	retainTime = 30 * time.Minute
	// retainBatch is how many rows go in one transaction, and retainPause how
	// long others have the database in between.
	retainBatch = 200
	retainPause = 50 * time.Millisecond
	// signInsKept is how long ended sessions, links and attempts are kept, whatever the
	// file says: what people do is in the history.
	signInsKept = 30 * 24 * time.Hour
)

// retention deletes what is older than the configuration keeps, one node at a
// time.
type retention struct {
	config.Retention
	db      *store.DB
	log     *slog.Logger
	metrics *metrics.Metrics
}

// run deletes, if it is this node's turn. After a failure another node may go on at
// once: nothing is left half done.
func (r retention) run(ctx context.Context) error {
	return inTurn(ctx, r.db, store.Turn{Kind: store.RetentionTurn}, retainEvery, retainTime, func(cursor string) (string, bool, error) {
		ctx, cancel := context.WithTimeout(ctx, retainTime)
		defer cancel()
		err := r.deleteAll(ctx)
		return cursor, err == nil, err
	})
}

func (r retention) deleteAll(ctx context.Context) error {
	now, err := r.db.Now(ctx)
	if err != nil {
		return err
	}
	var all []any
	gone := func(what store.OldThing, n int) {
		if n > 0 {
			all = append(all, slog.Int(string(what), n))
		}
	}
	if r.Payloads > 0 {
		n, err := r.delete(ctx, store.OldPayloads, now.Add(-r.Payloads))
		if err != nil {
			return err
		}
		gone(store.OldPayloads, n)
	}
	if r.History > 0 {
		for _, what := range store.OldHistory {
			n, err := r.delete(ctx, what, now.Add(-r.History))
			if err != nil {
				return err
			}
			gone(what, n)
		}
	}
	for _, what := range store.OldSignIns {
		n, err := r.delete(ctx, what, now.Add(-signInsKept))
		if err != nil {
			return err
		}
		gone(what, n)
	}
	if len(all) > 0 {
		r.log.Info("old data deleted", all...)
	}
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
