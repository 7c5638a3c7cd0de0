package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

var tokens = map[string]func(*testing.T, Open){
	"a token is kept until another takes its place": func(t *testing.T, open Open) {
		f := fresh(t, open)
		if got, err := f.db.Token(f.ctx, "crm"); err != nil || got != "" {
			t.Errorf("before there is any: %q, %v", got, err)
		}
		f.must(f.db.PutToken(f.ctx, "crm", "one"))
		f.must(f.db.PutToken(f.ctx, "billing", "other"))
		f.must(f.db.PutToken(f.ctx, "crm", "two"))
		if got, err := f.db.Token(f.ctx, "crm"); err != nil || got != "two" {
			t.Errorf("it is %q, %v", got, err)
		}
		if ok, err := f.db.ReplaceToken(f.ctx, "crm", "one", "three"); err != nil || ok {
			t.Errorf("a token that is not there any more was replaced: %v, %v", ok, err)
		}
		if ok, err := f.db.ReplaceToken(f.ctx, "crm", "two", "three"); err != nil || !ok {
			t.Errorf("the token was not replaced: %v, %v", ok, err)
		}
		if got, err := f.db.Token(f.ctx, "billing"); err != nil || got != "other" {
			t.Errorf("another connection's is %q, %v", got, err)
		}
	},
	"a first token is stored where there is none": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.BeginToken(f.ctx, "crm", "first"))
		f.must(f.db.BeginToken(f.ctx, "crm", "second"))
		if got, err := f.db.Token(f.ctx, "crm"); err != nil || got != "first" {
			t.Errorf("it is %q, %v", got, err)
		}
		if _, ok, err := f.db.LeaseToken(f.ctx, "crm", "first", lease); err != nil || !ok {
			t.Errorf("it cannot be leased: %v, %v", ok, err)
		}
	},
	"who comes back from a consent is given to the one who waits, once": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		f.must(f.db.ExpectReturn(f.ctx, "crm", "old", time.Minute))
		f.must(f.db.ExpectReturn(f.ctx, "crm", "state", time.Minute))
		store := func(connection, state, sealed string, want bool) {
			t.Helper()
			if ok, err := node2.StoreReturn(f.ctx, connection, state, sealed); err != nil || ok != want {
				t.Errorf("the answer for %s with %s is taken: %v, %v", connection, state, ok, err)
			}
		}
		take := func(want string) {
			t.Helper()
			if got, ok, err := f.db.TakeReturn(f.ctx, "crm", "state"); err != nil || got != want || ok != (want != "") {
				t.Errorf("it is %q, %v, %v, want %q", got, ok, err, want)
			}
		}
		take("")
		store("crm", "old", "x", false)
		store("crm", "guessed", "x", false)
		store("billing", "state", "x", false)
		store("crm", "state", "one", true)
		store("crm", "state", "two", false)
		take("one")
		take("")
		store("crm", "state", "three", false)
		f.must(f.db.ExpectReturn(f.ctx, "crm", "state", time.Minute))
		f.clock.Move(time.Minute)
		store("crm", "state", "late", false)
	},
	"one node renews a token at a time": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		f.must(f.db.PutToken(f.ctx, "crm", "one"))
		var leases atomic.Int64
		var all sync.WaitGroup
		for i := range 20 {
			db := []*store.DB{f.db, node2}[i%2]
			all.Go(func() {
				_, ok, err := db.LeaseToken(f.ctx, "crm", "one", lease)
				if err != nil {
					t.Error(err)
				}
				if ok {
					leases.Add(1)
				}
			})
		}
		all.Wait()
		if leases.Load() != 1 {
			t.Errorf("%d nodes renew it", leases.Load())
		}
		if ok, err := f.db.ReplaceToken(f.ctx, "crm", "one", "two"); err != nil || !ok {
			t.Fatalf("%v, %v", ok, err)
		}
		if _, ok, err := node2.LeaseToken(f.ctx, "crm", "one", lease); err != nil || ok {
			t.Errorf("the token of before is leased: %v, %v", ok, err)
		}
		if _, ok, err := node2.LeaseToken(f.ctx, "crm", "two", lease); err != nil || !ok {
			t.Errorf("the new token is not free: %v, %v", ok, err)
		}
	},
	"a lease ends when it is released, and by itself": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.PutToken(f.ctx, "crm", "one"))
		fence, ok, err := f.db.LeaseToken(f.ctx, "crm", "one", lease)
		f.must(err)
		f.must(f.db.ReleaseToken(f.ctx, "crm", fence-1))
		if _, again, err := f.db.LeaseToken(f.ctx, "crm", "one", lease); !ok || err != nil || again {
			t.Errorf("another's release ended it: %v, %v", again, err)
		}
		f.must(f.db.ReleaseToken(f.ctx, "crm", fence))
		if _, ok, err := f.db.LeaseToken(f.ctx, "crm", "one", lease); err != nil || !ok {
			t.Errorf("released, and not free: %v", err)
		}
		f.clock.Move(lease + time.Millisecond)
		if _, ok, err := f.db.LeaseToken(f.ctx, "crm", "one", lease); err != nil || !ok {
			t.Errorf("over, and not free: %v", err)
		}
		// The one whose lease is over was given a token after all.
		if ok, err := f.db.ReplaceToken(f.ctx, "crm", "one", "two"); err != nil || !ok {
			t.Errorf("a renewed token was thrown away: %v, %v", ok, err)
		}
	},
}
