package pipeline

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func halted(t *testing.T, customers, most int) *world {
	w := newWorld(t, limitedTo(moves(most)))
	var changes []store.NewEvent
	for n := range customers {
		id := fmt.Sprintf("cus_%02d", n)
		w.customer(id, "active", "")
		changes = append(changes, w.change(id, "canceled"))
	}
	w.deliver(changes...)
	w.finish()
	return w
}

func (w *world) churnedNow() (n int) {
	for _, r := range w.crm.records {
		if r.value == "Churned" {
			n++
		}
	}
	return n
}

// A short outage after resume.
func TestAnOutageAfterResumeLosesNoOne(t *testing.T) {
	w := halted(t, 10, 2)
	if n := w.churnedNow(); n != 2 {
		t.Fatal(n)
	}
	if _, err := w.db.Resume(t.Context(), store.Resume{Sync: syncName, Who: "ana", Reason: "right"}); err != nil {
		t.Fatal(err)
	}
	down := w.clock.now().Add(time.Minute)
	w.crm.fail = func(call, _, _ string) error {
		if w.clock.now().Before(down) {
			return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "503"}
		}
		return nil
	}
	w.finish()
	if n := w.churnedNow(); n != 10 {
		t.Errorf("%d of 10 are churned, open are %v", n, w.open())
	}
}

// One who waits and is looked at again during an outage goes on waiting.
func TestWhoWaitsThroughAnOutageIsLetThrough(t *testing.T) {
	w := halted(t, 10, 2)
	until := w.clock.now().Add(20 * time.Second)
	w.crm.fail = func(call, _, _ string) error {
		return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "503"}
	}
	for n := 2; n < 10; n++ {
		w.deliver(w.restate(fmt.Sprintf("cus_%02d", n)))
	}
	for w.clock.now().Before(until) {
		w.work()
		w.pass(time.Second)
	}
	done, err := w.db.Resume(t.Context(), store.Resume{Sync: syncName, Who: "ana", Reason: "right"})
	w.crm.fail = nil
	w.finish()
	if n := w.churnedNow(); n != 10 || err != nil {
		t.Errorf("let through %d; %d of 10 are churned, open are %v", done.Through, n, w.open())
	}
}

func TestAnIgnoredValueDoesNotStartALoopAnew(t *testing.T) {
	w := flips(t, writesPer(4))
	w.carry("cus_1", "paused")
	if n := w.written("rec_cus_1"); n != 4 || len(w.open()["cus_1"]) != 1 {
		t.Fatal(n, w.open())
	}
	w.pass(time.Minute)
	w.carry("cus_1", "incomplete")
	w.pass(time.Minute)
	w.carry("cus_1", "canceled")
	if n := w.written("rec_cus_1"); n != 4 {
		t.Errorf("%d writes without a word of anybody, open are %v", n, w.open())
	}
}

// A write without an answer that the next look finds, and an automation that sets it back.
func TestNeverSticksCountsWritesThatALookProves(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.crm.fail = timesOutThenCannotBeRead(w)
	w.deliver(w.change("cus_1", "paused"))
	for range 8 {
		for range 10 { // the look after the write finds it
			w.work()
			w.pass(time.Second)
		}
		if w.crm.value("rec_cus_1") == "Paused" {
			w.crm.edit("rec_cus_1", "Active", status.ActorAutomation)
		}
		w.events++
		w.deliver(store.NewEvent{Connection: "crm", Sync: syncName, Side: store.TargetSide, ID: fmt.Sprintf("look_%03d", w.events), Customer: "rec_cus_1"})
	}
	if n := w.written("rec_cus_1"); n > 3 || !slices.Contains(w.open()["cus_1"], status.NeverSticks) {
		t.Errorf("%d writes, open are %v", n, w.open())
	}
}

func timesOutThenCannotBeRead(w *world) func(string, string, string) error {
	wrote := false
	return func(call, id, value string) error {
		switch {
		case call == "write":
			wrote = true
			w.crm.mu.Lock()
			r := w.crm.records[id]
			w.crm.writes = append(w.crm.writes, written{id, r.value, value})
			r.value, r.editedAt, r.actor = value, w.clock.now(), ""
			r.revision++
			w.crm.mu.Unlock()
			return unknown()
		case call == "read" && wrote:
			wrote = false
			return &connector.Failure{Kind: connector.Transient, Effect: connector.EffectNone, Detail: "503"}
		}
		return nil
	}
}

func TestAutomationEditsMonthsApartAreNoUndoing(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "paused")
	for range 3 {
		w.pass(60 * 24 * time.Hour)
		w.setBack("cus_1", "Active")
	}
	if open := w.open(); len(open) > 0 {
		t.Errorf("open are %v: %s", open, w.exception(status.NeverSticks).Reason)
	}
}

func TestATargetThatHangsForAnHourIsNoLoop(t *testing.T) {
	l := config.Limits{WritesPerCustomer: &config.WritesPerCustomer{Count: 4, Within: time.Hour}}
	w := newWorld(t, limitedTo(l))
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(24 * time.Hour)
	until := w.clock.now().Add(55 * time.Minute)
	w.crm.fail = func(call, _, _ string) error {
		if call == "write" && w.clock.now().Before(until) {
			return unknown()
		}
		return nil
	}
	w.deliver(w.change("cus_1", "paused"))
	for w.clock.now().Before(until) {
		w.work()
		w.deliver(w.restate("cus_1"))
		w.pass(time.Minute)
	}
	w.finish()
	if got := w.crm.value("rec_cus_1"); got != "Paused" {
		t.Errorf("the target holds %s, open are %v", got, w.open())
	}
}

// A plan's row that a limit refuses must not stop its customer in silence.
func TestARowThatALimitRefusesIsTold(t *testing.T) {
	w := newWorld(t, limitedTo(writesPer(2)))
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Minute)
	w.carry("cus_1", "paused")
	w.pass(time.Minute)
	w.change("cus_1", "canceled") // its event was lost
	c := w.carryRow(w.planned("Paused", "Churned"))
	if c.State != store.RowRefused || !slices.Contains(w.open()["cus_1"], status.LoopSuspected) {
		t.Errorf("the row is %s (%s), open are %v", c.State, c.Note, w.open())
	}
}
