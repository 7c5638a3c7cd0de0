package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

var work = map[string]func(*testing.T, Open){
	"a customer is claimed by one worker at a time": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		const customers = 60
		for i := range customers {
			f.receive(event(fmt.Sprint("evt_", i), fmt.Sprint("cus_", i)))
		}
		var mu sync.Mutex
		by := map[string]int{}
		var all sync.WaitGroup
		for w := range 8 {
			db := f.db
			if w%2 == 1 {
				db = node2
			}
			all.Go(func() {
				for {
					works, err := db.Claim(f.ctx, sync1, 5, lease)
					if err != nil {
						t.Error(err)
					}
					if len(works) == 0 {
						return
					}
					mu.Lock()
					for _, w := range works {
						by[w.Customer]++
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		for c, n := range by {
			if n != 1 {
				t.Errorf("%s was claimed %d times", c, n)
			}
		}
		// A claimer that finds every due row locked by others leaves early;
		// what it left is found by the next.
		if rest := len(f.claim()); len(by)+rest != customers {
			t.Errorf("%d customers were claimed, there were %d", len(by)+rest, customers)
		}
	},
	"customers are claimed in the order they became due, up to the limit": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for _, c := range []string{"cus_b", "cus_a", "cus_c"} {
			f.receive(event("evt_"+c, c))
			f.clock.Move(time.Second)
		}
		works, err := f.db.Claim(f.ctx, sync1, 2, lease)
		f.must(err)
		if len(works) != 2 || works[0].Customer != "cus_a" || works[1].Customer != "cus_b" {
			t.Errorf("claimed %v", works)
		}
	},
	"an event leaves whoever waits in his place": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		f.clock.Move(time.Second)
		f.receive(event("evt_2", "cus_2"))
		f.clock.Move(time.Second)
		f.receive(event("evt_3", "cus_1"))
		_, err := f.db.Act(f.ctx, store.Act{Exception: f.park("cus_1"), Verb: store.Retry, Who: "ana"})
		f.must(err)
		f.first("cus_1", "it was told of first")
	},
	"an event during an attempt gives its customer no better place than others have": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		f.clock.Move(time.Second)
		f.receive(event("evt_2", "cus_2"))
		f.clock.Move(time.Second)
		f.receive(event("evt_3", "cus_1"))
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Applied}))
		f.first("cus_2", "the other one has had its turn")
	},
	"an event ends the pause after a failure": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		f.must(f.db.Settle(f.ctx, f.claimOne(), store.Settlement{RetryAt: f.clock.Now().Add(time.Hour), Attempts: 3, FirstTry: f.clock.Now()}))
		f.clock.Move(time.Second)
		f.receive(event("evt_2", "cus_1"))
		w := f.claimOne()
		if !w.Due.Equal(f.clock.Now()) || w.Attempts != 3 || !w.FirstTry.Equal(f.clock.Now().Add(-time.Second)) {
			t.Errorf("it is due since %s, after %d failures since %s", w.Due, w.Attempts, w.FirstTry)
		}
	},
	"a report of a claim whose lease is over changes nothing": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		f.clock.Move(lease)
		f.refused(w)
		if again := f.claimOne(); again.Fence <= w.Fence || len(again.Events) != 1 {
			t.Errorf("the customer is not as it was: %+v", again)
		}
	},
	"a report of an older claim changes nothing while a newer one is at work": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		old := f.claimOne()
		f.clock.Move(lease)
		newer := f.claimOne()
		f.refused(old)
		f.must(f.db.Settle(f.ctx, newer, store.Settlement{Outcome: status.Applied}))
	},
	"an event during the attempt keeps the customer due and waits itself": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		f.receive(event("evt_2", "cus_1"))
		if works := f.claim(); len(works) != 0 {
			t.Error("a customer at work was claimed again")
		}
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Applied,
			Events: []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: status.Applied}}}))
		again := f.claimOne()
		if len(again.Events) != 1 || again.Events[0].ID != "evt_2" {
			t.Errorf("what waits is %v", again.Events)
		}
		f.must(f.db.Settle(f.ctx, again, store.Settlement{Outcome: status.Applied}))
		if works := f.claim(); len(works) != 0 {
			t.Error("the customer is due with nothing to do")
		}
	},
	"a settlement is read back field by field": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		day := func(n int) time.Time { return time.Date(2026, 2, n, 1, 2, 3, 4e6, time.UTC) }
		desired := store.Desired{SourceValue: "past_due", Status: "paused", Value: "Paused", At: day(1), SeenAt: day(2), Since: day(4), Event: "evt_1", EventAt: day(3)}
		observed := store.Observed{Status: "active", Value: "Active", At: day(4), By: "human:ana", SeenAt: day(5)}
		base := store.Base{Known: true, RecordID: "rec_1", Status: "active", Value: "Active", By: "us", At: day(6), SeenAt: day(7)}
		decision := store.Decision{Sync: sync1, Customer: "cus_1", Action: "hold", Reason: reason.Text("a reason"), Row: 8, Stage: status.StageDecide, Outcome: status.Held,
			Kind: status.Conflict, TargetID: "rec_1", Desired: "Paused", Observed: "Active", Base: "Active", DesiredAt: day(1), ObservedAt: day(4),
			By: "human:ana", Confidence: 0.5, Events: 1}
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Desired: &desired, Observed: &observed, Base: &base, HumanAt: day(8), Email: "ana@example.com", Name: "Ana Lima",
			Events: []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: status.Held, Reason: reason.Text("a reason")}}, Decision: &decision,
			RetryAt: f.clock.Now().Add(time.Minute), Attempts: 3, FirstTry: day(9), Outcome: status.Held, Reason: reason.Text("a reason")}))

		c, err := f.db.Customer(f.ctx, sync1, "cus_1")
		f.must(err)
		want := store.Customer{Sync: sync1, Customer: "cus_1", Name: "Ana Lima", Email: "ana@example.com", Desired: desired, Observed: observed, Base: base, HumanAt: day(8), Outcome: status.Held,
			Reason: reason.Text("a reason"), SettledAt: f.clock.Now(), DueAt: f.clock.Now().Add(time.Minute), Attempts: 3}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Error(diff)
		}
		history, err := f.db.History(f.ctx, sync1, "cus_1", 10)
		f.must(err)
		decision.At = f.clock.Now()
		if diff := cmp.Diff([]store.Decision{decision}, history, cmpopts.IgnoreFields(store.Decision{}, "ID")); diff != "" {
			t.Error(diff)
		}
		if n, err := f.db.CountHistory(f.ctx, sync1, "cus_1", 10); err != nil || n != 1 {
			t.Errorf("%d decisions are counted, %v", n, err)
		}
		e, err := f.db.Event(f.ctx, w.Events[0].Seq)
		f.must(err)
		if e.Outcome != status.Held || e.Reason.Sentence() != "a reason" || !e.SettledAt.Equal(f.clock.Now()) {
			t.Errorf("the event ended as %+v", e)
		}
		last, err := f.db.Last(f.ctx, sync1)
		f.must(err)
		if diff := cmp.Diff(map[string]store.Last{"cus_1": {Outcome: status.Held, Reason: reason.Text("a reason"), At: f.clock.Now()}}, last); diff != "" {
			t.Error(diff)
		}

		due, err := f.db.NextDue(f.ctx, sync1)
		f.must(err)
		if !due.Equal(f.clock.Now().Add(time.Minute)) {
			t.Errorf("the next customer is due at %s", due)
		}
		f.clock.Move(time.Minute)
		again := f.claimOne()
		if diff := cmp.Diff(store.Work{Sync: sync1, Customer: "cus_1", Generation: 1, Fence: again.Fence, LeaseUntil: f.clock.Now().Add(lease), Now: f.clock.Now(), Due: f.clock.Now(),
			Attempts: 3, FirstTry: day(9), Desired: desired, Observed: observed, Base: base, HumanAt: day(8)}, *again); diff != "" {
			t.Error(diff)
		}
		f.must(f.db.Settle(f.ctx, again, store.Settlement{HumanAt: day(1)}))
		if c, err = f.db.Customer(f.ctx, sync1, "cus_1"); err != nil || !c.HumanAt.Equal(day(8)) || c.Outcome != status.Held || !c.DueAt.IsZero() || c.Attempts != 0 {
			t.Errorf("a settlement without values left %+v, %v", c, err)
		}
	},
	"an intent is kept until it is closed": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		in := store.Intent{RecordID: "rec_1", Value: "Paused", Prior: "Active", PriorAt: f.clock.Now().Add(-time.Hour), SentAt: f.clock.Now(), Expires: f.clock.Now().Add(time.Hour)}
		first, err := f.db.BeginWrite(f.ctx, w, in, store.Limits{})
		f.must(err)
		second, err := f.db.BeginWrite(f.ctx, w, in, store.Limits{})
		f.must(err)
		f.clock.Move(lease - time.Millisecond)
		f.must(f.db.Settle(f.ctx, w, store.Settlement{CloseIntents: []int64{first.ID}, RetryAt: f.clock.Now()}))
		in.ID = second.ID
		if diff := cmp.Diff([]store.Intent{in}, f.claimOne().Intents); diff != "" {
			t.Error(diff)
		}
	},
	"texts that an engine cannot hold do not stop a settlement": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		f.must(f.db.Settle(f.ctx, f.claimOne(), store.Settlement{Outcome: status.Parked, Reason: reason.Text("nul \x00 and \xff"), Observed: &store.Observed{Value: "a\x00b"},
			Park: &store.NewException{Sync: sync1, Customer: "cus_1", Kind: status.Conflict, Stage: status.StageDecide, TargetValue: "\xff\x00"}}))
	},
	"a customer has the name that was read last, until it is forgotten": func(t *testing.T, open Open) {
		f := fresh(t, open)
		is := func(want string) {
			t.Helper()
			c, err := f.db.Customer(f.ctx, sync1, "cus_1")
			f.must(err)
			found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Customer: "cus_1"})
			f.must(err)
			if c.Name != want || len(found) != 1 || found[0].Name != want {
				t.Errorf("the customer is called %q, in exceptions %+v, not %q", c.Name, found, want)
			}
		}
		settle := func(id, name string) {
			t.Helper()
			f.receive(event(id, "cus_1"))
			x := exception("cus_1", status.Unmatched, status.StageMatch)
			f.settle(store.Settlement{Name: name, Park: &x, Outcome: status.Parked, Reason: reason.Text("a reason")})
		}
		settle("evt_1", "Ana Lima")
		is("Ana Lima")
		settle("evt_2", "") // the source was not asked
		is("Ana Lima")
		settle("evt_3", "Ana Lima-Reis")
		is("Ana Lima-Reis")
		_, err := f.db.OpenException(f.ctx, exception("cus_unheard", status.Unmatched, status.StageMatch))
		f.must(err)
		all, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{})
		f.must(err)
		if len(all) != 2 {
			t.Errorf("the exceptions are %+v", all)
		}
		forgotten, err := f.db.Forget(f.ctx, sync1, "cus_1", "cus_1")
		f.must(err)
		c, err := f.db.Customer(f.ctx, sync1, forgotten.Pseudonym)
		f.must(err)
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Customer: forgotten.Pseudonym})
		f.must(err)
		if c.Name != "" || len(found) != 1 || found[0].Name != "" {
			t.Errorf("the forgotten customer is called %q, and in %+v", c.Name, found)
		}
	},
	"a row of a plan has its customer's name": func(t *testing.T, open Open) {
		f := fresh(t, open)
		w, err := f.beginSweep(store.ForPlan, "rules")
		f.must(err)
		_, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{Rows: []store.PlanRow{{Customer: "cus_1", TargetID: "rec_1", Name: "Ana Lima", Action: "write"}, {Customer: "cus_2", Action: "park"}}}, lease)
		f.must(err)
		rows, err := f.db.PlanRows(f.ctx, w.ID, "", 10)
		f.must(err)
		if len(rows) != 2 || rows[0].Name != "Ana Lima" || rows[0].TargetID != "rec_1" || rows[1].Name != "" {
			t.Errorf("the rows are %+v", rows)
		}
	},
	"a customer is found by its own id, the record's, and the address": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"), event("evt_2", "cus_2"))
		f.must(f.db.SetLink(f.ctx, store.Link{Sync: sync1, Customer: "cus_1", TargetID: "rec_1", By: "person", Confidence: 1}))
		works := f.claim()
		f.must(f.db.Settle(f.ctx, &works[0], store.Settlement{Email: "Ana@example.com "}))
		for _, named := range []string{"cus_1", "rec_1", " Ana@Example.com "} {
			found, err := f.db.Customers(f.ctx, sync1, named)
			f.must(err)
			if len(found) != 1 || found[0].Customer != "cus_1" || found[0].Link == nil || found[0].Link.TargetID != "rec_1" {
				t.Errorf("%q found %+v", named, found)
			}
		}
		found, err := f.db.Customers(f.ctx, sync1, "")
		f.must(err)
		if len(found) != 0 {
			t.Errorf("nothing found %d customers", len(found))
		}
		if _, err := f.db.Customer(f.ctx, sync1, "cus_9"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a customer who does not exist: %v", err)
		}
	},
	"a caller who has gone does not stop the others": func(t *testing.T, open Open) {
		f := fresh(t, open)
		gone, leave := context.WithCancel(f.ctx)
		leave()
		if _, err := f.db.Receive(gone, []store.NewEvent{event("evt_1", "cus_1")}); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller who has gone was told %v", err)
		}
		f.receive(event("evt_2", "cus_1"))
	},
}

// refused checks that every report of a claim is refused and changes nothing.
func (f fixture) refused(w *store.Work) {
	f.Helper()
	before, err := f.db.Customer(f.ctx, sync1, w.Customer)
	f.must(err)
	_, writing := f.db.BeginWrite(f.ctx, w, store.Intent{RecordID: "rec_1"}, store.Limits{})
	for what, err := range map[string]error{
		"settling": f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Applied, Base: &store.Base{Known: true, Value: "wrong"}, Attempts: 9,
			Events: []store.EventOutcome{{Seq: w.Events[0].Seq, Outcome: status.Applied}}}),
		"writing": writing,
		"linking": f.db.SaveLink(f.ctx, w, store.Link{Sync: sync1, Customer: w.Customer, TargetID: "rec_1"}),
	} {
		if !errors.Is(err, store.ErrFenced) {
			f.Errorf("%s is not refused: %v", what, err)
		}
	}
	after, err := f.db.Customer(f.ctx, sync1, w.Customer)
	f.must(err)
	if diff := cmp.Diff(before, after); diff != "" {
		f.Errorf("a refused report changed the customer: %s", diff)
	}
}
