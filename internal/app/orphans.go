package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"trueup/internal/config"
	"trueup/internal/store"
)

// Orphans says which syncs the database has customers of and the configuration
// does not have any more, a sentence for each. The usual cause is a sync that
// was renamed: to Trueup it is another one, which knows nobody yet.
func Orphans(ctx context.Context, cfg *config.Config, db *store.DB) ([]string, error) {
	counts, err := db.CustomersBySync(ctx)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if _, ok := cfg.Syncs[name]; ok {
			continue
		}
		all = append(all, fmt.Sprintf("the database has customers of the sync %q (%d), which the file does not have any more: their links, holds and exceptions "+
			"belong to that name, and nothing carries them; if the sync was renamed, give it this name again", name, counts[name]))
	}
	return all, nil
}

// warnOfOrphans logs them.
func (a *App) warnOfOrphans(ctx context.Context, cfg *config.Config) error {
	found, err := Orphans(ctx, cfg, a.store)
	for _, o := range found {
		a.log.Warn("configuration", slog.String("warning", o))
	}
	return err
}
