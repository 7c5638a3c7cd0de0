package pipeline

import (
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// untold is a change that its event says nothing of, but that there was one.
func (w *world) untold(id, value string) store.NewEvent {
	e := w.change(id, value)
	e.Value, e.HasValue, e.UnchangedAt = "", false, time.Time{}
	return e
}

// An event that says only that something has changed is newer than what a copy
// shows that is a moment old, by the record's own time.
func TestARecordThatIsOlderThanItsEventIsReadAgain(t *testing.T) {
	for name, known := range map[string]bool{"the customer's first event": false, "a customer who is known": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.billing.tellsUpdated = true })
			w.customer("1", "active", "Active")
			if known {
				w.carry("1", "active")
			}
			w.pass(time.Minute)
			w.billing.behind = 3 * time.Second
			w.deliver(w.untold("1", "canceled"))
			w.work()
			if got := w.last("1"); got != "" {
				t.Fatalf("the event ended as %q from an answer older than itself", got)
			}
			w.finish()
			if got := w.last("1"); got != status.Applied && known {
				t.Errorf("the event ended as %q", got)
			}
			if got := w.stored("1").Desired.SourceValue; got != "canceled" {
				t.Errorf("the source is taken to say %q", got)
			}
		})
	}
	t.Run("what was before the last look does not come back", func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.billing.tellsUpdated = true })
		w.customer("1", "active", "Active")
		w.carry("1", "active")
		w.pass(time.Minute)
		w.deliver(w.untold("1", "canceled"))
		w.work()
		w.holds("1", "Churned")
		w.pass(time.Second)
		w.billing.behind = 4 * time.Second
		w.deliver(store.NewEvent{Connection: "crm", Sync: syncName, Side: store.TargetSide, ID: "looked", Customer: "rec_1"})
		w.work()
		w.holds("1", "Churned")
		w.finish()
		w.holds("1", "Churned")
	})
}

func TestWhatARecordsTimeDoesNotShowIsNotWaitedFor(t *testing.T) {
	begin := func(t *testing.T, tells bool) *world {
		w := newWorld(t, func(w *world) { w.billing.tellsUpdated = tells })
		w.customer("1", "active", "Active")
		w.carry("1", "active")
		w.pass(time.Minute)
		return w
	}
	t.Run("a new value is carried at once, whatever the tool dates", func(t *testing.T) {
		w := begin(t, true)
		e := w.untold("1", "canceled")
		w.pass(5 * time.Second)
		e.OccurredAt = w.clock.now() // the record's time does not move with it
		w.deliver(e)
		w.work()
		w.holds("1", "Churned")
	})
	t.Run("a source that does not date its records", func(t *testing.T) {
		w := begin(t, false)
		w.deliver(w.note("1"))
		w.work()
		if got := w.last("1"); got != status.AlreadyEqual {
			t.Errorf("the event ended as %q", got)
		}
	})
	t.Run("two clocks that differ by less than clock_skew", func(t *testing.T) {
		w := begin(t, true)
		e := w.untold("1", "active")
		e.OccurredAt = w.clock.now().Add(skew)
		w.deliver(e)
		w.work()
		if got := w.last("1"); got != status.AlreadyEqual {
			t.Errorf("the event ended as %q", got)
		}
	})
	t.Run("one that goes on being so is believed", func(t *testing.T) {
		w := begin(t, true)
		reads := 0
		w.billing.fail = func(call, _, _ string) error {
			reads++
			return nil
		}
		began := w.clock.now()
		w.deliver(w.note("1"))
		w.finish()
		if got := w.last("1"); got != status.AlreadyEqual {
			t.Errorf("the event ended as %q", got)
		}
		if took := w.clock.now().Sub(began); took > time.Minute || reads > 8 {
			t.Errorf("it took %s and %d looks", took, reads)
		}
	})
}
