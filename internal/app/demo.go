package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"trueup/internal/config"
	"trueup/internal/demo"
	"trueup/internal/status"
	"trueup/internal/store"
)

// DemoStart returns what the demonstration starts Trueup with: the same App as
// trueup run.
func DemoStart(version string, log *slog.Logger) func(ctx context.Context, configPath, configYAML string) (demo.Service, error) {
	return func(ctx context.Context, configPath, _ string) (demo.Service, error) {
		cfg, err := config.Load(configPath, Types(), func(string) (string, bool) { return "", false })
		if err != nil {
			return nil, err
		}
		a, err := Start(ctx, Options{Config: cfg, Version: version, Log: log})
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
			s.Last[customer] = demo.Last{Outcome: l.Outcome, Reason: l.Reason, At: l.At}
		}
	}
	open, err := d.store.Exceptions(ctx, store.ExceptionFilter{States: []status.State{status.Open, status.Acknowledged}})
	if err != nil {
		return s, err
	}
	for _, x := range open {
		s.Exceptions = append(s.Exceptions, demo.Exception{Customer: x.Customer, Kind: x.Kind, Reason: x.Reason})
	}
	return s, nil
}

// idlePause is how often Idle looks.
const idlePause = 20 * time.Millisecond

// Idle returns when no event waits.
func (d *demoService) Idle(ctx context.Context) error {
	ticker := time.NewTicker(idlePause)
	defer ticker.Stop()
	for {
		counts, err := d.store.Counts(ctx)
		if err != nil {
			return err
		}
		waiting := 0
		for _, c := range counts {
			waiting += c.WaitingEvents
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d events still wait: %w", waiting, ctx.Err())
		case <-ticker.C:
		}
	}
}
