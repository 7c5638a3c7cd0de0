package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/store"
)

// While a sync is paused its events are stored and nothing is written; then each
// customer is synced once, as it is by then.
func TestAPausedSyncKeepsItsEventsAndWritesNothing(t *testing.T) {
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			h := byAPI{l.token(store.Operator)}
			l.carried(1)
			l.customer(2)
			l.change(2, "evt_2", "paused")
			l.quiet()
			before := len(l.crm.Written())
			var paused contract.PausedSync
			h.call(l, http.MethodPost, "/syncs/customer-status/pause", []byte(`{"reason":"importing contacts"}`), "", &paused)
			if !paused.Changed || paused.Paused == nil || paused.Paused.Reason != "importing contacts" {
				t.Fatalf("the answer is %+v", paused)
			}
			for i, word := range []string{"active", "canceled", "active", "canceled"} {
				l.change(1, "evt_while_paused_"+string(rune('a'+i)), word)
			}
			l.change(2, "evt_of_the_other", "canceled")
			var s contract.Sync
			l.until("five events wait", func() bool {
				h.call(l, http.MethodGet, "/syncs/customer-status", nil, "", &s)
				return s.WaitingEvents == 5 && s.WaitingCustomers == 2 && s.OldestWaiting != nil
			})
			if s.Paused == nil || len(l.crm.Written()) != before {
				t.Fatalf("it wrote %v, or does not say that it is paused: %+v", l.crm.Written()[before:], s.Paused)
			}
			var resumed contract.Resumed
			h.call(l, http.MethodPost, "/syncs/customer-status/resume", []byte(`{"reason":"the import is done"}`), "", &resumed)
			l.quiet()
			if written := l.crm.Written()[before:]; !resumed.Unpaused || len(written) != 2 || l.crm.Status("rec_1") != "Churned" || l.crm.Status("rec_2") != "Churned" {
				t.Errorf("after the pause (%+v) it wrote %v", resumed, written)
			}
		})
	}
}

// A process that claimed a customer just before the pause begins no write after it.
func TestNoWriteBeginsInAPause(t *testing.T) {
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			l.carried(1)
			before := len(l.crm.Written())
			var paused bool
			l.crm.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/rec_1") && !paused {
					paused = true
					_, _, err := l.db.PauseSync(t.Context(), "customer-status", "ana@example.com", "importing contacts")
					l.must(err)
				}
				return false
			})
			l.change(1, "evt_3", "canceled")
			l.until("the customer was read", func() bool {
				counts, err := l.db.Counts(t.Context())
				l.must(err)
				p, err := l.db.SyncPaused(t.Context(), "customer-status")
				l.must(err)
				return !p.Since.IsZero() && counts["customer-status"].WaitingEvents > 0
			})
			l.stop(time.Minute)
			if len(l.crm.Written()) != before {
				t.Errorf("it wrote %v in a pause", l.crm.Written()[before:])
			}
		})
	}
}
