// Package app wires the parts into a running service and ends it in order.
//
// Main types: Options and App (a running service: Start, URL, Stop). Probe
// checks live accounts; DemoStart runs the demonstration on the same App.
//
// Invariants: webhooks are answered only while they can be stored, so a stop
// ends receiving before it ends working; what is on its way to a tool is
// settled before the database is closed.
//
// Only commands import it.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"trueup/internal/config"
	"trueup/internal/connector/registry"
	"trueup/internal/inbox"
	"trueup/internal/metrics"
	"trueup/internal/pipeline"
	"trueup/internal/poll"
	"trueup/internal/store"
	"trueup/internal/web"
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
}

// App is a running service.
type App struct {
	log      *slog.Logger
	store    *store.DB
	inbox    *inbox.Inbox
	pipeline *pipeline.Pipeline
	listener net.Listener
	server   *http.Server
	failed   chan error

	// claiming ends when no new work is to begin, working when what has begun
	// is cut off.
	stopClaiming, stopWorking context.CancelFunc
	running                   sync.WaitGroup
}

// Types returns the connection types of this binary.
func Types() config.Types { return registry.Types() }

// Start opens the database and the connections, listens, and begins to work.
// ctx bounds the start only.
func Start(ctx context.Context, o Options) (*App, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := metrics.New()
	db, err := store.Open(ctx, store.Options{DSN: o.Config.Database.Reveal(), Migrate: true, Work: true})
	if err != nil {
		return nil, err
	}
	a := &App{log: o.Log, store: db, failed: make(chan error, 1)}
	if err := a.assemble(o, m); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return a, nil
}

// assemble builds everything above the store and starts it.
func (a *App) assemble(o Options, m *metrics.Metrics) error {
	conns, err := openConnections(o.Config, a.store, a.log)
	if err != nil {
		return err
	}
	a.pipeline = pipeline.New(pipeline.Options{Store: a.store, Syncs: conns.syncs, Lease: o.Lease, Log: a.log, Metrics: m,
		Paused: func(connection string, rest time.Duration) {
			if g := conns.gates[connection]; g != nil {
				g.Paused(rest)
			}
		}})
	a.inbox = inbox.New(inbox.Options{Store: a.store, Connections: endpoints(o.Config, conns.by), Log: a.log, Metrics: m, Received: a.pipeline.Wake})
	m.Watch(a.store.Counts)

	listen := o.Config.Listen
	if o.Listen != "" {
		listen = o.Listen
	}
	if a.listener, err = net.Listen("tcp", listen); err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with listen in trueup.yaml or --listen", listen, err)
	}
	a.server = &http.Server{
		Handler:           web.New(web.Options{Hooks: a.inbox, Ready: a.store.Ready, Metrics: m.Handler(), Version: o.Version, Log: a.log}),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	a.work(pollers(conns.syncs, a.store, a.inbox, a.log))
	return nil
}

// work starts the server, the pipeline and the pollers.
func (a *App) work(polls []*poll.Poller) {
	working, stopWorking := context.WithCancel(context.Background())
	claiming, stopClaiming := context.WithCancel(working)
	a.stopWorking, a.stopClaiming = stopWorking, stopClaiming
	a.running.Go(func() {
		if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("serve: %w", err)
		}
	})
	a.running.Go(func() { a.pipeline.Run(working, claiming) })
	for _, p := range polls {
		a.running.Go(func() { p.Run(claiming) })
	}
}

// URL is where the service is reached on this machine.
func (a *App) URL() string { return "http://" + a.listener.Addr().String() }

// Failed tells when the service cannot go on.
func (a *App) Failed() <-chan error { return a.failed }

// Stop refuses new events, lets the customers on their way end, and closes the
// database. When ctx ends first, calls to the tools are cut off; their effect
// is looked up at the next start.
func (a *App) Stop(ctx context.Context) error {
	a.inbox.Drain()
	// Requests that are being stored end well; new ones are told to come back.
	err := a.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop serving: %w", err), a.server.Close())
	}
	a.stopClaiming()
	done := make(chan struct{})
	go func() {
		a.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		a.log.Warn("the time to stop is over: calls under way are cut off and looked up at the next start")
		a.stopWorking()
		<-done // settling has a bound of its own
	}
	a.stopWorking()
	return errors.Join(err, a.store.Close())
}
