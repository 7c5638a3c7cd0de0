package store

import (
	"context"
	"fmt"
)

// One statement checks the claim and stores the intent (invariant 3).
const insertIntent = `
insert into intents (sync, customer, record_id, value, prior, sent_at, expires)
select sync, customer, cast($5 as text), cast($6 as text), cast($7 as text), cast($8 as bigint), cast($9 as bigint)
from customers where sync = $1 and customer = $2 and fence = $3 and lease_until > $4
returning id`

// BeginWrite stores an intent before its write is sent. After ErrFenced nothing
// may be sent, and what is sent must have its deadline inside the lease.
func (db *DB) BeginWrite(ctx context.Context, w *Work, i Intent) (Intent, error) {
	err := db.update(ctx, func(t *tx) error {
		i.ID = 0
		err := t.query(func(s scanner) error { return s.Scan(&i.ID) }, insertIntent,
			w.Sync, w.Customer, w.Fence, ms(t.now), i.RecordID, i.Value, i.Prior, ms(i.SentAt), ms(i.Expires))
		if err == nil && i.ID == 0 {
			err = ErrFenced
		}
		return err
	}, key{w.Sync, w.Customer})
	if err != nil {
		return Intent{}, fmt.Errorf("begin a write for customer %s of %s: %w", w.Customer, w.Sync, err)
	}
	return i, nil
}
