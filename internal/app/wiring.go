package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/dialguard"
	"github.com/trueup-sync/trueup/internal/inbox"
	"github.com/trueup-sync/trueup/internal/notify"
	"github.com/trueup-sync/trueup/internal/people/provider"
	"github.com/trueup-sync/trueup/internal/pipeline"
	"github.com/trueup-sync/trueup/internal/poll"
	"github.com/trueup-sync/trueup/internal/store"
)

// wiring is everything that follows from one version of the file: the connections,
// the pipeline, the inbox, and what runs in the background. A changed file makes
// another one in its place.
type wiring struct {
	config     *config.Config
	log        *slog.Logger
	store      *store.DB
	conns      *connections
	pipeline   *pipeline.Pipeline
	inbox      *inbox.Inbox
	pollers    []*poll.Poller
	suggesters []*suggester
	sweepers   []*sweeper
	queues     []*queueWatch
	planJobs   *planJobs
	notifier   *notifier      // nil: no one is notified in Slack
	webhook    *outgoing      // nil: no program is
	mail       *notify.Worker // nil: no one is by email
	heartbeats *heartbeats    // nil: none are sent
	retention  retention
	provider   *provider.Provider // nil: people sign in by password only

	// claiming ends when no new work is to begin, working when what has begun
	// is cut off.
	stopClaiming, stopWorking context.CancelFunc
	running                   sync.WaitGroup
}

// newWiring opens the connections. It makes no call and does no work yet.
func (a *App) newWiring(cfg *config.Config) (*wiring, error) {
	ctx, cancel := context.WithTimeout(context.Background(), asking)
	defer cancel()
	known, err := a.store.Names(ctx)
	if err != nil {
		return nil, err
	}
	conns, err := openConnections(cfg, a.store, a.log)
	if err != nil {
		return nil, err
	}
	c := &wiring{config: cfg, log: a.log, store: a.store, conns: conns}
	c.pipeline = pipeline.New(pipeline.Options{Store: a.store, Syncs: conns.syncs, Lease: a.options.Lease, Log: a.log, Metrics: a.metrics, Gap: conns.gaps(), Ahead: conns.ahead, Resting: conns.resting, Barred: barred(cfg, a.store), Holding: a.store.WhileHeld, Digest: cfg.Hash})
	c.inbox = inbox.New(inbox.Options{Store: a.store, Mutes: a.store, Refused: a.store, Connections: formerly(endpoints(cfg, conns.by), cfg, known), Log: a.log, Metrics: a.metrics, Received: c.pipeline.Wake, Pinged: c.pinged, PublicURL: cfg.PublicURL})
	c.pollers = pollers(conns.syncs, a.store, c.inbox, a.log)
	c.suggesters = suggesters(conns.syncs, a.store, a.log)
	c.sweepers = sweepers(conns.syncs, a.store, a.log, c.pipeline.Wake, conns.resting, barred(cfg, a.store))
	c.queues = queueWatches(cfg, conns.syncs, a.store)
	c.planJobs = newPlanJobs(cfg, a.store, a.log)
	c.retention = retention{Retention: cfg.Retention, db: a.store, log: a.log, metrics: a.metrics}
	if cfg.Heartbeat != nil {
		c.heartbeats = newHeartbeats(*cfg.Heartbeat, a.ready, a.log)
	}
	if cfg.SignIn.OIDC != nil {
		c.provider = provider.New(*cfg.SignIn.OIDC, dialguard.SettingClient(provider.Setting))
	}
	c.notifier = openNotifier(cfg, a.store, a.options.NotifyPace, a.log, a.metrics)
	if c.webhook, err = openWebhook(cfg, a.store, a.options.NotifyPace, a.log, a.metrics); err != nil {
		return nil, err
	}
	c.mail = openMail(cfg, a.store, a.options.NotifyPace, a.log, a.metrics)
	return c, nil
}

// pinged has a connection's list of changes asked for now.
func (c *wiring) pinged(connection string) {
	for _, p := range c.pollers {
		if p.Connection == connection {
			p.Ping()
		}
	}
}

// start starts all of it.
func (c *wiring) start() {
	working, stopWorking := context.WithCancel(context.Background())
	claiming, stopClaiming := context.WithCancel(working)
	c.stopWorking, c.stopClaiming = stopWorking, stopClaiming
	c.planJobs.cut = working
	c.running.Go(func() { c.pipeline.Run(working, claiming) })
	for _, p := range c.background() {
		c.running.Go(func() { p.Run(claiming) })
	}
}

