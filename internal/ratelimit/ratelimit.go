// Package ratelimit delays calls to a tool while its connection is at its
// limit, across all nodes.
//
// Main types: Gate (a connector.Gate) and Slots (how nodes share the limit; the
// store implements it).
//
// Live calls go first. A background call (connector.Background: polls, comparisons,
// plans, searches for candidates) takes the next free call only if nobody queues for
// it, on this node or another, so a live call waits for one background call at most.
// While others always queue, it queues behind them after it has stood back for ten
// calls of the limit: each node's background gets at most a tenth of the calls then,
// and is never shut out.
//
// Invariants: at most Requests calls in any Per, over all gates on the same
// Slots, after a rest too; a call that cannot be made before its deadline fails as
// soon as that is known and takes no slot; a connection without a limit that does not
// rest costs no database query; a daily budget that a tool reports delays background
// calls only.
//
// It must not import the store or the pipeline.
package ratelimit

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// Slots shares a connection's calls among all nodes.
type Slots interface {
	// ReserveWithin takes the next n calls; the first may be made at first, each
	// further one gap later, by the clock that shows now. If the first would be
	// more than within ahead, or n is 0, it takes none.
	ReserveWithin(ctx context.Context, connection string, n, requests int, per, within time.Duration) (now, first time.Time, gap time.Duration, ok bool, err error)
}

// Options is what a Gate is made of.
type Options struct {
	Slots      Slots
	Connection string
	// Requests is the most calls in Per; 0 means no limit.
	Requests int
	Per      time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Sleep waits for a time, or until the context ends; nil means a timer.
	Sleep func(context.Context, time.Duration) error
}

// Gate is one node's way to a connection.
type Gate struct {
	Options
	mu     sync.Mutex
	paused time.Time
	// slots are the reserved times that are not used yet, gap apart.
	slots []time.Time
	gap   time.Duration
	// ahead is how many slots the next reservation for live calls takes.
	ahead  int
	budget budget
	// background has room for the one background call that waits for its turn, and
	// standing is since when none had it because others queue.
	background chan struct{}
	standing   time.Time
}

// New returns an open Gate.
func New(o Options) *Gate {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return &Gate{Options: o, ahead: 1, background: make(chan struct{}, 1)}
}

// Paused lets the connection rest for a time from now, because the tool asked
// for it.
func (g *Gate) Paused(rest time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := g.Now().Add(rest); until.After(g.paused) {
		g.paused = until
	}
}

// Wait returns when one call may be made. If that is later than ctx's deadline,
// it returns a *connector.Failure of kind RateLimited at once.
func (g *Gate) Wait(ctx context.Context) error {
	until := g.untilTurn
	if connector.InBackground(ctx) {
		if err := g.standBack(ctx); err != nil {
			return err
		}
		if g.Requests > 0 {
			until = g.untilBackground
		}
	}
	// Who waited for a slot while a rest began takes another one after it.
	for {
		if err := g.rest(ctx); err != nil {
			return err
		}
		if err := until(ctx); err != nil || g.resting() <= 0 {
			return err
		}
	}
}

// resting is for how long the connection still rests.
func (g *Gate) resting() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.paused.Sub(g.Now())
}

// rest waits for the end of a rest. Slots are taken after it only: those from within it
// would all be due when it ends.
func (g *Gate) rest(ctx context.Context) error {
	for rest := g.resting(); rest > 0; rest = g.resting() {
		if deadline, ok := ctx.Deadline(); ok && g.Now().Add(rest).After(deadline) {
			return g.noCallLeft(rest)
		}
		if err := g.Sleep(ctx, rest); err != nil {
			return err
		}
	}
	return nil
}

// untilTurn waits for the next free call.
func (g *Gate) untilTurn(ctx context.Context) error {
	wait, ok, err := g.turn(ctx, math.MaxInt64)
	switch {
	case err != nil:
		return err
	case !ok:
		return g.noCallLeft(wait)
	}
	return g.sleepFor(ctx, wait)
}

func (g *Gate) sleepFor(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return ctx.Err()
	}
	return g.Sleep(ctx, wait)
}

func (g *Gate) noCallLeft(wait time.Duration) error {
	return &connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone, RetryAfter: wait,
		Detail: fmt.Sprintf("the rate limit of %s has no call left before the deadline", g.Connection)}
}

// Ahead is how long until the next free call, 0 when it may be made now.
func (g *Gate) Ahead(ctx context.Context) (time.Duration, error) {
	if g.Requests == 0 {
		return 0, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.skip(); len(g.slots) > 0 {
		return max(g.slots[0].Sub(g.Now()), 0), nil
	}
	now, first, _, _, err := g.Slots.ReserveWithin(ctx, g.Connection, 0, g.Requests, g.Per, 0)
	return first.Sub(now), err
}

// turn takes the next call, unless it is further than near away, and returns how
// long to wait for it. ok is false when it is, or would come after ctx's deadline;
// its slot is then left to others.
func (g *Gate) turn(ctx context.Context, near time.Duration) (wait time.Duration, ok bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.Now()
	within := time.Duration(math.MaxInt64)
	if deadline, ok := ctx.Deadline(); ok {
		within = deadline.Sub(now)
	}
	if g.Requests == 0 {
		return 0, true, nil
	}
	within = min(within, near)
	if g.skip(); len(g.slots) == 0 {
		if wait, ok, err = g.reserve(ctx, within); err != nil || !ok {
			return wait, false, err
		}
	}
	if wait = g.slots[0].Sub(now); wait > within {
		return wait, false, nil
	}
	g.slots = g.slots[1:]
	return wait, true, nil
}

// skip drops slots that have passed: used later, they would make a burst. Who did
// not need them takes no more in advance.
func (g *Gate) skip() {
	for len(g.slots) > 0 && g.slots[0].Before(g.Now().Add(-g.gap)) {
		g.slots, g.ahead = g.slots[1:], 1
	}
}

// reserve takes slots from the supply of all nodes. A busy connection takes up
// to a second's worth at once, so that not every call queries the database; a call
// in the background takes its own alone, and leaves the next ones to live calls.
func (g *Gate) reserve(ctx context.Context, within time.Duration) (wait time.Duration, ok bool, err error) {
	began, n := g.Now(), g.ahead
	if connector.InBackground(ctx) {
		n = 1
	}
	now, first, gap, ok, err := g.Slots.ReserveWithin(ctx, g.Connection, n, g.Requests, g.Per, within)
	if err != nil {
		return 0, false, &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone,
			Detail: "the rate limit of " + g.Connection + " could not be looked up in the database", Err: err}
	}
	if !ok {
		return first.Sub(now), false, nil
	}
	// The slots use the database's clock, the waiting uses ours.
	start := began.Add(first.Sub(now))
	g.gap = gap
	for i := range n {
		g.slots = append(g.slots, start.Add(time.Duration(i)*gap))
	}
	switch {
	case connector.InBackground(ctx):
	case first.After(now):
		g.ahead = min(g.ahead*2, max(1, int(time.Second/gap)))
	default:
		g.ahead = 1
	}
	return 0, true, nil
}
