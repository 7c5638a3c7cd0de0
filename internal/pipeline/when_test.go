package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// note is an event of another type, which says nothing of the status.
func (w *world) note(id string) store.NewEvent {
	w.events++
	payload, err := json.Marshal(said{ID: id})
	if err != nil {
		w.Fatal(err)
	}
	return store.NewEvent{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: fmt.Sprintf("evt_%03d", w.events), Customer: id,
		OccurredAt: w.clock.now(), Payload: payload}
}

// seen is what a comparison notes of a customer.
func (w *world) seen(customer, value string) {
	w.Helper()
	sweep, err := w.db.BeginSweep(w.Context(), store.Sweep{Sync: syncName, Purpose: store.ForSweep}, time.Minute)
	if err == nil {
		_, err = w.db.SaveSweep(w.Context(), sweep, store.SweepPart{Seen: map[string]store.Seen{customer: {Value: value, At: w.clock.now()}}}, time.Minute)
	}
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) holds(customer, want string) {
	w.Helper()
	if got := w.crm.value("rec_" + customer); got != want {
		w.Errorf("the target holds %q, not %q; open: %v", got, want, w.open())
	}
}

func TestAChangeDatedAheadHidesNoLaterOne(t *testing.T) {
	for _, cannotAsk := range []bool{true, false} {
		w := newWorld(t, func(w *world) { w.cannotAsk = cannotAsk })
		w.customer("1", "active", "")
		e := w.change("1", "paused")
		e.OccurredAt = w.clock.now().Add(24 * time.Hour)
		w.deliver(e)
		w.finish()
		w.pass(time.Minute)
		w.carry("1", "canceled")
		w.holds("1", "Churned")
		w.replay("evt_001", "again")
		w.finish()
		w.holds("1", "Churned")
	}
}

func TestAChangeDatedAheadIsNoNewerThanWhenItCame(t *testing.T) {
	for _, cannotAsk := range []bool{true, false} {
		w := newWorld(t, func(w *world) { w.cannotAsk = cannotAsk })
		w.customer("1", "active", "")
		ahead := func() store.NewEvent {
			e := w.change("1", "canceled")
			e.OccurredAt = w.clock.now().Add(time.Hour)
			return e
		}
		w.deliver(ahead())
		w.finish()
		w.pass(3 * time.Second)
		w.crm.edit("rec_1", "Active", status.ActorHuman)
		w.pass(3 * time.Second)
		again := ahead()
		again.OccurredAt = again.OccurredAt.Add(-6 * time.Second)
		w.deliver(again)
		w.finish()
		w.holds("1", "Active")
		if open := w.open()["1"]; !slices.Equal(open, []status.Kind{status.Conflict}) {
			t.Errorf("open are %v", open)
		}
	}
}

// A tool that says of the value itself that it changes in an hour has changed it
// by now, as soon as it shows it.
func TestAValueDatedAheadChangedBeforeItWasRead(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("1", "active", "")
	w.carry("1", "active")
	w.pass(time.Minute)
	w.billing.valueAt = w.clock.now().Add(time.Hour)
	w.carry("1", "canceled")
	w.holds("1", "Churned")
	w.pass(30 * time.Minute)
	w.crm.edit("rec_1", "Active", status.ActorHuman)
	for range 3 { // also when its time has come
		w.pass(29 * time.Minute)
		w.deliver(w.note("1"))
		w.finish()
		w.holds("1", "Active")
	}
}

func TestOfTwoChangesOfOneMomentTheOneThatCameLaterCounts(t *testing.T) {
	for _, ids := range [][2]string{{"evt_9", "evt_10"}, {"z1", "a1"}, {"a1", "z1"}} {
		for _, together := range []bool{true, false} {
			w := newWorld(t, func(w *world) { w.cannotAsk = true })
			w.customer("1", "active", "")
			for i, value := range []string{"paused", "canceled"} {
				e := w.change("1", value)
				e.ID = ids[i]
				w.deliver(e)
				if !together {
					w.finish()
				}
			}
			w.finish()
			w.holds("1", "Churned")
			w.replay(ids[0], "again")
			w.finish()
			w.holds("1", "Churned")
		}
	}
}

func TestAnEventWithoutAStatusSwallowsNoChange(t *testing.T) {
	const customers = 40
	w := newWorld(t, func(w *world) { w.cannotAsk, w.quiet = true, true })
	var events []store.NewEvent
	for i := range customers {
		id := fmt.Sprint(i)
		w.customer(id, "active", "")
		events = append(events, w.change(id, "canceled"), w.note(id))
	}
	w.deliver(events...)
	w.finish()
	for i := range customers {
		id := fmt.Sprint(i)
		w.holds(id, "Churned")
		if got := w.ended(id); !slices.Equal(got, []status.Outcome{status.Applied, status.Ignored}) {
			t.Errorf("the change and the note ended as %v", got)
		}
		w.replay(events[2*i+1].ID, "again")
		w.replay(events[2*i].ID, "again")
		w.finish()
		w.holds(id, "Churned")
	}
}

