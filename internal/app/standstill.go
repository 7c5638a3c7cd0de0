package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"trueup/internal/config"
	"trueup/internal/pipeline"
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
	why, err := w.why(ctx)
	if err != nil {
		return err
	}
	_, err = w.db.OpenException(ctx, store.NewException{Sync: w.sync.Name, Kind: status.ConnectionFailed, Stage: status.StageReceive,
		Reason:     fmt.Sprintf("nobody was carried for %s while %s, the first since %s; %s", standstill, waiting(q.Customers), q.Since.Format(time.RFC3339), why),
		LastAction: lookingAtTheQueue, Confidence: 1, Owner: w.sync.Owner(status.ConnectionFailed)})
	w.told = err == nil || w.told
	return err
}

func waiting(customers int) string {
	if customers == 1 {
		return "a customer waits"
	}
	return fmt.Sprintf("%d customers wait", customers)
}

// why says what holds the queue up, as far as it is known.
func (w *watchman) why(ctx context.Context) (string, error) {
	now, err := w.db.Now(ctx)
	if err != nil {
		return "", err
	}
	all := w.slow
	for _, connection := range []string{w.sync.Source.Connection, w.sync.Target.Connection} {
		until, err := w.db.PausedUntil(ctx, connection)
		if err != nil {
			return "", err
		}
		if until.After(now) {
			all = append(all, fmt.Sprintf("%s rests until %s because it had too many calls", connection, until.Format(time.RFC3339)))
		}
	}
	if len(all) == 0 {
		all = append(all, "trueup status shows what is left of the rate limits, and the log what became of the last attempts")
	}
	return strings.Join(all, "; "), nil
}
