// Package app wires the parts into a running service and ends it in order.
//
// Main types: Options and App (a running service: Start, URL, Reload, Stop), and
// within it the wiring, which follows from one reading of the configuration.
// Probe checks live accounts; DemoStart runs the demonstration on the same App.
//
// Invariants: webhooks are answered only while they can be stored, so a stop
// ends receiving before it ends working; what is on its way to a tool is
// settled before the database is closed.
//
// Only commands import it.
package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trueup-sync/trueup/internal/api"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/registry"
	"github.com/trueup-sync/trueup/internal/failpoint"
	"github.com/trueup-sync/trueup/internal/health"
	"github.com/trueup-sync/trueup/internal/metrics"
	"github.com/trueup-sync/trueup/internal/notify"
	"github.com/trueup-sync/trueup/internal/pages"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/web"
)

// Options is what an App is started with.
type Options struct {
	Config  *config.Config
	Version string
	Log     *slog.Logger
	// Listen replaces the configuration's address, "" does not.
	Listen string
	// Lease is how long a claimed customer is ours; 0 is the pipeline's default.
	Lease time.Duration
	// Entrance, if set, is listening already; nil makes one of the configuration's address.
	Entrance *Entrance
	// NotifyPace is how soon people are notified; its zero value is the usual pace.
	NotifyPace notify.Pace
	// Env is where the file's ${NAME} come from; nil is the process's environment.
	Env func(string) (string, bool)
	// FileChanged is told that this process has changed the file, so that it is read
	// at once; nil has it read without.
	FileChanged func()
}

// App is a running service.
type App struct {
	options  Options
	log      *slog.Logger
	store    *store.DB
	metrics  *metrics.Metrics
	pages    *pages.Pages
	listener net.Listener
	admin    net.Listener // nil: everything is served on listener
	servers  []*http.Server
	serving  sync.WaitGroup
	failed   chan error

	wiring    atomic.Pointer[wiring]
	reloading sync.Mutex
	stale     stale

	// file is the configuration's file as it is known here; node is this process,
	// which does not change after the start.
	file atomic.Pointer[store.NodeFile]
	node store.Node

	// running is what runs in the background until stopRunning is called, whichever
	// version of the file is in use.
	stopRunning context.CancelFunc
	running     sync.WaitGroup
}

// Types returns the connection types of this binary.
func Types() config.Types { return registry.Types() }

// Start opens the database and the connections, listens, and begins to work.
// ctx bounds the start only.
func Start(ctx context.Context, o Options) (*App, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	db, err := store.Open(ctx, store.Options{DSN: o.Config.Database.Reveal(), Migrate: true, Work: true})
	if err != nil {
		return nil, err
	}
	if db.Pooled() {
		o.Log.Info("a connection pooler stands before PostgreSQL: what a killed node held waits until its lease ends; for ten seconds at most, give the server's own address in database",
			slog.Duration("lease", cmp.Or(o.Lease, pipeline.DefaultLease)))
	}
	a := &App{options: o, log: o.Log, store: db, metrics: metrics.New()}
	if err := a.startNames(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := a.assemble(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return a, nil
}

// startNames finds out which stored name is which in the file before anything uses them.
func (a *App) startNames(ctx context.Context) error {
	if err := CheckNames(ctx, a.options.Config, a.store); err != nil {
		return err
	}
	moves, err := renames(ctx, a.options.Config, a.store)
	if err != nil {
		return err
	}
	return a.rename(ctx, a.options.Config, moves)
}

// assemble builds everything above the store and starts it.
func (a *App) assemble(ctx context.Context) error {
	o := a.options
	c, err := a.newWiring(o.Config)
	if err != nil {
		return err
	}
	a.wiring.Store(c)
	if err := errors.Join(a.setModes(ctx, o.Config, false), a.noteAccounts(ctx, o.Config), a.setModes(ctx, o.Config, true), a.requeue(ctx, o.Config), a.warnOfLeft(ctx, o.Config)); err != nil {
		return err
	}
	a.metrics.Watch(a.store.Counts)
	a.metrics.WatchOverdue(a.overdue)
	a.metrics.WatchSweeps(a.lastSweeps, a.rules)
	a.metrics.WatchPolls(a.store.Polls)
	a.metrics.WatchLooks(a.looks)
	a.metrics.WatchFile(a.fileNow)
	a.metrics.WatchAccounts(a.movedAccounts)
	a.metrics.WatchLeft(a.left)
	a.metrics.WatchAlarms(a.alarms)
	a.metrics.WatchHealth(a.health)
	a.pages = pages.New(pages.Options{Store: a.store, Service: a, Visitor: a.visitor, Door: a.Door(), Address: a.PagesURL, Provider: a.identityProvider, Version: o.Version, Log: a.log})
	key, err := a.store.RoundKey(ctx)
	if err != nil {
		return err
	}
	if err := a.listen(); err != nil {
		return err
	}
	failpoint.Hit("listening")
	a.warn(ctx, "could not take back the work of a process that is gone", a.takeBack(ctx)) // also of this one's own predecessor
	if err := a.enter(ctx); err != nil {
		return errors.Join(err, a.closeListeners())
	}
	a.serve(web.Options{Hooks: http.HandlerFunc(a.hooks), Proof: health.Answer(key), Consent: http.HandlerFunc(a.comeBack), API: api.New(api.Options{Store: a.store, Service: a, Log: a.log}), Slack: http.HandlerFunc(a.buttons), Ready: a.ready, File: a.fileFault,
		Metrics: a.guarded(a.metrics.Handler()), Pages: a.pages, Log: a.log})
	c.start()
	running, stopRunning := context.WithCancel(context.Background())
	a.stopRunning = stopRunning
	for _, p := range a.background() {
		a.running.Go(func() { p.Run(running) })
	}
	return nil
}

// Failed sends the error that keeps the service from continuing.
func (a *App) Failed() <-chan error { return a.failed }

// Stop refuses new events, finishes the customers that are being processed, and
// closes the database. When ctx ends first, calls to the tools are cut off; their effect
// is looked up at the next start.
func (a *App) Stop(ctx context.Context) error {
	a.reloading.Lock() // and keeps it: no file is read after this
	c := a.wiring.Load()
	c.inbox.Drain()
	a.pages.Close()
	// Requests that are being stored are answered; new ones get a Retry-After.
	err := a.shutdown(ctx)
	a.serving.Wait()
	c.end(ctx)
	a.stopRunning()
	a.running.Wait()
	a.leave()
	return errors.Join(err, a.store.Close())
}
