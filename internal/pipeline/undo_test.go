package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/connector"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// wroteActive makes a customer whose record a person had set to Paused, and which Trueup
// wrote Active over an hour ago.
func (w *world) wroteActive() {
	w.Helper()
	w.customer("cus_1", "paused", "Paused")
	w.carry("cus_1", "paused")
	w.pass(time.Hour)
	w.carry("cus_1", "active")
	if got := w.crm.value("rec_cus_1"); got != "Active" {
		w.Fatalf("the target holds %q", got)
	}
	w.pass(time.Hour)
}

func (w *world) undo() UndoResult {
	w.Helper()
	c, err := w.p.Undo(w.Context(), w.db, UndoRequest{Sync: syncName, Customer: "cus_1", By: "ana@example.com"})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func TestAWriteIsUndoneOnlyWhileTheRecordIsAsItLeftIt(t *testing.T) {
	noTimes := func(w *world) { w.crm.times, w.crm.fieldTime = false, false }
	tests := map[string]struct {
		set   func(*world)
		story func(*world)
		done  bool
		why   string
		value string
	}{
		"nobody has edited since":                                         {story: (*world).wroteActive, done: true, value: "Paused", why: "ana@example.com undid Trueup's write: crm went from Active back to Paused"},
		"the same where the tool tells no times":                          {set: noTimes, story: (*world).wroteActive, done: true, value: "Paused"},
		"the same with a conditional write":                               {set: func(w *world) { w.crm.conditional = true }, story: (*world).wroteActive, done: true, value: "Paused"},
		"nothing was ever written":                                        {story: func(w *world) { w.customer("cus_1", "active", "Active"); w.carry("cus_1", "active") }, value: "Active", why: "nothing to undo"},
		"a customer of whom nothing is known":                             {story: func(w *world) { w.customer("cus_1", "active", "") }, why: "nothing to undo"},
		"the field was empty before":                                      {story: func(w *world) { w.customer("cus_1", "active", ""); w.carry("cus_1", "active"); w.pass(time.Hour) }, value: "Active", why: "the field was empty"},
		"a person has set another value since":                            {story: func(w *world) { w.wroteActive(); w.crm.edit("rec_cus_1", "Churned", status.ActorHuman) }, value: "Churned", why: "crm has Churned now, not Active, which Trueup wrote"},
		"a person has set the same value since, and the field has a time": {story: func(w *world) { w.wroteActive(); w.crm.edit("rec_cus_1", "Active", status.ActorHuman) }, value: "Active", why: "someone may have edited it"},
		"a person edits between the look and the write": {set: func(w *world) { w.crm.conditional = true }, story: func(w *world) {
			w.wroteActive()
			w.crm.beforeWrite = func(string) { w.crm.beforeWrite = nil; w.crm.edit("rec_cus_1", "Churned", status.ActorHuman) }
		}, value: "Churned", why: "crm has Churned now"},
		"it was undone before": {story: func(w *world) { w.wroteActive(); w.undo(); w.pass(time.Hour) }, value: "Paused", why: "undone already"},
		"the customer has another record now": {story: func(w *world) {
			w.wroteActive()
			w.crm.records["rec_2"] = &record{value: "Active"}
			if err := w.db.SetLink(w.Context(), store.Link{Sync: syncName, Customer: "cus_1", TargetID: "rec_2", Confidence: 1, By: "ana@example.com"}); err != nil {
				w.Fatal(err)
			}
		}, value: "Active", why: "nothing to undo"},
		"the tool refuses it": {story: func(w *world) {
			w.wroteActive()
			w.crm.fail = times(1, "write", &connector.Failure{Kind: connector.Refused, Effect: connector.EffectNone, Status: 422, Detail: "there is no such option"})
		}, value: "Active", why: "there is no such option"},
		"the record is gone": {story: func(w *world) { w.wroteActive(); delete(w.crm.records, "rec_cus_1") }, why: "no longer has"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.set)
			tt.story(w)
			before := len(w.crm.writes)
			c := w.undo()
			if c.Done != tt.done || c.Busy || c.Sent || !strings.Contains(c.Why.Sentence(), tt.why) {
				t.Errorf("it came to %+v: %s", c, c.Why.Sentence())
			}
			if r := w.crm.records["rec_cus_1"]; r != nil && r.value != tt.value {
				t.Errorf("the target holds %q", r.value)
			}
			if n := len(w.crm.writes) - before; (n == 1) != tt.done {
				t.Errorf("written %d times", n)
			}
			if r := w.stored("cus_1").Ruling; (r.Kind == store.RuledByUndo) != (tt.done || name == "it was undone before") {
				t.Errorf("decided is %+v", r)
			}
		})
	}
}

