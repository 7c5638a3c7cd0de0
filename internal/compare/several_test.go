package compare

import (
	"context"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/config"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// noFinder is a source whose search must not be used: a comparison has listed all.
type noFinder struct{ *testing.T }

func (f noFinder) Find(context.Context, string, string) ([]string, error) {
	f.Error("the tool was asked for customers whom it had listed")
	return nil, nil
}

// onePerson is a world in which two customers have one address and one record.
func onePerson(w *world, first, second, shown string) {
	w.sync.Config.Match[0].Several = config.SeveralFold
	w.sync.From.SourceFind, w.sync.From.Precedence = noFinder{w.T}, []string{"active", "paused", "canceled"}
	w.billing.records["cus_1"] = record{value: first, at: w.clock(), keys: map[string]string{"email": "ann@example.com"}}
	w.billing.records["cus_2"] = record{value: second, at: w.clock(), keys: map[string]string{"email": "Ann@Example.com"}}
	w.crm.records["rec_ann"] = record{value: shown, at: w.clock(), keys: map[string]string{"email": "ann@example.com"}}
	for _, id := range []string{"a", "b", "c", "d"} { // so that the two are not in one batch
		w.customer("cus_1"+id, "active", "Active")
	}
}

func TestAPlanHasOneRowForCustomersWhoAreOne(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.T = t
		onePerson(w, "canceled", "active", "Churned")
		s := w.compare(store.ForPlan)
		rows := w.rows(s)
		if r := rows["cus_1"]; len(rows) != 1 || r.Action != "write" || r.Before != "Churned" || r.After != "Active" || r.TargetID != "rec_ann" {
			t.Errorf("the plan's rows are %v", rows)
		}
		if s.Summary.Agree != 4 || s.Summary.NotCarried != 1 || s.Summary.Other != 0 {
			t.Errorf("the figures: %+v", s.Summary)
		}
	})
}

func TestASweepFindsThatTheBestStatusIsNotShown(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.T = t
		onePerson(w, "canceled", "active", "Active")
		w.sync.From.SourceFind = searching{w.billing}
		w.goLive()
		w.pass(time.Minute)
		w.change("cus_1", "canceled", true)
		w.change("cus_2", "active", true)
		w.work()
		w.pass(time.Hour)
		w.change("cus_2", "paused", false) // an event that was lost
		w.pass(time.Hour)
		w.sync.From.SourceFind = noFinder{t}
		s := w.compare(store.ForSweep)
		if s.Repaired != 1 {
			t.Errorf("%d customers are made due", s.Repaired)
		}
		w.sync.From.SourceFind = searching{w.billing}
		w.work()
		if got := w.crm.records["rec_ann"].value; got != "Paused" {
			t.Errorf("the record holds %s", got)
		}
		open, err := w.db.Exceptions(t.Context(), store.ExceptionFilter{States: []status.State{status.Open}})
		if err != nil || len(open) > 0 {
			t.Errorf("open is %v, %v", open, err)
		}
	})
}

// searching finds customers by their exact address.
type searching struct{ *tool }

func (s searching) Find(_ context.Context, key, value string) (found []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, r := range s.records {
		if r.keys[key] == value {
			found = append(found, id)
		}
	}
	return found, nil
}
