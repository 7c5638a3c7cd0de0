package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// atWork is a sync that writes, of a process that says so, with a customer who waits.
func atWork(t *testing.T, open Open) fixture {
	t.Helper()
	f := fresh(t, open)
	f.must(f.db.SetMode(f.ctx, sync1, true))
	f.notCopied()
	n, err := f.db.EnterNode(f.ctx, "host-1:8080", "1.0.0")
	f.must(err)
	f.must(f.db.SeeNode(f.ctx, n))
	f.receive(event("evt_1", "cus_1"))
	return f
}

// noticeCopy looks for signs that the database is an older copy.
func (f fixture) noticeCopy() *store.OlderCopy {
	f.Helper()
	older, err := f.db.NoticeCopy(f.ctx, map[string]bool{sync1: true})
	f.must(err)
	return older
}

func (f fixture) notCopied() {
	f.Helper()
	if older := f.noticeCopy(); older != nil {
		f.Errorf("it is taken for an older copy: %+v", older)
	}
}

var copies = map[string]func(*testing.T, Open){
	"a database that was in use is no copy of itself": func(t *testing.T, open Open) {
		f := atWork(t, open)
		f.notCopied()
		f.clock.Move(23 * time.Hour)
		f.notCopied()
		f.clock.Move(23 * time.Hour)
		f.notCopied()
		if w := f.claimOne(); len(w.Events) != 1 {
			t.Errorf("its event is gone: %+v", w)
		}
	},
	"a comparison is a sign of life too": func(t *testing.T, open Open) {
		f := atWork(t, open)
		f.clock.Move(20 * time.Hour)
		f.swept(1, 0)
		f.clock.Move(20 * time.Hour)
		f.notCopied()
	},
	"a sync that only watches is not paused": func(t *testing.T, open Open) {
		f := atWork(t, open)
		f.must(f.db.SetMode(f.ctx, sync1, false))
		f.clock.Move(25 * time.Hour)
		f.notCopied()
		if paused, err := f.db.SyncPaused(f.ctx, sync1); err != nil || !paused.Since.IsZero() {
			t.Errorf("it is paused: %+v, %v", paused, err)
		}
	},
	"what may be an older copy writes nothing until a plan was made, and then nothing that waited in it": func(t *testing.T, open Open) {
		f := atWork(t, open)
		f.clock.Move(25 * time.Hour)
		older := f.noticeCopy()
		if older == nil || older.Why.Code != reason.CopyUnused || !slices.Equal(older.Paused, []string{sync1}) || older.Waiting != 1 {
			t.Fatalf("noticed %+v", older)
		}
		if works := f.claimNow(sync1); len(works) != 0 {
			t.Errorf("what waited is due: %+v", works)
		}
		found, err := f.db.Events(f.ctx, store.EventFilter{Customer: "cus_1"})
		if f.must(err); found[0].Outcome != status.Ignored || found[0].Reason.Code != reason.CopyUnused {
			t.Errorf("what waited is %s: %s", found[0].Outcome, found[0].Reason)
		}
		if since, err := f.db.LiveSince(f.ctx, sync1); err != nil || !since.Equal(f.clock.Now()) {
			t.Errorf("history ends at %s, %v", since, err)
		}
		f.notCopied() // that was said once
		resume := func() error {
			_, err := f.db.Resume(f.ctx, store.Resume{Sync: sync1, Who: "ana", Reason: "the plan is right"})
			return err
		}
		waits := func() bool {
			paused, err := f.db.SyncPaused(f.ctx, sync1)
			f.must(err)
			return paused.PlanFirst
		}
		f.clock.Move(time.Minute)
		if err := resume(); !errors.Is(err, store.ErrPlanFirst) || !waits() {
			t.Errorf("it is resumed without a plan: %v", err)
		}
		w, err := f.beginSweep(store.ForPlan, "rules")
		f.must(err)
		if err := resume(); !errors.Is(err, store.ErrPlanFirst) || !waits() {
			t.Errorf("it is resumed with half a plan: %v", err)
		}
		w.Phase = store.PhaseDone
		_, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{}, lease)
		f.must(err)
		if waits() {
			t.Error("it still waits for a plan")
		}
		f.must(resume())
		f.receive(event("evt_2", "cus_1"))
		if w := f.claimOne(); len(w.Events) != 1 || w.Events[0].ID != "evt_2" {
			t.Errorf("claimed %+v", w.Events)
		}
	},
	"where no plan can be made, a person's word is enough": func(t *testing.T, open Open) {
		f := atWork(t, open)
		f.clock.Move(25 * time.Hour)
		older, err := f.db.NoticeCopy(f.ctx, map[string]bool{sync1: false})
		if f.must(err); older == nil {
			t.Fatal("nothing was noticed")
		}
		if done, err := f.db.Resume(f.ctx, store.Resume{Sync: sync1, Who: "ana", Reason: "it is the right one"}); err != nil || !done.Unpaused {
			t.Errorf("%+v, %v", done, err)
		}
	},
	"a database in use has nothing that must not be": func(t *testing.T, open Open) {
		f := atWork(t, open)
		if found, looked, err := f.db.Verify(f.ctx); err != nil || len(found) > 0 || looked < 6 {
			t.Errorf("%+v, %d, %v", found, looked, err)
		}
	},
}
