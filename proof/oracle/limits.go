package oracle

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/trueup-sync/trueup/internal/status"
	"github.com/trueup-sync/trueup/internal/store"
)

// limited is what limits know of a customer.
type limited struct {
	writes        store.Writes
	reverts       store.Reverts
	moved         time.Time
	waits, passes bool
}

// BeginWrite stores an intent under a claim, unless a limit refuses it.
func (db *DB) BeginWrite(_ context.Context, w *store.Work, i store.Intent, l store.Limits) (store.Intent, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	now := db.clock()
	c := db.held(w, now)
	refuse := func(err error) (store.Intent, error) {
		return store.Intent{}, fmt.Errorf("begin a write for customer %s of %s: %w", w.Customer, w.Sync, err)
	}
	if c == nil {
		return refuse(store.ErrFenced)
	}
	again := repeats(w, i)
	if l.PerCustomer.Count > 0 && !again {
		recent := 0
		for _, done := range w.Writes.Latest {
			if now.Sub(done.At) < l.PerCustomer.Within {
				recent++
			}
		}
		if recent >= l.PerCustomer.Count {
			w.Writes.Stopped = true
			c.writes = w.Writes
			return refuse(&store.TooManyWritesError{Customer: w.Customer})
		}
	}
	counts := l.MassChange != nil && !c.passes
	if counts && db.haltedFor(c, l.MassChange, now) {
		c.waits = true
		return refuse(&store.HaltedError{Sync: w.Sync, Since: db.halts[w.Sync]})
	}
	if err := db.forbidden(w); err != nil {
		return refuse(err)
	}
	db.lastIntent++
	i.ID = db.lastIntent
	row := i
	row.SentAt, row.Expires, row.PriorAt = milli(i.SentAt), milli(i.Expires), milli(i.PriorAt)
	db.intents = append(db.intents, &intent{key{w.Sync, w.Customer}, row})
	if w.NotDue && c.DueAt.IsZero() {
		c.DueAt = c.leaseUntil
	}
	if l.PerCustomer.Count == 0 && l.MassChange == nil {
		return i, nil
	}
	if !again {
		latest := append(append([]store.Write{}, w.Writes.Latest...), store.Write{Intent: i.ID, Value: i.Value, At: now, Counts: counts, Moved: c.moved})
		w.Writes = store.Writes{Latest: latest[max(0, len(latest)-max(1, l.PerCustomer.Count)):]}
	}
	c.writes = w.Writes
	if counts {
		c.moved = now
	}
	return i, nil
}

// repeats: the latest write is sent again, before anybody knows its effect.
func repeats(w *store.Work, i store.Intent) bool {
	n := len(w.Writes.Latest)
	for _, open := range w.Intents {
		if n > 0 && open.ID >= w.Writes.Latest[n-1].Intent && w.Writes.Latest[n-1].Value == i.Value && !open.Seen && open.Value == i.Value && open.RecordID == i.RecordID {
			return true
		}
	}
	return false
}

// haltedFor reports whether the sync is halted, by this customer if need be.
func (db *DB) haltedFor(c *customer, m *store.MassChange, now time.Time) bool {
	if !db.halts[c.Sync].IsZero() {
		return true
	}
	var h store.Halt
	for other := range db.rows(c.Sync) {
		if m.Percent > 0 {
			h.Customers++
		}
		if other != c && !other.moved.IsZero() && now.Sub(other.moved) < m.Within {
			h.Moved++
		}
	}
	h.Most = math.MaxInt
	if m.Customers > 0 {
		h.Most = m.Customers
	}
	if m.Percent > 0 {
		share := func(of int) int { return max(1, int(math.Ceil(float64(of)*m.Percent/100-1e-9))) }
		h.Most = min(h.Most, max(share(h.Customers), min(share(100), 5)))
	}
	if h.Moved < h.Most {
		return false
	}
	db.open(m.Exception(h), now)
	db.halts[c.Sync] = now
	return true
}

// settleWrites forgets the writes that did not leave, and all when the customer
// is no longer stopped.
func (c *customer) settleWrites(w *store.Work, s store.Settlement) {
	if s.Close == store.CloseAll && w.Writes.Stopped {
		c.writes = store.Writes{}
		return
	}
	if len(s.Unsent) == 0 {
		return
	}
	restored := false
	kept := store.Writes{Stopped: w.Writes.Stopped}
	for at, done := range w.Writes.Latest {
		if !slices.Contains(s.Unsent, done.Intent) {
			kept.Latest = append(kept.Latest, done)
			continue
		}
		// It has not moved the customer, unless a later one has.
		later := slices.ContainsFunc(w.Writes.Latest[at+1:], func(l store.Write) bool { return l.Counts && !slices.Contains(s.Unsent, l.Intent) })
		if done.Counts && !later && !restored {
			c.moved, restored = done.Moved, true
		}
	}
	c.writes = kept
}

// startAnew forgets what had stopped a customer.
func (db *DB) startAnew(k key, kind status.Kind) {
	c, ok := db.customers[k]
	if !ok {
		return
	}
	switch {
	case kind == status.LoopSuspected && (c.writes.Stopped || len(c.writes.Latest) > 0):
		c.writes = store.Writes{}
		c.fence++
	case kind == status.NeverSticks && (!c.reverts.Written.IsZero() || len(c.reverts.Times) > 0):
		c.reverts = store.Reverts{}
		c.fence++
	}
}

// Resume lets the customers through that wait at a halted sync.
func (db *DB) Resume(_ context.Context, r store.Resume) (done store.Resumed, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if before, ok := db.requests[r.Key]; ok && r.Key != "" {
		if before.asked != r.Asked {
			err = fmt.Errorf("resume %s: %w", r.Sync, store.ErrKeyReused)
		}
		return done, err
	}
	done.Changed = !db.halts[r.Sync].IsZero()
	if done.Changed && db.watches(r.Sync) {
		return store.Resumed{}, fmt.Errorf("resume %s: %w", r.Sync, store.ErrWatching)
	}
	halted := done.Changed
	done.Unpaused = db.endPause(r.Sync)
	done.Changed = halted || done.Unpaused
	db.requests[r.Key] = request{r.Asked, done.Changed}
	if !halted {
		return done, nil
	}
	for c := range db.rows(r.Sync) {
		c.moved = time.Time{}
		if c.waits {
			c.waits, c.passes = false, true
			db.lookAgain(key{c.Sync, c.Customer.Customer})
			done.Through++
		}
	}
	delete(db.halts, r.Sync)
	for _, x := range db.exceptions {
		if x.Sync == r.Sync && x.Customer == "" && x.Kind == status.MassChange {
			x.State, x.Ignored = status.Resolved, ""
			db.note(x.ID, r.Who, string(store.ResumeSync), fmt.Sprintf("%d let through: %s", done.Through, r.Reason))
		}
	}
	return done, nil
}
