package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"trueup/internal/failpoint"
	"trueup/internal/store"
)

// Run works until claiming ends, then waits for the customers that are on
// their way; they are cut off when ctx ends.
func (p *Pipeline) Run(ctx context.Context, claiming context.Context) {
	var all sync.WaitGroup
	for _, f := range p.flows {
		all.Go(func() { f.run(ctx, claiming) })
	}
	all.Wait()
}

// run claims customers as workers become free, so that no lease runs while a
// customer only waits.
func (f *flow) run(ctx, claiming context.Context) {
	var onTheirWay sync.WaitGroup
	defer onTheirWay.Wait()
	free := make(chan struct{}, f.Workers)
	for range f.Workers {
		free <- struct{}{}
	}
	for {
		n := f.takeFree(claiming, free)
		if n == 0 {
			return
		}
		works, at, err := f.claim(claiming, n)
		if err != nil && claiming.Err() == nil {
			f.Log.Error("claim", slog.String("sync", f.Config.Name), slog.Any("error", err))
		}
		for i := range works {
			onTheirWay.Go(func() {
				defer func() { free <- struct{}{} }()
				f.carry(ctx, &works[i], at)
			})
		}
		for range n - len(works) {
			free <- struct{}{}
		}
		if len(works) == 0 {
			f.sleep(claiming)
		}
	}
}

// takeFree waits for a free worker, and a moment for more to claim with at once:
// a claim costs the same for one customer as for many. It returns how many
// there are, 0 when ctx has ended.
func (f *flow) takeFree(ctx context.Context, free <-chan struct{}) int {
	select {
	case <-free:
	case <-ctx.Done():
		return 0
	}
	moment := time.NewTimer(gathering)
	defer moment.Stop()
	n := 1
	for n < f.Workers/8 {
		select {
		case <-free:
			n++
		case <-moment.C:
			return n
		case <-ctx.Done():
			return 0
		}
	}
	for {
		select {
		case <-free:
			n++
		default:
			return n
		}
	}
}

// claim takes up to n customers, and the time by our own clock at which their
// leases began at the earliest. While one of the two connections rests it takes
// none (invariant 5).
func (f *flow) claim(ctx context.Context, n int) ([]store.Work, time.Time, error) {
	until, err := f.restsUntil(ctx)
	if err != nil || until.After(f.Now()) {
		return nil, time.Time{}, err
	}
	at := f.Now()
	works, err := f.Store.Claim(ctx, f.Config.Name, n, f.Lease)
	if len(works) > 0 {
		failpoint.Hit("claimed")
	}
	return works, at, err
}

// restsUntil is the later end of the two connections' rests.
func (f *flow) restsUntil(ctx context.Context) (time.Time, error) {
	source, err := f.Store.PausedUntil(ctx, f.Source.Name)
	if err != nil {
		return time.Time{}, err
	}
	target, err := f.Store.PausedUntil(ctx, f.Target.Name)
	if source.After(target) {
		return source, err
	}
	return target, err
}

// sleep waits for a wake-up, the next customer that is due, or a tick.
func (f *flow) sleep(ctx context.Context) {
	wait, err := f.untilDue(ctx)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			f.Log.Error("look for work", slog.String("sync", f.Config.Name), slog.Any("error", err))
		}
		wait = tick
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-f.wake:
	case <-timer.C:
	}
}

// untilDue is how long there is surely nothing to do, a tick at most.
func (f *flow) untilDue(ctx context.Context) (time.Duration, error) {
	until, err := f.restsUntil(ctx)
	if err != nil {
		return 0, err
	}
	if rest := until.Sub(f.Now()); rest > 0 {
		return min(rest, tick), nil
	}
	due, err := f.Store.NextDue(ctx, f.Config.Name)
	if err != nil || due.IsZero() {
		return tick, err
	}
	now, err := f.Store.Now(ctx)
	return min(max(due.Sub(now), time.Millisecond), tick), err
}
