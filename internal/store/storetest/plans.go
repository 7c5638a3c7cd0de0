package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/store"
)

// one claims a customer by name.
func (f fixture) one(customer string) store.Work {
	f.Helper()
	w, ok, err := f.db.ClaimOne(f.ctx, sync1, customer, 0, lease)
	f.must(err)
	if !ok {
		f.Fatalf("somebody has %s", customer)
	}
	return w
}

var plans = map[string]func(*testing.T, Open){
	"a customer of whom nobody told is claimed by name, and left with nothing to do": func(t *testing.T, open Open) {
		f := fresh(t, open)
		w := f.one("cus_1")
		if w.Customer != "cus_1" || w.Sync != sync1 || w.Fence <= 0 || !w.LeaseUntil.Equal(f.clock.Now().Add(lease)) {
			t.Errorf("claimed %+v", w)
		}
		f.clock.Move(lease)
		if works := f.claim(); len(works) > 0 {
			t.Errorf("it is due: %+v", works)
		}
	},
	"a customer claimed by name is as one claimed when due": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"), event("evt_2", "cus_2"))
		f.must(f.db.SetLink(f.ctx, store.Link{Sync: sync1, Customer: "cus_1", TargetID: "rec_1", Confidence: 1, By: "ana@example.com"}))
		want := f.claim()[0]
		f.clock.Move(lease)
		got := f.one("cus_1")
		want.Fence++
		want.Now, want.LeaseUntil = got.Now, got.LeaseUntil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	},
	"a write that nobody settles is looked for, though nothing was due": func(t *testing.T, open Open) {
		f := fresh(t, open)
		w := f.one("cus_1")
		if !w.NotDue {
			t.Error("something was due")
		}
		_, err := f.db.BeginWrite(f.ctx, &w, store.Intent{RecordID: "rec_1", Value: "Active", SentAt: f.clock.Now(), Expires: f.clock.Now().Add(time.Hour)}, store.Limits{})
		f.must(err)
		if works := f.claim(); len(works) > 0 {
			t.Errorf("it is claimed twice: %+v", works)
		}
		f.clock.Move(lease)
		if works := f.claim(); len(works) != 1 || len(works[0].Intents) != 1 {
			t.Errorf("due are %+v", works)
		}
	},
	"a customer that was claimed by name and left as it was is still unheard of": func(t *testing.T, open Open) {
		f := fresh(t, open)
		w := f.one("cus_1")
		f.must(f.db.Settle(f.ctx, &w, store.Settlement{KeepDue: true}))
		known, err := f.db.Snapshots(f.ctx, sync1, []string{"cus_1"})
		f.must(err)
		if known["cus_1"].Stored {
			t.Error("something has brought it here")
		}
		w = f.one("cus_1")
		f.must(f.db.Settle(f.ctx, &w, store.Settlement{Desired: &store.Desired{Value: "Active", SeenAt: f.clock.Now()}}))
		if known, err = f.db.Snapshots(f.ctx, sync1, []string{"cus_1"}); err != nil || !known["cus_1"].Stored {
			t.Errorf("it was carried, and is unheard of: %v", err)
		}
	},
	"of many who claim a customer at once, by name or when due, one has it": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		f.receive(event("evt_1", "cus_1"))
		var claimed atomic.Int64
		var all sync.WaitGroup
		for i := range 12 {
			db := []*store.DB{f.db, node2}[i%2]
			all.Go(func() {
				if i < 4 {
					works, err := db.Claim(f.ctx, sync1, 1, lease)
					if err != nil {
						t.Error(err)
					}
					claimed.Add(int64(len(works)))
					return
				}
				_, ok, err := db.ClaimOne(f.ctx, sync1, "cus_1", 0, lease)
				if err != nil {
					t.Error(err)
				}
				if ok {
					claimed.Add(1)
				}
			})
		}
		all.Wait()
		if claimed.Load() != 1 {
			t.Errorf("%d have it", claimed.Load())
		}
	},
	"a settlement that keeps when it is due changes nothing about that": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.receive(event("evt_1", "cus_1"))
		due := f.clock.Now()
		f.clock.Move(time.Second)
		w := f.one("cus_1")
		f.must(f.db.Settle(f.ctx, &w, store.Settlement{KeepDue: true, RetryAt: f.clock.Now().Add(time.Hour)}))
		if c, err := f.db.Customer(f.ctx, sync1, "cus_1"); err != nil || !c.DueAt.Equal(due) {
			t.Errorf("it is due at %s, %v", c.DueAt, err)
		}
		if works := f.claim(); len(works) != 1 || len(works[0].Events) != 1 {
			t.Errorf("due are %+v", works)
		}
	},
}
