package store_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
	"github.com/trueup-sync/trueup/internal/store/storetest"
)

// ticking is a database whose clock no two looks find at the same time.
func ticking(t *testing.T) *store.DB {
	t.Helper()
	var ticks atomic.Int64
	return open(t, store.Options{DSN: storetest.File(t), Migrate: true, Now: func() time.Time { return time.UnixMilli(1_780_000_000_000 + ticks.Add(1)) }})
}

// parked carries a customer to an exception.
func parked(t *testing.T, db *store.DB, customer string, park *store.NewException) {
	t.Helper()
	e := store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "evt_1", Customer: customer, OccurredAt: time.Now(), Payload: []byte("x")}
	if _, err := db.Receive(t.Context(), []store.NewEvent{e}); err != nil {
		t.Fatal(err)
	}
	works, err := db.Claim(t.Context(), theSync, 10, time.Minute)
	if err != nil || len(works) != 1 {
		t.Fatal(works, err)
	}
	s := store.Settlement{Outcome: status.Parked, Park: park, Close: store.CloseBefore, Events: []store.EventOutcome{{Seq: works[0].Events[0].Seq, Outcome: status.Parked}}}
	if err := db.Settle(t.Context(), &works[0], s); err != nil {
		t.Fatal(err)
	}
}

// A hidden question of a forgotten customer is looked through by app.redrive.
func TestNobodyWakesAForgottenCustomer(t *testing.T) {
	for _, verb := range []store.Verb{store.Ignore, ""} {
		db := ticking(t)
		ctx := t.Context()
		parked(t, db, theirID, &store.NewException{Sync: theSync, Customer: theirID, Kind: status.UnmappedStatus, Stage: status.StageMap, SourceValue: "new_word", Cause: "new_word"})
		all, err := db.Exceptions(ctx, store.ExceptionFilter{Sync: theSync})
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		if verb != "" {
			if _, err := db.Act(ctx, store.Act{Exception: all[0].ID, Verb: store.Ignore, Ignored: store.IgnoredUntilChange, Who: "ops"}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.Forget(ctx, theSync, theirID, theirID); err != nil {
			t.Fatal(err)
		}
		open, err := db.Exceptions(ctx, store.ExceptionFilter{Sync: theSync, Kind: status.UnmappedStatus, States: []status.State{status.Open, status.Acknowledged, status.StateIgnored}})
		if err != nil {
			t.Fatal(err)
		}
		if len(open) > 0 {
			t.Errorf("%q: redrive would find %d exceptions of the forgotten customer in state %s", verb, len(open), open[0].State)
		}
		_, err = db.Act(ctx, store.Act{Exception: all[0].ID, Verb: store.Retry, Who: "trueup"})
		works, claimErr := db.Claim(ctx, theSync, 10, time.Minute)
		if len(works) > 0 {
			t.Errorf("%q: %s was woken (%v, %v)", verb, works[0].Customer, err, claimErr)
		}
	}
}

func TestASweepUnderWayBringsNobodyBack(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			database := dsn(t)
			db := open(t, store.Options{DSN: database, Migrate: true})
			ctx := t.Context()
			parked(t, db, theirID, &store.NewException{Sync: theSync, Customer: theirID, Kind: status.Conflict, Stage: status.StageDecide})
			begin := store.Sweep{Sync: theSync, Purpose: store.ForPlan, Rules: "r", SourceListed: true, TargetListed: true}
			w, err := db.BeginSweep(ctx, begin, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			w.Phase = store.PhaseCompare
			w, err = db.SaveSweep(ctx, w, store.SweepPart{ReadAt: time.Now(), Sources: []status.SourceRecord{{ID: theirID, Keys: map[string]string{"email": theirMail}}},
				Taken: []store.Taken{{TargetID: theirRec, Customer: theirID}}}, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			// compareBatch has read the batch; now somebody forgets one of it.
			if _, err := db.Forget(ctx, theSync, theirID, theirID); err != nil {
				t.Fatal(err)
			}
			raw := rawOf(t, engine, database)
			nowhere := func() {
				t.Helper()
				if left := where(t, raw, textColumns(t, engine, raw), theirID, theirMail, theirRec); len(left) > 0 {
					t.Errorf("she stands in\n%s", strings.Join(left, "\n"))
				}
			}
			nowhere()
			w.ComparedTo = theirID
			_, err = db.SaveSweep(ctx, w, store.SweepPart{Wake: []string{theirID}, Rows: []store.PlanRow{{Customer: theirID, TargetID: theirRec, Action: "write"}},
				Taken: []store.Taken{{TargetID: theirRec, Customer: theirID}}, Seen: map[string]store.Seen{theirID: {Value: "active", At: time.Now()}}}, time.Minute)
			if !errors.Is(err, store.ErrSweepTaken) || !strings.Contains(err.Error(), "a customer was forgotten; start it again") {
				t.Errorf("the comparison goes on with what it has in memory, or is told %v", err)
			}
			if err := db.KeepSweep(ctx, w, time.Minute); !errors.Is(err, store.ErrSweepTaken) {
				t.Errorf("it can be kept: %v", err)
			}
			nowhere()
			again, err := db.BeginSweep(ctx, begin, time.Minute)
			if err != nil || again.ID == w.ID || again.Phase != store.PhaseSource {
				t.Errorf("the next one begins at %+v, %v", again, err)
			}
		})
	}
}

// An application holds rows in memory; between two of them somebody is forgotten.
func TestARowOfAPlanBringsNobodyBack(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			db := open(t, store.Options{DSN: dsn(t), Migrate: true})
			ctx := t.Context()
			parked(t, db, theirID, &store.NewException{Sync: theSync, Customer: theirID, Kind: status.Conflict, Stage: status.StageDecide})
			w, err := db.BeginSweep(ctx, store.Sweep{Sync: theSync, Purpose: store.ForPlan, Rules: "r", SourceListed: true, TargetListed: true}, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			w.Phase = store.PhaseCompare
			rows := []store.PlanRow{{Customer: theirID, TargetID: theirRec, Action: "write"}, {Customer: "cus_other", TargetID: "rec_other", Action: "write"}}
			if w, err = db.SaveSweep(ctx, w, store.SweepPart{Rows: rows}, time.Minute); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Forget(ctx, theSync, theirID, theirID); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := db.ClaimOne(ctx, theSync, theirID, w.ID, time.Minute); ok || !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the forgotten customer is claimed: %v, %v", ok, err)
			}
			if c, err := db.Customer(ctx, theSync, theirID); err == nil {
				t.Errorf("the customer is back: %+v", c.Customer)
			}
			if _, ok, err := db.ClaimOne(ctx, theSync, "cus_other", w.ID, time.Minute); !ok || err != nil {
				t.Errorf("the other row is not claimed: %v, %v", ok, err)
			}
		})
	}
}

