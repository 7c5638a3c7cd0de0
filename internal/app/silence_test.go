package app_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/app"
	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/contract"
	"github.com/trueup-sync/trueup/internal/overview"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// That a source has fallen silent is seen although nobody is told of anything.
func TestSilenceIsSeenWithoutSlack(t *testing.T) {
	t.Parallel()
	dsn := storetest.File(t)
	now := time.Now().Add(-5 * time.Hour)
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 30 {
		now = now.Add(time.Minute)
		if _, err := db.Receive(t.Context(), []store.NewEvent{{Connection: "billing", Sync: "customer-status", Side: store.SourceSide, ID: fmt.Sprint("evt_", n), Customer: "cus_1"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	l := newLive(t, dsn)
	l.until("the silence is said", func() bool { return l.stands("", "").Silence != nil })
	cfg, err := config.Load(l.configFile(), app.Types(), os.LookupEnv)
	l.must(err)
	s, err := overview.Status(t.Context(), l.db, cfg)
	l.must(err)
	if !slices.Contains(s.NeedsPerson, "customer-status: billing has gone silent") {
		t.Errorf("what needs a person: %q", s.NeedsPerson)
	}
}

// A source that is polled every 10 seconds brings every change, and its webhooks
// have been off for hours: that is an alarm.
func TestPolledEventsDoNotHideThatWebhooksAreOff(t *testing.T) {
	t.Parallel()
	dsn := storetest.File(t)
	now := time.Now().Add(-5 * time.Hour)
	db, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 60 { // half of them sent, then all polled
		now = now.Add(5 * time.Minute)
		e := store.NewEvent{Connection: "billing", Sync: "customer-status", Side: store.SourceSide, ID: fmt.Sprint("evt_", n), Customer: "cus_1", Listed: n >= 30}
		if _, err := db.Receive(t.Context(), []store.NewEvent{e}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	l := newLive(t, dsn)
	l.until("the alarm is on", func() bool {
		s, err := l.app.Status(t.Context())
		return err == nil && slices.ContainsFunc(s.Alarms, func(a contract.Alarm) bool { return a.Alarm == status.AlarmSilent })
	})
	if text := l.metrics(); !strings.Contains(text, `trueup_alarm{alarm="silent",sync="customer-status"} 1`) || !strings.Contains(text, `trueup_alarm{alarm="paused",sync="customer-status"} 0`) {
		t.Errorf("the metrics are %s", text)
	}
}
