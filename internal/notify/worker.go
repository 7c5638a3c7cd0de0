package notify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/metrics"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	// batch is how many notices are taken at once, for as long as lease.
	batch = 40
	lease = 3 * time.Minute
	// sending bounds one call; nothing is sent in the last part of a lease.
	sending = 15 * time.Second
	// lookAgain is after how long it shows whether what people did has helped.
	lookAgain = time.Minute

	// floodLimit is how many groups may be posted to a channel within
	// floodTime; more are told of in one message, which goes on for floodWindow.
	floodLimit  = 10
	floodTime   = time.Minute
	floodWindow = 10 * time.Minute

	// A temporary failure is tried again soon, one that a person must end rarely.
	longestPause = 5 * time.Minute
	slowPause    = 10 * time.Minute
)

// Pace is how soon a Worker acts. A field that is 0 has its usual value; tests of a
// whole service quicken it.
type Pace struct {
	// Tick is how often a node checks whether a message is due; usually a second.
	Tick time.Duration
	// Spacing is the time between two messages to a channel; usually 1.2 seconds,
	// which keeps a channel below one message a second and all updates of an app
	// below fifty a minute (docs.slack.dev/apis/web-api/rate-limits).
	Spacing time.Duration
	// Quiet is how long a message stays as it is after it was sent; usually five
	// seconds.
	Quiet time.Duration
	// FirstPause is the pause after a first temporary failure, doubled with each
	// that follows; usually five seconds.
	FirstPause time.Duration
}

func (p Pace) orUsual() Pace {
	return Pace{Tick: cmp.Or(p.Tick, time.Second), Spacing: cmp.Or(p.Spacing, 1200*time.Millisecond),
		Quiet: cmp.Or(p.Quiet, 5*time.Second), FirstPause: cmp.Or(p.FirstPause, 5*time.Second)}
}

// Worker tells what is to be told. Any number of nodes may run one.
type Worker struct {
	composer
	log     *slog.Logger
	metrics *metrics.Metrics
	wake    chan struct{}
}

// New returns a Worker; log and m may be nil.
func New(o Options, log *slog.Logger, m *metrics.Metrics) *Worker {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	o.Pace, o.Recipient = o.Pace.orUsual(), cmp.Or(o.Recipient, store.ToSlack)
	_, updates := o.Notifier.(Updater)
	return &Worker{composer: composer{Options: o, updates: updates}, log: log, metrics: m, wake: make(chan struct{}, 1)}
}

// Wake has the worker look at once.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run tells until ctx ends. A call under way is ended with it; what it was to
// tell is told at the next start.
func (w *Worker) Run(ctx context.Context) {
	ticker := time.NewTicker(w.Pace.Tick)
	defer ticker.Stop()
	for {
		if err := w.turn(ctx); err != nil && ctx.Err() == nil {
			w.log.Error("notify people", slog.Any("error", err))
		}
		select {
		case <-ticker.C:
		case <-w.wake:
		case <-ctx.Done():
			return
		}
	}
}

