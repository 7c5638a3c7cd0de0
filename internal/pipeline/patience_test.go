package pipeline

import (
	"context"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// everOpen returns how often an exception of a customer was opened, whatever has
// become of it.
func (w *world) everOpen(customer string) []status.Kind {
	w.Helper()
	found, err := w.db.Exceptions(context.Background(), store.ExceptionFilter{Customer: customer})
	if err != nil {
		w.Fatal(err)
	}
	var kinds []status.Kind
	for _, x := range found {
		kinds = append(kinds, x.Kind)
	}
	return kinds
}

// during brings a customer an event at a time, and carries whoever is due
// meanwhile.
func (w *world) during(events int, each time.Duration, customer, value string) {
	w.Helper()
	for range events {
		w.deliver(w.change(customer, value))
		for end := w.clock.now().Add(each); w.clock.now().Before(end); w.pass(50 * time.Millisecond) {
			w.work()
		}
	}
}

func TestManyEventsInAShortOutageCostNoMoreThanOne(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.customer("cus_2", "active", "")
	w.crm.fail = func(string, string, string) error { return failure(connector.Transient, 503) }
	w.deliver(w.change("cus_2", "paused"))
	w.during(10, 250*time.Millisecond, "cus_1", "paused")
	w.crm.fail = nil
	back := w.clock.now()
	w.finish()
	if took := w.clock.now().Sub(back); took > 5*time.Second {
		t.Errorf("the target was away for 2.5 s, and they were carried %s after it was back", took)
	}
	for customer, rec := range w.recordOf {
		if got := w.crm.value(rec); got != "Paused" || len(w.everOpen(customer)) > 0 {
			t.Errorf("%s holds %q, and %v was opened", customer, got, w.everOpen(customer))
		}
	}
}

func TestManyEventsDoNotMakeAnOldAnswerTrue(t *testing.T) {
	for name, by := range map[string]status.Actor{"a person was the last editor": status.ActorHuman, "an automation was": status.ActorAutomation} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "active")
			w.pass(time.Hour)
			w.crm.edit("rec_cus_1", "Active", by)
			w.pass(time.Minute)
			old := w.crm.view("rec_cus_1")
			w.carry("cus_1", "canceled")
			w.pass(time.Minute)
			writes := len(w.crm.writes)
			w.crm.stale = map[string]status.TargetRecord{"rec_cus_1": old}
			w.during(8, 250*time.Millisecond, "cus_1", "canceled")
			w.crm.stale = nil
			w.finish()
			if len(w.crm.writes) != writes || len(w.everOpen("cus_1")) > 0 {
				t.Errorf("an answer from before our write led to the writes %v and to %v", w.crm.writes[writes:], w.everOpen("cus_1"))
			}
		})
	}
}

func TestPeopleAreToldWhenAnOutageLastsHoweverFewEventsCame(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.crm.fail = func(string, string, string) error { return failure(connector.Transient, 503) }
	w.deliver(w.change("cus_1", "paused"))
	for range 30 {
		w.work()
		w.pass(time.Second)
	}
	if got := w.open()["cus_1"]; len(got) != 1 || got[0] != status.ConnectionFailed {
		t.Errorf("after 30 s of outage %v is open", got)
	}
	w.crm.fail = nil
	w.finish()
	if len(w.open()) > 0 || w.crm.value("rec_cus_1") != "Paused" {
		t.Errorf("after it: %v is open, the target holds %q", w.open(), w.crm.value("rec_cus_1"))
	}
}

// The longer a claim takes, the later it is known to have been made: what nobody
// knows is not trouble.
func TestATroubleIsNotOlderForAClaimThatTookLong(t *testing.T) {
	const slow = 16 * time.Second
	for name, spoil := range map[string]func(w *world){
		"a call that fails": func(w *world) {
			w.crm.fail = func(string, string, string) error { return failure(connector.Transient, 503) }
		},
		"a write that is taken, not shown": func(w *world) { w.crm.lies = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			agreed(w)
			spoil(w)
			w.deliver(w.change("cus_1", "paused"))
			works, at, err := w.f.claim(t.Context(), 1)
			if err != nil || len(works) != 1 {
				t.Fatalf("claimed %d, %v", len(works), err)
			}
			at.sent = at.sent.Add(-slow) // the process stood still before its claim was made
			w.f.carry(t.Context(), &works[0], at)
			if wait := w.stored("cus_1").DueAt.Sub(w.clock.now()); wait <= 0 || wait > time.Second {
				t.Errorf("it is tried again after %s, want a second", wait)
			}
		})
	}
}