// Invariant 7: a claim that is refused shares its transaction with others, whose commit
// would store what it had written.
func TestAClaimForARowThatIsGoneLeavesNoName(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			db := open(t, store.Options{DSN: dsn(t), Migrate: true})
			if _, ok, err := db.ClaimOne(t.Context(), theSync, theirID, 77, time.Minute); ok || !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the row is claimed: %v, %v", ok, err)
			}
			if names, err := db.Names(t.Context()); err != nil || len(names) > 0 {
				t.Errorf("the names %v are known, %v", names, err)
			}
		})
	}
}

// A plan names customers of whom no event has ever told.
func TestWhoStandsOnlyInAPlanIsForgotten(t *testing.T) {
	for engine, dsn := range engines {
		for how, named := range map[string]string{"by the id in the source": theirID, "by the record": theirRec} {
			t.Run(engine+" "+how, func(t *testing.T) {
				database := dsn(t)
				db := open(t, store.Options{DSN: database, Migrate: true})
				ctx := t.Context()
				w, err := db.BeginSweep(ctx, store.Sweep{Sync: theSync, Purpose: store.ForPlan, Rules: "r", SourceListed: true, TargetListed: true}, time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				w.Phase = store.PhaseDone
				w, err = db.SaveSweep(ctx, w, store.SweepPart{Rows: []store.PlanRow{{Customer: theirID, TargetID: theirRec, Action: "write"}},
					Seen: map[string]store.Seen{theirID: {Value: "active", At: time.Now()}}}, time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				for _, do := range []func(context.Context, string, string, string) (store.Forgotten, error){db.ForgetPlan, db.Forget} {
					if f, err := do(ctx, theSync, "", named); err != nil || f.Customer != theirID || f.Rows["plan_rows"] != 1 || f.Rows["seen"] != 1 {
						t.Errorf("forgotten is %+v, %v", f, err)
					}
				}
				raw := rawOf(t, engine, database)
				if left := where(t, raw, textColumns(t, engine, raw), theirID, theirRec); len(left) > 0 {
					t.Errorf("she stands in\n%s", strings.Join(left, "\n"))
				}
				if _, ok, err := db.ClaimOne(ctx, theSync, theirID, w.ID, time.Minute); ok || !errors.Is(err, store.ErrNotFound) {
					t.Errorf("her row is applied: %v, %v", ok, err)
				}
			})
		}
	}
}

// Forgetting somebody who is no customer any more, and is only mentioned, ends
// a comparison as well: its pages may name him, and it has no cursor then.
func TestForgettingAMentionEndsComparisons(t *testing.T) {
	db := ticking(t)
	ctx := t.Context()
	begin := store.Sweep{Sync: theSync, Purpose: store.ForPlan, Rules: "r", SourceListed: true, TargetListed: true}
	w, err := db.BeginSweep(ctx, begin, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	w.Phase, w.ComparedTo = store.PhaseCompare, "cus_Jane1"
	if w, err = db.SaveSweep(ctx, w, store.SweepPart{ReadAt: time.Now(), Sources: []status.SourceRecord{{ID: "cus_Jane1", Value: "active", Keys: map[string]string{"email": "Jane@example.com"}}}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := db.ReleaseSweep(ctx, w); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"cus_jane1": 1, "jane@example.com": 1, "cus_Jane": 0, "nobody@example.com": 0} {
		if f, err := db.ForgetPlan(ctx, theSync, "", name); err != nil || f.Rows["sweep_pages"] != want || len(f.Rows) != want {
			t.Errorf("of %s it would change %v, %v", name, f.Rows, err)
		}
	}
	if _, err := db.Forget(ctx, theSync, "", "cus_Jane1"); err != nil {
		t.Fatal(err)
	}
	for page, err := range db.EachSweepPage(ctx, w) {
		t.Errorf("a page is kept: %+v, %v", page, err)
	}
	again, err := db.BeginSweep(ctx, begin, time.Minute)
	if err != nil || again.ID == w.ID || again.Phase != store.PhaseSource || again.ComparedTo != "" {
		t.Errorf("the next one begins at %+v, %v", again, err)
	}
}

func TestWhatAReplayReadLaterClosesTheException(t *testing.T) {
	db := ticking(t)
	ctx := t.Context()
	bad := store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: "unreadable:1", Payload: []byte("x"), Outcome: status.Parked}
	if _, err := db.Receive(ctx, []store.NewEvent{bad}); err != nil {
		t.Fatal(err)
	}
	one := func(id, customer string, outcome status.Outcome) {
		e := store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: id, Customer: customer, Payload: []byte("x"), Outcome: outcome, ReplayOf: 1}
		if _, err := db.Receive(ctx, []store.NewEvent{e}); err != nil {
			t.Fatal(err)
		}
	}
	one("a#replay-1", "c1", "")
	one("b#replay-1", "", status.Parked) // of the body, this one still cannot be read
	if n, err := db.UnreadLeft(ctx, theSync); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	one("a#replay-2", "c1", "")
	one("b#replay-2", "c2", "") // the second replay reads both
	if n, err := db.UnreadLeft(ctx, theSync); n != 0 || err != nil {
		t.Errorf("left: %d, %v", n, err)
	}
}

func TestAListDoesNotBringBackWhoWasForgotten(t *testing.T) {
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			database := dsn(t)
			db := open(t, store.Options{DSN: database, Migrate: true})
			ctx := t.Context()
			event := func(id string, at time.Time) store.NewEvent {
				return store.NewEvent{Connection: "billing", Sync: theSync, Side: store.SourceSide, ID: id, Customer: "4711", OccurredAt: at, Listed: true, Payload: []byte(id)}
			}
			changed := time.Now().Add(-time.Hour)
			dated, undated := event("list:4711:1:ab", changed), event("updated:4711:1", time.Time{})
			if _, err := db.Receive(ctx, []store.NewEvent{dated, undated}); err != nil {
				t.Fatal(err)
			}
			if _, err := db.Forget(ctx, theSync, "4711", "4711"); err != nil {
				t.Fatal(err)
			}
			if left := storetest.Standing(t, engine, database, "4711"); len(left) > 0 {
				t.Errorf("left is %v", left)
			}
			elsewhere := dated
			elsewhere.Sync = "other"
			sent := dated
			sent.Listed = false
			for _, tt := range []struct {
				what  string
				event store.NewEvent
				want  store.Arrival
			}{
				{"the change that was known", dated, store.Repeat},
				{"the same of a list without dates", undated, store.Repeat},
				{"a change before it that had not come", event("list:4711:0:ab", changed.Add(-time.Minute)), store.Repeat},
				{"what only webhooks had told", event("list:4711:1:cd", changed.Add(time.Second)), store.Repeat},
				{"the same of another sync", elsewhere, store.Fresh},
				{"a new change", event("list:4711:2:ab", time.Now().Add(time.Minute)), store.Fresh},
				{"a new one of a list without dates", event("updated:4711:2", time.Time{}), store.Fresh},
				{"what somebody sends", sent, store.Fresh},
			} {
				if got, err := db.Receive(ctx, []store.NewEvent{tt.event}); err != nil || got[0] != tt.want {
					t.Errorf("%s: %v, %v", tt.what, got, err)
				}
			}
		})
	}
}
