package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/trueup-sync/trueup/internal/reason"
	"github.com/trueup-sync/trueup/internal/status"
)

// The marks of a customer whose sync was halted.
const (
	haltWaits  = "waits"  // it wants a write that the halt refused
	haltPasses = "passes" // a person let that write through
)

// lockHalt makes a sync's row if there is none, reads it, and keeps it to the
// end of the transaction: counting customers and adding one is one step for all
// nodes (invariant 6).
const lockHalt = `
insert into halts (sync) values ($1) on conflict (sync) do update set sync = excluded.sync returning halted_at`

// lockHalts locks the halts that a batch asks for, in one order and before any
// customer.
func (t *tx) lockHalts(batch []*job) error {
	var syncs []string
	for _, j := range batch {
		if j.halts != "" {
			syncs = append(syncs, j.halts)
		}
	}
	slices.Sort(syncs)
	for _, name := range slices.Compact(syncs) {
		err := t.query(func(s scanner) error {
			var since int64
			err := s.Scan(&since)
			t.halted[name] = at(since)
			return err
		}, lockHalt, name)
		if err != nil {
			return fmt.Errorf("lock the halt of %s: %w", name, err)
		}
	}
	return nil
}

// haltedFor returns since when the sync is halted, zero when the customer may
// move. A customer that may not is the one too many: it halts the sync, or waits
// like those before it.
func (t *tx) haltedFor(w *Work, moved time.Time, m *MassChange) (since time.Time, err error) {
	if t.halted[w.Sync].IsZero() {
		h, reached, err := t.massChange(w.Sync, moved, m)
		if err != nil || !reached {
			return time.Time{}, err
		}
		if _, err := t.exec("update halts set halted_at = $2 where sync = $1", w.Sync, ms(t.now)); err != nil {
			return time.Time{}, err
		}
		if _, err := t.openException(m.Exception(h)); err != nil {
			return time.Time{}, err
		}
		t.halted[w.Sync] = t.now
	}
	_, err = t.exec("update customers set halted = $3 where sync = $1 and customer = $2", w.Sync, w.Customer, haltWaits)
	return t.halted[w.Sync], err
}

// massChange counts the other customers that moved within the window, and
// reports whether one more would be too many.
func (t *tx) massChange(sync string, moved time.Time, m *MassChange) (h Halt, reached bool, err error) {
	after := t.now.Add(-m.Within)
	err = t.query(func(s scanner) error { return s.Scan(&h.Moved) },
		"select count(*) from customers where sync = $1 and moved_at > 0 and moved_at > $2", sync, ms(after))
	if err != nil {
		return h, false, err
	}
	if moved.After(after) {
		h.Moved-- // it counts already
	}
	for _, again := range []bool{false, true} {
		if m.Percent > 0 {
			if h.Customers, err = t.customersOf(sync, again); err != nil {
				return h, false, err
			}
		}
		h.Most = m.MostOf(h.Customers)
		if h.Moved < h.Most || m.Percent == 0 {
			break
		}
	}
	return h, h.Moved >= h.Most, nil
}

// A share of few customers says little: a new installation has hardly any. It
// never allows fewer than it would of fewestCustomers, unless that is more than
// fewestMoved.
const (
	fewestCustomers = 100
	fewestMoved     = 5
)

// MostOf is how many of so many customers may move within the time. A share is
// rounded up, and is at least one customer.
func (m *MassChange) MostOf(customers int) int {
	most := math.MaxInt
	if m.Customers > 0 {
		most = m.Customers
	}
	if m.Percent > 0 {
		most = min(most, max(m.share(customers), min(m.share(fewestCustomers), fewestMoved)))
	}
	return most
}

// share is the limit's share of so many customers.
func (m *MassChange) share(of int) int {
	// 0.07 percent of 10,000 is a little more than 7 in binary.
	return max(1, int(math.Ceil(float64(of)*m.Percent/100-1e-9)))
}

// customerCounts remembers how many customers each sync has: counting them for
// each write would take too long.
type customerCounts struct {
	mu sync.Mutex
	by map[string]customerCount
}

type customerCount struct {
	customers int
	at        time.Time
}

// countFor is how long a count is good enough to allow a write. Customers only
// become more, so that it is too low if anything; before it refuses a write they
// are counted again.
const countFor = time.Minute

func (t *tx) customersOf(sync string, again bool) (int, error) {
	k := &t.db.counts
	k.mu.Lock()
	defer k.mu.Unlock()
	if have, ok := k.by[sync]; ok && !again && t.now.Sub(have.at).Abs() < countFor {
		return have.customers, nil
	}
	n, err := sizeOf(func(into *int, query string) error {
		return t.query(func(s scanner) error { return s.Scan(into) }, query, sync)
	})
	if err != nil {
		return 0, err
	}
	if k.by == nil {
		k.by = map[string]customerCount{}
	}
	k.by[sync] = customerCount{n, t.now}
	return n, nil
}

