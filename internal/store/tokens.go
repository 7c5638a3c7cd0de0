package store

import (
	"context"
	"fmt"
	"time"
)

// Token returns the sealed token of a connection, "" when there is none.
func (db *DB) Token(ctx context.Context, connection string) (sealed string, err error) {
	err = db.view(ctx, func(s scanner) error { return s.Scan(&sealed) }, "select sealed from tokens where connection = $1", connection)
	if err != nil {
		return "", fmt.Errorf("read the token of connection %s: %w", connection, err)
	}
	return sealed, nil
}

// PutToken stores a token in place of any other.
func (db *DB) PutToken(ctx context.Context, connection, sealed string) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec(`
insert into tokens (connection, sealed, fence, changed_at) values ($1, $2, 1, $3)
on conflict (connection) do update set sealed = excluded.sealed, fence = tokens.fence + 1, lease_until = 0, changed_at = excluded.changed_at`,
			connection, sealed, ms(t.now))
		return err
	})
	if err != nil {
		return fmt.Errorf("store the token of connection %s: %w", connection, err)
	}
	return nil
}

// BeginToken stores the first token of a connection, and nothing where it has one.
func (db *DB) BeginToken(ctx context.Context, connection, sealed string) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("insert into tokens (connection, sealed, fence, changed_at) values ($1, $2, 1, $3) on conflict (connection) do nothing", connection, sealed, ms(t.now))
		return err
	})
	if err != nil {
		return fmt.Errorf("store the first token of connection %s: %w", connection, err)
	}
	return nil
}

// LeaseToken decides who may renew a token: ok is false while another node does, and
// when the token has changed since it was read. The fence goes with ReleaseToken.
func (db *DB) LeaseToken(ctx context.Context, connection, read string, lease time.Duration) (fence int64, ok bool, err error) {
	holder, err := db.place(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("lease the token of connection %s: %w", connection, err)
	}
	err = db.update(ctx, func(t *tx) error {
		ok = false
		return t.query(func(s scanner) error {
			ok = true
			return s.Scan(&fence)
		}, `update tokens set fence = fence + 1, lease_until = $4, holder = $5 where connection = $1 and sealed = $2 and lease_until <= $3 returning fence`,
			connection, read, ms(t.now), ms(t.now.Add(lease)), holder)
	})
	if err != nil {
		return 0, false, fmt.Errorf("lease the token of connection %s: %w", connection, err)
	}
	return fence, ok, nil
}

// ReplaceToken stores a token in place of the one that was read, and ends the lease.
// It needs no fence: of two nodes that renewed the same token one got a new one, and
// that is the one to keep. ok is false when the token has changed since it was read.
func (db *DB) ReplaceToken(ctx context.Context, connection, read, sealed string) (ok bool, err error) {
	err = db.update(ctx, func(t *tx) error {
		n, err := t.exec("update tokens set sealed = $3, fence = fence + 1, lease_until = 0, changed_at = $4 where connection = $1 and sealed = $2",
			connection, read, sealed, ms(t.now))
		ok = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store the renewed token of connection %s: %w", connection, err)
	}
	return ok, nil
}

// ReleaseToken ends the lease without a new token.
func (db *DB) ReleaseToken(ctx context.Context, connection string, fence int64) error {
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("update tokens set lease_until = 0 where connection = $1 and fence = $2", connection, fence)
		return err
	})
	if err != nil {
		return fmt.Errorf("release the token of connection %s: %w", connection, err)
	}
	return nil
}
