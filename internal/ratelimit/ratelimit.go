// Package ratelimit holds calls to a tool back while its connection is at its
// limit, for all nodes together.
//
// Main types: Gate (a connector.Gate) and Slots (where nodes take turns, which
// is the store).
//
// Invariants: at most Requests calls in any Per, over all gates on the same
// Slots; a call that could not be made before its deadline does not wait for
// it; a connection without a limit that does not rest costs no look at the
// database; what a tool says is left of its day holds back calls in the
// background only.
//
// It must not import the store or the pipeline.
package ratelimit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"trueup/internal/connector"
)

// Slots is where all nodes take their turns.
type Slots interface {
	// Reserve takes the next n calls; the first may be made at first, each
	// further one gap later, by the clock that shows now.
	Reserve(ctx context.Context, connection string, n, requests int, per time.Duration) (now, first time.Time, gap time.Duration, err error)
}

// Options is what a Gate is made of.
type Options struct {
	Slots      Slots
	Connection string
	// Requests is the most calls in Per; 0 is no limit of ours.
	Requests int
	Per      time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Gate is one node's way to a connection.
type Gate struct {
	Options
	mu     sync.Mutex
	paused time.Time
	// slots are the moments that were reserved and not yet used, gap apart.
	slots []time.Time
	gap   time.Duration
	// ahead is how many slots the next reservation takes.
	ahead  int
	budget budget
}

// New returns an open Gate.
func New(o Options) *Gate {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Gate{Options: o, ahead: 1}
}

// Paused lets the connection rest for a time from now: the tool said so.
func (g *Gate) Paused(rest time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := g.Now().Add(rest); until.After(g.paused) {
		g.paused = until
	}
}

// Wait returns when one call may be made. When that is only after ctx's
// deadline it returns a *connector.Failure of kind RateLimited at once.
func (g *Gate) Wait(ctx context.Context) error {
	if connector.InBackground(ctx) {
		if err := g.standBack(ctx); err != nil {
			return err
		}
	}
	at, err := g.turn(ctx)
	if err != nil {
		return err
	}
	wait := at.Sub(g.Now())
	if wait <= 0 {
		return ctx.Err()
	}
	if deadline, ok := ctx.Deadline(); ok && g.Now().Add(wait).After(deadline) {
		return &connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone, RetryAfter: wait,
			Detail: fmt.Sprintf("the rate limit of %s has no call left before the deadline", g.Connection)}
	}
	return sleep(ctx, wait)
}

// turn returns when the next call may be made.
func (g *Gate) turn(ctx context.Context) (time.Time, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.paused
	if g.Requests == 0 {
		return at, nil
	}
	// A moment that has passed is gone: used later, it would make a burst.
	for len(g.slots) > 0 && g.slots[0].Before(g.Now().Add(-g.gap)) {
		g.slots = g.slots[1:]
	}
	if len(g.slots) == 0 {
		if err := g.reserve(ctx); err != nil {
			return time.Time{}, err
		}
	}
	slot := g.slots[0]
	g.slots = g.slots[1:]
	if slot.After(at) {
		at = slot
	}
	return at, nil
}

// reserve takes slots from all nodes' supply. A connection that is much used
// takes up to a second's worth at once, so that the database is not asked for
// each call.
func (g *Gate) reserve(ctx context.Context) error {
	began := g.Now()
	now, first, gap, err := g.Slots.Reserve(ctx, g.Connection, g.ahead, g.Requests, g.Per)
	if err != nil {
		return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone,
			Detail: "the rate limit of " + g.Connection + " could not be looked up in the database", Err: err}
	}
	// The slots are by the database's clock, the waiting is by ours.
	start := began.Add(first.Sub(now))
	g.gap = gap
	for i := range g.ahead {
		g.slots = append(g.slots, start.Add(time.Duration(i)*gap))
	}
	if first.After(now) {
		g.ahead = min(g.ahead*2, max(1, int(time.Second/gap)))
	} else {
		g.ahead = 1
	}
	return nil
}
