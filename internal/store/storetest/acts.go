package storetest

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// another event of the customer comes, a second later.
func (f fixture) another() {
	f.Helper()
	f.clock.Move(time.Second)
	f.receive(event("evt_"+f.clock.Now().Format(time.TimeOnly), "cus_1"))
}

// settled settles the one customer that is due after an event: its source says
// one value, its target holds another, and an exception is open about it.
func (f fixture) settled(source, target string, kind status.Kind) (id int64) {
	f.Helper()
	f.another()
	x := exception("cus_1", kind, status.StageDecide)
	x.SourceValue, x.TargetValue = source, target
	now := f.clock.Now()
	f.settle(store.Settlement{Outcome: status.Held, Park: &x, Desired: &store.Desired{SourceValue: source, Value: "Paused", SeenAt: now},
		Observed: &store.Observed{Value: target, SeenAt: now}})
	found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Customer: "cus_1", Kind: kind})
	f.must(err)
	return found[0].ID
}

// answer is what an act is answered.
func (f fixture) answer(a store.Act, changed bool, want error) error {
	f.Helper()
	a.Who = "ana@example.com"
	got, err := f.db.Act(f.ctx, a)
	if got != changed || !errors.Is(err, want) {
		f.Errorf("%s %s: %t, %v, not %t, %v", a.Verb, a.Asked, got, err, changed, want)
	}
	return err
}

