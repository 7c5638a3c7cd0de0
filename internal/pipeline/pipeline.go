// Package pipeline carries one customer at a time along the path: claim, read
// the source, map, match, read the target, decide, write, confirm, settle.
//
// Main types: Pipeline (all syncs and their workers), Sync (what one sync is
// made of) and, not exported, attempt (one customer on its way) and verdict
// (what a stage says comes next). The variable path is the order; each stage
// is a file of its own.
//
// Invariants, by the number that a line names where it keeps one:
//
//  1. The events of an attempt and all that was learned are settled in one
//     transaction, under the fence of the claim. Whoever lost the lease
//     changes nothing any more.
//  2. Before a write leaves, its intent is stored; the write's deadline lies
//     inside the lease.
//  3. The base changes only with proof: the target's record shows it, in the
//     answer to our write or read after it. What a tool cannot show is marked.
//  4. What cannot be carried ends in an exception, or stays due; no attempt
//     ends in silence.
//  5. A connection's trouble counts against the connection: a sync whose
//     target is at its limit waits, and no customer is blamed.
//  6. Nothing is ever written to the source.
//
// It must not import a vendor's package, the inbox or package web.
package pipeline

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"trueup/internal/config"
	"trueup/internal/connector"
	"trueup/internal/decide"
	"trueup/internal/identity"
	"trueup/internal/mapping"
	"trueup/internal/metrics"
	"trueup/internal/status"
	"trueup/internal/store"
)

// path is the order of the stages between the claim and the settlement.
var path = []step{
	{status.StageReadSource, (*attempt).readSource},
	{status.StageMap, (*attempt).mapValue},
	{status.StageMatch, (*attempt).match},
	{status.StageReadTarget, (*attempt).readTarget},
	{status.StageDecide, (*attempt).decide},
	{status.StageWrite, (*attempt).write},
	{status.StageConfirm, (*attempt).confirm},
}

// step is one stage of a path.
type step struct {
	stage status.Stage
	run   func(*attempt, context.Context) verdict
}

// Sync is one sync with its two opened connections.
type Sync struct {
	Config config.Sync
	From   connector.Connection
	To     connector.Connection
}

// Store keeps what the path must not forget; it is *store.DB, whose invariants
// the path relies on.
type Store interface {
	PausedUntil(ctx context.Context, connection string) (time.Time, error)
	Pause(ctx context.Context, connection string, until time.Time) error
	Now(ctx context.Context) (time.Time, error)
	NextDue(ctx context.Context, sync string) (time.Time, error)
	Claim(ctx context.Context, sync string, limit int, lease time.Duration) ([]store.Work, error)
	Event(ctx context.Context, seq int64) (store.Event, error)
	Events(ctx context.Context, f store.EventFilter) ([]store.Event, error)
	History(ctx context.Context, sync, customer string, limit int) ([]store.Decision, error)
	SaveLink(ctx context.Context, w *store.Work, l store.Link) error
	Customers(ctx context.Context, sync, named string) ([]store.Customer, error)
	OtherCustomer(ctx context.Context, sync, customer, key, value string) (string, error)
	FollowLink(ctx context.Context, w *store.Work, from, to string) (store.Link, error)
	BeginWrite(ctx context.Context, w *store.Work, i store.Intent, l store.Limits) (store.Intent, error)
	Settle(ctx context.Context, w *store.Work, s store.Settlement) error
	GiveBack(ctx context.Context, w *store.Work) error
}

