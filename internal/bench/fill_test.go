package bench

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// A batch that finds only what it must keep is another measurement than one that deletes:
// of a customer who is settled, all but the latest event may go.
func TestRetentionDeletesWholeBatchesOfWhatWasFilled(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "trueup.db")
	if err := fill(t.Context(), sqliteEngine{}, dsn, 100, 1_050); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	total, after := 0, int64(0)
	for _, want := range []int{200, 200, 200, 200, 150} {
		n, next, err := db.DeleteOld(t.Context(), store.OldEvents, time.Now().Add(-filledAge/2), after, 200)
		if err != nil || n != want {
			t.Fatalf("after %d events a batch deleted %d, not %d, %v", total, n, want, err)
		}
		total, after = total+n, next
	}
}
