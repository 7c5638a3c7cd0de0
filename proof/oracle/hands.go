package oracle

import (
	"context"

	"github.com/trueup-sync/trueup/internal/store"
)

// PauseSync stops the writes of a sync until Resume.
func (db *DB) PauseSync(_ context.Context, sync, who, why string) (now store.SyncPause, changed bool, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if p, paused := db.pauses[sync]; paused {
		return p, false, nil
	}
	db.pauses[sync] = store.SyncPause{Since: db.clock(), By: who, Reason: why}
	return db.pauses[sync], true, nil
}

// SyncPaused returns the pause that a sync is in.
func (db *DB) SyncPaused(_ context.Context, sync string) (store.SyncPause, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.pauses[sync], nil
}

// PinCustomer leaves a customer alone from now on.
func (db *DB) PinCustomer(_ context.Context, p store.Pin) (store.Pinned, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	k := key{p.Sync, p.Customer}
	c := db.customer(k)
	done := store.Pinned{Pin: p, Changed: true, Before: db.pinned(k), Known: c.met()}
	done.Since, done.Until = db.clock(), milli(p.Until)
	if b := done.Before; b != nil && b.By == p.By && b.Reason == p.Reason && b.Until.Equal(done.Until) {
		done.Pin, done.Changed = *b, false
		return done, nil
	}
	row := done.Pin
	db.pins[k] = &row
	if done.Known {
		db.lookAgain(k)
	}
	return done, nil
}

// Unpin ends a customer's pin.
func (db *DB) Unpin(_ context.Context, sync, name, _ string) (ended *store.Pin, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	k := key{sync, name}
	if ended = db.pinned(k); ended == nil {
		return nil, nil
	}
	delete(db.pins, k)
	if db.customers[k].met() {
		db.lookAgain(k)
	}
	return ended, nil
}

// pinned returns the pin of a customer that is in force, nil when there is none.
func (db *DB) pinned(k key) *store.Pin {
	p := db.pins[k]
	if p == nil || !p.Until.IsZero() && !db.clock().Before(p.Until) {
		return nil
	}
	row := *p
	return &row
}

// met reports whether anything was ever received or read of a customer.
func (c *customer) met() bool { return c.generation > 0 || !c.Desired.SeenAt.IsZero() }

// forbidden is why a person lets nothing be written, nil when one does.
func (db *DB) forbidden(w *store.Work) error {
	if p := db.pinned(key{w.Sync, w.Customer}); p != nil {
		return &store.PinnedError{Pin: *p}
	}
	if _, paused := db.pauses[w.Sync]; paused {
		return store.ErrPaused
	}
	return nil
}

// endPause ends a sync's pause and reports whether there was one.
func (db *DB) endPause(sync string) bool {
	_, paused := db.pauses[sync]
	delete(db.pauses, sync)
	return paused
}
