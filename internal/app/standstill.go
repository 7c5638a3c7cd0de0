package app

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"trueup/internal/config"
	"trueup/internal/pipeline"
	"trueup/internal/reason"
	"trueup/internal/status"
	"trueup/internal/store"
)

const (
	// standstill is how long nobody is carried while customers wait before people
	// are told.
	standstill = 10 * time.Minute
	// standstillLook is how often that is looked at.
	standstillLook = time.Minute
	// lookingAtTheQueue tells the exception of a standstill from those of others
	// about the whole sync.
	lookingAtTheQueue = "looked at the queue"
)

// watchman tells people of a sync whose queue stands. Whatever holds it up, no
// customer fails of it: each only waits.
type watchman struct {
	sync config.Sync
	db   *store.DB
	log  *slog.Logger
	// slow says what is wrong with the rate limits of the sync.
	slow []string
	told bool
}

func watchmen(cfg *config.Config, syncs []pipeline.Sync, db *store.DB, log *slog.Logger) []*watchman {
	var all []*watchman
	for _, s := range syncs {
		w := &watchman{sync: s.Config, db: db, log: log, told: true} // perhaps by an earlier process
		for _, said := range SlowLimits(cfg) {
			if what, ok := strings.CutPrefix(said, s.Config.Name+": "); ok {
				w.slow = append(w.slow, what)
			}
		}
		all = append(all, w)
	}
	return all
}

// run looks until ctx ends. After a start the queue has its time to move.
func (w *watchman) run(ctx context.Context) {
	timer := time.NewTimer(standstill)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("whether the queue moves could not be looked at", slog.String("sync", w.sync.Name), slog.Any("error", err))
		}
		timer.Reset(standstillLook)
	}
}

// look opens the exception of a queue that stands, and closes it when it moves.
// While another trouble of the whole sync is open, that says why.
func (w *watchman) look(ctx context.Context) error {
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
func (w *watchman) slowed(ctx context.Context) ([]reason.Slow, error) {
	now, err := w.db.Now(ctx)
	if err != nil {
		return nil, err
	}
	var all []reason.Slow
	for _, what := range w.slow {
		all = append(all, reason.Slow{Detail: what})
	}
	for _, connection := range []string{w.sync.Source.Connection, w.sync.Target.Connection} {
		until, err := w.db.PausedUntil(ctx, connection)
		if err != nil {
			return nil, err
		}
		if until.After(now) {
			all = append(all, reason.Slow{Connection: connection, Until: until})
		}
	}
	return all, nil
}
