package pipeline

import (
	"context"
	"errors"
	"testing"
	"time"

	"trueup/internal/status"
	"trueup/internal/store"
)

// conflict makes a customer whose target a person changed later than the
// source, and returns the exception that asks about it.
func (w *world) conflict() store.Exception {
	w.Helper()
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	told := w.change("cus_1", "canceled")
	w.pass(time.Hour)
	w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
	w.deliver(told)
	w.finish()
	return w.exception(status.Conflict)
}

// exception returns the one exception of a kind.
func (w *world) exception(kind status.Kind) store.Exception {
	w.Helper()
	found, err := w.db.Exceptions(context.Background(), store.ExceptionFilter{Kind: kind})
	if err != nil || len(found) != 1 {
		w.Fatalf("exceptions of kind %s: %+v, %v", kind, found, err)
	}
	return found[0]
}

// act is what an owner does, and what follows from it.
func (w *world) act(a store.Act) {
	w.Helper()
	a.Who = "ana@example.com"
	if changed, err := w.db.Act(context.Background(), a); err != nil || !changed {
		w.Fatalf("%s: %t, %v", a.Verb, changed, err)
	}
	w.finish()
}

func (w *world) state(want status.State) {
	w.Helper()
	if got := w.exception(status.Conflict).State; got != want {
		w.Errorf("the conflict is %s, not %s", got, want)
	}
}

func TestWhatAnOwnerSaysOfAConflictIsDone(t *testing.T) {
	ours := func(w *world, x store.Exception) {
		w.act(store.Act{Exception: x.ID, Verb: store.ApplyOurs, Saw: "Paused"})
	}
	theirs := func(w *world, x store.Exception) {
		w.act(store.Act{Exception: x.ID, Verb: store.KeepTheirs, Saw: "Paused"})
	}
	tests := map[string]struct {
		set   func(*world)
		story func(*world, store.Exception)
		want  string
		state status.State
	}{
		"apply ours writes it, once":                                   {story: ours, want: "Churned", state: status.Resolved},
		"apply ours where the tool's times are finer than the store's": {set: func(w *world) { w.pass(123456 * time.Nanosecond) }, story: ours, want: "Churned", state: status.Resolved},
		"a person who edits after that is asked about again": {story: func(w *world, x store.Exception) {
			ours(w, x)
			w.pass(time.Hour)
			w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
			w.deliver(w.restate("cus_1"))
			w.finish()
		}, want: "Paused", state: status.Open},
		"the same with a tool that tells nothing of edits": {set: func(w *world) { w.crm.times, w.crm.actor = false, false }, story: func(w *world, x store.Exception) {
			ours(w, x)
			w.pass(time.Hour)
			w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
			w.deliver(w.restate("cus_1"))
			w.finish()
		}, want: "Paused", state: status.Open},
		"ours that came too late is not carried out when the record looks the same again": {set: func(w *world) { w.crm.times, w.crm.actor = false, false }, story: func(w *world, x store.Exception) {
			w.pass(time.Hour)
			w.crm.edit("rec_cus_1", "Lead", status.ActorHuman) // seen with the ruling
			ours(w, x)
			w.pass(time.Hour)
			w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
			w.deliver(w.restate("cus_1"))
			w.finish()
		}, want: "Paused", state: status.Open},
		"keep theirs leaves it, and closes the question": {story: theirs, want: "Paused", state: status.Resolved},
		"keep theirs ends when the source changes later": {story: func(w *world, x store.Exception) {
			theirs(w, x)
			w.pass(time.Hour)
			w.carry("cus_1", "active")
		}, want: "Active", state: status.Resolved},
		"keep theirs goes on when the source only says it again": {story: func(w *world, x store.Exception) {
			theirs(w, x)
			w.pass(time.Hour)
			w.deliver(w.restate("cus_1"))
			w.finish()
		}, want: "Paused", state: status.Resolved},
		"an edit between the question and the answer stays": {story: func(w *world, x store.Exception) {
			w.pass(time.Hour)
			w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
			ours(w, x)
		}, want: "Paused", state: status.Open},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.set)
			tt.story(w, w.conflict())
			if got := w.crm.value("rec_cus_1"); got != tt.want {
				t.Errorf("the target holds %q, not %q", got, tt.want)
			}
			w.state(tt.state)
		})
	}
}

// restate is an event that tells what the source has said before.
func (w *world) restate(customer string) store.NewEvent {
	e := w.change(customer, w.billing.value(customer))
	w.lastChange[customer] = time.Time{}
	return e
}

func TestWhatIsKeptForATimeIsAskedAboutAgain(t *testing.T) {
	w := newWorld(t, nil)
	x := w.conflict()
	until := w.now.Add(48 * time.Hour)
	if _, err := w.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.KeepTheirs, Who: "ana@example.com", Saw: "Paused", Until: until}); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.state(status.Resolved)
	if due := w.stored("cus_1").DueAt; !due.Equal(until) {
		t.Errorf("it is looked at again at %s, not %s", due, until)
	}
	w.now = until
	w.finish()
	w.state(status.Open)
}

func TestAnOwnerWhoWasShownSomethingElseIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	x := w.conflict()
	if _, err := w.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.ApplyOurs, Who: "ana@example.com", Saw: "Active"}); !errors.Is(err, store.ErrChanged) {
		t.Errorf("it is not refused: %v", err)
	}
	w.finish()
	w.state(status.Open)
}

func TestARelinkedCustomerForgetsTheRuling(t *testing.T) {
	w := newWorld(t, nil)
	x := w.conflict()
	w.act(store.Act{Exception: x.ID, Verb: store.KeepTheirs, Saw: "Paused"})
	w.crm.records["rec_2"] = &record{value: "Paused", editedAt: w.now, actor: status.ActorHuman, keys: keysOf("cus_1")}
	w.act(store.Act{Exception: x.ID, Verb: store.LinkTo, TargetID: "rec_2"})
	if got := w.open()["cus_1"]; len(got) != 1 || got[0] != status.FirstContact {
		t.Errorf("the other record is taken for what the owner was shown: %v", got)
	}
}
