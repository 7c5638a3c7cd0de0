package app

import (
	"context"
	"errors"
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
// configuration knows by now, also where somebody has hidden the question until
// the source changes.
func (a *App) redrive(ctx context.Context, cfg *config.Config) error {
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		s := cfg.Syncs[name]
		entries := map[status.Status]mapping.Entry{}
		for word, m := range s.Statuses {
			entries[word] = mapping.Entry{From: m.From, To: m.To}
		}
		words := mapping.New(entries, s.Ignore)
		waiting, err := a.store.Exceptions(ctx, store.ExceptionFilter{Sync: name, Kind: status.UnmappedStatus,
			States: []status.State{status.Open, status.Acknowledged, status.StateIgnored}})
		if err != nil {
			return err
		}
		again := 0
		for _, x := range waiting {
			if _, err := words.Source(x.SourceValue); err != nil || x.Customer == "" || x.Ignored == store.IgnoredAlways {
				continue
			}
			_, err := a.store.Act(ctx, store.Act{Exception: x.ID, Verb: store.Retry, Who: "trueup, because the configuration was changed"})
			if errors.Is(err, store.ErrNotFound) {
				continue // its customer is looked at with the first event
			}
			if err != nil {
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
