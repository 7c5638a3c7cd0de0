package oracle

import (
	"context"
	"slices"
	"time"
)

// arrives is how long a write of a dead process is given to arrive.
const arrives = 3 * time.Second

// ClaimAs takes things in a process's name from now on.
func (db *DB) ClaimAs(process int64) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.process = process
}

// TakeBackFrom ends the leases of a process that is gone.
func (db *DB) TakeBackFrom(_ context.Context, process int64) (n int, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	now := db.clock()
	for c := range db.rows("") {
		if c.holder != process || !c.leaseUntil.After(now) {
			continue
		}
		n++
		c.fence++
		free := now
		for i := range slices.Values(db.intents) {
			if at := milli(i.SentAt).Add(arrives); i.key == (key{c.Sync, c.Customer.Customer}) && at.After(free) {
				free = at
			}
		}
		if c.DueAt.Equal(c.leaseUntil) {
			c.DueAt = free
		}
		c.leaseUntil = free
	}
	for _, t := range db.turns {
		if t.holder == process && t.leaseUntil.After(now) {
			n++
			t.fence++
			t.leaseUntil = time.Time{}
		}
	}
	return n, nil
}
