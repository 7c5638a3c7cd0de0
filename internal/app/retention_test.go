package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/metrics"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

func TestWhatWasDeletedIsLoggedOnlyWhereSomethingWas(t *testing.T) {
	clock := storetest.NewClock()
	db, err := store.Open(t.Context(), store.Options{DSN: storetest.File(t), Migrate: true, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	var log bytes.Buffer
	r := retention{Retention: config.Retention{Payloads: 30 * 24 * time.Hour, History: 400 * 24 * time.Hour}, db: db, log: slog.New(slog.NewTextHandler(&log, nil)), metrics: metrics.New()}
	if _, _, err := db.PauseSync(t.Context(), "customer-status", "ana@example.com", "a test"); err != nil {
		t.Fatal(err)
	}
	if err := r.deleteAll(t.Context()); err != nil || log.Len() > 0 {
		t.Errorf("nothing is old, and it logs %s (%v)", log.String(), err)
	}
	clock.Move(401 * 24 * time.Hour)
	if err := r.deleteAll(t.Context()); err != nil || !strings.Contains(log.String(), `"old data deleted" activity=1`) || strings.Contains(log.String(), "=0") {
		t.Errorf("what a person did is old, and it logs %s (%v)", log.String(), err)
	}
}
