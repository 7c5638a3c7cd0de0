package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// sweepLook is the pause while another node sweeps: it may go before its end.
	sweepLook = time.Minute
	// sweepAgain is the pause after a sweep that did not come to its end.
	sweepAgain = 5 * time.Minute
	// comparing tells the exceptions of a sweep from those of others who call the
	// same connections.
	comparing = string(reason.DidCompare)
)

// sweeper compares both sides of one sync as often as the configuration says.
type sweeper struct {
	sync    pipeline.Sync
	db      *store.DB
	log     *slog.Logger
	wake    func(syncs ...string)
	resting func(connection string, rest time.Duration)
	barred  func(ctx context.Context, sync string) (why string, err error)
}

// sweepers returns one for each sync that has a schedule.
func sweepers(syncs []pipeline.Sync, db *store.DB, log *slog.Logger, wake func(...string), paused func(string, time.Duration), barred func(context.Context, string) (string, error)) []*sweeper {
	var all []*sweeper
	for _, s := range syncs {
		if s.Config.Sweep != nil {
			all = append(all, &sweeper{sync: s, db: db, log: log, wake: wake, resting: paused, barred: barred})
		}
	}
	return all
}

// Run compares until ctx ends. A comparison that a stop interrupts is continued by
// the next process.
func (s *sweeper) Run(ctx context.Context) {
	repeat(ctx, 0, func() time.Duration {
		wait, err := s.due(ctx)
		if why, askErr := s.barred(ctx, s.sync.Config.Name); err == nil && (why != "" || askErr != nil) {
			wait, err = sweepLook, askErr
		}
		if err == nil && wait <= 0 {
			wait, err = 0, s.sweep(ctx)
		}
		var sweeping *store.SweepingError
		switch {
		case ctx.Err() != nil:
		case errors.As(err, &sweeping):
			wait = sweepLook
		case err != nil:
			s.log.Warn("a comparison did not complete; it will be tried again", slog.String("sync", s.sync.Config.Name), slog.Any("error", err))
			wait = sweepAgain
		}
		return wait
	})
}

// due is how long it is to the next sweep, by the database's clock; one that
// was left is due now.
func (s *sweeper) due(ctx context.Context) (time.Duration, error) {
	next, began, err := s.db.NextSweep(ctx, s.sync.Config.Name, s.sync.Config.Sweep.Every)
	if err != nil || !began.IsZero() {
		return 0, err
	}
	now, err := s.db.Now(ctx)
	return next.Sub(now), err
}

// sweep compares both sides once. Customers that were found apart are due after
// it; the path reads both sides itself and decides.
func (s *sweeper) sweep(ctx context.Context) error {
	cfg := s.sync.Config
	_, err := compare.Run(ctx, compare.Options{Sync: s.sync, Store: s.db, Purpose: store.ForSweep, Log: s.log, Resting: s.resting,
		Repair:   cfg.Sweep.Repair && cfg.Mode == config.ModeLive,
		Ask:      cfg.Sweep.Repair,
		Progress: func(compare.Progress) { s.wake(cfg.Name) }})
	var sweeping *store.SweepingError
	if ctx.Err() != nil || errors.As(err, &sweeping) {
		return err
	}
	return errors.Join(err, s.report(ctx, err))
}

// report opens the exception of a sweep that a tool does not let come to its
// end, and closes it after one that did.
func (s *sweeper) report(ctx context.Context, failed error) error {
	cfg := s.sync.Config
	if failed == nil {
		_, err := s.db.CloseExceptions(ctx, cfg.Name, "", status.ConnectionFailed, comparing)
		return err
	}
	var f *connector.Failure
	if !errors.As(failed, &f) || f.Kind == connector.RateLimited || f.Kind == connector.Transient {
		return nil
	}
	_, err := s.db.OpenException(ctx, store.NewException{Sync: cfg.Name, Kind: status.ConnectionFailed, Stage: status.StageReceive,
		Reason:     reason.Reason{Code: reason.ConnectionFails, Facts: reason.Facts{Doing: reason.Comparing, Detail: f.Error()}},
		LastAction: comparing, Confidence: 1, Owner: cfg.Owner(status.ConnectionFailed)})
	return err
}