var acts = map[string]func(*testing.T, Open){
	"a repeated request gets the first answer, whatever has happened since": func(t *testing.T, open Open) {
		f := fresh(t, open)
		id := f.settled("canceled", "Active", status.Conflict)
		acknowledge := store.Act{Exception: id, Verb: store.Acknowledge, Key: "k1", Asked: "acknowledge"}
		again := acknowledge
		again.Key = "k2"
		for range 2 {
			f.answer(acknowledge, true, nil)
			f.answer(again, false, nil) // it had been done already
		}
		f.act(id, store.Resolve)
		f.act(id, store.Reopen)
		f.answer(acknowledge, true, nil)
		f.answer(again, false, nil)
		if x, err := f.db.Exception(f.ctx, id); err != nil || x.State != status.Open {
			t.Errorf("a repeat has acted: it is %s, %v", x.State, err)
		}
		if history, err := f.db.Actions(f.ctx, id); err != nil || len(history) != 3 {
			t.Errorf("done was %v, %v", history, err)
		}
	},
	"a key that is given to another request is refused": func(t *testing.T, open Open) {
		f := fresh(t, open)
		id := f.settled("canceled", "Active", status.Conflict)
		f.answer(store.Act{Exception: id, Verb: store.Acknowledge, Key: "k1", Asked: "acknowledge"}, true, nil)
		f.answer(store.Act{Exception: id, Verb: store.Resolve, Key: "k1", Asked: "resolve"}, false, store.ErrKeyReused)
		for key, want := range map[string]bool{"k1": true, "never asked": false} {
			if answered, err := f.db.Answered(f.ctx, key); err != nil || answered != want {
				t.Errorf("of %q it says that it was answered: %t, %v", key, answered, err)
			}
		}
		if x, err := f.db.Exception(f.ctx, id); err != nil || x.State != status.Acknowledged {
			t.Errorf("it is %s, %v", x.State, err)
		}
	},
	"a request that two nodes get at once is done once": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		id := f.settled("canceled", "Active", status.Conflict)
		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			db := []*store.DB{f.db, node2}[i%2]
			all.Go(func() {
				changed, err := db.Act(f.ctx, store.Act{Exception: id, Verb: store.Retry, Who: "ana", Key: "k1", Asked: "retry"})
				if err == nil && !changed {
					err = errors.New("it is answered otherwise")
				}
				errs[i] = err
			})
		}
		all.Wait()
		f.must(errors.Join(errs...))
		if history, err := f.db.Actions(f.ctx, id); err != nil || len(history) != 1 {
			t.Errorf("done was %v, %v", history, err)
		}
	},
	"what is refused is not stored: a customer who was never seen": func(t *testing.T, open Open) {
		f := fresh(t, open)
		id, err := f.db.OpenException(f.ctx, exception("cus_1", status.Unmatched, status.StageMatch))
		f.must(err)
		f.must(f.db.SetLink(f.ctx, link("cus_1", "rec_1")))
		for _, verb := range []store.Verb{store.LinkTo, store.Rematch, store.Retry, store.UseSource, store.KeepTarget} {
			f.answer(store.Act{Exception: id, Verb: verb, TargetID: "rec_2", Key: "k", Asked: string(verb)}, false, store.ErrNotFound)
		}
		if got := f.targets()["cus_1"]; got != "rec_1" {
			t.Errorf("it is linked to %q", got)
		}
		if history, err := f.db.Actions(f.ctx, id); err != nil || len(history) != 0 {
			t.Errorf("done was %v, %v", history, err)
		}
	},
	"a decision is refused with the side that is another by now": func(t *testing.T, open Open) {
		f := fresh(t, open)
		id := f.settled("canceled", "Active", status.Conflict)
		for _, verb := range []store.Verb{store.UseSource, store.KeepTarget} {
			for _, tt := range []struct{ saw, source, says string }{
				{"Active", "past_due", `the source says "canceled", not "past_due"`},
				{"Lead", "canceled", `the target holds "Active", not "Lead"`},
				{"", "", `the source says "canceled", not ""`},
			} {
				err := f.answer(store.Act{Exception: id, Verb: verb, Saw: tt.saw, SawSource: tt.source}, false, store.ErrChanged)
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v does not say %s", err, tt.says)
				}
			}
			f.answer(store.Act{Exception: id, Verb: verb, Saw: "Active", SawSource: "canceled"}, true, nil)
		}
	},
	"a link to another record forgets what the old one held": func(t *testing.T, open Open) {
		f := fresh(t, open)
		id := f.settled("canceled", "Active", status.Conflict)
		f.answer(store.Act{Exception: id, Verb: store.KeepTarget, Saw: "Active", SawSource: "canceled"}, true, nil)
		f.must(f.db.SetLink(f.ctx, link("cus_1", "rec_2")))
		c, err := f.db.Customer(f.ctx, sync1, "cus_1")
		f.must(err)
		if c.Ruling.Kind != "" || c.Observed != (store.Observed{}) {
			t.Errorf("it is %+v, %+v", c.Ruling, c.Observed)
		}
		f.answer(store.Act{Exception: id, Verb: store.KeepTarget, Saw: "", SawSource: "canceled"}, false, store.ErrChanged)
	},
	"what is ignored until the source changes comes back when it has, also to the same value": func(t *testing.T, open Open) {
		f := fresh(t, open)
		id := f.settled("canceled", "Active", status.Conflict)
		state := func(want status.State) {
			t.Helper()
			if x, err := f.db.Exception(f.ctx, id); err != nil || x.State != want {
				t.Errorf("it is %s, not %s, %v", x.State, want, err)
			}
		}
		ignore := store.Act{Exception: id, Verb: store.Ignore, Ignored: store.IgnoredUntilChange}
		f.answer(ignore, true, nil)
		f.settled("canceled", "Active", status.Conflict)
		state(status.StateIgnored)
		f.settled("on_hold", "Active", status.UnmappedStatus)
		state(status.StateIgnored) // it is another question
		f.settled("canceled", "Active", status.Conflict)
		state(status.Open)
		// The same value, set anew by a source that tells when.
		f.answer(ignore, true, nil)
		x := exception("cus_1", status.Conflict, status.StageDecide)
		x.SourceValue = "canceled"
		now := f.clock.Now()
		for _, tt := range []struct {
			at   time.Time
			want status.State
		}{{now, status.StateIgnored}, {now, status.StateIgnored}, {now.Add(time.Hour), status.Open}} {
			f.another()
			f.settle(store.Settlement{Outcome: status.Held, Park: &x, Desired: &store.Desired{SourceValue: "canceled", Value: "Paused", At: tt.at}})
			state(tt.want)
		}
	},
	"people are told again when the values that they decide on are others": func(t *testing.T, open Open) {
		f := fresh(t, open)
		told := func(values string, want int) {
			t.Helper()
			f.clock.Move(time.Hour)
			found := f.notices()
			if len(found) != want {
				t.Errorf("%s: %d notices, not %d: %+v", values, len(found), want, found)
			}
			for _, n := range found {
				f.must(f.db.NoticeTold(f.ctx, n, store.Telling{Place: "C1/1", Posted: true, Open: 1}))
			}
		}
		id := f.settled("canceled", "Active", status.Conflict)
		told("it is new", 1)
		f.settled("canceled", "Active", status.Conflict)
		told("the same", 0)
		f.settled("canceled", "Lead", status.Conflict)
		told("another in the target", 1)
		f.settled("past_due", "Lead", status.Conflict)
		told("another in the source", 1)
		f.act(id, store.Acknowledge)
		told("acknowledged", 1)
		f.settled("canceled", "Lead", status.Conflict)
		told("another, acknowledged", 1)
		f.answer(store.Act{Exception: id, Verb: store.Ignore, Ignored: store.IgnoredAlways}, true, nil)
		told("ignored", 1)
		f.settled("past_due", "Lead", status.Conflict)
		told("another, ignored for ever", 0)
	},
}
