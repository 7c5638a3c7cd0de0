package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/demo"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// DemoStart returns what the demonstration starts Trueup with: the same App as
// trueup run.
func DemoStart(version string, log *slog.Logger) func(ctx context.Context, configPath, configYAML string) (demo.Service, error) {
	return func(ctx context.Context, configPath, _ string) (demo.Service, error) {
		none := func(string) (string, bool) { return "", false }
		cfg, err := config.Load(configPath, Types(), none)
		if err != nil {
			return nil, err
		}
		a, err := Start(ctx, Options{Config: cfg, Version: version, Log: log, Env: none})
		if err != nil {
			return nil, err
		}
		return &demoService{App: a, syncs: slices.Sorted(maps.Keys(cfg.Syncs))}, nil
	}
}

// demoService gives the demonstration Trueup's own account of its work.
type demoService struct {
	*App
	syncs []string
}

// Enter is part of demo.Service.
func (d *demoService) Enter(ctx context.Context) (string, error) {
	return d.EnterLink(ctx, "You", "you@trueup.example")
}

// Snapshot reports what was done so far.
func (d *demoService) Snapshot(ctx context.Context) (demo.Snapshot, error) {
	s := demo.Snapshot{Outcomes: map[status.Outcome]int{}, Last: map[string]demo.Last{}}
	counts, err := d.store.Counts(ctx)
	if err != nil {
		return s, err
	}
	for _, sync := range d.syncs {
		s.Waiting += counts[sync].WaitingEvents
		outcomes, err := d.store.Outcomes(ctx, sync)
		if err != nil {
			return s, err
		}
		for o, n := range outcomes {
			s.Outcomes[o] += n
		}
		last, err := d.store.Last(ctx, sync)
		if err != nil {
			return s, err
		}
		for customer, l := range last {
			s.Last[customer] = demo.Last{Outcome: l.Outcome, Reason: l.Reason.Sentence(), At: l.At}
		}
	}
	open, err := d.store.Exceptions(ctx, store.ExceptionFilter{States: []status.State{status.Open, status.Acknowledged}})
	if err != nil {
		return s, err
	}
	for _, x := range open {
		s.Exceptions = append(s.Exceptions, demo.Exception{Customer: x.Customer, Kind: x.Kind, Reason: x.Reason.Sentence()})
	}
	return s, nil
}

const (
	// idlePause is how often Idle looks.
	idlePause = 20 * time.Millisecond
	// soon is how far ahead Idle looks: it does not wait for a customer whose next
	// attempt is later, such as one that the CRM does not have yet.
	soon = time.Second
)

// Idle returns when no customer is being processed or due soon.
func (d *demoService) Idle(ctx context.Context) error {
	ticker := time.NewTicker(idlePause)
	defer ticker.Stop()
	for {
		waiting, err := d.waiting(ctx)
		if err != nil || waiting == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d customers still wait: %w", waiting, ctx.Err())
		case <-ticker.C:
		}
	}
}

func (d *demoService) waiting(ctx context.Context) (n int, err error) {
	now, err := d.store.Now(ctx)
	if err != nil {
		return 0, err
	}
	for _, sync := range d.syncs {
		all, err := d.store.CustomersAfter(ctx, store.CustomerFilter{Sync: sync}, store.After{}, 100)
		if err != nil {
			return 0, err
		}
		for _, c := range all {
			if !c.DueAt.IsZero() && c.DueAt.Before(now.Add(soon)) {
				n++
			}
		}
	}
	return n, nil
}