func TestAnEventWithoutAStatusClosesNothing(t *testing.T) {
	w := newWorld(t, func(w *world) { w.cannotAsk = true })
	w.customer("word", "active", "Active")
	w.customer("nobody", "active", "Active")
	w.customer("edited", "active", "")
	w.carry("edited", "active")
	w.pass(time.Minute)
	change := w.change("edited", "canceled")
	w.pass(time.Minute)
	w.crm.edit("rec_edited", "Paused", status.ActorHuman)
	w.deliver(change)
	w.crm.records["rec_nobody"].keys = keysOf("somebody")
	w.deliver(w.change("word", "on_hold"), w.change("nobody", "canceled"))
	w.finish()
	before := w.open()
	if len(before) != 3 {
		t.Fatalf("open are %v", before)
	}
	for range lookBack + 5 {
		w.deliver(w.note("word"), w.note("nobody"), w.note("edited"))
	}
	w.finish()
	for customer, kinds := range w.open() {
		if !slices.Equal(kinds, before[customer]) {
			t.Errorf("%s: open are %v, and were %v", customer, kinds, before[customer])
		}
	}
	if len(w.open()) != 3 {
		t.Errorf("open are %v", w.open())
	}
	w.crm.records["rec_nobody"].keys = keysOf("nobody")
	w.crm.records["rec_nobody"].value = ""
	w.lookAgain("nobody")
	w.holds("nobody", "Churned")
}

func TestASourceThatAnswersAMomentOldIsAskedAgain(t *testing.T) {
	for _, dated := range []bool{true, false} {
		w := newWorld(t, nil)
		w.billing.tellsUpdated = dated
		w.customer("1", "active", "Active")
		w.carry("1", "active")
		w.pass(time.Minute)
		w.billing.behind = 3 * time.Second
		changed := w.change("1", "canceled")
		w.deliver(changed)
		w.work()
		w.holds("1", "Active")
		if got := w.last("1"); got != "" {
			t.Fatalf("the event ended as %q from an answer older than itself", got)
		}
		w.finish()
		w.holds("1", "Churned")
		if open := w.open(); len(open) > 0 {
			t.Errorf("open are %v", open)
		}
	}
}

// A copy that is a moment old may show what was before the last change, or between
// two of them. Neither is carried.
func TestASourceThatAnswersFromACopyBringsNoOlderStateBack(t *testing.T) {
	for _, dated := range []bool{true, false} {
		begin := func() *world {
			w := newWorld(t, nil)
			w.billing.tellsUpdated = dated
			w.customer("1", "active", "Active")
			w.carry("1", "active")
			w.pass(time.Minute)
			return w
		}
		t.Run(fmt.Sprintf("a look at something else right after a change, record times %t", dated), func(t *testing.T) {
			w := begin()
			w.deliver(w.change("1", "canceled"))
			w.work()
			w.holds("1", "Churned")
			w.pass(time.Second)
			w.billing.behind = 4 * time.Second
			w.deliver(w.note("1"))
			w.work()
			w.holds("1", "Churned")
			w.finish()
			w.holds("1", "Churned")
		})
		t.Run(fmt.Sprintf("the state between two changes, record times %t", dated), func(t *testing.T) {
			w := begin()
			first := w.change("1", "paused")
			w.pass(2 * time.Second)
			second := w.change("1", "canceled")
			w.deliver(first)
			w.deliver(second)
			w.billing.behind = time.Second
			w.work()
			w.holds("1", "Active")
			w.finish()
			w.holds("1", "Churned")
		})
		t.Run(fmt.Sprintf("after the event ended in an exception, record times %t", dated), func(t *testing.T) {
			w := begin()
			changed := w.change("1", "canceled")
			w.billing.fail = func(call, _, _ string) error {
				return &connector.Failure{Kind: connector.Misconfigured, Effect: connector.EffectNone, Detail: "a web page instead of data"}
			}
			w.deliver(changed)
			w.work()
			if open := w.open()["1"]; !slices.Equal(open, []status.Kind{status.ConnectionFailed}) {
				t.Fatalf("open are %v", open)
			}
			w.billing.fail = nil
			w.pass(time.Second)
			w.billing.behind = 4 * time.Second
			w.lookAgain("1")
			w.finish()
			w.holds("1", "Churned")
			if open := w.open(); len(open) > 0 {
				t.Errorf("open are %v", open)
			}
		})
	}
}

