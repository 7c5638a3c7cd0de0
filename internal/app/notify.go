package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"trueup/internal/config"
	"trueup/internal/dialguard"
	"trueup/internal/metrics"
	"trueup/internal/notify"
	"trueup/internal/notify/slack"
	"trueup/internal/status"
	"trueup/internal/store"
)

// notifier is what tells people, and hears what they press.
type notifier struct {
	worker       *notify.Worker
	interactions *slack.Interactions // nil: messages have no buttons
	socket       bool
	client       *http.Client
}

// openNotifier returns what tells people, nil when the configuration names
// nobody to tell.
func openNotifier(cfg *config.Config, db *store.DB, log *slog.Logger, m *metrics.Metrics) *notifier {
	s := cfg.Notify.Slack
	if s == nil {
		return nil
	}
	t := &notifier{client: dialguard.SettingClient(slack.Setting), socket: s.AppToken != ""}
	o := notify.Options{Store: db, Syncs: cfg.Syncs, People: cfg.People, Channel: s.ChannelFor, Digest: s.Digest, Home: cfg.PublicURL}
	if s.WebhookURL != "" {
		o.Notifier = slack.NewWebhook(*s, t.client)
		o.Channel = func(string, status.Kind) string { return "webhook" }
		t.worker = notify.New(o, log, m)
		return t
	}
	app := slack.New(*s, t.client)
	o.Notifier, o.Buttons = app, true
	t.worker = notify.New(o, log, m)
	t.interactions = slack.NewInteractions(app, *s, t.client, notify.Buttons{Store: db, Syncs: cfg.Syncs, People: cfg.People, Changed: t.worker.Wake}, log)
	return t
}

// start starts notifier people and hearing them; both end with claiming, as all
// new work does.
func (t *notifier) start(claiming context.Context, running *sync.WaitGroup) {
	if t == nil {
		return
	}
	running.Go(func() {
		defer t.client.CloseIdleConnections()
		var parts sync.WaitGroup
		parts.Go(func() { t.worker.Run(claiming) })
		if t.socket {
			parts.Go(func() { t.interactions.Socket(claiming) })
		}
		parts.Wait()
		if t.interactions != nil {
			t.interactions.Wait()
		}
	})
}

// buttons answers what Slack tells of a press, under the configuration of the
// moment.
func (a *App) buttons(w http.ResponseWriter, r *http.Request) {
	c := a.wiring.Load()
	if c.notifier == nil || c.notifier.interactions == nil || c.config.Notify.Slack.SigningSecret == "" {
		http.NotFound(w, r)
		return
	}
	c.notifier.interactions.ServeHTTP(w, r)
}

// overdue counts what has been open for longer than its sync allows.
func (a *App) overdue(ctx context.Context) (map[string]map[status.Kind]int, error) {
	all := map[string]map[status.Kind]int{}
	for name, s := range a.wiring.Load().config.Syncs {
		var err error
		if all[name], err = a.store.Overdue(ctx, name, s.RemindAfter); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// probeNotifier checks what tells people, and says what it could not tell.
func probeNotifier(ctx context.Context, cfg *config.Config) []ProbeResult {
	s := cfg.Notify.Slack
	if s == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	client := dialguard.SettingClient(slack.Setting)
	defer client.CloseIdleConnections()
	r := ProbeResult{Connection: "notify.slack"}
	if s.WebhookURL != "" {
		r.Said, r.Err = slack.NewWebhook(*s, client).Probe(ctx)
	} else {
		r.Said, r.Err = slack.New(*s, client).Probe(ctx, *s)
	}
	r.Err = errors.Join(r.Err, untold(ctx, cfg))
	return []ProbeResult{r}
}

// untold says what people could not be told lately, where there is a database.
func untold(ctx context.Context, cfg *config.Config) error {
	db, err := store.Open(ctx, store.Options{DSN: cfg.Database.Reveal()})
	switch {
	case errors.Is(err, store.ErrMissing), errors.Is(err, store.ErrOlder):
		return nil
	case err != nil:
		return fmt.Errorf("look for messages that could not be sent: %w", err)
	}
	waiting, err := db.UntoldNotices(ctx)
	err = errors.Join(err, db.Close())
	if err != nil {
		return err
	}
	var reasons []string
	for _, u := range waiting {
		if !slices.Contains(reasons, u.Failure) {
			reasons = append(reasons, u.Failure)
			err = errors.Join(err, fmt.Errorf("a message has been waiting since %s: %s", u.Since.UTC().Format("2006-01-02 15:04 MST"), u.Failure))
		}
	}
	return err
}
