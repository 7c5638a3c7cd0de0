package app

import (
	"context"
	"log/slog"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/replay"
	"github.com/trueup-sync/trueup/internal/store"
)

// Replayer returns what replays events under a configuration, and what ends it.
// It calls no tool.
func Replayer(cfg *config.Config, db *store.DB) (r replay.Replayer, end func(), err error) {
	conns, err := openConnections(cfg, db, slog.New(slog.DiscardHandler))
	if err != nil {
		return r, nil, err
	}
	return replayer(cfg, db, conns), conns.close, nil
}

func replayer(cfg *config.Config, db *store.DB, conns *connections) replay.Replayer {
	r := replay.Replayer{Store: db, Syncs: cfg.Syncs, Receivers: map[string]connector.Receiver{}, Sources: map[string]connector.Connection{}}
	for name, c := range conns.by {
		r.Receivers[name] = c.Receiver
	}
	for _, s := range conns.syncs {
		r.Sources[s.Config.Name] = s.From
	}
	return r
}

// Replay is part of api.Service. It wakes the sync of what it replays.
func (a *App) Replay(ctx context.Context, seq int64, dry bool, q replay.Request) ([]replay.Step, error) {
	c := a.wiring.Load()
	r := replayer(c.config, a.store, c.conns)
	if dry {
		return r.Preview(ctx, seq)
	}
	steps, err := r.Do(ctx, seq, q)
	if err == nil && len(steps) > 0 {
		c.pipeline.Wake(steps[0].Sync)
	}
	return steps, err
}
