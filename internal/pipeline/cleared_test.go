package pipeline

import (
	"slices"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// A person edited the old record once; the survivor of the merge was never seen
// filled, so row 2 writes it.
func TestAnEmptySurvivorIsNotTakenForAClearedField(t *testing.T) {
	w := carried(t, nil)
	told := w.change("1", "past_due")
	w.pass(time.Hour)
	w.crm.edit("rec_1", "Churned", status.ActorHuman)
	w.deliver(told)
	w.finish()
	w.crm.records["rec_9"] = &record{value: "", editedAt: w.clock.now(), keys: map[string]string{}}
	w.crm.merge("rec_1", "rec_9")
	told = w.change("1", "canceled")
	w.pass(time.Hour)
	w.crm.records["rec_9"].editedAt = w.clock.now()
	w.deliver(told)
	w.work()
	if got := w.crm.value("rec_9"); got != "Churned" {
		t.Errorf("the survivor holds %q; open %v; %s", got, w.open()["1"], w.stored("1").Reason)
	}
}

// A person empties a field that was never ours; later somebody confirms the same
// link. The emptied field stays an edit.
func TestConfirmingTheLinkDoesNotForgetThatAFieldWasEmptied(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("1", "active", "Churned")
	w.carry("1", "active")
	w.pass(time.Hour)
	w.crm.edit("rec_1", "", status.ActorHuman)
	if err := w.db.SetLink(t.Context(), store.Link{Sync: syncName, Customer: "1", TargetID: "rec_1", Rule: "set", Confidence: 1, By: "bob"}); err != nil {
		t.Fatal(err)
	}
	w.work()
	if got := w.open()["1"]; w.crm.value("rec_1") != "" || !slices.Contains(got, status.FirstContact) {
		t.Errorf("the emptied field holds %q; open %v", w.crm.value("rec_1"), got)
	}
}

func TestConfirmingTheLinkAfterTheHold(t *testing.T) {
	w := newWorld(t, nil)
	w.customer("1", "active", "Churned")
	w.carry("1", "active")
	w.pass(time.Hour)
	w.crm.edit("rec_1", "", status.ActorHuman)
	w.deliver(w.restatedAsBefore())
	w.work()
	if got := w.open()["1"]; len(got) != 1 || w.crm.value("rec_1") != "" {
		t.Fatal(got, w.crm.value("rec_1"))
	}
	w.pass(time.Hour)
	if err := w.db.SetLink(t.Context(), store.Link{Sync: syncName, Customer: "1", TargetID: "rec_1", Rule: "set", Confidence: 1, By: "ana"}); err != nil {
		t.Fatal(err)
	}
	w.work()
	if got := w.crm.value("rec_1"); got != "" {
		t.Errorf("the person's edit was written over with %q; open %v; %s", got, w.open()["1"], w.stored("1").Reason)
	}
}

// A field that was never ours is emptied by a person while its link is removed, or
// before: found again, the same record is as it would be with the link left alone.
func TestAnEmptiedFieldIsNotWrittenAfterItsLinkWasRemoved(t *testing.T) {
	empty := func(w *world) { w.pass(time.Hour); w.crm.edit("rec_1", "", status.ActorHuman) }
	remove := func(w *world) {
		if err := w.db.RemoveLink(w.Context(), syncName, "1", "ana"); err != nil {
			w.Fatal(err)
		}
	}
	link := func(w *world, record string) {
		if err := w.db.SetLink(w.Context(), store.Link{Sync: syncName, Customer: "1", TargetID: record, Rule: "set", Confidence: 1, By: "ana"}); err != nil {
			w.Fatal(err)
		}
		w.work()
	}
	tests := map[string]struct {
		first string
		meet  func(*world)
	}{
		"emptied after the link was removed": {first: "Churned", meet: func(w *world) { remove(w); empty(w) }},
		"emptied, seen and then removed": {first: "Churned", meet: func(w *world) {
			empty(w)
			w.deliver(w.restatedAsBefore())
			w.work()
			w.pass(time.Hour)
			remove(w)
		}},
		"emptied, and then removed": {first: "Churned", meet: func(w *world) { empty(w); remove(w) }},
		"emptied while the customer had another record": {first: "Churned", meet: func(w *world) {
			w.crm.records["rec_2"] = &record{keys: map[string]string{}}
			link(w, "rec_2")
			empty(w)
			link(w, "rec_1")
		}},
		"ours, and emptied while the customer had another record": {meet: func(w *world) {
			w.crm.records["rec_2"] = &record{keys: map[string]string{}}
			link(w, "rec_2")
			empty(w)
			link(w, "rec_1")
		}},
		"ours, and emptied after the link was removed": {meet: func(w *world) { remove(w); empty(w) }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.customer("1", "active", tt.first)
			w.carry("1", "active")
			w.pass(time.Hour)
			tt.meet(w)
			w.work()
			w.deliver(w.restatedAsBefore()) // another look, with the link in place
			w.work()
			if got := w.crm.value("rec_1"); got != "" || len(w.open()["1"]) != 1 {
				t.Errorf("the person's edit was written over with %q; open %v; %s", got, w.open()["1"], w.stored("1").Reason)
			}
		})
	}
}

// Nobody has emptied what was never seen filled.
func TestAnEmptyFieldIsWrittenAfterItsLinkWasRemoved(t *testing.T) {
	w := newWorld(t, nil)
	w.f.Config.Mode = config.ModeWatch
	w.customer("1", "active", "")
	w.carry("1", "active")
	w.pass(time.Hour)
	if err := w.db.RemoveLink(t.Context(), syncName, "1", "ana"); err != nil {
		t.Fatal(err)
	}
	w.f.Config.Mode = config.ModeLive
	w.work()
	if got := w.crm.value("rec_1"); got != "Active" {
		t.Errorf("the record holds %q; open %v; %s", got, w.open()["1"], w.stored("1").Reason)
	}
}

func (w *world) restatedAsBefore() store.NewEvent {
	e := w.change("1", "active")
	e.OccurredAt = w.clock.now().Add(-2 * time.Hour)
	w.billing.records["1"].editedAt = w.clock.now().Add(-2 * time.Hour)
	return e
}
