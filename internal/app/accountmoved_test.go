package app_test

import (
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/compare"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector/httpconn/resttest"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// production is another account of the target, in which a record has the id of
// the customer's record in the sandbox and belongs to somebody else.
func (l *live) production() *resttest.Tool {
	p := resttest.New(l.T)
	p.Set(resttest.Record{ID: "rec_1", Email: mail(7), Status: "Active", UpdatedBy: "human:ben"})
	p.Set(resttest.Record{ID: "rec_50", Email: mail(1), UpdatedBy: "human:ben"})
	return p
}

// moves goes on with the target under another address.
func (l *live) moves(to *resttest.Tool) *config.Config {
	l.Helper()
	l.crm = to
	l.must(l.reload("listen: 127.0.0.1:0", "listen: 127.0.0.1:0"))
	cfg, err := config.Load(l.configFile(), app.Types(), os.LookupEnv)
	l.must(err)
	return cfg
}

// waits reports whether the sync carries nothing and says why.
func (l *live) waits(cfg *config.Config) bool {
	l.Helper()
	row, err := overview.Sync(l.Context(), l.db, "customer-status", cfg.Syncs["customer-status"])
	l.must(err)
	open := l.exceptions(status.ConnectionFailed)
	return row.WaitingEvents > 0 && len(row.AccountMoved) == 1 && row.AccountMoved[0].Side == "target" &&
		len(open) == 1 && strings.Contains(open[0].Reason.Advice(), "remove all links")
}

// A link names a record of one account. In another one the same id is somebody
// else's, so nothing is carried until a person says which account it is.
func TestAnotherAccountUnderTheLinksIsNotWritten(t *testing.T) {
	t.Parallel()
	for engine, dsn := range engines {
		t.Run(engine+"/the links are removed", func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			l.carried(1)
			cfg := l.moves(l.production())
			l.change(1, "evt_2", "canceled")
			l.until("it waits and says why", func() bool { return l.waits(cfg) })
			if text := l.metrics(); !strings.Contains(text, `trueup_account_moved{sync="customer-status"} 1`) {
				t.Error("the metrics do not say so")
			}
			for what, err := range map[string]error{
				"a plan":   second(app.MakePlan(t.Context(), cfg, l.db, "customer-status", nil)),
				"an apply": second(app.Apply(t.Context(), cfg, l.db, app.ApplyRequest{Rows: compare.Selection{Plan: store.Sweep{Sync: "customer-status"}}})),
			} {
				if err == nil || !strings.Contains(err.Error(), "the links belong to a different target account") {
					t.Errorf("%s: %v", what, err)
				}
			}
			n, err := l.db.RemoveLinks(t.Context(), "customer-status", ana, overview.Accounts(cfg.Syncs["customer-status"]))
			if err != nil || n != 1 {
				t.Fatal(n, err)
			}
			l.until("it is carried to whom it is about", func() bool { return l.crm.Status("rec_50") == "Churned" })
			l.quiet()
			if got := l.crm.Written(); !slices.Equal(got, []string{"rec_50:  → Churned"}) {
				t.Errorf("written in the other account: %q", got)
			}
			if open := l.exceptions(status.ConnectionFailed); len(open) > 0 {
				t.Errorf("still open: %+v", open)
			}
		})
		t.Run(engine+"/it is the same account", func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			l.carried(1)
			moved := resttest.New(t)
			moved.Set(resttest.Record{ID: "rec_1", Email: mail(1), Status: "Paused", UpdatedBy: "api:trueup"})
			cfg := l.moves(moved)
			l.change(1, "evt_2", "canceled")
			l.until("it waits and says why", func() bool { return l.waits(cfg) })
			if _, err := l.db.SameAccounts(t.Context(), "customer-status", ana, overview.Accounts(cfg.Syncs["customer-status"])); err != nil {
				t.Fatal(err)
			}
			l.until("it is carried", func() bool { return l.crm.Status("rec_1") == "Churned" })
			l.quiet()
			if open := l.exceptions(status.ConnectionFailed); len(open) > 0 {
				t.Errorf("still open: %+v", open)
			}
		})
		t.Run(engine+"/the file is put back", func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			l.carried(1)
			sandbox, other := l.crm, l.production()
			cfg := l.moves(other)
			l.change(1, "evt_2", "canceled")
			l.until("it waits and says why", func() bool { return l.waits(cfg) })
			l.moves(sandbox)
			l.until("it is carried", func() bool { return sandbox.Status("rec_1") == "Churned" })
			if got := other.Written(); len(got) > 0 || len(l.exceptions(status.ConnectionFailed)) > 0 {
				t.Errorf("written in the other account: %q; open: %+v", got, l.exceptions(status.ConnectionFailed))
			}
		})
	}
}

// Whoever corrects a mistyped address, or turns a key, is not asked anything.
func TestNothingIsAskedWhereNoLinkIsOfTheOtherAccount(t *testing.T) {
	t.Parallel()
	l := newLive(t, engines["sqlite"](t))
	right := resttest.New(t)
	l.moves(right)
	l.customer(1)
	l.change(1, "evt_1", "paused")
	l.until("it is carried", func() bool { return right.Status("rec_1") == "Paused" })
}

func second[T any](_ T, err error) error { return err }

// metrics is what a scrape gets.
func (l *live) metrics() string {
	l.Helper()
	resp, err := http.Get(l.app.URL() + "/metrics")
	l.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	l.must(err)
	return string(text)
}
