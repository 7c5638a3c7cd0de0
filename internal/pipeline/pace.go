package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// pace limits how many customers are in progress at one connection. An attempt needs several calls;
// with too many at once, each is cut off after its first, by the tool or by our own limit, and
// starts again.
type pace struct {
	mu sync.Mutex
	// limit is what our own rate limit allows, or all workers.
	limit int
	// reduced is the limit after the tool cut calls off, 0 for none.
	reduced, successes int
	// until is when the connection's rest ends, by this process's clock, and restsInARow how often
	// in a row it had to rest without a customer finished in between.
	until       time.Time
	restsInARow int
}

const (
	// callsEach is how many calls to one connection the longest usual attempt makes: it searches,
	// reads, writes, and reads again to see whether that arrived.
	callsEach = 4
	// firstRest and longestRest bound how long a connection rests if the tool says "too many
	// requests" but not for how long.
	firstRest, longestRest = time.Second, 30 * time.Second
)

// capacity is how many customers a rate limit with a call each gap allows within the lease, if
// sharing syncs use the connection.
func (f *flow) capacity(gap time.Duration, sharing int) int {
	if gap <= 0 {
		return f.Workers
	}
	calls := int((f.Lease - f.margin()) / gap)
	return min(max(calls/callsEach/max(sharing, 1), 1), f.Workers)
}

// LongestGap is the longest time between two calls that a rate limit may leave: with a longer one
// an attempt does not get its calls within its lease, and no customer would ever finish. A source
// needs only one call.
func LongestGap(target bool) time.Duration {
	within := DefaultLease - DefaultLease/4
	if target {
		return within / callsEach
	}
	return within
}

// room is how many more customers may begin when inProgress have not ended.
func (p *pace) room(inProgress int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.allowed()-inProgress, 0)
}

// cut notes that the tool has cut a call off, and returns how long the connection rests: what the
// tool asked for, or a second and then twice as long each time. Calls that were in progress with
// the first are cut off as well and say nothing new.
func (p *pace) cut(now time.Time, asked time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.until) {
		if until := now.Add(asked); until.After(p.until) {
			p.until = until
		}
		return p.until.Sub(now)
	}
	rest := asked
	if rest <= 0 {
		rest = min(firstRest<<min(p.restsInARow, 10), longestRest)
	}
	p.reduced, p.successes = max(1, p.allowed()/2), 0
	if p.restsInARow > 0 {
		p.reduced = 1
	}
	p.restsInARow++
	p.until = now.Add(rest)
	return rest
}

// allowed is how many customers may be in progress at once.
func (p *pace) allowed() int {
	if p.reduced > 0 {
		return min(p.reduced, p.limit)
	}
	return p.limit
}

// succeeded notes that a customer was processed. After as many as may be in progress at once, one
// more may.
func (p *pace) succeeded() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restsInARow = 0
	if p.reduced == 0 {
		return
	}
	if p.successes++; p.successes >= p.reduced {
		p.reduced, p.successes = p.reduced+1, 0
	}
	if p.reduced >= p.limit {
		p.reduced = 0
	}
}

// resting is how long the connection still rests.
func (p *pace) resting(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.until.Sub(now), 0)
}

// room is how many more customers the flow may begin.
func (f *flow) room() int {
	under := int(f.inProgress.Load())
	return min(f.paces[f.From.Name].room(under), f.paces[f.To.Name].room(under))
}

// ended notes that a customer is no longer in progress, and how it ended.
func (f *flow) ended(e *ending) {
	full := f.room() == 0
	f.inProgress.Add(-1)
	if e.failure == "" {
		f.succeeded()
	}
	if full { // the flow may wait for room
		f.Wake(f.Config.Name)
	}
}

func (f *flow) succeeded() {
	f.paces[f.From.Name].succeeded()
	f.paces[f.To.Name].succeeded()
}

// waitForRoom is how long to wait until the calls of the customers in progress, here and on other
// nodes, leave room for those of another one within its lease.
func (f *flow) waitForRoom(ctx context.Context) (time.Duration, error) {
	if f.Ahead == nil {
		return 0, nil
	}
	var wait time.Duration
	for _, connection := range []string{f.From.Name, f.To.Name} {
		ahead, err := f.Ahead(ctx, connection)
		if err != nil {
			return 0, err
		}
		wait = max(wait, ahead-(f.Lease-f.margin())/callsEach)
	}
	return wait, nil
}

// restConnection makes a connection rest and returns for how long; shared is false if the other
// nodes could not be told.
func (a *attempt) restConnection(connection string, asked time.Duration) (wait time.Duration, shared bool) {
	wait = a.paces[connection].cut(a.Now(), asked)
	until := a.dbLatest().Add(wait)
	ctx, cancel := context.WithTimeout(context.Background(), settling)
	defer cancel()
	err := a.Store.Rest(ctx, connection, until)
	if err != nil {
		a.Log.Error("pause a connection", slog.String("connection", connection), slog.Any("error", err))
	}
	if a.Resting != nil {
		a.Resting(connection, wait)
	}
	return wait, err == nil
}
