package app_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"trueup/internal/app"
	"trueup/internal/config"
	"trueup/internal/overview"
	"trueup/internal/store"
	"trueup/internal/store/storetest"
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
