package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func (w *world) pin(until time.Time) {
	w.Helper()
	_, err := w.db.PinCustomer(w.Context(), store.Pin{Sync: syncName, Customer: "cus_1", Until: until, By: "ana@example.com", Reason: "the contract is disputed"})
	w.must(err)
}

func (w *world) unpin() {
	w.Helper()
	_, err := w.db.Unpin(w.Context(), syncName, "cus_1", "ana@example.com")
	w.must(err)
}

// atCall does something once, at the first call of a kind to the target.
func (w *world) atCall(kind string, do func()) {
	w.crm.fail = func(call, _, _ string) error {
		if call == kind {
			w.crm.fail = nil
			do()
		}
		return nil
	}
}

func TestAPinnedCustomerIsReadAndNotWritten(t *testing.T) {
	for name, tt := range map[string]struct {
		before func(*world) // the event of the change is delivered after it
		end    func(*world)
		open   []status.Kind // that were before, and stay
	}{
		"it is pinned before the change": {before: func(w *world) { w.pin(time.Time{}) }, end: (*world).unpin},
		"it is pinned until a time": {before: func(w *world) { w.pin(w.clock.now().Add(48 * time.Hour)) },
			end: func(w *world) { w.pass(47*time.Hour + 59*time.Minute); w.work(); w.pass(time.Minute) }},
		"it is pinned between the claim and the write": {before: func(w *world) { w.atCall("read", func() { w.pin(time.Time{}) }) }, end: (*world).unpin},
		"it is pinned again without an end": {before: func(w *world) {
			w.pin(w.clock.now().Add(time.Minute))
			w.atCall("read", func() { w.pin(time.Time{}) })
		}, end: func(w *world) { w.pass(time.Hour); w.work(); w.unpin() }},
		"it is pinned until later, and then until soon": {before: func(w *world) {
			w.pin(w.clock.now().Add(30 * 24 * time.Hour))
			w.work()
			w.pin(w.clock.now().Add(time.Hour))
		}, end: func(w *world) { w.pass(time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "active")
			w.pass(time.Hour)
			before := len(w.crm.writes)
			for _, word := range []string{"paused", "active", "canceled"} {
				w.deliver(w.change("cus_1", word))
				w.pass(time.Second)
			}
			tt.before(w)
			w.work()
			w.work()
			got := w.ended("cus_1")
			if len(w.crm.writes) != before || got[len(got)-1] != status.Held || len(w.open()) > 0 {
				t.Fatalf("written: %v, the events ended as %s, open are %v", w.crm.writes[before:], got, w.open())
			}
			why := w.stored("cus_1").Reason
			for _, part := range []string{"ana@example.com pinned the customer", "the contract is disputed", "nothing is written"} {
				if !strings.Contains(why.Sentence(), part) {
					t.Errorf("it says %s", why)
				}
			}
			if why.Code != reason.CustomerPinned || w.stored("cus_1").Outcome != status.Held {
				t.Errorf("it ended as %s, because of %s", w.stored("cus_1").Outcome, why.Code)
			}
			tt.end(w)
			w.work()
			if len(w.crm.writes) != before+1 || w.crm.records["rec_cus_1"].value != "Churned" {
				t.Errorf("after the pin it was written %v, and holds %s", w.crm.writes[before:], w.crm.records["rec_cus_1"].value)
			}
		})
	}
}

// What would be asked of an owner is not asked about a customer who is left alone,
// and what was asked before stays.
func TestAPinOpensAndClosesNoQuestion(t *testing.T) {
	for name, pinFirst := range map[string]bool{"asked before": false, "pinned before": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "active")
			w.pass(time.Hour)
			if pinFirst {
				w.pin(time.Time{})
			}
			event := w.change("cus_1", "canceled")
			w.pass(time.Minute)
			w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
			w.deliver(event)
			w.work()
			w.pin(time.Time{})
			w.work()
			if asked := len(w.open()["cus_1"]) > 0; asked == pinFirst {
				t.Errorf("open are %v", w.open())
			}
			w.unpin()
			w.work()
			if open := w.open()["cus_1"]; len(open) != 1 || open[0] != status.Conflict || w.crm.records["rec_cus_1"].value != "Paused" {
				t.Errorf("after the pin open are %v, and the record holds %s", open, w.crm.records["rec_cus_1"].value)
			}
		})
	}
}

