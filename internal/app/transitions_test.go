package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/decide"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// closed is a rule for paused whose hours are days away, whatever day it is.
func closed() string {
	day := strings.ToLower(time.Now().UTC().AddDate(0, 0, 3).Format("Mon"))
	return fmt.Sprintf("    transitions: {paused: {hours: {days: [%s], from: \"00:00\", to: \"24:00\", zone: UTC}}}\n", day)
}

// What waits is no queue and needs no person. It waits on after a restart, and is
// written as soon as a changed file lets it.
func TestAChangeWaitsForItsHoursAcrossARestart(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t), closed())
			h := byAPI{l.token(store.Operator)}
			l.carried(1)
			waits := func() time.Time {
				t.Helper()
				c, err := l.db.Customer(t.Context(), "customer-status", "cus_1")
				l.must(err)
				if c.Outcome != status.Held || c.Reason.Code != decide.ChangeWaits || !c.DueAt.Equal(c.Reason.Facts.Until) || !c.DueAt.After(time.Now().Add(24*time.Hour)) {
					t.Fatalf("it is %s (%s) and due at %s", c.Outcome, c.Reason, c.DueAt)
				}
				return c.DueAt
			}
			until := waits()
			var s contract.Sync
			h.call(l, http.MethodGet, "/syncs/customer-status", nil, "", &s)
			if s.Delayed == nil || s.Delayed.Customers != 1 || !s.Delayed.Next.Equal(until) || s.Held != 0 || s.WaitingEvents != 0 || len(s.OpenExceptions) > 0 {
				t.Errorf("the sync is shown as %+v (%+v)", s, s.Delayed)
			}
			l.stop(time.Minute)
			l.app = l.node(configText(l.dsn, l.billing.URL, l.crm.URL) + closed())
			l.change(2, "evt_of_another", "incomplete") // and once that has ended, what was due at the start has been looked at
			l.quiet()
			if again := waits(); !again.Equal(until) || len(l.crm.Written()) > 0 {
				t.Errorf("after the restart it waits until %s, written %v", again, l.crm.Written())
			}
			l.must(l.reload("match: [", "transitions: {paused: at once}\n    match: ["))
			l.until("it is written", func() bool { return l.crm.Status("rec_1") == "Paused" })
			h.call(l, http.MethodGet, "/syncs/customer-status", nil, "", &s)
		})
	}
}

func TestAChangeIsWrittenOnceItHasLastedOnEachEngine(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			l := newLive(t, dsn(t), "    transitions: {paused: {after: 1s}}\n")
			l.carried(1)
			l.until("it is written", func() bool { return l.crm.Status("rec_1") == "Paused" })
			l.until("that is settled", func() bool {
				c, err := l.db.Customer(t.Context(), "customer-status", "cus_1")
				return err == nil && c.Outcome == status.Applied
			})
			past, err := l.db.History(t.Context(), "customer-status", "cus_1", 10)
			l.must(err)
			if len(past) != 2 || past[1].Reason.Code != decide.ChangeWaits || past[0].At.Before(past[1].Reason.Facts.Until.Truncate(time.Millisecond)) {
				t.Errorf("its history is %+v", past)
			}
		})
	}
}