// What goes on being so is so: the event was mistaken, or was overtaken by a
// change that nobody told of.
func TestASourceThatInsistsIsBelieved(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("1", "active", "Active")
	w.carry("1", "active")
	w.pass(time.Minute)
	e := w.change("1", "canceled")
	w.billing.edit("1", "active", status.ActorHuman)
	began := w.clock.now()
	w.deliver(e)
	w.finish()
	if got := w.last("1"); got != status.AlreadyEqual {
		t.Errorf("the event ended as %s", got)
	}
	if took := w.clock.now().Sub(began); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	if open := w.open(); len(open) > 0 {
		t.Errorf("open are %v", open)
	}
}

// A comparison that runs while an event is on its way sees what the event will
// tell. That takes nothing from it.
func TestAComparisonTakesNoTimeFromAnEventOnItsWay(t *testing.T) {
	for name, arrivesLate := range map[string]bool{"waiting": false, "not here yet": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("1", "active", "Active")
			w.pass(time.Hour)
			e := w.change("1", "canceled")
			w.pass(time.Second)
			if !arrivesLate {
				w.deliver(e)
			}
			w.seen("1", "canceled")
			w.pass(time.Minute)
			if arrivesLate {
				w.deliver(e)
			}
			w.finish()
			w.holds("1", "Churned")
		})
	}
}

// An event after it, which may be about anything, is no news of the value.
func TestAnEventAfterAComparisonIsNoChangeOfWhatThatSaw(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("1", "canceled", "Active")
	w.seen("1", "canceled")
	w.pass(time.Minute)
	w.crm.edit("rec_1", "Paused", status.ActorHuman)
	w.pass(time.Minute)
	w.deliver(w.note("1"))
	w.finish()
	w.holds("1", "Paused")
	if open := w.open()["1"]; !slices.Equal(open, []status.Kind{status.FirstContact}) {
		t.Errorf("open are %v", open)
	}
}

func TestAStatusThatVanishedIsAQuestion(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("1", "active", "")
	w.customer("never", "", "")
	w.carry("1", "active")
	w.pass(time.Minute)
	w.crm.edit("rec_1", "Paused", status.ActorHuman)
	w.deliver(w.note("1"))
	w.finish()
	if open := w.open()["1"]; !slices.Equal(open, []status.Kind{status.Conflict}) {
		t.Fatalf("open are %v", open)
	}
	w.billing.records["1"].value = "" // the field has another name
	for range 2 {
		w.pass(time.Minute)
		w.deliver(w.note("1"), w.note("never"))
		w.finish()
		if open := w.open()["1"]; len(open) != 2 || !slices.Contains(open, status.Conflict) || !slices.Contains(open, status.UnmappedStatus) {
			t.Errorf("open are %v", open)
		}
		if c := w.stored("1"); !strings.Contains(c.Reason.Sentence(), "no longer has a status in billing") {
			t.Errorf("it says %q", c.Reason)
		}
		if got := w.last("never"); got != status.Ignored || len(w.open()["never"]) > 0 {
			t.Errorf("one who never had a status ended as %s", got)
		}
	}
	w.billing.records["1"].value = "paused"
	w.deliver(w.note("1"))
	w.finish()
	if open := w.open(); len(open) > 0 {
		t.Errorf("open are %v", open)
	}
}

// Whoever is listed again stood unchanged since the list before, relative to what
// that one told. When nobody could read the source then, that may have been the change.
func TestAListDatesNothingThatAnEarlierOneToldUnread(t *testing.T) {
	for name, tt := range map[string]struct {
		away bool // the source does not answer after the first list
		want string
	}{
		"the first list was read":     {false, "Churned"},
		"the first list was not read": {true, "Paused"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("1", "active", "")
			w.carry("1", "active")
			w.pass(time.Hour)
			listed := func(e store.NewEvent, before time.Time) {
				e.Value, e.HasValue, e.UnchangedAt = "", false, before
				w.deliver(e)
				for range 10 {
					w.work()
					w.pass(6 * time.Second)
				}
			}
			change := w.note("1")
			if tt.away {
				change = w.change("1", "canceled") // before the edit
			}
			w.pass(6 * time.Second)
			w.crm.edit("rec_1", "Paused", status.ActorHuman)
			w.pass(30 * time.Second)
			if tt.away {
				w.billing.fail = func(string, string, string) error { return failure(connector.Transient, 503) }
			}
			first := w.clock.now()
			listed(change, first.Add(-time.Minute))
			if got := w.last("1"); tt.away && got != status.Parked {
				t.Fatalf("the first list ended %s", got)
			}
			w.billing.fail = nil
			again := w.note("1")
			if !tt.away {
				again = w.change("1", "canceled") // after the edit
			}
			listed(again, first)
			w.holds("1", tt.want)
		})
	}
}
