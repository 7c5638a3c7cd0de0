package notify

import (
	"context"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// A sync is silent when it was sent nothing for silentTimes the longest time
// between two webhooks of the last rhythmTime, and for leastSilence. With
// fewer than rhythmEvents nobody can tell. What was polled shows nothing.
const (
	silentTimes  = 2
	leastSilence = time.Hour
	rhythmTime   = 7 * 24 * time.Hour
	rhythmEvents = 20
)

// Hearing is what listening needs of a store; it is *store.DB.
type Hearing interface {
	Now(ctx context.Context) (time.Time, error)
	Heard(ctx context.Context, sync string) (last, sent time.Time, err error)
	Rhythm(ctx context.Context, sync string, since time.Time) (store.Rhythm, error)
	Silence(ctx context.Context, sync string) (store.Silence, error)
	BeginSilence(ctx context.Context, sync string, since time.Time, longest time.Duration) (began bool, err error)
	EndSilence(ctx context.Context, sync string, heard time.Time) (ended bool, err error)
	DropSilence(ctx context.Context, sync string) error
}

// listener finds which syncs have fallen silent, and which receive webhooks again.
type listener struct {
	store Hearing
	syncs map[string]config.Sync
	// deaf reports whether a connection has no webhooks; nil is never.
	deaf func(connection string) bool
}

// listen looks for syncs that hear nothing for longer than their rhythm.
func (l listener) listen(ctx context.Context) error {
	now, err := l.store.Now(ctx)
	if err != nil {
		return err
	}
	for name := range l.syncs {
		if err := l.listenTo(ctx, name, now); err != nil {
			return err
		}
	}
	return nil
}

func (l listener) listenTo(ctx context.Context, sync string, now time.Time) error {
	_, last, err := l.store.Heard(ctx, sync)
	if err != nil || last.IsZero() {
		return err
	}
	deaf := l.deaf != nil && l.deaf(l.syncs[sync].Source.Connection)
	silence, err := l.store.Silence(ctx, sync)
	if err != nil {
		return err
	}
	if silent := !silence.Since.IsZero() && silence.Heard.IsZero(); silent {
		switch {
		case last.After(silence.Since):
			_, err = l.store.EndSilence(ctx, sync, last)
		case deaf:
			err = l.store.DropSilence(ctx, sync)
		}
		return err
	}
	if deaf || now.Sub(last) <= leastSilence {
		return nil // most of the time it costs no more than this
	}
	r, err := l.store.Rhythm(ctx, sync, now.Add(-rhythmTime))
	if err != nil || r.Events < rhythmEvents || now.Sub(last) <= silentTimes*r.Longest {
		return err
	}
	_, err = l.store.BeginSilence(ctx, sync, last, r.Longest)
	return err
}
