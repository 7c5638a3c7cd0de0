package store_test

import (
	"context"
	"errors"
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
