package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// away makes the target answer nothing but 503, until it is back.
func (l *live) away() (back func()) {
	l.crm.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	return func() { l.crm.Instead(nil) }
}

func (l *live) waitingIn(sync string) int {
	l.Helper()
	counts, err := l.db.Counts(l.Context())
	l.must(err)
	return counts[sync].WaitingEvents
}

// A sync that is renamed while events wait: the file is refused, the old one goes
// on, and with was, or after trueup sync rename, everybody is carried once under the
// new name, with the base and the links of before.
func TestARenamedSyncKeepsItsMemory(t *testing.T) {
	t.Parallel()
	const customers = 12
	for engine, dsn := range engines {
		for _, way := range []string{"was", "command"} {
			t.Run(engine+" by "+way, func(t *testing.T) {
				t.Parallel()
				l := newLive(t, dsn(t))
				for n := range customers {
					l.customer(n)
					l.change(n, fmt.Sprint("evt_", n), "active")
				}
				l.quiet()
				back := l.away()
				for n := range customers {
					l.change(n, fmt.Sprint("evt_gone_", n), "canceled")
				}
				var faults config.Faults
				err := l.reload("  customer-status:", "  cs-two:")
				if !errors.As(err, &faults) || len(faults) != 1 || !strings.Contains(faults.Error(), "syncs.cs-two: the database does not know this sync") ||
					!strings.Contains(faults.Error(), "add was: customer-status to it or run trueup sync rename customer-status cs-two; if it is new, add was: none") {
					t.Fatalf("the renamed sync: %v", err)
				}
				if n := l.waitingIn("customer-status"); n != customers {
					t.Errorf("%d events wait under the old name", n)
				}
				if way == "was" {
					l.must(l.reload("  customer-status:", "  cs-two:\n    was: customer-status"))
				} else {
					_, err := l.db.Rename(t.Context(), store.Rename{Kind: store.SyncName, Old: "customer-status", New: "cs-two"})
					l.must(err)
					l.customer(customers) // a webhook that the old file takes
					l.change(customers, "evt_between", "paused")
					l.must(l.reload("  customer-status:", "  cs-two:"))
				}
				back()
				l.until("all are carried under the new name", func() bool { return l.churned() == customers && l.waitingIn("cs-two") == 0 })
				if n := l.waitingIn("customer-status"); n != 0 {
					t.Errorf("%d events wait under the old name", n)
				}
				written := map[string]int{}
				for _, w := range l.crm.Written() {
					written[w]++
				}
				for line, n := range written {
					if n != 1 {
						t.Errorf("%q was written %d times", line, n)
					}
				}
				if x := l.exceptions(status.FirstContact); len(x) > 0 {
					t.Errorf("they are new to it: %v", x)
				}
			})
		}
	}
}

// A start with a file in which the sync is renamed writes nothing and says why.
func TestAStartWithARenamedSyncIsRefusedUntilAPersonSaysWhoseTheMemoryIs(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			l.carried(1)
			l.stop(10e9)
			text := configText(l.dsn, l.billing.URL, l.crm.URL)
			start := func(old, fresh string) error {
				path := filepath.Join(t.TempDir(), "trueup.yaml")
				l.must(os.WriteFile(path, []byte(strings.Replace(text, old, fresh, 1)), 0o600))
				cfg, err := config.Load(path, app.Types(), os.LookupEnv)
				l.must(err)
				a, err := app.Start(t.Context(), app.Options{Config: cfg, Log: slog.New(slog.DiscardHandler)})
				if err == nil {
					l.must(a.Stop(context.Background()))
				}
				return err
			}
			var unclear *app.NamesError
			if err := start("  customer-status:", "  cs-two:"); !errors.As(err, &unclear) || !strings.Contains(err.Error(), "1 customer, 1 link") {
				t.Errorf("it started: %v", err)
			}
			l.must(start("  customer-status:", "  cs-two:\n    was: none"))
			// cs-two is another one now, and has no memory to lose yet; the old one is given back.
			l.must(start("  customer-status:", "  customer-status:"))
			l.must(start("  customer-status:", "  cs-three:\n    was: customer-status"))
			// Whoever has the old file still is told the new name.
			if err := start("xx", "xx"); !errors.As(err, &unclear) || !strings.Contains(err.Error(), "was renamed to cs-three") {
				t.Errorf("the old file: %v", err)
			}
		})
	}
}

// A connection that is renamed keeps what it has told, and takes webhooks that are
// sent to its old name.
func TestARenamedConnectionKeepsWhatItHasTold(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			l.customer(1)
			l.change(1, "evt_1", "on_hold")
			l.until("a word waits", func() bool { return len(l.exceptions(status.UnmappedStatus)) == 1 })
			text := strings.Replace(configText(l.dsn, l.billing.URL, l.crm.URL), "source: {connection: billing}", "source: {connection: bill2}", 1)
			if err := l.reloadFrom(t.Context(), text, "  billing:\n", "  bill2:\n"); err == nil ||
				!strings.Contains(err.Error(), "connections.bill2: the database does not know this connection, but has data of billing") {
				t.Fatalf("the renamed connection: %v", err)
			}
			l.must(l.reloadFrom(t.Context(), strings.Replace(text, "from: [paused]", "from: [paused, on_hold]", 1), "  billing:\n", "  bill2:\n    was: billing\n"))
			l.until("the word is carried", func() bool { return l.crm.Status("rec_1") == "Paused" && len(l.exceptions(status.UnmappedStatus)) == 0 })
			l.customer(2)
			l.change(2, "evt_2", "canceled") // to /hooks/billing
			l.until("it is taken at the old address", func() bool { return l.crm.Status("rec_2") == "Churned" })
			found, err := l.db.Events(t.Context(), store.EventFilter{})
			l.must(err)
			for _, e := range found {
				if e.Connection != "bill2" {
					t.Errorf("event %s is of %s", e.ID, e.Connection)
				}
			}
		})
	}
}

// A node whose file is older than another's takes nothing from the sync that it
// does not know.
func TestANodeWithTheOldFileLosesNoEventOfANewSync(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["postgres"](t))
	other := resttest.New(t)
	_, second, _ := strings.Cut(configText(l.dsn, l.billing.URL, l.crm.URL), "  customer-status:")
	_, target, _ := strings.Cut(configText(l.dsn, l.billing.URL, other.URL), "\n  crm:")
	target, _, _ = strings.Cut(target, "\nsyncs:")
	text := configText(l.dsn, l.billing.URL, l.crm.URL)
	text = strings.Replace(text, "\nsyncs:", "\n  crm2:"+target+"\nsyncs:", 1)
	text += "  second:" + strings.Replace(second, "target: {connection: crm}", "target: {connection: crm2}", 1)
	fresh := l.node(text)
	t.Cleanup(func() { l.must(fresh.Stop(context.Background())) })
	l.customer(1)
	other.Set(resttest.Record{ID: "other_1", Email: mail(1)})
	l.change(1, "evt_1", "paused") // to the node with the old file
	l.until("both targets have it", func() bool { return l.crm.Status("rec_1") == "Paused" && other.Status("other_1") == "Paused" })
}