// end claims no more, finishes the customers that are being processed, and returns
// when nothing of it runs. When ctx ends first, calls to the tools are cut off; the
// next process reads what they did.
func (c *wiring) end(ctx context.Context) {
	c.stopClaiming()
	done := make(chan struct{})
	go func() {
		c.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		c.log.Warn("shutdown timeout reached: calls in progress are cut off and checked at the next start")
		c.stopWorking()
		<-done // settling has a bound of its own
	}
	c.stopWorking()
	c.conns.close()
}

// asking bounds a question to the database.
const asking = 10 * time.Second

// requeueTime bounds the search for customers affected by a change of the map.
const requeueTime = time.Minute

// renaming bounds a rename, which may change every row of a sync.
const renaming = 10 * time.Minute

// Reload switches to another version of the file. Webhooks are taken under it at
// once; customers that are being processed end under the old one before others
// begin under the new. What cannot change while it runs is an error, and
// nothing was changed then.
func (a *App) Reload(ctx context.Context, cfg *config.Config) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	before := a.wiring.Load().config
	err := a.reload(ctx, cfg)
	if err != nil {
		a.fileRefused(cfg.Hash, err)
	} else {
		a.fileUsed(before, cfg)
	}
	return err
}

// needsRestart are the faults of a file that changes what only a start reads.
func needsRestart(old, cfg *config.Config) error {
	var faults config.Faults
	for path, same := range map[string]bool{"listen": cfg.Listen == old.Listen, "admin_listen": cfg.AdminListen == old.AdminListen, "database": cfg.Database == old.Database} {
		if !same {
			faults = append(faults, cfg.Fault(path, "it cannot change while trueup run is running", "restore the old value, or restart trueup run"))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	slices.SortFunc(faults, func(a, b config.Fault) int { return cmp.Compare(a.Line, b.Line) })
	return faults
}

func (a *App) reload(ctx context.Context, cfg *config.Config) error {
	old := a.wiring.Load()
	if err := needsRestart(old.config, cfg); err != nil {
		return err
	}
	// In a time of its own, as a reload may begin late.
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), requeueTime)
	defer cancel()
	if err := CheckNames(own, cfg, a.store); err != nil {
		return err
	}
	next, err := a.newWiring(cfg)
	if err != nil {
		return err
	}
	renamed, err := a.reloadNames(ctx, cfg, old)
	if err != nil {
		return err
	}
	watch := a.setModes(ctx, cfg, false)
	if watch != nil && !renamed {
		return watch
	}
	a.wiring.Store(next)
	old.end(ctx)
	if err := a.noteAccounts(context.WithoutCancel(ctx), cfg); err != nil {
		a.log.Error("could not record which accounts are reached; a sync that reaches a different account stays stopped", slog.Any("error", err))
	}
	// Customers that waited until it is live are due from now on: the old one would
	// have read them and written nothing.
	live := a.setModes(ctx, cfg, true)
	a.stale.forget()
	next.start()
	// The new one is in use, whatever becomes of these. In a time of its own: the
	// old one may have used up the other, and nothing would search for these later.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), requeueTime)
	defer cancel()
	if err := errors.Join(watch, live, a.requeue(ctx, cfg), a.warnOfLeft(ctx, cfg)); err != nil {
		a.log.Error("the changed configuration is in use, but not all customers waiting for it could be checked", slog.Any("error", err))
	}
	return nil
}

// reloadNames moves what has another name in the changed configuration. Customers
// on their way end first. It reports whether the old wiring has ended for it, so
// that there is no way back.
func (a *App) reloadNames(ctx context.Context, cfg *config.Config, old *wiring) (renamed bool, err error) {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), renaming)
	defer cancel()
	moves, err := renames(own, cfg, a.store)
	if err != nil {
		return false, err
	}
	if len(moves) > 0 {
		old.end(ctx)
	}
	if err = a.rename(own, cfg, moves); err == nil || len(moves) == 0 {
		return len(moves) > 0, err
	}
	again, anew := a.newWiring(old.config)
	if anew != nil {
		return false, errors.Join(err, anew)
	}
	a.wiring.Store(again)
	again.start()
	return false, err
}

// setModes stores which syncs write, or which do not, and since when. It takes a
// time of its own, as a reload may begin late.
func (a *App) setModes(ctx context.Context, cfg *config.Config, live bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requeueTime)
	defer cancel()
	for name, s := range cfg.Syncs {
		if (s.Mode == config.ModeLive) != live {
			continue
		}
		if err := a.store.SetMode(ctx, name, live); err != nil {
			return err
		}
	}
	return nil
}
