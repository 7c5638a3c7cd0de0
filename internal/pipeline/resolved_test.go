package pipeline

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestWhatAPersonResolvedStaysClosedUntilASideChanges(t *testing.T) {
	again := func(w *world) {
		w.pass(time.Hour)
		w.deliver(w.restate("cus_1"))
		w.finish()
	}
	edit := func(value string) func(*world) {
		return func(w *world) {
			w.pass(time.Hour)
			w.crm.edit("rec_cus_1", value, status.ActorHuman)
			again(w)
		}
	}
	source := func(value string) func(*world) {
		return func(w *world) {
			w.pass(time.Hour)
			told := w.change("cus_1", value)
			w.pass(time.Hour)
			w.crm.edit("rec_cus_1", w.crm.value("rec_cus_1"), status.ActorHuman)
			w.deliver(told)
			w.finish()
		}
	}
	silent := func(w *world) { w.crm.times, w.crm.actor = false, false }
	first := func(w *world) store.Exception {
		w.customer("cus_1", "canceled", "Paused")
		w.pass(time.Hour)
		w.crm.edit("rec_cus_1", "Paused", status.ActorHuman)
		w.deliver(w.restate("cus_1"))
		w.finish()
		return w.exception(status.FirstContact)
	}
	tests := map[string]struct {
		set   func(*world)
		begin func(*world) store.Exception
		after []func(*world)
		want  status.State
	}{
		"an event that tells the same again":      {after: []func(*world){again, again}, want: status.Resolved},
		"the poll at a restart":                   {after: []func(*world){(*world).start, again}, want: status.Resolved},
		"the same of a source that only sends":    {set: func(w *world) { w.cannotAsk = true }, after: []func(*world){again}, want: status.Resolved},
		"the same where no edit has a time":       {set: silent, after: []func(*world){again, again}, want: status.Resolved},
		"the source has another value":            {after: []func(*world){source("past_due"), source("active")}, want: status.Open},
		"the source changed and is back":          {after: []func(*world){source("active"), source("canceled")}, want: status.Open},
		"somebody sets another value":             {after: []func(*world){edit("Lead")}, want: status.Open},
		"somebody sets the same value anew":       {after: []func(*world){edit("Paused")}, want: status.Open},
		"both were equal in between":              {set: silent, after: []func(*world){edit("Churned"), edit("Paused")}, want: status.Open},
		"a first contact, told of once more":      {begin: first, after: []func(*world){again, (*world).start, again}, want: status.Resolved},
		"a first contact after another edit":      {begin: first, after: []func(*world){edit("Lead")}, want: status.Open},
		"a first contact without times":           {set: silent, begin: first, after: []func(*world){again, again}, want: status.Resolved},
		"a first contact without times, edited":   {set: silent, begin: first, after: []func(*world){edit("Lead")}, want: status.Open},
		"a first contact once the source changes": {begin: first, after: []func(*world){source("active")}, want: status.Open},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.set)
			if tt.begin == nil {
				tt.begin = (*world).conflict
			}
			x := tt.begin(w)
			w.act(store.Act{Exception: x.ID, Verb: store.Resolve})
			for _, happens := range tt.after {
				happens(w)
			}
			got, err := w.db.Exception(t.Context(), x.ID)
			if err != nil {
				t.Fatal(err)
			}
			if got.State != tt.want || got.Count <= x.Count {
				t.Errorf("it is %s, not %s, and counted %d times", got.State, tt.want, got.Count)
			}
			if reopened := got.OpenedAt.After(x.OpenedAt); reopened != (tt.want == status.Open) {
				t.Errorf("opened at %s, first at %s", got.OpenedAt, x.OpenedAt)
			}
		})
	}
}

func TestAnotherLookThatAPersonAsksForOpensWhatHeResolved(t *testing.T) {
	for _, verb := range []store.Verb{store.Retry, store.KeepTarget} {
		w := newWorld(t, nil)
		x := w.conflict()
		w.act(store.Act{Exception: x.ID, Verb: store.Resolve})
		w.act(store.Act{Exception: x.ID, Verb: verb, Saw: "Paused", SawSource: "canceled", Until: w.clock.now().Add(time.Hour)})
		w.finish()
		w.state(status.Open)
	}
}

func TestWhatIsOpenAgainIsTold(t *testing.T) {
	w := newWorld(t, nil)
	x := w.conflict()
	w.act(store.Act{Exception: x.ID, Verb: store.Resolve})
	w.pass(time.Hour)
	w.crm.edit("rec_cus_1", "Lead", status.ActorHuman)
	edited := stamp(w.clock.now())
	w.deliver(w.restate("cus_1"))
	w.finish()
	got, err := w.db.Exception(context.Background(), x.ID)
	if err != nil || got.TargetValue != "Lead" || !strings.Contains(got.Reason.Sentence(), edited) {
		t.Errorf("it says %+v, %v", got, err)
	}
}
