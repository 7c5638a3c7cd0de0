package app

import (
	"context"
	"strings"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// standstill is how long customers wait without any being processed before
	// people are notified.
	standstill = 10 * time.Minute
	// queueCheck is how often the queue is checked.
	queueCheck = time.Minute
	// lookingAtTheQueue tells the exception of a standstill from those of others
	// about the whole sync.
	lookingAtTheQueue = string(reason.DidCheck)
)

// queueWatch notifies people of a sync whose queue does not move. Whatever holds it
// up, no customer fails because of it: each only waits.
type queueWatch struct {
	sync config.Sync
	db   *store.DB
	// slow says what is wrong with the rate limits of the sync.
	slow []string
	told bool
}

func queueWatches(cfg *config.Config, syncs []pipeline.Sync, db *store.DB) []*queueWatch {
	var all []*queueWatch
	for _, s := range syncs {
		w := &queueWatch{sync: s.Config, db: db, told: true} // perhaps by an earlier process
		for _, said := range SlowLimits(cfg) {
			if what, ok := strings.CutPrefix(said, s.Config.Name+": "); ok {
				w.slow = append(w.slow, what)
			}
		}
		all = append(all, w)
	}
	return all
}

// check opens the exception of a queue that does not move, and closes it when it
// does.
// While another trouble of the whole sync is open, that says why.
func (w *queueWatch) check(ctx context.Context) error {
	q, err := w.db.Standing(ctx, w.sync.Name, standstill)
	switch {
	case err != nil:
		return err
	case q.Customers == 0 && w.told:
		_, err := w.db.CloseExceptions(ctx, w.sync.Name, "", status.ConnectionFailed, lookingAtTheQueue)
		w.told = err != nil
		return err
	case q.Customers == 0:
		return nil
	}
	if open, err := w.db.OpenOfSync(ctx, w.sync.Name, status.ConnectionFailed); err != nil || open {
		return err
	}
	slowed, err := w.slowed(ctx)
	if err != nil {
		return err
	}
	_, err = w.db.OpenException(ctx, store.NewException{Sync: w.sync.Name, Kind: status.ConnectionFailed, Stage: status.StageReceive,
		Reason: reason.Reason{Code: reason.QueueStandsStill,
			Facts: reason.Facts{Within: standstill.String(), Count: q.Customers, Since: q.Since, Slowed: slowed}},
		LastAction: lookingAtTheQueue, Confidence: 1, Owner: w.sync.Owner(status.ConnectionFailed)})
	w.told = err == nil || w.told
	return err
}

// slowed is what holds the queue up, as far as it is known.
func (w *queueWatch) slowed(ctx context.Context) ([]reason.Slow, error) {
	now, err := w.db.Now(ctx)
	if err != nil {
		return nil, err
	}
	var all []reason.Slow
	for _, what := range w.slow {
		all = append(all, reason.Slow{Detail: what})
	}
	for _, connection := range []string{w.sync.Source.Connection, w.sync.Target.Connection} {
		until, err := w.db.RestsUntil(ctx, connection)
		if err != nil {
			return nil, err
		}
		if until.After(now) {
			all = append(all, reason.Slow{Connection: connection, Until: until})
		}
	}
	return all, nil
}
