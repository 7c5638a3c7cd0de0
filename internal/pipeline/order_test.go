package pipeline

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// permutations calls f with every order of the numbers below n.
func permutations(n int, f func([]int)) {
	order := make([]int, 0, n)
	used := make([]bool, n)
	var next func()
	next = func() {
		if len(order) == n {
			f(order)
			return
		}
		for i := range n {
			if !used[i] {
				used[i], order = true, append(order, i)
				next()
				used[i], order = false, order[:len(order)-1]
			}
		}
	}
	next()
}

// Five changes of one customer, told of in every order, each twice: the target
// ends on the source's last state with at most as many writes as real changes.
func TestEveryOrderOfFiveEventsEndsOnTheLastState(t *testing.T) {
	history := []string{"active", "paused", "canceled", "active", "past_due"}
	for _, cannotAsk := range []bool{false, true} {
		for _, workBetween := range []bool{false, true} {
			t.Run(fmt.Sprintf("source cannot be asked %t, worked on after each %t", cannotAsk, workBetween), func(t *testing.T) {
				// One world for all orders: a customer each.
				w := newWorld(t, func(w *world) { w.cannotAsk = cannotAsk })
				n := 0
				permutations(len(history), func(order []int) {
					n++
					everyOrder(w, fmt.Sprint("cus_", n), history, order, workBetween)
				})
			})
		}
	}
}

func everyOrder(w *world, id string, history []string, order []int, workBetween bool) {
	w.customer(id, "", "")
	var events []store.NewEvent
	for _, value := range history {
		w.pass(time.Minute)
		events = append(events, w.change(id, value))
	}
	before := len(w.crm.writes)
	for i, n := range order {
		w.deliver(events[n], events[n])
		if i%2 == 1 {
			w.deliver(events[order[0]]) // and one more late repeat
		}
		if workBetween {
			w.pass(time.Second)
			w.work()
		}
	}
	w.finish()
	if got := w.crm.value("rec_" + id); got != "Paused" {
		w.Errorf("order %v ended on %s", order, got)
	}
	if n := len(w.crm.writes) - before; n > len(history) || !w.cannotAsk && n > 1 {
		w.Errorf("order %v took %d writes: %v", order, n, w.crm.writes[before:])
	}
	outcomes := map[status.Outcome]int{}
	for _, o := range w.ended(id) {
		outcomes[o]++
	}
	if total := len(w.ended(id)); total != len(history) || outcomes[""] != 0 || outcomes[status.Held]+outcomes[status.Parked]+outcomes[status.Ignored] != 0 {
		w.Errorf("order %v: the events ended as %v", order, outcomes)
	}
	if c := w.stored(id); c.Base.Value != "Paused" || !c.Base.Known || !c.DueAt.IsZero() {
		w.Errorf("order %v: the base is %+v", order, c.Base)
	}
}

func TestALateEventOfASourceThatCannotBeAskedIsHistory(t *testing.T) {
	w := newWorld(t, func(w *world) { w.cannotAsk = true })
	w.customer("cus_1", "active", "")
	first := w.change("cus_1", "paused")
	w.pass(time.Hour)
	w.carry("cus_1", "canceled")
	w.deliver(first)
	w.finish()
	if got := w.crm.value("rec_cus_1"); got != "Churned" {
		t.Errorf("the target went back to %s", got)
	}
	if got := w.ended("cus_1"); got[1] != status.Superseded {
		t.Errorf("the late event ended as %v", got)
	}
	w.carry("cus_1", "active")
	if got := w.crm.value("rec_cus_1"); got != "Active" {
		t.Errorf("after it the target stands at %s", got)
	}
}

func TestAnEventDuringTheAttemptIsCarriedAfterIt(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.crm.beforeWrite = func(string) {
		w.crm.beforeWrite = nil
		w.deliver(w.change("cus_1", "canceled"))
	}
	w.carry("cus_1", "paused")
	if got := w.crm.value("rec_cus_1"); got != "Churned" {
		t.Errorf("the target holds %s", got)
	}
}

func TestAnEqualValueIsNeverWrittenAgain(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "Active")
	w.carry("cus_1", "trialing")
	w.carry("cus_1", "active")
	if len(w.crm.writes) != 0 {
		t.Errorf("written: %v", w.crm.writes)
	}
	if c := w.stored("cus_1"); !c.Base.Known || c.Base.Value != "Active" || c.Outcome != status.AlreadyEqual {
		t.Errorf("stored: %+v", c)
	}
}

func TestTheHistoryTellsWhatWasDecidedOn(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	written := w.clock.now()
	w.pass(store.BetweenLooks)
	w.carry("cus_1", "paused")
	history, err := w.db.History(t.Context(), syncName, "cus_1", 10)
	if err != nil || len(history) != 2 {
		t.Fatal(history, err)
	}
	got := history[0]
	want := store.Decision{ID: got.ID, Sync: syncName, Customer: "cus_1", At: w.clock.now(), Action: "write", Row: 4, Stage: status.StageConfirm, Outcome: status.Applied,
		Reason: reason.Because(reason.Written, reason.Facts{Value: "Paused", Target: "crm"}, reason.Reason{Code: reason.Untouched}), TargetID: "rec_cus_1", Desired: "Paused", Observed: "Active",
		Base: "Active", DesiredAt: w.clock.now(), ObservedAt: written, By: "us", Confidence: 1, Events: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the history says\n%s", diff)
	}
}

func TestALateEventDoesNotMakeAnOldAnswerTrueThatANewerEventDenied(t *testing.T) {
	w := newWorld(t, nil)
	agreed(w)
	late := w.change("cus_1", "paused")
	w.pass(3 * time.Second)
	w.deliver(w.change("cus_1", "active"))
	w.work()
	w.pass(5 * time.Second)
	w.billing.behind = 11 * time.Second // a copy that still shows what was before
	w.deliver(late)
	w.finish()
	if len(w.crm.writes) != 0 || w.crm.value("rec_cus_1") != "Active" {
		t.Errorf("written %v: the source is active since the newer event", w.crm.writes)
	}
}
