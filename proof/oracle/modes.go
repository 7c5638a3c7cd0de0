package oracle

import (
	"context"
)

// SetMode notes whether a sync writes. Who waits when it begins to watch is looked
// at again when it writes.
func (db *DB) SetMode(_ context.Context, sync string, live bool) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	wasLive, noted := db.live[sync]
	db.live[sync] = live
	for c := range db.rows(sync) {
		asks := db.asksPeople(c)
		switch {
		case live && c.owed && asks:
			c.owed = false
		case live && c.owed:
			db.lookAgain(key{c.Sync, c.Customer.Customer})
		case !live && noted && wasLive && (!c.DueAt.IsZero() || c.waits || asks || db.pins[key{c.Sync, c.Customer.Customer}] != nil):
			c.owed = true
		}
	}
	return nil
}

// asksPeople reports whether a customer has an exception that is open.
func (db *DB) asksPeople(c *customer) bool {
	for _, x := range db.exceptions {
		if x.Sync == c.Sync && x.Customer == c.Customer.Customer && isOpen(x.State) {
			return true
		}
	}
	return false
}

// watches reports whether a sync was last noted to watch only.
func (db *DB) watches(sync string) bool {
	live, noted := db.live[sync]
	return noted && !live
}
