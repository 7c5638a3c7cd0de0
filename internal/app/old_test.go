package app_test

import (
	"errors"
	"testing"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

func TestARunningServiceDeletesWhatIsOldAndWhatAComparisonLeft(t *testing.T) {
	t.Parallel()
	const sync = "customer-status"
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := dsn(t)
			ago := time.Now().Add(-100 * 24 * time.Hour)
			then, err := store.Open(t.Context(), store.Options{DSN: dsn, Migrate: true, Now: func() time.Time { return ago }})
			if err != nil {
				t.Fatal(err)
			}
			event := store.NewEvent{Connection: "billing", Sync: sync, Side: store.SourceSide, ID: "evt_old", Customer: "cus_1", Payload: []byte(`{"email":"ana@example.com"}`),
				Outcome: status.Ignored, Reason: reason.Text("it is old")}
			newer := event
			newer.ID = "evt_newer" // the newest of a customer stays
			if _, err := then.Receive(t.Context(), []store.NewEvent{event, newer}); err != nil {
				t.Fatal(err)
			}
			left, err := then.BeginSweep(t.Context(), store.Sweep{Sync: sync, Purpose: store.ForPlan, Rules: "r", SourceListed: true}, time.Minute)
			if err == nil {
				left, err = then.SaveSweep(t.Context(), left, store.SweepPart{ReadAt: ago, Sources: []status.SourceRecord{{ID: "cus_1", Value: "active"}}}, time.Minute)
			}
			if err := errors.Join(err, then.Close()); err != nil {
				t.Fatal(err)
			}
			l := newLive(t, dsn, "retention: {payloads: 90d}\n")
			l.until("the payload is gone", func() bool {
				found, err := l.db.Events(t.Context(), store.EventFilter{Sync: sync})
				if err != nil || len(found) != 2 {
					t.Fatal(found, err)
				}
				e, err := l.db.Event(t.Context(), min(found[0].Seq, found[1].Seq))
				return err == nil && len(e.Payload) == 0
			})
			l.until("what the comparison had read is gone", func() bool {
				pages := 0
				for _, err := range l.db.EachSweepPage(t.Context(), left) {
					if err != nil {
						t.Fatal(err)
					}
					pages++
				}
				_, err := l.db.SweepUnderWay(t.Context(), sync, store.ForPlan)
				return pages == 0 && errors.Is(err, store.ErrNotFound)
			})
		})
	}
}
