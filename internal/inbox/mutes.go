package inbox

import (
	"context"
	"log/slog"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// muteAction distinguishes the exception about a source whose events no longer
// have a status from the connection's other exceptions.
const muteAction = string(reason.DidGoMute)

// MuteStore counts events without a status and opens an exception when there
// are too many; it is *store.DB.
type MuteStore interface {
	NoteMutes(ctx context.Context, connection string, m store.Mutes) (store.Muteness, error)
	OpenException(ctx context.Context, x store.NewException) (id int64, err error)
	CloseExceptions(ctx context.Context, sync, customer string, kind status.Kind, lastAction string) (closed int, err error)
}

// noteMutes counts what was stored. The events are already stored, so an error
// here is only logged: the next events are counted again.
func (i *Inbox) noteMutes(ctx context.Context, connection string, routes []Route, m store.Mutes) {
	if err := i.tellOfMutes(ctx, connection, routes, m); err != nil {
		i.Log.Error("count events without a status", slog.String("connection", connection), slog.Any("error", err))
	}
}

func (i *Inbox) tellOfMutes(ctx context.Context, connection string, routes []Route, m store.Mutes) error {
	now, err := i.Mutes.NoteMutes(ctx, connection, m)
	if err != nil {
		return err
	}
	for _, r := range routes {
		if r.Side != store.SourceSide {
			continue
		}
		if now.Over {
			if _, err := i.Mutes.CloseExceptions(ctx, r.Sync, "", status.ConnectionFailed, muteAction); err != nil {
				return err
			}
		}
		if !now.Tell {
			continue
		}
		_, err := i.Mutes.OpenException(ctx, store.NewException{Sync: r.Sync, Kind: status.ConnectionFailed, Stage: status.StageReceive, Confidence: 1,
			Owner: r.ClockOwner, LastAction: muteAction,
			Reason: reason.Reason{Code: reason.EventsWentMute, Facts: reason.Facts{Connection: connection, Count: now.Row}}})
		if err != nil {
			return err
		}
	}
	return nil
}
