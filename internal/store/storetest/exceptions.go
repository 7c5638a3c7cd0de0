package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func exception(customer string, kind status.Kind, stage status.Stage) store.NewException {
	return store.NewException{Sync: sync1, Customer: customer, Kind: kind, Stage: stage, Reason: reason.Text("a reason"), SourceValue: "past_due", TargetValue: "Active",
		LastAction: "searched", Confidence: 0.5, Owner: "ops@example.com", Candidates: []status.Candidate{{TargetID: "rec_1", Value: "Active", Rule: "a = b", Confidence: 0.9}}}
}

// open returns the kinds of a customer's open exceptions.
func (f fixture) open(customer string) map[status.Kind]bool {
	f.Helper()
	found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Customer: customer, States: []status.State{status.Open, status.Acknowledged}})
	f.must(err)
	kinds := map[status.Kind]bool{}
	for _, x := range found {
		kinds[x.Kind] = true
	}
	return kinds
}

// settle claims the one customer that is due and settles it.
func (f fixture) settle(s store.Settlement) {
	f.Helper()
	f.must(f.db.Settle(f.ctx, f.claimOne(), s))
}

var exceptions = map[string]func(*testing.T, Open){
	"there is one row for a customer and a kind, with a count": func(t *testing.T, open Open) {
		f := fresh(t, open)
		began := f.clock.Now()
		first, err := f.db.OpenException(f.ctx, exception("cus_1", status.Unmatched, status.StageMatch))
		f.must(err)
		f.clock.Move(time.Hour)
		changed := exception("cus_1", status.Unmatched, status.StageMatch)
		changed.Reason, changed.Cause = reason.Text("another reason"), "cus_1"
		second, err := f.db.OpenException(f.ctx, changed)
		f.must(err)
		x, err := f.db.Exception(f.ctx, second)
		f.must(err)
		if diff := cmp.Diff(store.Exception{ID: first, NewException: changed, State: status.Open, Count: 2, FirstSeen: began,
			LastSeen: f.clock.Now(), OpenedAt: began, WaitsSince: began}, x,
			cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		if _, err := f.db.Exception(f.ctx, 99); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an exception that does not exist: %v", err)
		}
	},
	"a customer that is carried closes all of its own and no other's": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for _, c := range []string{"cus_1", "cus_2"} {
			_, err := f.db.OpenException(f.ctx, exception(c, status.Unmatched, status.StageMatch))
			f.must(err)
		}
		f.receive(event("evt_1", "cus_1"))
		f.settle(store.Settlement{Outcome: status.Applied, Close: store.CloseAll})
		if len(f.open("cus_1")) != 0 || len(f.open("cus_2")) != 1 {
			t.Errorf("open are %v and %v", f.open("cus_1"), f.open("cus_2"))
		}
	},
	"what was written over stays a question when the customer is carried": func(t *testing.T, open Open) {
		f := fresh(t, open)
		over := exception("cus_1", status.Conflict, status.StageDecide)
		over.Cause = store.WrittenOver
		for _, x := range []store.NewException{over, exception("cus_1", status.Unmatched, status.StageMatch)} {
			_, err := f.db.OpenException(f.ctx, x)
			f.must(err)
		}
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		if !w.WrittenOver {
			t.Error("the claim does not say so")
		}
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.AlreadyEqual, Close: store.CloseAll, Keep: status.Conflict}))
		if diff := cmp.Diff(map[status.Kind]bool{status.Conflict: true}, f.open("cus_1")); diff != "" {
			t.Error(diff)
		}
		f.receive(event("evt_2", "cus_1"))
		f.settle(store.Settlement{Outcome: status.Applied, Close: store.CloseAll})
		if len(f.open("cus_1")) != 0 {
			t.Error("the source has changed since, and it is open")
		}
	},
	"a customer that got further closes what was before, and leaves what comes later": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for kind, stage := range map[status.Kind]status.Stage{status.UnmappedStatus: status.StageMap, status.Unmatched: status.StageMatch,
			status.AmbiguousMatch: status.StageMatch, status.Conflict: status.StageDecide} {
			_, err := f.db.OpenException(f.ctx, exception("cus_1", kind, stage))
			f.must(err)
		}
		f.receive(event("evt_1", "cus_1"))
		park := exception("cus_1", status.Unmatched, status.StageMatch)
		f.settle(store.Settlement{Outcome: status.Parked, Park: &park, Close: store.CloseBefore})
		if diff := cmp.Diff(map[status.Kind]bool{status.Unmatched: true, status.Conflict: true}, f.open("cus_1")); diff != "" {
			t.Error(diff)
		}
	},
	"a relapse opens the row again": func(t *testing.T, open Open) {
		f := fresh(t, open)
		park := exception("cus_1", status.Unmatched, status.StageMatch)
		id, err := f.db.OpenException(f.ctx, park)
		f.must(err)
		closed, err := f.db.CloseExceptions(f.ctx, sync1, "cus_1", status.Unmatched, "")
		f.must(err)
		if closed != 1 || len(f.open("cus_1")) != 0 {
			t.Errorf("%d closed, open are %v", closed, f.open("cus_1"))
		}
		again, err := f.db.OpenException(f.ctx, park)
		f.must(err)
		if x, err := f.db.Exception(f.ctx, again); err != nil || again != id || x.State != status.Open || x.Count != 2 {
			t.Errorf("it came back as %+v, %v", x, err)
		}
	},
	"a conflict that a person resolved opens again when a side has changed, and not before": func(t *testing.T, open Open) {
		f := fresh(t, open)
		edited := f.clock.Now()
		park := exception("cus_1", status.Conflict, status.StageDecide)
		now := store.Settlement{Outcome: status.Held, Park: &park, Close: store.CloseBefore, Desired: &store.Desired{SourceValue: "canceled", Value: "Churned", At: edited},
			Observed: &store.Observed{Value: "Paused", At: edited, SeenAt: edited}}
		n, want := 0, 0
		hold := func(back bool, change func()) {
			t.Helper()
			f.clock.Move(time.Hour)
			change()
			n++
			f.receive(event(fmt.Sprint("evt_", n), "cus_1"))
			f.settle(now)
			want++
			found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Sync: sync1})
			f.must(err)
			if len(found) != 1 || found[0].Count != want || (found[0].State == status.Open) != back || found[0].OpenedAt.Equal(f.clock.Now()) != back {
				t.Fatalf("look %d left %+v", n, found)
			}
			if back {
				f.act(found[0].ID, store.Resolve)
			}
		}
		same := func() {}
		hold(true, same)
		hold(false, same)
		hold(false, func() { now.Observed.SeenAt = f.clock.Now() })
		hold(true, func() { now.Observed.At = f.clock.Now() })
		hold(false, same)
		hold(true, func() { now.Observed.Value = "Lead" })
		hold(true, func() { now.Desired.At = f.clock.Now() })
		hold(true, func() { now.Desired.SourceValue = "unpaid" })
		hold(false, same)
		hold(true, func() { park.TargetValue = "Other" })
		hold(true, func() {
			f.receive(event("evt_equal", "cus_1"))
			f.settle(store.Settlement{Outcome: status.AlreadyEqual, Close: store.CloseAll, Observed: &store.Observed{Value: "Churned", At: edited, SeenAt: edited}})
		})
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Sync: sync1})
		f.must(err)
		hold(false, same)
		f.act(found[0].ID, store.Retry)
		f.settle(store.Settlement{Outcome: status.Ignored, Close: store.CloseNone})
		hold(true, same)
	},
	"whoever opened an exception closes it, and nobody else": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for _, order := range [][2]string{{"asked for changes", "compared both sides"}, {"compared both sides", "asked for changes"}} {
			x := exception("", status.ConnectionFailed, status.StageReceive)
			x.LastAction = order[0]
			_, err := f.db.OpenException(f.ctx, x)
			f.must(err)
			for i, want := range []int{0, 1} {
				closed, err := f.db.CloseExceptions(f.ctx, sync1, "", status.ConnectionFailed, order[1-i])
				f.must(err)
				if closed != want {
					t.Errorf("%q closed %d that %q had opened", order[1-i], closed, order[0])
				}
			}
		}
	},
	"what fails beside something else stays open when that works again": func(t *testing.T, open Open) {
		f := fresh(t, open)
		fails := func(action string) {
			t.Helper()
			x := exception("", status.ConnectionFailed, status.StageReceive)
			x.LastAction, x.Reason = action, reason.Text(action+" fails")
			_, err := f.db.OpenException(f.ctx, x)
			f.must(err)
		}
		works := func(action string, closed int) {
			t.Helper()
			if n, err := f.db.CloseExceptions(f.ctx, sync1, "", status.ConnectionFailed, action); err != nil || n != closed {
				t.Errorf("%s works again: %d closed, not %d, %v", action, n, closed, err)
			}
		}
		is := func(state status.State, action, reason string) {
			t.Helper()
			found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Sync: sync1})
			f.must(err)
			if len(found) != 1 || found[0].State != state || found[0].LastAction != action || found[0].Reason.Sentence() != reason {
				t.Errorf("it is not %s, %q, %q: %+v", state, action, reason, found)
			}
		}
		for _, first := range []string{"poll", "sweep"} {
			fails("poll")
			fails("sweep")
			fails("poll")
			is(status.Open, "poll, and sweep", "poll fails. Also: sweep fails")
			works("queue", 0)
			works(first, 0)
			last := map[string]string{"poll": "sweep", "sweep": "poll"}[first]
			is(status.Open, last, last+" fails")
			works(first, 0)
			works(last, 1)
			is(status.Resolved, last, last+" fails")
		}
		// A person's word is about all of it, and what fails after that is all there is.
		fails("poll")
		fails("sweep")
		f.act(1, store.Resolve)
		works("poll", 0)
		fails("sweep")
		is(status.Open, "sweep", "sweep fails")
		works("sweep", 1)
	},
	"people are told of another trouble, and when one of several is over": func(t *testing.T, open Open) {
		f := fresh(t, open)
		told := func(want bool, change func() error) {
			t.Helper()
			f.must(change())
			f.clock.Move(time.Minute)
			found := f.notices()
			if (len(found) == 1) != want {
				t.Errorf("%d notices are due", len(found))
			}
			for _, n := range found {
				f.must(f.db.NoticeTold(f.ctx, n, store.Telling{Channel: "#a", Place: "C1/1"}))
			}
		}
		fails := func(action string) func() error {
			return func() error {
				x := exception("", status.ConnectionFailed, status.StageReceive)
				x.LastAction = action
				_, err := f.db.OpenException(f.ctx, x)
				return err
			}
		}
		told(true, fails("poll"))
		told(false, fails("poll"))
		told(true, fails("sweep"))
		told(false, fails("poll"))
		told(true, func() error {
			_, err := f.db.CloseExceptions(f.ctx, sync1, "", status.ConnectionFailed, "poll")
			return err
		})
	},
	"candidates that were looked for stay until it is over": func(t *testing.T, open Open) {
		f := fresh(t, open)
		park := exception("cus_1", status.Unmatched, status.StageMatch)
		park.Candidates = nil
		id, err := f.db.OpenException(f.ctx, park)
		f.must(err)
		missing := func(want int) {
			t.Helper()
			found, err := f.db.WithoutCandidates(f.ctx, sync1)
			f.must(err)
			if len(found) != want {
				t.Errorf("%d exceptions wait for candidates, not %d: %+v", len(found), want, found)
			}
		}
		missing(1)
		f.must(f.db.SetCandidates(f.ctx, id, []status.Candidate{{TargetID: "rec_9", Rule: "like in name", Confidence: 0.7}}))
		missing(0)
		_, err = f.db.OpenException(f.ctx, park)
		f.must(err)
		x, err := f.db.Exception(f.ctx, id)
		f.must(err)
		if len(x.Candidates) != 1 || x.Candidates[0].TargetID != "rec_9" {
			t.Errorf("counted once more it has %+v", x.Candidates)
		}
		f.act(id, store.Resolve)
		f.clock.Move(time.Hour)
		_, err = f.db.OpenException(f.ctx, park)
		f.must(err)
		missing(1) // it is another time
	},
	"whoever maps a value is in the history, and nothing else changes": func(t *testing.T, open Open) {
		f := fresh(t, open)
		id, err := f.db.OpenException(f.ctx, exception("cus_1", status.UnmappedStatus, status.StageMap))
		f.must(err)
		before, err := f.db.Exception(f.ctx, id)
		f.must(err)
		changed, err := f.db.Act(f.ctx, store.Act{Exception: id, Verb: store.MapTo, Who: "ana@example.com", Meaning: "paused"})
		f.must(err)
		history, err := f.db.Actions(f.ctx, id)
		f.must(err)
		if len(history) == 0 {
			t.Fatal("there is no history")
		}
		last := history[len(history)-1]
		if !changed || last.Who != "ana@example.com" || last.Verb != "map" || last.Note != "to paused" {
			t.Errorf("%t; the last line is %+v", changed, last)
		}
		after, err := f.db.Exception(f.ctx, id)
		f.must(err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Error(diff)
		}
	},
	"a retry looks at the customer at once": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		park := exception("cus_1", status.Unmatched, status.StageMatch)
		f.settle(store.Settlement{Outcome: status.Parked, Park: &park, Attempts: 7, RetryAt: f.clock.Now().Add(time.Hour)})
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Sync: sync1, Kind: status.Unmatched})
		f.must(err)
		f.act(found[0].ID, store.Retry)
		if w := f.claimOne(); w.Attempts != 0 || !cmp.Equal(w.Open, []status.Kind{status.Unmatched}) {
			t.Errorf("due is %+v", w)
		}
		if _, err := f.db.Act(f.ctx, store.Act{Exception: 99, Verb: store.Retry}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an exception that does not exist: %v", err)
		}
	},
}

// act does something about an exception and demands that it changed something.
func (f fixture) act(id int64, verb store.Verb) {
	f.Helper()
	changed, err := f.db.Act(f.ctx, store.Act{Exception: id, Verb: verb, Who: "ana@example.com"})
	f.must(err)
	if !changed {
		f.Errorf("%s changed nothing", verb)
	}
}
