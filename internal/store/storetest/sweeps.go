package storetest

import (
	"errors"
	"testing"
	"time"

	"trueup/internal/status"
	"trueup/internal/store"
)

// begin takes up a comparison of sync1.
func (f fixture) beginSweep(purpose store.Purpose, rules string) (store.Sweep, error) {
	f.Helper()
	return f.db.BeginSweep(f.ctx, store.Sweep{Sync: sync1, Purpose: purpose, Rules: rules, SourceListed: true, TargetListed: true}, lease)
}

var sweeps = map[string]func(*testing.T, Open){
	"one node compares at a time, and the next goes on where it was": func(t *testing.T, open Open) {
		f := fresh(t, open)
		first, err := f.beginSweep(store.ForSweep, "rules")
		f.must(err)
		first.SourceCursor, first.Summary.Sources = "page 2", 1
		first, err = f.db.SaveSweep(f.ctx, first, store.SweepPart{ReadAt: f.clock.Now(), Sources: []status.SourceRecord{{ID: "cus_1", Value: "active"}}}, lease)
		f.must(err)
		for _, purpose := range []store.Purpose{store.ForSweep, store.ForPlan} {
			var busy *store.SweepingError
			if _, err := f.beginSweep(purpose, "rules"); !errors.As(err, &busy) || busy.Sweep.Summary.Sources != 1 {
				t.Errorf("another %s is told %v", purpose, err)
			}
		}
		f.clock.Move(lease + time.Second)
		second, err := f.beginSweep(store.ForSweep, "rules")
		f.must(err)
		if second.ID != first.ID || second.SourceCursor != "page 2" {
			t.Errorf("the second begins at %+v", second)
		}
		for name, err := range map[string]error{
			"saves": func() error { _, err := f.db.SaveSweep(f.ctx, first, store.SweepPart{}, lease); return err }(),
			"keeps": f.db.KeepSweep(f.ctx, first, lease),
			"fails": f.db.FailSweep(f.ctx, first, "it is broken"),
		} {
			if !errors.Is(err, store.ErrSweepTaken) {
				t.Errorf("the first %s: %v", name, err)
			}
		}
		f.must(f.db.ReleaseSweep(f.ctx, first)) // it is not its to release
		if _, err := f.beginSweep(store.ForSweep, "rules"); err == nil {
			t.Error("the first released what the second has")
		}
		third, err := f.beginSweep(store.ForSweep, "other rules")
		if err == nil {
			t.Errorf("others began beside it: %+v", third)
		}
		f.must(f.db.ReleaseSweep(f.ctx, second))
		third, err = f.beginSweep(store.ForSweep, "other rules")
		f.must(err)
		if third.ID == second.ID || third.SourceCursor != "" {
			t.Errorf("under other rules it begins at %+v", third)
		}
	},
	"a repair makes customers due, known or not": func(t *testing.T, open Open) {
		f := fresh(t, open)
		w, err := f.beginSweep(store.ForSweep, "rules")
		f.must(err)
		f.receive(event("evt_1", "cus_1"))
		works, err := f.db.Claim(f.ctx, sync1, 10, lease)
		f.must(err)
		f.must(f.db.Settle(f.ctx, &works[0], store.Settlement{Outcome: status.Applied, Events: []store.EventOutcome{{Seq: works[0].Events[0].Seq, Outcome: status.Applied}}}))
		if due, err := f.db.NextDue(f.ctx, sync1); err != nil || !due.IsZero() {
			t.Fatalf("due is %s, %v", due, err)
		}
		_, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{Wake: []string{"cus_2", "cus_1"}}, lease)
		f.must(err)
		works, err = f.db.Claim(f.ctx, sync1, 10, lease)
		f.must(err)
		if len(works) != 2 {
			t.Errorf("%d are due", len(works))
		}
		known, err := f.db.Known(f.ctx, sync1, []string{"cus_1", "cus_2", "cus_3"})
		f.must(err)
		if !known["cus_1"].Stored || !known["cus_2"].Stored || known["cus_3"].Stored || known["cus_1"].Fence != 2 {
			t.Errorf("known are %+v", known)
		}
	},
	"since when a sync is live changes with its mode only": func(t *testing.T, open Open) {
		f := fresh(t, open)
		since := func() time.Time {
			at, err := f.db.LiveSince(f.ctx, sync1)
			f.must(err)
			return at
		}
		if !since().IsZero() {
			t.Error("one that was never started is live")
		}
		f.must(f.db.SetMode(f.ctx, sync1, false))
		f.clock.Move(time.Hour)
		if !since().IsZero() {
			t.Error("one that watches is live")
		}
		f.must(f.db.SetMode(f.ctx, sync1, true))
		live := f.clock.Now()
		f.clock.Move(time.Hour)
		f.must(f.db.SetMode(f.ctx, sync1, true))
		if !since().Equal(live) {
			t.Errorf("it is live since %s", since())
		}
		f.must(f.db.SetMode(f.ctx, sync1, false))
		f.must(f.db.SetMode(f.ctx, sync1, true))
		if !since().Equal(f.clock.Now()) {
			t.Errorf("after a pause it is live since %s", since())
		}
	},
}
