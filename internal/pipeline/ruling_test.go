package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
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
		w.act(store.Act{Exception: x.ID, Verb: store.UseSource, Saw: "Paused", SawSource: "canceled"})
	}
	theirs := func(w *world, x store.Exception) {
		w.act(store.Act{Exception: x.ID, Verb: store.KeepTarget, Saw: "Paused", SawSource: "canceled"})
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
	until := w.clock.now().Add(48 * time.Hour)
	if _, err := w.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.KeepTarget, Who: "ana@example.com", Saw: "Paused", SawSource: "canceled", Until: until}); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.state(status.Resolved)
	if due := w.stored("cus_1").DueAt; !due.Equal(until) {
		t.Errorf("it is looked at again at %s, not %s", due, until)
	}
	w.clock.set(until)
	w.finish()
	w.state(status.Open)
}

func TestAnOwnerWhoWasShownSomethingElseIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	x := w.conflict()
	if _, err := w.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.UseSource, Who: "ana@example.com", Saw: "Active", SawSource: "canceled"}); !errors.Is(err, store.ErrChanged) {
		t.Errorf("it is not refused: %v", err)
	}
	w.finish()
	w.state(status.Open)
}

func TestARelinkedCustomerForgetsTheRuling(t *testing.T) {
	w := newWorld(t, nil)
	x := w.conflict()
	w.act(store.Act{Exception: x.ID, Verb: store.KeepTarget, Saw: "Paused", SawSource: "canceled"})
	w.crm.records["rec_2"] = &record{value: "Paused", editedAt: w.clock.now(), actor: status.ActorHuman, keys: keysOf("cus_1")}
	w.act(store.Act{Exception: x.ID, Verb: store.LinkTo, TargetID: "rec_2"})
	if got := w.open()["cus_1"]; len(got) != 1 || got[0] != status.FirstContact {
		t.Errorf("the other record is taken for what the owner was shown: %v", got)
	}
}

// refused is a decision on what is not so any more: it is refused with what has
// changed, and nothing is written.
func (w *world) refused(a store.Act, says string) {
	w.Helper()
	a.Who = "ana@example.com"
	changed, err := w.db.Act(context.Background(), a)
	if !errors.Is(err, store.ErrChanged) || changed || !strings.Contains(err.Error(), says) {
		w.Errorf("%s: %t, %v; it does not say %q", a.Verb, changed, err, says)
	}
	before := len(w.crm.writes)
	w.finish()
	if len(w.crm.writes) != before || w.stored("cus_1").Ruling.Kind != "" {
		w.Errorf("%v is written, the ruling is %+v", w.crm.writes[before:], w.stored("cus_1").Ruling)
	}
}

func TestAnOwnersWordCoversTheSourcesValueThatHeWasShown(t *testing.T) {
	for _, verb := range []store.Verb{store.UseSource, store.KeepTarget} {
		t.Run(string(verb), func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("cus_1", "active", "")
			w.carry("cus_1", "active")
			w.pass(time.Hour)
			first, second := w.change("cus_1", "canceled"), store.NewEvent{}
			w.pass(time.Minute)
			second = w.change("cus_1", "trialing")
			w.pass(time.Hour)
			w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
			w.billing.records["cus_1"].value = "canceled"
			w.deliver(first)
			w.finish()
			x := w.exception(status.Conflict)
			w.billing.records["cus_1"].value = "trialing" // still before the edit, and told later
			w.deliver(second)
			w.finish()
			if now := w.exception(status.Conflict); now.SourceValue != "trialing" || now.State != status.Open {
				t.Fatalf("asked is %+v", now)
			}
			w.refused(store.Act{Exception: x.ID, Verb: verb, Saw: "Paused", SawSource: "canceled"}, `the source says "trialing", not "canceled"`)
			w.act(store.Act{Exception: x.ID, Verb: verb, Saw: "Paused", SawSource: "trialing"})
		})
	}
}