func TestWhatWasUndoneIsNotWrittenAgainUntilTheSourceChanges(t *testing.T) {
	for name, set := range map[string]func(*world){
		"a tool that tells all":      nil,
		"a tool that tells no times": func(w *world) { w.crm.times, w.crm.fieldTime, w.crm.actor = false, false, false },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, set)
			w.wroteActive()
			if c := w.undo(); !c.Done {
				t.Fatal(c.Why.Sentence())
			}
			if c := w.stored("cus_1"); c.Outcome != status.Held || c.Base.Value != "Paused" {
				t.Errorf("the customer is %q with the base %q", c.Outcome, c.Base.Value)
			}
			history, err := w.db.History(t.Context(), syncName, "cus_1", 1)
			if err != nil || history[0].Action != "undo" || history[0].Observed != "Active" || history[0].Desired != "Paused" {
				t.Errorf("the history says %+v, %v", history, err)
			}
			for range 3 {
				w.pass(time.Hour)
				w.deliver(w.restate("cus_1"))
				w.finish()
			}
			if got := w.crm.value("rec_cus_1"); got != "Paused" {
				t.Errorf("the target holds %q after more events", got)
			}
			if open := w.open(); len(open) > 0 {
				t.Errorf("open is %v", open)
			}
			if c := w.stored("cus_1"); c.Outcome != status.Held || !strings.Contains(c.Reason.Sentence(), "someone undid Trueup's write") {
				t.Errorf("the customer is %q: %s", c.Outcome, c.Reason.Sentence())
			}
			w.pass(time.Hour)
			w.carry("cus_1", "canceled")
			if got := w.crm.value("rec_cus_1"); got != "Churned" {
				t.Errorf("when the source has changed, the target holds %q", got)
			}
			w.pass(time.Hour)
			w.carry("cus_1", "active")
			if got := w.crm.value("rec_cus_1"); got != "Active" {
				t.Errorf("when it has changed back, the target holds %q", got)
			}
		})
	}
}

func TestAnUndoingWithoutAnAnswerIsNotTakenBack(t *testing.T) {
	w := newWorld(t, nil)
	w.wroteActive()
	w.crm.fail = timesOutAfterTheEffect(w, 1)
	if c := w.undo(); !c.Done { // it is read there
		t.Fatal(c.Why.Sentence())
	}
	w = newWorld(t, nil)
	w.wroteActive()
	w.crm.fail = times(1, "write", unknown())
	c := w.undo()
	if c.Done || !c.Sent {
		t.Fatalf("it came to %+v", c)
	}
	w.crm.edit("rec_cus_1", "Paused", status.ActorUs) // it arrives after all
	w.pass(time.Minute)
	w.deliver(w.restate("cus_1"))
	w.finish()
	if got := w.crm.value("rec_cus_1"); got != "Paused" {
		t.Errorf("the target holds %q", got)
	}
	if c := w.undo(); c.Done {
		t.Errorf("it was undone once more: %s", c.Why.Sentence())
	}
}

func TestAnUndoingWaitsForAWriteThatIsNotProved(t *testing.T) {
	w := newWorld(t, nil)
	w.wroteActive()
	w.crm.fail = times(1, "write", unknown())
	w.deliver(w.change("cus_1", "canceled"))
	w.work()
	if c := w.undo(); c.Done || !strings.Contains(c.Why.Sentence(), "not confirmed yet") {
		t.Errorf("it came to %+v: %s", c, c.Why.Sentence())
	}
}

func TestARowIsWrittenOverAnUndoingOnlyByName(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("cus_1", "paused", "Paused")
	w.carry("cus_1", "paused")
	w.pass(time.Hour)
	w.f.Config.Mode = "watch"
	w.carry("cus_1", "active")
	w.pass(time.Hour)
	p := w.planned("Paused", "Active")
	p.Trial = true
	if c := w.carryRow(p); c.State != store.RowApplied {
		t.Fatal(c.Note)
	}
	w.pass(time.Hour)
	if c := w.undo(); !c.Done {
		t.Fatal(c.Why.Sentence())
	}
	if n, err := w.db.Tried(t.Context(), syncName); n != 0 || err != nil {
		t.Errorf("%d were tried, %v", n, err)
	}
	w.pass(time.Hour)
	if c := w.carryRow(p); c.State != store.RowRefused || !strings.Contains(c.Note, "someone undid Trueup's write") {
		t.Errorf("unnamed it is %q: %s", c.State, c.Note)
	}
	p.Named = true
	if c := w.carryRow(p); c.State != store.RowApplied {
		t.Errorf("named it is %q: %s", c.State, c.Note)
	}
	if c := w.stored("cus_1"); c.Ruling.Kind != "" {
		t.Errorf("decided is %+v", c.Ruling)
	}
}
