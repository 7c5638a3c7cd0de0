package pipeline

import (
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestARowIsWrittenInASyncThatOnlyWatchesIfAPersonNamedItsCustomer(t *testing.T) {
	w := newWorld(t, nil)
	p := w.reviewed()
	w.f.Config.Mode = "watch"
	if c := w.carryRow(p); c.State == store.RowApplied || len(w.crm.writes) > 0 {
		t.Fatalf("unnamed, it is %q: %s; written: %v", c.State, c.Note, w.crm.writes)
	}
	p.Trial = true
	if c := w.carryRow(p); c.State != store.RowApplied || len(w.crm.writes) != 1 {
		t.Fatalf("named, it is %q: %s; written: %v", c.State, c.Note, w.crm.writes)
	}
	l, err := w.db.LastWrite(t.Context(), syncName, "cus_1")
	if err != nil || l.Before != "" || l.Value != "Churned" || l.RecordID != "rec_cus_1" || !l.Trial {
		t.Errorf("the write is remembered as %+v, %v", l, err)
	}
	if n, err := w.db.Tried(t.Context(), syncName); n != 1 || err != nil {
		t.Errorf("%d were tried, %v", n, err)
	}
	if c := w.stored("cus_1"); c.Outcome != status.Applied {
		t.Errorf("the customer is %q", c.Outcome)
	}
}

func TestATrialThatDoesNotFitTheWorldWritesNothing(t *testing.T) {
	w := newWorld(t, nil)
	p := w.reviewed()
	w.f.Config.Mode = "watch"
	p.Trial = true
	w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
	if c := w.carryRow(p); c.State != store.RowRefused || len(w.crm.writes) > 0 {
		t.Errorf("it is %q: %s; written: %v", c.State, c.Note, w.crm.writes)
	}
	if n, err := w.db.Tried(t.Context(), syncName); n != 0 || err != nil {
		t.Errorf("%d were tried, %v", n, err)
	}
}

func TestATrialThatArrivesWithoutAnAnswerIsRememberedByTheNextLook(t *testing.T) {
	w := newWorld(t, nil)
	p := w.reviewed()
	w.f.Config.Mode = "watch"
	p.Trial = true
	w.crm.fail = times(1, "write", unknown())
	if c := w.carryRow(p); c.State != store.RowFailed {
		t.Fatalf("it is %q: %s", c.State, c.Note)
	}
	w.crm.edit("rec_cus_1", "Churned", status.ActorUs) // it arrives after all
	w.finish()
	if n, err := w.db.Tried(t.Context(), syncName); n != 1 || err != nil {
		t.Errorf("%d were tried, %v", n, err)
	}
	if l, err := w.db.LastWrite(t.Context(), syncName, "cus_1"); l.Value != "Churned" || err != nil {
		t.Errorf("the write is remembered as %+v, %v", l, err)
	}
}
