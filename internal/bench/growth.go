package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

const (
	growthLease = 10 * time.Minute
	// retainBatch is as many rows as retention deletes in one transaction.
	retainBatch   = 200
	retainBatches = 10
)

// growth measures what each change and each question costs in a database that grows, beside
// the same in the smallest one. It must stay flat.
func growth(ctx context.Context, b *bench, e engine) (rows []Row, err error) {
	smallest := map[string]Figure{}
	floor := ""
	for _, events := range slices.Compact(slices.Clone(b.grow)) {
		customers := max(events/10, 1)
		size := fmt.Sprintf("%d events, %d customers", events, customers)
		if floor == "" {
			floor = "the same with " + size
		}
		b.say(e, "make a database of %s", size)
		took, bytes, err := b.grown(ctx, e, customers, events)
		if err != nil {
			return rows, err
		}
		f := Figure{Value: float64(bytes) / float64(events)}
		if _, ok := smallest[opSize]; !ok {
			smallest[opSize] = f
		}
		rows = append(rows, beside(opSize+", "+size, "bytes", f, floor, smallest[opSize], ""))
		for _, o := range operations {
			f := Figure{Value: inMs(quantile(took[o], 0.50)), P50Ms: inMs(quantile(took[o], 0.50)), P99Ms: inMs(quantile(took[o], 0.99))}
			if _, ok := smallest[o]; !ok {
				smallest[o] = f
			}
			rows = append(rows, beside(o+", "+size, "ms", f, floor, smallest[o], ""))
		}
	}
	return rows, nil
}

// The operations of growth, in the order in which they are made and shown.
const (
	opAccept  = "accept"
	opClaim   = "claim"
	opSettle  = "settle"
	opExplain = "explain"
	opRetain  = "retention, a batch"

	// opSize is no operation: an event with its decision, its indexes, and a tenth of a customer.
	opSize = "stored for each event"
)

var operations = []string{opAccept, opClaim, opSettle, opExplain, opRetain}

// grown makes a database of such a size and times the operations in it.
func (b *bench) grown(ctx context.Context, e engine, customers, events int) (took map[string][]time.Duration, bytes int64, err error) {
	p, err := b.newPlace(ctx, e)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := fill(ctx, e, p.dsn, customers, events); err != nil {
		return nil, 0, err
	}
	if bytes, err = e.stored(ctx, p.dsn); err != nil {
		return nil, 0, err
	}
	db, err := store.Open(ctx, store.Options{DSN: p.dsn, Migrate: true, Work: true})
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	b.say(e, "accept, claim, settle and explain in it")
	took = map[string][]time.Duration{}
	timed := func(operation string, do func() error) error {
		began := time.Now()
		err := do()
		took[operation] = append(took[operation], time.Since(began))
		return err
	}
	// Each of another customer: one who was just looked at would not be due.
	for i := range min(b.samples, customers) {
		if err := b.cycle(ctx, db, filledID(i*7919%customers), fmt.Sprint("new_", i), timed); err != nil {
			return nil, 0, err
		}
	}
	now, err := db.Now(ctx)
	if err != nil {
		return nil, 0, err
	}
	after := int64(0)
	for range retainBatches {
		if err := timed(opRetain, func() (err error) {
			_, after, err = db.DeleteOld(ctx, store.OldEvents, now.Add(-filledAge/2), after, retainBatch)
			return err
		}); err != nil || after == 0 {
			return took, bytes, err
		}
	}
	return took, bytes, nil
}

// cycle is the life of one event in the database, and the question about its customer.
func (b *bench) cycle(ctx context.Context, db *store.DB, customer, event string, timed func(string, func() error) error) error {
	err := timed(opAccept, func() error {
		_, err := db.Receive(ctx, []store.NewEvent{{Connection: "billing", Sync: syncName, Side: store.SourceSide, ID: event, Customer: customer,
			Value: "paused", HasValue: true, OccurredAt: time.Now(), Payload: []byte(`{"id":"` + event + `","data":{"status":"paused"}}`)}})
		return err
	})
	if err != nil {
		return err
	}
	var works []store.Work
	if err := timed(opClaim, func() (err error) {
		works, err = db.Claim(ctx, syncName, 1, growthLease)
		return err
	}); err != nil {
		return err
	}
	if len(works) != 1 || works[0].Customer != customer {
		return fmt.Errorf("%d customers were claimed, not %s alone", len(works), customer)
	}
	w := &works[0]
	s := store.Settlement{Outcome: status.Applied, Decision: &store.Decision{Sync: syncName, Customer: customer, Action: "write"}}
	for _, e := range w.Events {
		s.Events = append(s.Events, store.EventOutcome{Seq: e.Seq, Outcome: status.Applied})
	}
	if err := timed(opSettle, func() error { return db.Settle(ctx, w, s) }); err != nil {
		return err
	}
	return timed(opExplain, func() error {
		found, err := db.Customers(ctx, syncName, customer)
		if err != nil || len(found) != 1 {
			return errors.Join(err, fmt.Errorf("%d customers were found", len(found)))
		}
		_, historyErr := db.History(ctx, syncName, customer, 20)
		_, linksErr := db.LinkHistory(ctx, syncName, customer, 20)
		return errors.Join(historyErr, linksErr)
	})
}
