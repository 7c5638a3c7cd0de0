package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
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

// A fact is replaced by its key, whatever the sentence says; a number that is no
// name stays, and what fails for a whole sync can still be opened and closed.
func TestFactsAreForgottenByKey(t *testing.T) {
	dsn := filepath.Join(t.TempDir(), "t.db")
	db := open(t, store.Options{DSN: dsn, Migrate: true})
	ctx := t.Context()
	const id, mail = "4711", "jane@example.com"
	for _, customer := range []string{id, "2"} {
		e := store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "evt of " + customer[:1], Customer: customer, Payload: []byte("x")}
		if _, err := db.Receive(ctx, []store.NewEvent{e}); err != nil {
			t.Fatal(err)
		}
	}
	works, err := db.Claim(ctx, theSync, 10, time.Minute)
	if err != nil || len(works) != 2 {
		t.Fatal(works, err)
	}
	inner := reason.Reason{Code: reason.SurvivorTaken, Facts: reason.Facts{Record: "903", Survivor: "904", Customer: id}}
	why := reason.Because(reason.ByPlan, reason.Facts{Plan: "abc", By: mail, Count: 4711}, inner)
	for i := range works {
		w := &works[i]
		s := store.Settlement{Outcome: status.Parked, Reason: why, Events: []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: status.Parked, Reason: why}},
			Decision: &store.Decision{Sync: theSync, Customer: w.Customer, Action: "park", Stage: status.StageMatch, Outcome: status.Parked, Reason: why},
			Park:     &store.NewException{Sync: theSync, Customer: w.Customer, Kind: status.DuplicateLink, Stage: status.StageMatch, Reason: why}}
		if err := db.Settle(ctx, w, s); err != nil {
			t.Fatal(err)
		}
	}
	fails := store.NewException{Sync: theSync, Kind: status.ConnectionFailed, Stage: status.StageReceive, LastAction: "asked for changes",
		Reason: reason.Reason{Code: reason.ConnectionFails, Facts: reason.Facts{Doing: reason.Polling, Connection: "billing", Detail: "no such address: " + mail}}}
	if _, err := db.OpenException(ctx, fails); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Forget(ctx, theSync, id, mail); err != nil {
		t.Fatal(err)
	}
	raw := rawOf(t, "sqlite", dsn)
	columns := textColumns(t, "sqlite", raw)
	for _, found := range where(t, raw, columns, `"`+id+`"`, mail) {
		t.Error(found)
	}
	other, err := db.Customer(ctx, theSync, "2")
	if err != nil || !other.Reason.Has(reason.SurvivorTaken) || other.Reason.Facts.Count != 4711 || other.Reason.Facts.Because.Facts.Record != "903" ||
		!store.IsForgotten(other.Reason.Facts.Because.Facts.Customer) {
		t.Errorf("of the other is kept %+v, %v", other.Reason.Facts, err)
	}
	if _, err := db.OpenException(ctx, fails); err != nil {
		t.Error(err)
	}
	if n, err := db.CloseExceptions(ctx, theSync, "", status.ConnectionFailed, fails.LastAction); err != nil || n != 1 {
		t.Errorf("%d closed, %v", n, err)
	}
}
