package store

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// RoundKey is what the nodes of this database prove with that an answer is theirs.
// The first caller makes it.
func (db *DB) RoundKey(ctx context.Context) (key string, err error) {
	read := func() error {
		return db.view(ctx, func(s scanner) error { return s.Scan(&key) }, "select round_key from health where id = 1")
	}
	if err = read(); err == nil && key == "" {
		err = db.update(ctx, func(t *tx) error {
			_, err := t.exec("insert into health (id, round_key) values (1, $1) on conflict (id) do nothing", rand.Text())
			return err
		})
		if err == nil {
			err = read()
		}
	}
	if err != nil {
		return "", fmt.Errorf("read the key for round trips: %w", err)
	}
	return key, nil
}

// SaveHealth keeps what was found from outside, as JSON, in place of what was
// found before.
func (db *DB) SaveHealth(ctx context.Context, found string) error {
	if _, err := db.RoundKey(ctx); err != nil { // it makes the row
		return err
	}
	err := db.update(ctx, func(t *tx) error {
		_, err := t.exec("update health set found = $1, checked_at = $2 where id = 1", found, ms(t.now))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep what was found from outside: %w", err)
	}
	return nil
}

// Health returns what was found last and when, "" when nobody has looked yet.
func (db *DB) Health(ctx context.Context) (found string, checked time.Time, err error) {
	var when int64
	err = db.view(ctx, func(s scanner) error { return s.Scan(&found, &when) }, "select found, checked_at from health where id = 1")
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read what was found from outside: %w", err)
	}
	return found, at(when), nil
}

// digestRounds makes it slow to guess a short password from its digest.
const digestRounds = 100_000

// FirstUsed returns when a credential was seen here first, which is now for one
// that was not. Only a digest of it is kept.
func (db *DB) FirstUsed(ctx context.Context, credential string) (first time.Time, err error) {
	key, err := db.RoundKey(ctx)
	if err != nil {
		return time.Time{}, err
	}
	sum, err := pbkdf2.Key(sha256.New, credential, []byte("credential "+key), digestRounds, 16)
	if err != nil {
		return time.Time{}, fmt.Errorf("digest a credential: %w", err)
	}
	var since int64
	err = db.update(ctx, func(t *tx) error {
		digest := hex.EncodeToString(sum)
		if _, err := t.exec("insert into credentials (digest, first_used) values ($1, $2) on conflict (digest) do nothing", digest, ms(t.now)); err != nil {
			return err
		}
		return t.query(func(s scanner) error { return s.Scan(&since) }, "select first_used from credentials where digest = $1", digest)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("note since when a credential is used: %w", err)
	}
	return at(since), nil
}

// TokenRenewed returns when a connection's token was stored last, zero when it has
// none.
func (db *DB) TokenRenewed(ctx context.Context, connection string) (renewed time.Time, err error) {
	var when int64
	err = db.view(ctx, func(s scanner) error { return s.Scan(&when) }, "select changed_at from tokens where connection = $1 and sealed <> ''", connection)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the token of connection %s was renewed: %w", connection, err)
	}
	return at(when), nil
}

// Schema returns the version of the schema.
func (db *DB) Schema(ctx context.Context) (int, error) {
	steps, err := migrationsOf(migrations, db.name)
	if err != nil {
		return 0, err
	}
	return db.schemaVersion(ctx, db.read, steps)
}
