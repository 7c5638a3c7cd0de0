package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/store"
)

// Callers who come at the same time share a transaction. What comes in the moment in which
// its customer is forgotten is forgotten too, whichever is first.
func TestAnEventBesideAForgettingWakesNobody(t *testing.T) {
	eachOrder(t, func(t *testing.T, db *store.DB, first bool) {
		event := func(id string) []store.NewEvent {
			return []store.NewEvent{{Connection: "billing", Sync: "s", Side: store.SourceSide, ID: id, Customer: "cus_gone", OccurredAt: time.Now().Add(-time.Hour), Listed: true}}
		}
		if _, err := db.Receive(t.Context(), event("evt_1")); err != nil {
			t.Fatal(err)
		}
		if err := db.ReceiveBeside(t.Context(), event("evt_2"), first, store.Beside{Forget: "cus_gone"}); err != nil {
			t.Fatal(err)
		}
		if c, err := db.Customer(t.Context(), "s", "cus_gone"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the customer is there again: %+v, %v", c, err)
		}
		if works, err := db.Claim(t.Context(), "s", 10, time.Minute); err != nil || len(works) > 0 {
			t.Errorf("%d customers are claimed, %v", len(works), err)
		}
	})
}

// An event of a record finds the link that was made before it, in the same transaction too.
func TestAnEventBesideALinkIsOfItsCustomer(t *testing.T) {
	eachOrder(t, func(t *testing.T, db *store.DB, first bool) {
		event := []store.NewEvent{{Connection: "crm", Sync: "s", Side: store.TargetSide, ID: "evt_1", Customer: "rec_1", OccurredAt: time.Now()}}
		if err := db.ReceiveBeside(t.Context(), event, first, store.Beside{Link: "rec_1"}); err != nil {
			t.Fatal(err)
		}
		works, err := db.Claim(t.Context(), "s", 10, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if first && (len(works) != 1 || works[0].Customer != "cus_1" || len(works[0].Events) != 1) {
			t.Errorf("claimed are %+v", works)
		}
		if !first && len(works) != 0 {
			t.Errorf("a record without a customer is of %+v", works)
		}
	})
}

// eachOrder runs a test on both engines, with another job before the events and after them.
func eachOrder(t *testing.T, run func(t *testing.T, db *store.DB, first bool)) {
	for engine, dsn := range engines {
		for _, first := range []bool{true, false} {
			t.Run(fmt.Sprint(engine, ", the other first ", first), func(t *testing.T) {
				run(t, open(t, store.Options{DSN: dsn(t), Migrate: true}), first)
			})
		}
	}
}
