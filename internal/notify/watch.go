package notify

import (
	"context"
	"log/slog"
	"time"
)

const (
	// remindEvery and SilenceEvery are how often a node checks for what only time
	// shows. The store makes sure that each is sent once.
	remindEvery  = time.Minute
	SilenceEvery = 5 * time.Minute
	// digestLate is how late a digest may be: one that everybody has slept
	// through is not made up for.
	digestLate = time.Hour
)

// watch looks for what only shows in time, until ctx ends.
func (w *Worker) watch(ctx context.Context) {
	minutes := 0
	ticker := time.NewTicker(remindEvery)
	defer ticker.Stop()
	for {
		w.warn(ctx, "remind of what is overdue", w.remind(ctx))
		w.warn(ctx, "open the digest", w.openDigest(ctx))
		if minutes%int(SilenceEvery/remindEvery) == 0 {
			w.warn(ctx, "listen for silence", listener{w.Store, w.Syncs}.listen(ctx))
		}
		minutes++
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w *Worker) warn(ctx context.Context, doing string, err error) {
	if err != nil && ctx.Err() == nil {
		w.log.Error(doing, slog.Any("error", err))
	}
}

// remind has the owners of what is overdue reminded, each once.
func (w *Worker) remind(ctx context.Context) error {
	for name, s := range w.Syncs {
		if _, err := w.Store.RemindOverdue(ctx, name, s.RemindAfter); err != nil {
			return err
		}
	}
	return nil
}

// openDigest makes the digest of today due when its time has come.
func (w *Worker) openDigest(ctx context.Context) error {
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
