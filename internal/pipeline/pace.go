package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// pace limits how many customers of a sync are in progress at one connection. It begins with few,
// and grows while more wait: by one with each customer who ends well until the first trouble, then
// by one with as many as are in progress. Trouble halves it: the tool cuts calls off or does not
// answer. Where calls queue for our own rate limit it shrinks by one. It does not grow while customers
// take several times as long as with few in progress: then the tool, or this machine, is as busy as it
// can be. So a slow tool gets as much as it takes, and no customer is claimed who would only wait.
type pace struct {
	mu sync.Mutex
	// most is what our own rate limit allows within a lease, or all workers.
	most int
	// allowed is how many may be in progress now. Up to calm it grows with each success, above it
	// with as many as are in progress.
	allowed, calm, successes int
	// halved is when trouble last halved it.
	halved time.Time
	// until is when the connection's rest ends, by this process's clock, and restsInARow how often
	// in a row it had to rest without a customer finished in between.
	until       time.Time
	restsInARow int
}

const (
	// callsEach is how many calls to one connection the longest usual attempt makes: it searches,
	// reads, writes, and reads again to see whether that arrived.
	callsEach = 4
	// queued is how long calls may queue for our own rate limit before fewer customers are claimed.
	queued = 250 * time.Millisecond
	// slower is how many times as long as with few in progress a customer may take while more begin.
	slower = 3
	// betweenHalvings is how long after a call without an answer another one counts: what was in
	// progress with the first says nothing new.
	betweenHalvings = time.Second
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
	return max(p.allowed-inProgress, 0)
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
	p.shrink(max(1, p.allowed/2))
	if p.restsInARow > 0 {
		p.shrink(1)
	}
	p.restsInARow++
	p.until = now.Add(rest)
	return rest
}

func (p *pace) shrink(to int) { p.allowed, p.calm, p.successes = to, to, 0 }

// silent notes that the tool did not answer: it may have too much to do. What had grown is halved,
// and no more than that, since it may as well be down.
func (p *pace) silent(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.allowed > firstWorkers && now.Sub(p.halved) >= betweenHalvings {
		p.halved = now
		p.shrink(max(firstWorkers, p.allowed/2))
	}
}

// crowded notes that calls queue for our own rate limit.
func (p *pace) crowded() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shrink(max(1, p.allowed-1))
}

// answers notes that calls are answered again.
func (p *pace) answers() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restsInARow = 0
}

// succeeded notes that a customer was processed while most were in progress who may be, and whether
// that took much longer than with few.
func (p *pace) succeeded(slowed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.allowed >= p.most || slowed && p.allowed >= firstWorkers {
		return
	}
	if p.successes++; p.allowed < p.calm || p.successes >= p.allowed {
		p.allowed, p.successes = p.allowed+1, 0
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
func (f *flow) ended(ctx context.Context, e *ending, took time.Duration) {
	inProgress := int(f.inProgress.Load())
	busy, slowed := f.room() < inProgress, true
	if e.failure == "" {
		slowed = f.speed.took(took, inProgress)
	}
	for _, connection := range []string{f.From.Name, f.To.Name} {
		p := f.paces[connection]
		queue, err := f.queue(ctx, connection)
		if e.failure == "" {
			p.answers()
		}
		switch {
		case err != nil: // the next claim meets it, and says so
		case queue > f.mayQueue(connection):
			p.crowded()
		case e.failure == "" && busy:
			p.succeeded(slowed)
		}
	}
	f.inProgress.Add(-1)
	select {
	case f.freed <- struct{}{}:
	default: // the flow knows already
	}
}

// speed is how long the customers of a sync take.
type speed struct {
	mu sync.Mutex
	// usual is what a customer takes now, and quick what it takes with few in progress, of which
	// few have ended; averages of the last sixteen or so.
	usual, quick time.Duration
	few          int
}

// took notes how long a customer took, with how many in progress, and reports whether that is much
// longer than with few, or whether it is too early to know.
func (s *speed) took(d time.Duration, inProgress int) (slowed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.usual == 0 {
		s.quick, s.usual = d, d
	}
	s.usual += (d - s.usual) / 16
	if inProgress <= firstWorkers {
		s.quick += (d - s.quick) / 16
		s.few++
	}
	return s.few < firstWorkers || s.usual > slower*s.quick
}

// takes is how long a customer takes.
func (s *speed) takes() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usual
}

// answered notes for both connections that they answer.
func (f *flow) answered() {
	f.paces[f.From.Name].answers()
	f.paces[f.To.Name].answers()
}

// queue is how long the next call of a connection waits for our own rate limit.
func (f *flow) queue(ctx context.Context, connection string) (time.Duration, error) {
	if f.Ahead == nil || f.Gap[connection] == 0 {
		return 0, nil
	}
	return f.Ahead(ctx, connection)
}

// mayQueue is how long it may, before fewer customers are claimed: never so long that an attempt
// would not get its calls within its lease.
func (f *flow) mayQueue(connection string) time.Duration {
	return min(max(queued, 2*f.Gap[connection]), (f.Lease-f.margin())/callsEach)
}

// waitForRoom is how long to wait until the calls of the customers in progress, here and on other
// nodes, leave room for those of another one: a customer who is claimed before would only hold its
// lease. A sync with nothing in progress may claim at twice the queue, so that another's backlog does
// not keep it out.
func (f *flow) waitForRoom(ctx context.Context) (time.Duration, error) {
	var wait time.Duration
	for _, connection := range []string{f.From.Name, f.To.Name} {
		queue, err := f.queue(ctx, connection)
		if err != nil {
			return 0, err
		}
		may := f.mayQueue(connection)
		if f.inProgress.Load() == 0 {
			may = min(2*may, (f.Lease-f.margin())/callsEach)
		}
		wait = max(wait, queue-may)
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