func TestAPlansRowOfAPinnedCustomerIsRefused(t *testing.T) {
	for name, late := range map[string]bool{"pinned before": false, "pinned while it is carried": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			p := w.reviewed()
			if late {
				w.atCall("find", func() { w.pin(time.Time{}) })
			} else {
				w.pin(time.Time{})
			}
			if c := w.carryRow(p); c.State != store.RowRefused || !strings.Contains(c.Note, "ana@example.com pinned the customer") || len(w.crm.writes) > 0 {
				t.Errorf("it came to %+v, written: %v", c, w.crm.writes)
			}
		})
	}
}

func TestAPreviewHoldsAPinnedCustomer(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	w.pin(time.Time{})
	w.change("cus_1", "canceled")
	if j := w.judged("cus_1"); j.Action != "hold" || j.Kind != "" || j.Reason.Code != reason.CustomerPinned {
		t.Errorf("it would %s: %s, and open %q", j.Action, j.Reason, j.Kind)
	}
}

// An attempt that a pause stops gives its customer back, who need not wait for its
// lease when the sync goes on.
func TestACustomerStoppedByAPauseGoesOnAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	w.deliver(w.change("cus_1", "canceled"))
	w.atCall("read", func() {
		_, _, err := w.db.PauseSync(w.Context(), syncName, "ana@example.com", "importing contacts")
		w.must(err)
	})
	works, at, err := w.f.claim(w.Context(), 1)
	w.must(err)
	w.f.carry(w.Context(), &works[0], at)
	if got := w.ended("cus_1"); got[1] != "" || len(w.crm.writes) != 1 {
		t.Fatalf("its event ended as %v, written: %v", got, w.crm.writes)
	}
	_, err = w.db.Resume(w.Context(), store.Resume{Sync: syncName, Who: "ana@example.com", Reason: "done"})
	w.must(err)
	w.work()
	if got := w.ended("cus_1"); got[1] != status.Applied {
		t.Errorf("after the pause it ended as %s", got[1])
	}
}

func TestAPlansRowThatAPauseStopsStopsTheRest(t *testing.T) {
	w := newWorld(t, nil)
	p := w.reviewed()
	w.atCall("find", func() {
		_, _, err := w.db.PauseSync(w.Context(), syncName, "ana@example.com", "importing contacts")
		w.must(err)
	})
	if c := w.carryRow(p); c.Stop == nil || c.State != store.RowOpen || len(w.crm.writes) > 0 {
		t.Errorf("it came to %+v, written: %v", c, w.crm.writes)
	}
}

func TestNothingIsUndoneOfAPinnedCustomer(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	w.carry("cus_1", "canceled")
	w.pass(time.Hour)
	w.pin(time.Time{})
	w.work()
	before := len(w.crm.writes)
	c, err := w.p.Undo(w.Context(), w.db, UndoRequest{Sync: syncName, Customer: "cus_1", By: "ben@example.com"})
	w.must(err)
	if c.Done || c.Sent || c.Why.Code != reason.CustomerPinned || len(w.crm.writes) != before {
		t.Errorf("it came to %+v, because %s; written: %v", c, c.Why, w.crm.writes[before:])
	}
	w.unpin()
	w.work()
	if c, err = w.p.Undo(w.Context(), w.db, UndoRequest{Sync: syncName, Customer: "cus_1", By: "ben@example.com"}); err != nil || !c.Done {
		t.Errorf("after the pin it came to %+v, because %s: %v", c, c.Why, err)
	}
}
