package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/dialguard"
	"github.com/trueup-sync/trueup/internal/metrics"
	"github.com/trueup-sync/trueup/internal/notify"
	"github.com/trueup-sync/trueup/internal/notify/slack"
	"github.com/trueup-sync/trueup/internal/notify/smtp"
	"github.com/trueup-sync/trueup/internal/notify/webhook"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// notifier notifies people, and receives what they press.
type notifier struct {
	worker       *notify.Worker
	interactions *slack.Interactions // nil: messages have no buttons
	socket       bool
	client       *http.Client
}

// openNotifier returns nil when the configuration has no one to notify.
func openNotifier(cfg *config.Config, db *store.DB, pace notify.Pace, log *slog.Logger, m *metrics.Metrics) *notifier {
	s := cfg.Notify.Slack
	if s == nil {
		return nil
	}
	t := &notifier{client: dialguard.SettingClient(slack.Setting), socket: s.AppToken != ""}
	o := toldOf(cfg, db, pace)
	o.Channel = s.ChannelFor
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

// toldOf is what every recipient is told of.
func toldOf(cfg *config.Config, db *store.DB, pace notify.Pace) notify.Options {
	return notify.Options{Store: db, Syncs: cfg.Syncs, People: cfg.People, Home: cfg.PublicURL, Pace: pace,
		Alarms: func(ctx context.Context) ([]contract.Alarm, error) { return overview.Alarms(ctx, db, cfg) }}
}

// outgoing tells a program what people are told.
type outgoing struct {
	*notify.Worker
	client *http.Client
}

// giveUp is how long a message to a program, or by email, is tried.
const giveUp = 3 * 24 * time.Hour

// openWebhook returns nil when the configuration has no outgoing webhook.
func openWebhook(cfg *config.Config, db *store.DB, pace notify.Pace, log *slog.Logger, m *metrics.Metrics) (*outgoing, error) {
	c := cfg.Notify.Webhook
	if c == nil {
		return nil, nil
	}
	client := dialguard.SettingClient(webhook.Setting)
	w, err := webhook.New(*c, client)
	if err != nil {
		return nil, err
	}
	o := toldOf(cfg, db, pace)
	o.Notifier, o.Recipient, o.EveryAlarm, o.Wants, o.GiveUp = w, store.ToWebhook, true, c.Wants, giveUp
	o.Channel = func(string, status.Kind) string { return webhook.Setting }
	return &outgoing{notify.New(o, log, m), client}, nil
}

// openMail returns nil when the configuration has no mail server.
func openMail(cfg *config.Config, db *store.DB, pace notify.Pace, log *slog.Logger, m *metrics.Metrics) *notify.Worker {
	c := cfg.Notify.SMTP
	if c == nil {
		return nil
	}
	o := toldOf(cfg, db, pace)
	o.Notifier, o.Recipient, o.EveryAlarm, o.GiveUp = smtp.New(*c, log), store.ToSMTP, true, giveUp
	o.Channel = func(string, status.Kind) string { return smtp.Setting }
	return notify.New(o, log, m)
}

// Run tells until ctx ends.
func (o *outgoing) Run(ctx context.Context) {
	defer o.client.CloseIdleConnections()
	o.Worker.Run(ctx)
}

// watch looks for what only shows in time.
func (w *wiring) watch() notify.Watch {
	all := notify.Watch{Store: w.store, Syncs: w.config.Syncs, Remind: w.notifier != nil || w.webhook != nil || w.mail != nil, Log: w.log,
		Alarms: func(ctx context.Context) ([]contract.Alarm, error) { return overview.Alarms(ctx, w.store, w.config) },
		Deaf:   func(connection string) bool { return w.conns.by[connection].Receiver == nil }}
	if s := w.config.Notify.Slack; s != nil {
		all.Digest = s.Digest
	}
	return all
}

// Run notifies people and receives what they press, until ctx ends.
func (n *notifier) Run(ctx context.Context) {
	defer n.client.CloseIdleConnections()
	var parts sync.WaitGroup
	parts.Go(func() { n.worker.Run(ctx) })
	if n.socket {
		parts.Go(func() { n.interactions.Socket(ctx) })
	}
	parts.Wait()
	if n.interactions != nil {
		n.interactions.Wait()
	}
}

// probeNotifier checks the way to notify people, and reports messages that could
// not be sent.
func probeNotifier(ctx context.Context, cfg *config.Config) (all []ProbeResult) {
	if cfg.Notify.Webhook != nil { // no message is sent for a check
		all = append(all, ProbeResult{Connection: webhook.Setting, Said: []string{"whether it takes messages shows with the first one: pause a sync for two minutes"},
			Err: untold(ctx, cfg, store.ToWebhook)})
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	if c := cfg.Notify.SMTP; c != nil {
		r := ProbeResult{Connection: smtp.Setting, Called: true}
		r.Said, r.Err = smtp.New(*c, nil).Probe(ctx)
		r.Err = errors.Join(r.Err, untold(ctx, cfg, store.ToSMTP))
		all = append(all, r)
	}
	s := cfg.Notify.Slack
	if s == nil {
		return all
	}
	client := dialguard.SettingClient(slack.Setting)
	defer client.CloseIdleConnections()
	r := ProbeResult{Connection: "notify.slack", Called: true}
	if s.WebhookURL != "" {
		r.Said, r.Err = slack.NewWebhook(*s, client).Probe(ctx)
	} else {
		r.Said, r.Err = slack.New(*s, client).Probe(ctx, *s)
	}
	r.Err = errors.Join(r.Err, untold(ctx, cfg, store.ToSlack))
	return append(all, r)
}

// untold reports messages to a recipient that wait, where there is a database.
func untold(ctx context.Context, cfg *config.Config, to store.Recipient) error {
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
		if u.Recipient == to && !slices.Contains(reasons, u.Failure) {
			reasons = append(reasons, u.Failure)
			err = errors.Join(err, fmt.Errorf("a message has been waiting since %s: %s", u.Since.UTC().Format("2006-01-02 15:04 MST"), u.Failure))
		}
	}
	return err
}
