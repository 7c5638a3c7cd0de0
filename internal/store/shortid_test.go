package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"trueup/internal/status"
	"trueup/internal/store"
)

// The event ids that polling makes are our own texts: list:<customer>:<time>:<value>.
func TestAShortIDDoesNotStayInOurOwnIDs(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "t.db")
	db := open(t, store.Options{DSN: dsn, Migrate: true})
	ctx := t.Context()
	const id = "j7q" // short: no name wherever it stands
	e := store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "list:" + id + ":1767225600000:0123abcd", Customer: id, OccurredAt: time.Now(), Payload: []byte("x")}
	if _, err := db.Receive(ctx, []store.NewEvent{e}); err != nil {
		t.Fatal(err)
	}
	works, err := db.Claim(ctx, theSync, 10, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Settle(ctx, &works[0], store.Settlement{Outcome: status.Ignored, Desired: &store.Desired{SourceValue: "active", Event: e.ID}, Events: []store.EventOutcome{{Seq: 1, Outcome: status.Ignored}}}); err != nil {
		t.Fatal(err)
	}
	w, err := db.BeginSweep(ctx, store.Sweep{Sync: theSync, Purpose: store.ForSweep, Rules: "r"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	w.Phase, w.ComparedTo = store.PhaseDone, id
	if _, err := db.SaveSweep(ctx, w, store.SweepPart{}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Forget(ctx, theSync, id, id); err != nil {
		t.Fatal(err)
	}
	raw := rawOf(t, "sqlite", dsn)
	for _, found := range where(t, raw, textColumns(t, "sqlite", raw), id) {
		t.Error(found)
	}
}
