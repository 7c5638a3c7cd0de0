package notify

import (
	"context"
	"log/slog"
	"time"
)

const (
	// remindEvery and silenceEvery are how often a node looks for what only
	// shows in time. The store sees to it that each is told once.
	remindEvery  = time.Minute
	silenceEvery = 5 * time.Minute
	// digestLate is how late a digest may be: one that everybody has slept
	// through is not made up for.
	digestLate = time.Hour

	// A sync is silent when it heard nothing for silentTimes the longest time
	// between two events of the last rhythmTime, and for leastSilence. With
	// fewer than rhythmEvents nobody can tell.
	silentTimes  = 2
	leastSilence = time.Hour
	rhythmTime   = 7 * 24 * time.Hour
	rhythmEvents = 20
)

// watch looks for what only shows in time, until ctx ends.
func (w *Worker) watch(ctx context.Context) {
	minutes := 0
	ticker := time.NewTicker(remindEvery)
	defer ticker.Stop()
	for {
		w.look("remind of what is overdue", w.remind(ctx), ctx)
		w.look("open the digest", w.openDigest(ctx), ctx)
		if minutes%int(silenceEvery/remindEvery) == 0 {
			w.look("listen for silence", w.listen(ctx), ctx)
		}
		minutes++
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w *Worker) look(doing string, err error, ctx context.Context) {
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

// listen looks for syncs that hear nothing for longer than their rhythm.
func (w *Worker) listen(ctx context.Context) error {
	now, err := w.Store.Now(ctx)
	if err != nil {
		return err
	}
	for name := range w.Syncs {
		if err := w.listenTo(ctx, name, now); err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker) listenTo(ctx context.Context, sync string, now time.Time) error {
	last, err := w.Store.Heard(ctx, sync)
	if err != nil || last.IsZero() {
		return err
	}
	silence, err := w.Store.Silence(ctx, sync)
	if err != nil {
		return err
	}
	if silent := !silence.Since.IsZero() && silence.Heard.IsZero(); silent {
		if last.After(silence.Since) {
			_, err = w.Store.EndSilence(ctx, sync, last)
		}
		return err
	}
	if now.Sub(last) <= leastSilence {
		return nil // most of the time it costs no more than this
	}
	r, err := w.Store.Rhythm(ctx, sync, now.Add(-rhythmTime))
	if err != nil || r.Events < rhythmEvents || now.Sub(last) <= silentTimes*r.Longest {
		return err
	}
	_, err = w.Store.BeginSilence(ctx, sync, last, r.Longest)
	return err
}
