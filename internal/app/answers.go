package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/pages"
	"github.com/trueup-sync/trueup/internal/poll"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// What a running service answers: to the tools, the API, the pages and the
// metrics, always under the configuration in use.

// Syncs is part of api.Service.
func (a *App) Syncs() map[string]config.Sync { return a.wiring.Load().config.Syncs }

// Owners is part of api.Service.
func (a *App) Owners() map[string]config.Person { return a.wiring.Load().config.People }

// Status is part of api.Service.
func (a *App) Status(ctx context.Context) (contract.Status, error) {
	return overview.Status(ctx, a.store, a.wiring.Load().config)
}

// Promises is part of api.Service.
func (a *App) Promises(sync string) contract.Promises {
	w := a.wiring.Load()
	for _, s := range w.conns.syncs {
		if s.Config.Name == sync {
			return contract.Promises{Source: contract.Knowledge(s.From.Knows), Target: contract.Knowledge(s.To.Knows),
				Late: poll.Hearing(w.config.Syncs, s.Config, s.From).Sentence(s.From.Name)}
		}
	}
	return contract.Promises{}
}

// File is part of pages.Service.
func (a *App) File(sync string) pages.FileInUse {
	c, known := a.wiring.Load().config, a.fileNow()
	f := pages.FileInUse{Path: c.Path, Lines: c.Shown, ReadAt: known.ReadAt, Faults: len(known.Faults), FaultsAt: known.FaultsAt}
	if f.Faults > 0 {
		f.Fault = known.Faults[0].String()
	}
	f.First, f.Last = c.Part("syncs." + sync)
	return f
}

// Line is part of pages.Service.
func (a *App) Line(path string) int { return a.wiring.Load().config.Line(path) }

// countStandings has the agreement of large syncs at hand for whoever asks. It takes
// a small share of the time.
func (a *App) countStandings(ctx context.Context) (wait time.Duration) {
	took, err := overview.Recount(ctx, a.store, a.Syncs())
	a.warn(ctx, "could not count how the customers stand", err)
	return min(max(recountShare*took, recountAtLeast), recountAtMost)
}

const (
	recountShare   = 25
	recountAtLeast = 10 * time.Second
	recountAtMost  = 100 * time.Second // sooner than what was counted is too old
)

// hooks answers webhooks.
func (a *App) hooks(w http.ResponseWriter, r *http.Request) { a.wiring.Load().inbox.ServeHTTP(w, r) }

// ready reports why events cannot be stored and carried now.
func (a *App) ready(ctx context.Context) error {
	return errors.Join(a.store.Ready(ctx), a.wiring.Load().pipeline.Working())
}

// buttons answers Slack when a button was pressed, under the configuration in
// use.
func (a *App) buttons(w http.ResponseWriter, r *http.Request) {
	c := a.wiring.Load()
	if c.notifier == nil || c.notifier.interactions == nil || c.config.Notify.Slack.SigningSecret == "" {
		http.NotFound(w, r)
		return
	}
	c.notifier.interactions.ServeHTTP(w, r)
}

// alarms are those that are on, for the metrics.
func (a *App) alarms(ctx context.Context) (map[string]map[status.Alarm]bool, error) {
	cfg := a.wiring.Load().config
	found, err := overview.Alarms(ctx, a.store, cfg)
	if err != nil {
		return nil, err
	}
	all := map[string]map[status.Alarm]bool{}
	for name := range cfg.Syncs {
		all[name] = map[status.Alarm]bool{}
	}
	for _, on := range found {
		all[on.Sync][on.Alarm] = true
	}
	return all, nil
}

// overdue counts what has been open for longer than its sync allows.
func (a *App) overdue(ctx context.Context) (map[string]map[status.Kind]int, error) {
	all := map[string]map[status.Kind]int{}
	for name, s := range a.wiring.Load().config.Syncs {
		var err error
		if all[name], err = a.store.Overdue(ctx, name, s.RemindAfter); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// rules are the rules of a sync by which a comparison was made, for the metrics.
func (a *App) rules(sync string) string { return a.wiring.Load().config.Syncs[sync].Rules() }

// left is what the database holds under names that the file does not have, for
// the metrics.
func (a *App) left(ctx context.Context) ([]store.Holding, error) {
	return overview.Left(ctx, a.store, a.wiring.Load().config)
}

// lastSweeps returns the last finished comparison of each sync, for the metrics.
func (a *App) lastSweeps(ctx context.Context) (map[string]store.Sweep, error) {
	last := map[string]store.Sweep{}
	for name := range a.wiring.Load().config.Syncs {
		w, err := a.store.LastSweep(ctx, name, store.ForSweep)
		switch {
		case err == nil:
			last[name] = w
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	return last, nil
}
