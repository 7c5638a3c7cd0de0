package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// Two nodes on one PostgreSQL share the customers; one of them is stopped on
// the way. Each change is written once.
func TestTwoNodesShareTheWork(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		shareTheWork(t, pgtest.DSN(t), "")
	})
	t.Run("through PgBouncer", func(t *testing.T) {
		t.Parallel()
		shareTheWork(t, pgtest.ThroughBouncer(t, pgtest.DSN(t)), "a connection pooler stands before PostgreSQL")
	})
}

// shareTheWork is the history on one database; said is what a node tells of it at its start.
func shareTheWork(t *testing.T, dsn, said string) {
	const customers = 60
	l := newLive(t, dsn)
	path := filepath.Join(t.TempDir(), "trueup.yaml")
	if err := os.WriteFile(path, []byte(configText(l.dsn, l.billing.URL, l.crm.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, app.Types(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	other, err := app.Start(t.Context(), app.Options{Config: cfg, Version: "test", Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for n := range customers {
		l.customer(n)
		l.change(n, fmt.Sprint("evt_", n), "paused")
		if n == customers/2 {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			if err := other.Stop(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := log.String(); strings.Contains(got, "pooler") != (said != "") || !strings.Contains(got, said) {
		t.Errorf("at its start a node says %s", got)
	}
	l.until("nothing waits", func() bool {
		counts, err := l.db.Counts(t.Context())
		return err == nil && counts["customer-status"].WaitingCustomers == 0
	})
	written := map[string]int{}
	for _, w := range l.crm.Written() {
		written[w]++
	}
	for n := range customers {
		if line := fmt.Sprintf("rec_%d:  → Paused", n); written[line] != 1 {
			t.Errorf("%q was written %d times", line, written[line])
		}
	}
	if open, err := l.db.Exceptions(t.Context(), store.ExceptionFilter{}); err != nil || len(open) > 0 {
		t.Errorf("exceptions: %v, %v", open, err)
	}
}

// A process shows for as long as it works.
func TestAProcessIsSeenUntilItStops(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			nodes, err := l.db.Nodes(t.Context())
			if err != nil || len(nodes) != 1 || nodes[0].Version != "test" || !strings.HasSuffix(l.app.URL(), nodes[0].Name[strings.LastIndex(nodes[0].Name, ":"):]) {
				t.Fatalf("%+v, %v", nodes, err)
			}
			enter, err := l.app.EnterLink(t.Context(), "Ana", "ana@example.com")
			if err != nil {
				t.Fatal(err)
			}
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			page, err := (&http.Client{Jar: jar}).Get(enter)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(page.Body)
			if err = errors.Join(err, page.Body.Close()); err != nil || !strings.Contains(string(text), "1 node working") || !strings.Contains(string(text), "Billing decides. CRM follows.") {
				t.Errorf("the first page says %s, %v", text, err)
			}
			l.stop(2 * time.Minute)
			if nodes, err = l.db.Nodes(t.Context()); err != nil || len(nodes) > 0 {
				t.Errorf("%+v, %v", nodes, err)
			}
		})
	}
}
