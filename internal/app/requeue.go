package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/mapping"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// requeue makes every customer due again that waits for a word that the file has
// now, also where a person has hidden the question until the source changes; and
// those whose word was under ignore and no longer is. Customers whose word now
// means another value are left to a plan: that may be all of them, and a person
// should see it first.
func (a *App) requeue(ctx context.Context, cfg *config.Config) error {
	for _, name := range slices.Sorted(maps.Keys(cfg.Syncs)) {
		words := overview.Words(cfg.Syncs[name])
		waiting, err := a.store.Exceptions(ctx, store.ExceptionFilter{Sync: name, Kind: status.UnmappedStatus,
			States: []status.State{status.Open, status.Acknowledged, status.StateIgnored}})
		if err != nil {
			return err
		}
		again, err := a.requeueIgnored(ctx, name, words)
		if err != nil {
			return err
		}
		for _, x := range waiting {
			if _, err := words.Source(x.SourceValue); err != nil || x.Customer == "" || x.Ignored == store.IgnoredAlways {
				continue
			}
			_, err := a.store.Act(ctx, store.Act{Exception: x.ID, Verb: store.Retry, Itself: true, Who: "trueup, because the configuration changed"})
			if errors.Is(err, store.ErrNotFound) {
				continue // its customer is processed with the first event
			}
			if err != nil {
				return fmt.Errorf("requeue customers of %s whose value now has a meaning: %w", name, err)
			}
			again++
		}
		if again > 0 {
			a.log.Info("customers requeued: the meaning of their value has changed", slog.String("sync", name), slog.Int("customers", again))
			a.wiring.Load().pipeline.Wake(name)
		}
	}
	return nil
}

// requeueIgnored makes every customer due again whose word was listed under ignore
// when it was read, and no longer is.
func (a *App) requeueIgnored(ctx context.Context, sync string, words mapping.Map) (again int, err error) {
	ignored, err := a.store.IgnoredWords(ctx, sync)
	if err != nil {
		return 0, err
	}
	for _, word := range ignored {
		if r, err := words.Source(word); err == nil && r.Ignored {
			continue
		}
		n, err := a.store.LookAtIgnored(ctx, sync, word)
		if err != nil {
			return again, fmt.Errorf("requeue customers of %s whose value is no longer ignored: %w", sync, err)
		}
		again += n
	}
	return again, nil
}
