package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/store"
)

// Run works until claiming ends, then waits for the customers that are in progress; their calls are
// cut off when ctx ends.
func (p *Pipeline) Run(ctx context.Context, claiming context.Context) {
	var all sync.WaitGroup
	for _, f := range p.flows {
		all.Go(func() { f.run(ctx, claiming) })
	}
	all.Wait()
}

// Step processes up to n customers of a sync that are due, one after the other, and returns how
// many there were. A simulator drives the path with it, or a command that processes one customer.
func (p *Pipeline) Step(ctx context.Context, sync string, n int) (int, error) {
	f, ok := p.flows[sync]
	if !ok {
		return 0, fmt.Errorf("no sync %s", sync)
	}
	works, at, err := f.claim(ctx, n)
	for i := range works {
		f.carry(ctx, &works[i], at)
	}
	return len(works), err
}

// run claims customers as there is room for them, so that no lease runs while a
// customer only waits.
func (f *flow) run(ctx, claiming context.Context) {
	var onTheirWay sync.WaitGroup
	defer onTheirWay.Wait()
	for f.untilRoom(claiming) {
		works, at, err := f.claim(claiming, atOnce)
		f.noteClaim(claiming, err)
		if err != nil && claiming.Err() == nil {
			f.Log.Error("claim", slog.String("sync", f.Config.Name), slog.Any("error", err))
		}
		for i := range works {
			onTheirWay.Go(func() { f.carry(ctx, &works[i], at) })
		}
		if len(works) == 0 {
			f.sleep(claiming)
		}
	}
}

// noteClaim notes whether claiming works.
func (f *flow) noteClaim(claiming context.Context, err error) {
	if claiming.Err() == nil {
		f.lastClaim.Store(&err)
	}
}

// Working returns why customers cannot be claimed, by the last try of each sync; nil if they can.
func (p *Pipeline) Working() error {
	var all error
	for name, f := range p.flows {
		if err := f.lastClaim.Load(); err != nil && *err != nil {
			all = errors.Join(all, fmt.Errorf("claim customers of %s: %w", name, *err))
		}
	}
	return all
}

// untilRoom waits until a customer may begin, and returns false when ctx has ended. A claim costs
// the same for one customer as for many, so while many are in progress it waits for more to come, and
// for more to end, for a small part of the time that a customer takes anyway.
func (f *flow) untilRoom(ctx context.Context) bool {
	for f.room() == 0 {
		select {
		case <-f.freed:
		case <-ctx.Done():
			return false
		}
	}
	if f.inProgress.Load() >= many {
		moment := time.NewTimer(min(f.speed.takes()/16, gatherFor))
		defer moment.Stop()
		select {
		case <-moment.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// claim takes up to n customers and returns when, by this process's clock, it did. It takes none
// while one of the two connections rests (invariant 5).
func (f *flow) claim(ctx context.Context, n int) ([]store.Work, claimWindow, error) {
	if why, err := f.barred(ctx); err != nil || why != "" {
		return nil, claimWindow{}, err
	}
	if rest, err := f.rest(ctx); err != nil || rest > 0 {
		return nil, claimWindow{}, err
	}
	if n = min(n, f.room()); n == 0 {
		return nil, claimWindow{}, nil
	}
	if wait, err := f.waitForRoom(ctx); err != nil || wait > 0 {
		return nil, claimWindow{}, err
	}
	sent := f.Now()
	works, err := f.Store.Claim(ctx, f.Config.Name, n, f.Lease)
	f.inProgress.Add(int64(len(works)))
	if len(works) > 0 {
		failpoint.Hit("claimed")
	}
	return works, claimWindow{sent: sent, answered: f.Now()}, err
}

// barred returns why no customer may be claimed now, "" if they may.
func (f *flow) barred(ctx context.Context) (why string, err error) {
	if f.Barred == nil {
		return "", nil
	}
	return f.Barred(ctx, f.Config.Name)
}

// rest is how long one of the two connections still rests, 0 when none does. The database's clock
// decides: a node whose own clock is ahead would call too early.
func (f *flow) rest(ctx context.Context) (time.Duration, error) {
	var until time.Time
	for _, connection := range []string{f.From.Name, f.To.Name} {
		at, err := f.Store.RestsUntil(ctx, connection)
		if err != nil {
			return 0, err
		}
		if at.After(until) {
			until = at
		}
	}
	// The store may not know of a rest that began just now.
	rest := max(f.paces[f.From.Name].resting(f.Now()), f.paces[f.To.Name].resting(f.Now()))
	if until.IsZero() {
		return rest, nil
	}
	now, err := f.Store.Now(ctx)
	return max(until.Sub(now), rest), err
}

// sleep waits for a wake-up, the next due customer, or a tick.
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

// untilDue is how long the flow may sleep: until the next due customer, a tick at most.
func (f *flow) untilDue(ctx context.Context) (time.Duration, error) {
	if why, err := f.barred(ctx); err != nil || why != "" {
		return tick, err
	}
	if rest, err := f.rest(ctx); err != nil || rest > 0 {
		return min(rest, tick), err
	}
	if wait, err := f.waitForRoom(ctx); err != nil || wait > 0 {
		return min(wait, tick), err
	}
	due, err := f.Store.NextDue(ctx, f.Config.Name)
	if err != nil || due.IsZero() {
		return tick, err
	}
	now, err := f.Store.Now(ctx)
	return min(max(due.Sub(now), time.Millisecond), tick), err
}
