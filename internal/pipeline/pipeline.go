// Package pipeline takes each customer along the path: claim, read the source,
// map, match, read the target, decide, write, confirm, settle.
//
// Main types: Pipeline (all syncs and their workers), Sync (one sync with its two
// connections), Preview (the path up to the decision, without effects); not
// exported: flow (one sync at work), attempt (one customer on its way), verdict
// (what a stage says comes next) and ending (how an attempt ends). The variable
// path is the order; each stage has a file. A row of a plan (planrow.go), an undo
// (undo.go) and a question by a person (ask.go) begin elsewhere and share the
// stages.
//
// Invariants. Where a line of code keeps one, it names the number:
//
//  1. The events of an attempt and all that was learned are settled in one
//     transaction, under the fence of the claim. An attempt that lost its lease
//     changes nothing.
//  2. Before a write is sent, its intent is stored; the write's deadline lies
//     inside the lease.
//  3. The base changes only with proof: the target's record shows it, in the
//     answer to our write or when read afterwards. A base that a tool cannot
//     show is marked as unverified.
//  4. A customer that cannot be processed gets an exception or stays due; no
//     attempt ends without a trace.
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

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/identity"
	"github.com/trueup-sync/trueup/internal/mapping"
	"github.com/trueup-sync/trueup/internal/metrics"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
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

// Store keeps what the path must not forget. It is *store.DB, on whose invariants the path relies.
type Store interface {
	RestsUntil(ctx context.Context, connection string) (time.Time, error)
	Rest(ctx context.Context, connection string, until time.Time) error
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
	// Workers is how many customers of one sync may be in progress at once; 0 means mostWorkers. A
	// sync begins with few (see pace).
	Workers int
	Retry   Retry
	Log     *slog.Logger
	Metrics *metrics.Metrics
	// Barred returns why no customer of a sync may be claimed now, "" if they may; nil bars
	// nothing.
	Barred func(ctx context.Context, sync string) (why string, err error)
	// Digest names the configuration; each decision says under which it was made.
	Digest string
	// Gap is the time between two calls under a connection's rate limit, by connection; one without
	// a limit is missing.
	Gap map[string]time.Duration
	// Ahead returns how long a connection's rate limit delays the next call; nil if there are no
	// limits.
	Ahead func(ctx context.Context, connection string) (time.Duration, error)
	// Resting is called when a connection must rest, so that its rate limit delays other calls at
	// once; nil for none.
	Resting func(connection string, rest time.Duration)
	// Now is the clock that spans are measured with; nil means time.Now.
	Now func() time.Time
	// Jitter returns a number in [0, 1); nil means a random one.
	Jitter func() float64
	// Timeout limits how long an attempt's calls may take; nil means context.WithTimeout.
	Timeout func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	// Holding returns a context that also ends when this process loses its claims before their
	// leases end: no call may arrive after another process continues. nil means that this cannot
	// happen.
	Holding func(context.Context) (context.Context, context.CancelFunc)
}

const (
	// DefaultLease leaves 45 seconds for the calls of an attempt (see margin), at a default timeout
	// of ten seconds each. An attempt that needs longer is cut off and tried again.
	DefaultLease = 60 * time.Second
	// mostWorkers is how many customers of one sync may be in progress.
	mostWorkers = 256
	// firstWorkers is how many there may be at first.
	firstWorkers = 16

	// atOnce is how many customers one claim takes at most.
	atOnce = 64

	// tick is how often the store is asked for work that another node or a command has stored.
	tick = time.Second
	// gatherFor is how long a claim waits at most for more customers, while many are in progress.
	gatherFor = 10 * time.Millisecond
	many      = 8
	// intentLife is how long a write without an answer may still arrive: proxies and tools that
	// queue give up long before.
	intentLife = 10 * time.Minute
)

// Pipeline works on the customers of all syncs.
type Pipeline struct {
	Options
	flows map[string]*flow
	paces map[string]*pace // by connection
}

// flow is one sync at work. Each has its own workers, so that a slow target delays no other sync's
// customers.
type flow struct {
	*Pipeline
	Sync
	mapping mapping.Map
	rules   []identity.Rule
	// several is nil where several customers of the source with one key are a question.
	several *several
	// changes says, by the new status, when a change is written; a status without an entry is
	// written at once.
	changes map[status.Status]decide.Transition
	wake    chan struct{}
	// lastClaim is the last claim's error, for Working.
	lastClaim *atomic.Pointer[error]
	// inProgress is how many customers are in progress; freed is told when one has ended.
	inProgress *atomic.Int64
	freed      chan struct{}
	speed      *speed
}

// New returns a Pipeline that does nothing until Run.
func New(o Options) *Pipeline {
	if o.Lease == 0 {
		o.Lease = DefaultLease
	}
	if o.Workers == 0 {
		o.Workers = mostWorkers
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
		f := &flow{Pipeline: p, Sync: s, wake: make(chan struct{}, 1), lastClaim: &atomic.Pointer[error]{}, inProgress: new(atomic.Int64), freed: make(chan struct{}, 1), speed: &speed{}}
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
			most := f.capacity(o.Gap[connection], sharing[connection])
			p.paces[connection] = &pace{most: most, calm: most, allowed: min(most, firstWorkers)}
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
