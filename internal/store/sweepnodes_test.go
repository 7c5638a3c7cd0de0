package store_test

import (
	"strings"
	"testing"
	"time"

	"trueup/internal/store"
)

// A comparison was left: it has found her record by a match rule, and there is no link yet.
func TestForgettingLooksIntoAnUnfinishedComparison(t *testing.T) {
	database := engines["sqlite"](t)
	db := open(t, store.Options{DSN: database, Migrate: true})
	raw := rawOf(t, "sqlite", database)
	ctx := t.Context()
	if _, err := db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "evt_1", Customer: theirID}}); err != nil {
		t.Fatal(err)
	}
	works, err := db.Claim(ctx, theSync, 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Settle(ctx, &works[0], store.Settlement{Outcome: "parked", Email: theirMail}); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		"insert into sweeps (id, sync, purpose, phase, rules, source_listed, target_listed, began_at) values (77, '" + theSync + "', 'plan', 'compare', '', 1, 1, 1)",
		"insert into sweep_targets (sweep, target_id, value, edited_at, field_time, actor, edited_by, revision, keys, read_at, taken_by) values (77, '" + theirRec + "', 'Active', 1, 0, '', '', '', '{}', 1, '" + theirID + "')",
		"insert into sweep_keys (sweep, name, value, target_id) values (77, 'email', '" + strings.ToLower(theirMail) + "', '" + theirRec + "')",
	} {
		if _, err := raw.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Forget(ctx, theSync, theirID, theirID); err != nil {
		t.Fatal(err)
	}
	left := where(t, raw, textColumns(t, "sqlite", raw), theirID, theirMail)
	if len(left) > 0 {
		t.Errorf("she still stands in\n%s", strings.Join(left, "\n"))
	}
}
