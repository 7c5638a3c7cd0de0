package storetest

import (
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

// massChange is a limit of so many customers, or that share of them, in an hour.
func massChange(customers int, percent float64) store.Limits {
	return store.Limits{MassChange: &store.MassChange{Customers: customers, Percent: percent, Within: time.Hour, Exception: func(h store.Halt) store.NewException {
		x := exception("", status.MassChange, status.StageWrite)
		x.Reason, x.Candidates = reason.Text(fmt.Sprintf("%d of %d", h.Moved, h.Most)), nil
		return x
	}}}
}

func twice() store.Limits {
	return store.Limits{PerCustomer: store.PerCustomer{Count: 2, Within: 10 * time.Minute}}
}

func intent(value string) store.Intent { return store.Intent{RecordID: "rec_1", Value: value} }

// begin begins a write and settles it as applied, and reports what refused it.
func (f fixture) begin(w *store.Work, l store.Limits) error {
	f.Helper()
	i, err := f.db.BeginWrite(f.ctx, w, intent("Churned"), l)
	s := store.Settlement{Outcome: status.Applied, Close: store.CloseAll, CloseIntents: []int64{i.ID}}
	var halted *store.HaltedError
	if err != nil {
		s = store.Settlement{Outcome: status.Parked, Halted: errors.As(err, &halted)}
	}
	f.must(f.db.Settle(f.ctx, w, s))
	return err
}

// seen are customers who are due.
func (f fixture) seen(from, to int) {
	f.Helper()
	for n := from; n < to; n++ {
		f.receive(event(fmt.Sprint("evt_", n, "_", f.clock.Now()), fmt.Sprint("cus_", n)))
	}
}

// moveAll begins a write to everyone who is due and counts those that may.
func (f fixture) moveAll(l store.Limits) (moved int) {
	f.Helper()
	for {
		works := f.claim()
		if len(works) == 0 {
			return moved
		}
		for i := range works {
			var halted *store.HaltedError
			switch err := f.begin(&works[i], l); {
			case err == nil:
				moved++
			case !errors.As(err, &halted):
				f.Fatal(err)
			}
		}
	}
}

func (f fixture) resume(key string) store.Resumed {
	f.Helper()
	done, err := f.db.Resume(f.ctx, store.Resume{Sync: sync1, Who: "ana@example.com", Reason: "they have left", Key: key})
	f.must(err)
	return done
}

func (f fixture) halted() store.Halted {
	f.Helper()
	counts, err := f.db.Counts(f.ctx)
	f.must(err)
	return counts[sync1].Halted
}

// massExceptions are all of the kind, open or not.
func (f fixture) massExceptions() []store.Exception {
	f.Helper()
	found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Kind: status.MassChange})
	f.must(err)
	return found
}

// limits are the cases, and one for each way to say how many may move.
var limits = withShares(limitCases)

func withShares(cases map[string]func(*testing.T, Open)) map[string]func(*testing.T, Open) {
	for _, tt := range []struct {
		customers int
		percent   float64
		want      int
	}{{3, 0, 3}, {0, 7, 7}, {0, 1.5, 2}, {0, 0.01, 1}, {3, 7, 3}, {50, 7, 7}} {
		cases[fmt.Sprintf("of 100 customers %d move by a limit of %d customers or %g percent", tt.want, tt.customers, tt.percent)] = func(t *testing.T, open Open) {
			f := fresh(t, open)
			f.seen(0, 1) // of one customer, one may
			got := f.moveAll(massChange(tt.customers, tt.percent))
			f.seen(1, 100)
			if got += f.moveAll(massChange(tt.customers, tt.percent)); got != tt.want {
				t.Errorf("%d customers moved, %d may", got, tt.want)
			}
			if x := f.massExceptions(); len(x) != 1 || x[0].Reason.Sentence() != fmt.Sprintf("%d of %d", tt.want, tt.want) || x[0].State != status.Open {
				t.Errorf("the exceptions are %+v", x)
			}
		}
	}
	for _, tt := range []struct {
		percent float64
		want    int
	}{{5, 5}, {20, 5}, {90, 8}, {3, 3}, {0.5, 1}} {
		cases[fmt.Sprintf("of the first 8 customers %d move by a limit of %g percent", tt.want, tt.percent)] = func(t *testing.T, open Open) {
			f := fresh(t, open)
			f.seen(0, 8)
			if got := f.moveAll(massChange(0, tt.percent)); got != tt.want {
				t.Errorf("%d moved", got)
			}
		}
	}
	return cases
}

