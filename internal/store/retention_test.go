package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// old is a database in which each customer has three events that are a year old:
// the payload of the newest tells the state of a source that cannot be asked.
func old(t *testing.T, dsn string) (*store.DB, *storetest.Clock) {
	t.Helper()
	clock := storetest.NewClock()
	db := open(t, store.Options{DSN: dsn, Migrate: true, Now: clock.Now})
	ctx := t.Context()
	for i := range 3 {
		for _, customer := range []string{"settled", "waits", "open", "timeless", "late"} {
			e := store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: fmt.Sprintf("evt_%s_%d", customer, i), Customer: customer,
				OccurredAt: clock.Now(), Payload: []byte(customer)}
			switch {
			case customer == "timeless":
				e.OccurredAt = time.Time{}
			case customer == "late" && i > 0: // what came last happened before
				e.OccurredAt = clock.Now().Add(-time.Duration(i) * 24 * time.Hour)
			}
			if _, err := db.Receive(ctx, []store.NewEvent{e}); err != nil {
				t.Fatal(err)
			}
		}
		clock.Move(time.Minute)
		works, err := db.Claim(ctx, theSync, 10, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for j := range works {
			w := &works[j]
			s := store.Settlement{Outcome: status.Applied, Decision: &store.Decision{Sync: theSync, Customer: w.Customer}, Close: store.CloseAll}
			if w.Customer == "waits" && i == 2 {
				s.RetryAt = clock.Now().AddDate(3, 0, 0)
			}
			if w.Customer == "open" || i == 0 {
				s.Park = &store.NewException{Sync: theSync, Customer: w.Customer, Kind: status.Conflict, Stage: status.StageDecide}
				s.Close = store.CloseBefore
			}
			if w.Customer != "waits" || i < 2 {
				for _, e := range w.Events {
					s.Events = append(s.Events, store.EventOutcome{Seq: e.Seq, Outcome: status.Applied})
				}
			}
			if err := db.Settle(ctx, w, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	bad := store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "unreadable:1", Payload: []byte("bad"), Outcome: status.Parked}
	bad.Exception = &store.NewException{Sync: theSync, Kind: status.UnreadableEvent, Stage: status.StageReceive}
	if _, err := db.Receive(ctx, []store.NewEvent{bad}); err != nil {
		t.Fatal(err)
	}
	clock.Move(365 * 24 * time.Hour)
	return db, clock
}

func deleteAll(t *testing.T, db *store.DB, what store.OldThing, before time.Time) (total int) {
	t.Helper()
	for after := int64(0); ; {
		n, next, err := db.DeleteOld(t.Context(), what, before, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if total += n; next == 0 {
			return total
		}
		if next <= after {
			t.Fatalf("a pass went from %d to %d", after, next)
		}
		after = next
	}
}

func TestOldPayloadsGoButForThoseThatAreNeeded(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			db, clock := old(t, dsn(t))
			if n := deleteAll(t, db, store.OldPayloads, clock.Now().AddDate(-2, 0, 0)); n != 0 {
				t.Errorf("%d went that are not old", n)
			}
			if n := deleteAll(t, db, store.OldPayloads, clock.Now().Add(-90*24*time.Hour)); n != 4 {
				t.Errorf("%d went, not the 2 older ones of settled and timeless", n)
			}
			found, err := db.Events(t.Context(), store.EventFilter{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			var kept []string
			for _, e := range found {
				if len(e.Payload) > 0 {
					kept = append(kept, e.ID)
				}
			}
			slices.Sort(kept)
			want := []string{"evt_late_0", "evt_late_1", "evt_late_2", "evt_open_0", "evt_open_1", "evt_open_2", "evt_settled_2", "evt_timeless_2",
				"evt_waits_0", "evt_waits_1", "evt_waits_2", "unreadable:1"}
			if !slices.Equal(kept, want) || len(found) != 16 {
				t.Errorf("%d events, with the payloads of %v", len(found), kept)
			}
		})
	}
}

func TestOldHistoryGoesButForWhatWaitsOrIsOpen(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			db, clock := old(t, dsn(t))
			went := map[store.OldThing]int{}
			for _, what := range store.OldHistory {
				went[what] = deleteAll(t, db, what, clock.Now().Add(-90*24*time.Hour))
			}
			// Decisions of settled, timeless and late, but for the last of each.
			if went[store.OldEvents] != 4 || went[store.OldDecisions] != 6 || went[store.OldExceptions] != 4 || went[store.OldActions] != 4 {
				t.Errorf("went %v", went)
			}
			found, err := db.Exceptions(t.Context(), store.ExceptionFilter{})
			if err != nil || len(found) != 2 {
				t.Errorf("left are %v, %v", found, err)
			}
			for _, customer := range []string{"settled", "waits", "open"} {
				history, err := db.History(t.Context(), theSync, customer, 10)
				if want := map[string]int{"settled": 1, "waits": 3, "open": 3}[customer]; err != nil || len(history) != want {
					t.Errorf("%s has %d decisions, %v", customer, len(history), err)
				}
			}
			// A repeat of what is left is still one.
			again := store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "evt_settled_2", Customer: "settled"}
			if inserted, err := db.Receive(t.Context(), []store.NewEvent{again}); err != nil || inserted[0] != store.Repeat {
				t.Errorf("the repeat was taken for new, %v", err)
			}
		})
	}
}

