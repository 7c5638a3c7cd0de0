package notify

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// watchEvery and silenceEvery are how often a node checks for what only time
	// shows. The store makes sure that each is told once.
	watchEvery   = time.Minute
	silenceEvery = 5 * time.Minute
	// digestLate is how late a digest may be: one that everybody has slept
	// through is not made up for.
	digestLate = time.Hour
)

// Watched is what a Watch needs of a store; it is *store.DB.
type Watched interface {
	Hearing
	SetAlarms(ctx context.Context, syncs []string, on []store.Alarm) error
	OpenDigest(ctx context.Context, day string) (opened bool, err error)
	RemindOverdue(ctx context.Context, sync string, after time.Duration) (reminded int, err error)
}

// Watch looks for what only shows in time, and has it told. It runs also where
// nobody is notified: the status shows what it finds.
type Watch struct {
	Store Watched
	Syncs map[string]config.Sync
	// Alarms returns those that are on.
	Alarms func(ctx context.Context) ([]contract.Alarm, error)
	// Deaf reports whether a connection has no webhooks; nil is never.
	Deaf func(connection string) bool
	// Remind says that there is somebody to be reminded, and Digest when the daily
	// message is sent, nil is never.
	Remind bool
	Digest *config.Digest
	Log    *slog.Logger
}

// Run looks until ctx ends.
func (w Watch) Run(ctx context.Context) {
	minutes := 0
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		w.warn(ctx, "remind of what is overdue", w.remind(ctx))
		w.warn(ctx, "open the digest", w.openDigest(ctx))
		if minutes%int(silenceEvery/watchEvery) == 0 {
			w.warn(ctx, "look for silent syncs", listener{w.Store, w.Syncs, w.Deaf}.listen(ctx))
		}
		w.warn(ctx, "look which alarms are on", w.alarms(ctx))
		minutes++
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w Watch) warn(ctx context.Context, doing string, err error) {
	if err != nil && ctx.Err() == nil {
		w.Log.Error("could not "+doing, slog.Any("error", err))
	}
}

// alarms stores which alarms are on.
func (w Watch) alarms(ctx context.Context) error {
	found, err := w.Alarms(ctx)
	if err != nil {
		return err
	}
	on := make([]store.Alarm, len(found))
	for i, a := range found {
		on[i] = store.Alarm{Sync: a.Sync, Alarm: a.Alarm, Since: *a.Since}
	}
	return w.Store.SetAlarms(ctx, slices.Sorted(maps.Keys(w.Syncs)), on)
}

// remind has the owners of what is overdue reminded, each once.
func (w Watch) remind(ctx context.Context) error {
	if !w.Remind {
		return nil
	}
	for name, s := range w.Syncs {
		if _, err := w.Store.RemindOverdue(ctx, name, s.RemindAfter); err != nil {
			return err
		}
	}
	return nil
}

// openDigest makes the digest of today due when its time has come.
func (w Watch) openDigest(ctx context.Context) error {
	if w.Digest == nil {
		return nil
	}
	now, err := w.Store.Now(ctx)
	if err != nil {
		return err
	}
	day, moment := w.Digest.On(now)
	if now.Before(moment) || now.After(moment.Add(digestLate)) {
		return nil
	}
	_, err = w.Store.OpenDigest(ctx, day)
	return err
}
