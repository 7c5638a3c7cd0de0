package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

var processes = map[string]func(*testing.T, Open){
	"what a dead process held is others' at once, and its own report is refused": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"), event("evt_2", "cus_2"))
		f.db.ClaimAs(7)
		w := f.one("cus_1")
		f.db.ClaimAs(8)
		f.one("cus_2")
		f.clock.Move(time.Second)
		if n, err := f.db.TakeBackFrom(f.ctx, 7); err != nil || n != 1 {
			t.Errorf("%d were taken back, %v", n, err)
		}
		again := f.claimOne() // cus_2 is with somebody who lives
		if again.Customer != "cus_1" || again.Fence <= w.Fence || len(again.Events) != 1 {
			t.Errorf("claimed %+v", again)
		}
		f.refused(&w)
		f.settle1(again)
	},
	"a report of a dead process is refused also before others claim": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		f.db.ClaimAs(7)
		w := f.claimOne()
		if _, err := f.db.TakeBackFrom(f.ctx, 7); err != nil {
			t.Fatal(err)
		}
		f.refused(w)
		if _, err := f.db.BeginWrite(f.ctx, w, store.Intent{RecordID: "rec_1", Value: "Paused"}, store.Limits{}); !errors.Is(err, store.ErrFenced) {
			t.Errorf("it begins a write: %v", err)
		}
	},
	"a write that a dead process had just sent has a moment to arrive, and its intent stays": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for customer, due := range map[string]bool{"cus_1": true, "cus_2": false} {
			if due {
				f.receive(event("evt_1", customer))
			}
			f.db.ClaimAs(7)
			w := f.one(customer)
			now := f.clock.Now()
			_, err := f.db.BeginWrite(f.ctx, &w, store.Intent{RecordID: "rec_1", Value: "Paused", SentAt: now, Expires: now.Add(10 * time.Minute)}, store.Limits{})
			f.must(err)
			f.clock.Move(time.Second)
			if n, err := f.db.TakeBackFrom(f.ctx, 7); err != nil || n != 1 {
				t.Errorf("%d were taken back, %v", n, err)
			}
			if err := f.db.Settle(f.ctx, &w, store.Settlement{}); !errors.Is(err, store.ErrFenced) { // by its fence: the lease is not over yet
				t.Errorf("its own report is taken: %v", err)
			}
			if works := f.claim(); len(works) > 0 {
				t.Errorf("it is looked at while it may arrive: %+v", works)
			}
			next, err := f.db.NextDue(f.ctx, sync1)
			f.must(err)
			if wait := next.Sub(f.clock.Now()); wait <= 0 || wait > 5*time.Second {
				t.Errorf("it is looked at after %s", wait)
			}
			f.clock.Move(next.Sub(f.clock.Now()))
			if again := f.claimOne(); len(again.Intents) != 1 {
				t.Errorf("claimed %+v", again)
			} else {
				f.settle1(again)
			}
		}
	},
	"a list of changes and a comparison of a dead process are gone on with at once": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.db.ClaimAs(7)
		_, fence, ok, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), 0, lease)
		f.must(err)
		left, err := f.db.BeginSweep(f.ctx, store.Sweep{Sync: sync1, Purpose: store.ForPlan, Rules: "r"}, lease)
		f.must(err)
		if n, err := f.db.TakeBackFrom(f.ctx, 7); err != nil || n != 2 || !ok {
			t.Errorf("%d were taken back, %v, %t", n, err, ok)
		}
		f.db.ClaimAs(8)
		if _, next, ok, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), 0, lease); err != nil || !ok || next <= fence {
			t.Errorf("the list: %d after %d, %t, %v", next, fence, ok, err)
		}
		if err := f.db.SaveTurn(f.ctx, store.ChangesOf("billing"), fence, "x", true); !errors.Is(err, store.ErrFenced) {
			t.Errorf("the dead one stores how far it is: %v", err)
		}
		if again, err := f.db.BeginSweep(f.ctx, store.Sweep{Sync: sync1, Purpose: store.ForPlan, Rules: "r"}, lease); err != nil || again.ID != left.ID {
			t.Errorf("the comparison: %+v, %v", again, err)
		}
		if err := f.db.KeepSweep(f.ctx, left, lease); !errors.Is(err, store.ErrSweepTaken) {
			t.Errorf("the dead one keeps its comparison: %v", err)
		}
	},
	"a notice of a dead process is told by others at once": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.opened("cus_1", status.Unmatched)
		f.clock.Move(time.Minute)
		f.db.ClaimAs(7)
		was := f.notice()
		f.db.ClaimAs(8)
		if n, err := f.db.TakeBackFrom(f.ctx, 6); err != nil || n != 0 || len(f.notices()) != 0 {
			t.Errorf("%d of another process were taken back, %v", n, err)
		}
		if n, err := f.db.TakeBackFrom(f.ctx, 7); err != nil || n != 1 {
			t.Errorf("%d were taken back, %v", n, err)
		}
		again := f.notice()
		if err := f.db.NoticeTold(f.ctx, was, store.Telling{Channel: "#a", Place: "C1/1"}); !errors.Is(err, store.ErrFenced) {
			t.Errorf("the dead one has told it: %v", err)
		}
		f.must(f.db.NoticeTold(f.ctx, again, store.Telling{Channel: "#a", Place: "C1/2"}))
	},
	"what a dead process had told counts while nobody else has begun to tell it": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.opened("cus_1", status.Unmatched)
		f.clock.Move(time.Minute)
		f.db.ClaimAs(7)
		n := f.notice()
		if _, err := f.db.TakeBackFrom(f.ctx, 7); err != nil {
			t.Fatal(err)
		}
		f.must(f.db.NoticeTold(f.ctx, n, store.Telling{Channel: "#a", Place: "C1/1"}))
		if found := f.notices(); len(found) != 0 {
			t.Errorf("it is told twice: %+v", found)
		}
	},
	"a token that a dead process was renewing is free after a moment": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.PutToken(f.ctx, "crm", "one"))
		free := func(want bool) {
			t.Helper()
			if _, ok, err := f.db.LeaseToken(f.ctx, "crm", "one", lease); err != nil || ok != want {
				t.Errorf("free: %t, %v", ok, err)
			}
		}
		f.db.ClaimAs(7)
		free(true)
		f.db.ClaimAs(8)
		for _, gone := range []struct {
			process int64
			held    int
		}{{6, 0}, {7, 1}} {
			if n, err := f.db.TakeBackFrom(f.ctx, gone.process); err != nil || n != gone.held {
				t.Errorf("%d of process %d were taken back, %v", n, gone.process, err)
			}
		}
		free(false) // its request may be on its way
		f.clock.Move(5 * time.Second)
		free(true)
		f.clock.Move(5 * time.Second)
		if n, err := f.db.TakeBackFrom(f.ctx, 7); err != nil || n != 0 {
			t.Errorf("%d of somebody who lives were taken back, %v", n, err)
		}
	},
	"a process that lives keeps what it holds, however long it is silent": func(t *testing.T, open Open) {
		f := fresh(t, open)
		beside := open(t, store.Options{Now: f.clock.Now})
		f.receive(event("evt_1", "cus_1"))
		w := f.claimOne()
		f.clock.Move(lease / 2)
		if n, err := beside.TakeBack(f.ctx); err != nil || n != 0 {
			t.Errorf("%d were taken back, %v", n, err)
		}
		f.settle1(w)
	},
	"a process that ends in order leaves nothing that others wait for": func(t *testing.T, open Open) {
		f := fresh(t, open)
		beside := open(t, store.Options{Now: f.clock.Now})
		f.receive(event("evt_1", "cus_1"))
		if works, err := beside.Claim(f.ctx, sync1, 1, lease); err != nil || len(works) != 1 {
			t.Fatal(works, err)
		}
		f.must(beside.Close())
		f.claimOne()
	},
}

// settle1 settles a claim that must be good.
func (f fixture) settle1(w *store.Work) {
	f.Helper()
	f.must(f.db.Settle(f.ctx, w, store.Settlement{}))
}