// sizeOf is how many customers a sync, $1 of both queries, has. Events name those who
// change; a comparison has counted all.
func sizeOf(read func(into *int, query string) error) (int, error) {
	n, counted := 0, 0
	if err := read(&n, "select count(*) from customers where sync = $1"); err != nil {
		return 0, err
	}
	err := read(&counted, "select sources from sweeps where sync = $1 and phase = 'done' order by id desc limit 1")
	return max(n, counted), err
}

// Resume is what a person decided about a halted sync.
type Resume struct {
	Sync, Who, Reason string
	// Key makes a repeated request one; "" is none. Asked is as with Act.
	Key, Asked string
}

// Resumed is what that came to.
type Resumed struct {
	Changed bool // false: it was neither halted nor paused, or the request is a repeat
	Through int  // customers that waited at a halt and are let through
	// Unpaused says that the sync was paused.
	Unpaused bool
}

// ErrWatching means that a sync only watches: customers who are let through would
// be read, and nothing would be written.
var ErrWatching = errors.New("the sync only watches")

// Resume ends a pause, and lets the customers through that wait at a halted sync,
// without counting them, and counts later ones from zero. A customer who is due keeps
// the place in the queue. ErrWatching means that the sync does not write now,
// ErrPlanFirst that its pause waits for a plan.
func (db *DB) Resume(ctx context.Context, r Resume) (done Resumed, err error) {
	err = db.run(&job{ctx: ctx, halts: r.Sync, do: func(t *tx) error {
		done = Resumed{}
		request := Act{Key: r.Key, Asked: r.Asked}
		if _, repeated, err := t.answered(request); err != nil || repeated {
			return err
		}
		watches, err := t.watches(r.Sync)
		if err != nil {
			return err
		}
		halted := !t.halted[r.Sync].IsZero()
		if halted && watches {
			return ErrWatching
		}
		if err := t.planFirst(r.Sync); err != nil {
			return err
		}
		if done.Unpaused, err = t.endPause(r.Sync, r.Who); err != nil {
			return err
		}
		done.Changed = halted || done.Unpaused
		if err := t.keepAnswer(request, done.Changed); err != nil || !done.Changed {
			return err
		}
		act := reason.Reason{Code: reason.ActResumed}
		if halted {
			if done.Through, err = t.resume(r.Sync); err != nil {
				return err
			}
			if err := t.closeMassChange(r, done.Through); err != nil {
				return err
			}
			act = reason.Reason{Code: reason.ActHaltResumed, Facts: reason.Facts{Count: done.Through}}
		}
		return t.record(ctx, Activity{Who: r.Who, Sync: r.Sync, Act: act, Why: r.Reason})
	}})
	if err != nil {
		return Resumed{}, fmt.Errorf("resume %s: %w", r.Sync, err)
	}
	return done, nil
}

func (t *tx) resume(sync string) (through int, err error) {
	if t.db.lock != "" { // as lockCustomers does
		if _, err := t.exec("select 1 from customers where sync = $1 and (halted = 'waits' or moved_at > 0) order by sync, customer for update", sync); err != nil {
			return 0, err
		}
	}
	n, err := t.exec(`update customers set halted = $3, generation = generation + 1, attempts = 0, first_try = 0,
    due_at = case when due_at <= $2 and lease_until <= $2 then due_at else $2 end
where sync = $1 and halted = 'waits'`, sync, ms(t.now), haltPasses)
	if err != nil {
		return 0, err
	}
	if _, err := t.exec("update customers set moved_at = 0 where sync = $1 and moved_at > 0", sync); err != nil {
		return 0, err
	}
	t.halted[sync] = time.Time{}
	_, err = t.exec("update halts set halted_at = 0 where sync = $1", sync)
	return int(n), err
}

// closeMassChange closes the exception of a halt, and notes who resumed it.
func (t *tx) closeMassChange(r Resume, through int) error {
	var x struct {
		id    int64
		cause string
	}
	err := t.query(func(s scanner) error { return s.Scan(&x.id, &x.cause) },
		"update exceptions set state = 'resolved', ignored = '' where sync = $1 and customer = '' and kind = $2 returning id, cause", r.Sync, string(status.MassChange))
	if err != nil {
		return err
	}
	note := fmt.Sprintf("%d let through: %s", through, r.Reason)
	if err := t.note(x.id, r.Who, string(ResumeSync), note); err != nil {
		return err
	}
	return t.tell(r.Sync, status.MassChange, x.cause)
}