func TestNobodyDecidesOnARecordThatWasNotLookedAt(t *testing.T) {
	w := newWorld(t, nil)
	x := w.conflict()
	w.crm.records["rec_2"] = &record{value: "Paused", editedAt: w.clock.now(), actor: status.ActorHuman, keys: keysOf("cus_1")}
	// Each finds the record that the one before left: linking to the record that
	// is linked changes nothing.
	for _, c := range []struct {
		name   string
		change func() error
	}{
		{"linked otherwise", func() error {
			_, err := w.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.LinkTo, TargetID: "rec_2", Who: "ana"})
			return err
		}},
		{"set otherwise", func() error {
			return w.db.SetLink(t.Context(), store.Link{Sync: syncName, Customer: "cus_1", TargetID: "rec_cus_1", By: "ana"})
		}},
		{"not linked", func() error { return w.db.RemoveLink(t.Context(), syncName, "cus_1", "ana") }},
		{"matched anew", func() error {
			if err := w.db.SetLink(t.Context(), store.Link{Sync: syncName, Customer: "cus_1", TargetID: "rec_2", By: "ben"}); err != nil {
				return err
			}
			_, err := w.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.Rematch, Who: "ana"})
			return err
		}},
	} {
		if err := c.change(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for _, saw := range []string{"Paused", ""} {
			_, err := w.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.UseSource, Who: "ana", Saw: saw, SawSource: "canceled"})
			if !errors.Is(err, store.ErrChanged) || !strings.Contains(err.Error(), "has not been looked at") {
				t.Errorf("%s, and %q was seen: %v", c.name, saw, err)
			}
		}
	}
}

// A write of ours that had no answer and arrives after the owner said that the
// person's value stays is not kept as if he had meant it.
func TestALateWriteOfOursIsNotWhatTheOwnerKeeps(t *testing.T) {
	w := newWorld(t, func(w *world) { w.crm.actor, w.crm.fieldTime = false, false })
	w.customer("cus_1", "active", "")
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	w.crm.fail = times(1, "write", &connector.Failure{Kind: connector.Transient, Effect: connector.EffectUnknown, Detail: "no answer"})
	w.deliver(w.change("cus_1", "canceled"))
	w.work()
	w.crm.fail = nil
	told := w.change("cus_1", "active") // it has changed its mind
	w.pass(10 * time.Second)
	w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
	w.deliver(told)
	w.pass(10 * time.Second)
	w.work()
	x := w.exception(status.Conflict)
	if _, err := w.db.Act(t.Context(), store.Act{Exception: x.ID, Verb: store.KeepTarget, Who: "ana", Saw: x.TargetValue, SawSource: x.SourceValue}); err != nil {
		t.Fatal(err)
	}
	w.work()
	w.pass(time.Minute)
	w.crm.edit("rec_cus_1", "Churned", status.ActorUs) // it arrives
	w.finish()
	w.state(status.Open)
	if got := w.crm.value("rec_cus_1"); got != "Churned" {
		t.Errorf("the target holds %s: somebody has decided", got)
	}
}

// What is ignored until the source changes is asked about again once it has
// changed, also when it has returned to the same value and the customer was
// stopped at another stage in between.
func TestWhatIsIgnoredUntilTheSourceChangesComesBackWithTheSameValue(t *testing.T) {
	w := newWorld(t, nil)
	x := w.conflict()
	w.act(store.Act{Exception: x.ID, Verb: store.Ignore, Ignored: store.IgnoredUntilChange})
	w.deliver(w.restate("cus_1"))
	w.finish()
	w.state(status.StateIgnored)
	// It changes to a word that nobody has given a meaning, and back, before the
	// edit; both are told of later. The path ends before the question meanwhile.
	told := func(value string, ago time.Duration) {
		e := w.change("cus_1", value)
		e.OccurredAt = w.clock.now().Add(-ago)
		w.deliver(e)
		w.finish()
	}
	told("on_hold", 50*time.Minute)
	w.state(status.StateIgnored)
	told("canceled", 40*time.Minute)
	w.state(status.Open)
}
