package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"trueup/internal/config"
	"trueup/internal/mapping"
	"trueup/internal/status"
	"trueup/internal/store"
)

// redrive looks again at every customer who waits for a word that the
// configuration knows by now.
func (a *App) redrive(ctx context.Context, cfg *config.Config) error {
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := cfg.Syncs[name]
		entries := map[status.Status]mapping.Entry{}
		for word, m := range s.Statuses {
			entries[word] = mapping.Entry{From: m.From, To: m.To}
		}
		words := mapping.New(entries, s.Ignore)
		waiting, err := a.store.Exceptions(ctx, store.ExceptionFilter{Sync: name, Kind: status.UnmappedStatus,
			States: []status.State{status.Open, status.Acknowledged}})
		if err != nil {
			return err
		}
		again := 0
		for _, x := range waiting {
			if _, err := words.Source(x.SourceValue); err != nil || x.Customer == "" {
				continue
			}
			if _, err := a.store.Act(ctx, store.Act{Exception: x.ID, Verb: store.Retry, Who: "trueup, because the configuration was changed"}); err != nil {
				return fmt.Errorf("look again at customers of %s whose value is known now: %w", name, err)
			}
			again++
		}
		if again > 0 {
			a.log.Info("customers are looked at again: their value is known now", slog.String("sync", name), slog.Int("customers", again))
			a.carrier.Load().pipeline.Wake(name)
		}
	}
	return nil
}
