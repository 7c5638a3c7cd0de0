package store_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// Ids of the source and of the target are numbers often, and the same ones.
func TestARecordOfTheSameIdIsNotThePerson(t *testing.T) {
	db := open(t, store.Options{DSN: storetest.File(t), Migrate: true})
	ctx := t.Context()
	w, err := db.BeginSweep(ctx, store.Sweep{Sync: theSync, Purpose: store.ForPlan, Rules: "r", SourceListed: true, TargetListed: true}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	w.Phase = store.PhaseDone
	_, err = db.SaveSweep(ctx, w, store.SweepPart{Rows: []store.PlanRow{{Customer: "17", TargetID: "55", Action: "write"}, {Customer: "99", TargetID: "17", Action: "write"}},
		Seen: map[string]store.Seen{"17": {Value: "active", At: time.Now()}, "99": {Value: "active", At: time.Now()}}}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	f, err := db.Forget(ctx, theSync, "", "17")
	if err != nil || f.Customer != "17" {
		t.Errorf("17 was to be forgotten, and %q was: %v", f.Customer, err)
	}
}

// hooked is a context that does something whenever it is asked.
type hooked struct {
	context.Context
	hook func()
}

func (h hooked) Done() <-chan struct{} { h.hook(); return h.Context.Done() }

func TestForgettingLeavesAComparisonThatBeginsAfterIt(t *testing.T) {
	dsn := storetest.File(t)
	db, other := open(t, store.Options{DSN: dsn, Migrate: true}), open(t, store.Options{DSN: dsn})
	ctx := t.Context()
	begin := store.Sweep{Sync: theSync, Purpose: store.ForPlan, Rules: "r", SourceListed: true, TargetListed: true}
	page := store.SweepPart{ReadAt: time.Now(), Sources: []status.SourceRecord{{ID: "cus_other", Value: "active"}}}
	w, err := other.BeginSweep(ctx, begin, time.Minute)
	if err == nil {
		_, err = other.SaveSweep(ctx, w, page, time.Minute)
	}
	if err != nil {
		t.Fatal(err)
	}
	var begun atomic.Bool
	var next store.Sweep
	// As soon as the first is ended, another process begins one and reads a page.
	hook := func() {
		if _, err := other.SweepUnderWay(ctx, theSync, store.ForPlan); !errors.Is(err, store.ErrNotFound) || !begun.CompareAndSwap(false, true) {
			return
		}
		var err error
		if next, err = other.BeginSweep(ctx, begin, time.Minute); err == nil {
			next, err = other.SaveSweep(ctx, next, page, time.Minute)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := db.Forget(hooked{ctx, hook}, theSync, "", "nobody@example.com"); err != nil {
		t.Fatal(err)
	}
	if !begun.Load() {
		t.Fatal("no other comparison was begun")
	}
	n := 0
	for range other.EachSweepPage(ctx, next) {
		n++
	}
	if err := other.KeepSweep(ctx, next, time.Minute); err != nil || n != 1 {
		t.Errorf("the next one goes on (%v) with %d of 1 page", err, n)
	}
}

// A row that failed may be tried again, but not for someone who is forgotten: the tools
// would be asked for a customer whose name is made up.
func TestARowThatFailedIsNotTriedAgainForSomeoneWhoIsForgotten(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			database := dsn(t)
			db := open(t, store.Options{DSN: database, Migrate: true})
			raw := rawOf(t, engine, database)
			planted(t, db, raw)
			if _, err := raw.Exec("update plan_rows set state = 'failed', note = 'no answer', ended_at = 1"); err != nil {
				t.Fatal(err)
			}
			done, err := db.Forget(t.Context(), theSync, theirID, "")
			if err != nil {
				t.Fatal(err)
			}
			for r, err := range db.EachPlanRow(t.Context(), 77) {
				if err != nil || r.Customer != done.Pseudonym || r.State != store.RowRefused || r.Note != "the customer was forgotten" {
					t.Errorf("the row is %+v, %v", r, err)
				}
			}
			var ended *store.RowEndedError
			if _, ok, err := db.ClaimOne(t.Context(), theSync, done.Pseudonym, 77, time.Minute); ok || !errors.As(err, &ended) {
				t.Errorf("the row is claimed: %v, %v", ok, err)
			}
		})
	}
}

// An event whose id was used for something else before is kept apart. When it is sent
// again after its customer was forgotten, nothing is stored, and so no name.
func TestAnEventKeptApartThatIsSentAgainNamesNobodyWhoIsForgotten(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			database := dsn(t)
			db := open(t, store.Options{DSN: database, Migrate: true})
			raw := rawOf(t, engine, database)
			event := func(customer string) store.NewEvent {
				return store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "evt_1", Customer: customer, Value: "active", HasValue: true, Payload: []byte(`{"of":"` + customer + `"}`)}
			}
			receive := func(e store.NewEvent, want store.Arrival) {
				t.Helper()
				if got, err := db.Receive(t.Context(), []store.NewEvent{e}); err != nil || got[0] != want {
					t.Fatalf("it arrived as %v, %v", got, err)
				}
			}
			receive(event("cus_2"), store.Fresh)
			receive(event(theirID), store.Reused)
			if _, err := db.Forget(t.Context(), theSync, theirID, ""); err != nil {
				t.Fatal(err)
			}
			receive(event(theirID), store.Repeat)
			if names := where(t, raw, textColumns(t, engine, raw), theirID); len(names) > 0 {
				t.Errorf("she still stands in\n%s", strings.Join(names, "\n"))
			}
		})
	}
}
