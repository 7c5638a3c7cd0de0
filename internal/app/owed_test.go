package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/trueup-sync/trueup/internal/exceptions"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// owed is how many customers wait until the sync is live again.
func (l *live) owed() int {
	l.Helper()
	counts, err := l.db.Counts(l.Context())
	l.must(err)
	return counts["customer-status"].Owed
}

// What was accepted while a sync was live is carried, though it only watches for a
// while in between: when the target is away, when a halt keeps customers waiting,
// and when a word is given its meaning meanwhile.
func TestAShortWatchUsesUpNobodyWhoWaits(t *testing.T) {
	t.Parallel()
	const watch, live = "mode: watch", "mode: live"
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t))
			const customers = 6
			for n := range customers {
				l.customer(n)
				l.change(n, fmt.Sprint("evt_", n), "active")
			}
			l.quiet()
			l.crm.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			})
			for n := range customers - 1 {
				l.change(n, fmt.Sprint("evt_gone_", n), "canceled")
			}
			l.change(customers-1, "evt_word", "on_hold")
			l.until("a word waits", func() bool { return len(l.exceptions(status.UnmappedStatus)) == 1 })

			l.must(l.reload("mode: live", watch))
			l.crm.Instead(nil)
			l.must(l.reloadFrom(t.Context(), strings.Replace(configText(l.dsn, l.billing.URL, l.crm.URL), "from: [paused]", "from: [paused, on_hold]", 1), "mode: live", watch))
			l.until("everybody was looked at", func() bool {
				counts, err := l.db.Counts(t.Context())
				return err == nil && counts["customer-status"].WaitingEvents == 0 && len(l.exceptions(status.UnmappedStatus)) == 0
			})
			if n := l.churned(); n != 0 || l.owed() != customers {
				t.Errorf("%d were written while it watched, and %d of %d are said to wait", n, l.owed(), customers)
			}
			l.must(l.reloadFrom(t.Context(), strings.Replace(configText(l.dsn, l.billing.URL, l.crm.URL), "from: [paused]", "from: [paused, on_hold]", 1), "mode: live", live))
			l.until("all are carried", func() bool { return l.churned() == customers-1 && l.crm.Status("rec_5") == "Paused" })
			l.until("nobody is owed any more", func() bool { return l.owed() == 0 })
			if n := len(l.crm.Written()); n != 2*customers {
				t.Errorf("%d writes for %d changes", n, 2*customers)
			}
		})
	}
}

// Who waits at a halted sync goes on waiting while it only watches, and resume
// says what to do instead of letting them through to where nothing is written.
func TestASyncThatWatchesIsNotResumed(t *testing.T) {
	t.Parallel()
	const limits = "    limits: {mass_change: {to: [churned], customers: 2, within: 1h}}\n"
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t), limits)
			const customers = 6
			for n := range customers {
				l.customer(n)
				l.change(n, fmt.Sprint("evt_", n), "active")
			}
			l.quiet()
			for n := range customers {
				l.change(n, fmt.Sprint("evt_gone_", n), "canceled")
			}
			l.quiet()
			text := configText(l.dsn, l.billing.URL, l.crm.URL) + limits
			l.must(l.reloadFrom(t.Context(), text, "mode: live", "mode: watch"))
			_, err := exceptions.Resume(t.Context(), l.db, store.Resume{Sync: "customer-status", Who: "ana", Reason: "checked"})
			if err == nil || !strings.Contains(err.Error(), "mode: watch") {
				t.Errorf("it was resumed: %v", err)
			}
			l.must(l.reloadFrom(t.Context(), text, "mode: live", "mode: live"))
			l.quiet()
			_, err = exceptions.Resume(t.Context(), l.db, store.Resume{Sync: "customer-status", Who: "ana", Reason: "checked"})
			l.must(err)
			l.until("all are carried", func() bool { return l.churned() == customers })
		})
	}
}
