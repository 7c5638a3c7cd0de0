package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// beatEvery is how often a process says that it lives, where others may be
	// on other machines.
	beatEvery = 2 * time.Second
	// lostAfter is after how long without a word that arrived a process cuts off
	// its own calls: before anybody takes back what it holds.
	lostAfter = 8 * time.Second
	// goneAfter is how long a process is silent before it is taken for dead,
	// when its lock is gone as well.
	goneAfter = 10 * time.Second
	// arrives is how long a write that a dead process had sent is given to arrive
	// before its customer is tried. Its intent stays open in any case.
	arrives = 3 * time.Second
)

// ErrLost means that this process could not reach the database for so long that
// others may have taken what it held.
var ErrLost = errors.New("the database was out of reach for too long, and what this process held may be another's by now")

// process is this process as others see it: a number, and a lock that ends with it.
// A process that gets the lock knows that this one is gone.
type process struct {
	mu   sync.Mutex
	id   int64
	as   int64 // see ClaimAs
	lock processLock
	// held ends when the process has lost what it held.
	held     context.Context
	lose     context.CancelCauseFunc
	patience *time.Timer
	beating  sync.WaitGroup
	stop     context.CancelFunc
}

// processLock is held for as long as the process lives.
type processLock interface {
	// beat says that the process lives, and takes the lock again if it was lost;
	// ErrLost says that others have taken it for dead.
	beat(ctx context.Context, id int64) error
	close() error
}

// place returns the number of this process, under which it takes things. It has
// none where nothing could tell others of its end.
func (db *DB) place(ctx context.Context) (int64, error) {
	p := &db.process
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.as != 0:
		return p.as, nil
	case p.held != nil && p.held.Err() != nil:
		return 0, context.Cause(p.held)
	case p.id != 0 || db.lockProcess == nil && !db.pooled:
		return p.id, nil
	case db.pooled:
		// Nobody looks for this process: its end shows when its leases end.
		p.id = newProcess()
		p.hold(false)
		return p.id, nil
	}
	if err := db.enter(ctx); err != nil {
		return 0, fmt.Errorf("tell other processes of this one: %w", err)
	}
	if db.beats {
		beating, stop := context.WithCancel(context.Background())
		p.stop = stop
		p.beating.Go(func() { db.beat(beating) })
	}
	return p.id, nil
}

func newProcess() int64 {
	return rand.Int64N(1<<52) + 1 // #nosec G404 -- it only has to be another than the others'
}

// enter takes a lock before it stores the process: no one finds it without.
func (db *DB) enter(ctx context.Context) error {
	id := newProcess()
	lock, err := db.lockProcess(ctx, db, id)
	if err != nil {
		return err
	}
	err = db.update(ctx, func(t *tx) error {
		_, err := t.exec("insert into processes (id, began_at, seen_at) values ($1, $2, $2)", id, ms(t.now))
		return err
	})
	if err != nil {
		return errors.Join(err, lock.close())
	}
	p := &db.process
	p.id, p.lock = id, lock
	p.hold(db.beats)
	return nil
}

// hold says that what the process takes from now on is its own.
func (p *process) hold(beats bool) {
	p.held, p.lose = context.WithCancelCause(context.Background())
	if beats {
		lose := p.lose
		p.patience = time.AfterFunc(lostAfter, func() { lose(ErrLost) })
	}
}

// beat says from time to time that the process lives.
func (db *DB) beat(ctx context.Context) {
	p := &db.process
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		asked := time.Now()
		err := db.beatOnce(ctx)
		p.mu.Lock()
		switch {
		case errors.Is(err, ErrLost):
			p.lose(ErrLost)
			// As another process: what this one held was taken back.
			if again := db.reenter(ctx); again == nil {
				p.hold(true)
			}
		case err != nil: // lose runs on its own if this continues
		case p.held.Err() != nil || !p.patience.Reset(lostAfter-time.Since(asked)):
			p.lose(ErrLost)
			p.hold(true)
		}
		p.mu.Unlock()
	}
}

func (db *DB) beatOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	return db.process.lock.beat(ctx, db.process.id)
}

func (db *DB) reenter(ctx context.Context) error {
	p := &db.process
	if err := p.lock.close(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lostAfter)
	defer cancel()
	return db.enter(ctx)
}

// WhileHeld is ctx that also ends when this process has lost what it holds: what is
// sent to a tool must not arrive after another process continues with it.
func (db *DB) WhileHeld(ctx context.Context) (context.Context, context.CancelFunc) {
	db.process.mu.Lock()
	held := db.process.held
	db.process.mu.Unlock()
	if held == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(held, func() { cancel(context.Cause(held)) })
	return ctx, func() { stop(); cancel(nil) }
}

