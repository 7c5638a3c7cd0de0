package store_test

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/pgtest"
)

// A comparison fills a table within seconds, which PostgreSQL counts by itself a
// minute later: until then it would plan as for a small one.
func TestWhatAComparisonHasFilledIsCounted(t *testing.T) {
	dsn := pgtest.DSN(t)
	db := open(t, store.Options{DSN: dsn, Migrate: true})
	w, err := db.BeginSweep(t.Context(), store.Sweep{Sync: theSync, Purpose: store.ForPlan, Rules: "r", SourceListed: true, TargetListed: true}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	w.Phase = store.PhaseDone
	if _, err := db.SaveSweep(t.Context(), w, store.SweepPart{Seen: map[string]store.Seen{"cus_1": {Value: "active", At: time.Now()}}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	rows := 0.0
	if err := rawOf(t, "postgres", dsn).QueryRow("select reltuples from pg_class where relname = 'seen' and relnamespace = current_schema()::regnamespace").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("it is known to have %g rows, %v", rows, err)
	}
}
