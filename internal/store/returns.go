package store

import (
	"context"
	"fmt"
	"time"
)

// ExpectReturn notes that a person was sent to a tool's consent, in place of any
// other of this connection. state is a hash of what comes back with him.
func (db *DB) ExpectReturn(ctx context.Context, connection, state string, lasts time.Duration) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec(`
insert into consents (connection, state, until_at) values ($1, $2, $3)
on conflict (connection) do update set state = excluded.state, until_at = excluded.until_at, sealed = ''`,
			connection, state, ms(t.now.Add(lasts)))
		return err
	})
	if err != nil {
		return fmt.Errorf("note that a consent for connection %s was asked for: %w", connection, err)
	}
	return nil
}

// StoreReturn stores what a person came back with, once. ok is false when nobody
// waits for it.
func (db *DB) StoreReturn(ctx context.Context, connection, state, sealed string) (ok bool, err error) {
	waits := 0 // anybody may ask, and most that do wait for nothing
	err = db.view(ctx, func(s scanner) error { return s.Scan(&waits) }, "select count(*) from consents where connection = $1 and state = $2", connection, state)
	if err != nil || waits == 0 {
		return false, err
	}
	err = db.update(ctx, func(t *tx) error {
		n, err := t.exec("update consents set sealed = $3 where connection = $1 and state = $2 and sealed = '' and until_at > $4", connection, state, sealed, ms(t.now))
		ok = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store the answer of a consent for connection %s: %w", connection, err)
	}
	return ok, nil
}

// TakeReturn returns what a person came back with and forgets it. ok is false
// while he has not.
func (db *DB) TakeReturn(ctx context.Context, connection, state string) (sealed string, ok bool, err error) {
	err = db.update(ctx, func(t *tx) error {
		ok = false
		return t.query(func(s scanner) error {
			ok = true
			return s.Scan(&sealed)
		}, "delete from consents where connection = $1 and state = $2 and sealed <> '' returning sealed", connection, state)
	})
	if err != nil {
		return "", false, fmt.Errorf("look for the answer of a consent for connection %s: %w", connection, err)
	}
	return sealed, ok, nil
}
