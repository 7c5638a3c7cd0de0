package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/store"
)

// Two nodes on one PostgreSQL are replaced by a new version, one after the other,
// while changes come. A proxy in front sends each webhook to a node that takes it.
func TestARollingRestartLosesNothingAndWritesNothingTwice(t *testing.T) {
	t.Parallel()
	const customers, rounds = 12, 8
	l := newLive(t, engines["postgres"](t))
	for n := range customers {
		l.customer(n)
	}
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	l.must(os.WriteFile(path, []byte(ownWords(configText(l.dsn, l.billing.URL, l.crm.URL))), 0o600))
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	l.must(err)
	start := func(version string) *app.App {
		a, err := app.Start(t.Context(), app.Options{Config: cfg, Version: version, NotifyPace: fast, Log: slog.New(slog.DiscardHandler)})
		l.must(err)
		return a
	}
	stop := func(a *app.App) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		l.must(a.Stop(ctx))
	}
	first, second := l.app, start("1")
	l.app = nil // it is stopped here

	// The nodes behind the proxy.
	var nodes [2]atomic.Value
	nodes[0].Store(first.URL())
	nodes[1].Store(second.URL())
	var sent atomic.Int64
	done := make(chan error, 1)
	values := []string{"paused", "active", "canceled"}
	go func() {
		done <- func() error {
			for i := range customers * rounds {
				n, value := i%customers, values[i/customers%len(values)]
				id := fmt.Sprint("cus_", n)
				l.billing.Set(resttest.Record{ID: id, Email: mail(n), Status: value})
				if err := taken(l.Context(), &nodes, i, fmt.Sprintf(`{"id":"evt_%d","customer":%q,"status":%q,"at":%q}`, i, id, value, time.Now().UTC().Format(time.RFC3339Nano))); err != nil {
					return err
				}
				sent.Add(1)
			}
			return nil
		}()
	}()
	reached := func(part int) {
		l.until("more changes have come", func() bool {
			select {
			case err := <-done:
				l.must(err)
				done <- nil
			default:
			}
			return sent.Load() >= int64(customers*rounds*part/4)
		})
	}
	reached(1)
	stop(first)
	reached(2)
	next := start("2")
	nodes[0].Store(next.URL())
	stop(second)
	reached(3)
	last := start("2")
	nodes[1].Store(last.URL())
	l.must(<-done)
	l.until("nothing waits", func() bool {
		counts, err := l.db.Counts(t.Context())
		return err == nil && counts["customer-status"].WaitingCustomers == 0
	})
	stop(next)
	stop(last)

	events, err := l.db.Events(t.Context(), store.EventFilter{Limit: customers*rounds + 1})
	if l.must(err); len(events) != customers*rounds {
		t.Errorf("of %d changes %d were stored", customers*rounds, len(events))
	}
	held := map[string]string{}
	for _, e := range l.crm.Effects() {
		if e.From != held[e.Record] || e.To == e.From {
			t.Errorf("%s was written from %q to %q, and held %q", e.Record, e.From, e.To, held[e.Record])
		}
		held[e.Record] = e.To
	}
	for n := range customers {
		if got := l.crm.Record(fmt.Sprint("rec_", n)).Status; got != "Active" { // the last of eight rounds
			t.Errorf("rec_%d ends with %q", n, got)
		}
	}
	if open, err := l.db.Exceptions(t.Context(), store.ExceptionFilter{}); err != nil || len(open) > 0 {
		t.Errorf("exceptions: %+v, %v", open, err)
	}
}

// taken sends a webhook to the nodes in turn until one of them takes it, as a proxy
// does. Two may refuse it: the one that was replaced a moment ago, and the other,
// which stops as soon as the first one's successor is there. A third would be an outage.
func taken(ctx context.Context, nodes *[2]atomic.Value, i int, body string) error {
	var said []string
	for try := range 3 {
		url, _ := nodes[(i+try)%2].Load().(string)
		code, err := post(ctx, url, body)
		if err == nil && code == http.StatusOK {
			return nil
		}
		said = append(said, fmt.Sprint(code, " ", err))
	}
	return fmt.Errorf("no node took a webhook: %s", strings.Join(said, "; "))
}
