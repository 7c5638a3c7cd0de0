package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// batchLimit is how many callers share one transaction at most.
const batchLimit = 256

// key names a customer of a sync.
type key struct{ sync, customer string }

func compareKeys(a, b key) int {
	return cmp.Or(strings.Compare(a.sync, b.sync), strings.Compare(a.customer, b.customer))
}

// job is a caller's part of a transaction.
type job struct {
	ctx context.Context
	do  func(*tx) error
	// events are what it receives, together with what the others of the transaction do, and
	// arrived what became of them. It does nothing else.
	events  []NewEvent
	arrived []Arrival
	// touches are the customers it will change.
	touches []key
	// halts is the sync whose halt it needs locked, "" for none.
	halts string
	// names says that it needs the names of syncs and connections.
	names bool
	done  chan error
}

// errStore marks an error of the database itself: everything that the transaction
// did is undone (invariant 7).
type errStore struct{ error }

func (e errStore) Unwrap() error { return e.error }

// errNotKnown marks an error after which the transaction may be stored, or may not.
var errNotKnown = errors.New("it is not known whether it was stored")

// update runs do in a transaction that other callers may share, and returns when
// that is on disk (invariant 1). For do, invariant 7 holds.
func (db *DB) update(ctx context.Context, do func(*tx) error, touches ...key) error {
	return db.run(&job{ctx: ctx, do: do, touches: touches})
}

// run is update for a job.
func (db *DB) run(j *job) error {
	j.done = make(chan error, 1)
	select {
	case db.jobs <- j:
	case <-j.ctx.Done():
		return j.ctx.Err()
	case <-db.closed:
		return errors.New("the database is closed")
	}
	// From here on it may be stored, and a caller who left would not know: no one
	// would work on a claim until its lease is over. transactionLimit bounds the
	// wait.
	return <-j.done
}

// writeLoop takes what has gathered while the last transaction was on its way
// to the disk and commits it as one.
func (db *DB) writeLoop() {
	for {
		select {
		case first := <-db.jobs:
			// Callers that are about to arrive share the transaction: its fixed
			// cost is that of several jobs.
			for range 3 {
				runtime.Gosched()
			}
			batch := append(make([]*job, 0, 8), first)
		gather:
			for len(batch) < batchLimit {
				select {
				case j := <-db.jobs:
					batch = append(batch, j)
				default:
					break gather
				}
			}
			db.commit(batch)
		case <-db.closed:
			return
		}
	}
}

// commit runs a batch in one transaction. When the database refuses it, each job
// runs in its own, so that one cannot spoil another.
func (db *DB) commit(batch []*job) {
	if len(batch) > 1 {
		results, err := db.transact(batch)
		// What may be stored is not done twice. When the database hangs, one after the other
		// would take as long each.
		if err == nil || errors.Is(err, errNotKnown) || errors.Is(err, context.DeadlineExceeded) {
			if err != nil {
				db.probing.at.Store(0)
			}
			for i, j := range batch {
				if err == nil {
					j.done <- results[i]
				} else {
					j.done <- err
				}
			}
			return
		}
	}
	for _, j := range batch {
		j.done <- db.alone(j)
	}
}

// tries is how often what met a busy database is tried.
const tries = 8

// alone runs one job.
func (db *DB) alone(j *job) error {
	var results []error
	err := retried(j.ctx, func() (err error) {
		results, err = db.transact([]*job{j})
		return err
	})
	if err != nil {
		db.probing.at.Store(0)
		return err
	}
	return results[0]
}

// retried runs do, again when it met a deadlock or a busy file.
func retried(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if err == nil || !again(err) || n == tries || ctx.Err() != nil {
			return err
		}
		timer := time.NewTimer(pause(n))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// transactionLimit bounds a transaction, whose callers may all have gone.
const transactionLimit = 30 * time.Second

// transact runs the jobs in one transaction. results are their own errors; err
// means that nothing was committed, or, with errNotKnown, that it may be.
func (db *DB) transact(batch []*job) (results []error, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), transactionLimit)
	defer cancel()
	if err := db.there(); err != nil {
		return nil, err // and no one waits for a claim that only the lost file has
	}
	if err := db.statements.prepare(ctx); err != nil {
		return nil, err
	}
	inner, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	defer inner.Rollback() // has no effect after the commit
	t := &tx{ctx: db.statementContext(ctx), limit: ctx, db: db, inner: inner, woken: map[key]int{}, asked: map[key]int64{}, halted: map[string]time.Time{}}
	if t.now, err = t.clock(); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(batch, func(j *job) bool { return j.names }) {
		// Before anything is locked: a rename waits for this transaction.
		if err := t.readNames(); err != nil {
			return nil, err
		}
	}
	if err := t.lockHalts(batch); err != nil {
		return nil, err
	}
	if err := t.lockCustomers(batch); err != nil {
		return nil, err
	}
	results = make([]error, len(batch))
	// All events are stored where the last of them came: an event that came after a link
	// was made, or its customer forgotten, has to know of it.
	var receiving []*job
	last := -1
	for i, j := range batch {
		if j.do != nil {
			continue
		}
		if results[i] = j.ctx.Err(); results[i] == nil {
			receiving, last = append(receiving, j), i
		}
	}
	for i, j := range batch {
		if i == last {
			if err := t.receive(receiving); err != nil {
				return nil, err
			}
		}
		if j.do == nil {
			continue
		}
		if results[i] = j.ctx.Err(); results[i] != nil {
			continue // its caller has gone before anything was done
		}
		results[i] = j.do(t)
		var broken errStore
		if errors.As(results[i], &broken) {
			return nil, results[i]
		}
	}
	if err := t.wakeCustomers(); err != nil {
		return nil, err
	}
	if err := inner.Commit(); err != nil {
		err = cmp.Or(ctx.Err(), err) // out of time, database/sql says that it has ended
		if !undone(err) {
			err = fmt.Errorf("%w: %w", errNotKnown, err)
		}
		return nil, fmt.Errorf("commit: %w", err)
	}
	if err := db.there(); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotKnown, err)
	}
	return results, nil
}

// tx is an open transaction.
type tx struct {
	// ctx is that of its statements, and limit ends with the time that it may take.
	ctx   context.Context
	limit context.Context
	db    *DB
	inner *sql.Tx
	now   time.Time // the database's time at its beginning
	// woken counts the new events of each customer.
	woken map[key]int
	// asked has the generations of customers whom only a comparison asks for.
	asked map[key]int64
	// names are what jobs with names need.
	names names
	// plain runs each statement once, without keeping it prepared.
	plain bool
	// halted says since when the syncs of lockHalts are halted, zero for not.
	halted map[string]time.Time
}

func (t *tx) clock() (time.Time, error) {
	if t.db.clockOf != nil {
		return t.db.clockOf().Truncate(time.Millisecond).UTC(), nil
	}
	var now int64
	if err := t.inner.QueryRowContext(t.ctx, t.db.dialect.clock).Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("ask the database for the time: %w", err)
	}
	return at(now), nil
}
