package app

import (
	"context"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
)

// NoticeCopy pauses the syncs that write when the database may be an older copy of the
// one that was at work last. Whoever is about to write asks first.
func NoticeCopy(ctx context.Context, cfg *config.Config, db *store.DB) (*store.OlderCopy, error) {
	live := map[string]bool{}
	for _, s := range cfg.Syncs {
		if s.Mode == config.ModeLive {
			live[s.Name] = cfg.Comparable(s)
		}
	}
	return db.NoticeCopy(ctx, live)
}
