package ratelimit

import (
	"context"
	"fmt"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
)

// When a tool's daily budget runs low, the calls of lists and comparisons are
// first slowed and then stopped, so that the rest is left for events. Calls for
// an event are never delayed by a reported budget: if it is used up, the tool
// refuses them itself.
const (
	// slowFrom and stopAt are shares of the day's calls.
	slowFrom = 0.20
	stopAt   = 0.05
	// slowest is how long a background call waits just before the stop.
	slowest = 30 * time.Second
	// believed is how long a reported budget counts. After that, one call finds
	// out whether a new day has begun.
	believed = 15 * time.Minute
)

// budget is what the tool reported last. The tool counts the calls of all
// nodes, so the nodes need not share it.
type budget struct {
	left, limit int
	at          time.Time
}

// Remaining implements connector.Budgeted.
func (g *Gate) Remaining(left, limit int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.budget = budget{left: left, limit: limit, at: g.Now()}
}

// Budget returns what the tool reported last, and how long ago; a limit of 0
// means that it never reported one.
func (g *Gate) Budget() (left, limit int, age time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.budget.left, g.budget.limit, g.Now().Sub(g.budget.at)
}

// standBack delays a background call while few of the day's calls are left.
func (g *Gate) standBack(ctx context.Context) error {
	g.mu.Lock()
	b, now := g.budget, g.Now()
	g.mu.Unlock()
	if b.limit <= 0 || now.Sub(b.at) >= believed {
		return nil
	}
	share := float64(b.left) / float64(b.limit)
	if share >= slowFrom {
		return nil
	}
	wait := time.Duration((slowFrom - share) / (slowFrom - stopAt) * float64(slowest))
	if share <= stopAt {
		wait = b.at.Add(believed).Sub(now)
	}
	if deadline, ok := ctx.Deadline(); ok && now.Add(wait).After(deadline) || share <= stopAt {
		return &connector.Failure{Kind: connector.RateLimited, Effect: connector.EffectNone, RetryAfter: wait,
			Detail: fmt.Sprintf("%s allows %d more calls today of %d, and those are reserved for events", g.Connection, b.left, b.limit)}
	}
	return g.Sleep(ctx, wait)
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return notSent(ctx.Err())
	}
}

func notSent(err error) error {
	return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "the call was not sent in time", Err: err}
}
