package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const senders = 256

// BenchmarkReceive stores events from 256 senders on a SQLite file with full
// sync; each is answered after its commit.
func BenchmarkReceive(b *testing.B) {
	db := open(b, store.Options{DSN: filepath.Join(b.TempDir(), "trueup.db"), Migrate: true})
	b.ResetTimer()
	receiveAll(b, db)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkCycle is the same with the whole life of an event: stored, claimed,
// settled.
func BenchmarkCycle(b *testing.B) {
	db := open(b, store.Options{DSN: filepath.Join(b.TempDir(), "trueup.db"), Migrate: true})
	var working sync.WaitGroup
	received := make(chan struct{})
	b.ResetTimer()
	for range 16 {
		working.Go(func() { settleAll(b, db, received) })
	}
	receiveAll(b, db)
	close(received)
	working.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func receiveAll(b *testing.B, db *store.DB) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			for i := left.Add(-1); i >= 0; i = left.Add(-1) {
				_, err := db.Receive(context.Background(), []store.NewEvent{{Connection: "billing", Sync: "s", Side: store.SourceSide,
					ID: fmt.Sprint("evt_", i), Customer: fmt.Sprint("cus_", i%5000), Value: "active", HasValue: true, Payload: []byte(`{"status":"active"}`)}})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	sending.Wait()
}

// settleAll settles what it can claim until all is received and done.
func settleAll(b *testing.B, db *store.DB, received <-chan struct{}) {
	for ended := false; ; {
		works, err := db.Claim(context.Background(), "s", 16, 1e12)
		if err != nil {
			b.Error(err)
			return
		}
		for i := range works {
			s := store.Settlement{Outcome: status.Applied, Decision: &store.Decision{Sync: "s", Customer: works[i].Customer, Action: "write"}}
			for _, e := range works[i].Events {
				s.Events = append(s.Events, store.EventOutcome{Seq: e.Seq, Outcome: status.Applied})
			}
			if err := db.Settle(context.Background(), &works[i], s); err != nil {
				b.Error(err)
			}
		}
		if len(works) == 0 && ended {
			return
		}
		select {
		case <-received:
			ended = true
		default:
		}
	}
}
