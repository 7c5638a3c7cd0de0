package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

var connections = map[string]func(*testing.T, Open){
	"a channel rests apart from a connection of the same name": func(t *testing.T, open Open) {
		f := fresh(t, open)
		until := f.clock.Now().Add(time.Minute)
		f.must(f.db.RestChannel(f.ctx, "crm", until))
		_, _, err := f.db.ReserveChannel(f.ctx, "crm", time.Minute)
		f.must(err)
		if got, err := f.db.RestsUntil(f.ctx, "crm"); err != nil || !got.IsZero() {
			t.Errorf("the connection rests until %s, %v", got, err)
		}
		if got, err := f.db.ChannelRestsUntil(f.ctx, "crm"); err != nil || !got.Equal(until) {
			t.Errorf("the channel rests until %s, %v; want %s", got, err, until)
		}
		if now, first, err := f.db.ReserveChannel(f.ctx, "crm", time.Minute); err != nil || first.Sub(now) != time.Minute {
			t.Errorf("the next message is in %s, %v; want 1m", first.Sub(now), err)
		}
		if all, err := f.db.ConnectionStates(f.ctx); err != nil || len(all) != 0 {
			t.Errorf("connections: %v, %v; want none", all, err)
		}
	},

	"refused webhooks are counted over all nodes, for an hour, and move with their connection": func(t *testing.T, open Open) {
		f := fresh(t, open)
		bad := func(n int) store.Refused {
			return store.Refused{Connection: "billing", Refusal: status.BadSignature, Count: n}
		}
		large := store.Refused{Connection: "billing", Refusal: status.TooLarge, Count: 1}
		is := func(want ...store.Refused) {
			t.Helper()
			got, err := f.db.Refused(f.ctx)
			f.must(err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		f.must(f.db.NoteRefused(f.ctx, []store.Refused{bad(3)}))
		f.clock.Move(40 * time.Minute)
		f.must(open(t, store.Options{Now: f.clock.Now}).NoteRefused(f.ctx, []store.Refused{bad(1), large}))
		f.must(f.db.NoteRefused(f.ctx, []store.Refused{bad(1)}))
		is(bad(5), large)
		f.clock.Move(21 * time.Minute)
		is(bad(2), large)
		f.clock.Move(40 * time.Minute)
		is()
	},

	"turns of one name and two kinds are two turns": func(t *testing.T, open Open) {
		f := fresh(t, open)
		changes, candidates := store.ChangesOf("billing"), store.Turn{Kind: store.CandidatesTurn, Name: "billing"}
		_, fence, ok, err := f.db.TakeTurn(f.ctx, changes, 0, lease)
		f.must(err)
		if cursor, _, other, err := f.db.TakeTurn(f.ctx, candidates, 0, lease); !ok || !other || cursor != "" || err != nil {
			t.Errorf("taken: %t and %t, %v; want both", ok, other, err)
		}
		f.must(f.db.SaveTurn(f.ctx, changes, fence, "page 2", true))
		if cursor, _, ok, err := f.db.TakeTurn(f.ctx, candidates, 0, lease); ok || err != nil {
			t.Errorf("the other turn is free at %q, %v", cursor, err)
		}
	},

	"events without a status are counted over all nodes, and those before an update are known": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		note := func(db *store.DB, m store.Mutes, want store.Muteness) {
			t.Helper()
			got, err := db.NoteMutes(f.ctx, "billing", m)
			f.must(err)
			if got != want {
				t.Errorf("%+v comes to %+v, want %+v", m, got, want)
			}
		}
		note(f.db, store.Mutes{Before: 19}, store.Muteness{Row: 19})
		note(node2, store.Mutes{Before: 1}, store.Muteness{Row: 20}) // it has never told any
		e := event("evt_1", "cus_1")
		e.Value, e.HasValue = "active", true
		f.receive(e)
		note(node2, store.Mutes{Before: 19}, store.Muteness{Row: 39})
		note(f.db, store.Mutes{Before: 1}, store.Muteness{Row: 40, Tell: true}) // there is one with a status, stored and not counted
		note(node2, store.Mutes{Told: true}, store.Muteness{Over: true})
		note(f.db, store.Mutes{Told: true}, store.Muteness{})
		note(f.db, store.Mutes{Before: 79}, store.Muteness{Row: 79})
		note(node2, store.Mutes{Before: 1}, store.Muteness{Row: 80, Tell: true})
	},
	"a connection rests as long as the longest that was said": func(t *testing.T, open Open) {
		f := fresh(t, open)
		until := f.clock.Now().Add(time.Minute)
		f.must(f.db.Rest(f.ctx, "crm", until))
		f.must(f.db.Rest(f.ctx, "crm", until.Add(-time.Second)))
		got, err := f.db.RestsUntil(f.ctx, "crm")
		f.must(err)
		if !got.Equal(until) {
			t.Errorf("it rests until %s", got)
		}
		if got, err := f.db.RestsUntil(f.ctx, "billing"); err != nil || !got.IsZero() {
			t.Errorf("another rests until %s, %v", got, err)
		}
	},
	"calls that are reserved lie a gap apart, over all nodes": func(t *testing.T, open Open) {
		f := fresh(t, open)
		node2 := open(t, store.Options{Now: f.clock.Now})
		var mu sync.Mutex
		slots := map[time.Time]bool{}
		var all sync.WaitGroup
		for i := range 20 {
			db := []*store.DB{f.db, node2}[i%2]
			all.Go(func() {
				_, first, gap, err := db.Reserve(f.ctx, "crm", 3, 10, time.Second)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for n := range 3 {
					slots[first.Add(time.Duration(n)*gap)] = true
				}
			})
		}
		all.Wait()
		for n := range 60 {
			if at := f.clock.Now().Add(time.Duration(n) * 100 * time.Millisecond); !slots[at] {
				t.Errorf("nobody may call at %s", at)
			}
		}
		f.clock.Move(time.Hour)
		now, first, _, err := f.db.Reserve(f.ctx, "crm", 1, 10, time.Second)
		f.must(err)
		if !first.Equal(now) || !now.Equal(f.clock.Now()) {
			t.Errorf("after a rest the first call may be made at %s, it is %s", first, now)
		}
	},
	"a call that would come too late is not reserved": func(t *testing.T, open Open) {
		f := fresh(t, open)
		for range 20 { // as many as try in vain
			_, first, gap, ok, err := f.db.ReserveWithin(f.ctx, "crm", 1, 1, time.Minute, 90*time.Second)
			f.must(err)
			if late := first.Sub(f.clock.Now()); ok == (late > 90*time.Second) || late > 2*time.Minute || gap != time.Minute {
				t.Errorf("a call %s ahead is reserved: %t", late, ok)
			}
		}
		f.clock.Move(90 * time.Second)
		now, first, _, ok, err := f.db.ReserveWithin(f.ctx, "crm", 1, 1, time.Minute, time.Minute)
		f.must(err)
		if !ok || first.Sub(now) != 30*time.Second {
			t.Errorf("the next call may be made %s from now, %t", first.Sub(now), ok)
		}
	},
	"a clock that was set back an hour holds up no call": func(t *testing.T, open Open) {
		f := fresh(t, open)
		_, _, _, err := f.db.Reserve(f.ctx, "crm", 5, 10, 10*time.Second)
		f.must(err)
		f.clock.Move(-time.Hour)
		for n := range 2 {
			now, first, _, err := f.db.Reserve(f.ctx, "crm", 1, 10, 10*time.Second)
			f.must(err)
			if first.Sub(now) != time.Duration(5+n)*time.Second {
				t.Errorf("the next call may be made %s from now", first.Sub(now))
			}
		}
		_, fence, _, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), time.Minute, lease)
		f.must(err)
		f.must(f.db.SaveTurn(f.ctx, store.ChangesOf("billing"), fence, "evt_1", true))
		f.clock.Move(-time.Hour)
		if _, _, ok, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), time.Minute, lease); err != nil || !ok {
			t.Errorf("it is not asked for changes, %v", err)
		}
		f.clock.Move(-time.Hour) // and whoever asked has died
		if _, _, ok, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), time.Minute, lease); err != nil || !ok {
			t.Errorf("a lease from the time to come keeps the others from asking, %v", err)
		}
	},
	"a list that is gone on with was asked for when the first page was": func(t *testing.T, open Open) {
		f := fresh(t, open)
		turn := store.ChangesOf("billing")
		begun := f.clock.Now()
		stretch := func(done bool) {
			t.Helper()
			cursor, fence, ok, err := f.db.TakeTurn(f.ctx, turn, 0, lease)
			f.must(err)
			if !ok {
				t.Fatal("the turn is not free")
			}
			f.must(f.db.SaveTurn(f.ctx, turn, fence, cursor+"x", done))
			f.must(f.db.LeaveTurn(f.ctx, turn, fence))
			f.clock.Move(time.Hour)
		}
		listed := func(want time.Time) {
			t.Helper()
			if got, err := f.db.ListedAt(f.ctx, "billing"); err != nil || !got.Equal(want) {
				t.Errorf("the last complete list was asked for at %s, %v; want %s", got, err, want)
			}
		}
		stretch(false)
		stretch(false)
		listed(time.Time{})
		stretch(true)
		listed(begun)
		begun = f.clock.Now()
		stretch(true)
		listed(begun)
	},
	"one node asks for changes at a time, and no more often than every so often": func(t *testing.T, open Open) {
		f := fresh(t, open)
		const every = 5 * time.Minute
		cursor, fence, ok, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), every, lease)
		f.must(err)
		if !ok || cursor != "" {
			t.Fatalf("the first time: %q, %t", cursor, ok)
		}
		taken := func() bool {
			t.Helper()
			_, _, ok, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), every, lease)
			f.must(err)
			return ok
		}
		if taken() {
			t.Error("two ask at a time")
		}
		f.must(f.db.SaveTurn(f.ctx, store.ChangesOf("billing"), fence, "evt_5", false))
		f.must(f.db.SaveTurn(f.ctx, store.ChangesOf("billing"), fence, "evt_9", true))
		if taken() {
			t.Error("it is asked again at once")
		}
		f.clock.Move(every)
		cursor, fence, ok, err = f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), every, lease)
		f.must(err)
		if !ok || cursor != "evt_9" {
			t.Errorf("the second time: %q, %t", cursor, ok)
		}
		f.must(f.db.LeaveTurn(f.ctx, store.ChangesOf("billing"), fence))
		if !taken() {
			t.Error("a lease that was given back is not free")
		}
		f.clock.Move(lease)
		if err := f.db.SaveTurn(f.ctx, store.ChangesOf("billing"), fence, "evt_1", true); !errors.Is(err, store.ErrFenced) {
			t.Errorf("an old lease moves the cursor: %v", err)
		}
	},
	"what is left of a connection's calls is told to all nodes": func(t *testing.T, open Open) {
		f := fresh(t, open)
		f.must(f.db.Rest(f.ctx, "billing", f.clock.Now().Add(time.Minute)))
		_, first, gap, err := f.db.Reserve(f.ctx, "crm", 10, 100, 10*time.Second)
		f.must(err)
		leased, fence, _, err := f.db.TakeTurn(f.ctx, store.ChangesOf("billing"), 0, time.Minute)
		f.must(err)
		f.must(f.db.NoteListed(f.ctx, "billing", f.clock.Now().Add(-time.Hour))) // nobody knows what the list had before
		f.must(f.db.SaveTurn(f.ctx, store.ChangesOf("billing"), fence, leased, true))
		f.must(f.db.NoteListed(f.ctx, "crm", f.clock.Now().Add(-time.Hour))) // it has no list
		f.must(f.db.NoteListed(f.ctx, "billing", f.clock.Now().Add(-time.Hour)))
		f.must(f.db.SaveBudget(f.ctx, "crm", 900, 1000, 10*time.Second))
		f.must(f.db.SaveBudget(f.ctx, "crm", 950, 1000, time.Minute)) // heard earlier, told later
		want := map[string]store.ConnectionState{
			"billing": {RestsUntil: f.clock.Now().Add(time.Minute), ListedLate: time.Hour},
			"crm":     {NextCall: first.Add(10 * gap), BudgetLeft: 900, BudgetLimit: 1000, BudgetAt: f.clock.Now().Add(-10 * time.Second)},
		}
		got, err := f.db.ConnectionStates(f.ctx)
		f.must(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	},
}