// turn tells what is due now.
func (w *Worker) turn(ctx context.Context) error {
	for {
		next, err := w.Store.NextNotice(ctx, w.Recipient)
		if err != nil || next.IsZero() {
			return err
		}
		now, err := w.Store.Now(ctx)
		if err != nil || next.After(now) {
			return err
		}
		notices, err := w.Store.ClaimNotices(ctx, w.Recipient, batch, lease)
		if err != nil || len(notices) == 0 {
			return err
		}
		by := map[string][]store.Notice{}
		for _, n := range notices {
			to := w.channelOf(n)
			by[to] = append(by[to], n)
		}
		var all sync.WaitGroup
		for to, some := range by {
			c := &channel{Worker: w, name: to, until: now.Add(lease - sending - w.Pace.Tick)}
			all.Go(func() { c.tell(ctx, some) })
		}
		all.Wait()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// channelOf is where a notice is told.
func (w *Worker) channelOf(n store.Notice) string {
	switch n.What {
	case store.FloodNotice:
		return n.Cause
	case store.DigestNotice, store.FileNotice:
		return w.Channel("", "")
	}
	return w.Channel(n.Sync, n.Kind)
}

// channel tells some notices in one channel, one after the other.
type channel struct {
	*Worker
	name string
	// until is when the lease is no longer sure to hold.
	until time.Time
}

func (c *channel) tell(ctx context.Context, notices []store.Notice) {
	left, err := c.fold(ctx, notices)
	rest := time.Duration(0)
	for err == nil && rest == 0 && len(left) > 0 {
		if rest, err = c.rest(ctx); err == nil && rest == 0 {
			rest, err = c.one(ctx, left[0])
			left = left[1:]
		}
	}
	c.putBack(ctx, left, max(rest, c.Pace.Tick))
	if err != nil && ctx.Err() == nil {
		c.log.Error("notify people", slog.String("channel", c.name), slog.Any("error", err))
	}
}

// rest returns for how long nothing may be sent to the channel.
func (c *channel) rest(ctx context.Context) (time.Duration, error) {
	until, err := c.Store.ChannelRestsUntil(ctx, c.name)
	if err != nil {
		return 0, err
	}
	now, err := c.Store.Now(ctx)
	if err != nil {
		return 0, err
	}
	if now.After(c.until) {
		return c.Pace.Tick, nil // the lease is about to end: claimed anew, it is told then
	}
	return max(0, until.Sub(now)), nil
}

// fold leaves new groups to one message when there are many, and returns what
// remains to be told.
func (c *channel) fold(ctx context.Context, notices []store.Notice) ([]store.Notice, error) {
	var fresh, others []store.Notice
	for _, n := range notices {
		p, err := c.plan(ctx, n)
		if err != nil {
			return notices, err
		}
		if p.do == post && (n.What == store.GroupNotice || n.What == store.ReminderNotice) && !wholeSync(n.Kind) {
			fresh = append(fresh, n)
		} else {
			others = append(others, n)
		}
	}
	if len(fresh) == 0 {
		return notices, nil
	}
	now, err := c.Store.Now(ctx)
	if err != nil {
		return notices, err
	}
	before, err := c.Store.PostedSince(ctx, c.name, now.Add(-floodTime))
	if err != nil || before+len(fresh) <= floodLimit {
		return notices, err
	}
	if err := c.Store.FoldNotices(ctx, c.name, fresh, floodWindow); err != nil {
		return notices, err
	}
	c.metrics.Notice("group", "folded", len(fresh))
	return others, nil
}

// one tells one notice. rest is for how long the channel is to be left alone.
func (c *channel) one(ctx context.Context, n store.Notice) (rest time.Duration, err error) {
	p, err := c.plan(ctx, n)
	if err != nil {
		return 0, err
	}
	told := store.Telling{Channel: n.Channel, Place: n.Place, Open: p.open, Content: n.Content, Quiet: c.Pace.Quiet}
	if p.again {
		told.Again = lookAgain
	}
	if p.do == nothing || p.do == update && n.Content != "" && n.Content == p.message.hash() {
		return 0, c.settled(c.Store.NoticeTold(ctx, n, told))
	}
	if wait := n.Posted.Add(floodTime).Sub(n.Claimed); n.What == store.FloodNotice && p.do == post && wait > 0 {
		return 0, c.settled(c.Store.PutBackNotice(ctx, n, wait)) // it cannot be updated: one a minute is enough
	}
	if err := c.turnCame(ctx); err != nil {
		c.putBack(ctx, []store.Notice{n}, c.Pace.Tick)
		return 0, err
	}
	sent, place, err := c.send(ctx, n, p)
	if ctx.Err() != nil {
		return 0, ctx.Err() // nobody knows whether it arrived: told again at the next start
	}
	if err != nil {
		return c.failed(ctx, n, err)
	}
	told.Content, told.Recovered = p.message.hash(), p.recovered
	if sent == post {
		told.Posted, told.Channel, told.Place = true, c.name, place
	}
	c.metrics.Notice(string(n.What), map[deed]string{post: "posted", update: "updated"}[sent], 1)
	return 0, c.settled(c.Store.NoticeTold(ctx, n, told))
}

// settled: a notice that another node has claimed is that node's.
func (c *channel) settled(err error) error {
	if errors.Is(err, store.ErrFenced) {
		return nil
	}
	return err
}

// turnCame waits until one more message may be sent to the channel.
func (c *channel) turnCame(ctx context.Context) error {
	now, first, err := c.Store.ReserveChannel(ctx, c.name, c.Pace.Spacing)
	if err != nil || !first.After(now) {
		return err
	}
	timer := time.NewTimer(first.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send posts a message or updates it; one that is gone is posted anew.
func (c *channel) send(ctx context.Context, n store.Notice, p plan) (sent deed, place string, err error) {
	ctx, cancel := context.WithTimeout(ctx, sending)
	defer cancel()
	p.message.ID = n.ID()
	if p.do == update {
		err := c.Notifier.(Updater).Update(ctx, n.Place, p.message)
		if err == nil || connector.FailureOf(err).Kind != connector.Gone {
			return update, n.Place, err
		}
	}
	place, err = c.Notifier.Post(ctx, c.name, p.message)
	return post, place, err
}

// failed stores why a notice could not be told. What holds for the whole
// channel lets it rest.
func (c *channel) failed(ctx context.Context, n store.Notice, err error) (rest time.Duration, _ error) {
	f := connector.FailureOf(err)
	if c.GiveUp > 0 && n.Claimed.Sub(n.Began) > c.GiveUp {
		c.metrics.Notice(string(n.What), "given_up", 1)
		c.log.Error("gave up a message", slog.String("channel", c.name), slog.String("what", string(n.What)), slog.String("sync", n.Sync),
			slog.String("kind", string(n.Kind)), slog.String("failure", string(f.Kind)), slog.Any("error", err))
		return 0, c.settled(c.Store.GiveUpNotice(ctx, n, f.Error()))
	}
	pause, result, level := slowPause, "refused", slog.LevelError
	switch f.Kind {
	case connector.RateLimited:
		pause, result, level = max(f.RetryAfter, c.Pace.Tick), "rate_limited", slog.LevelInfo
	case connector.Transient:
		pause, result, level = max(f.RetryAfter, c.backoff(n.Attempts)), "failed", slog.LevelWarn
	}
	c.metrics.Notice(string(n.What), result, 1)
	c.log.LogAttrs(ctx, level, "could not notify people", slog.String("channel", c.name), slog.String("what", string(n.What)),
		slog.String("sync", n.Sync), slog.String("kind", string(n.Kind)), slog.String("failure", string(f.Kind)), slog.String("code", f.Code),
		slog.Int("attempt", n.Attempts+1), slog.Duration("retry_in", pause), slog.Any("error", err))
	if err := c.settled(c.Store.NoticeFailed(ctx, n, pause, f.Error())); err != nil {
		return 0, err
	}
	if f.Kind == connector.Refused {
		return 0, nil // this message is at fault, the next one may not be
	}
	now, err := c.Store.Now(ctx)
	if err != nil {
		return 0, err
	}
	return pause, c.Store.RestChannel(ctx, c.name, now.Add(pause))
}

// backoff is the pause after a failure when there were so many in a row before.
func (c *channel) backoff(before int) time.Duration {
	return min(c.Pace.FirstPause<<min(before, 10), longestPause)
}

// putBack gives notices back that were not told. When the service stops, others
// may tell them at once.
func (c *channel) putBack(ctx context.Context, notices []store.Notice, pause time.Duration) {
	if ctx.Err() != nil {
		pause = 0
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sending)
	defer cancel()
	for _, n := range notices {
		if err := c.settled(c.Store.PutBackNotice(ctx, n, pause)); err != nil {
			c.log.Error("give a notice back", slog.Any("error", err))
			return // its lease ends
		}
	}
}