// What stays is looked at once in a pass, however much of it there is.
func TestAPassGoesOnAfterTheLastRowThatItLookedAt(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			clock := storetest.NewClock()
			db := open(t, store.Options{DSN: dsn(t), Migrate: true, Now: clock.Now})
			var events []store.NewEvent
			for i := range 60 { // nobody carries them: they wait, and stay
				events = append(events, store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: fmt.Sprintf("evt_%02d", i), Customer: "waits", Payload: []byte("x")})
			}
			for _, id := range []string{"bad_1", "bad_2", "bad_3"} {
				events = append(events, store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: id, Payload: []byte("x"), Outcome: status.Parked})
			}
			if _, err := db.Receive(t.Context(), events); err != nil {
				t.Fatal(err)
			}
			clock.Move(365 * 24 * time.Hour)
			before, after := clock.Now().AddDate(0, -3, 0), int64(0)
			for i, want := range []int{0, 2, 1, 0} {
				n, next, err := db.DeleteOld(t.Context(), store.OldEvents, before, after, 2)
				if err != nil || n != want || (next == 0) != (i == 3) || next > 0 && next <= after {
					t.Fatalf("step %d deleted %d and went from %d to %d, %v", i, n, after, next, err)
				}
				after = next
			}
		})
	}
}

func TestOldIdempotencyKeysAreFreeAgain(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			clock := storetest.NewClock()
			db := open(t, store.Options{DSN: dsn(t), Migrate: true, Now: clock.Now})
			id, err := db.OpenException(t.Context(), store.NewException{Sync: theSync, Kind: status.UnreadableEvent, Stage: status.StageReceive})
			if err != nil {
				t.Fatal(err)
			}
			act := func(key string, want error) {
				t.Helper()
				_, err := db.Act(t.Context(), store.Act{Exception: id, Verb: store.Acknowledge, Who: "ana", Key: key, Asked: "acknowledge " + clock.Now().String()})
				if !errors.Is(err, want) {
					t.Errorf("under the key %s: %v, not %v", key, err, want)
				}
			}
			for _, key := range []string{"old_1", "old_2", "old_3"} {
				act(key, nil)
			}
			clock.Move(100 * 24 * time.Hour)
			act("new", nil)
			clock.Move(time.Hour)
			if n := deleteAll(t, db, store.OldRequests, clock.Now().AddDate(0, 0, -90)); n != 3 {
				t.Errorf("%d went, not the 3 old ones", n)
			}
			act("old_1", nil)
			act("new", store.ErrKeyReused)
		})
	}
}
