package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"trueup/internal/status"
	"trueup/internal/store"
	"trueup/internal/store/storetest"
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
	for {
		n, err := db.DeleteOld(t.Context(), what, before, 2)
		if err != nil {
			t.Fatal(err)
		}
		if total += n; n < 2 {
			return total
		}
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
			if inserted, err := db.Receive(t.Context(), []store.NewEvent{again}); err != nil || inserted[0] {
				t.Errorf("the repeat was taken for new, %v", err)
			}
		})
	}
}
