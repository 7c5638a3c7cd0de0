package pipeline

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// overwritten is a world in which an event about another field came first: the
// source was canceled at 0 s, a person set Paused at 10 s, and the event of 20 s
// led to a write over that. It returns the change's own event, which is late.
func overwritten(t *testing.T, set func(*world)) (w *world, late store.NewEvent) {
	w = newWorld(t, func(w *world) {
		w.crm.sourceChanged = nil // that it is written over is what the test is about
		w.cannotAsk = true
		if set != nil {
			set(w)
		}
	})
	w.customer("1", "active", "Active")
	w.pass(time.Minute)
	late = w.change("1", "canceled")
	late.UnchangedAt = time.Time{}
	w.pass(10 * time.Second)
	w.crm.edit("rec_1", "Paused", status.ActorHuman)
	w.pass(10 * time.Second)
	first := late
	first.ID, first.OccurredAt = "evt_first", w.clock.now()
	w.pass(time.Second)
	w.deliver(first)
	w.finish()
	w.holds("1", "Churned")
	if open := w.open()["1"]; len(open) > 0 {
		t.Fatalf("open are %v before anybody can know", open)
	}
	w.pass(5 * time.Second)
	return w, late
}

// asked returns the customer's open conflict, nil when there is none.
func (w *world) asked() *store.Exception {
	w.Helper()
	found, err := w.db.Exceptions(context.Background(), store.ExceptionFilter{Sync: syncName, Customer: "1", Kind: status.Conflict, States: []status.State{status.Open}})
	if err != nil {
		w.Fatal(err)
	}
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}

func TestAnEventThatProvesThatWeWroteOverANewerEditIsAQuestion(t *testing.T) {
	worlds := map[string]func(*world){
		"told by events only": nil,
		"asked":               func(w *world) { w.cannotAsk = false },
		"told by events only, one time for the whole record": func(w *world) { w.crm.fieldTime = false },
		"where the source wins at first contact":             func(w *world) { w.configure = func(s *config.Sync) { s.FirstContact = config.SourceWins } },
	}
	for name, set := range worlds {
		t.Run(name, func(t *testing.T) {
			w, late := overwritten(t, set)
			writes := len(w.crm.writes)
			w.deliver(late)
			w.finish()
			x := w.asked()
			if x == nil {
				t.Fatalf("nobody is told; the events ended %v", w.ended("1"))
			}
			for _, part := range []string{"had changed to canceled at " + stamp(late.OccurredAt), "Trueup wrote Churned over Paused",
				stamp(late.OccurredAt.Add(10 * time.Second)), "set Paused in crm by hand", "resolve this"} {
				if !strings.Contains(x.Reason.Sentence()+x.Reason.Advice(), part) {
					t.Errorf("it does not say %q: %s", part, x.Reason)
				}
			}
			if x.SourceValue != "canceled" || x.TargetValue != "Churned" || x.Confidence != map[bool]float64{true: 1, false: 0.5}[w.crm.fieldTime] || x.Owner != "success@example.com" {
				t.Errorf("it is %+v", x)
			}
			if got := w.ended("1"); got[len(got)-1] != status.AlreadyEqual && got[len(got)-1] != status.Superseded {
				t.Errorf("the events ended %v", got)
			}
			// It does not close because both sides agree, nor does it shout.
			for range 3 {
				w.pass(time.Minute)
				w.deliver(w.note("1"))
				again := late
				again.ID, again.OccurredAt = "evt_again"+w.clock.now().String(), w.clock.now()
				w.deliver(again)
				w.finish()
			}
			if x = w.asked(); x == nil || x.Count != 1 {
				t.Errorf("after equal events it is %+v", x)
			}
			if len(w.crm.writes) != writes {
				t.Errorf("it was written: %v", w.crm.writes[writes:])
			}
		})
	}
}

