package ratelimit

import (
	"context"
	"errors"
	"math"
	"time"
)

// patience is for how many calls of the limit a background call stands back while
// others queue: after that it queues as well.
const patience = 10

// untilBackground waits for a call in the background. It takes the next free call
// only when that is no further away than the gap between two calls, so when nobody
// queues, here or on another node; otherwise it looks again. One at a time does, so
// that they never queue one behind the other.
func (g *Gate) untilBackground(ctx context.Context) error {
	gap := max(g.Per/time.Duration(g.Requests), time.Microsecond)
	select {
	case g.background <- struct{}{}:
		defer func() { <-g.background }()
	case <-ctx.Done():
		return g.left(ctx, gap)
	}
	for {
		if err := g.rest(ctx); err != nil { // one may have begun while others had their turn
			return err
		}
		wait, ok, err := g.turn(ctx, g.near(gap))
		switch {
		case err != nil:
			return err
		case ok:
			g.stands(false)
			return g.sleepFor(ctx, wait)
		}
		g.stands(true)
		// What is free next may be taken by then: it is looked at when it is a gap away.
		rest := max(min(wait-gap, g.leftToStand(gap)), gap/2)
		if deadline, ok := ctx.Deadline(); ok && g.Now().Add(max(rest, wait)).After(deadline) {
			return g.noCallLeft(wait)
		}
		if err := g.Sleep(ctx, rest); err != nil {
			return err
		}
	}
}

// left is the failure of a call whose caller has stopped waiting for it.
func (g *Gate) left(ctx context.Context, gap time.Duration) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return g.noCallLeft(gap)
	}
	return notSent(ctx.Err())
}

// near is how far away the call may be that a background call takes.
func (g *Gate) near(gap time.Duration) time.Duration {
	if g.leftToStand(gap) <= 0 {
		return math.MaxInt64
	}
	return gap
}

// leftToStand is how long a background call still stands back. What it has stood
// counts for the next one too, when its own deadline came first.
func (g *Gate) leftToStand(gap time.Duration) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.standing.IsZero() {
		return patience * gap
	}
	return g.standing.Add(patience * gap).Sub(g.Now())
}

// stands notes since when background calls stand back.
func (g *Gate) stands(still bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !still:
		g.standing = time.Time{}
	case g.standing.IsZero():
		g.standing = g.Now()
	}
}