// leaveProcess ends what others know of this process. It then holds nothing but
// what its lease ends.
func (db *DB) leaveProcess() error {
	p := &db.process
	if p.stop != nil {
		p.stop()
		p.beating.Wait()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.id == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), beatEvery)
	defer cancel()
	// No one has to wait for what was cut off. If that cannot be stored, others find
	// the lock free.
	_, _ = db.TakeBackFrom(ctx, p.id)
	if p.patience != nil {
		p.patience.Stop()
	}
	p.lose(ErrLost)
	if p.lock == nil {
		return nil
	}
	return p.lock.close()
}

// TakeBack ends the leases of processes that are gone, so that others continue with
// what they held, and returns how many customers, comparisons, turns, notices and
// tokens that were. A process that is only suspended keeps what it holds until the
// leases end.
func (db *DB) TakeBack(ctx context.Context) (int, error) {
	if db.lockProcess == nil {
		return 0, nil
	}
	db.process.mu.Lock()
	own := db.process.id
	db.process.mu.Unlock()
	silent, err := db.silentProcesses(ctx, own)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, id := range silent {
		gone, err := db.ifGone(ctx, db, id)
		if err != nil {
			return n, fmt.Errorf("look whether a process is gone: %w", err)
		}
		n += gone
	}
	return n, nil
}

func (db *DB) silentProcesses(ctx context.Context, own int64) (ids []int64, err error) {
	seen := time.UnixMilli(1 << 62) // without beats only the lock tells
	if db.beats {
		now, err := db.Now(ctx)
		if err != nil {
			return nil, err
		}
		seen = now.Add(-goneAfter)
	}
	err = db.view(ctx, func(s scanner) error {
		var id int64
		err := s.Scan(&id)
		ids = append(ids, id)
		return err
	}, "select id from processes where id <> $1 and seen_at <= $2 order by id", own, ms(seen))
	if err != nil {
		return nil, fmt.Errorf("look for processes that are gone: %w", err)
	}
	return ids, nil
}

// TakeBackFrom ends the leases of a process of which it is known that it is gone.
func (db *DB) TakeBackFrom(ctx context.Context, id int64) (n int, err error) {
	err = db.update(ctx, func(t *tx) error {
		n, err = t.takeBack(id)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("take back what a process held: %w", err)
	}
	return n, nil
}

// The fence is a new one, so that a process that was suspended can report nothing
// (invariant 3). A write that may be in flight gets a moment to arrive; its intent
// stays, as after any other write without an answer.
const takeBackCustomers = `
update customers set fence = fence + 1,
    due_at = case when due_at = lease_until then free_at else due_at end, lease_until = free_at
from (select c.sync as of_sync, c.customer as of_customer, coalesce((select max(i.sent_at) + cast($3 as bigint) from intents i
    where i.sync = c.sync and i.customer = c.customer and i.sent_at + cast($3 as bigint) > $2), cast($2 as bigint)) as free_at
    from customers c where c.holder = $1 and c.lease_until > $2) taken
where sync = of_sync and customer = of_customer and holder = $1 and lease_until > $2`

func (t *tx) takeBack(id int64) (n int, err error) {
	for _, take := range []struct {
		text string
		more []any
	}{
		{takeBackCustomers, []any{arrives.Milliseconds()}},
		{"update sweeps set lease_until = $2 where holder = $1 and lease_until > $2 and phase not in ('done', 'failed')", nil},
		{"update turns set fence = fence + 1, lease_until = 0 where holder = $1 and lease_until > $2", nil},
		{"update plan_jobs set fence = fence + 1, lease_until = 0 where holder = $1 and lease_until > $2", nil},
		// Their fence stays until someone else takes them: what was sent was sent.
		{"update notices set lease_until = $2 where holder = $1 and lease_until > $2", nil},
		// A renewal that was just sent has a moment to arrive, as a write has.
		{"update tokens set lease_until = case when lease_until > cast($3 as bigint) then cast($3 as bigint) else lease_until end where holder = $1 and lease_until > $2",
			[]any{ms(t.now.Add(arrives))}},
	} {
		taken, err := t.exec(take.text, append([]any{id, ms(t.now)}, take.more...)...)
		if err != nil {
			return 0, err
		}
		n += int(taken)
	}
	_, err = t.exec("delete from processes where id = $1", id)
	return n, err
}

// ClaimAs lets the store take things in another process's name; for tests that
// have several in one.
func (db *DB) ClaimAs(id int64) {
	db.process.mu.Lock()
	defer db.process.mu.Unlock()
	db.process.as = id
}