// Options is what a Pipeline is made of.
type Options struct {
	Store Store
	Syncs []Sync
	// Lease is how long a claimed customer is ours, 1 s or more; 0 means
	// DefaultLease.
	Lease time.Duration
	// Workers is how many customers of one sync are on their way at once; 0
	// means DefaultWorkers.
	Workers int
	Retry   Retry
	Log     *slog.Logger
	Metrics *metrics.Metrics
	// Barred says why nothing of a sync may be carried now, "" when it may; nil
	// is always. It is asked before customers are claimed.
	Barred func(ctx context.Context, sync string) (why string, err error)
	// Digest names the configuration; each decision says under which it was made.
	Digest string
	// Gap is the time between two calls that a connection's own rate limit leaves;
	// one without a limit is not in it.
	Gap map[string]time.Duration
	// Ahead is how far the next call lies ahead that a connection's rate limit
	// leaves; nil is never.
	Ahead func(ctx context.Context, connection string) (time.Duration, error)
	// Paused is told when a connection has to rest, so that its rate limit
	// holds other calls back at once; nil is nobody.
	Paused func(connection string, rest time.Duration)
	// Now is the clock that spans are measured with; nil means time.Now.
	Now func() time.Time
	// Jitter returns a number in [0, 1); nil means a random one.
	Jitter func() float64
	// Timeout bounds an attempt's calls in time; nil means context.WithTimeout.
	Timeout func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	// Holding ends an attempt's calls when others may go on with its customer
	// before the lease is over; nil where nobody does.
	Holding func(context.Context) (context.Context, context.CancelFunc)
}

const (
	// DefaultLease leaves room for the six calls of the longest attempt at
	// their default timeout of ten seconds.
	DefaultLease = 60 * time.Second
	// DefaultWorkers is how many customers of one sync are on their way.
	DefaultWorkers = 16

	// tick is how often the store is asked for work that arrived by another
	// node or by a command.
	tick = time.Second
	// gatherFor is how long a free worker waits for others to claim with.
	gatherFor = time.Millisecond
	// intentLife is how long a write whose effect is not known may still
	// arrive: proxies and tools that queue give up long before.
	intentLife = 10 * time.Minute
)

// Pipeline works on the customers of all syncs.
type Pipeline struct {
	Options
	flows map[string]*flow
	paces map[string]*pace // by connection
}

// flow is one sync at work. Each has workers of its own, so that a slow target
// delays nobody else's customers.
type flow struct {
	*Pipeline
	Sync
	mapping mapping.Map
	rules   []identity.Rule
	// several is nil where several customers of the source with one key are a question.
	several *several
	// changes are when a change to a status is written; none is at once.
	changes map[status.Status]decide.Transition
	wake    chan struct{}
	// lastClaim is how the last claim ended.
	lastClaim *atomic.Pointer[error]
	// underWay is how many customers are on their way.
	underWay *atomic.Int64
}

// New returns a Pipeline that does nothing until Run.
func New(o Options) *Pipeline {
	if o.Lease == 0 {
		o.Lease = DefaultLease
	}
	if o.Workers == 0 {
		o.Workers = DefaultWorkers
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Timeout == nil {
		o.Timeout = context.WithTimeout
	}
	if o.Holding == nil {
		o.Holding = func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Retry = o.Retry.withDefaults()
	p := &Pipeline{Options: o, flows: map[string]*flow{}, paces: map[string]*pace{}}
	sharing := map[string]int{}
	for _, s := range o.Syncs {
		sharing[s.From.Name]++
		sharing[s.To.Name]++
	}
	for _, s := range o.Syncs {
		f := &flow{Pipeline: p, Sync: s, wake: make(chan struct{}, 1), lastClaim: &atomic.Pointer[error]{}, underWay: new(atomic.Int64)}
		entries := map[status.Status]mapping.Entry{}
		for name, m := range s.Config.Statuses {
			entries[name] = mapping.Entry{From: m.From, To: m.To}
		}
		f.mapping = mapping.New(entries, s.Config.Ignore)
		f.rules = s.Config.MatchRules()
		f.several = severalOf(s)
		f.changes = transitions(s.Config)
		p.flows[s.Config.Name] = f
		for _, connection := range []string{s.From.Name, s.To.Name} {
			p.paces[connection] = &pace{limit: f.capacity(o.Gap[connection], sharing[connection])}
		}
	}
	return p
}

// Wake tells the syncs that there is something to do. It never blocks.
func (p *Pipeline) Wake(syncs ...string) {
	for _, name := range syncs {
		if f, ok := p.flows[name]; ok {
			select {
			case f.wake <- struct{}{}:
			default: // it is awake already
			}
		}
	}
}