var limitCases = map[string]func(*testing.T, Open){
	"who is let through and waits for his turn keeps it": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 2)
		f.moveAll(massChange(1, 0)) // the second waits
		f.clock.Move(time.Minute)
		f.seen(0, 2)
		since := f.clock.Now()
		f.clock.Move(time.Minute)
		if done := f.resume(""); done.Through != 1 {
			t.Errorf("let through: %+v", done)
		}
		for _, w := range f.claim() {
			if !w.Due.Equal(since) {
				t.Errorf("%s is due since %s, not %s", w.Customer, w.Due, since)
			}
		}
	},
	"a share is of all whom the last comparison counted": func(t *testing.T, open Open) {
		f := fresh(t, open)
		w, err := f.db.BeginSweep(f.ctx, store.Sweep{Sync: sync1, Purpose: store.ForPlan, Rules: "r", SourceListed: true, TargetListed: true}, lease)
		f.must(err)
		w.Phase, w.Summary.Sources = store.PhaseDone, 300
		_, err = f.db.SaveSweep(f.ctx, w, store.SweepPart{}, lease)
		f.must(err)
		f.seen(0, 20)
		if got := f.moveAll(massChange(50, 5)); got != 15 {
			t.Errorf("%d of 300 customers move by 5 percent", got)
		}
	},
	"a customer who was written too often stays stopped when the window is over": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n := range 2 {
			f.receive(event(fmt.Sprint("evt_", n), "cus_1"))
			f.must(f.begin(f.claimOne(), twice()))
		}
		f.receive(event("evt_2", "cus_1"))
		w := f.claimOne()
		var tooMany *store.TooManyWritesError
		if err := f.begin(w, twice()); !errors.As(err, &tooMany) || !w.Writes.Stopped || len(w.Writes.Latest) != 2 {
			t.Fatalf("the third write: %v, %+v", err, w.Writes)
		}
		f.clock.Move(time.Hour)
		f.receive(event("evt_3", "cus_1"))
		if w = f.claimOne(); !w.Writes.Stopped || len(w.Writes.Latest) != 2 || w.Writes.Latest[0].Value != "Churned" {
			t.Errorf("an hour later: %+v", w.Writes)
		}
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.AlreadyEqual, Close: store.CloseAll}))
		f.receive(event("evt_4", "cus_1"))
		if w = f.claimOne(); w.Writes.Stopped || len(w.Writes.Latest) > 0 {
			t.Errorf("once the values agree: %+v", w.Writes)
		}
	},
	"writes older than the window do not count": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for n := range 6 {
			f.receive(event(fmt.Sprint("evt_", n), "cus_1"))
			f.must(f.begin(f.claimOne(), twice()))
			f.clock.Move(5 * time.Minute)
		}
	},
	"a retry and a resolution begin the count anew, and an attempt under way does not undo that": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for _, verb := range []store.Verb{store.Retry, store.Resolve} {
			f.receive(event("evt_"+string(verb), "cus_"+string(verb)))
			w := f.claimOne()
			for range 2 {
				_, err := f.db.BeginWrite(f.ctx, w, intent("Churned"), twice())
				f.must(err)
				w.Intents = nil // its effect is known
			}
			if _, err := f.db.BeginWrite(f.ctx, w, intent("Churned"), twice()); err == nil {
				t.Fatal("a third write is allowed")
			}
			park := exception(w.Customer, status.LoopSuspected, status.StageWrite)
			f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Parked, Park: &park, RetryAt: f.clock.Now()}))
			found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Customer: w.Customer})
			f.must(err)
			stale := f.claimOne()
			f.act(found[0].ID, verb)
			if err := f.db.Settle(f.ctx, stale, store.Settlement{Outcome: status.Parked, Park: &park}); !errors.Is(err, store.ErrFenced) {
				t.Errorf("%s: an attempt that does not know of it settles: %v", verb, err)
			}
			f.clock.Move(lease)
			w = f.claimOne()
			if w.Writes.Stopped || len(w.Writes.Latest) > 0 {
				t.Errorf("%s leaves %+v", verb, w.Writes)
			}
			f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Applied}))
		}
	},
	"a write that is sent again while nobody knows its effect is one write": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		for range 5 {
			i, err := f.db.BeginWrite(f.ctx, w, intent("Churned"), twice())
			f.must(err)
			w.Intents = append(w.Intents, i)
		}
		if _, err := f.db.BeginWrite(f.ctx, w, intent("Active"), twice()); err != nil {
			t.Errorf("the second value: %v", err)
		}
		if _, err := f.db.BeginWrite(f.ctx, w, intent("Churned"), twice()); err == nil {
			t.Error("the third one is allowed")
		}
	},
	"a write of which the target says that it had no effect does not count": func(t *testing.T, open Open) {
		f := fresh(t, open)
		l := massChange(1, 0)
		l.PerCustomer = twice().PerCustomer
		for n := range 4 {
			f.receive(event(fmt.Sprint("evt_", n), "cus_1"))
			w := f.claimOne()
			i, err := f.db.BeginWrite(f.ctx, w, intent("Churned"), l)
			f.must(err)
			f.must(f.db.Settle(f.ctx, w, store.Settlement{CloseIntents: []int64{i.ID}, Unsent: []int64{i.ID}}))
		}
		f.receive(event("evt_9", "cus_2"))
		if err := f.begin(f.claimOne(), l); err != nil {
			t.Errorf("nobody has moved, and another may not: %v", err)
		}
	},
	"who has moved may be written again, and after the window others may": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 2)
		if got := f.moveAll(massChange(2, 0)); got != 2 {
			t.Fatalf("%d moved", got)
		}
		f.clock.Move(30 * time.Minute)
		f.seen(0, 1)
		if got := f.moveAll(massChange(2, 0)); got != 1 {
			t.Error("who has moved may not be written again")
		}
		f.clock.Move(30 * time.Minute)
		f.seen(2, 3) // cus_1 moved an hour ago
		if got := f.moveAll(massChange(2, 0)); got != 1 || !f.halted().Since.IsZero() {
			t.Errorf("%d moved, %+v", got, f.halted())
		}
		f.seen(3, 4)
		if got := f.moveAll(massChange(2, 0)); got != 0 || f.halted().Waiting != 1 {
			t.Errorf("%d moved, %+v", got, f.halted())
		}
	},
	"a comparison knows who waits at a halt": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 2)
		f.moveAll(massChange(1, 0))
		known, err := f.db.Snapshots(f.ctx, sync1, []string{"cus_0", "cus_1"})
		f.must(err)
		if known["cus_0"].Waits == known["cus_1"].Waits {
			t.Errorf("of two customers %v and %v wait", known["cus_0"].Waits, known["cus_1"].Waits)
		}
		f.resume("")
		known, err = f.db.Snapshots(f.ctx, sync1, []string{"cus_0", "cus_1"})
		f.must(err)
		if known["cus_0"].Waits || known["cus_1"].Waits {
			t.Error("after the sync was resumed one waits")
		}
	},
	"writes that do not count go on while the sync is halted": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 2)
		if got := f.moveAll(massChange(1, 0)); got != 1 {
			t.Fatalf("%d moved", got)
		}
		f.seen(2, 9)
		if got := f.moveAll(twice()); got != 7 {
			t.Errorf("%d of 7 others were written", got)
		}
	},
	"two nodes together move no more customers than may, whoever dies on the way": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		const customers, most = 60, 7
		f.seen(0, customers)
		var mu sync.Mutex
		moved, refused := map[string]bool{}, map[string]bool{}
		round := func(dies func(n int) bool) {
			var all sync.WaitGroup
			for n := range 16 {
				db := []*store.DB{f.db, node2}[n%2]
				all.Go(func() {
					for {
						works, err := db.Claim(f.ctx, sync1, 3, lease)
						if err != nil {
							t.Error(err)
						}
						if len(works) == 0 {
							return
						}
						for i := range works {
							w := &works[i]
							in, err := db.BeginWrite(f.ctx, w, intent("Churned"), massChange(most, 0))
							mu.Lock()
							var halted *store.HaltedError
							switch {
							case err == nil:
								moved[w.Customer] = true
							case errors.As(err, &halted):
								refused[w.Customer] = true
							default:
								t.Error(err)
							}
							mu.Unlock()
							if dies(n) {
								return
							}
							s := store.Settlement{Outcome: status.Applied, CloseIntents: []int64{in.ID}}
							if err != nil {
								s = store.Settlement{Outcome: status.Parked, Halted: true}
							}
							if err := db.Settle(f.ctx, w, s); err != nil {
								t.Error(err)
							}
						}
					}
				})
			}
			all.Wait()
		}
		round(func(n int) bool { return n < 6 })
		f.clock.Move(lease) // others take over from those that died
		round(func(int) bool { return false })
		if len(moved) != most || len(moved)+len(refused) < customers {
			t.Errorf("%d customers were written and %d refused, %d may be", len(moved), len(refused), most)
		}
		x := f.massExceptions()
		if len(x) != 1 || x[0].State != status.Open || x[0].Count != 1 {
			t.Errorf("the exceptions are %+v", x)
		}
		notices, err := f.db.ClaimNotices(f.ctx, store.ToSlack, 10, lease)
		f.must(err)
		if len(notices) != 1 || notices[0].Kind != status.MassChange {
			t.Errorf("the notices are %+v", notices)
		}
		if h := f.halted(); h.Waiting < customers-most || h.Since.IsZero() {
			t.Errorf("it stands at %+v", h)
		}
	},
	"whoever waits passes uncounted once a person resumes, and later ones count anew": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 10)
		if got := f.moveAll(massChange(2, 0)); got != 2 {
			t.Fatalf("%d moved", got)
		}
		id := f.massExceptions()[0].ID
		if done := f.resume("once"); !done.Changed || done.Through != 8 {
			t.Errorf("resumed: %+v", done)
		}
		if h := f.halted(); !h.Since.IsZero() || h.Waiting != 0 {
			t.Errorf("it still stands at %+v", h)
		}
		x, err := f.db.Exception(f.ctx, id)
		f.must(err)
		did, err := f.db.Actions(f.ctx, id)
		f.must(err)
		if diff := cmp.Diff([]store.Action{{Who: "ana@example.com", Verb: "resume", Note: "8 let through: they have left"}}, did,
			cmpopts.IgnoreFields(store.Action{}, "ID", "At")); diff != "" || x.State != status.Resolved {
			t.Errorf("it is %s: %s", x.State, diff)
		}
		if got := f.moveAll(massChange(2, 0)); got != 8 {
			t.Errorf("%d of 8 who waited pass", got)
		}
		f.clock.Move(time.Second)
		f.seen(10, 20)
		f.seen(0, 1) // it passed, and counts like any other now
		if got := f.moveAll(massChange(2, 0)); got != 2 {
			t.Errorf("%d of the later ones moved", got)
		}
		if x := f.massExceptions(); len(x) != 1 || x[0].ID != id || x[0].State != status.Open || x[0].Count != 2 {
			t.Errorf("halted again, the exceptions are %+v", x)
		}
		if done := f.resume("once"); done.Changed || f.halted().Since.IsZero() {
			t.Errorf("the same request once more: %+v", done)
		}
		if done := f.resume(""); !done.Changed || done.Through != 9 {
			t.Errorf("another request: %+v", done)
		}
		if done := f.resume(""); done.Changed || done.Through != 0 {
			t.Errorf("of a sync that is not halted: %+v", done)
		}
	},
	"a customer who is refused while a person resumes is not forgotten": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 2)
		works := f.claim()
		f.must(f.begin(&works[0], massChange(1, 0)))
		if _, err := f.db.BeginWrite(f.ctx, &works[1], intent("Churned"), massChange(1, 0)); err == nil {
			t.Fatal("a second customer may move")
		}
		if done := f.resume(""); done.Through != 1 {
			t.Errorf("resumed: %+v", done)
		}
		f.must(f.db.Settle(f.ctx, &works[1], store.Settlement{Outcome: status.Parked, Halted: true}))
		if got := f.moveAll(massChange(1, 0)); got != 1 {
			t.Errorf("%d pass", got)
		}
	},
	"who wants something else by now waits no more": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.seen(0, 2)
		f.moveAll(massChange(1, 0))
		f.clock.Move(time.Second)
		f.seen(1, 2)
		f.settle(store.Settlement{Outcome: status.AlreadyEqual, Close: store.CloseAll})
		if done := f.resume(""); done.Through != 0 {
			t.Errorf("resumed: %+v", done)
		}
	},
	"a customer who is stopped by a halt closes what it has overcome, and nothing else": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for kind, stage := range map[status.Kind]status.Stage{status.Unmatched: status.StageMatch, status.WriteFailed: status.StageWrite} {
			_, err := f.db.OpenException(f.ctx, exception("cus_1", kind, stage))
			f.must(err)
		}
		f.receive(event("evt_1", "cus_1"))
		f.settle(store.Settlement{Outcome: status.Parked, Halted: true, Close: store.CloseBefore,
			Decision: &store.Decision{Sync: sync1, Customer: "cus_1", Action: "park", Stage: status.StageWrite}})
		if diff := cmp.Diff(map[status.Kind]bool{status.WriteFailed: true}, f.open("cus_1")); diff != "" {
			t.Error(diff)
		}
	},
	"what was set back is kept until it is settled otherwise": func(t *testing.T, open Open) {
		f := fresh(t, open)
		at := f.clock.Now()
		undone := store.Reverts{RecordID: "rec_1", Value: "Paused", Desired: at, Written: at, Times: []store.Revert{{Written: at, Found: "Active", At: at, By: "zap"}}}
		f.receive(event("evt_1", "cus_1"))
		f.settle(store.Settlement{Reverts: &undone, RetryAt: at})
		f.settle(store.Settlement{RetryAt: at})
		w := f.claimOne()
		if diff := cmp.Diff(undone, w.Reverts); diff != "" {
			t.Error(diff)
		}
		park := exception("cus_1", status.NeverSticks, status.StageConfirm)
		f.must(f.db.Settle(f.ctx, w, store.Settlement{Outcome: status.Parked, Park: &park}))
		found, err := f.db.Exceptions(f.ctx, store.ExceptionFilter{Customer: "cus_1"})
		f.must(err)
		f.act(found[0].ID, store.Retry)
		if w := f.claimOne(); !cmp.Equal(w.Reverts, store.Reverts{}) {
			t.Errorf("a retry leaves %+v", w.Reverts)
		}
	},
}