func TestWhatWasWrittenOverEndsWithAPersonOrTheNextChange(t *testing.T) {
	t.Run("a person brings it back by hand, and that stays", func(t *testing.T) {
		w, late := overwritten(t, nil)
		w.deliver(late)
		w.finish()
		w.crm.edit("rec_1", "Paused", status.ActorHuman)
		w.pass(time.Minute)
		w.replay("evt_first", "look")
		w.finish()
		w.holds("1", "Paused")
		if x := w.asked(); x == nil || !strings.Contains(x.Reason.Sentence(), "A person edited crm") {
			t.Errorf("the question is %+v", x)
		}
	})
	t.Run("an owner leaves ours", func(t *testing.T) {
		for _, verb := range []store.Verb{store.Resolve, store.UseSource, store.KeepTarget} {
			w, late := overwritten(t, nil)
			w.deliver(late)
			w.finish()
			w.act(store.Act{Exception: w.asked().ID, Verb: verb, Saw: "Churned", SawSource: "canceled"})
			for range 2 {
				w.pass(time.Minute)
				again := late
				again.ID = "evt_again" + w.clock.now().String()
				w.deliver(again)
				w.finish()
				if x := w.asked(); x != nil {
					t.Errorf("after %s it is open: %s", verb, x.Reason)
				}
			}
			w.holds("1", "Churned")
		}
	})
	t.Run("the source changes later than the edit", func(t *testing.T) {
		w, late := overwritten(t, nil)
		w.deliver(late)
		w.finish()
		w.carry("1", "active")
		w.holds("1", "Active")
		if x := w.asked(); x != nil {
			t.Errorf("it is open: %s", x.Reason)
		}
	})
}

func TestALateEventThatProvesNothingIsNoQuestion(t *testing.T) {
	quiet := map[string]func(w *world, late store.NewEvent) []store.NewEvent{
		"it is as old as the edit, as far as clocks tell": func(_ *world, late store.NewEvent) []store.NewEvent {
			late.OccurredAt = late.OccurredAt.Add(9 * time.Second)
			return []store.NewEvent{late}
		},
		"it says another value": func(_ *world, late store.NewEvent) []store.NewEvent {
			late.Value, late.Payload = "active", []byte(`{"id":"1","value":"active"}`)
			return []store.NewEvent{late}
		},
		"the source held something else after the edit": func(_ *world, late store.NewEvent) []store.NewEvent {
			other := late
			other.ID, other.Value, other.OccurredAt = "other", "active", late.OccurredAt.Add(15*time.Second)
			return []store.NewEvent{other, late}
		},
		"it is a replay": func(w *world, _ store.NewEvent) []store.NewEvent {
			w.replay("evt_first", "again")
			return nil
		},
		"a person has set since what we had written": func(w *world, late store.NewEvent) []store.NewEvent {
			w.crm.edit("rec_1", "Active", status.ActorHuman)
			w.pass(time.Minute)
			w.replay("evt_first", "look")
			w.finish()
			w.crm.edit("rec_1", "Churned", status.ActorHuman)
			w.pass(time.Minute)
			return []store.NewEvent{late}
		},
	}
	for name, events := range quiet {
		t.Run(name, func(t *testing.T) {
			w, late := overwritten(t, nil)
			w.deliver(events(w, late)...)
			w.finish()
			if x := w.asked(); x != nil {
				t.Errorf("it asks: %s", x.Reason)
			}
		})
	}
	t.Run("the event that was carried said that the status changed with it", func(t *testing.T) {
		w := newWorld(t, func(w *world) { w.cannotAsk = true })
		w.customer("1", "active", "Active")
		late := w.change("1", "canceled")
		w.pass(10 * time.Second)
		w.crm.edit("rec_1", "Paused", status.ActorHuman)
		w.pass(10 * time.Second)
		w.carry("1", "canceled")
		w.deliver(late)
		w.finish()
		if x := w.asked(); x != nil {
			t.Errorf("it asks: %s", x.Reason)
		}
	})
}
