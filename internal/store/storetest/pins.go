package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// pin pins a customer until a time, zero for good.
func (f fixture) pin(customer, why string, until time.Time) store.Pinned {
	f.Helper()
	done, err := f.db.PinCustomer(f.ctx, store.Pin{Sync: sync1, Customer: customer, Until: until, By: "ana@example.com", Reason: why})
	f.must(err)
	return done
}

func (f fixture) unpin(customer string) *store.Pin {
	f.Helper()
	ended, err := f.db.Unpin(f.ctx, sync1, customer, "ben@example.com")
	f.must(err)
	return ended
}

// held settles a customer who is left alone until a time.
func (f fixture) held(w *store.Work, until time.Time) {
	f.Helper()
	f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Held, RetryAt: until, Desired: &store.Desired{SourceValue: "canceled", Value: "Churned", SeenAt: f.clock.Now()}}))
}

var pins = map[string]func(*testing.T, Open){
	"no write of a pinned customer begins, with limits or without, also when it was pinned after the claim": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 2)
		for i, w := range f.claim() {
			f.pin(w.Customer, "the contract is disputed", time.Time{})
			_, err := f.db.BeginWrite(f.ctx, &w, intent("Churned"), []store.Limits{{}, twice()}[i])
			var pinned *store.PinnedError
			if !errors.As(err, &pinned) || pinned.Pin.By != "ana@example.com" || pinned.Pin.Reason != "the contract is disputed" || pinned.Pin.Customer != w.Customer {
				t.Errorf("it came to %v", err)
			}
			f.held(&w, time.Time{})
		}
		works := f.claim()
		for _, w := range works {
			if w.Pin == nil || w.Pin.Customer != w.Customer {
				t.Errorf("%s was claimed with the pin %+v", w.Customer, w.Pin)
			}
			f.held(&w, time.Time{})
		}
		f.unpin(works[0].Customer)
		w := f.claimOne()
		if w.Pin != nil || w.Customer != works[0].Customer {
			t.Fatalf("after the pin it was claimed as %s with %+v", w.Customer, w.Pin)
		}
		f.must(f.begin(w, twice()))
	},
	"a pin ends by itself at its time": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 1)
		until := f.clock.Now().Add(time.Hour)
		f.pin("cus_0", "until the audit", until)
		f.held(f.claimOne(), until)
		f.clock.Move(time.Hour - time.Millisecond)
		if p, err := f.db.CustomerPin(f.ctx, sync1, "cus_0"); err != nil || p == nil || !p.Until.Equal(until) || len(f.claimNow(sync1)) > 0 {
			t.Errorf("shortly before its end the pin is %+v, %v, and the customer is due", p, err)
		}
		f.clock.Move(time.Millisecond)
		w := f.claimOne()
		if p, err := f.db.CustomerPin(f.ctx, sync1, "cus_0"); err != nil || p != nil || w.Pin != nil {
			t.Errorf("at its end the pin is %+v, %v", p, err)
		}
		f.must(f.begin(w, twice()))
		if ended := f.unpin("cus_0"); ended != nil {
			t.Errorf("it was unpinned of %+v", ended)
		}
		if again := f.pin("cus_0", "once more", time.Time{}); again.Before != nil || !again.Changed {
			t.Errorf("pinned once more it took the place of %+v", again.Before)
		}
	},
	"a pin takes the place of another, and the same one again changes nothing": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 1)
		until := f.clock.Now().Add(time.Hour)
		first := f.pin("cus_0", "the contract is disputed", until)
		f.held(f.claimOne(), until)
		if first.Before != nil || !first.Changed || !first.Known {
			t.Errorf("the first came to %+v", first)
		}
		if same := f.pin("cus_0", "the contract is disputed", until); same.Changed || !same.Since.Equal(first.Since) || len(f.claim()) > 0 {
			t.Errorf("the same again came to %+v", same)
		}
		f.clock.Move(time.Minute)
		second := f.pin("cus_0", "in court", time.Time{})
		if second.Before == nil || second.Before.Reason != "the contract is disputed" || !second.Changed {
			t.Errorf("the second came to %+v", second)
		}
		f.clock.Move(2 * time.Hour)
		if w := f.claimOne(); w.Pin == nil || w.Pin.Reason != "in court" {
			t.Errorf("after the end of the first it was claimed with %+v", w.Pin)
		}
		all, err := f.db.Pins(f.ctx, "")
		if err != nil || len(all) != 1 || all[0].Reason != "in court" {
			t.Errorf("the pins are %+v, %v", all, err)
		}
		if ended := f.unpin("cus_0"); ended == nil || ended.Reason != "in court" {
			t.Errorf("it was unpinned of %+v", ended)
		}
		if ended := f.unpin("cus_0"); ended != nil {
			t.Errorf("unpinned again it was of %+v", ended)
		}
	},
	"a customer whom nobody has met is pinned, and left alone when the first event comes": func(t *testing.T, open Open) {
		f := fresh(t, open)
		if done := f.pin("cus_0", "not yet", time.Time{}); done.Known || len(f.claim()) > 0 {
			t.Errorf("it came to %+v, or the customer is due", done)
		}
		f.seen(0, 1)
		w := f.claimOne()
		if w.Pin == nil {
			t.Error("it was claimed without the pin")
		}
		f.held(w, time.Time{})
		f.pin("cus_1", "never comes", time.Time{})
		if ended := f.unpin("cus_1"); ended == nil || len(f.claim()) > 0 {
			t.Errorf("it was unpinned of %+v, or is due", ended)
		}
	},
	"an owner's word to write is refused while the customer is pinned, and one to keep is not": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 1)
		park := exception("cus_0", status.Conflict, status.StageDecide)
		w := f.claimOne()
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Held, Park: &park, Close: store.CloseBefore, Desired: &store.Desired{SourceValue: "canceled", Value: "Churned"},
			Observed: &store.Observed{Value: "Paused", SeenAt: f.clock.Now()}}))
		open1, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Sync: sync1})
		f.must(err)
		f.pin("cus_0", "the contract is disputed", time.Time{})
		a := store.Act{Exception: open1[0].ID, Verb: store.UseSource, Who: "ana@example.com", Saw: "Paused", SawSource: "canceled"}
		var pinned *store.PinnedError
		if _, err := f.db.Act(f.ctx, a); !errors.As(err, &pinned) {
			t.Errorf("it came to %v", err)
		}
		a.Verb = store.KeepTarget
		if changed, err := f.db.Act(f.ctx, a); err != nil || !changed {
			t.Errorf("to keep it came to %t, %v", changed, err)
		}
	},
	"pins are counted for each sync with the next end": func(t *testing.T, open Open) {
		f := fresh(t, open)
		next := f.clock.Now().Add(time.Hour)
		f.pin("cus_0", "one", time.Time{})
		f.pin("cus_1", "two", next.Add(time.Hour))
		f.pin("cus_2", "three", next)
		f.pin("cus_3", "four", f.clock.Now().Add(time.Minute))
		f.pin("cus_4", "five", time.Time{})
		f.unpin("cus_4")
		f.clock.Move(time.Minute)
		counts, err := f.db.Counts(f.ctx)
		if c := counts[sync1]; err != nil || c.Pinned != 3 || !c.PinEnds.Equal(next) {
			t.Errorf("counted are %d, the next end is %v: %v", c.Pinned, c.PinEnds, err)
		}
	},
	"who is unpinned while the sync only watches is looked at again when it writes": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.SetMode(f.ctx, sync1, true))
		f.seen(0, 1)
		f.pin("cus_0", "the contract is disputed", time.Time{})
		f.held(f.claimOne(), time.Time{})
		f.must(f.db.SetMode(f.ctx, sync1, false))
		f.unpin("cus_0")
		f.must(f.db.Settle(f.ctx, f.claimOne(), store.Settlement{Outcome: status.Ignored, Watched: &store.Watched{}}))
		f.must(f.db.SetMode(f.ctx, sync1, true))
		f.claimOne()
	},
	"ended pins and pauses are deleted when they are old": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.pin("cus_0", "unpinned", time.Time{})
		f.unpin("cus_0")
		f.pin("cus_1", "until then", f.clock.Now().Add(time.Hour))
		f.pin("cus_2", "for good", time.Time{})
		_, _, err := f.db.PauseSync(f.ctx, sync1, "ana@example.com", "importing contacts")
		f.must(err)
		_, err = f.db.Resume(f.ctx, store.Resume{Sync: sync1, Who: "ana@example.com", Reason: "done"})
		f.must(err)
		_, _, err = f.db.PauseSync(f.ctx, sync1, "ana@example.com", "again")
		f.must(err)
		f.clock.Move(48 * time.Hour)
		for what, want := range map[store.OldThing]int{store.OldPins: 2, store.OldPauses: 1} {
			if n, _, err := f.db.DeleteOld(f.ctx, what, f.clock.Now().Add(-24*time.Hour), 0, 100); err != nil || n != want {
				t.Errorf("of the %s %d were deleted, not %d: %v", what, n, want, err)
			}
		}
		if all, err := f.db.Pins(f.ctx, sync1); err != nil || len(all) != 1 {
			t.Errorf("left are %+v, %v", all, err)
		}
		if p, err := f.db.SyncPaused(f.ctx, sync1); err != nil || p.Reason != "again" {
			t.Errorf("the pause is %+v, %v", p, err)
		}
	},
	"no write begins in a pause, and its claim still holds": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 1)
		w := f.claimOne()
		_, _, err := f.db.PauseSync(f.ctx, sync1, "ana@example.com", "importing contacts")
		f.must(err)
		for _, l := range []store.Limits{{}, twice()} {
			if _, err := f.db.BeginWrite(f.ctx, w, intent("Churned"), l); !errors.Is(err, store.ErrPaused) {
				t.Errorf("it came to %v", err)
			}
		}
		f.must(f.db.Settle(f.ctx, w, store.Settlement{RetryAt: f.clock.Now()}))
		_, err = f.db.Resume(f.ctx, store.Resume{Sync: sync1, Who: "ana@example.com", Reason: "done"})
		f.must(err)
		f.must(f.begin(f.claimOne(), twice()))
	},
}
